"""What a test or a case marked `long` catches, another catches in `make test`, where the marker names one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_LONG: Final = "pytest.mark.long"


@cache
def _tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text("utf-8"))


def _is_long(marker: ast.expr) -> bool:
    return ast.unparse(marker.func if isinstance(marker, ast.Call) else marker) == _LONG


@cache
def _whole(path: str) -> dict[str, bool]:
    """The tests of a file, and whether all cases of each are long."""
    tree = _tree(path)
    marks = [node.value for node in tree.body if isinstance(node, ast.Assign) and _names(node) == ["pytestmark"]]
    every = [each for mark in marks for each in (mark.elts if isinstance(mark, ast.List) else [mark])]
    of_file = any(map(_is_long, every))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))
    return {node.name: of_file or any(map(_is_long, node.decorator_list)) for node in functions}


def _names(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


def _stays(test: str) -> bool:
    """Whether there is such a test and a case of it is part of `make test`."""
    path, _, rest = test.partition("::")
    name = rest.partition("[")[0]
    return (ROOT / path).is_file() and not _whole(path).get(name, True)


def _caught() -> Iterator[tuple[str, str]]:
    """The place of each `caught`, and the test that it names; a name alone is of the same file."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if "caught=" in path.read_text("utf-8"):
            name = path.relative_to(ROOT).as_posix()
            calls = [node for node in ast.walk(_tree(name)) if isinstance(node, ast.Call)]
            for word in (word for call in calls for word in call.keywords if word.arg == "caught"):
                value = ast.literal_eval(word.value)
                yield f"{name}:{word.lineno}", value if "::" in value else f"{name}::{value}"


def test_what_a_long_test_catches_is_caught_by_one_that_is_not() -> None:
    """`caught` names a test that exists, and of which at least a case is not long."""
    every = dict(_caught())
    assert len(every) > len(set(every.values())) / 2 > 10
    assert {place: test for place, test in every.items() if not _stays(test)} == {}
