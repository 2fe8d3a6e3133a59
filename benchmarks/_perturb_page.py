"""The page of benchmarks/perturb.py, from its figures alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from benchmarks import _perturb_mixtures, _perturb_strings
from benchmarks._perturb_peers import TEXTATTACK

from robust_xtreme.report.blocks import Block, Paragraph, Prose, ReportPage, Table, grid
from robust_xtreme.report.renderers import markdown

NAMES: Final = (
    "char_noise", "keyboard_typo", "ocr_noise", "punctuation", "repetition",
    "spacing", "natural_typo", "casing", "word_order", "word_drop",
)  # fmt: skip
LEAST: Final = {"letters": 15.0, "words": 3.0}
TIMES: Final = 10.0
LINEAR: Final = 1.5
"""How much more a character may cost in the longest texts than in the cheapest of at least 100 words."""
SETTLED: Final = 100

_HEAD: Final = """\
`python -m benchmarks.perturb --data DIR`, each perturbation at 0.1; millions of characters/s of processor time, best
runs, on one core. Spans are moved and books are kept by ours alone.
"""
_PLAIN: Final = """\
Ours, and after the slash a plain-Python loop of the same noise: per character (or word) a draw of `random.Random`
and a dict of what it may become; without spans, clusters or books. Empty: the perturbation serves no language of the
script, or has no meaning in the task.
"""
_PEERS: Final = """\
Beside nlpaug (caps off; a tenth of every word's letters, and of a tenth of the words; English and Ukrainian
keyboards) on the same texts, and TextAttack's augmenter on a tenth of the words of English sentences of 16 words, in a
process of its own. Empty: it has no counterpart.
"""
_SENTENCES: Final = (
    "A character costs TextAttack's augmenter the more the longer the text, so that only sentences are compared:"
)
_COSTS: Final = "ns per character, words per text"


@dataclass(frozen=True, slots=True)
class Figure:
    """One perturbation in one task and script: millions of characters/s of robust-xtreme, a loop and nlpaug."""

    perturbation: str
    level: str
    task: str
    script: str
    languages: int
    texts: int
    characters: int
    spans: int
    ours: float
    plain: float
    nlpaug: dict[str, float]

    @property
    def ratio(self) -> float | None:
        """Ours over the fastest nlpaug."""
        return self.ours / max(self.nlpaug.values()) if self.nlpaug else None

    @property
    def where(self) -> str:
        """The cell that this is, in words."""
        return f"{self.perturbation}, {self.task} in {self.script}"


def page(record: Mapping[str, Any]) -> str:
    """The figures as Markdown."""
    return markdown.render(ReportPage("Perturbing: characters per second", tuple(_blocks(record))))


def figures_of(record: Mapping[str, Any]) -> list[Figure]:
    """The figures of a record."""
    return [Figure(**row) for row in record["figures"]]


def _blocks(record: Mapping[str, Any]) -> Iterator[Block]:
    figures = figures_of(record)
    about = "; ".join(f"{key}: {value}" for key, value in record["about"].items())
    yield Prose(_HEAD)
    yield Paragraph(f"{about}; TextAttack: {_version(record)}; tables and an alphabet: {record['load_ms']:.0f} ms.")
    yield from (Prose(_PLAIN), _scripts(figures))
    heads = ("perturbation", "task", "script", "ours", "nlpaug, fastest", "slowest", "ratio", "TextAttack")
    yield from (Prose(_PEERS), grid(heads, _beside(record, figures), 3))
    yield from (_curves(record), *_textattack(record), *_perturb_mixtures.blocks(record))
    yield from (*_perturb_strings.blocks(record), Paragraph(verdict(record)))


def _version(record: Mapping[str, Any]) -> str:
    return record["textattack"]["version"] if record["textattack"] else "not run"


def _scripts(figures: Sequence[Figure]) -> Table:
    present = {figure.perturbation for figure in figures}
    names = [name for name in NAMES if name in present]
    cells = {(figure.task, figure.script, figure.perturbation): figure for figure in figures}
    rows = []
    for task, script in dict.fromkeys((figure.task, figure.script) for figure in figures):
        row_cells = [cells.get((task, script, name)) for name in names]
        most = max((figure for figure in row_cells if figure), key=lambda figure: figure.languages)
        about = (task, script, str(most.languages), str(most.characters), str(most.spans))
        rows.append((*about, *(f"{figure.ours:.1f} / {figure.plain:.1f}" if figure else "" for figure in row_cells)))
    return grid(("task", "script", "languages", "characters", "spans", *names), rows, 2)


def _beside(record: Mapping[str, Any], figures: Sequence[Figure]) -> Iterator[tuple[str, ...]]:
    peer = record["textattack"]
    for figure in figures:
        way = TEXTATTACK.get(figure.perturbation) if figure.task == "xnli" and figure.script == "Latn" else None
        if figure.nlpaug or way:
            low, high = (f"{pick(figure.nlpaug.values()):.2f}" if figure.nlpaug else "" for pick in (min, max))
            third = "" if not way else f"{peer['ways'][way]['16']:.3f}" if peer else "not run"
            ratio = f"{figure.ratio:.0f}" if figure.ratio else ""
            yield figure.perturbation, figure.task, figure.script, f"{figure.ours:.1f}", high, low, ratio, third


def _curves(record: Mapping[str, Any]) -> Table:
    sizes = [size for size, _ in next(iter(record["curves"].values()))]
    rows = ((name, *(f"{value:.0f}" for _, value in points)) for name, points in record["curves"].items())
    return grid((_COSTS, *map(str, sizes)), rows, 1)


def _textattack(record: Mapping[str, Any]) -> Iterator[Block]:
    """TextAttack's cost by length: it grows with the length, so that only sentences are compared."""
    if not record["textattack"]:
        yield Prose("TextAttack's augmenter is not run: `--textattack PYTHON` names an environment that has it.")
        return
    yield Paragraph(_SENTENCES)
    ways = record["textattack"]["ways"]
    rows = ((way, *(f"{1e3 / speed:.0f}" for speed in speeds.values())) for way, speeds in ways.items())
    yield grid((_COSTS, *next(iter(ways.values()))), rows, 1)


def growth(points: Sequence[Sequence[float]]) -> float:
    """What a character costs in the longest texts, in times of the least that it costs from 100 words on."""
    return points[-1][1] / min(cost for size, cost in points if size >= SETTLED)


def missed(record: Mapping[str, Any]) -> list[str]:
    """The bars that are not kept, each in words."""
    figures = figures_of(record)
    parts = _perturb_mixtures.missed(record), _perturb_strings.missed(record)
    return [*_slow(figures), *_close(figures), *_steep(record), *chain(*parts)]


def _slow(figures: Sequence[Figure]) -> Iterator[str]:
    for name in NAMES:
        measured = [figure for figure in figures if figure.perturbation == name]
        slow = [figure for figure in measured if figure.ours < LEAST[figure.level]]
        if slow:
            least = min(slow, key=lambda figure: figure.ours)
            yield f"{name} in {len(slow)} of {len(measured)} cells ({least.ours:.1f}, {least.task} in {least.script})"


def _close(figures: Sequence[Figure]) -> Iterator[str]:
    for figure in figures:
        if figure.level == "letters" and figure.ratio is not None and figure.ratio < TIMES:
            yield f"{figure.where}, {figure.ratio:.1f} times nlpaug"


def _steep(record: Mapping[str, Any]) -> Iterator[str]:
    return (f"{name}, not linear" for name, points in record["curves"].items() if growth(points) > LINEAR)


def verdict(record: Mapping[str, Any]) -> str:
    """Whether the bars are kept."""
    figures = figures_of(record)
    parts = []
    for level, bar in LEAST.items():
        slowest = min((figure for figure in figures if figure.level == level), key=lambda figure: figure.ours)
        parts.append(f"Slowest of {level}: {slowest.ours:.1f} (bar {bar:.0f}), {slowest.where}.")
    ratios = [figure.ratio for figure in figures if figure.ratio and figure.level == "letters"]
    parts.append(f"Letters at least {min(ratios):.0f} times nlpaug (bar {TIMES:.0f})." if ratios else "No nlpaug.")
    worst = max(map(growth, record["curves"].values()))
    parts.append(f"A character of the longest texts costs at most {worst:.2f} times the least (bar {LINEAR}).")
    parts += [_perturb_mixtures.verdict(record), _perturb_strings.verdict(record)]
    failed = missed(record)
    parts.append("Missed: " + "; ".join(failed) + "." if failed else "All bars are kept.")
    return " ".join(parts)
