"""`robust-xtreme import`: makes a finished run of what another program predicted."""  # noqa: N999 - as it is typed

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from robust_xtreme.cli import _completion
from robust_xtreme.cli._next import show_next
from robust_xtreme.cli._options import argument, passed, with_keys
from robust_xtreme.core.errors import UnknownName, UserError
from robust_xtreme.core.keys import key
from robust_xtreme.core.sinks import echo, one_line

if TYPE_CHECKING:
    from robust_xtreme.exchange.importing.items import ImportedFile
    from robust_xtreme.exchange.importing.run import ImportOptions, Read

_FORMATS: Final = ("jsonl", "lm-eval", "inspect", "every-eval-ever")
_GIVEN: Final = ("task", "language", "split", "condition", "noise_seed", "model", "inference")
_PANEL: Final = "Keys of a file"
_KEYS: Final = {name: f"{name}_field" for name in ("id", "prediction", "score", "cluster")} | {"gold": "gold"}

Files = Annotated[
    list[str],
    argument(
        "FILE[=CONDITION]...",
        "JSON lines; files or folders of logs of lm-eval or inspect, or of records of Every Eval Ever.",
        _completion.any_file,
    ),
]


@dataclass(frozen=True, slots=True)
class ImportKeys:
    """The options of the command, in the order of its help."""

    format: str = key("", f"`{', '.join(_FORMATS)}`. Default: by the files", "", "NAME", complete=_FORMATS)
    task: str = key("", "the task of rows that do not say theirs", "", "TASK", complete="task")
    language: str = key("", "their language; of a pair of MLQA's, de@en", "", "CODE", complete="language")
    split: str = key("", "their split. Default: test", "", "SPLIT")
    condition: str = key("", "their condition: clean, a perturbation as char_noise:0.1, or another name", "", "NAME")
    noise_seed: str = key("", "their noise seed. Default: 0", "", "N")
    model: str = key("", "their model. Default: imported", "", "NAME")
    inference: str = key("", "how they were answered; gate refuses two runs that differ in it", "", "TEXT")
    only_model: str = key("", "leave out the rows of other models", "", "NAME")
    each_model: bool = key(False, "of logs of several models a run of each, in a folder of --out by its name", "")
    data: str = key("", "the data that the ids are of, for gold and clusters", "", "DIR|hub|mini", complete="data")
    family: str = key(
        "", "how a task not ours is scored: classification, choice, tagging, span_qa, retrieval", "", "NAME"
    )
    metric: str = key("", "the metric that claims are made on. Default: the first", "", "NAME")
    rescored: bool = key(False, "go on where a level is not the one that the log states; the page says so", "")
    filter: str = key("", "`lm-eval`: the filter of answers. Default: the first", "", "NAME")
    score: str = key("", "`inspect`: a scorer, or a key of its scores; several by commas. Default: all", "", "NAME")
    epoch: int = key(0, "`inspect`: of several epochs the one of this number. Default: their mean", "", "N")
    id_field: str = key("", "`jsonl`: the key of the id", _PANEL, "KEY")
    prediction_field: str = key("", "`jsonl`: the key of the prediction", _PANEL, "KEY")
    gold: str = key("", "`jsonl`: the key of the gold answer", _PANEL, "KEY")
    score_field: str = key("", "`jsonl`: the key of a score", _PANEL, "KEY")
    cluster_field: str = key("", "`jsonl`: the key of the cluster", _PANEL, "KEY")
    out: str = key("", "the folder of the run. Default: runs/import-FILE", "", "DIR")
    force: bool = key(False, "replace the imported run that is there", "")
    quiet: bool = key(False, "say nothing but errors", "", "-q")


@with_keys(ImportKeys)
def import_(files: Files, **keys: Any) -> None:
    """Make a finished run of what another program predicted or scored, which `report`, `compare` and `gate` read.

    A row of JSON lines is an example under one condition: its id, a prediction with the gold answer or a score from 0
    to 1, and its task, language, condition and noise seed where the options do not say them. Rows with one id are
    paired; each needs a row of the condition clean. Logs of lm-eval and inspect are read as they are, and know what
    was exported with `robust-xtreme export lm-eval` or `export inspect`; so are records of Every Eval Ever.

    Examples:

    robust-xtreme import answers.jsonl --tasks xnli --languages sw

    robust-xtreme import clean.jsonl noisy.jsonl --data DIR --split test -o runs/theirs

    robust-xtreme import lm-eval-results -o runs/causal"""
    from robust_xtreme.cli._terminal import steps
    from robust_xtreme.exchange.importing.items import NO_MODEL, items_of
    from robust_xtreme.exchange.importing.reading import given_of
    from robust_xtreme.exchange.importing.run import ImportOptions, import_run
    from robust_xtreme.files.store import part_path

    words = passed(keys)
    wanted = ImportOptions(
        given={name: words[name] for name in _GIVEN if words.get(name)},
        command=shlex.join(["robust-xtreme", *sys.argv[1:]]),
        **{name: words[name] for name in ("data", "only_model", "family", "metric", "rescored") if name in words},
    )
    folder = Path(words.get("out") or f"runs/import-{Path(files[0]).stem or 'run'}")
    if (format := words.get("format", "")) and format not in _FORMATS:
        raise UnknownName("format of results", format, _FORMATS, "robust-xtreme import --help")
    if keys["each_model"] and wanted.only_model:
        raise UserError("--each-model makes a run of every model, and --only-model of one. Leave one of them out.")
    given = [given_of(name, wanted.given.get("task", ""), wanted.given.get("language", "")) for name in files]
    runs = {wanted.only_model: folder}
    if keys["each_model"]:
        models = items_of(_read(given, words, wanted, None).rows(), wanted.given, files[0])["model"].unique().sort()
        runs = {model: part_path(folder, model, suffix="") for model in models if not re.match(NO_MODEL, model)}
    for model, out in runs.items():
        read, alone = _read(given, words, wanted, model), replace(wanted, only_model=model)
        with steps("reading the files", quiet=keys["quiet"]) as step:
            manifest = import_run(read, alone, out, keys["force"], lambda what: step(description=one_line(what)))
        if not keys["quiet"]:
            _show(out, [str(note) for note in manifest["notes"]])


def _read(given: list[ImportedFile], words: Mapping[str, Any], wanted: ImportOptions, model: str | None) -> Read:
    from robust_xtreme.exchange.importing.reading import read
    from robust_xtreme.exchange.importing.scoring import ours

    renamed = {name: words[option] for name, option in _KEYS.items() if words.get(option)}
    task = ours(wanted.given.get("task", ""))
    family = wanted.family or (task.family if task else "")
    format, filter, score = (words.get(name, "") for name in ("format", "filter", "score"))
    return read(given, format, renamed, model, filter, family, score, words.get("epoch", 0))


def _show(folder: Path, notes: list[str]) -> None:
    from robust_xtreme.cli._terminal import output
    from robust_xtreme.report.document import finished, show

    for note in notes:
        echo(f"note: {one_line(note)}", error=True)
    show(output(), finished(folder), [])
    echo(f"Report: {folder / 'report.md'}")
    show_next("report", str(folder), "-o", "page.html")
