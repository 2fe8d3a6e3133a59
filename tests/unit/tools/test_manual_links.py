"""Links of the manual that leave docs/: the site names what is there, and a broken one stays and fails the build."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tools import manual_links


@pytest.mark.parametrize(
    ("page", "given", "expected"),
    [
        ("gate.md", "see [its table](../reports/coverage.md#tried), too", "see its table (`reports/coverage.md`), too"),
        ("how-to/models.md", "[`kinds`](../../reports/kinds)", "`kinds` (`reports/kinds`)"),
        ("gate.md", "[a](../reports/nowhere.md)", "[a](../reports/nowhere.md)"),
        ("how-to/models.md", "[a](../gate.md) [b](../reports/matrix.md)", "[a](../gate.md) [b](../reports/matrix.md)"),
    ],
)
def test_what_is_outside_of_the_manual_is_named(page: str, given: str, expected: str) -> None:
    """By its path in the repository, where there is something; other links are as they were."""
    assert manual_links.on_page_markdown(given, SimpleNamespace(file=SimpleNamespace(src_uri=page))) == expected
