"""`robust-xtreme report`: shows a finished run on the terminal, or writes it as a page, tables or data."""

from pathlib import Path
from typing import Annotated, Final

from robust_xtreme.cli import _completion
from robust_xtreme.cli._options import Overwriting, argument, check_of_run, option, several
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.registry import names
from robust_xtreme.core.sinks import echo

_SUFFIX: Final = ".html"


def report(
    runs: Annotated[list[str], argument("RUN...", "Folders of finished runs.", _completion.folder)],
    output: Annotated[
        list[str] | None,
        option("--out FILE", "Write a page (.html), text (.md), tables (.tex) or data (.csv, .json). Repeatable."),
    ] = None,
    views: Annotated[
        str | None, option("--views A,B", "Only these views (see below), in this order.", _completion.views)
    ] = None,
    languages: Annotated[
        str | None, option("--languages A,B", "Only these languages, without averages.", _completion.languages)
    ] = None,
    no_texts: Annotated[bool, option("--no-texts", "A page without examples, so without texts of the data.")] = False,
    force: Overwriting = False,
    open: Annotated[
        bool, option("--open", "Open the page in the browser; without -o the one in the run's folder.")
    ] = False,
) -> None:
    """Show finished runs on the terminal, or write them as a page, as tables or as data.

    A page is one file, which asks nothing of the network. Several runs are beside each other in it; of two runs on the
    same data and noise it has the differences, as of `compare`.

    Examples:

    robust-xtreme report runs/eval-0123456789abcdef

    robust-xtreme report RUN -l sw -o page.html

    robust-xtreme report RUN -o tables.tex --views languages_in_columns

    robust-xtreme report RUN OTHER -o both.html"""
    from robust_xtreme.cli._page import comparison_of, results_of, written
    from robust_xtreme.cli._terminal import output as terminal
    from robust_xtreme.gating.outputs import targets, write_files
    from robust_xtreme.report.cells import of_languages
    from robust_xtreme.report.document import show
    from robust_xtreme.report.outputs import SUFFIXES

    files = targets(output or (), SUFFIXES, force)
    pages = [path for path, suffix in files.items() if suffix == _SUFFIX]
    if open and output and not pages:
        raise UserError(f"--open opens a page, and {output[0]} is none. Name a file that ends in {_SUFFIX}.")
    if open and not pages and (views or languages or no_texts or len(runs) > 1):
        raise UserError(f"--open opens the page of one run as it is. Another is written first: add -o page{_SUFFIX}")
    folders, results = results_of(runs)
    if asked := several("languages", languages):
        check_of_run("report", {"language": (asked, results.scores["language"])})
        results = of_languages(results, asked)
        echo(f"robust-xtreme: {results.manifest['notes'][0]}", error=True)
    chosen = several("views", views) or []
    if files:
        comparison = None if chosen or asked else comparison_of(runs)
        how = (chosen, not no_texts, comparison)
        for path in write_files(files, lambda suffix, at: written(folders, results, suffix, *how, at)):
            echo(str(path))
    elif not open:
        show(terminal(), results, chosen)
    if open:
        _open(pages[0] if pages else Path(runs[0]) / "report.html")


def epilog() -> str:
    """The names of the views."""
    return f"Views: {', '.join(names('view'))}."


def _open(page: Path) -> None:
    """Open the page in the browser. Raises UserError where there is neither."""
    import webbrowser

    if not page.is_file():
        raise UserError(f"{page} does not exist. Write a page with -o page.html.")
    if not webbrowser.open(page.resolve().as_uri()):
        raise UserError(f"No browser was found for {page}.")
