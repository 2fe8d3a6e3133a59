"""Natural members and `code_switch` beside `keyboard_typo`, in one run, for benchmarks/perturb.py."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import _perturb_peers as beside

from robust_xtreme.core import packs
from robust_xtreme.core.edits import span_table
from robust_xtreme.core.examples import Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import bound, noise_values
from robust_xtreme.report.blocks import Block, Paragraph, Prose, grid
from robust_xtreme.tasks import aligning
from robust_xtreme.tasks.sources.source import open_source

NAMES: Final = ("keyboard_typo", "natural_typing", "natural_writing", "natural")
CODES: Final = ("de", "en", "ru", "ar", "hi", "th", "zh")
SWITCHED: Final = ("de", "hi", "zh")
HALF: Final = 0.5
"""The least that a mixture does of what keyboard_typo, the largest of its parts, does on the same texts."""
LEAST: Final = 1.0
"""Millions of characters/s of code_switch, once the texts are aligned."""

_HEAD: Final = """\
Natural members mix six to nine perturbations, each of which plans its edits of all texts, beside `keyboard_typo`;
`code_switch:0.3` puts in English words of packs made by `align` before the timed part. Both in one run, by language.
"""

Texts = Mapping[str, Mapping[str, Sequence[Text]]]
"""By task and language."""


def measure(texts: Texts, folder: Path, about: Mapping[str, str], runs: int) -> dict[str, Any]:
    """The figures of each task and language, and what they were taken on."""
    rows: list[dict[str, Any]] = []
    for task, by_code in texts.items():
        for code in (code for code in CODES if code in by_code):
            speeds = {name: speed(f"{name}:0.1", code, by_code[code], runs) for name in NAMES}
            size = sum(len(text.value) for text in by_code[code])
            rows.append({"task": task, "language": code, "characters": size, "speeds": speeds, "switched": None})
    with tempfile.TemporaryDirectory() as out:
        Path(out, packs.PARALLEL).mkdir()
        for row in (row for row in rows if row["task"] == "xnli" and row["language"] in SWITCHED):
            code = row["language"]
            content, _ = aligning.align(open_source(str(folder)), code, "en")
            Path(out, packs.PARALLEL, f"{code}-en.tsv").write_bytes(content)
            with packs.using(out):
                row["switched"] = speed("code_switch:0.3", code, texts["xnli"][code], runs)
    return {"about": about, "rows": rows}


def speed(spec: str, code: str, texts: Sequence[Text], runs: int) -> float | None:
    """Millions of characters/s; None where the perturbation does not serve the language."""
    link = bound(PerturbationSpec.parse(spec))[0]
    if link.lacks(code):
        return None
    values, ids, spans = [text.value for text in texts], [text.id for text in texts], [text.spans for text in texts]
    table = span_table(spans)
    taken = beside.seconds(lambda: noise_values(values, ids, table, code, link, 0), runs + 1)  # the first run loads
    return sum(map(len, values)) / taken / 1e6


def blocks(record: Mapping[str, Any]) -> Iterator[Block]:
    """The part of the page."""
    yield Prose(_HEAD)
    yield Paragraph("; ".join(f"{key}: {value}" for key, value in record["mixtures"]["about"].items()))
    yield grid(("task", "language", "characters", *NAMES, "code_switch"), map(_cells, record["mixtures"]["rows"]), 2)


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    speeds = [row["speeds"][name] for name in NAMES] + [row["switched"]]
    return row["task"], row["language"], str(row["characters"]), *(f"{each:.1f}" if each else "" for each in speeds)


def shares(record: Mapping[str, Any], name: str) -> list[float]:
    """What a mixture does of what keyboard_typo does, by cell."""
    cells = [row["speeds"] for row in record["mixtures"]["rows"]]
    return [cell[name] / cell[NAMES[0]] for cell in cells if cell[name] and cell[NAMES[0]]]


def missed(record: Mapping[str, Any]) -> Iterator[str]:
    """The bars that are not kept, each in words."""
    for name in NAMES[1:]:
        every = shares(record, name)
        if low := [share for share in every if share < HALF]:
            yield f"{name} in {len(low)} of {len(every)} languages ({min(low):.2f} to {max(low):.2f} of {NAMES[0]})"
    slow = [row for row in record["mixtures"]["rows"] if row["switched"] and row["switched"] < LEAST]
    yield from (f"code_switch in {row['language']} ({row['switched']:.1f})" for row in slow)


def verdict(record: Mapping[str, Any]) -> str:
    """The figures nearest to the bars."""
    least = min(share for name in NAMES[1:] for share in shares(record, name))
    switched = min(row["switched"] for row in record["mixtures"]["rows"] if row["switched"])
    return f"Mixtures at least {least:.2f} of {NAMES[0]} (bar {HALF}); code_switch {switched:.1f} (bar {LEAST:.0f})."
