"""Texts at hand from which words of a language are counted: FLORES, PAN-X, Tatoeba, and the treebank of English."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from robust_xtreme.core import graphemes
from robust_xtreme.core.edits import Array
from robust_xtreme.core.languages import ALL_LANGUAGES, belongs, language
from robust_xtreme.noise.engine.case import lower

_FILES: Final = (
    "ar=arb_Arab bg=bul_Cyrl bn=ben_Beng de=deu_Latn el=ell_Grek en=eng_Latn es=spa_Latn et=est_Latn fi=fin_Latn "
    "fr=fra_Latn ha=hau_Latn he=heb_Hebr hi=hin_Deva hu=hun_Latn id=ind_Latn ig=ibo_Latn it=ita_Latn ja=jpn_Jpan "
    "ka=kat_Geor kk=kaz_Cyrl ko=kor_Hang lg=lug_Latn mr=mar_Deva my=mya_Mymr nl=nld_Latn pl=pol_Latn pt=por_Latn "
    "ro=ron_Latn ru=rus_Cyrl sw=swh_Latn ta=tam_Taml te=tel_Telu th=tha_Thai tr=tur_Latn uk=ukr_Cyrl ur=urd_Arab "
    "vi=vie_Latn wo=wol_Latn yo=yor_Latn zh=zho_Hans zu=zul_Latn "
)
FLORES: Final = dict(pair.split("=") for pair in _FILES.split())
"""The file of each language in FLORES's development sentences."""

_TATOEBA: Final = {
    **{code: name[:3] for code, name in FLORES.items()},
    "af": "afr",
    "ar": "ara",
    "az": "aze",
    "et": "est",
    "eu": "eus",
    "fa": "pes",
    "jv": "jav",
    "lt": "lit",
    "ml": "mal",
    "ms": "zsm",
    "tl": "tgl",
}
"""The code of each language in Tatoeba's files."""

_PANX: Final = frozenset(["af", "az", "fa", "gu", "jv", "lt", "ms", "pa", "qu", "tl"])
"""The languages without FLORES whose words are counted in PAN-X's development sentences, too."""

SPACED: Final = tuple(code for code in ALL_LANGUAGES if language(code).spaces and code in {*_TATOEBA, *_PANX})
"""The languages with spaces of which there is text."""

XQUAD: Final = "xquad/xquad.en.json"
_SIGNS: Final = ".,;:!?¿¡\"“”„«»()[]{}…–—-'’‘`،؛؟।՞"
_CLOSED: Final = frozenset(("ADP", "AUX", "CCONJ", "DET", "PART", "PRON", "SCONJ"))
_FORM, _LEMMA, _CLASS = 1, 2, 3


def sentences(code: str, data: Path) -> list[str]:
    """The development sentences of FLORES in a language."""
    return (data / "flores_first100" / f"{FLORES[code]}.dev").read_text(encoding="utf-8").splitlines()


def questions(path: Path) -> list[str]:
    """The questions of a file in SQuAD's layout."""
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    return [row["question"] for article in articles for passage in article["paragraphs"] for row in passage["qas"]]


def _tatoeba(code: str, data: Path) -> list[str]:
    """The sentences of a language that Tatoeba has with English; of English those with German."""
    name = _TATOEBA.get(code, "")
    path = data / "tatoeba" / "v1" / ("tatoeba.deu-eng.eng" if code == "en" else f"tatoeba.{name}-eng.{name}")
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def _texts(code: str, data: Path) -> Iterator[str]:
    if code in FLORES:
        yield from sentences(code, data)
    yield from _tatoeba(code, data)
    if code in _PANX:
        lines = (data / "panx" / f"dev-{code}.tsv").read_text(encoding="utf-8").split("\n\n")
        yield from (" ".join(line.split("\t")[0] for line in block.splitlines()) for block in lines)
    if code == "en":
        yield from (line[9:] for line in _treebank(data) if line.startswith("# text = "))


def credits(code: str) -> str:
    """The sources of a language's words, with their licences."""
    parts = ["FLORES-200's dev sentences (NLLB Team 2022, CC BY-SA 4.0)"] if code in FLORES else []
    parts += ["Tatoeba (CC BY 2.0 FR)"] if code in _TATOEBA else []
    parts += ["PAN-X (Pan et al. 2017, ODC-By)"] if code in _PANX else []
    parts += (
        ["UD English EWT (CC BY-SA 4.0)", "lists of misspellings (HELM, Apache-2.0; NL-Augmenter and nlpaug, MIT)"]
        if code == "en"
        else []
    )
    return "pairs of words, computed by tools/natural/real_words.py, from " + ", ".join(parts)


@cache
def words(code: str, data: Path) -> Counter[str]:
    """The words of a language's texts that occur twice, in small letters of its alphabet; names are left out."""
    counts: Counter[str] = Counter()
    capitals: Counter[str] = Counter()
    for text in _texts(code, data):
        for number, token in enumerate(text.replace("’", "'").split()):
            word = token.strip(_SIGNS)
            small = lower(word, code)
            counts[small] += 1
            capitals[small] += number > 0 and word != small
    named = {word for word, many in capitals.items() if code != "de" and many * 2 > counts[word]}
    return Counter({w: n for w, n in counts.items() if n > 1 and w not in named and _is_word(w, code)})


def contexts(code: str, data: Path, many: int) -> dict[str, Array]:
    """How often each of the most frequent words is before and after each of so many frequent words (2 * many + 4,)."""
    frequent = {word: number for number, (word, _) in enumerate(words(code, data).most_common(many))}
    beside = {word: np.zeros(2 * many + 4) for word in frequent}
    for text in _texts(code, data):
        tokens = ["", *(lower(token.strip(_SIGNS), code) for token in text.replace("’", "'").split()), ""]
        numbers = [frequent.get(token, many + (not token)) for token in tokens]
        for before, token, after in zip(numbers, tokens[1:], numbers[2:], strict=False):
            if token in beside:
                beside[token][[before, many + 2 + after]] += 1
    return beside


def _is_word(word: str, code: str) -> bool:
    parts = word.split("'")
    return len(parts) < 3 and all(
        part and all(x[0].isalpha() and belongs(code, x) for x in graphemes.split(part)) for part in parts
    )


def _treebank(data: Path) -> Iterator[str]:
    for path in sorted((data / "ud" / "UD_English-EWT").glob("*.conllu")):
        yield from path.read_text(encoding="utf-8").splitlines()


def treebank(data: Path) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """The forms of each lemma, and the words of each closed class, by the treebank of English."""
    lemmas: dict[str, set[str]] = defaultdict(set)
    classes: dict[str, set[str]] = defaultdict(set)
    for line in _treebank(data):
        cells = line.split("\t")
        if len(cells) > _CLASS and cells[_FORM].isalpha():
            lemmas[f"{cells[_LEMMA]} {cells[_CLASS]}"].add(cells[_FORM].lower())
            if cells[_CLASS] in _CLOSED:
                classes[cells[_CLASS]].add(cells[_FORM].lower())
    return lemmas, classes
