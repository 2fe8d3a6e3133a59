"""`robust-xtreme verify`: makes a run that somebody else made again, level by level, and says where it differs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from robust_xtreme.cli import _completion
from robust_xtreme.cli._options import argument, option
from robust_xtreme.core.errors import Mismatch, UserError
from robust_xtreme.core.sinks import echo, one_line


def verify(
    run: Annotated[str, argument("RUN", "The folder of a finished run.", _completion.folder)],
    data: Annotated[str, option("--data DIR", "Your data. Default: those that the run names.", _completion.data)] = "",
    model: Annotated[
        list[str] | None,
        option("--model NAME | TASK=NAME", "The run's model, which is asked again. Repeatable.", _completion.model),
    ] = None,
    sample: Annotated[int, option("--sample N", "Items of each task run that the model is asked for.")] = 500,
    seed: Annotated[int | None, option("--seed N", "Draws these items. Default: a new one each time.")] = None,
    device: Annotated[str, option("--device DEVICE", "auto, cpu or cuda.")] = "auto",
) -> None:
    """Prove a run that somebody else made: its files, data, noise, sums, scores, intervals, page, and some answers.

    Each level is made again from the one before it. Without --model, the answers are taken as they are. Exit 0: nothing
    differs, whatever was not checked; 2: something does. docs/verify.md says which forgeries are found.

    Example: robust-xtreme verify runs/theirs --data DIR --model OWNER/NAME"""
    from secrets import randbelow

    from robust_xtreme import __version__
    from robust_xtreme.run.verifying import Verifying

    if sample < 1:
        raise UserError(f"--sample {sample} asks for no answer. Leave --model out, or ask for at least 1.")
    drawn = randbelow(1 << 31) if seed is None else seed
    done = []
    for check in Verifying(Path(run), data, tuple(model or ()), device, sample, drawn).checks():
        state = f"differs: {check.differs}" if check.differs else f"not checked: {check.unchecked}"
        echo(one_line(f"{check.name}: {state if check.differs or check.unchecked else 'ok'}"))
        done.append(check)
    if differ := [check.name for check in done if check.differs]:
        what = f"{run} is not what its spec, data and answers give by robust-xtreme {__version__}"
        raise Mismatch(f"{what}: {', '.join(differ)}. See docs/verify.md")
    counts = [sum(bool(check.unchecked) == is_open for check in done) for is_open in (False, True)]
    echo(f"{counts[0]} checks ok, {counts[1]} not made" + (f"; --seed {drawn}" if model else ""))
