"""Puts the examples of a run together: the part of its page, and the blocks that a terminal prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, final

import polars as pl

from robust_xtreme.core.errors import RobustXtremeError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files.manifest import IMPORTED, MANIFEST, read_manifest
from robust_xtreme.report.blocks import Block, Bullets, Paragraph, Sample, Section
from robust_xtreme.report.cells import named_beside
from robust_xtreme.report.names import anchor, language_name
from robust_xtreme.report.samples.choosing import BECAME, PREDICTED, ExampleChoice, SampleRows, chosen, rows_of
from robust_xtreme.report.samples.showing import KnownExamples, sample
from robust_xtreme.report.samples.texts import Kept, Texts, spec_of, texts_of
from robust_xtreme.report.samples.tokens import tokenizers_of
from robust_xtreme.report.samples.windows import width_of
from robust_xtreme.report.view import Results

ANCHOR: Final = "examples"
_ABOUT: Final = (
    "Of each task and language those that lose most at the highest strength of the noise, and some that are drawn at "
    "random, as their titles say. {} {} in all: {}. An answer became wrong where it scores lower than the answer to "
    "the clean text, and right where it scores higher. Answers are marked in their context. Subwords are the model's "
    "tokens."
)

Watch = Callable[[str], None]


@final
@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run whose examples are shown; `name` tells it from other runs of the page.

    Without a `spec` it has no texts; `problems` says why, a line each. `kept` are examples that are in memory.
    """

    rows: SampleRows
    spec: RunSpec | None
    manifest: Mapping[str, Any]
    name: str = ""
    problems: tuple[str, ...] = ()
    kept: Kept = field(default_factory=dict)


def samples_part(runs: Mapping[str, Path], results: Results) -> Iterator[Section]:
    """The part of the page of finished runs, whose folders are named as `beside` names their models.

    A report that was kept without its predictions, and an imported run, have no examples. Raises DataError where a
    file is not the one that the run wrote.
    """
    several = len(runs) > 1
    manifests = {folder: read_manifest(folder / MANIFEST) for folder in runs.values()}
    shown = [
        _shown(folder, name if several else "", manifests[folder])
        for name, folder in runs.items()
        if (folder / PREDICTED).exists() or PREDICTED in manifests[folder].get("files", ())
        if IMPORTED not in manifests[folder]
    ]
    if shown:
        yield from samples_part_of(results, shown)


def _shown(folder: Path, name: str, manifest: Mapping[str, Any]) -> ShownRun:
    rows = rows_of(folder, manifest)
    if name:
        rows = rows.of_models(named_beside(name, _models(rows)))
    try:
        return ShownRun(rows, spec_of(folder, manifest), manifest, name)
    except RobustXtremeError as error:
        return ShownRun(rows, None, manifest, name, (f"No texts are shown. {error}",))


def samples_part_of(results: Results, runs: Sequence[ShownRun]) -> Iterator[Section]:
    """The same of runs that are open."""
    predictions = pl.concat([run.rows.predictions for run in runs])
    stats = tuple(stats for run in runs for stats in run.rows.stats)
    attacked = tuple(attacked for run in runs for attacked in run.rows.attacked)
    divided = all(run.rows.divided for run in runs)
    shown = chosen(results, SampleRows(predictions, stats, attacked, divided), ExampleChoice())
    known: dict[str, KnownExamples] = {}
    lines: list[str] = []
    for run in runs:
        models = _models(run.rows)
        made = _texts(shown.filter(pl.col("cell_model").is_in(models)), run)
        of_run = replace(known_of(made, run.spec, run.manifest), width=width_of(shown.height))
        known |= dict.fromkeys(models, of_run)
        lines += [f"{run.name}: {line}" if run.name else line for line in (*run.problems, *made.problems)]
    groups = [*_groups(shown, known)]
    if not groups:
        return
    about = Paragraph(_ABOUT.format(shown.height, "example" if shown.height == 1 else "examples", _counts(shown)))
    why: tuple[Block, ...] = (Bullets(tuple(lines)),) if lines else ()
    yield Section("Examples", ANCHOR, (about, *why, *groups))


def _models(rows: SampleRows) -> list[str]:
    return rows.predictions.select("model").unique().collect(engine="streaming").to_series().to_list()


def _counts(shown: pl.DataFrame) -> str:
    made = shown.get_column("became").to_list()
    return ", ".join(f"{made.count(name)} {name if name != 'same' else 'the same'}" for name in BECAME)


def _texts(shown: pl.DataFrame, run: ShownRun) -> Texts:
    return texts_of(shown, run.spec, run.manifest, run.kept) if run.spec else Texts({}, ())


def known_of(made: Texts, spec: RunSpec | None, manifest: Mapping[str, Any]) -> KnownExamples:
    """What is known of examples beside their rows."""
    labels = {unit["task"]: unit["labels"] for unit in manifest.get("units", ()) if "labels" in unit}
    return KnownExamples(made.remade, labels, tokenizers_of(spec, manifest) if spec and made.remade else {})


def _groups(shown: pl.DataFrame, known: Mapping[str, KnownExamples]) -> Iterator[Section]:
    """A folded part for each language, in it a part for each task; what is known is by model."""
    for (code,), of_language in shown.group_by("language", maintain_order=True):
        parts = []
        for (column,), of_task in of_language.group_by("column", maintain_order=True):
            samples = tuple(sample(row, known[row["cell_model"]]) for row in of_task.iter_rows(named=True))
            parts.append(Section(str(column), f"{ANCHOR}/{anchor(str(code), str(column))}", samples, level=4))
        address = f"{ANCHOR}/{anchor(str(code))}"
        yield Section(language_name(str(code)), address, tuple(parts), level=3, folded=True)


def samples(
    folder: Path, results: Results, wanted: ExampleChoice, watch: Watch
) -> tuple[list[Sample], tuple[str, ...]]:
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
