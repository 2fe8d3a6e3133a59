"""Units: independent pieces of work, dealt to actors, which are processes on this machine or on a cluster."""
