"""CSV: columns separated by commas, under a line of their names; cells may be quoted and contain line ends."""

from functools import partial
from typing import Final

from robust_xtreme.tasks.formats._table import read_table

TAKES: Final = ("--language-field", "--header", "--keep", "--skip-null")

records = partial(read_table, separator=",")
