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
from robust_xtreme.noise.engine.perturbation import Bound
from robust_xtreme.noise.members import natural
from robust_xtreme.report.blocks import Block, Paragraph, Prose, grid
from robust_xtreme.tasks import aligning
from robust_xtreme.tasks.sources.source import open_source

MIXTURES: Final = {"natural_typing": ("typing",), "natural_writing": ("writing",), "natural": ("typing", "writing")}
"""The kinds of natural errors of each mixture."""
NAMES: Final = ("keyboard_typo", *MIXTURES)
STRENGTH: Final = 0.1
CODES: Final = ("de", "en", "ru", "ar", "hi", "th", "zh")
SWITCHED: Final = ("de", "hi", "zh")
WORDS: Final = 3.0
"""Millions of characters/s of natural members, which edit letters and words: the engine's bar of word level."""
LEAST: Final = 1.0
"""Millions of characters/s of code_switch, once the texts are aligned."""

_HEAD: Final = """\
Natural members mix up to eleven perturbations, each of which plans its edits of all texts; after the slash, those
perturbations of the same texts one after another, each at its share of the strength and without what brings slips
together. `keyboard_typo` is one such part.
`code_switch:0.3` puts in English words of packs made by `align` before the timed part. All in one run, by language.
"""

Texts = Mapping[str, Mapping[str, Sequence[Text]]]
"""By task and language."""


def measure(texts: Texts, folder: Path, about: Mapping[str, str], runs: int) -> dict[str, Any]:
    """The figures of each task and language, and what they were taken on."""
    rows: list[dict[str, Any]] = []
    for task, by_code in texts.items():
        for code in (code for code in CODES if code in by_code):
            speeds = {name: speed(f"{name}:{STRENGTH}", code, by_code[code], runs) for name in NAMES}
            size = sum(len(text.value) for text in by_code[code])
            rows.append({"task": task, "language": code, "characters": size, "speeds": speeds, "switched": None})
            rows[-1]["parts"] = {name: in_turn(name, code, by_code[code], runs) for name in MIXTURES}
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
    return None if link.lacks(code) else _rate([link], code, texts, runs)


def in_turn(name: str, code: str, texts: Sequence[Text], runs: int) -> float | None:
    """The same of the parts of a mixture one after another, each on the clean texts, at its share of the strength."""
    parts = [part for kind in MIXTURES[name] for part in natural.parts_of(code, kind)]
    strengths = (part.share * STRENGTH / len(MIXTURES[name]) for part in parts)
    links = [
        Bound(part.perturbation, f"{strength:.6f}", part.params)
        for part, strength in zip(parts, strengths, strict=True)
    ]
    return _rate(links, code, texts, runs) if links else None


def _rate(links: Sequence[Bound], code: str, texts: Sequence[Text], runs: int) -> float:
    values, ids, spans = [text.value for text in texts], [text.id for text in texts], [text.spans for text in texts]
    table = span_table(spans)

    def work() -> None:
        for link in links:
            noise_values(values, ids, table, code, link, 0)

    return sum(map(len, values)) / beside.seconds(work, runs + 1) / 1e6  # the first run loads


def blocks(record: Mapping[str, Any]) -> Iterator[Block]:
    """The part of the page."""
    yield Prose(_HEAD)
    yield Paragraph("; ".join(f"{key}: {value}" for key, value in record["mixtures"]["about"].items()))
    yield grid(("task", "language", "characters", *NAMES, "code_switch"), map(_cells, record["mixtures"]["rows"]), 2)


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    cells = [_figure(row["speeds"][name], row["parts"].get(name)) for name in NAMES]
    return row["task"], row["language"], str(row["characters"]), *cells, _figure(row["switched"], None)


def _figure(speed: float | None, parts: float | None) -> str:
    return (f"{speed:.1f}" if speed else "") + (f" / {parts:.1f}" if speed and parts else "")


def shares(record: Mapping[str, Any], name: str, parts: bool = False) -> list[float]:
    """What a mixture does of what keyboard_typo, or its parts in turn, do, by cell."""
    rows = record["mixtures"]["rows"]
    pairs = [(row["speeds"][name], row["parts"][name] if parts else row["speeds"][NAMES[0]]) for row in rows]
    return [speed / other for speed, other in pairs if speed and other]


def missed(record: Mapping[str, Any]) -> Iterator[str]:
    """The bars that are not kept, each in words."""
    for name in MIXTURES:
        every = [row["speeds"][name] for row in record["mixtures"]["rows"] if row["speeds"][name]]
        if low := [speed for speed in every if speed < WORDS]:
            yield f"{name} in {len(low)} of {len(every)} languages (from {min(low):.1f})"
    slow = [row for row in record["mixtures"]["rows"] if row["switched"] and row["switched"] < LEAST]
    yield from (f"code_switch in {row['language']} ({row['switched']:.1f})" for row in slow)


def verdict(record: Mapping[str, Any]) -> str:
    """The figures nearest to the bars."""
    rows = record["mixtures"]["rows"]
    least = min(row["speeds"][name] for row in rows for name in MIXTURES if row["speeds"][name])
    of_typo, of_parts = ([each for name in MIXTURES for each in shares(record, name, of)] for of in (False, True))
    switched = min(row["switched"] for row in rows if row["switched"])
    return (
        f"Natural members at least {least:.1f} (bar {WORDS:.0f}), {min(of_typo):.2f} to {max(of_typo):.2f} of "
        f"{NAMES[0]}, at least {min(of_parts):.2f} of their parts in turn; code_switch {switched:.1f} "
        f"(bar {LEAST:.0f})."
    )
