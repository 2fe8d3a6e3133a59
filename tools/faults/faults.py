"""The list of planted faults: which line of the source becomes what, and which tests must fail then."""

from __future__ import annotations

import ast
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

FOLDER: Final = Path(__file__).parent
PACKAGE: Final = Path("src/robust_xtreme")
FEWEST: Final = 60


@final
@dataclass(frozen=True, slots=True)
class Fault:
    """One planted fault: in `file` the text `old`, which occurs once, becomes `new`; one of `tests` must fail.

    `breaks` says which behaviour is wrong then, and `source` is the list that contains the fault.
    """

    name: str
    file: str
    old: str
    new: str
    breaks: str
    tests: tuple[str, ...]
    source: str

    @property
    def package(self) -> str:
        """The package of the file, `noise/nlpaug` say; the modules at the top are `robust_xtreme`."""
        folder = Path(self.file).parent.relative_to(PACKAGE).as_posix()
        return PACKAGE.name if folder == "." else folder

    def planted(self, text: str) -> str:
        """The text of the file with the fault in it. Raises ValueError where `old` does not occur exactly once."""
        count = text.count(self.old)
        if count != 1:
            raise ValueError(f"{self.file} has the old text {count} times, and must have it once: {self.old!r:.80}")
        return text.replace(self.old, self.new)


def read(folder: Path = FOLDER) -> list[Fault]:
    """All faults of the lists in a folder, by list and in the order written."""
    return [
        Fault(**{**entry, "tests": tuple(entry["tests"])}, source=path.name)
        for path in sorted(folder.glob("*.toml"))
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["fault"]
    ]


def problems(faults: Sequence[Fault], root: Path) -> Iterator[str]:
    """A sentence about each fault that does not fit the files under a root, and about each package without one."""
    names = Counter(fault.name for fault in faults)
    yield from (f"{name}: {count} faults have this name." for name, count in names.items() if count > 1)
    for fault in faults:
        yield from (f"{fault.name} ({fault.source}): {why}" for why in _unfit(fault, root))
    covered = {fault.package for fault in faults}
    for package in sorted(packages(root) - covered):
        yield f"The package {package} has no planted fault: add one to a list in {FOLDER.name}/."
    if len(faults) < FEWEST:
        yield f"There are {len(faults)} planted faults, and at least {FEWEST} are needed."


def _unfit(fault: Fault, root: Path) -> Iterator[str]:
    path = root / fault.file
    if not path.is_file():
        yield f"there is no file {fault.file}."
    else:
        try:
            ast.parse(fault.planted(path.read_text(encoding="utf-8")))
        except (ValueError, SyntaxError) as error:
            yield f"{error}."
    yield from (why for test in fault.tests if (why := _missing(test, root)))
    if not fault.tests or fault.old == fault.new:
        yield "it names no test, or changes nothing."


def _missing(test: str, root: Path) -> str:
    """Why there is no such test; empty where there is."""
    file, _, rest = test.partition("::")
    name = rest.partition("[")[0]
    path = root / file
    if not path.is_file():
        return f"there is no test file {file}. Name the file that its tests are in now."
    if name and f"def {name}(" not in path.read_text(encoding="utf-8"):
        return f"{file} has no test {name}. Name the test that checks this now."
    return ""


def packages(root: Path) -> set[str]:
    """The folders of the package that have modules besides `__init__.py`, as `Fault.package` names them."""
    source = root / PACKAGE
    modules = [path for path in source.rglob("*.py") if path.name != "__init__.py"]
    folders = {path.parent.relative_to(source).as_posix() for path in modules}
    return {PACKAGE.name if folder == "." else folder for folder in folders if not folder.startswith("_")}


def chosen(faults: Iterable[Fault], names: Sequence[str], within: Sequence[str]) -> list[Fault]:
    """The faults of those names, or of those packages; all where neither is given."""
    if not names and not within:
        return list(faults)
    return [fault for fault in faults if fault.name in names or fault.package in within]
