"""What a kind of task is: what is known of its targets without a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from robust_xtreme.examples import Text

Labels = tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of task; `TaskSpec.family` names it. The defaults are those of kinds that other packages add.

    - `answer(labels)`: what a target is, in words; sets of equally many labels are one, whatever their names.
    - `unit`: what training and evaluated data must not share: `passage`, `sentence` or `query text`; "" is all fields.
    - `words`: each word (span) is read by itself and has an answer of its own.
    - `spans`: the texts have spans without which the target means nothing.
    - `classes`: a head has a class for each label; of a head without classes `width` is its number of scores.
    - `indexed`: a prediction is the place of a class, and other orders of the labels are translated.
    - `whole`: an example is one unit of training, however long it is.
    - `searched`: an answer is searched for in a pool, and is learned from all candidates of a batch.
    - `translates`: the target survives where only the texts are translated.
    - `blank`: where data are not labelled, the targets look like others, so that only a whole split tells.
    - `learned_from`: how many training examples its shallow predictors learn from at most; 0 where none learns.
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
    learned_from: int = 0

    def pieces(self, text: Text) -> list[str]:
        """What of a text is tokenised by itself: each of its words, or all of it."""
        return [text.at(span) for span in text.spans] if self.words else [text.value]

    def label_type(self, labels: Labels) -> str:
        """What a target is, in words."""
        return self.answer(labels) if self.answer else self.name
