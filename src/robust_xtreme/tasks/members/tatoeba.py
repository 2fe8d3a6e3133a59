"""Tatoeba: for each English sentence, find its translation among about a thousand sentences of a language."""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Files, HubFiles, Pool, TaskSpec
from robust_xtreme.tasks.adapters.hub import translation
from robust_xtreme.tasks.adapters.retrieval import translated, translations

_HUB: Final = "mteb/tatoeba-bitext-mining"
_COMMIT: Final = "69e8f12da6e31d59addadda9a9c8a2e601a0e282"
# Of the hub's copy: docs/decisions/tasks.md#hub-commits says where it was seen.

_CODES: Final = {
    "af": "afr", "ar": "ara", "az": "aze", "bg": "bul", "bn": "ben", "de": "deu", "el": "ell", "es": "spa", "et": "est",
    "eu": "eus", "fa": "pes", "fi": "fin", "fr": "fra", "he": "heb", "hi": "hin", "hu": "hun", "id": "ind", "it": "ita",
    "ja": "jpn", "jv": "jav", "ka": "kat", "kk": "kaz", "ko": "kor", "lt": "lit", "ml": "mal", "mr": "mar", "nl": "nld",
    "pl": "pol", "pt": "por", "ro": "ron", "ru": "rus", "sw": "swh", "ta": "tam", "te": "tel", "th": "tha", "tl": "tgl",
    "tr": "tur", "uk": "ukr", "ur": "urd", "vi": "vie", "zh": "cmn",
}  # fmt: skip
"""The code of each language in LASER's files, as in XTREME's utils_preprocess.py."""

_SINCE_R: Final = ("az", "lt", "pl", "ro", "uk")
_LANGUAGES: Final = codes(" ".join(sorted(_CODES)))

tatoeba = TaskSpec(
    name="tatoeba",
    summary="Translation retrieval: the sentence of a language that an English sentence means.",
    family="retrieval",
    metrics=("retrieval_accuracy", "map_at_20"),
    languages=_LANGUAGES,
    train_languages=(),
    files={
        "test": Files(
            "line_pairs",
            (
                ("tatoeba/v1/tatoeba.{code}-eng.{code}", "tatoeba/v1/tatoeba.{code}-eng.eng"),
                ("tatoeba/tatoeba.{code}-eng.{code}", "tatoeba/tatoeba.{code}-eng.eng"),
                ("tatoeba/{language}-en.{language}", "tatoeba/{language}-en.en"),
            ),
            codes=_CODES,
        ),
    },
    perturbed=(("candidate",),),
    noisable=("query",),
    adapt=translations,
    accepts=("tatoeba",),
    cite="Artetxe and Schwenk 2019, Massively Multilingual Sentence Embeddings for Zero-Shot Cross-Lingual Transfer "
    "and Beyond (arXiv 1812.10464), in the languages of XTREME (arXiv 2003.11080) and XTREME-R (arXiv 2104.07412)",
    max_length=512,
    hub={
        "test": HubFiles(_HUB, _COMMIT, "{code}-eng", "test", "test/{code}-eng.jsonl.gz", translation, codes=_CODES),
    },
    groups={"xtreme-r": _LANGUAGES, "xtreme": tuple(code for code in _LANGUAGES if code not in _SINCE_R)},
    score=("retrieval_accuracy",),
    pool=Pool(translated, max_length=512),
    head=False,
    rows="Up to 1,000 pairs in each of 41 languages; as few as 205 in Javanese.",
    official="google-research/xtreme, third_party/utils_retrieve.py (similarity_search) and evaluate.py: accuracy of "
    "the nearest sentence.",
    checked="`tests/real/test_mock_scorer.py`: the mean over XTREME's mock predictions is the one that its own test "
    "expects (53.6111). `tests/real/test_retrieval_files.py`: queries are English, and 36 languages have the official "
    "pairs.",
    licence="CC BY 2.0 FR",
)
