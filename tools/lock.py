"""Print the pins of locks/default.txt: the installed versions of everything that the project asks for, directly or not.

Local version tags (`2.13.0+cpu`) are stripped, so that the same pin names the build of every machine; no index and no
place is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT: Final = "robust-xtreme"
EXTRAS: Final = ("dev", "bench")
HEADER: Final = (
    "# Written by `make lock`: the versions that the checks run with. Use as: pip install -c locks/default.txt"
)


def needs(name: str, extras: tuple[str, ...]) -> Iterator[Requirement]:
    """The requirements of an installed distribution that apply here, with the given extras."""
    for line in distribution(name).requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement


def closure() -> dict[str, str]:
    """Name and version of everything reachable from the project, itself left out; what is not installed is skipped."""
    versions: dict[str, str] = {}
    waiting: list[tuple[str, tuple[str, ...]]] = [(PROJECT, EXTRAS)]
    seen: set[tuple[str, tuple[str, ...]]] = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            versions[name] = distribution(name).version.split("+")[0]
        except PackageNotFoundError:
            continue
        waiting += [
            (canonicalize_name(requirement.name), tuple(sorted(requirement.extras)))
            for requirement in needs(name, extras)
        ]
    return {name: version for name, version in versions.items() if name != PROJECT}


def main() -> None:
    """Print the lock file."""
    print(HEADER)
    for name, version in sorted(closure().items()):
        print(f"{name}=={version}")


if __name__ == "__main__":
    main()
