"""The floor of similarity of attacks: by the model's vectors of texts, calibrated by language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any
from zlib import crc32

import numpy as np
import pytest
import torch
import transformers
from tests.conformance.attacks import Oracle
from tests.conformance.texts import every_language
from tests.some import some

from robust_xtreme.attack.attacking import Attacked
from robust_xtreme.attack.constraints import Cosines, Embed, Similarity, calibrated
from robust_xtreme.core import registry
from robust_xtreme.core.columns import Array
from robust_xtreme.core.errors import RobustXtremeError, SpecError
from robust_xtreme.core.examples import Choice, Example, Text
from robust_xtreme.core.resources import mini
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.models.loading import Models, Whole
from robust_xtreme.models.located import locate
from robust_xtreme.models.predictors.loaded import Loaded
from robust_xtreme.models.predictors.members.encoder_head import EncoderHead
from robust_xtreme.models.predictors.predictor import Embedding, Work, predictor_of
from robust_xtreme.models.reading.windows import plain
from robust_xtreme.noise.conditions.condition import Condition
from robust_xtreme.noise.engine.noised import field_texts
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.run import plan as planning
from robust_xtreme.run.plan import make_plan
from robust_xtreme.run.task_run import attack_all, most_vectors
from robust_xtreme.training.objective import check_attacks

TEXTS = every_language(["en", "sw", "de", "fr", "es", "tr", "hi"])
_WIDE = 64


def letters(values: Sequence[str]) -> Array:
    """The vectors of texts by their pairs of letters."""
    pairs = [[crc32(f"{text} "[at : at + 2].encode()) % _WIDE for at in range(len(text))] for text in values]
    counts = np.array([np.bincount([0, *several], minlength=_WIDE) for several in pairs])
    vectors: Array = counts / np.linalg.norm(counts, axis=1, keepdims=True)
    return vectors


def never(_: Sequence[str]) -> Array:
    """No vector is needed."""
    raise AssertionError("a vector was computed")


def attacked(texts: Sequence[Text], params: str, embed: Embed) -> tuple[Attacked, Oracle]:
    """What greedy search leaves of texts, and what it asked."""
    name = f"attack_letters:0.6@queries=30@search=greedy{params}"
    condition = Condition(name, PerturbationSpec.parse(name).on("text"), (0,), asks=True)
    examples = [Example(text.id, {"text": text}, Choice(number), text.id) for number, text in enumerate(texts)]
    oracle = Oracle()
    made = attack_all(examples, [(condition, 0)], lambda _: oracle.ask, lambda _: None, embed)
    return made[name, 0], oracle


def similarity(texts: Sequence[Text], embed: Embed) -> Similarity:
    """The similarities to texts."""
    examples = [Example(text.id, {"text": text}, Choice(0), text.id) for text in texts]
    return calibrated(field_texts(examples), Cosines(embed))


def similarities(texts: Sequence[Text], oracle: Oracle, embed: Embed) -> Array:
    """How similar the candidates that were asked are to their clean texts, but for those with a hidden word."""
    near = similarity(texts, embed)
    seen = [each for each in oracle.seen if "[UNK]" not in each.text.value]
    cosines = near.cosines.of([(each.text.value, each.clean.value) for each in seen])
    chance = np.array([near.chance[each.clean.id] for each in seen])
    scaled: Array = (cosines - chance) / (1 - chance)
    return scaled


_VALUES = ("The cat sat on the mat", "Rain fell over seven hills", "Who wrote this old book", "Ships sail at dawn")
ENGLISH = [Text(f"t{number}", "en", value) for number, value in enumerate(_VALUES)]


def test_no_candidate_below_the_floor_is_asked() -> None:
    """Without a floor some are; with it none is, and others are asked."""
    _, free = attacked(ENGLISH, "", never)
    _, bound = attacked(ENGLISH, "@similar=0.9", letters)
    assert similarities(ENGLISH, free, letters).min() < 0.9
    left = similarities(ENGLISH, bound, letters)
    assert len(left)
    assert left.min() >= 0.9


def test_a_floor_of_nothing_is_none() -> None:
    """With @similar=0 queries, texts and edits are those without it, and no vector is computed."""
    (free, first), (zero, second) = (attacked(TEXTS, params, never) for params in ("", "@similar=0"))
    assert free.record is not None
    assert zero.record is not None
    assert free.shown.noised.values == zero.shown.noised.values
    assert (free.record.edits, free.record.queries.tolist()) == (zero.record.edits, zero.record.queries.tolist())
    assert first.seen == second.seen


def test_languages_are_calibrated_apart() -> None:
    """A text at half the distance from any other has the same similarity, however near all texts of a language are."""
    texts = [Text(f"{code}{number}", code, f"{code} {number}") for code in ("en", "hi") for number in range(5)]
    near = {"en": 0.2, "hi": 0.9}

    def embed(values: Sequence[str]) -> Array:
        return np.stack([_near(value, near[value[:2]]) for value in values])

    of = similarity(texts, embed)
    assert of.chance == pytest.approx({text.id: near[text.language] for text in texts}, abs=1e-5)
    changed = noise_texts(texts, PerturbationSpec.parse("char_noise:0"), 0)
    values = [f"{text.value} half" for text in texts]
    moved = SimpleNamespace(values=values, clean=changed.clean)
    assert of.of(moved, np.arange(10)).tolist() == pytest.approx([0.5] * 10, abs=1e-3)  # type: ignore[arg-type]  # its texts


def _near(value: str, cosine: float) -> Array:
    """A vector with this cosine to those of other numbers; that of `half` is halfway from it to the number's."""
    number = int(value.split()[1])
    wanted = (1 + cosine) / 2 if value.endswith("half") else 1.0
    vector = np.zeros(12)
    vector[0], vector[1 + number] = np.sqrt(cosine), np.sqrt(1 - cosine)
    if wanted == 1:
        return vector
    aside = np.zeros(12)
    aside[11] = 1
    halfway: Array = wanted * vector + np.sqrt(1 - wanted**2) * aside
    return halfway


def test_the_order_of_texts_does_not_calibrate() -> None:
    """Pairs are drawn by the texts, and no text is its own pair, also where two examples have the same one."""
    copies = [*ENGLISH, Text("copy", "en", ENGLISH[0].value)]
    forth, back = similarity(copies, letters).chance, similarity(copies[::-1], letters).chance
    assert forth == back
    assert max(forth.values()) < 1


@pytest.mark.parametrize("texts", [ENGLISH[:1], ENGLISH])
def test_what_cannot_be_compared_is_not_asked(texts: Sequence[Text]) -> None:
    """Where no other text calibrates, or vectors are not numbers, no changed text is asked, and nothing breaks."""
    embed: Embed = letters if len(texts) == 1 else lambda values: np.full((len(values), 3), np.nan)
    made, oracle = attacked(texts, "@similar=0.1", embed)
    assert made.record is not None
    assert not any(made.record.edits)
    assert len(similarities(texts, oracle, letters)) == 0


def test_clean_texts_are_computed_once() -> None:
    """Attacks of a task run share the vectors of clean texts, and those of equal candidates."""
    computed: list[str] = []

    def embed(values: Sequence[str]) -> Array:
        computed.extend(values)
        return letters(values)

    attacked(ENGLISH, "@similar=0.5", embed)
    assert len(set(computed)) == len(computed) > 2 * len(ENGLISH)


@pytest.mark.parametrize("value", ["1.5", "-1", "x", "nan", "2"])
def test_a_floor_is_a_number_up_to_1(value: str) -> None:
    """Anything else is refused with one line."""
    with pytest.raises(SpecError, match="@similar"):
        attacked(ENGLISH, f"@similar={value}", never)


def predictor(name: str, max_length: int = 0) -> Embedding:
    """A predictor of the embedded model."""
    task, models = registry.load("task", name), Models("cpu", "fp32")
    located = locate(mini("model"), task)
    made = predictor_of(located, task, lambda: models.load(located, task))
    assert isinstance(made, Embedding)
    if max_length:
        assert isinstance(made, EncoderHead)
        object.__setattr__(made.reader, "max_length", max_length)
    return made


@pytest.mark.parametrize("name", some(["xnli", "xcopa", "panx", "xquad", "lareqa"], 2))
def test_every_family_has_vectors(name: str) -> None:
    """They have length 1, and are those of other batches; the empty text has one, too."""
    values = ["", *(text.value for text in TEXTS)]
    vectors = predictor(name).vectors(values, Work(4096))
    assert np.linalg.norm(vectors, axis=1).tolist() == pytest.approx([1] * len(values))
    np.testing.assert_allclose(predictor(name).vectors(values, Work(16)), vectors, atol=1e-5)
    assert len(np.unique(vectors.round(4), axis=0)) == len(values)


def test_a_long_text_is_compared_whole() -> None:
    """What is beyond the tokens that the model reads at once counts as much as what is before."""
    start = " ".join(text.value for text in ENGLISH)
    short = predictor("xnli", max_length=12)
    first, second, third = short.vectors([f"{start} one", f"{start} two", f"none {start} one"], Work(4096))
    assert 0.5 < first @ second < 0.9999
    assert first @ third < 0.9999


def test_vectors_of_a_checkpoint_with_a_head_are_those_of_its_encoder() -> None:
    """Its head's scores are not compared."""
    sizes: Any = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    config = transformers.XLMRobertaConfig(vocab_size=20, pad_token_id=1, **sizes)
    model: Any = transformers.XLMRobertaForSequenceClassification(config)
    model.eval()
    checkpoint: Any = SimpleNamespace(encoder=Whole(model), device=torch.device("cpu"), pad_id=1, name="m")
    (means,) = Loaded(checkpoint).means([plain([[0, 5, 2], [0, 6, 7, 8, 2]])])
    with torch.inference_mode():
        states = model.roberta(torch.tensor([[0, 6, 7, 8, 2]])).last_hidden_state[0]
    assert means.shape == (2, 8)
    np.testing.assert_allclose(means[1], states.mean(dim=0).numpy(), atol=1e-6)


def test_a_model_that_shows_no_states_is_named() -> None:
    """A module without an encoder of transformers' form is one line."""
    model: Any = lambda **_: SimpleNamespace(logits=None)  # noqa: E731 - a model is called
    checkpoint: Any = SimpleNamespace(encoder=model, device=torch.device("cpu"), pad_id=1, name="odd")
    model.config = SimpleNamespace()
    with pytest.raises(RobustXtremeError, match="no states"):
        list(Loaded(checkpoint).means([plain([[0, 5, 2]])]))


def test_a_predictor_without_vectors_is_refused_before_anything_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says so; without a floor the attack is planned."""
    monkeypatch.setattr(planning, "predictor_of", lambda *_: SimpleNamespace())
    spec = RunSpec(
        tasks=("xnli",), languages=("sw",), perturb=("attack_keys:0.2@similar=0.5",), limit="4", out="unused"
    )
    with pytest.raises(SpecError, match="no vectors"):
        make_plan(spec)
    plan = make_plan(replace(spec, perturb=("attack_keys:0.2",)))
    assert any(condition.asks for condition in plan.task_runs[0].conditions)


def test_training_has_no_floor() -> None:
    """The vectors of a model that learns change, which one line says."""
    stage: Any = SimpleNamespace(perturb=("attack_keys:0.2@similar=0.5",), keep_names=False, learned=lambda: ())
    spec: Any = SimpleNamespace(stages=[("target", stage)], devices=1)
    with pytest.raises(SpecError, match="does not change"):
        check_attacks(spec)


def test_the_cost_is_that_of_candidates_that_may_be_rejected() -> None:
    """The clean texts of each example, and those of nine times the queries, in each field and for each seed."""
    spec = PerturbationSpec.parse("attack_keys:0.2@queries=10@similar=0.5").on("premise", "hypothesis")
    several = [partial(Condition, str(spec), spec, asks=True)(seeds=seeds) for seeds in ((0,), (0, 1))]
    assert [most_vectors([each]) for each in several] == [2 + 9 * 10 * 2, 2 + 9 * 10 * 2 * 2]
    assert most_vectors([Condition("clean")]) == 0
