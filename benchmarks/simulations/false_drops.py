"""How often a drop is claimed where there is none, near chance with three classes, and how often a true one is.

    python -m benchmarks.simulations.false_drops --draws 5000 --jobs 2 --csv reports/false-drops.csv \\
        > reports/false-drops.md

A cell has n items in clusters of three, as XNLI has, and one clean and one noisy run. Accuracy is 0.34, 0.37 or 0.40 in
both: the true drop is 0. The models: `few flips`, `flips` and `all flips` answer 2 %, 30 % and 100 % of the items
again under noise, by chance; `correlated` answers clusters alike (correlation 0.3) and 30 % of the clusters again;
`constant` gives every noisy item the most frequent label, whose share is the accuracy; `balanced` does the same
where each cluster has each label once, so that the accuracy is 1/3. Averages are over 15 languages that share clusters
and half of the chance of each item, with accuracies from 0.34 to 0.40 (one for `constant` and `balanced`), by leaving
one cluster out of the average. A drop is claimed where it is positive and p is at most 0.05, nominally in 2.5 %. The
bar is 3.5 % in every design. Power: the same with true drops of 2, 5 and 10 points to 0.37 (averages: 2).

The rules: `all` is ours, every cell is tested and averaged. The others keep cells first, and are printed to show what
that does: `clean` keeps cells whose clean sample is above a constant of the most frequent label; `bound` is the former
floor rule, which asks for the lower 97.5 % bound of that difference; `mean` asks for this bound of the mean of clean
and noisy; `half` asks for it on half of the clusters and tests on the other half. False drops are per cent of the kept
cells (of the averages with a kept cell), power is per cent of all.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
from benchmarks.simulations._runner import about, command, parser, simulated, write

from robust_xtreme.core.metric import named
from robust_xtreme.report.blocks import Heading, Paragraph, ReportPage, Table, grid
from robust_xtreme.report.renderers import markdown
from robust_xtreme.stats import intervals
from robust_xtreme.stats.intervals import CPU

ACCURACY: Final = named("accuracy")

ITEMS: Final = (113, 200, 300, 500, 900, 1500, 2490, 5010)
ACCURACIES: Final = (0.34, 0.37, 0.40)
REDRAWN: Final = {"few flips": 0.02, "flips": 0.3, "all flips": 1.0, "correlated": 0.3}
"""The share of items (`correlated`: of clusters) that a model answers again under noise."""
LANGUAGES: Final = 15
DROPS: Final = (0.02, 0.05, 0.1)
RULES: Final = ("all", "clean", "bound", "mean", "half")
BAR: Final = 3.5
CAUTIOUS: Final = 1.5
FEWEST: Final = 50
"""Fewer kept draws than this give no figure."""
_SIZE: Final = 3
_WORDS: Final = 2**16
_BATCH: Final = 4_000_000
_ALIKE: Final = 0.3**0.5
_SHARED: Final = 0.5**0.5

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Design:
    """Cells of one model with n items in each of some languages; `drop` is the true one, in shares."""

    model: str
    items: int
    accuracy: float
    languages: int = 1
    drop: float = 0.0


@dataclass(frozen=True, slots=True)
class Cells:
    """Right answers of each cluster, (R, languages, G): clean, noisy, of the most frequent label; and items, (G,)."""

    clean: Any
    noisy: Any
    constant: Any
    items: Any


def designs() -> Iterator[Design]:
    """All designs: cells and averages without a drop, then those with one."""
    yield from (
        Design(model, items, level) for model in (*REDRAWN, "constant") for level in ACCURACIES for items in ITEMS
    )
    yield from (Design("balanced", items, 1 / 3) for items in ITEMS)
    averaged = (*product(("few flips", "flips", "correlated", "constant"), (0.37,)), ("balanced", 1 / 3))
    yield from (Design(model, items, level, LANGUAGES) for model, level in averaged for items in ITEMS)
    losing = product(("flips", "correlated", "constant"), DROPS, ITEMS)
    yield from (Design(model, items, 0.37, 1, drop) for model, drop, items in losing)
    yield from (Design("flips", items, 0.37, LANGUAGES, DROPS[0]) for items in ITEMS)


def simulate(design: Design, draws: int, draw: np.random.Generator) -> Cells:
    """Draws of a design."""
    clusters = -(-design.items // _SIZE)
    inside = np.arange(clusters * _SIZE).reshape(clusters, _SIZE) < design.items
    shape = (draws, design.languages, clusters, _SIZE)
    levels = np.full((1, design.languages, 1, 1), design.accuracy)
    if design.model in REDRAWN and design.languages > 1:
        levels += np.linspace(-0.03, 0.03, design.languages)[:, None, None]
    clean = _chances(shape, design.model == "correlated", draw) < _word(levels + design.drop)
    most = _most_frequent(design, shape, draw)
    noisy = _noisy(design, clean, levels, draw) if design.model in REDRAWN else most
    before, after, constant = (np.broadcast_to(_summed(run & inside), shape[:-1]) for run in (clean, noisy, most))
    return Cells(before, after, constant, inside.sum(-1))


def _summed(right: Any) -> Any:
    first, second, third = (right[..., at].astype(np.float32) for at in range(_SIZE))
    return first + second + third


def _word(share: Any) -> Any:
    """A share as the bound of a word of 16 random bits."""
    return np.round(_WORDS * np.asarray(share)).astype(np.uint16)


def _words(shape: tuple[int, ...], draw: np.random.Generator) -> Any:
    return draw.integers(0, _WORDS, shape, dtype=np.uint16)


def _chances(shape: tuple[int, ...], alike: bool, draw: np.random.Generator) -> Any:
    """Random words; some items share theirs with their cluster, and in a family with the other languages."""
    draws, languages, clusters, _ = shape
    chances = _words(shape, draw)
    if alike:
        np.copyto(chances, _words((draws, languages, clusters, 1), draw), where=_words(shape, draw) < _word(_ALIKE))
    if languages > 1:
        item = _words((draws, 1, *shape[2:]), draw)
        np.copyto(chances, item, where=_words(shape, draw) < _word(_SHARED))
    return chances


def _most_frequent(design: Design, shape: tuple[int, ...], draw: np.random.Generator) -> Any:
    """Whether each item has the most frequent label; the languages of a family share labels."""
    draws, _, clusters, _ = shape
    if design.model == "constant":
        return _words((draws, 1, clusters, _SIZE), draw) < _word(design.accuracy)
    return np.arange(_SIZE) == draw.integers(0, _SIZE, (draws, 1, clusters, 1))


def _noisy(design: Design, clean: Any, levels: Any, draw: np.random.Generator) -> Any:
    """The noisy answers: some items, or whole clusters, are answered again, with the chance that gives the drop."""
    share, alike = REDRAWN[design.model], design.model == "correlated"
    again = _chances(clean.shape, alike, draw) < _word(levels + design.drop - design.drop / share)
    if share < 1:
        kept = _words((*clean.shape[:-1], 1 if alike else _SIZE), draw) >= _word(share)
        np.copyto(again, clean, where=kept)
    return again


def _sums(right: Any, items: Any) -> Any:
    """Sums of accuracy, (..., 1, G, 2)."""
    return np.stack([right, np.broadcast_to(items, right.shape)], -1)[..., None, :, :]


def _above(left: Any, right: Any, items: Any) -> Any:
    """Whether the lower 97.5 % bound of left - right, by the variance of clusters, is above 0."""
    difference, clusters = left - right, len(items)
    value = difference.sum(-1) / items.sum()
    apart = difference - value[..., None].astype(np.float32) * items.astype(np.float32)
    spread = np.einsum("...g,...g->...", apart, apart) * clusters / (clusters - 1)
    return value > intervals.t_quantile(0.975, clusters - 1) * np.sqrt(spread) / items.sum()


KEPT: Final[dict[str, Callable[[Cells], Any]]] = {
    "all": lambda cells: np.ones(cells.clean.shape[:2], dtype=bool),
    "clean": lambda cells: cells.clean.sum(-1) > cells.constant.sum(-1),
    "bound": lambda cells: _above(cells.clean, cells.constant, cells.items),
    "mean": lambda cells: _above((cells.clean + cells.noisy) / 2, cells.constant, cells.items),
    "half": lambda cells: _above(cells.clean[..., ::2], cells.constant[..., ::2], cells.items[::2]),
}


def _averaged(cells: Cells, kept: Any) -> tuple[Any, Any]:
    """Sums (R, 1, G, 2) of the clean and of the noisy average over the kept languages, which have the same items."""
    weights = (kept / kept.sum(-1)[:, None]).astype(np.float32)
    clean, noisy = (np.einsum("rlg,rl->rg", run, weights) for run in (cells.clean, cells.noisy))
    return _sums(clean.astype(np.float64), cells.items), _sums(noisy.astype(np.float64), cells.items)


def _claimed(cells: Cells, kept: Any, some: Any) -> int:
    """In how many of `some` draws the average over the kept cells has dropped, by the project's test."""
    if not some.any():
        return 0
    chosen = Cells(cells.clean[some], cells.noisy[some], cells.constant[some], cells.items)
    moments, _, p = intervals.paired(CPU, *_averaged(chosen, kept[some]), ACCURACY.reduce)
    return int(((p <= 1 - intervals.CONFIDENCE) & (moments.value > 0)).sum())


def count(design: Design, draws: int, rules: Sequence[str] = RULES, seed: int = 0) -> dict[str, tuple[int, int]]:
    """By rule: the draws with a kept cell, and those of them in which a drop is claimed."""
    draw = np.random.default_rng([seed, zlib.crc32(repr(design).encode())])
    counts = dict.fromkeys(rules, (0, 0))
    size = max(_BATCH // (design.items * design.languages), 1)
    for start in range(0, draws, size):
        cells = simulate(design, min(size, draws - start), draw)
        for rule in rules:
            kept = KEPT[rule](cells)
            some = kept.any(-1)
            claims = _claimed(_other_half(cells) if rule == "half" else cells, kept, some)
            counts[rule] = counts[rule][0] + int(some.sum()), counts[rule][1] + claims
    return counts


def _other_half(cells: Cells) -> Cells:
    return Cells(cells.clean[..., 1::2], cells.noisy[..., 1::2], cells.constant[..., 1::2], cells.items[1::2])


def detectable(design: Design, draws: int = 200) -> float:
    """The MDE of one test, in points, at the mean variance of some draws."""
    cells = simulate(design, draws, np.random.default_rng(zlib.crc32(repr(design).encode())))
    sums = _averaged(cells, KEPT["all"](cells))
    moments = intervals.difference(CPU, *sums, ACCURACY.reduce)
    variance, jump = float(moments.variance.mean()), float(moments.jump.mean())
    errors = variance**0.5, (variance + jump) ** 0.5
    estimate = intervals.Estimate(
        0.0, *errors, None, None, None, len(cells.items), intervals.DELTA_METHOD, moments.freedom
    )
    return intervals.smallest_detectable(estimate) or 0.0


def row(design: Design, draws: int) -> Row:
    """A line of the csv: per cent kept by each rule, and per cent of claims among the kept (power: among all)."""
    counts = count(design, draws)
    fields = {
        "model": design.model,
        "items": str(design.items),
        "accuracy": f"{design.accuracy:.2f}",
        "languages": str(design.languages),
        "drop": f"{design.drop:g}",
        "draws": str(draws),
        "mde": f"{detectable(design):.2f}",
    }
    for rule, (kept, claims) in counts.items():
        several = draws if design.drop else kept
        fields[f"{rule}_kept"] = f"{100 * kept / draws:.2f}"
        fields[rule] = f"{100 * claims / several:.2f}" if several >= min(FEWEST, draws) else ""
    return fields


def outside(rows: Sequence[Row], rule: str = "all") -> tuple[list[Row], list[Row]]:
    """The rows without a true drop in which a rule claims more than the bar, and less than 1.5 %."""
    null = [line for line in rows if line["drop"] == "0" and line[rule]]
    above = [line for line in null if float(line[rule]) > BAR]
    return above, [line for line in null if float(line[rule]) < CAUTIOUS]


def page(rows: Sequence[Row], made_by: str) -> str:
    """The report, from the rows of the csv."""
    draws = int(rows[0]["draws"])
    error = 100 * (0.025 * 0.975 / draws) ** 0.5
    null, losing = ([line for line in rows if (line["drop"] == "0") == none] for none in (True, False))
    by_rule = "Over all designs of a model, and the highest of one design with at least 50 kept draws."
    blocks = (
        *about(__doc__, made_by),
        Paragraph(f"{draws} draws a design: 2.5 % is known to +-{error:.1f} (one standard error)."),
        *(Heading("False drops, per cent"), _by_items(null, "all")),
        *_named(rows),
        *(Heading("False drops of rules that keep cells first, per cent"), Paragraph(by_rule), _by_rule(null)),
        *(Heading("Power, per cent"), _by_items(losing, "all")),
        *(Paragraph("Under the former floor rule:"), _by_items(losing, "bound")),
        *(Paragraph("The smallest detectable drop (one test), points:"), _by_items(losing, "mde")),
    )
    return markdown.render(ReportPage("False drops near chance", blocks))


def _group(line: Row) -> tuple[str, ...]:
    average = f"average of {line['languages']}" if line["languages"] != "1" else "cell"
    return line["model"], average, line["accuracy"], f"{100 * float(line['drop']):g}"


def _by_items(rows: Sequence[Row], figure: str) -> Table:
    """A table: models, accuracies and drops down, numbers of items across."""
    lines = []
    for group in dict.fromkeys(map(_group, rows)):
        cells = {line["items"]: line[figure] for line in rows if _group(line) == group}
        lines.append((*group, *(cells.get(str(items)) or "-" for items in ITEMS)))
    return grid(("model", "of", "accuracy", "drop", *map(str, ITEMS)), lines, 2)


def _named(rows: Sequence[Row]) -> Iterator[Paragraph]:
    above, below = ("; ".join(map(_design, part)) or "no design" for part in outside(rows))
    yield Paragraph(f"Above {BAR} %: {above}.")
    yield Paragraph(f"Below {CAUTIOUS} % (cautious, since few clusters differ): {below}.")


def _design(line: Row) -> str:
    average = "" if line["languages"] == "1" else f", average of {line['languages']}"
    return f"{line['model']}, n = {line['items']}, accuracy {line['accuracy']}{average} ({line['all']})"


def _by_rule(rows: Sequence[Row]) -> Table:
    """A table: the rate of each rule over all designs of a model, the highest of one design, and the shares kept."""
    lines = []
    for model in dict.fromkeys(_group(line)[:2] for line in rows):
        part = [line for line in rows if _group(line)[:2] == model]
        lines.append((*model, *(cell for rule in RULES for cell in (_rates(part, rule), _range(part, f"{rule}_kept")))))
    return grid(("model", "of", *(head for rule in RULES for head in (f"{rule} (highest)", "kept"))), lines, 2)


def _rates(rows: Sequence[Row], rule: str) -> str:
    rates = [(float(line[rule]), float(line[f"{rule}_kept"])) for line in rows if line[rule]]
    if not rates:
        return "-"
    pooled = sum(rate * kept for rate, kept in rates) / sum(kept for _, kept in rates)
    return f"{pooled:.1f} ({max(rates)[0]:.1f})"


def _range(rows: Sequence[Row], name: str) -> str:
    shares = [float(line[name]) for line in rows]
    return f"{min(shares):.0f}-{max(shares):.0f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate every design, write the csv, print the page."""
    options = parser(__doc__ or "", "draws", 5000, Path("reports/false-drops.csv")).parse_args(arguments)
    rows = simulated(partial(row, draws=options.draws), designs(), options.jobs, str)
    write(rows, options.csv)
    print(page(rows, command("false_drops", arguments)), end="")


if __name__ == "__main__":
    main()
