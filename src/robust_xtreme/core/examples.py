"""The data types of evaluation: Span, Text, Corpus, Target, Example, Scored; kinds of tasks and their targets; tags."""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

_CACHED: Final = 1 << 16
_JSON: Final = json.JSONEncoder(ensure_ascii=False)

LONGEST: Final = 1_000_000
"""The most characters of a text: a longer one is a malformed file, not a passage, and noising it takes minutes."""


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of code points of a text; a frozen one is never edited."""

    start: int
    stop: int
    label: str | None = None
    frozen: bool = False


span_of: Final = lru_cache(maxsize=_CACHED)(Span)
"""A span of a start, a stop and a label: the same object for those that many texts have, as words of sentences do."""


@dataclass(frozen=True, slots=True)
class Text:
    """A string with its spans; its noise depends on its id and language."""

    id: str
    language: str
    value: str
    spans: tuple[Span, ...] = ()

    def at(self, span: Span) -> str:
        """The substring that a span covers."""
        return self.value[span.start : span.stop]

    def pieces(self, words: bool) -> list[str]:
        """What is tokenised separately: each word (span), or the whole text."""
        return [self.at(span) for span in self.spans] if words else [self.value]


DEPTH: Final = 20
"""How many texts of a pool a ranking names, where the pool does not say otherwise."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """A retrieval pool, which is perturbed once per condition.

    `answers` maps the key that is the target of a query to the ids of the texts that are right. `unscored` contains ids
    of texts and of queries that are searched with the others, but whose pairs are not counted. `passages` has where the
    passage begins in a text that is a sentence with its passage after it. `depth` is how many texts a ranking names.
    `identity` is the hash of the texts, whatever their order.
    """

    id: str
    texts: tuple[Text, ...]
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unscored: frozenset[str] = frozenset()
    passages: Mapping[str, int] = field(default_factory=dict)
    depth: int = DEPTH
    identity: str = field(default="")

    def __post_init__(self) -> None:
        if not self.identity:
            rows = sorted((text.id, text.language, text.value) for text in self.texts)
            object.__setattr__(self, "identity", digest(*(part for row in rows for part in row)))


@dataclass(frozen=True, slots=True)
class Choice:
    """The index of a task's label or of an example's choice."""

    index: int


UNLABELLED: Final = Choice(-1)
"""The target of an example without a label."""


@dataclass(frozen=True, slots=True)
class Tags:
    """One tag per span of the text."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """Spans of the context; empty where there is no answer."""

    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """Ids of documents of a corpus: the right ones, each as often as its grade says, or a ranking, the best first."""

    ids: tuple[str, ...]


NO_ANSWER: Final = "no_answer"
"""The label of a head for spans that can predict that there is no answer."""

Target = Choice | Tags | Answers | Document


def digest(*parts: str, size: int = 8) -> str:
    """A short, stable hash of a sequence of strings (two hex digits for each byte; blake2b, length-prefixed)."""
    return hashlib.blake2b(b"".join(map(_prefixed, parts)), digest_size=size).hexdigest()


def _prefixed(part: str) -> bytes:
    data = part.encode("utf-8", "surrogatepass")
    return len(data).to_bytes(8, "little") + data


_NUMBER: Final = re.compile(r"\d+(?:\W\d+)*")


def without_numbers(text: str) -> str:
    """A text with `#` for each number: decimal digits of any script, and single signs between them (`4.4`, `12:30`)."""
    return _NUMBER.sub("#", text)


def target_json(target: Target) -> str:
    """A target or prediction as a JSON string: an index, a list of tags, of [start, stop], of ids."""
    match target:
        case Choice(index):
            return str(index)
        case Tags(names):
            items = [_quoted(name) for name in names]
        case Answers(spans):
            items = [f"[{span.start}, {span.stop}]" for span in spans]
        case Document(ids):
            items = [_JSON.encode(id) for id in ids]
    return f"[{', '.join(items)}]"


_quoted: Final = lru_cache(maxsize=_CACHED)(_JSON.encode)


def fingerprint(texts: Mapping[str, Text], target: Target) -> str:
    """The hash of all fields and the target of an example."""
    parts: list[bytes] = []
    for name in sorted(texts):
        text = texts[name]
        parts += (_heading(name, text.language), _prefixed(text.value))
    return hashlib.blake2b(b"".join((*parts, _prefixed(target_json(target)))), digest_size=8).hexdigest()


@lru_cache(maxsize=_CACHED)
def _heading(name: str, language: str) -> bytes:
    return _prefixed(name) + _prefixed(language)


@dataclass(frozen=True, slots=True)
class Example:
    """One item of a task: fields of text, the gold target, and the cluster it is resampled with.

    `texts` maps a field's name (`premise`, `context`, `tokens`) to its Text. Spans of an `Answers` target are
    positions in the text `context`, and are among that text's spans too, so that noise moves them. The fingerprint is
    computed when it is first read: examples that a limit leaves out, or that are replaced, need none.
    """

    id: str
    texts: Mapping[str, Text]
    target: Target
    cluster: str
    fingerprint: str = field(default="")

    def __post_init__(self) -> None:
        if not self.fingerprint:
            object.__delattr__(self, "fingerprint")

    if not TYPE_CHECKING:  # a type checker would accept every name

        def __getattr__(self, name: str) -> str:
            """The fingerprint, which is an empty slot until now."""
            if name != "fingerprint":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            object.__setattr__(self, name, fingerprint(self.texts, self.target))
            return self.fingerprint


@dataclass(frozen=True, slots=True)
class Scored:
    """An example as metrics see it: its clean and its perturbed form, each with the gold target, and the prediction.

    `prediction` is in the coordinates of `perturbed`; `restored` is the same prediction mapped back through the
    edits to the coordinates of `clean` (equal to `prediction` but for spans of text). `retuned` is the prediction with
    a threshold that is tuned again for the condition; None where the task does not tune one.
    """

    clean: Example
    perturbed: Example
    prediction: Target
    restored: Target
    retuned: Target | None = None


# MultiCheckList's rule for comparing answers, implemented again.
#
# Articles of the language become a blank; then blanks, commas, full stops and marks of the language are removed from
# both ends. The results must be equal, also in case. Source: google-research/xtreme,
# multichecklist/generate_test_utils.py, `clean` and `expect_squad`.

WHOLE: Final[Mapping[str, str]] = {
    "de": "ein eine einen",
    "el": "Ο ένα μια",
    "en": "a an the in at",
    "es": "un una unos unas el la los las",
    "eu": "bat",
    "fa": "یک",
    "fr": "un une le la en",
    "hu": "egy",
    "it": "un una",
    "nl": "een",
    "pt": "um uma",
    "tl": "Si",
    "tr": "bir",
    "vi": "một",
    "wo": "dafa",
    "yo": "kan",
}
"""Articles, and words that the rule treats as such; they match whole words only."""

OPEN: Final[Mapping[str, str]] = {
    "bn": "একটি একজন",
    "hi": "एक",
    "ml": "ഒരു",
    "mr": "एक",
    "my": "တစ်ဦး",
    "pa": "ਇੱਕ ਇਕ",
    "ta": "ஒரு",
}
"""Articles that match at the beginning of a word, whatever follows."""

_MARKS: Final[Mapping[str, str]] = {"bn": "৷", "hi": "৷", "pa": "।", "pl": "„”", "ur": "\u200f"}


def clean(text: str, language: str) -> str:
    """An answer without articles and ignored characters at its ends."""
    articles = _articles(language)
    return (articles.sub(" ", text) if articles else text).strip(",. " + _MARKS.get(language, ""))


@cache
def _articles(language: str) -> re.Pattern[str] | None:
    if language == "af":
        return re.compile(r"’n\b")
    if language == "ar":
        return re.compile("ال")
    words = "|".join((WHOLE.get(language) or OPEN.get(language, "")).split())
    end = r"\b" if language in WHOLE else ""
    return re.compile(rf"\b(?:{words}){end}") if words else None


def answered(answer: str, golds: Sequence[str], language: str) -> float:
    """1.0 where the answer, cleaned, is a gold answer, cleaned."""
    return float(any(clean(answer, language) == clean(gold, language) for gold in golds))


Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of task; `TaskSpec.family` names it. The defaults apply to kinds that other packages add.

    - `answer(labels)`: the target in words, which depends on the number of labels and not on their names.
    - `unit`: the text that training and evaluated data must not share: `passage`, `sentence` or `query text`; "" is all
      fields.
    - `words`: each word (span) is tokenised separately and has its own answer.
    - `spans`: the target needs the spans of the texts.
    - `classes`: a head has a class for each label; `width` is the number of scores of a head without classes.
    - `indexed`: a prediction is the index of a class, and is translated between orders of the labels.
    - `whole`: an example is one unit of training, whatever its length.
    - `searched`: an answer is searched for in a pool, and training uses all candidates of a batch.
    - `translates`: the target stays valid when only the texts are translated.
    - `blank`: unlabelled data have valid targets, so that only a whole split shows that it is unlabelled.
    """

    name: str
    answer: Callable[[Labels], str] | None = None
    unit: str = ""
    words: bool = False
    spans: bool = False
    classes: bool = True
    width: int = 0
    indexed: bool = False
    whole: bool = False
    searched: bool = False
    translates: bool = False
    blank: bool = False

    def label_type(self, labels: Labels) -> str:
        """The target, in words."""
        return self.answer(labels) if self.answer else self.name


CLASSIFICATION: Final = Kind(
    name="classification",
    answer=lambda labels: f"one of {len(labels)} labels",
    indexed=True,
    whole=True,
    translates=True,
)
CHOICE: Final = Kind(
    name="choice", answer=lambda _: "one of the texts given", classes=False, width=1, whole=True, translates=True
)
TAGGING: Final = Kind(
    name="tagging",
    answer=lambda labels: f"a tag per word, of {len(labels)}",
    unit="sentence",
    words=True,
    spans=True,
    blank=True,
)
SPAN_QA: Final = Kind(
    name="span_qa",
    answer=lambda labels: "a span or none" if NO_ANSWER in labels else "a span",
    unit="passage",
    spans=True,
    classes=False,
    width=2,
)
RETRIEVAL: Final = Kind(
    name="retrieval",
    answer=lambda _: "a document",
    unit="query text",
    classes=False,
    whole=True,
    searched=True,
    blank=True,
)
KINDS: Final = (CLASSIFICATION, CHOICE, TAGGING, SPAN_QA, RETRIEVAL)


def kind_of(family: str) -> Kind:
    """The kind that a task's `family` names; a kind of another package has the defaults."""
    return next((kind for kind in KINDS if kind.name == family), Kind(family))


# Tags mark entities where each but O has a prefix that says where in an entity the word is. IOB2 has B for the first
# word and I for others. BILOU (L, U), BIOES (E, S) and BMEWO (M, E, W) have a prefix for the last word and for a single
# one too, and map to IOB2 exactly. Tasks have tags in IOB2, whatever the scheme of their files is.

OUTSIDE: Final = "O"
IOB2_PREFIXES: Final = {"B": "B", "U": "B", "S": "B", "W": "B", "I": "I", "M": "I", "L": "I", "E": "I"}
"""The prefix in IOB2 of each prefix: B where it begins an entity, I where it continues one."""

ODD_TAG: Final = (
    "is neither O nor has a prefix, as in B-PER, and the other tags mark entities. Write all tags in one scheme: IOB2 "
    "(O, B-PER, I-PER), BILOU, BIOES or BMEWO"
)
"""What a message says of a tag that `find_odd_tag` finds."""

_ENTITY_TAG: Final = re.compile(r"([BIMLEUSW])-(.+)", re.DOTALL)
_ANY_FORM: Final = re.compile(r"(?i:[bimleusw][-_:].+|.+[-_:][bimleusw])|[BI]", re.DOTALL)
"""A tag of an entity, or what is meant as one: b-per or B_PER, the suffix of PER-B, and B without a type."""


def mark_entities(tags: Collection[str]) -> bool:
    """Whether the tags of a task mark entities, as those of parts of speech do not."""
    return any(tag != OUTSIDE for tag in tags) and all(tag == OUTSIDE or _ENTITY_TAG.fullmatch(tag) for tag in tags)


def find_odd_tag(tags: Collection[str]) -> str | None:
    """Return a tag without a prefix among tags that mark entities; None where there is none.

    Tags do so where O is among them and one has a prefix, or where most of them have some form of a prefix. A few
    hyphens among parts of speech mean nothing.
    """
    others = sorted({*tags} - {OUTSIDE})
    odd = [tag for tag in others if not _ENTITY_TAG.fullmatch(tag)]
    are_entities = (OUTSIDE in tags and len(odd) < len(others)) or (
        2 * sum(_ANY_FORM.fullmatch(tag) is not None for tag in others) > len(others)
    )
    return odd[0] if odd and are_entities else None


def labels_to_iob2(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the tags of a task in IOB2, if they mark entities by another scheme; else none."""
    if not mark_entities(labels) or all(label[0] in "OBI" for label in labels):
        return ()
    return tuple(dict.fromkeys(p + label[1:] for label in labels for p in ("O" if label == OUTSIDE else "BI")))


def tags_to_iob2(tags: Sequence[str]) -> tuple[str, ...]:
    """Return the tags of a sentence in IOB2; what follows the last word of an entity begins another one."""
    entities = [_ENTITY_TAG.fullmatch(tag) for tag in tags]
    is_after_last = [False, *(entity is not None and entity[1] in "LEUSW" for entity in entities)]
    return tuple(
        tag if entity is None else f"{'B' if begins else IOB2_PREFIXES[entity[1]]}-{entity[2]}"
        for tag, entity, begins in zip(tags, entities, is_after_last[:-1], strict=True)
    )
