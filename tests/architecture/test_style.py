"""The house rules that no linter knows: files of one subject, names of classes, reasons for exceptions."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeGuard

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
EVERYTHING = [path for name in ("src", "tests", "benchmarks", "tools") for path in sorted((ROOT / name).rglob("*.py"))]
TEXTS = [*EVERYTHING, *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "Makefile", ROOT / "pyproject.toml"]
VAGUE = {"utils", "helpers", "common", "misc", "manager"}
LONGEST_FILE = 600

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name(path: Path) -> str:
    """A path as a failure shows it."""
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[Function]:
    """All functions of a file, nested ones too."""
    tree = ast.parse(path.read_text("utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def matching_lines(paths: Sequence[Path], pattern: str) -> list[str]:
    """The lines of some files in which a pattern occurs, each after the name of its file."""
    wanted = re.compile(pattern)
    return [
        f"{name(path)}: {line}"
        for path in paths
        for line in path.read_text("utf-8").splitlines()
        if wanted.search(line)
    ]


def test_a_file_fits_in_one_reading() -> None:
    """No file has more than 600 lines, and none has a name that says nothing."""
    assert [name(path) for path in EVERYTHING if len(path.read_text("utf-8").splitlines()) > LONGEST_FILE] == []
    assert [name(path) for path in EVERYTHING if path.stem in VAGUE] == []


def test_no_inheritance_trees() -> None:
    """The library composes: `super()` only hands a constructor's arguments to a class of Python's or a library's."""
    assert matching_lines(SOURCES, r"\bsuper\((?!\)\.__init__\()") == []


def test_no_class_extends_one_of_ours() -> None:
    """Every class of the library is final but errors and protocols."""
    classes: dict[str, set[str]] = {}
    for node in (node for path in SOURCES for node in ast.walk(ast.parse(path.read_text("utf-8")))):
        if isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base).partition("[") for base in node.bases]
            classes.setdefault(node.name, set()).update(named[0].rpartition(".")[2] for named in bases)

    def is_open(name: str) -> bool:
        return name in ("Exception", "Protocol") or any(map(is_open, classes.get(name, ())))

    assert {base for bases in classes.values() for base in bases if base in classes and not is_open(base)} == set()


def test_dataclasses_are_frozen_and_slotted() -> None:
    """A value does not change after it is made; one that does says why on the line."""
    assert matching_lines(SOURCES, r"^ *@dataclass(?!\([^)]*frozen=True[^)]*slots=True)(?!.*\)  # \w)") == []


def test_there_is_no_global_randomness() -> None:
    """Draws are keyed: a global generator is seeded only where one is lent to a library and put back."""
    lent = ROOT / "src/robust_xtreme/noise/engine/rewriter.py"
    sources = [path for path in SOURCES if path != lent]
    assert matching_lines(sources, r"^\s*(?:import random|from random)\b|\bnp\.random\.seed|\brandom\.seed\(") == []


def test_an_exception_has_its_reason_on_the_line() -> None:
    """`noqa` and `type: ignore` name a rule and say why."""
    reason = re.compile(r"#\s*noqa: [A-Z0-9, ]+ - \S|#\s*type:\s*ignore\[[^\]]+\]\s+#\s*\S")
    marks = matching_lines(EVERYTHING, r"\S.*#\s*(?:noqa|type:\s*ignore)\b")
    assert [mark for mark in marks if not reason.search(mark) and "re.compile" not in mark] == []


def test_no_machine_is_named() -> None:
    """Nothing in the project depends on where it is, or says which registry it was fetched from."""
    assert matching_lines(TEXTS, r"/wo[r]k/|/ho[m]e/\w|/op[t]/\w|pypi\.o[r]g|registry\.np[m]") == []


def test_every_test_says_the_behaviour() -> None:
    """Each test has a docstring that is a sentence."""
    tests = [(path, node) for path in EVERYTHING if path.name.startswith("test_") for node in functions(path)]
    named = [(path, node) for path, node in tests if node.name.startswith("test_")]
    silent = [f"{name(path)}: {node.name}" for path, node in named if not (ast.get_docstring(node) or "").endswith(".")]
    assert silent == []


def test_the_name_of_a_class_is_its_own() -> None:
    """A public class of the library has a name that no other one has, so that its name says which class it is."""
    classes = [node.name for path in SOURCES for node in ast.parse(path.read_text("utf-8")).body if _is_class(node)]
    assert {name for name, count in Counter(classes).items() if count > 1} == set()


def _is_class(node: ast.stmt) -> TypeGuard[ast.ClassDef]:
    return isinstance(node, ast.ClassDef) and not node.name.startswith("_")
