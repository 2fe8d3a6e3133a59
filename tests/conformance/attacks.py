"""The rules of an attack, each a function that raises AssertionError where it is broken.

The model is an oracle that answers by a hash of what it is asked and of the gold answer: it is rarely wrong, never the
same for two examples, and counts what it is asked.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, final
from zlib import crc32

import numpy as np
from tests.conformance.rules import clusters_stay_whole, edit_counts_are_true, normal_forms_stay, spans_survive

from robust_xtreme.attack.attacking import Attacked
from robust_xtreme.attack.goals import AnswerScores, Ask
from robust_xtreme.core import registry
from robust_xtreme.core.examples import Choice, Example, Text
from robust_xtreme.core.languages import language
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.conditions.condition import Condition
from robust_xtreme.noise.engine.noised import Noised, PerturbedExamples
from robust_xtreme.noise.engine.perturbation import Perturbation
from robust_xtreme.run.task_run import attack_all

QUERIES: Final = 6
_CUT: Final = 2
"""The traces of a text whose blank ends are cut off."""
_FEW: Final = 6
_FIELD: Final = "text"
_RANGE: Final = 1000
_WRONG: Final = 20

Attack = Callable[[Sequence[Example], str, Ask], Attacked]
"""Attacks examples under a spec."""


def attack(examples: Sequence[Example], spec: str, ask: Ask) -> Attacked:
    """The attack of `eval`."""
    condition = Condition(spec, PerturbationSpec.parse(spec).on(_FIELD), (0,), asks=True)
    return attack_all(examples, [(condition, 0)], lambda _: ask, lambda _: None)[spec, 0]


@final
@dataclass(slots=True)  # it counts
class Oracle:
    """A model. `seen` are the candidates that it was asked about, `asked` how often about each example."""

    seen: list[Noised] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)

    def ask(self, shown: PerturbedExamples) -> AnswerScores:
        """Right for clean examples, and wrong for one in 50 candidates."""
        examples = list(shown)
        margin = np.array([_margin(each, before) for each, before in zip(examples, shown.clean, strict=True)])
        if shown.numbers:
            self.asked.update(each.id for each in examples)
            self.seen += [shown.noised[number] for number in shown.numbers[_FIELD].tolist()]
        right = margin >= _WRONG
        return AnswerScores(np.where(right, 1.0, 0.5), right, margin, np.ones(len(right), np.bool_))


def _margin(example: Example, clean: Example) -> int:
    value = example.texts[_FIELD].value
    if value == clean.texts[_FIELD].value:
        return _RANGE
    return crc32(repr((value, example.target)).encode("utf-8", "surrogatepass")) % _RANGE


@final
@dataclass(frozen=True, slots=True)
class Attempts:
    """An attack on some texts. `member` declares it, `attack` makes it."""

    member: Perturbation
    texts: Sequence[Text]
    attack: Attack = attack
    known: dict[str, list[Noised]] = field(default_factory=dict)

    @property
    def few(self) -> Attempts:
        """The same of some of the texts."""
        return Attempts(self.member, self.texts[::_FEW], self.attack)

    @property
    def candidates(self) -> list[Noised]:
        """Those of random search with as many edits as fit, and what remains of another."""
        if not self.known:
            oracle = Oracle()
            left = [*self.under("1", oracle), *self.under("0.5", search="adaptive"), *oracle.seen]
            self.known["left"] = [replace(noised, traces=tuple(noised.traces)) for noised in left]
        return self.known["left"]

    def under(self, strength: str, oracle: Oracle | None = None, search: str = "random", **params: int) -> list[Noised]:
        """The texts as the attack leaves them."""
        chosen = "".join(f"@{name}={value}" for name, value in {"queries": QUERIES, "search": search, **params}.items())
        return self.made(self.examples(), f"{self.member.name}:{strength}{chosen}", (oracle or Oracle()).ask)

    def made(self, examples: Sequence[Example], spec: str, ask: Ask) -> list[Noised]:
        """Examples as the attack leaves them."""
        shown = self.attack(examples, spec, ask).shown
        return [shown.noised[number] for number in shown.numbers[_FIELD].tolist()]

    def examples(self) -> list[Example]:
        """An example of each text; no two have the same gold answer."""
        return [Example(text.id, {_FIELD: text}, Choice(number), text.id) for number, text in enumerate(self.texts)]


Rule = Callable[[Attempts], None]


def rule_1_strength_is_a_share(attempts: Attempts) -> None:
    """Strength 0 and a budget of 0 change no byte; elsewhere edits are at most the share of the units."""
    for noised in (*attempts.under("0"), *attempts.under("1", queries=0)):
        assert noised.text == noised.clean, f"{noised.clean.id} changed"
    oracle = Oracle()
    attempts.under("0.3", oracle)
    for noised in oracle.seen:
        code, value = noised.clean.language, noised.clean.value
        if language(code).spaces:
            allowed = int(Decimal("0.3") * len(value.split()))
            assert noised.words_edited <= allowed, f"{noised.text.value!r} of {value!r}: more than {allowed} words"


def rule_2_examples_are_alone(attempts: Attempts) -> None:
    """Order, batch, the gold answers of others and any global state change nothing."""
    spec = f"{attempts.member.name}:0.5@queries={QUERIES}"
    examples = attempts.examples()
    before = random.getstate()
    whole = attempts.made(examples, spec, Oracle().ask)
    assert attempts.made(examples, spec, Oracle().ask) == whole, "a second run differs"
    assert random.getstate() == before, "the global generator was used"
    assert attempts.made(examples[::-1], spec, Oracle().ask)[::-1] == whole, "the order of the examples matters"
    single = [noised for each in examples[::_FEW] for noised in attempts.made([each], spec, Oracle().ask)]
    assert single == whole[::_FEW], "the batch matters"


def rule_3_clusters_stay_whole(attempts: Attempts) -> None:
    """No candidate has a broken cluster, and each keeps its normal forms."""
    for noised in attempts.candidates:
        clusters_stay_whole(noised)
        if normal_forms_stay.__name__ not in attempts.member.waives:
            normal_forms_stay(noised)


def rule_5_spans_survive(attempts: Attempts) -> None:
    """In no candidate does an edit touch a frozen span or an edge, or is a span or a text emptied."""
    for noised in attempts.candidates:
        if len(noised.traces) < _CUT:
            spans_survive(noised)
        for before, after in zip(noised.clean.spans, noised.text.spans, strict=True):
            assert noised.text.at(after).strip() or not noised.clean.at(before).strip(), (
                f"{noised.text!r}: a blank span"
            )


def rule_6_edit_counts_are_true(attempts: Attempts) -> None:
    """The counts of each candidate are those of its edits, which are all there is where no end is cut off."""
    for noised in (each for each in attempts.candidates if len(each.traces) < _CUT):
        edit_counts_are_true(noised, exact=False)


def rule_8_budgets_are_kept(attempts: Attempts) -> None:
    """A model is asked about an example at most as often as the budget allows, whatever the search."""
    for search in registry.names("search"):
        for budget in (1, QUERIES):
            oracle = Oracle()
            attempts.few.under("0.5", oracle, search, queries=budget)
            beyond = {name: count for name, count in oracle.asked.items() if count > budget}
            assert not beyond, f"{search} asks more often than {budget} times: {beyond}"


RULES: Final[tuple[Rule, ...]] = (
    rule_1_strength_is_a_share,
    rule_2_examples_are_alone,
    rule_3_clusters_stay_whole,
    rule_5_spans_survive,
    rule_6_edit_counts_are_true,
    rule_8_budgets_are_kept,
)


def keeps(attempts: Attempts) -> None:
    """Raise AssertionError from the first rule that is broken, of those that the attack does not waive."""
    for rule in RULES:
        if rule.__name__ not in attempts.member.waives:
            rule(attempts)


def broken(attempts: Attempts) -> list[str]:
    """The names of the rules that an attack breaks."""
    names = []
    for rule in RULES:
        try:
            rule(attempts)
        except AssertionError:
            names.append(rule.__name__)
    return names


def _doubled(examples: Sequence[Example], spec: str, ask: Ask) -> Attacked:
    """Asks twice as often as it may."""
    head, _, tail = spec.partition("@queries=")
    budget, at, rest = tail.partition("@")
    return attack(examples, f"{head}@queries={2 * int(budget)}{at}{rest}", ask)


def _unprotected(examples: Sequence[Example], spec: str, ask: Ask) -> Attacked:
    """Lets edits into protected spans, and says that they are protected."""
    freed = [replace(each, texts={name: _freed(text) for name, text in each.texts.items()}) for each in examples]
    made = attack(freed, spec, lambda shown: ask(_frozen(shown, examples)))
    return replace(made, shown=_frozen(made.shown, examples))


def _freed(text: Text) -> Text:
    return replace(text, spans=tuple(replace(span, frozen=False) for span in text.spans))


def _frozen(shown: PerturbedExamples, examples: Sequence[Example]) -> PerturbedExamples:
    """The candidates with the protected spans of the examples."""
    by_id = {each.id: each for each in examples}
    clean = [by_id[each.id] for each in shown.clean]
    if not shown.numbers:
        return replace(shown, clean=clean)
    texts = [by_id[text.id].texts[_FIELD] for text in shown.noised.clean]
    frozen = np.array([span.frozen for text in texts for span in text.spans], np.bool_)
    noised = replace(shown.noised, clean=texts, spans=replace(shown.noised.spans, frozen=frozen))
    return replace(shown, clean=clean, noised=noised)


def _peeping(examples: Sequence[Example], spec: str, ask: Ask) -> Attacked:
    """Asks how right an answer is by the gold answer of the example before."""
    before = {each.id: other.target for each, other in zip(examples, [*examples[-1:], *examples[:-1]], strict=True)}

    def peeped(shown: PerturbedExamples) -> AnswerScores:
        return ask(replace(shown, clean=[replace(each, target=before[each.id]) for each in shown.clean]))

    return attack(examples, spec, peeped)


PLANTED: Final[dict[str, Attack]] = {
    "rule_8_budgets_are_kept": _doubled,
    "rule_5_spans_survive": _unprotected,
    "rule_2_examples_are_alone": _peeping,
}
"""Attacks that are wrong on purpose, each by the one rule that it breaks."""
