"""`robust-xtreme rate`: writes sheets on which people rate attacked and noised texts, and reads filled ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from robust_xtreme.cli import _completion
from robust_xtreme.cli._next import show_next
from robust_xtreme.cli._options import Overwriting, argument, check_of_run, check_taken, check_word, option, several
from robust_xtreme.core.errors import UserError, counted
from robust_xtreme.core.sinks import echo, one_line

if TYPE_CHECKING:
    import polars as pl

_WHAT: Final = ("sample", "judged")
_ROWS: Final = 100
_FEWEST: Final = 5
_MOST: Final = 100_000
_SHEET: Final = "sheet.csv"


def rate(
    what: Annotated[
        str, argument("WHAT", "`sample` writes a sheet, `judged` reads a filled one.", _completion.words(_WHAT))
    ],
    first: Annotated[
        str, argument("RUN|SHEET", "sample: the folder of a finished run; else a sheet.", _completion.folder)
    ],
    run: Annotated[str | None, argument("RUN", "The run of the sheet, which is checked.", _completion.folder)] = None,
    rows: Annotated[int | None, option("--limit N", f"sample: how many rows. Default: {_ROWS}.")] = None,
    output: Annotated[str | None, option("--out FILE", f"sample: the sheet, .csv. Default: {_SHEET}.")] = None,
    perturb: Annotated[
        list[str] | None, option("--perturb SPEC", "sample: of this attack or noise. Default: all. Repeatable.")
    ] = None,
    task: Annotated[str | None, option("--tasks A,B", "sample: of these tasks.", _completion.tasks)] = None,
    language: Annotated[
        str | None, option("--languages A,B", "sample: of these languages.", _completion.languages)
    ] = None,
    seed: Annotated[int | None, option("--seed N", "sample: the seed of the draw. Default: 0.")] = None,
    force: Overwriting = False,
) -> None:
    """Have people rate whether the right answer to attacked and noised texts is still right.

    `rate sample` draws texts that an attack or noise made a model answer wrongly, and for each fifth row a clean
    text; nothing in the sheet tells them apart. SHEET.key.csv, which raters do not see, has what each row is. Raters
    write yes or no into the column `valid`. `rate judged` then prints validity, and the success of valid texts alone,
    and writes SHEET.validity.csv.

    Examples:

    robust-xtreme rate sample runs/eval-1a2b -n 100 -o sheet.csv

    robust-xtreme rate sample runs/eval-1a2b --perturb attack_keys:0.1@queries=100 --languages sw,en

    `robust-xtreme rate judged sheet.csv runs/eval-1a2b`"""
    check_word("rate", what, _WHAT)
    if what == "sample":
        if run is not None:
            raise UserError("rate sample takes one RUN.")
        names = (tuple(several(name, words) or ()) for name, words in (("task", task), ("language", language)))
        size = (_ROWS if rows is None else rows, seed or 0)
        _sample(Path(first), output or _SHEET, (*names, tuple(perturb or ())), size, force)
        return
    given = {"-n": rows, "-o": output, "--perturb": perturb, "--tasks": task, "--languages": language, "--seed": seed}
    check_taken("rate", what, given)
    _validity(first, run, force)


def _sample(folder: Path, output: str, names: tuple[tuple[str, ...], ...], size: tuple[int, int], force: bool) -> None:
    from robust_xtreme.cli._terminal import steps
    from robust_xtreme.gating.outputs import write
    from robust_xtreme.report.cells import perturbed
    from robust_xtreme.report.document import finished
    from robust_xtreme.report.samples.choosing import ExampleChoice
    from robust_xtreme.report.samples.sheet import conditions_of, key_path, sheet_of

    if not _FEWEST <= size[0] <= _MOST:
        raise UserError(f"-n {size[0]} is not from {_FEWEST} to {_MOST:,}.")
    path = _target(output, force)
    key = _target(str(key_path(path)), force)
    results = finished(folder)
    tasks, languages, conditions = names
    of_run, cells = results.deltas, perturbed(results)
    known = [name for column in ("noise", "condition", "perturbation") for name in cells[column]]
    asked = {"task": (tasks, of_run["task"]), "language": (languages, of_run["language"])}
    check_of_run("rate", {**asked, "condition": (conditions, known)})
    wanted = ExampleChoice(tasks, languages, conditions_of(results, conditions))
    with steps("reading the run") as step:
        made = sheet_of(folder, results, wanted, size, lambda what: step(description=one_line(what)))
    for line in made.problems:
        echo(f"robust-xtreme: warning: {one_line(line)}", error=True)
    write({key: made.key, path: made.sheet})
    echo(f"{path}: {counted(made.rows, 'row')}, {made.controls} of them clean. The key, not for raters: {key}")
    show_next("rate", "judged", str(path), str(folder))


def _target(name: str, force: bool) -> Path:
    from robust_xtreme.gating.outputs import target

    if not name.endswith(".csv"):
        raise UserError(f"-o {name} is not a file of CSV. Name it {name}.csv")
    return target(name, force)


def _validity(sheet: str, run: str | None, force: bool) -> None:
    from robust_xtreme.files import csv
    from robust_xtreme.gating.outputs import write
    from robust_xtreme.report.document import finished
    from robust_xtreme.report.samples.sheet import answers_of, key_of_sheet
    from robust_xtreme.stats.validity import VALIDITY, validity_of

    path = Path(sheet)
    identity = str(finished(Path(run)).manifest.get("spec_hash", "")) if run else ""
    target = _target(str(path.with_name(f"{path.stem}.validity.csv")), force)
    key = key_of_sheet(path, identity)
    answers = answers_of(path, key)
    if not answers:
        raise UserError(f"No row of {path} has an answer: raters write yes or no into the column valid.")
    table = validity_of(key, answers)
    write({target: csv.dump(table, VALIDITY)})
    _print(table)
    if left := key.height - len(answers):
        echo(f"{counted(left, 'row')} without an answer {'is' if left == 1 else 'are'} not counted.")
    echo(str(target))
    if run:
        show_next("report", run, "--open")


def _print(table: pl.DataFrame) -> None:
    """Print VALIDITY, shares in points with their intervals at 95 %."""
    from rich.table import Column

    from robust_xtreme.cli._terminal import output, table_of

    names = ("condition", "success", "rated", "validity", "valid success")
    columns = [Column(name, overflow="fold", justify="left" if name == names[0] else "right") for name in names]
    output().print(table_of(columns, list(map(tuple, map(_cells, table.iter_rows(named=True))))))


def _cells(row: Mapping[str, Any]) -> Iterator[str]:
    yield "clean controls" if row["kind"] == "clean" else row["condition"]
    yield "" if row["success"] is None else f"{row['success']:.1f} ({row['wrong']}/{row['right']})"
    yield f"{row['rated']} of {row['rows']}"
    yield _interval(row["validity"], row["low"], row["high"])
    yield _interval(row["valid_success"], row["valid_low"], row["valid_high"])


def _interval(value: float | None, low: float, high: float) -> str:
    return "" if value is None else f"{value:.1f} [{low:.1f}, {high:.1f}]"
