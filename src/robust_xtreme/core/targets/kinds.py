"""Kinds of tasks: the properties of their targets that do not need a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

from robust_xtreme.core.examples import NO_ANSWER

Labels = tuple[str, ...]


@final
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
    name="choice",
    answer=lambda _: "one of the texts given",
    classes=False,
    width=1,
    whole=True,
    translates=True,
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
