"""One file per kind of head: how an example is read, and how scores become a prediction."""
