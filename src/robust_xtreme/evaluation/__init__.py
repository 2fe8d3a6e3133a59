"""Evaluation: a checkpoint answers every task clean and perturbed, and what it said is stored."""
