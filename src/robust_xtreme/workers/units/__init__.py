"""Units: independent pieces of work that are given to actors, which are processes on this machine or on a cluster."""
