"""Puts the examples of a run together: the part of its page, and the blocks that a terminal prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from robust_xtreme.errors import RobustXtremeError
from robust_xtreme.report.blocks import Block, Bullets, Paragraph, Part, Sample
from robust_xtreme.report.names import anchor, language_name
from robust_xtreme.report.samples.choosing import BECAME, Rows, Wanted, chosen, rows_of
from robust_xtreme.report.samples.showing import Known, sample
from robust_xtreme.report.samples.texts import Read, Texts, spec_of, texts_of
from robust_xtreme.report.samples.tokens import tokenizers_of
from robust_xtreme.report.view import Results
from robust_xtreme.run_spec import RunSpec

ANCHOR: Final = "examples"
_ABOUT: Final = (
    "Of each task and language those that lose most at the highest strength of the noise, and some that are drawn. "
    "{} {} in all: {}. An answer became wrong where it scores lower than the answer to the clean text, and right where "
    "it scores higher. Answers are marked in their context."
)

Watch = Callable[[str], None]


def samples_part(folder: Path, results: Results, texts: bool = True) -> Iterator[Part]:
    """The part of a finished run's page; without `texts` none is made again, and examples have their answers alone.

    Raises DataError where a file is not the one that the run wrote.
    """
    rows = rows_of(folder, results.manifest)
    try:
        spec = spec_of(folder, results.manifest) if texts else None
        problems: tuple[str, ...] = ()
    except RobustXtremeError as error:
        spec, problems = None, (f"No texts are shown. {error}",)
    yield from samples_part_of(results, rows, spec, problems=problems)


def samples_part_of(
    results: Results, rows: Rows, spec: RunSpec | None, read: Read | None = None, problems: Sequence[str] = ()
) -> Iterator[Part]:
    """The same from the frames of a run and its spec; `read` gives data that are in memory."""
    shown = chosen(results, rows, Wanted())
    made = _texts(shown, spec, results.manifest, read)
    known = known_of(made, spec, results.manifest)
    groups = [*_groups(shown, known)]
    if not groups:
        return
    lines = (*problems, *made.problems)
    about = Paragraph(_ABOUT.format(shown.height, "example" if shown.height == 1 else "examples", _counts(shown)))
    why: tuple[Block, ...] = (Bullets(lines),) if lines else ()
    yield Part("Examples", ANCHOR, (about, *why, *groups))


def _counts(shown: pl.DataFrame) -> str:
    made = shown.get_column("became").to_list()
    return ", ".join(f"{made.count(name)} {name if name != 'same' else 'the same'}" for name in BECAME)


def _texts(shown: pl.DataFrame, spec: RunSpec | None, manifest: Mapping[str, Any], read: Read | None) -> Texts:
    return texts_of(shown, spec, manifest, read) if spec else Texts({}, ())


def known_of(made: Texts, spec: RunSpec | None, manifest: Mapping[str, Any]) -> Known:
    """What is known of examples beside their rows."""
    labels = {unit["task"]: unit["labels"] for unit in manifest.get("units", ()) if "labels" in unit}
    return Known(made.remade, labels, tokenizers_of(spec, manifest) if spec and made.remade else {})


def _groups(shown: pl.DataFrame, known: Known) -> Iterator[Part]:
    """A folded part for each language, in it a part for each task."""
    for (code,), of_language in shown.group_by("language", maintain_order=True):
        parts = []
        for (column,), of_task in of_language.group_by("column", maintain_order=True):
            samples = tuple(sample(row, known) for row in of_task.iter_rows(named=True))
            parts.append(Part(str(column), f"{ANCHOR}/{anchor(str(code), str(column))}", samples, level=4))
        address = f"{ANCHOR}/{anchor(str(code))}"
        yield Part(language_name(str(code)), address, tuple(parts), level=3, folded=True)


def samples(folder: Path, results: Results, wanted: Wanted, watch: Watch) -> tuple[list[Sample], tuple[str, ...]]:
    """The wanted examples of a finished run, and why texts of some are not shown, a line each.

    Raises DataError where a file is not the one that the run wrote.
    """
    shown = chosen(results, rows_of(folder, results.manifest), wanted)
    if shown.is_empty():
        return [], ()
    spec = spec_of(folder, results.manifest)
    made = texts_of(shown, spec, results.manifest, watch=watch)
    known = known_of(made, spec, results.manifest)
    return [sample(row, known) for row in shown.iter_rows(named=True)], made.problems
