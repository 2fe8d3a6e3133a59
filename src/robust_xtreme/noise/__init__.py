"""One file per perturbation; the engine that all of them share is `_engine`."""
