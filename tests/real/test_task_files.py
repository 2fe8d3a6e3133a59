"""The real files of XCOPA, Social IQa, PAWS-X and UD-POS: their sizes, their layouts, and what words they contain."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pytest
from tests.some import some

from robust_xtreme.core import registry
from robust_xtreme.core.errors import MissingData
from robust_xtreme.core.examples import Choice, Tags
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.tasks.formats import conllu, jsonl_choices, tsv_paraphrases
from robust_xtreme.tasks.sources.source import Split, available, load, resolve

pytestmark = pytest.mark.real

SIZES = [
    # task, split, languages that are there, rows of each, labelled ones
    ("xcopa", "test", 9, 500, 9),
    ("xcopa", "validation", 9, 100, 9),
    ("pawsx", "validation", 7, 2000, 7),
    ("pawsx", "test", 7, 2000, 2),
]
TREEBANKS = [
    # file, split, sentences, words with multi-word tokens as one, syntactic words
    ("UD_English-EWT/en_ewt-ud-train.subset.conllu", "train", 3086, 51564, 52322),
    ("UD_English-EWT/en_ewt-ud-dev.conllu", "validation", 2001, 24787, 25147),
    ("UD_English-EWT/en_ewt-ud-test.conllu", "test", 2077, 24740, 25094),
    ("UD_Tamil-TTB/ta_ttb-ud-train.conllu", "train", 400, 5734, 6329),
    ("UD_Tamil-TTB/ta_ttb-ud-dev.conllu", "validation", 80, 1129, 1263),
    ("UD_Tamil-TTB/ta_ttb-ud-test.conllu", "test", 120, 1772, 1989),
    ("UD_Turkish-IMST/tr_imst-ud-dev.conllu", "validation", 1100, 10257, 10542),
    ("UD_Turkish-IMST/tr_imst-ud-test.conllu", "test", 1100, 9750, 10032),
    ("UD_Chinese-GSD/zh_gsd-ud-dev.conllu", "validation", 500, 12665, 12665),
    ("UD_Chinese-GSD/zh_gsd-ud-test.conllu", "test", 500, 12010, 12010),
    ("UD_Basque-BDT/eu_bdt-ud-test.conllu", "test", 1799, 24374, 24374),
    ("UD_Yoruba-YTB/yo_ytb-ud-test.conllu", "test", 317, 8198, 8243),
]


def _task(name: str) -> TaskSpec:
    task: TaskSpec = registry.load("task", name)
    return task


@lru_cache(maxsize=2)
def _all(data: Path, name: str, split: str) -> dict[str, Split]:
    return {code: load(_task(name), data, code, split) for code in available(_task(name), data, split)}


@pytest.mark.parametrize(("name", "split", "languages", "rows", "labelled"), SIZES)
def test_parallel_splits_have_the_official_size(
    data: Path, name: str, split: str, languages: int, rows: int, labelled: int
) -> None:
    """Every language has the official rows, each an item of its own, and the same items as the others."""
    by_code = _all(data, name, split)
    assert (len(by_code), sum(part.labelled for part in by_code.values())) == (languages, labelled)
    assert {len(part.examples) for part in by_code.values()} == {rows}
    items = {tuple(example.cluster for example in part.examples) for part in by_code.values()}
    assert len(items) == 1
    assert len(set(next(iter(items)))) == rows


def test_english_copa_is_there_to_train_on(data: Path) -> None:
    """400 items to train on and 100 to look at, with labels; SuperGLUE keeps those of its 500 test items."""
    splits = {split: load(_task("xcopa"), data, "en", split) for split in ("train", "validation", "test")}
    shape = {split: (len(loaded.examples), loaded.labelled) for split, loaded in splits.items()}
    assert shape == {"train": (400, True), "validation": (100, True), "test": (500, False)}
    assert {example.texts["question"].value for example in splits["train"].examples} == {
        "What was the cause?",
        "What was the effect?",
    }


def test_xcopa_has_two_choices_and_balanced_labels(data: Path) -> None:
    """Half of the test items have the first choice, give or take what languages relabelled."""
    for split in _all(data, "xcopa", "test").values():
        counts = Counter(example.target for example in split.examples)
        assert set(counts) == {Choice(0), Choice(1)}
        assert 230 <= counts[Choice(0)] <= 270
        assert {name for example in split.examples for name in example.texts} == {
            "premise",
            "question",
            "choice1",
            "choice2",
        }


def test_translations_into_english_are_read_as_well(data: Path) -> None:
    """The folder data-gmt has the same items in English, for those who translate the test."""
    for path in sorted((data / "xcopa" / "data-gmt").glob("*/*.jsonl")):
        rows = jsonl_choices.read(path.read_text(encoding="utf-8"), str(path))
        assert len(rows) == (500 if path.name.startswith("test") else 100)


def test_social_iqa_is_read_by_the_same_reader(data: Path) -> None:
    """Three choices and a label in each of its rows."""
    for part, count in (("dev", 1954), ("tst", 2224)):
        path = data / "siqa" / f"socialIQa_v1.4_{part}.jsonl"
        rows = jsonl_choices.read(path.read_text(encoding="utf-8"), str(path))
        assert len(rows) == count
        assert {(len(row.values["choices"]), row.values["label"]) for row in rows} == {(3, 0), (3, 1), (3, 2)}


def test_labelled_pairs_are_those_without_labels(data: Path) -> None:
    """The release's test files of PAWS-X and XTREME's contain the same sentences in the same order."""
    for code in ("de", "zh"):
        paths = [data / "pawsx" / "labelled" / f"test-{code}.tsv", data / "pawsx" / f"test-{code}.tsv"]
        published, made = (tsv_paraphrases.read(path.read_text(encoding="utf-8"), str(path)) for path in paths)
        texts = [[(row.values["first"], row.values["second"]) for row in rows] for rows in (published, made)]
        assert texts[0] == texts[1]


def test_pairs_are_in_the_same_row_in_all_languages(data: Path) -> None:
    """Rows with a long number in English have it in every language, but where numbers are written otherwise."""
    by_code = _all(data, "pawsx", "validation")
    numbers = {
        code: [set(re.findall(r"\d{3,}", example.texts["sentence1"].value)) for example in split.examples]
        for code, split in by_code.items()
    }
    numbered = [index for index, some in enumerate(numbers["en"]) if some]
    for code, language_numbers in numbers.items():
        assert sum(bool(language_numbers[index] & numbers["en"][index]) for index in numbered) > 0.97 * len(numbered), (
            code
        )


def test_labels_of_pairs_differ_between_languages(data: Path) -> None:
    """Each language has labels of its own, which differ from the English ones in some rows."""
    by_code = {
        code: [example.target for example in split.examples]
        for code, split in _all(data, "pawsx", "validation").items()
    }
    differing = {
        code: sum(a != b for a, b in zip(targets, by_code["en"], strict=True)) for code, targets in by_code.items()
    }
    assert differing == {"de": 32, "en": 0, "es": 16, "fr": 3, "ja": 9, "ko": 23, "zh": 10}


@pytest.mark.parametrize(("file", "split", "sentences", "words", "parts"), some(TREEBANKS, 4))
def test_treebanks_have_their_size(
    data: Path, tmp_path: Path, file: str, split: str, sentences: int, words: int, parts: int
) -> None:
    """Sentences, words with multi-word tokens as one, and the same examples in the layout of XTREME's scripts."""
    text = (data / "ud" / file).read_text(encoding="utf-8")
    assert len(re.findall(r"(?m)^[0-9]+\t", text)) == parts
    rows = conllu.read(text, file)
    assert (len(rows), sum(len(row.values["words"]) for row in rows)) == (sentences, words)
    spans = [(int(a), int(b)) for a, b in re.findall(r"(?m)^([0-9]+)-([0-9]+)\t", text)]
    assert parts - sum(b - a for a, b in spans) == words
    code = Path(file).name[:2]
    loaded = load(_task("udpos"), data, code, split).examples
    assert [example.id.rpartition("/")[2] for example in loaded] == [str(number) for number in range(sentences)]
    part = {"validation": "dev"}.get(split, split)
    made = tmp_path / "udpos" / f"{part}-{code}.tsv"
    made.parent.mkdir()
    lines = ["".join(map("{}\t{}\n".format, row.values["words"], row.values["tags"])) for row in rows]
    made.write_text("\n".join(lines), encoding="utf-8")
    assert load(_task("udpos"), tmp_path, code, split).examples == loaded


def test_tags_are_the_seventeen(data: Path) -> None:
    """Each word has one of them, at its own place in the text."""
    for split in ("train", "validation"):
        for loaded in _all(data, "udpos", split).values():
            for example in loaded.examples:
                assert isinstance(example.target, Tags)
                assert len(example.target.names) == len(example.texts["tokens"].spans)
                assert all(example.texts["tokens"].at(span).strip() for span in example.texts["tokens"].spans)


def test_english_contractions_have_the_tag_of_their_verb(data: Path) -> None:
    """`don't` is an auxiliary or a verb, as `do` is, and never the particle that is in it."""
    examples = load(_task("udpos"), data, "en", "test").examples
    tags = Counter(
        tag
        for example in examples
        if isinstance(example.target, Tags)
        for span, tag in zip(example.texts["tokens"].spans, example.target.names, strict=True)
        if example.texts["tokens"].at(span).lower() in ("don't", "can't", "didn't", "won't")
    )
    assert set(tags) <= {"AUX", "VERB"}
    assert tags["AUX"] > 20


def test_arabic_of_version_1_is_left_out_by_name(data: Path) -> None:
    """Its tags are those of Universal Dependencies 1, and one line says so."""
    with pytest.raises(MissingData, match="Universal Dependencies 1") as caught:
        resolve(_task("udpos"), data, "auto", "ar")
    assert "\n" not in str(caught.value)
