"""The designs of the studies: a file for each question, with an object of the same name."""
