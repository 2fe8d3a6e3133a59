"""A noisy text is refused where it would break the form of its file; numbers in messages have their noun."""

from __future__ import annotations

import pytest

from robust_xtreme.core.errors import DataError, counted
from robust_xtreme.tasks.formats._record import on_one_line


@pytest.mark.parametrize("mark", ["\t", "\n", "\r"])
def test_a_text_with_a_mark_of_its_file_is_refused_with_its_line(mark: str) -> None:
    """The line says which character the perturbation has put in."""
    with pytest.raises(DataError, match="cannot contain") as raised:
        on_one_line(f"a{mark}b", "a.tsv", 7, "\t\n\r")
    assert repr(mark) in str(raised.value)


def test_a_plain_text_stays_as_it_is() -> None:
    """A tab is not a mark of a file of lines."""
    assert on_one_line("a\tb", "a.txt", 7) == "a\tb"


def test_one_of_something_is_in_the_singular() -> None:
    """Numbers in messages have their noun in the right form, and commas between thousands."""
    assert [counted(count, "row") for count in (0, 1, 2, 2490)] == ["0 rows", "1 row", "2 rows", "2,490 rows"]
