"""`robust-xtreme import`: makes a finished run of what another program predicted."""  # noqa: N999 - as it is typed

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from robust_xtreme.cli import _completion
from robust_xtreme.cli._next import show_next
from robust_xtreme.cli._options import argument, check_word, option
from robust_xtreme.core.sinks import echo, one_line

if TYPE_CHECKING:
    from robust_xtreme.exchange.importing.run import ImportOptions, Read

_FORMATS: Final = ("jsonl", "lm-eval", "inspect")
_GIVEN: Final = ("task", "language", "split", "condition", "noise_seed", "model", "inference")
_KEYS: Final = ("id", "prediction", "gold", "score", "cluster")

Files = Annotated[
    list[str],
    argument(
        "FILE[=CONDITION]...",
        "Files of JSON lines; files or folders of lm-eval's or inspect's logs.",
        _completion.any_file,
    ),
]
Format = Annotated[
    str | None,
    option("--format NAME", f"{', '.join(_FORMATS)}. Default: by the files.", _completion.words(_FORMATS)),
]
Task = Annotated[str | None, option("--task TASK", "The task of rows that do not say theirs.", _completion.task)]
Code = Annotated[
    str | None, option("--language -l CODE", "Their language; of a pair of MLQA's, de@en.", _completion.language)
]
Split = Annotated[str | None, option("--split SPLIT", "Their split. Default: test.")]
Condition = Annotated[
    str | None,
    option("--condition NAME", "Their condition: clean, a perturbation as char_noise:0.1, or another name."),
]
Seed = Annotated[str | None, option("--noise-seed N", "Their noise seed. Default: 0.")]
Model = Annotated[str | None, option("--model NAME", "Their model. Default: imported.")]
Inference = Annotated[
    str | None, option("--inference TEXT", "How they were answered; runs that differ in it are not compared.")
]
OnlyModel = Annotated[str | None, option("--only-model NAME", "Leave out the rows of other models.")]
Data = Annotated[
    str | None,
    option(
        "--data DIR|hub|mini|world",
        "The data that the ids are of: gold, clusters and fingerprints are those of `eval`.",
        _completion.folder,
    ),
]
Family = Annotated[
    str | None,
    option(
        "--family NAME",
        "How answers of a task that is not ours are scored: classification, choice, tagging, span_qa, retrieval.",
    ),
]
Metric = Annotated[str | None, option("--metric NAME", "The metric that claims are made on. Default: the first.")]
Rescored = Annotated[
    bool, option("--rescored", "Go on where a level is not the one that the log states; the page says so.")
]
Filter = Annotated[str | None, option("--filter NAME", "lm-eval: the filter of answers. Default: the first.")]
IdKey = Annotated[str | None, option("--id-key KEY", "jsonl: the key of the id.", panel="Keys of a file")]
PredictionKey = Annotated[
    str | None, option("--prediction-key KEY", "jsonl: the key of the prediction.", panel="Keys of a file")
]
GoldKey = Annotated[str | None, option("--gold-key KEY", "jsonl: the key of the gold answer.", panel="Keys of a file")]
ScoreKey = Annotated[str | None, option("--score-key KEY", "jsonl: the key of a score.", panel="Keys of a file")]
ClusterKey = Annotated[
    str | None, option("--cluster-key KEY", "jsonl: the key of the cluster.", panel="Keys of a file")
]
Out = Annotated[str | None, option("--out -o DIR", "The folder of the run. Default: runs/import-FILE.")]
Force = Annotated[bool, option("--force", "Replace the imported run that is there.")]
Quiet = Annotated[bool, option("--quiet -q", "Say nothing but errors.")]


def import_(
    files: Files,
    format: Format = None,
    task: Task = None,
    language: Code = None,
    split: Split = None,
    condition: Condition = None,
    noise_seed: Seed = None,
    model: Model = None,
    inference: Inference = None,
    only_model: OnlyModel = None,
    data: Data = None,
    family: Family = None,
    metric: Metric = None,
    rescored: Rescored = False,
    filter: Filter = None,
    id_key: IdKey = None,
    prediction_key: PredictionKey = None,
    gold_key: GoldKey = None,
    score_key: ScoreKey = None,
    cluster_key: ClusterKey = None,
    out: Out = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Make a finished run of what another program predicted or scored, which `report`, `compare` and `gate` read.

    A row of JSON lines is an example under one condition: its id, a prediction with the gold answer or a score from 0
    to 1, and its task, language, condition and noise seed where the options do not say them. Rows with one id are
    paired; each needs a row of the condition clean. Logs of lm-eval and inspect are read as they are, and know what
    was exported with `robust-xtreme export lm-eval` or `export inspect`.

    Examples:

    robust-xtreme import answers.jsonl --task xnli --language sw

    robust-xtreme import clean.jsonl noisy.jsonl --data DIR --split test -o runs/theirs

    robust-xtreme import lm-eval-results -o runs/causal"""
    from robust_xtreme.cli._terminal import steps
    from robust_xtreme.exchange.importing.run import ImportOptions, import_run

    keys = dict(zip(_KEYS, (id_key, prediction_key, gold_key, score_key, cluster_key), strict=True))
    given = dict(zip(_GIVEN, (task, language, split, condition, noise_seed, model, inference), strict=True))
    wanted = ImportOptions(
        given={name: value for name, value in given.items() if value},
        data=data or "",
        only_model=only_model or "",
        family=family or "",
        metric=metric or "",
        command=shlex.join(["robust-xtreme", *sys.argv[1:]]),
        rescored=rescored,
    )
    folder = Path(out) if out else Path("runs") / f"import-{Path(files[0]).stem or 'run'}"
    renamed = {key: name for key, name in keys.items() if name}
    read = _read(files, format or "", renamed, wanted, filter or "")
    with steps("reading the files", quiet=quiet) as step:
        manifest = import_run(read, wanted, folder, force, watch=lambda what: step(description=one_line(what)))
    if not quiet:
        _show(folder, [str(note) for note in manifest["notes"]])


def _read(files: list[str], format: str, renamed: dict[str, str], wanted: ImportOptions, filter: str) -> Read:
    """What the files contain. Raises UnknownName for a format that does not exist."""
    from robust_xtreme.exchange.importing.reading import given_of, read
    from robust_xtreme.exchange.importing.scoring import ours

    if format:
        check_word("import --format", format, _FORMATS)
    given = [given_of(name, "task" in wanted.given) for name in files]
    task = ours(wanted.given.get("task", ""))
    return read(given, format, renamed, wanted.only_model, filter, wanted.family or (task.family if task else ""))


def _show(folder: Path, notes: list[str]) -> None:
    from robust_xtreme.cli._terminal import output
    from robust_xtreme.report.document import finished, show

    for note in notes:
        echo(f"note: {one_line(note)}", error=True)
    show(output(), finished(folder), [])
    echo(f"Report: {folder / 'report.md'}")
    show_next("report", str(folder), "-o", "page.html")
