"""Runs of the embedded model with a forgery, and what `verify` finds of it."""

from __future__ import annotations

import gzip
import json
import random
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tools.forgeries.kinds import HIGH, KINDS, LOW, Forger

from robust_xtreme.api import evaluate
from robust_xtreme.core import resources
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.run_spec import from_toml
from robust_xtreme.files.manifest import MANIFEST, read_manifest
from robust_xtreme.report.charts.drawing import Drawing, svg
from robust_xtreme.run.plan import make_plan
from robust_xtreme.run.run import evaluate as evaluate_
from robust_xtreme.run.verifying import Verifying

TABLE: Final = Path(__file__).parents[2] / "docs" / "verify.md"
LANGUAGES: Final = ("sw", "de")
RUNS: Final = ("data", "narrow")
"""The kinds of forgeries that are runs of their own."""


def table() -> dict[str, tuple[str, str, str]]:
    """By kind of forgery, what docs/verify.md says: without the model, with it, and the check that finds it."""
    rows = (line.split("|") for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| `"))
    cells = ([cell.strip() for cell in row[1:-1]] for row in rows)
    return {row[0].strip("`"): (row[2], row[3], row[4].strip("`")) for row in cells if len(row) == 5}


def sources(folder: Path, tasks: Sequence[str], limit: int = 40, others: bool = True) -> Path:
    """The run that is forged, `run`, and with `others` those that forgers take rows of: other seeds, another model."""
    noise = [f"{LOW},{HIGH.partition(':')[2]}"]
    spec: dict[str, Any] = {"tasks": tasks, "languages": LANGUAGES, "perturb": noise, "limit": limit, "device": "cpu"}
    spec |= {"cache": False, "workers": "0"}
    evaluate(**spec, out=folder / "run")
    if not others:
        return folder
    evaluate(**spec, seeds=2, out=folder / "seeds")
    functions: dict[str, Any] = {
        "classify": lambda pairs: ["neutral" for _ in pairs],
        "tag": lambda rows: [["O" if "panx" in tasks else "NOUN" for _ in words] for words in rows],
        "answer": lambda pairs: [context[: context.find(" ", 3)] for _, context in pairs],
        "choose": lambda rows: [0 for _ in rows],
        "encode": lambda texts: [[len(text) % 7, text.count("a"), 1.0] for text in texts],
    }
    families = {
        "xnli": "classify",
        "panx": "tag",
        "udpos": "tag",
        "xquad": "answer",
        "xcopa": "choose",
        "tatoeba": "encode",
    }
    given = {families[task]: functions[families[task]] for task in tasks}
    evaluate(**spec, **given, data="mini", model=[], out=folder / "other")
    return folder


def forged(source: Path, kind: str, number: int, folder: Path) -> Path:
    """A copy of the run of `source` in `folder` with a forgery of a kind; the same number gives the same."""
    shutil.copytree(source / "run", folder)
    manifest = read_manifest(folder / MANIFEST)
    plan = make_plan(from_toml(folder / "run.toml"))
    KINDS[kind](Forger(folder, random.Random(f"{kind} {number}"), source, manifest, plan))
    return folder


def verified(folder: Path, **options: Any) -> tuple[list[str], float]:
    """The names of the checks that differ, and the seconds of processor time that all took."""
    begin, found, made = time.process_time(), list[str](), 0
    try:
        for check in Verifying(**options).checks(folder):
            made += 1
            found += [check.name] if check.differs else []
    except UserError as error:
        found.append(str(error) if made else "files")
    return found, time.process_time() - begin


def draw_here() -> None:
    """Draw charts in this process, each once: a process for each page takes most of the time of thousands."""

    def svgs(_: Drawing, specs: Sequence[Mapping[str, Any]]) -> list[str]:
        return [svg(json.loads(json.dumps(spec))) for spec in specs]

    for name, made in {"start": lambda _: None, "svgs": svgs}.items():
        setattr(Drawing, name, made)


def own_run(source: Path, kind: str, number: int, folder: Path) -> Path:
    """A run on data that were changed, `data`, or of one language alone."""
    spec = from_toml(source / "run" / "run.toml")
    chance = random.Random(f"{kind} {number}")
    if kind == "narrow":
        changes: dict[str, Any] = {"languages": (chance.choice(LANGUAGES),)}
    else:
        suite = Path(shutil.copytree(resources.mini("suite"), folder / "suite"))
        task = next(task for task in spec.tasks if task != "tatoeba")
        path = suite / task / f"test-{chance.choice(LANGUAGES)}.jsonl.gz"
        path.write_bytes(gzip.compress(_relabelled(gzip.decompress(path.read_bytes()), chance), mtime=0))
        changes = {"data": str(suite)}
    evaluate_(replace(spec, **changes, out=str(folder / "run")), cache=False)
    return folder / "run"


def _relabelled(lines: bytes, chance: random.Random) -> bytes:
    """Rows of which a third has another label, the question of another one, or its tags in another order."""
    rows = [json.loads(line) for line in lines.splitlines()]
    labels = sorted({str(row["label"]) for row in rows if "label" in row})
    for row in (row for row in rows if chance.random() < 1 / 3):
        if "label" in row:
            other = chance.choice([label for label in labels if label != str(row["label"])])
            row["label"] = type(row["label"])(other)
        elif "tags" in row:
            row["tags"] = row["tags"][::-1]
        else:
            row["question"] = chance.choice(rows)["question"]
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()
