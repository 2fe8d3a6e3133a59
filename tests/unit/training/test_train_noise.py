"""Noise-augmented training: fresh noise in each pass, the same for the same pass, and answers that stay right."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.lessons import lessons as lesson_files
from tests.single_windows import singly
from tests.tiny import tiny_encoder, tiny_encoder_folder, tiny_tokenizer

from robust_xtreme.core.examples import Answers, Example, Tags
from robust_xtreme.training.chain import chain_of
from robust_xtreme.training.learn import Learning, learning
from robust_xtreme.training.objective import Taken
from robust_xtreme.training.values import from_values

COUNT = 32


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty-two lessons a task and a tiny encoder, made once."""
    folder = tmp_path_factory.mktemp("noise")
    lesson_files(folder / "data", COUNT)
    tiny_encoder_folder(folder / "encoder")
    return folder


def _learning(home: Path, task: str, **changed: Any) -> Learning:
    """What a stage learns from with one edit in five letters."""
    values = {"task": task, "perturb": ["char_noise:0.2"], "steps": 4, "batch_size": 8, "seed": 3, **changed}
    spec = from_values({**values, "data": home / "data", "encoder": home / "encoder", "device": "cpu"}).resolved()
    (link,) = chain_of(spec, lambda _: None).links
    tokenizer = tiny_tokenizer()
    return learning(link, spec, tiny_encoder(len(tokenizer)), tokenizer)


def _pass(learning: Learning, turn: int) -> Taken:
    return learning.parts[0].take([(unit, turn) for unit in range(COUNT)])


def _texts(taken: Taken) -> list[str]:
    return [text.value for example in taken.examples for text in example.texts.values()]


@pytest.mark.parametrize("task", ["xnli", "panx", "tydiqa"])
def test_each_pass_has_noise_of_its_own(task: str, home: Path) -> None:
    """Most texts differ from the clean ones and from those of the pass before; the same pass is the same again."""
    learning = _learning(home, task)
    clean = _texts(_pass(_learning(home, task, perturb=["char_noise:0.0001"]), 0))
    passes = [_texts(_pass(learning, turn)) for turn in range(4)]
    for taken in passes:
        assert sum(text != plain for text, plain in zip(taken, clean, strict=True)) > 0.4 * len(clean)
    for taken, other in pairwise(passes):
        assert sum(a != b for a, b in zip(taken, other, strict=True)) > 0.4 * len(clean)
    assert _texts(_pass(_learning(home, task), 2)) == passes[2]
    assert _texts(_pass(_learning(home, task, seed=4), 2)) != passes[2]


def test_what_a_unit_is_does_not_depend_on_its_neighbours(home: Path) -> None:
    """A batch with other examples, or in another order, contains the same noised ones."""
    part = _learning(home, "tydiqa").parts[0]
    whole = _pass(_learning(home, "tydiqa"), 1)
    few = part.take([(9, 1), (2, 0), (5, 1)])
    assert [few.examples[0], few.examples[2]] == [whole.examples[9], whole.examples[5]]
    assert few.examples[1] != whole.examples[2]
    assert [window.input_ids for window in singly(few.windows) if window.example == 0] == [
        window.input_ids for window in singly(whole.windows) if window.example == 9
    ]


def _answer(example: Example) -> str:
    assert isinstance(example.target, Answers)
    (span,) = example.target.spans
    return example.texts["context"].value[span.start : span.stop]


def test_answers_stay_right_under_noise(home: Path) -> None:
    """The gold span is the noised answer: what is before and after it is what was around the clean one."""
    taken = [_pass(_learning(home, "tydiqa"), turn) for turn in range(3)]
    clean = {
        example.id: _answer(example)
        for example in _pass(_learning(home, "tydiqa", perturb=["char_noise:0.0001"]), 0).examples
    }
    edited = 0
    for example in (noised for several in taken for noised in several.examples):
        answer, context = _answer(example), example.texts["context"].value
        assert answer.strip()
        assert len(set(answer) & set(clean[example.id])) >= len(set(clean[example.id])) - 3
        before, after = context.split(answer)[0], context.split(answer)[-1]
        assert before.count(" ") <= 3
        assert len(after.split()) >= 1
        edited += answer != clean[example.id]
    assert 10 < edited < 3 * COUNT


def test_tags_stay_with_their_words(home: Path) -> None:
    """Noise never changes how many words a sentence has, nor their tags."""
    taken, clean = (
        _pass(_learning(home, "panx", perturb=[strength]), 1) for strength in ("char_noise:0.2", "char_noise:0.0001")
    )
    for example, plain in zip(taken.examples, clean.examples, strict=True):
        assert isinstance(example.target, Tags)
        assert example.target == plain.target
        assert len(example.texts["tokens"].spans) == len(example.target.names)


def test_several_perturbations_share_the_examples(home: Path) -> None:
    """Of several each example draws one a pass: about half of the texts stay clean beside a strength of nothing."""
    learning = _learning(home, "tydiqa", perturb=["char_noise:0.2", "char_noise:0.0001"])
    clean = _pass(_learning(home, "tydiqa", perturb=["char_noise:0.0001"]), 0)
    same = [
        example.texts == other.texts for example, other in zip(_pass(learning, 0).examples, clean.examples, strict=True)
    ]
    assert 8 <= sum(same) <= 24
    later = [
        example.texts == other.texts for example, other in zip(_pass(learning, 1).examples, clean.examples, strict=True)
    ]
    assert later != same


def test_only_named_fields_are_noised(home: Path) -> None:
    """`@fields=question` leaves contexts and answers as they are."""
    learning = _learning(home, "tydiqa", perturb=["char_noise:0.5@fields=question"])
    clean = _pass(_learning(home, "tydiqa", perturb=["char_noise:0.0001"]), 0)
    pairs = list(zip(_pass(learning, 0).examples, clean.examples, strict=True))
    assert all(example.texts["context"] == other.texts["context"] for example, other in pairs)
    assert all(example.target == other.target for example, other in pairs)
    assert sum(example.texts["question"] != other.texts["question"] for example, other in pairs) > 16


def test_keep_names_is_that_of_each_perturbation(home: Path) -> None:
    """`keep_names` gives the texts of `@names=keep`, which are others than without it."""
    specs: list[dict[str, Any]] = [
        {"perturb": ["styled:1"], "keep_names": True},
        {"perturb": ["styled:1@names=keep"]},
        {"perturb": ["styled:1"]},
    ]
    kept, same, plain = (_texts(_pass(_learning(home, "panx", **spec), 0)) for spec in specs)
    assert kept == same != plain
