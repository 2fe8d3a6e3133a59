"""`perturb` of a list of strings beside the engine's arrays and nlpaug, for benchmarks/perturb.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from benchmarks import _perturb_peers as beside

from robust_xtreme import perturb
from robust_xtreme.core.edits import span_table
from robust_xtreme.core.languages import language
from robust_xtreme.core.randomness import bare_ids
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import bound, noise_values
from robust_xtreme.report.blocks import Block, Paragraph, Prose, grid

NAMES: Final = ("char_noise", "keyboard_typo")
CODES: Final = ("de", "ru", "ar", "hi", "th", "zh")
SHARE: Final = 0.7
"""The least that `perturb` of strings keeps of the engine's rate."""
TIMES: Final = 10.0
"""How many times the fastest nlpaug it is at least."""

_HEAD: Final = """\
`robust_xtreme.perturb(list[str], ...)` on distinct sentences of xnli, beside the engine, which is given ids and columns
of spans and counts the edits, and beside nlpaug, in one process. All make noise of a tenth; millions of characters/s.
"""


@dataclass(frozen=True, slots=True)
class Strings:
    """One perturbation of distinct strings: millions of characters/s of the engine, `perturb` and nlpaug."""

    perturbation: str
    language: str
    texts: int
    characters: int
    engine: float
    perturb: float
    nlpaug: dict[str, float]

    @property
    def share(self) -> float:
        """What `perturb` keeps of the engine's rate."""
        return self.perturb / self.engine

    @property
    def times(self) -> float | None:
        """`perturb` over the fastest nlpaug; None without one."""
        return self.perturb / max(self.nlpaug.values()) if self.nlpaug else None


def measure(sentences: Mapping[str, Sequence[str]], about: Mapping[str, str], runs: int) -> dict[str, Any]:
    """The figures of each perturbation and language, and what they were taken on."""
    rows = [strings(name, code, list(dict.fromkeys(sentences[code])), runs) for name in NAMES for code in sentences]
    return {"about": about, "rows": [asdict(row) for row in rows]}


def strings(name: str, code: str, values: Sequence[str], runs: int) -> Strings:
    """Both ways in turns, on the same strings with the same draws."""
    spec = f"{name}:{beside.SHARE}"
    link, ids, spans = bound(PerturbationSpec.parse(spec))[0], bare_ids(code, values), span_table([()] * len(values))
    ways = (
        lambda: noise_values(values, ids, spans, code, link, 0),
        lambda: perturb(values, spec, language=code),
    )
    taken = [[beside.seconds(way, 1) for way in ways] for _ in range(runs + 1)]
    characters = sum(map(len, values))
    engine, ours = (characters / min(times) / 1e6 for times in zip(*taken, strict=True))
    peer = beside.nlpaug(name, language(code).script, {code: values}, min(runs, 3))
    return Strings(name, code, len(values), characters, engine, ours, peer)


def rows_of(record: Mapping[str, Any]) -> list[Strings]:
    """The figures of a record."""
    return [Strings(**row) for row in record["strings"]["rows"]]


def blocks(record: Mapping[str, Any]) -> Iterator[Block]:
    """The part of the page."""
    yield Prose(_HEAD)
    yield Paragraph("; ".join(f"{key}: {value}" for key, value in record["strings"]["about"].items()))
    sizes = ("perturbation", "language", "texts", "characters")
    heads = (*sizes, "engine", "perturb", "share", "nlpaug, fastest", "ratio")
    yield grid(heads, map(_cells, rows_of(record)), 2)


def _cells(row: Strings) -> tuple[str, ...]:
    sizes = (row.perturbation, row.language, str(row.texts), str(row.characters))
    peer = (f"{max(row.nlpaug.values()):.2f}", f"{row.times:.0f}") if row.times else ("", "")
    return *sizes, f"{row.engine:.1f}", f"{row.perturb:.1f}", f"{row.share:.2f}", *peer


def missed(record: Mapping[str, Any]) -> Iterator[str]:
    """The bars that are not kept, each in words."""
    for row in rows_of(record):
        where = f"perturb of strings, {row.perturbation} in {row.language}"
        if row.share < SHARE:
            yield f"{where}, {row.share:.2f} of the engine"
        if row.times is not None and row.times < TIMES:
            yield f"{where}, {row.times:.1f} times nlpaug"


def verdict(record: Mapping[str, Any]) -> str:
    """The figures nearest to the bars."""
    rows = rows_of(record)
    ratios = [row.times for row in rows if row.times is not None]
    peer = f", {min(ratios):.0f} times nlpaug (bar {TIMES:.0f})" if ratios else ""
    return f"Strings: at least {min(row.share for row in rows):.2f} of the engine (bar {SHARE}){peer}."
