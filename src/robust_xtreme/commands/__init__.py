"""One file per command of `robust-xtreme`: parse words, call one function, print."""

from robust_xtreme.commands._app import build, main

__all__ = ["build", "main"]
