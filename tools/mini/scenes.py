"""Draws scenes of the world, and writes their descriptions with captions.

`python -m tools.mini.scenes src/robust_xtreme/_mini/world/images/scenes.jsonl`: the same seed gives the same bytes, and
more scenes begin with the fewer. A scene contains no pair of words that only tests have (`split`). Its captions
say what the image shows: nothing is negated, and there are neither days nor years.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Final

from tools.mini import draws, meaning, rows, split
from tools.mini.meaning import Clause, Organisation, Person, Thing

LANGUAGES: Final = ("en", "de", "sw", "zh", "en/1", "en/2", "en/3", "en/4")
"""Languages of captions; `en/3` are English words in the third of the made-up orders."""

COUNT: Final = 2000
_VERBS: Final = (
    *meaning.ACTIONS, *meaning.TRANSFERS, *meaning.ENCOUNTERS, "live", "travel", "work", "be_adjective", "be_role",
)  # fmt: skip
_PARTS: Final = ("subject", "object", "recipient")


def scenes(seed: int) -> Iterator[dict[str, Any]]:
    """Scenes without end, each once, of every verb in turn."""
    seen: set[str] = set()
    number = 0
    while True:
        clause = _clause(_VERBS[number % len(_VERBS)], f"scenes/{seed}/{number}")
        described = description(clause)
        key = json.dumps(described)
        number += 1
        if key in seen:
            continue
        seen.add(key)
        captions = {language: rows.text(language, [clause]) for language in LANGUAGES}
        yield {"id": f"{len(seen) - 1:04d}", "scene": described, "captions": captions}


def _clause(verb: str, key: str) -> Clause:
    """A clause of a verb with only what an image shows."""

    def draw(source: Random) -> Clause:
        return replace(draws.clause(source, verb), day="", year=0, negated=False)

    return split.drawn(draw, lambda clause: (clause,), key, False)


def description(clause: Clause) -> dict[str, Any]:
    """What is drawn of a clause: its verb, its figures in the order of their parts, and its place."""
    figures = [_figure(getattr(clause, part), clause) for part in _PARTS]
    while figures[-1] is None:
        figures.pop()
    return {"verb": clause.verb, "figures": figures, "place": clause.place}


def _figure(entity: Thing | Person | Organisation | None, clause: Clause) -> dict[str, Any] | None:
    match entity:
        case Person(first, last):
            return {"sort": "person", "names": [first, last] if last else [first]}
        case Organisation(stem, kind):
            return {"sort": "organisation", "names": [stem, kind]}
        case Thing(noun) if noun in meaning.ROLES:
            return {"sort": "role", "names": [noun]}
        case Thing(noun, adjective):
            quality = adjective or (clause.quality if entity is clause.subject else "")
            facts = {"kind": draws.kind_of(noun), "quality": quality}
            return {"sort": "thing", "names": [noun], **{name: fact for name, fact in facts.items() if fact}}
    return None


def write(path: Path, count: int = COUNT, seed: int = 0) -> None:
    """Write the first scenes, one a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(scene, ensure_ascii=False) for scene in islice(scenes(seed), count))
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def main() -> None:
    """Write the file that the command line names."""
    command = argparse.ArgumentParser(prog="python -m tools.mini.scenes", description=__doc__)
    command.add_argument("path", type=Path)
    command.add_argument("--count", type=int, default=COUNT)
    arguments = command.parse_args()
    write(arguments.path, arguments.count)
    print(arguments.path)


if __name__ == "__main__":
    main()
