"""The options of `train`, each with its name, its help, and what a shell completes.

All are None where they are not said: what a run's file says then stands.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from robust_xtreme.commands import _completion
from robust_xtreme.commands._packs import condition


def _option(name: str, metavar: str, text: str, completion: Any = None, panel: str | None = None) -> Any:
    return typer.Option(
        name, metavar=metavar, help=text, autocompletion=completion, rich_help_panel=panel, show_default=False
    )


_LEARNED = "What is learned"
_STAGE = "Of the last stage"
_BEFORE = "Of the intermediate stage where there is one, else of the last"
_HOW = "How it is computed"

File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        autocompletion=_completion.run_file,
        help="A run's file, or the name of one that `config list` shows; options win. Its paths count from where you "
        "are, or else from the file.",
        show_default=False,
    ),
]
Task = Annotated[
    str | None,
    _option(
        "--task",
        "A,B",
        "The target, as in `list tasks`; several are learned together.",
        _completion.learned,
        _LEARNED,
    ),
]
Intermediate = Annotated[
    str | None,
    _option(
        "--intermediate",
        "A,B",
        "Tasks that are learned before it, together: squad, mnli, hellaswag and others.",
        _completion.learned,
        _LEARNED,
    ),
]
Data = Annotated[
    str | None,
    _option(
        "--data",
        "DIR | mini | hub",
        "The tasks' release files, or a suite of your own.",
        _completion.data,
        _LEARNED,
    ),
]
From = Annotated[
    str | None,
    _option(
        "--from",
        "DIR | OWNER/NAME",
        "A transformers encoder (safetensors), a folder or on the hub, or a run of `train`.",
        _completion.folder,
        _LEARNED,
    ),
]
Revision = Annotated[str | None, _option("--revision", "SHA", "The commit of an encoder from the hub.", panel=_LEARNED)]
Scratch = Annotated[
    str | None,
    _option(
        "--from-scratch",
        "SIZE",
        "A new encoder instead: small (3 x 192) or tiny (1 x 32).",
        _completion.size,
        _LEARNED,
    ),
]
Words = Annotated[
    str | None,
    _option("--text", "PATH", "Plain text (a file or folder) for masked LM, and from scratch.", panel=_LEARNED),
]
Out = Annotated[str | None, _option("--out", "DIR", "Default: runs/TASK-FROM-sSEED.", panel=_LEARNED)]
Recipe = Annotated[
    str | None,
    _option(
        "--recipe",
        "NAME | FILE",
        "xtreme (the default), x-stilts, scratch (the default from scratch), or a file of yours.",
        _completion.recipe,
        _LEARNED,
    ),
]
Seed = Annotated[int | None, _option("--seed", "N", "Of weights, order and dropout. Default: 0.", panel=_LEARNED)]
Reported = Annotated[
    str | None,
    _option(
        "--reported",
        "A,B",
        "Tasks whose data must not be trained on. Default: all found.",
        _completion.learned,
        _LEARNED,
    ),
]
Overlap = Annotated[
    str | None,
    _option(
        "--overlap",
        "RULE",
        "Training data that evaluated splits contain: refuse (the default), drop or allow.",
        _completion.overlap,
        _LEARNED,
    ),
]
Allow = Annotated[
    bool,
    typer.Option(
        "--allow-overlap",
        help="The same as --overlap allow: results are stamped.",
        rich_help_panel=_LEARNED,
        show_default=False,
    ),
]

Epochs = Annotated[int | None, _option("--epochs", "N", "Passes over the data. Default: the recipe's.", panel=_STAGE)]
Steps = Annotated[int | None, _option("--steps", "N", "Steps in all, instead of --epochs.", panel=_STAGE)]
BatchSize = Annotated[int | None, _option("--batch-size", "N", "Inputs a step. Default: the recipe's.", panel=_STAGE)]
Rate = Annotated[
    float | None, _option("--lr", "RATE", "The highest learning rate. Default: the recipe's.", panel=_STAGE)
]
Limit = Annotated[
    str | None,
    _option("--limit", "N,TASK=N", "Train on at most N examples of a task, whole clusters.", panel=_STAGE),
]
Perturb = Annotated[
    list[str] | None,
    _option(
        "--perturb",
        "SPEC",
        "Noise the training texts, anew in each pass: char_noise:0.1, or a suite, @surface. Repeatable.",
        condition,
        _STAGE,
    ),
]
Packs = Annotated[
    list[str] | None,
    _option(
        "--packs",
        "DIR",
        "Your own packs for the noise, before the bundled ones. Repeatable.",
        _completion.folder,
        _LEARNED,
    ),
]
Select = Annotated[
    str | None,
    _option(
        "--select",
        "RULE",
        "none (the default), or dev: keep the weights with the best validation score.",
        _completion.select,
        _STAGE,
    ),
]

Sampling = Annotated[
    str | None,
    _option(
        "--sampling",
        "RULE",
        "How often each task is drawn: proportional (the default), temperature:2, capped:10000.",
        _completion.sampling,
        _BEFORE,
    ),
]
Mixing = Annotated[
    str | None,
    _option(
        "--mixing",
        "RULE",
        "steps (the default): a step is of one task; batches: of several.",
        _completion.mixing,
        _BEFORE,
    ),
]
Languages = Annotated[
    str | None,
    _option("--languages", "A,B", "Languages of the training data. Default: English.", _completion.languages, _BEFORE),
]
Translated = Annotated[
    str | None,
    _option(
        "--translated",
        "PLACE",
        "Translated training data: a folder, hub, or seq2seq:MODEL, which makes them.",
        _completion.translated,
        _BEFORE,
    ),
]
Control = Annotated[
    str | None,
    _option(
        "--control",
        "NAME",
        "In place of the tasks: masked_lm on their texts, or shuffled_labels.",
        _completion.control,
        _BEFORE,
    ),
]
FirstSteps = Annotated[
    int | None,
    _option("--intermediate-steps", "N", "Steps of the intermediate stage. Default: the recipe's.", panel=_BEFORE),
]
MlmSteps = Annotated[
    int | None,
    _option("--mlm-steps", "N", "Steps of masked LM before all else. From scratch: 1200; else 0.", panel=_BEFORE),
]

Offline = Annotated[
    bool,
    typer.Option("--offline", help="Open no connection: what is not on this machine is missing.", rich_help_panel=_HOW),
]
Device = Annotated[str | None, _option("--device", "DEVICE", "auto, cpu or cuda.", _completion.device, _HOW)]
Devices = Annotated[int | None, _option("--devices", "N", "Devices that share each step's batch.", panel=_HOW)]
Strategy = Annotated[
    str | None, _option("--strategy", "NAME", "auto, or ddp: a process a device.", _completion.strategy, _HOW)
]
Precision = Annotated[
    str | None,
    _option("--precision", "NAME", "fp32 (the default), bf16 or fp16.", _completion.precision, _HOW),
]
Accumulate = Annotated[
    int | None, _option("--accumulate", "N", "Split each step's batch in N, for less memory.", panel=_HOW)
]
Clip = Annotated[float | None, _option("--clip", "NORM", "The largest norm of gradients. Default: 1.", panel=_HOW)]
Schedule = Annotated[
    str | None,
    _option("--schedule", "NAME", "After the warm-up: linear, cosine or constant.", _completion.schedule, _HOW),
]
Optimizer = Annotated[
    str | None,
    _option("--optimizer", "NAME", "adamw_fused (the default) or adamw.", _completion.optimizer, _HOW),
]
Lora = Annotated[
    int | None, _option("--lora", "RANK", "Train low-rank additions to the encoder only. Default: 0, all.", panel=_HOW)
]
Log = Annotated[
    str | None,
    _option("--log", "A,B", "csv (always there) and tensorboard.", _completion.log, _HOW),
]
PlanOnly = Annotated[
    bool,
    typer.Option("--plan", help="Print stages, steps, tokens and hours, and train nothing.", rich_help_panel=_HOW),
]
Force = Annotated[
    bool,
    typer.Option("--force", help="Start over, whatever the folder holds of an earlier run.", rich_help_panel=_HOW),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the run's folder only.", rich_help_panel=_HOW)]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose", "-v", help="A line for every hundredth, and the traceback of errors.", rich_help_panel=_HOW
    ),
]
