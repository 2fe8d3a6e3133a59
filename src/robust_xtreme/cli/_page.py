"""The page of finished runs, which `report` and `compare` write: of two runs with their differences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from robust_xtreme.core.errors import UserError

if TYPE_CHECKING:
    from robust_xtreme.gating.comparing import Comparison
    from robust_xtreme.report.view import Results


def results_of(runs: Sequence[str]) -> tuple[dict[str, Path], Results]:
    """The folders of runs by the names that tell them apart, and the runs beside each other. Raises MissingData."""
    from robust_xtreme.report.document import beside, finished, names_of

    folders = {name: Path(run) for name, run in zip(names_of(runs), runs, strict=True)}
    return folders, beside({name: finished(folder) for name, folder in folders.items()})


def written(
    folders: dict[str, Path],
    results: Results,
    suffix: str,
    views: Sequence[str] = (),
    texts: bool = True,
    comparison: Comparison | str | None = None,
    folder: Path | None = None,
) -> bytes:
    """The content of a file of runs by its suffix; a page has examples, with `texts`.

    `comparison` is that of the two runs, or why they cannot be compared; from a `folder` it links to their pages.
    """
    from robust_xtreme.files.csv import dump
    from robust_xtreme.files.schema import COMPARISONS
    from robust_xtreme.gating.comparing import differences_part, no_differences
    from robust_xtreme.gating.document import found
    from robust_xtreme.report.outputs import Added
    from robust_xtreme.report.outputs import written as content
    from robust_xtreme.report.samples.part import samples_part, worse_part

    if views or suffix not in (".html", ".md"):
        return content(results, suffix, views)
    examples = tuple(samples_part(folders, results)) if texts and suffix == ".html" else ()
    match comparison:
        case None:
            added = Added((), examples, {})
        case str():
            added = Added((no_differences(comparison),), examples, {})
        case _:
            files = {"differences.csv": dump(comparison.frame, COMPARISONS)}
            worse = worse_part([*folders.values()][-1], comparison.worse) if texts and suffix == ".html" else ()
            names = results.scores.get_column("model").unique(maintain_order=True).to_list()
            told = found(comparison.frame, *(names if len(names) == 2 else (comparison.baseline, comparison.candidate)))
            added = Added((differences_part(comparison, folder), *worse), examples, files, title=told)
    return content(results, suffix, views, added)


def comparison_of(runs: Sequence[str]) -> Comparison | str | None:
    """The comparison of two runs, or why they cannot be compared; None of one run or of more than two."""
    from robust_xtreme.gating.baselines import of_runs
    from robust_xtreme.gating.comparing import compare

    if len(runs) != 2:
        return None
    try:
        baseline, candidate = (of_runs([Path(run)]) for run in runs)
        return compare(baseline, candidate)
    except UserError as error:
        return str(error)
