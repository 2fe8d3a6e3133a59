"""`robust-xtreme show`: shows the edits of a perturbation in one text."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Final

from robust_xtreme.cli import _completion
from robust_xtreme.cli._next import show_next
from robust_xtreme.cli._options import Packs, Seed, argument, option, using
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.specs import SUITE, PerturbationSpec

if TYPE_CHECKING:
    import rich.text

    from robust_xtreme.noise.engine.noised import Noised

_WIDE: Final = 1 << 20
_HEADER: Final = ("strength", "text", "edits", "graphemes", "words", "operators")


def show(
    spec: Annotated[str, argument("SPEC", "A perturbation, as in char_noise:0.1", _completion.noise)],
    texts: Annotated[list[str], argument("TEXT...", "The text to perturb.")],
    language: Annotated[str, option("--languages CODE", "The language of the text.", _completion.language)],
    seed: Seed = 0,
    packs: Packs = None,
) -> None:
    """Show the edits of a perturbation in a text, and what share of the text they change.

    Each strength has a line, and the edits at a lower strength are among those at a higher one. Without colours,
    [-removed-] and {+added+} mark the edits.

    Example: robust-xtreme show char_noise:0.1,0.3 --languages sw "Habari ya asubuhi"
    """
    from robust_xtreme.api import noised_strings
    from robust_xtreme.noise.suites import suite

    values = [_typed(text) for text in texts]
    with using(packs):
        if spec.strip().startswith(SUITE):
            suite(spec.strip())  # an unknown suite is reported as such
        cells = PerturbationSpec.parse(spec).cells()
        if len(values) > 1:
            raise SpecError(f"{spec} is shown in one text; {len(values)} are given. Quote a text with spaces.")
        _table([(cell.nominal, noised_strings(values, cell, language, seed)[0]) for cell in cells])
    show_next("eval", "--perturb", spec, *(word for folder in packs or () for word in ("--packs", folder)))


def _typed(text: str) -> str:
    """The text as it was typed: in an ASCII locale Python decodes UTF-8 bytes to lone surrogates."""
    try:
        return os.fsencode(text).decode() if any("\udc80" <= point <= "\udcff" for point in text) else text
    except UnicodeError:
        return text


def _table(noised_texts: list[tuple[str, Noised]]) -> None:
    """Print the table or, on a terminal too narrow for it, entries with the text at full width."""
    from rich.padding import Padding
    from rich.table import Column
    from rich.text import Text

    from robust_xtreme.cli._terminal import fits, output, table_of
    from robust_xtreme.report.renderers.terminal import is_coloured

    console = output(_WIDE)
    coloured = is_coloured(console)
    rows = [(strength, diff(noised, coloured=coloured), *_figures(noised)) for strength, noised in noised_texts]
    table = table_of([Column(name, overflow="fold") for name in _HEADER], rows)
    if fits(console, table, _WIDE):
        console.print(table)
        return
    for strength, text, edits, graphemes, words, operators in rows:
        figures = Text(f"edits {edits}; graphemes {graphemes}; words {words}; {operators}")
        console.print(Text(strength, "bold"), Padding(text, (0, 0, 0, 2)), Padding(figures, (0, 0, 0, 2)))


def _figures(noised: Noised) -> tuple[str, str, str, str]:
    operators = ", ".join(f"{name} {many}" for name, many in noised.edits.items() if many) or noised.status
    edits = f"{sum(noised.edits.values())} of {noised.eligible}"
    graphemes = _share(noised.graphemes_edited, noised.graphemes)
    return edits, graphemes, _share(noised.words_edited, noised.words), operators


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} % ({part}/{whole})" if whole else "none"


def diff(noised: Noised, *, coloured: bool) -> rich.text.Text:
    """The noisy text with removed and added parts marked by colours or signs; invisible characters are shown."""
    from robust_xtreme.noise.engine.noised import pieces
    from robust_xtreme.report.blocks import Diff
    from robust_xtreme.report.renderers.terminal import diff_text

    return diff_text(Diff(tuple(pieces(noised))), coloured=coloured)
