"""The real table of MultiCheckList: every language has its cases, and sentences are what its rows make."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from tests.some import some

from robust_xtreme.core import registry
from robust_xtreme.core.examples import Answers, Example
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.tasks.formats.checklist_templates import TESTS, read
from robust_xtreme.tasks.sources.source import available, load

pytestmark = pytest.mark.real

TASK: TaskSpec = registry.load("task", "multichecklist")
FILE = "multichecklist/checklist_templates.tsv"
WITHOUT = {"kk": "animals", "tr": "comparisons"}
"""Where both questions of every case read the same."""

ONE_QUESTION = {"gu": "properties"}
"""Where the second question asks for the first property."""


SOME = (*WITHOUT, *ONE_QUESTION, "ar", "de", "en", "fr", "hi", "ja", "qu", "ru", "sw", "th", "vi", "zh")
"""Languages of every script and every exception; the others are for the long tests."""


@pytest.fixture(scope="module")
def table(data: Path) -> Path:
    """The folder of release files, where it has the table."""
    if not (data / FILE).is_file():
        pytest.skip(f"the folder of release files has no {FILE}")
    return data


@cache
def examples(folder: Path, language: str) -> tuple[Example, ...]:
    """The cases of a language, read once."""
    return load(TASK, folder, language, "test").examples


def texts_of(folder: Path, language: str, native: str) -> tuple[str, str, str]:
    """The context, the question and the first answer of an example."""
    (example,) = (
        example for example in examples(folder, language) if example.id == f"multichecklist/test/{language}/{native}"
    )
    context = example.texts["context"]
    assert isinstance(example.target, Answers)
    return context.value, example.texts["question"].value, context.at(example.target.spans[0])


EXPECTED = {
    ("de", "properties-000-0"): (
        "Es gibt eine Bar in dem Raum. Die Bar ist hölzern und oval.",
        "Welches Material hat die Bar?",
        "hölzern",
    ),
    ("de", "intensity-000-0"): (
        "Florian ist erfreut über das Projekt. Daniel ist super erfreut über das Projekt.",
        "Wer ist am meisten erfreut über das Projekt?",
        "Daniel",
    ),
    ("fr", "properties-000-1"): (
        "Il y a une lampe dans la pièce. La lampe est ovale et vieille.",
        "Quel âge a la lampe\xa0?",
        "vieille",
    ),
    ("zh", "properties-000-0"): (
        "房间里有一盏电灯。这盏电灯是椭圆形的并且是旧的。",
        "这盏电灯的形状是什么样的？",
        "椭圆形的",
    ),
    ("zh", "comparisons-000-0"): ("子轩比文博更年长。", "谁更年轻？", "文博"),
    ("ar", "properties-000-1"): ("يوجد مصباح في الغرفة. المصباح هو بيضاوي وكبير.", "أي عمر هو المصباح؟", "كبير"),
    ("ar", "comparisons-000-0"): ("عمر أكبر من إبراهيم.", "مَن أقل كبير؟", "إبراهيم"),
    ("sw", "properties-000-1"): ("Kuna taa chumbani. Taa ni duaradufu na nzee.", "Je, taa ni umri gani?", "nzee"),
    ("sw", "animals-000-0"): ("Yusufu ana gongola na trekta.", "Je, Yusufu ana mnyama yupi?", "gongola"),
    ("qu", "comparisons-000-0"): (
        "Hugoqa aswan yuyayniyuqmi Mariomantaqa.",
        "¿Pitaq as yuyayniyuq?",
        "Mariomantaqa",
    ),
    ("qu", "animals-000-0"): (
        "Hugoqa qalaywayuqmi, tractoryuqtaq.",
        "¿Ima uywayuqtaq Hugo?",
        "qalaywayuqmi",
    ),
    ("th", "properties-000-0"): (
        "มีโคมไฟอยู่ในห้อง โคมไฟคือรูปไข่และเก่า",
        "รูปร่างไหนคือโคมไฟ",
        "รูปไข่",
    ),
    ("ja", "properties-000-1"): (
        "部屋にランプがあります。そのランプは楕円形で古いです。",
        "そのランプの古さはどうですか。",
        "古い",
    ),
    ("ja", "comparisons-000-0"): ("浩二は拓也より年長です。", "どちらの方が年長でないですか。", "拓也"),
    ("hi", "properties-000-1"): ("कमरे में एक लैंप है। लैंप अंडाकार और पुराना है।", "लैंप किस उम्र का है?", "पुराना"),
    ("hi", "professions-000-0"): ("सुरेश एक इतिहासकार है। सुरेश भारतीय है।", "सुरेश क्या कार्य करता है?", "एक इतिहासकार"),
    ("tr", "animals-000-0"): (
        "Barış'ın bir iguanası'ı ve bir traktörü'ı var.",
        "Barış'ın hangi hayvanı var?",
        "bir iguanası'ı",
    ),
    ("tr", "properties-000-1"): ("Odada bir lamba var. Lamba oval ve eski.", "lambanın'nın yaşı'ı ne?", "eski"),
    ("ru", "animals_v2-000-0"): (
        "Николай купил корову. Виктор купил пожарную машину.",
        "Кто купил животное?",
        "Николай",
    ),
    ("en", "properties-000-0"): (
        "There is a lamp in the room. The lamp is oval and old.",
        "What shape is the lamp?",
        "oval",
    ),
}
"""The first case of some tests, each checked by hand against the rows of the table and the bundled names."""


@pytest.mark.parametrize(("language", "native"), some(EXPECTED, 6))
def test_sentences_are_what_the_rows_make(table: Path, language: str, native: str) -> None:
    """Templates, forms and names of twelve languages, in scripts with and without blanks, with and without endings."""
    assert texts_of(table, language, native) == EXPECTED[language, native]


def test_the_languages_are_the_columns(table: Path) -> None:
    """Fifty: those of XTREME-R with Hausa instead of Romanian."""
    columns = (table / FILE).read_text(encoding="utf-8").splitlines()[0].split("\t")[1:]
    assert set(TASK.languages) == {column for column in columns if not column.endswith("-placeholders")}
    assert len(TASK.languages) == 50
    assert available(TASK, table, "test") == TASK.languages


@pytest.mark.parametrize(
    "language", [pytest.param(code, marks=() if code in SOME else pytest.mark.long) for code in TASK.languages]
)
def test_every_language_has_its_cases(table: Path, language: str) -> None:
    """Two hundred of each test; every question has an answer at its place, and just one; no text has a slot left."""
    read = examples(table, language)
    cases = Counter(name.split("/")[1] for name in {cluster.cluster for cluster in read})
    assert cases == {test: 200 for test in TESTS.values() if test != WITHOUT.get(language)}
    asked = Counter(example.cluster.split("/")[1] for example in read)
    assert asked == {test: 200 if test == ONE_QUESTION.get(language) else 400 for test in cases}
    for example in read:
        assert isinstance(example.target, Answers)
        assert all(example.texts["context"].at(span).strip() for span in example.target.spans)
        assert example.target.spans
        assert not any(set(text.value) & set("{}") for text in example.texts.values())
        assert {text.language for text in example.texts.values()} == {language}
    answers: dict[tuple[str, str], object] = {}
    for example in read:
        key = (example.texts["context"].value, example.texts["question"].value)
        assert answers.setdefault(key, example.target) == example.target, "the same question has two answers"


def test_columns_in_another_order_give_the_same_cases(table: Path) -> None:
    """The table turned around, with its columns of placeholders after their languages, has the same rows."""
    lines = [line.split("\t") for line in (table / FILE).read_text(encoding="utf-8").splitlines()]
    header = lines[0]
    starts = [at for at, name in enumerate(header) if at and not name.endswith("-placeholders")]
    groups = [(at, at + 1) if header[at + 1 : at + 2] == [f"{header[at]}-placeholders"] else (at,) for at in starts]
    merged: dict[str, list[int]] = {}
    for group in groups:
        merged.setdefault(header[group[0]], []).extend(group)
    order = [0, *(at for name in reversed(merged) for at in merged[name])]
    turned = "\n".join("\t".join(line[at] for at in order) for line in lines)
    first = {row.native: row.values for row in read("\n".join("\t".join(line) for line in lines), "f")}
    assert {row.native: row.values for row in read(turned, "f")} == first


@pytest.mark.parametrize("language", some(["de", "vi", "ko", "ta"], 1))
def test_a_table_in_nfd_gives_the_same_cases(table: Path, language: str, tmp_path: Path) -> None:
    """As programs of another system write it, with a byte order mark and CRLF besides."""
    text = unicodedata.normalize("NFD", (table / FILE).read_text(encoding="utf-8"))
    path = tmp_path / FILE
    path.parent.mkdir()
    path.write_bytes(("\ufeff" + text.replace("\n", "\r\n")).encode())
    decomposed, expected = load(TASK, tmp_path, language, "test").examples, examples(table, language)
    assert [example.id for example in decomposed] == [example.id for example in expected]
    for mine, theirs in zip(decomposed, expected, strict=True):
        assert [unicodedata.normalize("NFC", text.value) for text in mine.texts.values()] == [
            unicodedata.normalize("NFC", text.value) for text in theirs.texts.values()
        ]
