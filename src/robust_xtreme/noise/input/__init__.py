"""Keyboards and input methods: the key errors of each."""
