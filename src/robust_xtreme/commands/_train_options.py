"""The options of `train` that are not keys of a run's file: short forms and flags."""

from __future__ import annotations

from typing import Annotated

from robust_xtreme.commands import _completion
from robust_xtreme.commands._options import argument, option
from robust_xtreme.training.spec import BEFORE, HOW, LEARNED, SIZE_NAMES

File = Annotated[
    str,
    argument(
        "FILE",
        "A run's file, or a name from `config list`; options override its keys. Paths in it count from it, or from its "
        "key folder; `out` counts from the current folder.",
        _completion.run_file,
    ),
]
Task = Annotated[
    str | None,
    option("--task A,B", "The target, as in `list tasks`; several are learned together.", _completion.learned, LEARNED),
]
Intermediate = Annotated[
    str | None,
    option(
        "--intermediate A,B",
        "Tasks that are learned together before the target, as in `list intermediate`.",
        _completion.learned,
        LEARNED,
    ),
]
Scratch = Annotated[
    str | None,
    option(
        "--from-scratch SIZE",
        "Start from a new encoder: small (3 layers of 192) or tiny (1 of 32), or with mini's vectors mini (3 of 128), "
        "mini-32 to mini-192, mini-en and so on, which need no text.",
        _completion.words(SIZE_NAMES),
        LEARNED,
    ),
]
Allow = Annotated[bool, option("--allow-overlap", "The same as --overlap allow: results are stamped.", panel=LEARNED)]
FirstSteps = Annotated[
    int | None,
    option("--intermediate-steps N", "Steps of the intermediate stage. Default: the recipe's.", panel=BEFORE),
]
MlmSteps = Annotated[
    int | None,
    option(
        "--mlm-steps N", "Steps of masked LM before all other stages. Default: 1200 from scratch, else 0.", panel=BEFORE
    ),
]
Seeds = Annotated[
    int,
    option("--seeds N", "So many runs, whose seeds are --seed and the next ones, each in its own folder.", panel=HOW),
]
On = Annotated[
    str | None,
    option(
        "--on ray[:ADDRESS]",
        "Train the runs of --seeds on a Ray cluster whose machines share their folders. Extra: ray.",
        panel=HOW,
    ),
]
PlanOnly = Annotated[bool, option("--plan", "Print stages, steps, tokens and time, and train nothing.", panel=HOW)]
Force = Annotated[
    bool, option("--force", "Start the last stage over, also in the folder of an earlier run.", panel=HOW)
]
Quiet = Annotated[bool, option("--quiet -q", "Print only the run's folder.", panel=HOW)]
Verbose = Annotated[
    bool,
    option("--verbose -v", "Print a line for every hundredth of a stage, and the traceback of errors.", panel=HOW),
]
