"""`robust-xtreme examples`: prints examples of a finished run with their edits and both predictions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from robust_xtreme.cli import _completion
from robust_xtreme.cli._next import show_next
from robust_xtreme.cli._options import argument, check_of_run, option, several
from robust_xtreme.core.errors import UnknownName, UserError
from robust_xtreme.core.keys import MOST
from robust_xtreme.core.sinks import echo, one_line

if TYPE_CHECKING:
    from robust_xtreme.report.samples.choosing import ExampleChoice
    from robust_xtreme.report.view import Results

_BECAME: Final = ("wrong", "right", "same")
_LIMIT: Final = 10


def examples(
    run: Annotated[str, argument("RUN", "The folder of a finished run of eval.", _completion.folder)],
    task: Annotated[str | None, option("--tasks A,B", "Of these tasks.", _completion.tasks)] = None,
    language: Annotated[str | None, option("--languages A,B", "Of these languages.", _completion.languages)] = None,
    noise: Annotated[
        list[str] | None,
        option("--perturb SPEC", "A perturbation, at its highest strength, or one condition. Repeatable."),
    ] = None,
    became: Annotated[
        str | None,
        option("--became wrong | right | same", "What noise makes of the answer.", _completion.words(_BECAME)),
    ] = None,
    ids: Annotated[
        list[str] | None, option("--id ID", "The example with this id, whole or as printed. Repeatable.")
    ] = None,
    limit: Annotated[int, option("--limit N", f"The most that are printed. Default: {_LIMIT}.")] = _LIMIT,
) -> None:
    """Print the examples of a run that noise costs most: clean and noisy text, gold and both answers, subwords.

    Each task and language has its largest losses first. An answer became wrong where it scores lower than the answer to
    the clean text. Texts are made again from the run's data, which must be there and the same; without them, gold and
    predictions are printed. Without colours, [-removed-] and {+added+} mark the edits.

    Examples: robust-xtreme examples runs/eval-1a2b --tasks xnli --languages sw --became wrong; robust-xtreme examples
    runs/eval-1a2b --perturb char_noise:0.05 --limit 50
    """
    if limit < 1:
        raise UserError(f"The value {limit} of --limit is below 1.")
    if became is not None and became not in _BECAME:
        raise UnknownName("kind of --became", became, _BECAME, "robust-xtreme examples --help")
    from robust_xtreme.report.cells import perturbed
    from robust_xtreme.report.document import finished
    from robust_xtreme.report.samples.choosing import ExampleChoice, rows_of
    from robust_xtreme.report.samples.windows import whole_ids

    results = finished(Path(run))
    asked = (several("task", task), several("language", language))
    tasks, languages = (tuple(words or ()) for words in asked)
    kinds = (became,) if became else ()
    many = min(limit, MOST)
    wanted = ExampleChoice(tasks, languages, tuple(noise or ()), kinds, each=many, most=many, drawn=False)
    cells, of_run = perturbed(results), results.deltas
    conditions = [name for column in ("perturbation", "noise", "condition") for name in cells[column]]
    known = {"task": (tasks, of_run["task"]), "language": (languages, of_run["language"])}
    check_of_run("examples", {**known, "noise": (wanted.noises, conditions)})
    if ids:
        wanted = replace(wanted, ids=whole_ids(ids, rows_of(Path(run), results.manifest).predictions))
    _print(Path(run), results, wanted)
    show_next("examples", run, "--became", "wrong") if became is None else show_next("report", run, "--open")


def _print(run: Path, results: Results, wanted: ExampleChoice) -> None:
    from robust_xtreme.cli._terminal import output, steps
    from robust_xtreme.report.renderers.terminal import print_sample
    from robust_xtreme.report.samples.part import samples

    with steps("reading the run") as step:
        every, problems = samples(run, results, wanted, lambda what: step(description=one_line(what)))
    for line in problems:
        echo(f"robust-xtreme: warning: {one_line(line)}", error=True)
    if not every:
        echo("The run has no such example.")
    console = output()
    for sample in every:
        print_sample(console, sample)
