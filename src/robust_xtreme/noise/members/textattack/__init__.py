"""Recipes of TextAttack, as attacks: a file each."""
