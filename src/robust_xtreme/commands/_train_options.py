"""The short forms and switches of `train`, beside the options that are made of the keys of a run's file."""

from __future__ import annotations

from typing import Annotated

import typer

from robust_xtreme.commands import _completion
from robust_xtreme.commands._options import option
from robust_xtreme.training.spec import BEFORE, HOW, LEARNED, SIZE_NAMES

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
    option(
        "--task", "A,B", "The target, as in `list tasks`; several are learned together.", _completion.learned, LEARNED
    ),
]
Intermediate = Annotated[
    str | None,
    option(
        "--intermediate",
        "A,B",
        "Tasks that are learned before it, together: squad, mnli, hellaswag and others.",
        _completion.learned,
        LEARNED,
    ),
]
Scratch = Annotated[
    str | None,
    option(
        "--from-scratch",
        "SIZE",
        "A new encoder instead: small (3 x 192) or tiny (1 x 32).",
        _completion.words(SIZE_NAMES),
        LEARNED,
    ),
]
Allow = Annotated[
    bool, option("--allow-overlap", None, "The same as --overlap allow: results are stamped.", panel=LEARNED)
]
FirstSteps = Annotated[
    int | None,
    option("--intermediate-steps", "N", "Steps of the intermediate stage. Default: the recipe's.", panel=BEFORE),
]
MlmSteps = Annotated[
    int | None,
    option("--mlm-steps", "N", "Steps of masked LM before all else. From scratch: 1200; else 0.", panel=BEFORE),
]
PlanOnly = Annotated[
    bool, option("--plan", None, "Print stages, steps, tokens and hours, and train nothing.", panel=HOW)
]
Force = Annotated[
    bool, option("--force", None, "Start over, whatever the folder contains of an earlier run.", panel=HOW)
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Print the run's folder only.", rich_help_panel=HOW, show_default=False),
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose", "-v", help="A line for every hundredth, and the traceback of errors.", rich_help_panel=HOW
    ),
]
