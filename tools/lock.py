"""Print pins of installed versions: of everything that the project asks for, directly or not, or of a part of it.

`python tools/lock.py` prints locks/default.txt. `python tools/lock.py gate` prints locks/gate.txt: the dependencies
without the large libraries that only evaluation, training and the hub need. `python tools/lock.py ray` prints what Ray
adds to locks/default.txt, in the environment of `make test-ray`; `python tools/lock.py textattack` everything that the
environment of `make test-textattack` has, whose transformers is older. `python tools/lock.py bridge` prints all that
lm-eval is tested with, `python tools/lock.py inspect FOLDER` all that is installed in the folder with inspect_ai;
`python tools/lock.py sentence` what sentence-transformers adds to locks/default.txt.
Local version tags (`2.13.0+cpu`) are stripped, so that the same pin names the build of every machine; no index and no
place is written.
"""

from __future__ import annotations

import sys
from collections.abc import Container, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution, distributions
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from robust_xtreme.core.errors import LARGE

PROJECT: Final = "robust-xtreme"
EXTRAS: Final = ("dev", "bench")
HEADER: Final = (
    "# Written by `make lock`: the versions that the checks run with. Use as: pip install -c locks/default.txt"
)
GATE: Final = (
    "# Written by `make lock`: what robust-xtreme needs to perturb and import files, and to read, compare and gate\n"
    "# finished runs, without torch.\n"
    "# Use as: pip install --no-deps -r locks/gate.txt robust-xtreme"
)
RAY: Final = (
    "# Written by `make lock`: what Ray needs besides locks/default.txt. Use as: pip install -c locks/default.txt -c "
    "locks/ray.txt"
)
TEXTATTACK: Final = (
    "# Written by `make lock`: the versions that TextAttack is tested with, transformers 4 among them.\n"
    "# Use as: pip install -c locks/textattack.txt 'robust-xtreme[textattack]'"
)
BRIDGE: Final = (
    "# Written by `make lock`: versions that lm-eval is tested with, and the last transformers that its tasks use.\n"
    "# Use as: pip install -c locks/bridge.txt 'robust-xtreme[lm-eval]'"
)
INSPECT: Final = (
    "# Written by `make lock`: the versions that inspect_ai is tested with, whose fsspec is not that of datasets.\n"
    "# Use as: pip install -c locks/inspect.txt inspect_ai torch transformers accelerate"
)
SENTENCE: Final = (
    "# Written by `make lock`: what sentence-transformers needs besides locks/default.txt.\n"
    "# Use as: pip install -c locks/default.txt -c locks/sentence.txt sentence-transformers"
)
TOOLS: Final = ("pip", "setuptools", "wheel")
TESTS: Final = ("hypothesis", "pytest", "pytest-timeout")
_LARGE: Final = frozenset({*(name.replace("_", "-") for name in LARGE), "faiss-cpu"})


def needs(name: str, extras: tuple[str, ...], without: Container[str] = ()) -> Iterator[Requirement]:
    """The requirements of an installed distribution that apply here, with the given extras."""
    for line in distribution(name).requires or ():
        requirement = Requirement(line)
        applies = requirement.marker is None or any(
            requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)
        )
        if applies and canonicalize_name(requirement.name) not in without:
            yield requirement


def closure(extras: tuple[str, ...], without: Container[str] = (), beside: Sequence[str] = ()) -> dict[str, str]:
    """Name and version of everything reachable from the project, itself left out, and from distributions beside it.

    What is not installed is skipped.
    """
    versions: dict[str, str] = {}
    waiting: list[tuple[str, tuple[str, ...]]] = [(PROJECT, extras), *((name, ()) for name in beside)]
    seen: set[tuple[str, tuple[str, ...]]] = set()
    while waiting:
        name, of_name = waiting.pop()
        if (name, of_name) in seen:
            continue
        seen.add((name, of_name))
        try:
            versions[name] = distribution(name).version.split("+")[0]
        except PackageNotFoundError:
            continue
        waiting += [
            (canonicalize_name(requirement.name), tuple(sorted(requirement.extras)))
            for requirement in needs(name, of_name, without)
        ]
    return {name: version for name, version in versions.items() if name != PROJECT}


def installed(folder: str) -> dict[str, str]:
    """Name and version of all that is installed in a folder, but for pip and what comes with it."""
    versions = {canonicalize_name(each.name): each.version.split("+")[0] for each in distributions(path=[folder])}
    return {name: version for name, version in versions.items() if name not in TOOLS}


def main() -> None:
    """Print the lock file."""
    match sys.argv[1:]:
        case ["gate"]:
            header, versions = GATE, closure((), _LARGE)
        case ["ray"]:
            header, versions = RAY, closure(("ray",))
            versions = {name: version for name, version in versions.items() if name not in closure(())}
        case ["textattack"]:
            header, versions = TEXTATTACK, closure(("textattack",), beside=TESTS)
        case ["bridge"]:
            header, versions = BRIDGE, closure(("lm-eval",), beside=TESTS)
        case ["sentence"]:
            header, versions = SENTENCE, closure((), beside=("sentence-transformers",))
            versions = {name: version for name, version in versions.items() if name not in closure(())}
        case ["inspect", folder]:
            header, versions = INSPECT, installed(folder)
        case _:
            header, versions = HEADER, closure(EXTRAS)
    print(header)
    for name, version in sorted(versions.items()):
        print(f"{name}=={version}")


if __name__ == "__main__":
    main()
