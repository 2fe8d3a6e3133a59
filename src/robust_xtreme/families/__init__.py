"""One file per family of tasks: its head, how an example is read, and how scores become a prediction."""
