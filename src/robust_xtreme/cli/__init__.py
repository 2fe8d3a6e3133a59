"""The commands of `robust-xtreme`, one file each: parse arguments, call one function, print."""

from robust_xtreme.cli._app import build, main

__all__ = ["build", "main"]
