"""`robust-xtreme certify`: certified accuracy, which no opponent within some edits of a text can take away."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from robust_xtreme.cli._errors import PLANNING
from robust_xtreme.cli._next import again, show_next
from robust_xtreme.cli._options import Seed, option, passed, several, with_keys
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.run_spec import RunSpec, from_mapping
from robust_xtreme.core.sinks import echo

_WITHOUT: Final = (
    *("perturb", "keep_names", "seeds", "scores", "trained_on", "representation", "prompts", "dims", "packs"),
    *("external", "external_partial", "frozen", "match", "workers"),
)


@with_keys(RunSpec, without=_WITHOUT)
def certify(
    *,
    radius: Annotated[str, option("--radius N,N", "Edits of a text. Default: 1,2,3.")] = "1,2,3",
    draws: Annotated[int, option("--draws N", "Texts that bound the probability of an answer. Default: 1000.")] = 1000,
    first: Annotated[int, option("--first N", "Texts before them that choose the answer. Default: 100.")] = 100,
    delete: Annotated[str, option("--delete P", "The probability of a deletion. Default: 0.9.")] = "0.9",
    seed: Seed = 0,
    beside: Annotated[str, option("--beside RUN", "A run of eval whose attacks are shown beside.")] = "",
    plan: Annotated[bool, option("--plan --dry-run", "Print what is left to read and its time.")] = False,
    quiet: Annotated[bool, option("--quiet -q", "Print only the table.")] = False,
    verbose: Annotated[bool, option("--verbose -v", "Print every step, and the traceback of an error.")] = False,
    **keys: Any,
) -> None:
    """Certify accuracy: what no opponent with so many edits of a text can take from the smoothed model.

    The smoothed model answers what the model answers most often when graphemes are deleted at random. Classification,
    choice and tagging, by word; 100 rows of each language by default. The same command continues a stopped one.

    Examples:

    robust-xtreme certify --tasks xnli --languages sw,en --limit 20 --draws 200

    robust-xtreme certify --model panx=runs/panx --data DIR --tasks panx --radius 1,2,3 --draws 1000 --plan"""
    words = several("radius", radius) or []
    if not all(word.isdecimal() and len(word) < 4 for word in words):
        raise UserError(f"--radius {radius} is not whole numbers up to 999, as in --radius 1,2,3.")
    spec = from_mapping(passed(keys, ("tasks", "languages")), "certify")
    from robust_xtreme.cli._terminal import observing, output
    from robust_xtreme.report.renderers.terminal import print_blocks

    with observing(quiet, verbose) as observer:
        from robust_xtreme.run.certifying import Smoothing, certify

        share = re.sub(r"^0?(\.[0-9]*[1-9])0*$", r"0\1", delete)  # .90 is 0.9
        how = Smoothing(tuple(dict.fromkeys(map(int, words))), draws, first, share, seed)
        folder, blocks = certify(spec, how, observer, plan, beside)
    if plan:
        show_next(*again(without=PLANNING))
        return
    print_blocks(output(), blocks)
    for name in ("report.md", "report.html", "certificates.csv"):
        echo(str(folder / name))
