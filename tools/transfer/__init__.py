"""A study of transfer: intermediate tasks, controls and their mix, over several seeds, from scratch on a CPU."""
