"""Words that a masked language model expects, as noise and as the moves of an attack."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny import tiny_masked_folder
from transformers import AutoModelForMaskedLM, AutoTokenizer

from robust_xtreme.core.errors import SpecError, UserError
from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.conditions.condition import beside_attack, named
from robust_xtreme.noise.engine.attack import moves_of
from robust_xtreme.noise.engine.noising import bound, noise_texts
from robust_xtreme.noise.engine.options import EditOptions, options_of
from robust_xtreme.noise.engine.rewriter import LIKELIEST, changed

_WORDS = "the small river cat dogs sleep runs house never not green blue walks sings near дом река кот спит"
_VALUE = "The small cat sleep near 12 DOGS, McCat zz"


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a masked language model of random weights, which knows words of two scripts and letters."""
    return tiny_masked_folder(tmp_path_factory.mktemp("lm"), (*_WORDS.split(), ","), seed=1)


def _options(folder: Path, *texts: Text) -> EditOptions:
    (link,) = bound(PerturbationSpec.parse(f"attack_words:0.2@lm={folder}"))
    return options_of(texts, moves_of(link), 0)


def _noised(folder: Path, value: str, seed: int) -> str:
    (noised,) = noise_texts([Text("a", "en", value)], PerturbationSpec.parse(f"masked_words:1@lm={folder}"), seed)
    return noised.text.value


def _by_word(options: EditOptions, values: list[str]) -> dict[tuple[int, str], list[str]]:
    forms: dict[tuple[int, str], list[str]] = {}
    rows = zip(options.text.tolist(), options.start.tolist(), options.stop.tolist(), options.values, strict=True)
    for text, start, stop, value in rows:
        forms.setdefault((text, values[text][start:stop]), []).append(value)
    return forms


def test_a_word_may_become_the_likeliest_words_at_its_mask(masked: Path) -> None:
    """They are those of a forward pass of that text alone: without itself, pieces, negators, and other scripts."""
    forms = _by_word(_options(masked, Text("a", "en", _VALUE)), [_VALUE])
    assert {word for _, word in forms} == {"The", "small", "cat", "sleep", "near", "DOGS", "zz"}
    tokenizer: Any = AutoTokenizer.from_pretrained(masked)
    model = AutoModelForMaskedLM.from_pretrained(masked)
    known = [word for word in _WORDS.split() if word.isascii() and word not in ("never", "not", "cat")]
    inputs = tokenizer(_VALUE.replace(" cat", " [MASK]"), return_tensors="pt")
    with torch.no_grad():
        logits = model(**inputs).logits[0, inputs["input_ids"][0].tolist().index(tokenizer.mask_token_id)]
    ranked = sorted(known, key=lambda word: -float(logits[tokenizer.convert_tokens_to_ids(word)]))
    noised = [_noised(masked, _VALUE, seed) for seed in range(60)]
    assert {value.split()[2] for value in noised} == {*ranked[:LIKELIEST]}
    assert {*forms[0, "cat"]} <= {*ranked[:LIKELIEST]}
    assert all(form.isupper() for form in forms[0, "DOGS"])
    assert all(form[0].isupper() and form[1:].islower() for form in forms[0, "The"])


def test_expected_words_are_in_letters_of_the_language(masked: Path) -> None:
    """A model of many languages expects words of all of them."""
    value = "кот near дом"
    forms = _by_word(_options(masked, Text("a", "ru", value)), [value])
    assert {*forms[0, "кот"]} <= {"дом", "река", "спит"}
    assert (0, "near") not in forms or {*forms[0, "near"]} <= {"кот", "дом", "река", "спит"}


def test_texts_have_the_same_expected_words_alone_and_together(masked: Path) -> None:
    """The batch, its order and what was asked before have no effect."""
    values = [_VALUE, "Dogs near the house", "a river " * 60, ""]
    texts = [Text(str(at), "en", value) for at, value in enumerate(values)]
    together = _by_word(_options(masked, *texts), values)
    for at, text in reversed(list(enumerate(texts))):
        alone = _by_word(_options(masked, text), [text.value])
        assert {word: forms for (number, word), forms in together.items() if number == at} == {
            word: forms for (_, word), forms in alone.items()
        }


def test_protected_spans_have_no_expected_words(masked: Path) -> None:
    """A frozen span stays, and a word across the edge of an answer is two words."""
    value = "The small cat"
    options = _options(masked, Text("a", "en", value, (Span(4, 9, frozen=True),)))
    assert {value[low:high] for low, high in zip(options.start, options.stop, strict=True)} == {"The", "cat"}


def test_changed_graphemes_are_those_of_the_shortest_edit(masked: Path) -> None:
    """The limit of graphemes is for edits of words as for those of letters."""
    options = _options(masked, Text("a", "en", "cat"))
    by_value = dict(zip(options.values, options.graphemes.tolist(), strict=True))
    assert by_value
    assert all(cost == sum(change.cost for change in changed("cat", value)) for value, cost in by_value.items())


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("attack_words:0.2", "'lm'"),
        ("attack_words:0.2@lm=xlm-roberta-base", "xlm-roberta-base"),
        ("attack_words:0.2@lm=~nobody-here/lm", "nobody-here"),
    ],
)
def test_a_missing_model_is_one_line(spec: str, words: str) -> None:
    """The option is named, and nothing is downloaded."""
    with pytest.raises((SpecError, UserError)) as caught:
        options_of([Text("a", "en", "a cat")], moves_of(bound(PerturbationSpec.parse(spec))[0]), 0)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("model.safetensors", b"half", "deserializing"),
        ("tokenizer.json", b"[]", "cannot be read: "),
        ("config.json", b"[" * 100_000, "recursion"),
    ],
)
def test_a_damaged_model_is_one_line(masked: Path, tmp_path: Path, name: str, content: bytes, words: str) -> None:
    """A file that was not copied whole is the user's to copy again, whatever the libraries raise of it."""
    folder = shutil.copytree(masked, tmp_path / "damaged")
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=words) as caught:
        _options(folder, Text("a", "en", "a cat"))
    assert "\n" not in str(caught.value)


def test_languages_without_words_of_the_model_are_refused(masked: Path) -> None:
    """No whole word in the language's letters: a line that names it, instead of an attack without edits."""
    with pytest.raises(UserError, match="'ka'"):
        _options(masked, Text("a", "ka", "ერთი ორი"))


def test_languages_without_spaces_are_not_served(masked: Path) -> None:
    """Their words are not known."""
    (link,) = bound(PerturbationSpec.parse(f"attack_words:0.2@lm={masked}"))
    assert link.lacks("zh") == "no spaces between words"
    assert not len(_options(masked, Text("a", "zh", "猫在河边")))


def test_strengths_of_expected_words_nest(masked: Path) -> None:
    """More strength changes more words, and those that it changed before alike."""
    values = [_noise_at(masked, strength).split() for strength in ("0", "0.3", "0.6", "1")]
    clean = _VALUE.split()
    made = [{pair for pair in enumerate(value) if pair[1] != clean[pair[0]]} for value in values]
    assert not made[0]
    assert all(fewer <= more for fewer, more in pairwise(made))
    assert len(made[-1]) > len(made[1])


def _noise_at(folder: Path, strength: str) -> str:
    spec = PerturbationSpec.parse(f"masked_words:{strength}@lm={folder}")
    return noise_texts([Text("a", "en", _VALUE)], spec, 3)[0].text.value


def test_the_draw_beside_the_attack_has_its_model() -> None:
    """The comparator's name is read again with the folder, from which its words come."""
    cell = PerturbationSpec.parse("attack_words:0.3@lm=/models/a@queries=20@fields=premise")
    _, drawn = beside_attack(cell, (0,))
    again = named(drawn.name, attack=str(cell))
    assert again.spec == drawn.spec
    assert drawn.spec
    assert drawn.spec.links[0].params == (("lm", "/models/a"),)
