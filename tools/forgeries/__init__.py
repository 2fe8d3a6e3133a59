"""Forgeries of runs, which `verify` finds or not, as docs/verify.md says."""
