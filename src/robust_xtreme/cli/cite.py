"""`robust-xtreme cite`: the licences and references of what a run used."""

from pathlib import Path
from typing import Annotated

from robust_xtreme.cli._options import FinishedRun, Overwriting, option
from robust_xtreme.core.sinks import echo, one_line


def cite(
    run: FinishedRun,
    output: Annotated[list[str] | None, option("--out FILE", "Write BibTeX (.bib). Repeatable.")] = None,
    force: Overwriting = False,
) -> None:
    """Name the licence and the reference of each task, pack, noisy set and model of a run; then BibTeX, or in a file.

    What may not be used commercially comes first. What is not known is said to be so.

    Example: robust-xtreme cite runs/mine -o mine.bib"""
    from robust_xtreme.gating.outputs import targets, write_files
    from robust_xtreme.report.citing import bibtex, lines, sources
    from robust_xtreme.report.document import finished

    files, used = targets(output or (), (".bib",), force), sources(finished(Path(run)))
    for line in lines(used):
        echo(one_line(line))
    written = write_files(files, lambda *_: bibtex(used).encode())
    echo("\n".join(map(str, written)) or f"\n{bibtex(used)}")
