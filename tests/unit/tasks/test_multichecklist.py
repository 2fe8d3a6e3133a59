"""MultiCheckList: templates filled as a person would, the same cases every time, and files of any origin."""

from __future__ import annotations

import functools
import re
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.sample_files import sample
from tests.some import some

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, MissingData, UserError
from robust_xtreme.core.examples import Answers, Example, Scored, Span, Text, clean
from robust_xtreme.core.metric import Metric
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.tasks.formats import checklist_templates
from robust_xtreme.tasks.formats.checklist_templates import CONTEXT, TESTS, TemplateRow, TemplateText
from robust_xtreme.tasks.members.multichecklist import _Draw, _Kit, first_names
from robust_xtreme.tasks.sources.source import load, open_source
from robust_xtreme.tasks.sources.survey import MISSING, survey

TASK: TaskSpec = registry.load("task", "multichecklist")
PATH = "multichecklist/checklist_templates.tsv"
HEADER = ("Field", "en", "de", "de-placeholders", "de", "de-placeholders", "qu", "qu-placeholders", "th", "tr")

ROWS = """
Name|A is COMP than B. Who is more / less COMP?
Capability|Vocabulary
Context|{first_name} is {adj[0]} than {first_name1}.|{first_name} ist {adj[0]} als {first_name1}.||||{first_name}qa {adj[0]} {first_name1}mantaqa.||{first_name} {adj[0]} {first_name1}|{first_name}, {first_name1}'den {adj[0]}.
Question|Who is less {adj[1]}?|Wer ist weniger {adj[1]}?||||¿Pitaq as {adj[1]}?||ใคร{adj[1]}น้อยกว่า|Kim daha {adj[1]}?
Answer|{first_name1}|{first_name1}||||{first_name1}mantaqa||{first_name1}|{first_name1}'den
Question|Who is {adj[0]}?|Wer ist {adj[0]}?||||¿Pitaq {adj[0]}?||ใคร{adj[0]}|Kim {adj[0]}?
Answer|{first_name}|{first_name}||||{first_name}qa||{first_name}|{first_name}
adj|older, old|älter, alt||||aswan yuyaq, yuyaq||แก่กว่า แก่|daha yaşlı, yaşlı
adj|faster, fast|schneller, schnell||||aswan utqay, utqay||เร็วกว่า เร็ว|daha hızlı, hızlı

Name|Intensifiers (very, super, extremely) and reducers (somewhat, kinda, etc)?
Capability|Vocabulary
Context|{first_name} is {very} {s} about it. {first_name1} is {somewhat} {s} about it.|{first_name} ist {very} {s} über das Projekt. {first_name1} ist {somewhat} {s} über das Projekt.|happy|{first_name} ist {very} {s} wegen des Projekts. {first_name1} ist {somewhat} {s} wegen des Projekts.|excited|{first_name}qa {very} {s}. {first_name1} {somewhat} {s}.||{first_name} {s}{very} {first_name1} {somewhat}{s}|{first_name} {very} {s}. {first_name1} {somewhat} {s}.
Question|Who is most {s} about it?|Wer ist am meisten {s} über das Projekt?|happy|Wer ist am meisten {s} wegen des Projekts?|excited|¿Pitaq aswan {s}?||ใคร{s}มากที่สุด|En çok kim {s}?
Answer|{first_name}|{first_name}||||{first_name}qa||{first_name}|{first_name}
Question|Who is least {s} about it?|Wer ist am wenigsten {s} über das Projekt?|happy|Wer ist am wenigsten {s} wegen des Projekts?|excited|¿Pitaq pisi {s}?||ใคร{s}น้อยที่สุด|En az kim {s}?
Answer|{first_name1}|{first_name1}||||{first_name1}qa||{first_name1}|{first_name1}
state|excited|aufgeregt||||kusisqa||ตื่นเต้น|heyecanlı
state|happy|glücklich||||kusi||มีความสุข|mutlu
very|very|sehr||||ancha||มาก|çok
somewhat|a little|ein wenig||||pisi||เล็กน้อย|biraz

Name|size, shape, age, color
Capability|Taxonomy
Context|There is {obj[0]} in the room. {obj[1]} is {p.v1} and {p.v2}.|Es gibt {obj[0]} in dem Raum. {obj[1]} ist {p.v1} und {p.v2}.||||Samanapim {obj[0]} kachkan. {obj[1]}qa {p.v1}, {p.v2}.||มี{obj[0]}อยู่ในห้อง {obj[1]}คือ{p.v1}และ{p.v2}|Odada {obj[0]} var. {obj[1]} {p.v1} ve {p.v2}.
Question|What {p.p1} is {obj[1]}?|Welche {p.p1} hat {obj[1]}?|color, size|Welches {p.p1} hat {obj[1]}?|age|¿Ima {p.p1}taq {obj[1]}?||{p.p1}ไหนคือ{obj[1]}|{obj[2]} {p.p1} ne?
Answer|{p.v1}|{p.v1}||||{p.v1}||{p.v1}|{p.v1}
Question|What {p.p2} is {obj[1]}?|Welche {p.p2} hat {obj[1]}?|color, size|Welches {p.p1} hat {obj[1]}?|age|¿Ima {p.p2}taq {obj[1]}?||{p.p2}ไหนคือ{obj[1]}|{obj[2]} {p.p2} ne?
Answer|{p.v2}|{p.v2}||||{p.v2}||{p.v2}|{p.v2}
obj|a sofa, the sofa|ein Sofa, das Sofa||||tiyana, tiyana||โซฟา โซฟา|bir kanepe, kanepe, kanepenin
obj|a lamp, the lamp|eine Lampe, die Lampe||||kanchina, kanchina||โคมไฟ โคมไฟ|bir lamba, lamba, lambanın
color|red|rot||||puka||สีแดง|kırmızı
size|big|großer|sofa|große|lamp|hatun||ใหญ่|büyük
age|old|alt||||ñawpa||เก่า|eski
property|color|Farbe||||llinpi||สี|rengi
property|size|Größe||||sayay||ขนาด|boyu
property|age|Alter||||wata||อายุ|yaşı

Name|Profession vs nationality
Capability|Taxonomy
Context|{first_name} is {nationality} and {profession}.|{first_name} ist {nationality} und {profession}.||||{first_name}qa {nationality} llaqtayuq, {profession}.||{first_name} เป็น{nationality}และเป็น{profession}|{first_name}, {nationality} ve {profession}.
Question|What is {first_name}'s job?|Was ist {first_name}s Beruf?||||¿Imataq {first_name}pa llamkaynin?||{first_name} ทำงานอะไร|{first_name}'ın mesleği ne?
Answer|{profession}|{profession}||||{profession}||{profession}|{profession}
nationality|Chinese|chinesisch|an agent|Chinesin|actress|China||ชาวจีน|Çinli
profession|an agent|ein Agent||||agente||ตัวแทน|bir temsilci
profession|an actress|eine Schauspielerin||||actriz||นักแสดงหญิง|bir kadın oyuncu

Name|Animal vs Vehicle
Capability|Taxonomy
Context|{first_name} has {animal} and {vehicle}.|{first_name} hat {animal} und {vehicle}.||||{first_name}qa {animal}yuqmi, {vehicle}yuqtaq.||{first_name} มี{animal}และ{vehicle}|{first_name}'ın {animal} ve {vehicle} var.
Context|{first_name} has {vehicle} and {animal}.|{first_name} hat {a:vehicle} und {a:animal}.||||{first_name}qa {vehicle}yuqmi, {animal}yuqtaq.||{first_name} มี{vehicle}และ{animal}|{first_name}'ın {vehicle} ve {animal} var.
Question|What animal does {first_name} have?|Was für ein Tier hat {first_name}?||||¿Ima uywayuqtaq {first_name}?||{first_name} มีสัตว์อะไร|{first_name}'ın hangi hayvanı var?
Answer|{animal}|{animal}||||{animal}yuqmi|{animal}yuqtaq|{animal}|{animal}
animal|a dog|einen Hund||||allqu||สุนัข|bir köpeği
animal|a cat|eine Katze||||misi||แมว|bir kedisi
vehicle|a car|ein Auto||||auto||รถยนต์|bir arabası

Name|Animal vs Vehicle v2
Capability|Taxonomy
Context|{first_name} bought {animal}. {first_name2} bought {vehicle}.|{first_name} hat {animal} gekauft. {first_name2} hat {vehicle} gekauft.||||{first_name}qa {animal}ta rantirqun. {first_name2}qa {vehicle}ta rantirqun.||{first_name} ซื้อ{animal} {first_name2} ซื้อ{vehicle}|{first_name} {animal} aldı. {first_name2} {vehicle} aldı.
Question|Who bought an animal?|Wer hat ein Tier gekauft?||||¿Pitaq uywata rantirqun?||ใครซื้อสัตว์|Kim bir hayvan aldı?
Answer|{first_name}|{first_name}||||{first_name}qa||{first_name}|{first_name}
Question|Who bought a vehicle?|Wer hat ein Fahrzeug gekauft?||||¿Pitaq carrota rantirqun?||ใครซื้อยานพาหนะ|Kim bir araç aldı?
Answer|{first_name2}|{first_name2}||||{first_name2}qa||{first_name2}|{first_name2}
"""  # noqa: E501 - a row of the table is a line


def table(order: tuple[int, ...] = tuple(range(10))) -> str:
    """The table in miniature, its columns after the first in that order."""
    lines = [HEADER, *(tuple(row.split("|")) for row in ROWS.strip().splitlines())]
    padded = [(*row, *[""] * (len(HEADER) - len(row))) for row in lines]
    return "".join("\t".join(row[at] for at in order) + "\n" for row in padded)


def write(folder: Path, text: str) -> Path:
    """The table where the task looks first."""
    path = folder / PATH
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8"))
    return folder


def read(folder: Path, language: str, text: str = "") -> tuple[Example, ...]:
    """The examples of a language, of this table or of the miniature, which is read once."""
    return load(TASK, write(folder, text), language, "test").examples if text else miniature(language)


@functools.cache
def miniature(language: str) -> tuple[Example, ...]:
    """The examples of a language of the miniature."""
    with tempfile.TemporaryDirectory() as folder:
        return load(TASK, write(Path(folder), table()), language, "test").examples


def parts_of(example: Example) -> list[str]:
    """The context, the question and the answers."""
    context = example.texts["context"]
    assert isinstance(example.target, Answers)
    return [context.value, example.texts["question"].value, *(context.at(span) for span in example.target.spans)]


def everything(folder: Path, language: str, text: str = "") -> set[tuple[str, ...]]:
    """What all examples say."""
    return {tuple(parts_of(example)) for example in read(folder, language, text)}


def test_a_form_goes_with_the_value_that_it_is_for(tmp_path: Path) -> None:
    """German has glücklich über and aufgeregt wegen, in the question and the context; adjectives follow their noun."""
    cases = everything(tmp_path, "de")
    texts = " ".join(part for case in cases for part in case)
    assert re.search(r"ist sehr glücklich über das Projekt\. \w+ ist ein wenig glücklich über", texts)
    assert re.search(r"am meisten aufgeregt wegen des Projekts\?", texts)
    assert not re.search(r"glücklich wegen|aufgeregt über", texts)
    assert re.search(r"Die Lampe ist (rot|alt) und große\.|Die Lampe ist große und", texts)
    assert not re.search(r"Das Sofa ist [^.]*große\b|Die Lampe ist [^.]*großer", texts)
    assert re.search(r"\w+ ist Chinesin und eine Schauspielerin\.", texts)
    assert not re.search(r"chinesisch und eine Schauspielerin|Chinesin und ein Agent", texts)


def test_a_question_about_the_other_property_is_not_asked(tmp_path: Path) -> None:
    """The second German question on age asks for the first property: no case has age there."""
    ages = [example for example in read(tmp_path, "de") if example.id.split("/")[-1].startswith("properties-")]
    asked: dict[str, set[str]] = {age.id[-1]: set() for age in ages}
    for case in ages:
        asked[case.id[-1]].add(case.texts["question"].value.split()[1])
    assert asked == {"0": {"Farbe", "Größe", "Alter"}, "1": {"Farbe", "Größe"}}


def test_suffixes_stay_at_the_answer_that_has_them(tmp_path: Path) -> None:
    """Quechua's answers are whole words; where the context does not have the ending, the name alone is the answer."""
    examples = read(tmp_path, "qu")
    by_test = {
        kind: [parts_of(example) for example in examples if example.cluster.split("/")[1] == kind]
        for kind in TESTS.values()
    }
    assert all(answer.endswith("mantaqa") for _, question, answer in by_test["comparisons"] if " as " in question)
    assert all(answer.endswith("qa") for _, question, answer in by_test["intensity"] if "aswan" in question)
    assert all(answer in first_names()["qu"] for _, asked, answer in by_test["intensity"] if "pisi" in asked)
    assert {answer for _, _, answer in by_test["animals"]} == {
        *("allquyuqmi", "misiyuqmi"),
        *("allquyuqtaq", "misiyuqtaq"),
    }


def test_forms_of_a_value_are_distinguished(tmp_path: Path) -> None:
    """By blanks in Thai, by commas elsewhere; the third form is the Turkish genitive; a thing begins in upper case."""
    thai, turkish = everything(tmp_path, "th"), everything(tmp_path, "tr")
    assert any(re.search(r"^\S+ แก่กว่า \S+$", context) and question == "ใครแก่น้อยกว่า" for context, question, _ in thai)
    assert ("Odada bir lamba var. Lamba kırmızı ve büyük.", "lambanın rengi ne?", "kırmızı") in turkish


def test_cases_that_ask_the_same_for_two_answers_are_not_made(tmp_path: Path) -> None:
    """Where both questions read the same, no answer to them is right."""
    assert {example.cluster.split("/")[1] for example in read(tmp_path, "tr")} == set(TESTS.values()) - {"comparisons"}


def test_every_answer_is_at_its_offset_and_no_slot_is_left(tmp_path: Path) -> None:
    """Answers are what the spans cover, without braces in any text; a case has its questions in one cluster."""
    for language in ("en", "de", "qu", "th", "tr"):
        for example in read(tmp_path, language):
            parts = parts_of(example)
            assert len(parts) >= 3
            assert all(part and not set(part) & set("{}") for part in parts)
            assert example.cluster.startswith("checklist/")


def test_an_answer_that_also_occurs_before_its_slot_is_only_in_the_slot(tmp_path: Path) -> None:
    """`a dog` in the template's own words is not the answer `a dog` in the slot after it."""
    text = table().replace("{first_name} has {animal} and", "I saw a dog. {first_name} has {animal} and")
    dogs = [example for example in read(tmp_path, "en", text) if set(parts_of(example)[2:]) == {"a dog"}]
    targets = {example.texts["context"].value: example.target for example in dogs}
    repeated = [context for context in targets if context.startswith("I saw a dog. ")]
    assert repeated
    for context in repeated:
        start = context.rindex("a dog")
        assert targets[context] == Answers((Span(start, start + len("a dog")),))


def test_cases_are_the_same_whatever_else_the_table_contains(tmp_path: Path) -> None:
    """Read twice, with columns or tests in another order, or without the other languages."""
    first = read(tmp_path, "de")
    assert read(tmp_path, "de", table()) == first
    assert read(tmp_path, "de", table((0, 9, 8, 2, 3, 4, 5, 1, 6, 7))) == first
    assert read(tmp_path, "de", table((0, 1, 2, 3, 4, 5))) == first
    head, *lines = table().splitlines(keepends=True)
    blocks = "".join(lines).split("\t" * 9 + "\n")
    assert len(blocks) == 6
    turned = head + ("\t" * 9 + "\n").join(reversed([block.rstrip("\n") + "\n" for block in blocks]))
    assert read(tmp_path, "de", turned) == first


def test_cases_are_parallel_across_languages(tmp_path: Path) -> None:
    """A case has the same number, and in English and Quechua the same place of the name."""
    english, quechua = (
        {example.id.split("/")[-1]: parts_of(example) for example in read(tmp_path, code)} for code in ("en", "qu")
    )
    positions = [first_names()["en"].index(english[key][2]) for key in english if key.startswith("animals_v2")]
    others = [quechua[key][2].removesuffix("qa") for key in english if key.startswith("animals_v2")]
    assert [first_names()["qu"][position] for position in positions] == others


@pytest.mark.parametrize(
    "change",
    some(["\ufeff", "crlf", "nfd", "no last line end"], 2),
)
def test_files_of_other_programs_give_the_same_cases(tmp_path: Path, change: str) -> None:
    """A byte order mark, CRLF and a missing line end change nothing; in NFD the texts are those, in NFD."""
    expected = [parts_of(example) for example in read(tmp_path, "de")]
    text = {
        "\ufeff": "\ufeff" + table(),
        "crlf": table().replace("\n", "\r\n"),
        "nfd": unicodedata.normalize("NFD", table()),
        "no last line end": table().removesuffix("\n"),
    }[change]
    cases = [
        [unicodedata.normalize("NFC", part) for part in parts_of(example)] for example in read(tmp_path, "de", text)
    ]
    assert cases == expected


def _doubled(begin: str) -> Callable[[str], str]:
    """The line that begins so, twice."""
    return lambda text: re.sub(rf"(?m)^({begin}.*\n)", r"\1\1", text, count=1)


def _second_context(text: str) -> str:
    """The first context once more in English and German, with nothing in the other languages."""
    line = next(row for row in text.split("\n") if row.startswith("Context"))
    cells = [
        f"{cell}!" if index < 3 and index else cell if not index else "" for index, cell in enumerate(line.split("\t"))
    ]
    return text.replace(line, "\n".join([line, "\t".join(cells)]), 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) * 2 // 3], "cut off"),
        (lambda text: text[: text.index("Name\tAnimal vs Vehicle v2")], "Animal vs Vehicle v2"),
        (lambda text: text.replace("Field\t", "Row\t", 1), "Field"),
        (lambda text: text.replace("\ten\t", "\tenglish\t", 1), "'en'"),
        (
            lambda text: text.replace("\tde-placeholders\tde\t", "\tqu-placeholders\tde\t", 1),
            "follow",
        ),
        (lambda text: text.replace("Animal vs Vehicle v2", "Animal vs Vehicle"), "occurs twice"),
        (lambda text: text.replace("Animal vs Vehicle v2", "Plant vs Vehicle"), "Plant vs Vehicle"),
        (
            lambda text: text.replace("Answer\t{animal}", "Reply\t{animal}"),
            "no context",
        ),
        (lambda text: text.replace("Who is less {adj[1]}", "Who is less {noun}"), "{noun}"),
        (lambda text: text.replace("Name\tA is", "adj\tA is", 1), "'adj'"),
        (
            lambda text: text.replace("Who is less {adj[1]}?", "Who {is less {adj[1]}?"),
            "brace",
        ),
        (
            lambda text: text.replace("Who is less {adj[1]}?", "Who is less {adj[1]}}?"),
            r":5: the brace '\}'",
        ),
        (lambda text: text.replace("Who is less {adj[1]}?", "Who is less {}?"), r":5: the brace '\{'"),
        (lambda text: text.replace("\nstate\t", "\nstatus\t"), "intensity"),
        (_doubled("adj\tolder"), "line 9"),
        (_second_context, "'qu'"),
    ],
)
def test_a_broken_table_is_one_line_with_the_place(tmp_path: Path, change: object, message: str) -> None:
    """Cut off, without a test, with another header, or with a slot that nothing is known for."""
    assert callable(change)
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, "en", change(table()))
    assert "\n" not in str(caught.value)
    assert PATH in str(caught.value)


def test_a_language_that_the_table_does_not_have_is_reported(tmp_path: Path) -> None:
    """No column is not a row; a table that is not there names where it was looked for and what brings it."""
    with pytest.raises(MissingData, match="no rows in sw"):
        read(tmp_path, "sw", table())
    with pytest.raises(MissingData, match="--data"):
        load(TASK, tmp_path / "multichecklist", "en", "test")


def test_a_language_whose_column_is_empty_is_left_out(tmp_path: Path) -> None:
    """Its rows make no case: it has none, and is missing; the labels of a test set are not."""
    of_turkish = re.compile(r"\t[^\t\n]*$", re.MULTILINE)
    head, _, rows = table().partition("\n")
    source = open_source(str(write(tmp_path, f"{head}\n{of_turkish.sub(chr(9), rows)}")))
    (surveyed,) = survey(TASK, source, source, ["tr"])
    assert surveyed.left
    assert surveyed.left[:2] == ("auto", MISSING)
    assert [part.problem for part in surveyed.splits] == [surveyed.left.detail]


def test_every_language_has_ten_names_none_within_another() -> None:
    """Two names of a case are never one inside the other, so that an answer is in one place."""
    assert set(first_names()) == set(TASK.languages)
    for names in first_names().values():
        assert len(set(names)) == 10
        assert [name for name in names if any(name in other for other in names if other != name)] == []


def test_a_draw_depends_on_its_own_case_alone() -> None:
    """Every value is drawn about equally often; two of one kind are never the same."""
    drawn = [_Draw("comparisons", number, 0) for number in range(2000)]
    counts = Counter(draw.of(range(5), "adj") for draw in drawn)
    assert min(counts.values()) > 320
    pairs = [draw.two(range(3), "names") for draw in drawn]
    assert all(first != second for first, second in pairs)
    assert len(set(pairs)) == 6


def test_a_thing_inside_a_sentence_keeps_its_case() -> None:
    """Only what begins a sentence of the context is written with a capital."""
    line = TemplateRow(CONTEXT, "c", 1, (TemplateText("{obj[1]} hier. {obj[1]} da, {obj[1]} dort."),))
    kit = _Kit("properties", "de", "f", (line,), ("A", "B"))
    filled = kit._fill(line.variants[0].text, {"obj[1]": "das Sofa"}, 1, capital=True)
    assert filled.text == "Das Sofa hier. Das Sofa da, das Sofa dort."
    assert [filled.text[start:stop] for _, start, stop in filled.slots] == ["Das Sofa", "Das Sofa", "das Sofa"]


@pytest.mark.parametrize(
    ("language", "predicted", "gold", "same"),
    [
        ("en", "an agent", "agent.", True),
        ("en", "Agent", "agent", False),
        ("en", "in the theatre", "theatre", True),
        ("af", "’n hond", "hond", True),
        ("ar", "رجال", "رج", True),
        ("ar", "الكلب", "كلب", True),
        ("bn", "একটি কুকুর৷", "কুকুর", True),
        ("de", "einen Hund", "Hund,", True),
        ("de", "der Hund", "Hund", False),
        ("pl", "„pies”", "pies", True),
        ("pa", "ਇੱਕ ਕੁੱਤਾ।", "ਕੁੱਤਾ", True),
        ("tl", "Si Juan", "Juan", True),
        ("tr", "bir köpek", "köpek", True),
        ("ur", "\u200fاحمد", "احمد", True),
        ("sw", "mbwa.", "mbwa", True),
        ("zh", "一只狗。", "一只狗", False),
    ],
)
def test_answers_are_compared_by_the_official_rule(language: str, predicted: str, gold: str, same: bool) -> None:
    """Articles of the language and marks at the ends do not count; case does."""
    assert (clean(predicted, language) == clean(gold, language)) is same


def scored(cluster: str, start: int, stop: int) -> Scored:
    """An answer to a question whose gold answer is `a dog`."""
    context = Text("c", "en", "Tom has a dog and a car.", (Span(8, 13),))
    texts = {"question": Text("q", "en", "What?"), "context": context}
    example = Example("multichecklist/test/en/x", texts, Answers((Span(8, 13),)), cluster)
    answer = Answers((Span(start, stop),))
    return Scored(example, example, answer, answer)


def test_each_metric_counts_the_questions_of_its_test() -> None:
    """The pass rate counts all, a test's metric its own; of others nothing is counted."""
    first, other = scored("checklist/animals/3", 10, 13), scored("checklist/comparisons/3", 18, 23)
    metrics: dict[str, Metric] = {name: registry.load("metric", name) for name in TASK.metrics}
    assert set(metrics) == {"checklist_pass_rate", *(f"checklist_{test}" for test in TESTS.values())}
    assert metrics["checklist_pass_rate"].stats(first)["all"] == (1.0, 1.0)
    assert metrics["checklist_pass_rate"].stats(other)["all"] == (0.0, 1.0)
    assert metrics["checklist_animals"].stats(first) == {"all": (1.0, 1.0), "untouched": (1.0, 1.0)}
    assert metrics["checklist_animals"].stats(other) == {}
    assert metrics["checklist_comparisons"].stats(other)["all"] == (0.0, 1.0)
    assert metrics["checklist_animals_v2"].stats(first) == {}


def test_it_belongs_to_no_average() -> None:
    """A diagnostic is in no benchmark, and is answered by heads of other questions."""
    assert TASK.groups == {}
    assert TASK.accepts == ("multichecklist", "xquad", "mlqa", "tydiqa", "squad", "squad_v2")


def test_a_suite_has_no_such_task(tmp_path: Path) -> None:
    """Its rows are templates: a suite that names it is refused in one line."""
    (tmp_path / "multichecklist").mkdir()
    (tmp_path / "multichecklist" / "test-en.jsonl").write_text("{}\n")
    text = 'name = "s"\nversion = "1"\nsummary = "s"\nlanguages = ["en"]\n[multichecklist]\nsplits = ["test"]\n'
    (tmp_path / "suite.toml").write_text(text)
    from robust_xtreme.tasks.sources.suite import open_suite

    with pytest.raises(UserError, match="`record`"):
        load(TASK, open_suite(tmp_path), "en", "test")


def test_the_sample_of_the_reader_is_whole() -> None:
    """English alone, all six tests."""
    rows = checklist_templates.read(sample("checklist_templates"), "f")
    assert [row.values["test"] for row in rows] == list(TESTS.values())
