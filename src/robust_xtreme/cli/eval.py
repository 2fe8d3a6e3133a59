"""`robust-xtreme eval`: evaluates models on clean and perturbed tasks in one run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from robust_xtreme.cli import _completion, _options
from robust_xtreme.cli._errors import PLANNING
from robust_xtreme.cli._next import after_evaluation, again, show_next
from robust_xtreme.cli._options import columns_of, option, passed, show_outside_packs, with_keys
from robust_xtreme.core.errors import CURE, FailedCells, UnreadableFiles, UserError, counted
from robust_xtreme.core.keys import lines_of_file_keys
from robust_xtreme.core.resources import RUNS, find
from robust_xtreme.core.run_paths import exists
from robust_xtreme.core.run_spec import (
    DATA,
    HUB,
    MINI,
    OUTPUT,
    PANELS,
    SPEED,
    USUAL,
    RunSpec,
    from_mapping,
    from_toml,
)
from robust_xtreme.core.sinks import echo, one_line

if TYPE_CHECKING:
    from robust_xtreme.report.evaluation import Evaluation

Config = Annotated[
    str | None,
    option(
        "--config FILE",
        "A run.toml or a name of `config list`; options override its keys.",
        _completion.eval_file,
        USUAL,
    ),
]
Gold = Annotated[
    str | None,
    option("--gold NAME", "The column with the label of each row, or its tags, in a file of --data.", panel=DATA),
]
Force = Annotated[
    bool,
    option("--force", "Start over and remove the files of an earlier run; others in its folder stay.", panel=OUTPUT),
]
NoCache = Annotated[bool, option("--no-cache", "Compute all predictions, and keep none for later runs.", panel=SPEED)]
KeepGoing = Annotated[
    bool, option("--keep-going", "Leave out what cannot be read, compute the rest, and exit with 2.", panel=DATA)
]
PlanOnly = Annotated[
    bool, option("--plan --dry-run", "Print what is left to compute, its time and what --force removes.", panel=USUAL)
]
Devices = Annotated[
    str | None, option("--devices A,B", "One process for each device: 0,1 (CUDA), all, or cpu,cpu.", panel=SPEED)
]
On = Annotated[
    str | None,
    option("--on ray[:ADDRESS]", "All devices of a Ray cluster that shares the run's folder. Extra: ray.", panel=SPEED),
]
Quiet = Annotated[bool, option("--quiet -q", "Print only the final table.", panel=OUTPUT)]
Verbose = Annotated[
    bool,
    option(
        "--verbose -v", "Print every step, with --plan every task run, and the traceback of an error.", panel=OUTPUT
    ),
]


@with_keys(RunSpec, panels=PANELS)
def eval(
    *,
    config: Config = None,
    fields: _options.Fields = None,
    gold: Gold = None,
    language_field: _options.LanguageField = None,
    format: _options.Format = None,
    header: _options.Header = None,
    force: Force = False,
    no_cache: NoCache = False,
    keep_going: KeepGoing = False,
    plan: PlanOnly = False,
    devices: Devices = None,
    on: On = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    **keys: Any,
) -> None:
    """Evaluate a model on clean and perturbed text in one run; the same command continues a stopped run.

    Examples:

    robust-xtreme eval --perturb char_noise:0.1

    robust-xtreme eval --tasks xtreme-r --perturb char_noise:0.1

    robust-xtreme eval --model xnli=OWNER/NAME --languages sw,en --perturb char_noise:0.1

    robust-xtreme eval --model tatoeba=python:my_models:encode --perturb char_noise:0.1

    robust-xtreme eval --model runs/panx --data DIR --tasks panx --languages sw,yo --perturb char_noise:0.1

    robust-xtreme eval --model xnli=runs/mnli --model panx=runs/panx --data DIR --perturb char_noise:0.05,0.1 --seeds 3

    robust-xtreme eval --model DIR --data reviews.csv --fields review --gold label --language-field lang

    robust-xtreme eval --config runs/eval-0123456789abcdef/run.toml --plan"""
    given = passed(keys, ("tasks", "languages"))
    options: dict[str, Any] = {"fields": columns_of("fields", fields), "gold": gold, "language_field": language_field}
    options |= {"format": format, "header": header}
    columns = {name: value for name, value in options.items() if value not in (None, (), "")}
    if columns or Path(given.get("data", "")).is_file():
        given |= _of_file(given, columns)
    file = None if config is None else find(config, RUNS)
    spec = from_mapping(given, "eval") if file is None else from_toml(file, **given)
    if file is not None and "packs" not in given:
        show_outside_packs(file, spec.packs)
    if plan:
        from robust_xtreme.cli._terminal import output
        from robust_xtreme.run.estimate import estimate
        from robust_xtreme.run.fleets import NOT_STARTED, fleet_of

        console = output()
        with fleet_of(spec.device, devices, on, starts=False) as fleet:
            lines = estimate(spec, force, not no_cache, verbose, keep_going, fleet)
        if on and fleet is None:
            lines.append(NOT_STARTED)
        for line in lines:
            console.print(line, soft_wrap=True)
        show_next(*again(without=PLANNING))
    else:
        _run(spec, devices, on, quiet, verbose, force=force, cache=not no_cache, keep_going=keep_going)


def epilog() -> str:
    """The keys that have no option."""
    return f"""Keys of files alone, for --config: {", ".join(lines_of_file_keys(RunSpec))}.
    What each takes: robust-xtreme config keys"""


def _of_file(given: Mapping[str, Any], columns: Mapping[str, Any]) -> dict[str, Any]:
    """The data and the task of rows in a file; --languages is their language where --language-field names none."""
    from robust_xtreme.tasks.sources.table import TableFile, write_suite

    data = given.get("data", "")
    if data.partition(":")[0] not in ("", HUB, MINI) and not exists(data):
        raise UserError(f"The file {data} does not exist. Name a file of rows: --data FILE")
    if not Path(data).is_file():
        raise UserError(f"{', '.join(columns)}: columns of a file of rows. Name it: --data FILE (not {data or HUB!r})")
    task, languages = given.get("tasks", [""]), given.get("languages", [])
    if len(task) > 1:
        raise UserError(f"--tasks {','.join(task)}: the rows of a file are one task. Name it alone, or leave it out.")
    language = languages[0] if len(languages) == 1 and "language_field" not in columns else ""
    labels = tuple(given.get("labels", ()))
    file = TableFile(data, **columns, language=language, task=task[0], labels=labels)
    folder = write_suite(file, lambda decision: echo(one_line(f"robust-xtreme: {data}: {decision}."), error=True))
    return {"data": str(folder), "tasks": [folder.name.rpartition("-")[0]]}


def _run(spec: RunSpec, devices: str | None, on: str | None, quiet: bool, verbose: bool, **how: Any) -> None:
    from robust_xtreme.cli._terminal import observing, show_result

    with observing(quiet, verbose) as observer:
        from robust_xtreme.run.fleets import fleet_of
        from robust_xtreme.run.run import evaluate

        with fleet_of(spec.device, devices, on) as fleet:
            result = evaluate(spec, observer=observer, fleet=fleet, **how)
    from robust_xtreme.report.summary import headline_cells, is_untouched

    cells = headline_cells(show_result(result, spec, quiet))
    _check_whole(result, is_clean=bool(spec.perturb or spec.external or spec.frozen) and is_untouched(cells))
    if not quiet:
        show_next(*after_evaluation(spec, result.folder, cells.filter("near_chance").is_empty()))


def _check_whole(result: Evaluation, is_clean: bool) -> None:
    """Raise FailedCells or UnreadableFiles where results are missing, UserError where no text has the noise."""
    from robust_xtreme.run.folder import missing

    unread = missing(result.unread)
    if result.failed:
        raise FailedCells(
            f"{counted(len(result.failed), 'cell')} failed: the model's scores are not finite. "
            f"{result.folder / 'report.md'} names what failed; all other cells are written. {unread}".rstrip()
        )
    if unread:
        raise UnreadableFiles([unread])
    if is_clean:
        language = result.manifest["units"][0]["language"].partition("@")[0]
        served = f"To see what serves {language}: robust-xtreme list perturbations --languages {language}"
        cures = (cell["detail"] for cell in result.manifest["not_run"] if CURE in cell["detail"])
        what = f"the noise edits no text of any cell. Clean levels: {result.folder / 'report.md'}."
        raise UserError(f"Nothing was perturbed: {what} {next(cures, served)}")
