"""One file for each scheme: a value of the file's name that says which languages it serves, and how it spells them."""
