"""Retrieval: Tatoeba, BUCC, LAReQA and Mewsli-X."""

from dataclasses import replace
from functools import partial
from typing import Final

from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Files, Pool, TaskSpec
from robust_xtreme.tasks.adapters import retrieval
from robust_xtreme.tasks.adapters.hub import pinned, translation

_task = partial(TaskSpec, family="retrieval", perturbed=(("query",),), noisable=("candidate",))

_CODES: Final = {
    "af": "afr", "ar": "ara", "az": "aze", "bg": "bul", "bn": "ben", "de": "deu", "el": "ell", "es": "spa", "et": "est",
    "eu": "eus", "fa": "pes", "fi": "fin", "fr": "fra", "he": "heb", "hi": "hin", "hu": "hun", "id": "ind", "it": "ita",
    "ja": "jpn", "jv": "jav", "ka": "kat", "kk": "kaz", "ko": "kor", "lt": "lit", "ml": "mal", "mr": "mar", "nl": "nld",
    "pl": "pol", "pt": "por", "ro": "ron", "ru": "rus", "sw": "swh", "ta": "tam", "te": "tel", "th": "tha", "tl": "tgl",
    "tr": "tur", "uk": "ukr", "ur": "urd", "vi": "vie", "zh": "cmn",
}  # fmt: skip
"""The code of each language in LASER's files, as in XTREME's utils_preprocess.py."""

_SINCE_R: Final = ("az", "lt", "pl", "ro", "uk")
_TATOEBA_LANGUAGES: Final = codes(" ".join(sorted(_CODES)))

tatoeba = _task(
    name="tatoeba",
    summary="Translation retrieval: the sentence of a language that an English sentence means.",
    metrics=("retrieval_accuracy", "map_at_20"),
    languages=_TATOEBA_LANGUAGES,
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
        )
    },
    perturbed=(("candidate",),),
    noisable=("query",),
    adapt=retrieval.translations,
    cite="Artetxe and Schwenk 2019, Massively Multilingual Sentence Embeddings for Zero-Shot Cross-Lingual Transfer "
    "and Beyond (arXiv 1812.10464), in the languages of XTREME (arXiv 2003.11080) and XTREME-R (arXiv 2104.07412)",
    max_length=512,
    hub=pinned(
        "mteb/tatoeba-bitext-mining",
        "{code}-eng",
        ("test",),
        translation,
        codes=_CODES,
        files="test/{code}-eng.jsonl.gz",
    ),
    groups={"xtreme-r": (), "xtreme": tuple(code for code in _TATOEBA_LANGUAGES if code not in _SINCE_R)},
    pool=Pool(retrieval.translated, translations=True, max_length=512),
    head=False,
    rows="Up to 1,000 pairs in each of 41 languages; as few as 205 in Javanese.",
    official="google-research/xtreme, third_party/utils_retrieve.py (similarity_search) and evaluate.py: accuracy of "
    "the nearest sentence.",
    checked="`tests/real/test_mock_scorer.py`: the mean over XTREME's mock predictions is the one that its own test "
    "expects (53.6111). `tests/real/test_retrieval_files.py`: queries are English, and 36 languages have the official "
    "pairs.",
    licence="CC BY 2.0 FR",
)


tatoeba_to_en = replace(
    tatoeba,
    name="tatoeba@to=en",
    summary="Translation retrieval, typed: the English sentence that a sentence of a language means.",
    accepts=(),
    groups={},
    adapt=retrieval.sentences,
    pool=Pool(retrieval.english, translations=True, max_length=512),
    perturbed=(("query",),),
    noisable=("candidate",),
    official="none: XTREME's script asks in English. The metric is that of tatoeba.",
    checked="`tests/unit/tasks/test_retrieval_tasks.py`: queries and pool are the two sides of tatoeba's pairs. "
    "`tests/e2e/test_typed_search.py`: noise is on the language's text in both directions; tatoeba's numbers stay.",
    data_of="tatoeba",
)


_SIDES: Final = ("{language}", "en", "gold")


def _bucc_files(release: str, xtreme: str) -> Files:
    """The three files of a split as unpacked from the archives, in one folder, or as renamed by XTREME's script."""
    bases = (f"{{language}}-en/{{language}}-en.{release}", f"{{language}}-en.{release}", f"{{language}}-en.{xtreme}")
    return Files("bucc_tsv", tuple(tuple(f"bucc2018/{base}.{side}" for side in _SIDES) for base in bases), ids="native")


bucc = _task(
    name="bucc",
    summary="Bitext mining: the pairs of a sentence and its English translation among many without one.",
    metrics=("bitext_f1", "bitext_f1_retuned"),
    languages=codes("de fr ru zh"),
    train_languages=(),
    files={"validation": _bucc_files("sample", "dev"), "test": _bucc_files("training", "test")},
    adapt=retrieval.mined,
    cite="Zweigenbaum et al. 2018, Overview of the Third BUCC Shared Task (BUCC at LREC 2018), in the splits of XTREME "
    "(arXiv 2003.11080): its sample for validation, its training set for test",
    max_length=512,
    groups={"xtreme": ()},
    pool=Pool(retrieval.minable, translations=True, search="bitext", max_length=512),
    head=False,
    rows="Between 1,896 and 14,330 gold pairs for each of four languages.",
    official="google-research/xtreme, third_party/utils_retrieve.py (mine_bitext, bucc_eval) and evaluate.py: F1 of "
    "pairs.",
    checked="`tests/real/test_mock_scorer.py`: the mean over XTREME's mock predictions is the one that its own test "
    "expects (55.0). `tests/unit/stats/test_bitext.py`: mining and threshold are compared with a slow restatement.",
    absent="The copies there contain gold pairs only, without the sentences that have no partner, so that F1 cannot be "
    "computed. Unpack bucc2018-{de,fr,ru,zh}-en.{sample,training}-gold.tar.bz2 of comparable.limsi.fr/bucc2018 in "
    "DIR, and name it with --data DIR.",
    licence="CC BY-SA 4.0, by the card of a copy on the hub (mteb/bucc-bitext-mining)",
)


lareqa = _task(
    name="lareqa",
    summary="Answer retrieval: the sentences, in every language, that answer a question.",
    metrics=("map_at_20", "retrieval_accuracy", "own_language"),
    languages=codes("ar de el en es hi ru th tr vi zh"),
    files={
        "train": Files("squad_sentences", ("squad/train-v1.1.json",), ids="native"),
        "validation": Files("squad_sentences", ("lareqa/xquad-r/{language}.json",), ids="native"),
    },
    adapt=retrieval.answer_sentences,
    cite="Roy et al. 2020, LAReQA: Language-agnostic Answer Retrieval from a Multilingual Pool (arXiv 2004.05484)",
    max_length=96,
    groups={"xtreme-r": ()},
    pool=Pool(retrieval.all_sentences, shared=True, max_length=256),
    rows="1,190 questions in each of 11 languages, and one pool of 13,014 sentences.",
    official="google-research/xtreme, third_party/evaluate_retrieval.py and utils_lareqa.py (mean_avg_prec_at_k): "
    "mean average precision at 20.",
    checked="`tests/real/test_retrieval_files.py`: the sentences of nine languages are as many as in LAReQA's own "
    "table. `tests/unit/tasks/test_retrieval_metrics.py`: average precision is that of torchmetrics.",
    absent="The copy there (google-research-datasets/xquad_r) does not say where sentences begin. Take the folder "
    "xquad-r of github.com/google-research-datasets/lareqa as DIR/lareqa/xquad-r, SQuAD's train-v1.1.json as "
    "DIR/squad/train-v1.1.json, and name DIR with --data DIR.",
    licence="CC BY-SA 4.0",
)


_POOL: Final = Files("mewsli_entities", ("mewslix/candidate_set_entities.jsonl",), ids="native")


def _news(part: str) -> Files:
    return Files("mewsli_mentions", (f"mewslix/wikinews_mentions-{part}.jsonl",), ids="native", mixed=True)


mewsli_x = _task(
    name="mewsli_x",
    summary="Entity linking: the description, in any language, of what a mention in the news means.",
    metrics=("map_at_20",),
    languages=codes("ar de en es fa ja pl ro ta tr uk"),
    files={
        "train": Files("mewsli_mentions", ("mewslix/wikipedia_pairs-train.jsonl",), ids="native"),
        "validation": _news("dev"),
        "test": _news("test"),
    },
    adapt=retrieval.mentions,
    cite="Ruder et al. 2021, XTREME-R: Towards More Challenging and Nuanced Multilingual Evaluation (arXiv 2104.07412)",
    max_length=64,
    groups={"xtreme-r": ()},
    pool=Pool(retrieval.entities, max_length=64, files={"validation": _POOL, "test": _POOL}),
    rows="14,624 mentions to test and 2,991 to validate in 11 languages, 167,719 English ones to train on, and one "
    "pool of 1,003,893 entities described in 50 languages.",
    train_rows=167_719,
    official="google-research/xtreme, third_party/utils_mewslix.py (evaluate_all): mean average precision at 20.",
    checked="`tests/real/test_mock_scorer.py`: the mean over XTREME's mock predictions is the one that its own test "
    "expects (14.3903).",
    absent="The copy there (izhx/mewsli-x) has its candidates in a tar archive, and mentions without their places. Run "
    "XTREME's scripts/download_mewslix_data.sh, and name the folder with --data DIR.",
    licence="not stated with the release; its texts are Wikinews' and Wikipedia's",
)
