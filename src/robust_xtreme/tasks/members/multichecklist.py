"""MultiCheckList: XTREME-R's diagnostic of six tests, made from its translated templates."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

from robust_xtreme.core.errors import DataError, RobustXtremeError
from robust_xtreme.core.examples import Example, clean, digest
from robust_xtreme.core.languages import codes
from robust_xtreme.core.resources import folder
from robust_xtreme.core.specs import Files, Origin, Row
from robust_xtreme.tasks.adapters.qa import by_text, span_qa, span_task
from robust_xtreme.tasks.formats.checklist_templates import ANSWER, CONTEXT, QUESTION, TemplateRow

# Make the cases of MultiCheckList: draw values for the official templates, and locate the answers in the contexts.
#
# A draw is a hash of the test, the case's number and the kind of value, the same in every language: case 17 has the
# same colours and the third and fifth name everywhere, unless a language does not have a form. Such a draw is rejected,
# and so is one that repeats a context, puts the same word into two slots or asks one question twice with two answers;
# then the next one is drawn.

CASES: Final = 200
"""Cases of each test in a language, as in the official script."""

_SLOT: Final = re.compile(r"\{(?:[ac]:)?([^{}]*)\}")
_FORMS: Final = re.compile(r"[,،၊，]")
_ONE_FORM: Final = ("adj", "obj")
"""Kinds whose values list several forms, `older, old`."""

_TESTS: Final[Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]]] = {
    "comparisons": (("first_name", "first_name1"), {"adj": "adj"}),
    "intensity": (("first_name", "first_name1"), {"state": "s", "very": "very", "somewhat": "somewhat"}),
    "properties": ((), {"obj": "obj"}),
    "professions": (("first_name",), {"profession": "profession", "nationality": "nationality"}),
    "animals": (("first_name",), {"animal": "animal", "vehicle": "vehicle"}),
    "animals_v2": (("first_name", "first_name2"), {"animal": "animal", "vehicle": "vehicle"}),
}
"""The slots of names of each test, and the values that are drawn for it: the label of their rows to their slot."""

METRICS: Final = ("checklist_pass_rate", *(f"checklist_{test}" for test in _TESTS))

Facts = Mapping[str, str]
"""The English values of a case, by kind."""

Words = dict[str, str]
"""The word for each slot of a template."""


class _Filled(NamedTuple):
    """A template with its slots filled, and the position of each slot."""

    text: str
    slots: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class _Draw:
    """One attempt at a case of a test."""

    test: str
    number: int
    attempt: int

    def of(self, values: Sequence[Any], what: str) -> Any:
        """Draw one of several values."""
        drawn = bytes.fromhex(digest("multichecklist", self.test, str(self.number), str(self.attempt), what))
        return values[int.from_bytes(drawn, "little") % len(values)]

    def two(self, values: Sequence[Any], what: str) -> tuple[Any, Any]:
        """Draw two different values, in any order."""
        first = self.of(values, what)
        return first, self.of([value for value in values if value != first], f"{what} 2")


def cases(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
    """The examples of a language: the questions of up to 200 cases of each test; each case is a cluster."""
    names = first_names().get(origin.language, ())
    if len(names) < 2:
        raise RobustXtremeError(f"perturbations/first_names.toml has no names in {origin.language!r}.")
    taken: set[str] = set()
    case_rows = [row for template in rows for row in _test(template, origin.language, names, taken)]
    return span_qa(by_text)(tuple(case_rows), origin)


@cache
def first_names() -> Mapping[str, tuple[str, ...]]:
    """The bundled first names of each language."""
    file = tomllib.loads((folder("perturbations") / "first_names.toml").read_text(encoding="utf-8"))
    return {language: tuple(names.split()) for language, names in file["names"].items()}


def _test(row: Row, language: str, names: Sequence[str], taken: set[str]) -> Iterator[Row]:
    """The questions of the cases, each of the first attempt that gives questions on a new context."""
    path = row.location.rpartition(":")[0]
    kit = _Kit(row.values["test"], language, path, row.values["lines"], tuple(names))
    for number in range(CASES):
        attempts = (kit.case(_Draw(kit.test, number, attempt)) for attempt in range(100))
        made = next((made for made in attempts if made and made[0].values["context"] not in taken), ())
        if not made:
            return
        taken.add(made[0].values["context"])
        yield from made


@dataclass(frozen=True, slots=True)
class _Kit:
    """One test in one language: its rows of the table, and the names."""

    test: str
    language: str
    path: str
    lines: tuple[TemplateRow, ...]
    names: tuple[str, ...]

    def case(self, draw: _Draw) -> tuple[Row, ...]:
        """The questions of one case; empty where the language does not have a form, or a word is in two slots."""
        contexts = self._labelled(CONTEXT)
        line = draw.of(contexts, "context")
        facts, asked, words = self._values(draw, {CONTEXT: line.english})
        template = _pick(line, {**facts, **asked[0]})
        if words is None or template is None:
            return ()
        # All slots have different words, except the forms of one value.
        distinct = [word for slot, word in words.items() if not slot.startswith(_ONE_FORM)]
        if len(set(distinct)) < len(distinct):
            return ()
        context = self._fill(template, words, line.number, capital=True)
        rows = []
        for index, question, answer in self._questions():
            wording = _pick(question, {**facts, **asked[index]}, leave=_other(index))
            if wording is None or not answer.variants:
                return ()
            other = answer.variants[0].other if contexts[1:2] == (line,) else ""  # of the second context, in Quechua
            expected = self._fill(other or answer.variants[0].text, words, answer.number)
            values = {
                "context": context.text,
                "question": self._fill(wording, words, question.number).text,
                "answers": _answer_spans(expected, context, self.language),
            }
            native, cluster = f"{self.test}-{draw.number:03d}-{index}", f"checklist/{self.test}/{draw.number}"
            rows.append(Row(native, f"{self.path}:{answer.number}", values, cluster))
        # Each answer is in the context, and questions of the same text have the same answers.
        answers = {(row.values["question"], row.values["answers"]) for row in rows}
        is_sound = all(found for _, found in answers) and len({asked for asked, _ in answers}) == len(answers)
        return tuple(rows) if is_sound else ()

    def _labelled(self, label: str, least: int = 1) -> tuple[TemplateRow, ...]:
        """The rows of a label. Raises DataError where there are fewer than `least`."""
        lines = tuple(line for line in self.lines if line.label == label)
        if len(lines) < least:
            what = f"the test {self.test!r} has {len(lines)} rows {label!r}, and needs {least}: is a label misspelt?"
            raise DataError(self.path, what)
        return lines

    def _questions(self) -> list[tuple[int, TemplateRow, TemplateRow]]:
        """The questions with their numbers and answers, without those whose texts all contain the other property."""
        pairs = zip(self._labelled(QUESTION), self._labelled(ANSWER), strict=True)
        return [
            (index, question, answer)
            for index, (question, answer) in enumerate(pairs)
            if not question.variants or any(_other(index) not in variant.text for variant in question.variants)
        ]

    def _values(self, draw: _Draw, given: Facts) -> tuple[Facts, tuple[Facts, ...], Words | None]:
        """The English values of a case and of each question, and the words for all slots; None where one is missing."""
        drawn = draw.two(range(len(self.names)), "names")
        name_slots, value_slots = _TESTS[self.test]
        words: dict[str, str | None] = {slot: self.names[index] for slot, index in zip(name_slots, drawn, strict=False)}
        lines = {label: draw.of(self._labelled(label), label) for label in value_slots}
        facts = {**given, **{label: line.english for label, line in lines.items()}}
        asked = self._properties(draw, facts, words) if self.test == "properties" else ({}, {})
        for label, line in lines.items():
            _put(words, label, value_slots[label], _pick(line, facts), self.language)
        whole = {slot: word for slot, word in words.items() if word}
        return facts, asked, whole if len(whole) == len(words) else None

    def _properties(self, draw: _Draw, facts: Facts, words: dict[str, str | None]) -> tuple[Facts, ...]:
        """Two properties; they and a value of each are added to the words."""
        asked = []
        for index, line in enumerate(draw.two(self._labelled("property", 2), "properties"), 1):
            asked.append({"property": line.english})
            value = draw.of(self._labelled(line.english), f"value {index}")
            words[f"p.p{index}"] = _pick(line, {**facts, **asked[-1]})
            words[f"p.v{index}"] = _pick(value, {**facts, **asked[-1]})
        return tuple(asked)

    def _fill(self, template: str, words: Words, number: int, *, capital: bool = False) -> _Filled:
        """A template with its slots filled; with `capital`, an object at the start of a sentence is capitalized."""
        text, end, slots = "", 0, []
        for match in _SLOT.finditer(template):
            slot = match[1]
            if slot not in words:
                raise DataError(self.path, f"nothing is known for {match[0]!r} in {template[:80]!r}.", number)
            text += template[end : match.start()]
            word = words[slot]
            if capital and slot.startswith("obj") and text.rstrip()[-1:] in ("", ".", "!", "?"):
                word = word[:1].upper() + word[1:]
            slots.append((slot, len(text), len(text) + len(word)))
            text, end = text + word, match.end()
        return _Filled(text + template[end:], tuple(slots))


def _other(index: int) -> str:
    """The slot of the other question's property: the second's for the first question, the first's for the second."""
    return f"{{p.p{2 - index}}}"


def _pick(line: TemplateRow, facts: Facts, leave: str = "{}") -> str | None:
    """The first text for these values that does not contain `leave`, the property of another question."""
    for variant in line.variants:
        if leave not in variant.text and all(facts.get(kind) in values for kind, values in variant.only.items()):
            return variant.text
    return None


def _put(words: dict[str, str | None], label: str, slot: str, text: str | None, language: str) -> None:
    """Add the word for a slot, or the forms of a value for `slot[0]`, `slot[1]`; in Thai blanks separate them."""
    if label not in _ONE_FORM or text is None:
        words[slot] = text
        return
    forms = text.split(" ") if language == "th" else _FORMS.split(text)
    for index, form in enumerate(form.strip() for form in forms if form.strip()):
        words[f"{slot}[{index}]"] = form


def _answer_spans(expected: _Filled, context: _Filled, language: str) -> tuple[tuple[int, int], ...]:
    """The spans of the answer: its full text where that overlaps its slot; else without article and full stop.

    If neither is in the context, the span is the slot itself; empty where the context does not have the slot.
    """
    slot = expected.slots[0][0] if expected.slots else ""
    slot_spans = tuple((start, stop) for name, start, stop in context.slots if name == slot)
    for text in (expected.text, clean(expected.text, language)):
        starts = [match.start() for match in re.finditer(f"(?={re.escape(text)})", context.text)] if text else []
        spans = tuple((at, at + len(text)) for at in starts)
        over = tuple(span for span in spans if any(span[0] < stop and start < span[1] for start, stop in slot_spans))
        if over:
            return over
    return slot_spans


_LANGUAGES: Final = codes(
    "af ar az bg bn de el en es et eu fa fi fr gu ha he hi ht hu id it ja jv ka kk "
    "ko lt ml mr ms my nl pa pl pt qu ru sw ta te th tl tr uk ur vi wo yo zh"
)
"""The columns of the table: the fifty of XTREME-R with Hausa instead of Romanian."""

multichecklist = span_task(
    name="multichecklist",
    summary="Short questions that each test one thing: comparisons, intensifiers, properties, professions, animals.",
    metrics=METRICS,
    languages=_LANGUAGES,
    files={
        "test": Files(
            "checklist_templates",
            ("multichecklist/checklist_templates.tsv", "xtreme/multichecklist/checklist_templates.tsv"),
            ids="native",
            mixed=True,
        )
    },
    adapt=cases,
    accepts=("multichecklist", "xquad", "mlqa", "tydiqa", "squad", "squad_v2"),
    cite="Ruder et al. 2021, XTREME-R: Towards More Challenging and Nuanced Multilingual Evaluation (arXiv 2104.07412) "
    "and Ribeiro et al. 2020, Beyond Accuracy: Behavioral Testing of NLP Models with CheckList (arXiv 2005.04118)",
    train_languages=(),
    absent="Put checklist_templates.tsv of github.com/google-research/xtreme (its folder multichecklist) into "
    "DIR/multichecklist, and name DIR with --data DIR.",
    rows="200 cases of each of six tests, two questions on one context: 2,400 questions per language, 2,200 in "
    "Gujarati, 2,000 in Kazakh and Turkish.",
    official="google-research/xtreme, multichecklist/test_models.py: the share of cases of which every question is "
    "answered; here that of questions.",
    checked="`tests/real/test_multichecklist.py`: sentences of twelve languages were checked by hand against the rows "
    "of the table, and every answer is in its context. `tests/unit/tasks/test_multichecklist.py`: answers are compared "
    "by the official rule. Cases are drawn here from the official templates, and are not those of the official suites.",
    licence="Apache 2.0",
)
