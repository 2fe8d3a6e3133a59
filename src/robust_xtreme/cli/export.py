"""`robust-xtreme export`: hands a finished run, or noisy data, to other programs."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from robust_xtreme.cli import _completion
from robust_xtreme.cli._next import show_next
from robust_xtreme.cli._options import Packs, argument, check_taken, columns_of, option, passed, using, with_keys
from robust_xtreme.core.errors import SpecError, UserError, counted
from robust_xtreme.core.sinks import echo, encoded, json_text, one_line
from robust_xtreme.exchange.exporting.harness.job import HARNESSES, LM_EVAL, ExportJob

if TYPE_CHECKING:
    from robust_xtreme.exchange.exporting.harness.export import Exported
    from robust_xtreme.report.view import Results

_LOGS: Final = "logs"


def export_harness(what: str, output: str | None, force: bool, options: Mapping[str, Any]) -> None:
    """Write the folder for `lm-eval` or `inspect`, and print the commands that come next."""
    from rich.progress import MofNCompleteColumn

    from robust_xtreme.cli._terminal import steps
    from robust_xtreme.exchange.exporting.harness.export import export
    from robust_xtreme.noise.engine.ocr_channel import COST
    from robust_xtreme.noise.suites import asked

    if output is None:
        raise SpecError(f"export {what} needs a folder to write: -o DIR")
    columns = {name: columns_of(name, options[name] and [options[name]]) for name in ("fields", "choices")}
    values = {**passed(options, ("tasks", "languages")), **columns}
    values |= {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    job, done = ExportJob(what=what, output=output, force=force, **values), 0
    if any(link.name == "ocr_channel" for condition in asked(job.perturb) for link in condition.cell.links):
        echo(COST, error=True)
    with steps("reading", MofNCompleteColumn()) as step:

        def watch(name: str, left: int) -> None:
            nonlocal done
            done += left > 0 or done > 0
            step(description=one_line(name), completed=done, total=done + left or None)

        exported = export(job, watch)
    for line in exported.left:
        echo(f"robust-xtreme: left out: {one_line(line)}", error=True)
    noun = "task" if what == LM_EVAL else "file"
    echo(f"{exported.path}: {counted(len(exported.names), noun)}, {counted(exported.rows, 'row')}")
    _show_commands(what, exported)


def _show_commands(what: str, exported: Exported) -> None:
    """The harness's command on the exported folder, and the one that reads its logs; a model is to be named."""
    folder = str(exported.path)
    if what == LM_EVAL:
        model = ["lm-eval", "run", "--model", "hf", "--model_args", "pretrained=MODEL"]
        words = [*model, "--include_path", f"{folder}/tasks", "--tasks", "rx", "--log_samples", "--output_path", _LOGS]
    else:
        task = ["inspect", "eval", f"{folder}/task.py@rx", "-T", f"data={exported.names[0]}"]
        words = [*task, "--model", "hf/MODEL", "--log-dir", _LOGS]
    echo(f"Next: {shlex.join(words)}", error=True)
    show_next("import", _LOGS)


_FOLDERS: Final = {"--mlflow": "mlruns", "--wandb": "wandb", "--every-eval-ever": "records"}

What = Annotated[
    str, argument("RUN | lm-eval | inspect", "The folder of a finished run, or the harness.", _completion.folder)
]
Card = Annotated[bool, option("--model-card", "RUN: a model card with every level as model-index, for the hub.")]
Mlflow = Annotated[bool, option("--mlflow", "RUN: a run in a store of MLflow's files; needs robust-xtreme[mlflow].")]
Wandb = Annotated[bool, option("--wandb", "RUN: an offline run of Weights & Biases; needs robust-xtreme[wandb].")]
Jsonl = Annotated[bool, option("--jsonl", "RUN: JSON lines of every item, which `robust-xtreme import` reads.")]
Records = Annotated[bool, option("--every-eval-ever", "RUN: records of Every Eval Ever, which `import` reads, too.")]
Output = Annotated[
    str | None, option("--out PATH", "A file, or a folder. Default: stdout, mlruns, wandb, records; none of a harness.")
]
Force = Annotated[bool, option("--force", "Overwrite the file, or replace the export, that is there.")]


@with_keys(ExportJob)
def export(
    what: What,
    model_card: Card = False,
    mlflow: Mlflow = False,
    wandb: Wandb = False,
    jsonl: Jsonl = False,
    every_eval_ever: Records = False,
    output: Output = None,
    force: Force = False,
    packs: Packs = None,
    **keys: Any,
) -> None:
    """Hand a finished run, or noisy data, to other programs, in one of their formats; nothing is sent anywhere.

    RUN: a card or tracker gets the headline metric of every task and language, clean and under each noise, and the
    drop. The numbers are those of scores.csv and deltas.csv, unrounded.

    lm-eval, inspect: rows of tasks, clean and under each noise, that lm-evaluation-harness or inspect_ai evaluates a
    language model on; `robust-xtreme import` reads their logs. The noise is that of eval, on raw columns, never on a
    prompt. lm-eval's own task of the language is included, so lm-eval must be installed (the extra lm-eval).

    Examples:

    robust-xtreme export runs/new --model-card -o README.md

    robust-xtreme export runs/new --wandb -o tracked

    robust-xtreme export runs/new --jsonl -o items.jsonl

    robust-xtreme export runs/new --every-eval-ever -o records

    robust-xtreme export lm-eval --tasks xnli,xquad -l sw,hi --perturb keyboard_typo:0.1 --seeds 3 -o noisy

    robust-xtreme export lm-eval --tasks belebele_swh_Latn --fields question --perturb @natural -o noisy

    robust-xtreme export inspect --tasks xnli -l sw,hi --perturb keyboard_typo:0.1 -o noisy"""
    of_run = {"--model-card": model_card, "--mlflow": mlflow, "--wandb": wandb, "--jsonl": jsonl}
    of_run["--every-eval-ever"] = every_eval_ever
    if what in HARNESSES:
        check_taken("export", what, of_run)
        with using(packs):
            export_harness(what, output, force, keys)
        return
    of_harness = {f"--{name.replace('_', '-')}": value for name, value in {**keys, "packs": packs}.items()}
    check_taken("export", "RUN", of_harness)
    _export_run(what, [name for name, given in of_run.items() if given], output, force)


def _export_run(run: str, wanted: list[str], output: str | None, force: bool) -> None:
    from robust_xtreme.exchange.every_eval_ever import write_records
    from robust_xtreme.exchange.exporting.trackers import to_mlflow, to_wandb, tracked
    from robust_xtreme.report.document import finished

    if len(wanted) != 1:
        others = " and ".join(wanted) or "none"
        what = f"takes one of --model-card, --mlflow, --wandb, --jsonl and --every-eval-ever, not {others}."
        raise UserError(f"export {what} Noisy data: export lm-eval, export inspect")
    results = finished(Path(run))
    if wanted == ["--model-card"]:
        _write_card(results, output, force)
    elif wanted == ["--jsonl"]:
        _write_lines(Path(run), results, output, force)
    elif wanted == ["--every-eval-ever"]:
        for path in write_records(Path(run), results, Path(output or _FOLDERS[wanted[0]]), force):
            echo(str(path))
    else:
        folder, content = Path(output or _FOLDERS[wanted[0]]), tracked(Path(run), results)
        echo(f"{folder}: run {to_mlflow(content, folder)}" if wanted == ["--mlflow"] else to_wandb(content, folder))


def _write_card(results: Results, output: str | None, force: bool) -> None:
    from robust_xtreme.exchange.exporting.model_card import model_card
    from robust_xtreme.gating.outputs import target, write

    if output is None:
        echo(model_card(results), end="")
        return
    path = target(output, force)
    write({path: encoded(model_card(results))})
    echo(str(path))


def _write_lines(run: Path, results: Results, output: str | None, force: bool) -> None:
    """Write the items of a run, a line each."""
    from robust_xtreme.exchange.exporting.rows import items
    from robust_xtreme.exchange.perturbing.output import OutputFile, written
    from robust_xtreme.gating.outputs import target

    path = None if output is None else target(output, force)
    with written([OutputFile("-o", output or "-", path)]) as (write,):
        for item in items(run, results):
            write(json_text(item) + "\n")
    if path:
        echo(str(path))
