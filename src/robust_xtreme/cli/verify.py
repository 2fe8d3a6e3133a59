"""`robust-xtreme verify`: makes a run that somebody else made again, and says where it differs."""

from pathlib import Path
from secrets import randbelow
from typing import Annotated, Final

from robust_xtreme.cli import _completion
from robust_xtreme.cli._options import FinishedRun, option
from robust_xtreme.core.errors import Mismatch, MissingData, UserError
from robust_xtreme.core.sinks import echo, one_line

_ASKED: Final = 500


def verify(
    run: FinishedRun,
    data: Annotated[str, option("--data DIR", "Your data. Default: those that the run names.", _completion.data)] = "",
    model: Annotated[
        list[str] | None, option("--model NAME", "The run's model, also TASK=NAME. Repeatable.", _completion.model)
    ] = None,
    sample: Annotated[
        int | None, option("--sample N", f"Items of each task asked of --model. Default: {_ASKED}.")
    ] = None,
    seed: Annotated[int | None, option("--seed N", "Draws these items. Default: a new one each time.")] = None,
) -> None:
    """Prove a run that somebody else made: its files, data, noise, sums, scores, intervals, page, and some answers.

    All is made again from the answers, and with --model some of these, too. Exit 0: nothing differs, whatever was not
    checked; 2: something does, or nothing but digests could be compared. docs/verify.md says which forgeries are found.

    Example: robust-xtreme verify runs/theirs --data DIR --model OWNER/NAME"""
    from robust_xtreme.run.verifying import Verifying

    asked = {"--sample": sample, "--seed": seed}
    if lone := [name for name, value in asked.items() if value is not None and not model]:
        raise UserError(f"{lone[0]} is of the items that a model is asked for. Add --model NAME.")
    many = _ASKED if sample is None else sample
    if many < 1:
        raise UserError(f"--sample {sample} asks for nothing. Give at least 1.")
    drawn = randbelow(1 << 31) if seed is None else seed
    differ, open_ones = list[str](), list[str]()
    for name, differs, unchecked in Verifying(data, tuple(model or ()), many, drawn).checks(Path(run)):
        why = f"differs: {differs}" if differs else f"not checked: {unchecked}" if unchecked else "ok"
        echo(one_line(f"{name}: {why}"))
        differ += [name] if differs else []
        open_ones += [name] if unchecked else []
    if differ:
        raise Mismatch(f"{run} is not as it is made again: {', '.join(differ)}. See docs/verify.md")
    if "all else" in open_ones:
        raise MissingData("Nothing was compared but digests, which prove nothing. Add --data DIR or --model NAME.")
    left = f" Not checked: {', '.join(open_ones)}." if open_ones else ""
    echo(f"Nothing differs.{left}{f' Asked by --seed {drawn}.' if model else ''}")
