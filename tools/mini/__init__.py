"""The makers of mini, the embedded default: a suite of three tasks from templates, and a small multilingual encoder."""
