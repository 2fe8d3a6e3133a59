"""Realised strengths in tokens, which are those of the model that answers: solved for when a run is planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from robust_xtreme.external.condition import Condition
from robust_xtreme.models.checkpoint import tokenizer_of
from robust_xtreme.models.on_disk import Located
from robust_xtreme.noise.engine.noising import bound, solved, unattainable
from robust_xtreme.noise.engine.realised import TOKENS
from robust_xtreme.reading.tokens import Lexicon, backend_of
from robust_xtreme.specs import PerturbationSpec


def resolved(condition: Condition, model: Located, languages: Sequence[str]) -> tuple[Condition, str]:
    """A condition at the strength that its share of the model's tokens needs, and why it cannot be drawn, or "".

    `languages` are those of the noised texts. Conditions on other axes stay as they are.
    """
    spec = condition.spec
    if spec is None or spec.links[-1].axis != TOKENS:
        return condition, ""
    if len(languages) != 1:
        return condition, f"{condition.name} is solved for in one language, and the texts are of {len(languages)}"
    (link,) = bound(spec)
    lexicon = Lexicon(backend_of(tokenizer_of(model)))

    def tokens(texts: Sequence[str]) -> Mapping[str, Sequence[int]]:
        lexicon.numbers(texts)
        return {text: lexicon.of(text) for text in texts}

    solution = solved(link, languages[0], tokens)
    nominal = replace(spec.links[-1], strengths=(solution.strength,), axis="")
    return replace(condition, spec=PerturbationSpec((nominal,), spec.fields)), unattainable(link, solution)
