"""Alphabets against real text: the letters that people write are the letters that noise can choose from."""

from __future__ import annotations

import csv
import unicodedata
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pytest
import regex

from robust_xtreme.core.languages import LANGUAGES, Language, belongs, language

pytestmark = pytest.mark.real

# Codes of FLORES and of Tatoeba for the languages whose files these folders contain.
FLORES = {
    "ar": "arb_Arab", "bg": "bul_Cyrl", "bn": "ben_Beng", "de": "deu_Latn", "el": "ell_Grek", "en": "eng_Latn",
    "es": "spa_Latn", "et": "est_Latn", "fi": "fin_Latn", "fr": "fra_Latn", "he": "heb_Hebr", "hi": "hin_Deva",
    "hu": "hun_Latn", "id": "ind_Latn", "it": "ita_Latn", "ja": "jpn_Jpan", "ka": "kat_Geor", "kk": "kaz_Cyrl",
    "ko": "kor_Hang", "mr": "mar_Deva", "my": "mya_Mymr", "nl": "nld_Latn", "pl": "pol_Latn", "pt": "por_Latn",
    "ro": "ron_Latn", "ru": "rus_Cyrl", "sw": "swh_Latn", "ta": "tam_Taml", "te": "tel_Telu", "th": "tha_Thai",
    "tr": "tur_Latn", "uk": "ukr_Cyrl", "ur": "urd_Arab", "vi": "vie_Latn", "wo": "wol_Latn", "yo": "yor_Latn",
    "zh": "zho_Hans",
}  # fmt: skip
TATOEBA = {"af": "afr", "az": "aze", "fa": "pes", "jv": "jav", "lt": "lit", "tl": "tgl"}
CHECKLIST = ("eu", "ht", "ml")


@lru_cache(maxsize=2)
def _text(data: Path, code: str) -> str:
    """The first letters of the real text of a language, in NFC."""
    return unicodedata.normalize("NFC", _whole(data, code)[:50_000])


def _whole(data: Path, code: str) -> str:
    if code in FLORES:
        return (data / "flores_first100" / f"{FLORES[code]}.dev").read_text("utf-8")
    if code in TATOEBA:
        three = TATOEBA[code]
        return (data / "tatoeba" / "v1" / f"tatoeba.{three}-eng.{three}").read_text("utf-8")
    if code in CHECKLIST:
        return _column(data / "multichecklist" / "checklist_templates.tsv", code)
    rows = (data / "panx" / f"dev-{code}.tsv").read_text("utf-8").splitlines()
    return " ".join(row.split("\t")[0] for row in rows)


def _column(path: Path, code: str) -> str:
    """The templates of one language, without their placeholders."""
    with path.open(encoding="utf-8", newline="") as file:
        cells = [row[code] or "" for row in csv.DictReader(file, delimiter="\t")]
    text: str = regex.sub(r"[{\[][^}\]]*[}\]]", " ", " ".join(cells))
    return text


def _written(text: str, known: Language) -> Counter[str]:
    """The letters of the language's own script in a text: clusters, without the signs that are on them."""
    clusters = Counter(regex.findall(r"\X", text.lower()))
    return Counter({cluster: count for cluster, count in clusters.items() if _ours(cluster, known)})


def _ours(cluster: str, known: Language) -> bool:
    names = {"Jpan": ("Han", "Hiragana", "Katakana"), "Kore": ("Hangul",), "Hans": ("Han",)}
    return any(
        regex.match(rf"\p{{L}}(?<=\p{{Script={name}}})", cluster) for name in names.get(known.script, (known.script,))
    )


def _covered(cluster: str, alphabet: frozenset[str]) -> bool:
    return cluster in alphabet or cluster[0] in alphabet


MASAKHANER = {"ha": "hau", "ig": "ibo", "zu": "zul"}


def _masakhaner(data: Path, code: str) -> str:
    lines = (data / "masakhaner2" / MASAKHANER[code] / "dev.txt").read_text("utf-8").splitlines()
    return " ".join(line.split(" ")[0] for line in lines)


@pytest.mark.parametrize("code", MASAKHANER)
def test_an_alphabet_of_a_low_resource_language_covers_what_is_written(data: Path, code: str) -> None:
    """The same of the low-resource languages that real text is there for."""
    _check(unicodedata.normalize("NFC", _masakhaner(data, code)[:50_000]), code)


@pytest.mark.parametrize("code", LANGUAGES)
def test_an_alphabet_covers_what_is_written(data: Path, code: str) -> None:
    """The letters of real text are those of the alphabet, its marks the language's, and the rest what it has."""
    _check(_text(data, code), code)
    _check_belongs(data, code)
    _check_marks(data, code)


def _check(text: str, code: str) -> None:
    """At least 95 % of the letters of a text, in the language's own script, are letters of its alphabet."""
    known = language(code)
    written = _written(text, known)
    alphabet = frozenset(known.alphabet)
    missing = Counter({cluster: count for cluster, count in written.items() if not _covered(cluster, alphabet)})
    share = 1 - missing.total() / written.total()
    assert share >= 0.95, f"{code}: {share:.3f} covered; most missing: {missing.most_common(12)}"


def _check_belongs(data: Path, code: str) -> None:
    """At least 97 % of the clusters of real text, foreign letters aside, are written with what the language has."""
    latin = language(code).script == "Latn"
    clusters = Counter(regex.findall(r"\X", _text(data, code)))
    asked = Counter(
        {cluster: n for cluster, n in clusters.items() if latin or not regex.match(r"\p{Script=Latin}", cluster)}
    )
    foreign = Counter({cluster: count for cluster, count in asked.items() if not belongs(code, cluster)})
    share = 1 - foreign.total() / asked.total()
    assert share >= 0.97, f"{code}: {share:.3f} belong; most that do not: {foreign.most_common(12)}"


def _check_marks(data: Path, code: str) -> None:
    """At least 98 % of the combining marks and joiners of real text in a language, in its script, are its marks."""
    script = {"Jpan": "Hira", "Kore": "Hang", "Hans": "Hani"}.get(language(code).script, language(code).script)
    mark = regex.compile(rf"[\p{{M}}\u200c\u200d](?<=[\p{{Script={script}}}\p{{Script=Zinh}}])")
    points = Counter(_text(data, code))
    marks = Counter({point: n for point, n in points.items() if mark.match(point)})
    foreign = Counter({point: count for point, count in marks.items() if point not in language(code).marks})
    few = 20
    assert foreign.total() <= max(few, 0.02 * marks.total()), f"{code}: {foreign.most_common(12)} of {marks.total()}"
