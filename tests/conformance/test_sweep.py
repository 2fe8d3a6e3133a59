"""Every perturbation in each of the fifty languages at four strengths, on sentences of the release files.

In continuous integration a few sentences of each, drawn by a seed; `make test-long` takes them all.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from tests.conformance.clusters import counts
from tests.conformance.rules import SHARE, rule_4_noise_belongs_to_the_script, run, text_keeps
from tests.conformance.switching import with_partners
from tests.conformance.texts import hard, sentence, text, words
from tests.some import some

from robust_xtreme.core import registry
from robust_xtreme.core.examples import Text
from robust_xtreme.core.languages import LANGUAGES
from robust_xtreme.noise.engine.perturbation import Perturbation

pytestmark = pytest.mark.real

_STRENGTHS: Final = ("0", "0.05", "0.3", "1")
_FEW: Final = 3
_SENTENCES_ARE: Final = ("line/", "dev-", "test-", "train-")
_FLORES: Final = {
    "ar": "arb", "bg": "bul", "bn": "ben", "de": "deu", "el": "ell", "en": "eng", "es": "spa", "et": "est",
    "fi": "fin", "fr": "fra", "he": "heb", "hi": "hin", "hu": "hun", "id": "ind", "it": "ita", "ja": "jpn",
    "ka": "kat", "kk": "kaz", "ko": "kor", "mr": "mar", "my": "mya", "nl": "nld", "pl": "pol", "pt": "por",
    "ro": "ron", "ru": "rus", "sw": "swh", "ta": "tam", "te": "tel", "th": "tha", "tr": "tur", "uk": "ukr",
    "ur": "urd", "vi": "vie", "wo": "wol", "yo": "yor", "zh": "zho",
}  # fmt: skip
_TATOEBA: Final = {
    **_FLORES, "af": "afr", "ar": "ara", "az": "aze", "eu": "eus", "fa": "pes", "jv": "jav", "lt": "lit", "ml": "mal",
    "ms": "zsm", "tl": "tgl", "zh": "cmn",
}  # fmt: skip


def _members() -> list[Perturbation]:
    """The perturbations that a spec can name without a model of its own, but for attacks."""
    members = [registry.load("perturbation", name) for name in registry.names("perturbation")]
    return [with_partners(member) for member in members if not (member.free or member.moves)]


def _lines(paths: Sequence[Path]) -> list[str]:
    return [line for path in paths if path.is_file() for line in path.read_text(encoding="utf-8").splitlines() if line]


def _sentences(code: str, data: Path) -> list[Text]:
    """The sentences of PAN-X, with a span for each word, of Tatoeba, of FLORES and of treebanks that are there.

    The release files have none in Haitian Creole and Malayalam; our own sentence of each language is always there.
    """
    flores = sorted((data / "flores_first100").glob(f"{_FLORES.get(code, '-')}_*.dev"))
    tatoeba = _TATOEBA.get(code, "-")
    other = _lines([*flores, data / "tatoeba" / "v1" / f"tatoeba.{tatoeba}-eng.{tatoeba}"])
    banks = _lines(sorted((data / "ud").glob(f"*/{code}_*.conllu")))
    other += [line.partition("# text = ")[2] for line in banks if line.startswith("# text = ")]
    sentences = [text(code, value, name=f"line/{number}") for number, value in enumerate(dict.fromkeys(other))]
    for path in sorted((data / "panx").glob(f"*-{code}.tsv")):
        for number, block in enumerate(path.read_text(encoding="utf-8").split("\n\n")):
            value = " ".join(line.split("\t")[0] for line in block.splitlines() if line.strip())
            sentences.append(text(code, value, *words(value), name=f"{path.stem}/{number}"))
    sentences.append(text(code, sentence(code), name="line/ours"))
    return [sentence for sentence in sentences if sentence.value.strip()]


def _sweep(perturbation: Perturbation, code: str, texts: Sequence[Text]) -> None:
    """All rules about one text, at every strength; for sentences also the counts of inserted letters."""
    alien = rule_4_noise_belongs_to_the_script.__name__ in perturbation.waives
    counters = {count: Counter[bool]() for count in (() if alien else counts(perturbation))}
    for strength in _STRENGTHS:
        for noised in run(perturbation, texts, strength):
            assert strength != "0" or noised.text == noised.clean
            assert (noised.status == "not_applicable") == bool(perturbation.lacks(code))
            text_keeps(perturbation, noised)
            for count, counter in counters.items() if noised.clean.id.startswith(_SENTENCES_ARE) else ():
                counter.update(count(noised))
    for count, counter in counters.items():
        assert counter[True] >= SHARE * counter.total(), (
            f"{perturbation.name}, {count.__name__}: {counter[False]} of {counter.total()} clusters are foreign"
        )


_SEVERAL = ("bn", "el", "my", "te", "yo")


@pytest.mark.parametrize("code", some(LANGUAGES, _SEVERAL))
def test_a_few_sentences_keep_the_rules(code: str, data: Path) -> None:
    """Some sentences of each language, drawn by a seed, and the hard clusters, under every perturbation."""
    sentences = _sentences(code, data)
    few = random.Random(code).sample(sentences, min(_FEW, len(sentences)))
    for perturbation in _members():
        _sweep(perturbation, code, [*few, *random.Random(code).sample(hard(code), _FEW)])


@pytest.mark.long
@pytest.mark.parametrize("name", [member.name for member in _members()])
@pytest.mark.parametrize("code", LANGUAGES)
def test_all_sentences_keep_the_rules(code: str, name: str, data: Path) -> None:
    """All sentences of each language, and all hard clusters, under one perturbation."""
    perturbation = with_partners(registry.load("perturbation", name))
    sentences = _sentences(code, data)[:: 1 if perturbation.kind == "letters" else 5]
    _sweep(perturbation, code, [*sentences, *hard(code)])
