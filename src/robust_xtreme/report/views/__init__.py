"""One file per view: a function from the results of a run to one frame."""
