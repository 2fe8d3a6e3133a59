"""Keyboards and input methods: what is typed when a key goes wrong."""
