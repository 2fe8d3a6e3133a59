"""Training, part by part: the plan of batches, masked words, the tokenizer, text, specs and recipes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.learning import plan_of, windows_of_part
from tests.tiny import tiny_encoder, tiny_tokenizer

import robust_xtreme
from robust_xtreme.core.errors import DataError, MissingData, SpecError, UnknownName
from robust_xtreme.models.tensors import collate
from robust_xtreme.training import text as text_module
from robust_xtreme.training.module import Loader, Schedule, TrainingModule
from robust_xtreme.training.objective import masked_part
from robust_xtreme.training.sampling import SamplingPlan, epoch_batches
from robust_xtreme.training.spec import StageSpec, TrainSpec
from robust_xtreme.training.text import read_lines, text_identity
from robust_xtreme.training.values import from_values

LINES = ["Habari ya asubuhi, rafiki", "the river runs past old stone houses", "a"] * 7


# ---------------------------------------------------------------------------------------------------------------- plan


@pytest.mark.parametrize(("count", "size"), [(1, 4), (4, 4), (5, 4), (1000, 32), (3200, 16)])
def test_an_epoch_sees_every_window_once(count: int, size: int) -> None:
    """One pass contains each window exactly once, in batches of at most the size."""
    lengths = [index * 7 % 50 + 1 for index in range(count)]
    batches = epoch_batches(lengths, size, seed=1, epoch=0)
    assert Counter(index for batch in batches for index in batch) == Counter(range(count))
    assert max(map(len, batches)) <= size
    assert len(batches) == -(-count // size)


def test_epochs_and_seeds_differ_in_their_order() -> None:
    """Another epoch or seed is another order; the same ones give the same."""
    lengths = list(range(1, 200))
    first = epoch_batches(lengths, 8, 1, 0)
    assert first == epoch_batches(lengths, 8, 1, 0)
    assert first != epoch_batches(lengths, 8, 1, 1)
    assert first != epoch_batches(lengths, 8, 2, 0)


def test_batches_contain_windows_of_like_length() -> None:
    """Padding stays under a tenth where lengths vary fiftyfold."""
    lengths = [index * 31 % 200 + 4 for index in range(3200)]
    batches = epoch_batches(lengths, 32, 0, 0)
    padded = sum(len(batch) * max(lengths[index] for index in batch) for batch in batches)
    assert sum(lengths) > 0.9 * padded


@pytest.mark.parametrize("steps", [0, 1, 25, 26, 60])
def test_a_plan_counts_what_is_seen(steps: int) -> None:
    """The number of windows seen is the sum over its steps, over the end of an epoch as well."""
    plan = SamplingPlan(tuple(range(1, 101)), 4, 3, steps)
    assert plan.epoch_steps == 25
    assert sum(plan.seen()) == sum(len(plan.at(step)) for step in range(steps))


def test_a_loader_can_be_entered_at_any_step() -> None:
    """The batches from step k on are those of an unbroken loader, masked words included."""
    tokenizer = tiny_tokenizer()
    parts = [masked_part(tiny_encoder(len(tokenizer)), tokenizer, LINES, 0)]
    plan = plan_of(parts, 2, 9, seed=5)
    whole = list(Loader(parts, plan, 1, 0))
    for start in (1, 4, 8):
        late = Loader(parts, plan, 1, start)
        assert len(late) == 9 - start
        for early, other in zip(whole[start:], late, strict=True):
            assert torch.equal(early.ids, other.ids)
            right, late_right = (batch.pieces[0].taken.targets for batch in (early, other))
            assert right is not None
            assert late_right is not None
            assert np.array_equal(right, late_right)


# -------------------------------------------------------------------------------------------------------- masked words


def test_masked_words_are_a_share_of_the_text() -> None:
    """About 15 % of the tokens are to be guessed, most of them hidden; special tokens and padding never are."""
    tokenizer = tiny_tokenizer()
    part = masked_part(tiny_encoder(len(tokenizer)), tokenizer, [f"{'word ' * 20}{n}" for n in range(200)], 0)
    ids, mask = collate(windows_of_part(part), 1)
    assert part.masking is not None
    hidden, targets = part.masking(ids.numpy(), np.random.default_rng(0))
    chosen = targets != -100
    text = mask.numpy().astype(bool) & ~np.isin(ids.numpy(), tokenizer.all_special_ids)
    assert not chosen[~text].any()
    assert chosen[text].mean() == pytest.approx(0.15, abs=0.01)
    assert (hidden[chosen] == tokenizer.mask_token_id).mean() == pytest.approx(0.8, abs=0.03)
    assert (hidden[~chosen] == ids.numpy()[~chosen]).all()
    assert (targets[chosen] == ids.numpy()[chosen]).all()


def test_masked_lm_reaches_the_encoder_and_ties_its_embeddings() -> None:
    """The head scores against the encoder's own embeddings, and both get a gradient."""
    tokenizer = tiny_tokenizer()
    encoder = tiny_encoder(len(tokenizer))
    part = masked_part(encoder, tokenizer, LINES, 0)
    module = TrainingModule(encoder, [part], Schedule(1e-3, 10, 1, 0.0))
    batch = next(Loader([part], plan_of([part], 8, 1), 1, 0).batches(0))
    torch.autograd.backward(module.training_step(batch, 0))
    assert part.head.weight is encoder.get_input_embeddings().weight
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in part.head.parameters())
    assert encoder.encoder.layer[0].output.dense.weight.grad.abs().sum() > 0


# ------------------------------------------------------------------------------------------------------------- scratch


@pytest.fixture(scope="module")
def learned() -> Any:
    """A tokenizer trained on three lines."""
    return text_module.new_tokenizer(LINES, text_module.SIZES["tiny"])


@pytest.mark.parametrize("text", ["Habari", "ሰላም ነው", "你好世界", "สวัสดี", "𓀀 <0x41>", "naïve", "a\u200db", "🇰🇪"])
def test_a_tokenizer_from_scratch_knows_every_script(text: str, learned: Any) -> None:
    """No text has an unknown token, offsets stay within it, and decoding gives it back."""
    encoded = learned(text, return_offsets_mapping=True, add_special_tokens=False)
    assert learned.unk_token_id not in encoded["input_ids"]
    assert all(0 <= start < stop <= len(text) for start, stop in encoded["offset_mapping"])
    assert learned.decode(encoded["input_ids"]).strip() == text


def test_the_same_text_gives_the_same_tokenizer(learned: Any, tmp_path: Path) -> None:
    """Tokenizer and weights are functions of text and seed."""
    again = text_module.new_tokenizer(LINES, text_module.SIZES["tiny"])
    assert again.get_vocab() == learned.get_vocab()
    first, other = (text_module.new_encoder(learned, text_module.SIZES["tiny"], seed) for seed in (1, 1))
    for name, value in first.state_dict().items():
        assert torch.equal(value, other.state_dict()[name])


def test_letters_of_equal_counts_are_chosen_alike() -> None:
    """Of a thousand letters that occur once, more than fit, the same ones get an entry each time."""
    lines = [chr(0x4E00 + index) for index in range(1000)]
    chosen = [text_module.new_tokenizer(lines, text_module.SIZES["tiny"]).get_vocab() for _ in range(2)]
    assert chosen[0] == chosen[1]
    assert 150 < sum(letter in chosen[0] for letter in lines) <= 200


def test_text_is_read_line_by_line(tmp_path: Path) -> None:
    """Every line of every file counts, in the order of names; empty lines and hidden files do not."""
    (tmp_path / "b.txt").write_bytes(b"\xef\xbb\xbfthree\r\n\r\n")
    (tmp_path / "a.dev").write_text("one\n\n two \n", encoding="utf-8")
    (tmp_path / ".hidden").write_text("no", encoding="utf-8")
    assert read_lines(tmp_path) == ["one", "two", "three"]
    assert read_lines(tmp_path / "b.txt") == ["three"]


def test_a_line_that_is_not_a_paragraph_is_refused_with_its_number(tmp_path: Path) -> None:
    """One line of a million letters would keep the tokenizer busy for hours; it is named, with what to do."""
    (tmp_path / "a.txt").write_text("two\n\n" + "a" * 1_000_000)
    with pytest.raises(DataError, match=r"a\.txt:3: .* 100,000"):
        read_lines(tmp_path)


@pytest.mark.parametrize("folder", ["/proc", "/sys", "/dev", "/proc/self/status"])
def test_files_of_the_system_are_not_text(folder: str, tmp_path: Path) -> None:
    """Some of them never end; a link to such a folder is one."""
    (tmp_path / "link").symlink_to(folder)
    for path in (Path(folder), tmp_path / "link"):
        with pytest.raises(DataError, match="folder of the system"):
            read_lines(path)


def test_text_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many files, and more bytes than memory has: a sparse file takes no room here."""
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate(2 * 10**9)
    monkeypatch.setattr(text_module, "_MOST_BYTES", 10**9)
    with pytest.raises(DataError, match="2 GB"):
        text_identity(tmp_path)
    monkeypatch.setattr(text_module, "_MOST_FILES", 0)
    with pytest.raises(DataError, match="0 files"):
        text_identity(tmp_path)


def test_bad_text_is_named(tmp_path: Path) -> None:
    """No file, no line, and bytes that are not UTF-8 are each one line with the place."""
    with pytest.raises(MissingData, match="no text"):
        read_lines(tmp_path)
    (tmp_path / "a.txt").write_bytes(b"good\nb\xffd\n")
    with pytest.raises(DataError, match=r"a\.txt:2: .*UTF-8"):
        read_lines(tmp_path)
    (tmp_path / "a.txt").write_text("\n\n", encoding="utf-8")
    with pytest.raises(MissingData, match="lines are empty"):
        read_lines(tmp_path)


# ---------------------------------------------------------------------------------------------------------------- spec


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"encoder": ""}, "where to start"),
        ({"encoder": "", "scratch": "small"}, "needs --text"),
        ({"epochs": 1, "steps": 1}, "Name only one"),
        ({"epochs": -1}, "--epochs -1"),
        ({"batch_size": -4}, "--batch-size -4"),
        ({"lr": 2.0}, "--lr 2.0"),
        ({"lr": float("nan")}, "--lr nan"),
        ({"data": ""}, "--data"),
        ({"seed": 2**40}, "--seed"),
    ],
)
def test_a_spec_that_makes_no_sense_is_refused(changed: dict[str, Any], message: str) -> None:
    """Each mistake is one line that names the option."""
    with pytest.raises(SpecError, match=message):
        from_values({"task": "xnli", "data": "d", "encoder": "e", **changed})


@pytest.mark.parametrize(
    "changed", [{"task": "xnil"}, {"encoder": "", "scratch": "smal", "text": "t"}, {"device": "gpu"}]
)
def test_unknown_names_are_refused(changed: dict[str, Any]) -> None:
    """An unknown task, size or device is an unknown name."""
    with pytest.raises(UnknownName):
        from_values({"task": "xnli", "data": "d", "encoder": "e", **changed}).resolved()


@pytest.mark.parametrize(
    ("task", "line"),
    [
        ("tatoeba", "tatoeba needs no training"),
        ("xnli,bucc", "bucc needs no training"),
        ("xtreme-r", "xtreme-r is a group"),
    ],
)
def test_what_is_not_trained_says_so(task: str, line: str) -> None:
    """A task without a head is answered as it is, and a group is named by its tasks that are trained."""
    with pytest.raises(SpecError, match=line):
        from_values({"task": task, "data": "d", "encoder": "e"}).resolved()


def test_a_spec_is_made_of_values_by_name() -> None:
    """`train(task=..., data=...)` takes paths, and one string for a list of one."""
    made = from_values({"task": "xnli", "data": Path("d"), "encoder": Path("e"), "reported": "panx", "lr": 0})
    assert made == TrainSpec("d", "e", target=StageSpec(("xnli",), lr=0), reported=("panx",))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"task": "xnli", "data": "d", "encodr": "e"}, "'encoder'"),
        ({"task": "xnli", "encoder": "e"}, "--data"),
        ({"task": "xnli", "data": "d", "encoder": "e", "steps": True}, "'steps'"),
        ({"task": "xnli", "data": "d", "encoder": "e", "reported": [1]}, "'reported'"),
    ],
)
def test_values_that_make_no_spec_are_named(values: dict[str, Any], message: str) -> None:
    """An unknown, missing or mistyped value is one line that names it."""
    with pytest.raises(SpecError, match=message):
        robust_xtreme.train(**values)


def test_the_recipe_fills_what_is_left_open() -> None:
    """XTREME's values for a pretrained encoder, others from scratch; what is given stays."""
    spec = from_values({"task": "panx", "data": "d", "encoder": "e"}).resolved()
    assert spec.target is not None
    assert (spec.recipe, spec.target.epochs, spec.target.batch_size, spec.target.lr) == ("xtreme", 10, 32, 2e-5)
    given = {"task": "panx", "data": "d", "scratch": "small", "text": "t", "steps": 7, "lr": 0.1}
    spec = from_values(given).resolved()
    assert spec.target is not None
    assert (spec.recipe, spec.target.epochs, spec.target.steps, spec.target.lr) == ("scratch", 0, 7, 0.1)
    assert spec.mlm is not None
    assert (spec.mlm.text, spec.mlm.steps, spec.mlm.lr) == ("t", 1200, 1e-3)


def test_the_rate_rises_and_falls_in_lines() -> None:
    """Warm-up reaches the rate, the last step is near 0, and without warm-up the first step is the highest."""
    schedule = Schedule(1.0, steps=100, warmup=10, weight_decay=0.0)
    rates = [schedule.at(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == rates[10] == 1.0
    assert 0 < rates[-1] < 0.02
    assert Schedule(1.0, 10, 0, 0.0).at(0) == 1.0
