"""One file per command of `robust-xtreme`: parse words, call one function, print."""
