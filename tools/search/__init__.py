"""Who finds what people type: search systems on clean and noisy queries, for `make search`."""
