"""Plants forgeries in runs of the embedded model, and compares what `verify` finds with docs/verify.md.

`python -m tools.forgeries --many 500 --out reports/benchmarks/forgeries.md` takes half an hour of one core.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tools.forgeries.kinds import KINDS
from tools.forgeries.planting import LANGUAGES, RUNS, draw_here, forged, own_run, sources, table, verified

from robust_xtreme.report.blocks import Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown

TASKS: Final = (("xnli", "panx"), ("xquad", "tatoeba"), ("xcopa", "udpos"))


@dataclass(slots=True)
class Tally:
    """How often a kind was planted, found without and with the model, and what is not as the table says."""

    planted: int = 0
    without: int = 0
    asked: int = 0
    found: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def planted(many: int, folder: Path) -> dict[str, Tally]:
    """Plant so many forgeries of all kinds in turn, and verify each without the model; those that need it with it."""
    known, tallies = table(), {kind: Tally() for kind in (*KINDS, *RUNS)}
    bases = [sources(folder / "-".join(tasks), tasks) for tasks in TASKS]
    for base in bases:
        for model in ((), ("mini",)):
            assert not verified(base / "run", model=model)[0], base
    for number in range(many):
        kind = [*known][number % len(known)]
        tested = bases[2:] if kind in ("interval", "p") else bases  # the others have too few clusters
        base, tally = tested[number // len(known) % len(tested)], tallies[kind]
        with tempfile.TemporaryDirectory() as name:
            made = (own_run if kind in RUNS else forged)(base, kind, number, Path(name) / "copy")
            _verify(kind, number, made, known[kind], tally)
        print(number, kind, tally, flush=True)
    return tallies


def _verify(kind: str, number: int, folder: Path, says: tuple[str, str, str], tally: Tally) -> None:
    """Count what is found of a forgery."""
    options = {"data": "mini"} if kind == "data" else {}
    without, seconds = verified(folder, **options)
    tally.planted += 1
    tally.without += bool(without)
    tally.seconds = max(tally.seconds, seconds)
    if bool(without) != says[0].startswith("found") or (without and says[2] not in without):
        tally.wrong.append(f"{number}: without the model {without or 'nothing'}")
    if says[0].startswith("not found") or kind == "data" or not number % 10:
        asked, seconds = verified(folder, model=("mini",), **({} if kind == "data" else options))
        tally.asked += 1
        tally.found += bool(asked)
        tally.seconds = max(tally.seconds, seconds)
        expected = kind != "data" and says[1].startswith("found")
        if bool(asked) != expected or (asked and says[2] not in asked):
            tally.wrong.append(f"{number}: with the model {asked or 'nothing'}")


_HEADS: Final = (
    "forgery",
    "planted",
    "found without the model",
    "asked with it",
    "found",
    "check",
    "processor seconds, at most",
    "",
)
_TEXT: Final = """\
`python -m tools.forgeries --many {many}`: runs of the embedded model on {tasks}, each in
{languages}, 40 items a task and language, clean and under `char_noise` at 0.05 and 0.1. Each forgery is planted in a
copy; all that follows from it is made anew by this program, and all digests are made right. In the runs without a
forgery nothing differs, with and without the model. `data` is verified with data of one's own and, under *asked with
it*, with the forger's. {agree}
"""


def report(tallies: dict[str, Tally]) -> str:
    """The page, in Markdown."""
    wrong = [f"{kind}, {what}" for kind, tally in tallies.items() for what in tally.wrong]
    many = sum(tally.planted for tally in tallies.values())
    slowest = max(tally.seconds for tally in tallies.values())
    agree = (
        f"All {many} are as [the table](../../docs/verify.md) says; the slowest took {slowest:.0f} processor seconds."
    )
    text = _TEXT.format(
        many=many,
        tasks="; ".join(" and ".join(tasks) for tasks in TASKS),
        languages=" and ".join(LANGUAGES),
        agree=agree if not wrong else f"Otherwise than the table says: {'; '.join(wrong)}",
    )
    cells = (
        (kind, str(it.planted), str(it.without), str(it.asked), str(it.found), table()[kind][2], f"{it.seconds:.0f}")
        for kind, it in tallies.items()
    )
    return markdown.render(ReportPage("Planted forgeries", (Prose(text), grid(_HEADS[:-1], cells))))


def main() -> None:
    """Plant, verify and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--many", type=int, default=500)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    draw_here()
    with tempfile.TemporaryDirectory() as name:
        text = report(planted(asked.many, Path(name)))
    if asked.out:
        asked.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
