"""One pass for several heads: losses of a mixed batch add up by their weights, and heads do not meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import pytest
import torch
from tests.learning import PAD, part_of, plan_of
from tests.tiny import choice_example, pair_example, question_example, tagged_example, tiny_encoder, tiny_tokenizer
from torch import Tensor, nn

from robust_xtreme.core.examples import NO_ANSWER, Example
from robust_xtreme.models.tensors import collate, encoder_inputs
from robust_xtreme.training.loop import PartLosses
from robust_xtreme.training.module import DeviceShare, Loader, Schedule, TrainingModule
from robust_xtreme.training.objective import BatchRows, HeadUnits, TrainingBatch, masked_part
from robust_xtreme.training.sampling import Draws

PAIRS = [pair_example(f"p{n}", f"p{n}", "yes" * (n % 5), n % 3) for n in range(20)]
SENTENCES = [tagged_example(f"s{n}", ["Ana"] * (n % 7 + 1), ["B"] * (n % 7 + 1)) for n in range(20)]
QUESTIONS = [question_example(f"q{n}", "who?", f"n{n} had rain on top", "rain") for n in range(20)]
CHOICES = [choice_example(f"c{n}", f"p{n}", ["a", "bb", "c"][: 2 + n % 2], n % 2) for n in range(20)]

SHARED: Mapping[str, tuple[Sequence[Example], tuple[str, ...]]] = {
    "classification": (PAIRS, ("a", "b", "c")),
    "tagging": (SENTENCES, ("O", "B")),
    "span_qa": (QUESTIONS, (NO_ANSWER,)),
    "choice": (CHOICES, ()),
}


def _parts() -> list[HeadUnits]:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return [
            part_of("classification", PAIRS, ("a", "b", "c")),
            part_of("tagging", SENTENCES, ("O", "B")),
            part_of("span_qa", QUESTIONS, (NO_ANSWER,)),
            part_of("choice", CHOICES),
        ]


def _module(parts: Sequence[HeadUnits]) -> TrainingModule:
    """Without dropout, so that a pass can be computed again."""
    encoder = tiny_encoder(len(tiny_tokenizer()))
    return TrainingModule(encoder, parts, Schedule(1e-3, 10, 1, 0.0)).eval()


def _batch(parts: Sequence[HeadUnits]) -> TrainingBatch:
    draws = Draws((0.4, 0.2, 0.2, 0.2), True, 10)
    batch = next(Loader(parts, plan_of(parts, 16, 5, 1, draws), PAD, 0).batches(2))
    assert [piece.part for piece in batch.pieces] == [0, 1, 2, 3]
    return batch


def _alone(module: TrainingModule, part: HeadUnits, piece: BatchRows) -> Tensor:
    """The loss of a piece computed by itself, in a batch of its own."""
    ids, mask = collate(piece.taken.windows, PAD)
    inputs = encoder_inputs(module.encoder, ids, mask, piece.taken.windows)
    return part.loss(part.head, module.encoder(**inputs).last_hidden_state, mask, piece.taken)


def _gradients(loss: Tensor, module: nn.Module) -> list[Tensor | None]:
    wanted = list(module.parameters())
    return list(torch.autograd.grad(loss, wanted, retain_graph=True, allow_unused=True))


def test_the_loss_of_a_mixed_batch_is_the_weighted_sum() -> None:
    """Each task counts as many units as it has in the batch; how it is padded beside the others makes no difference."""
    parts = _parts()
    module, batch = _module(parts), _batch(parts)
    wanted = sum(
        len(piece.taken.sizes) / 16 * float(_alone(module, parts[piece.part], piece).detach()) for piece in batch.pieces
    )
    assert sum(piece.weight for piece in batch.pieces) == pytest.approx(1.0)
    assert len({piece.weight for piece in batch.pieces}) > 1
    assert float(module.training_step(batch, 0).detach()) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("index", [0, 1, 2, 3])
def test_no_heads_gradient_reaches_another_in_one_pass(index: int) -> None:
    """A head learns from its own rows what it would learn from them alone, whatever is beside them."""
    parts = _parts()
    module, batch = _module(parts), _batch(parts)
    piece = batch.pieces[index]
    whole = _gradients(module.training_step(batch, 0), module.heads[index])
    alone = _gradients(piece.weight * _alone(module, parts[index], piece), module.heads[index])
    for gradient, other in zip(whole, alone, strict=True):
        assert gradient is not None
        assert other is not None
        assert torch.allclose(gradient, other, atol=1e-6)
    assert sum(float(gradient.abs().sum()) for gradient in whole if gradient is not None) > 0


def test_the_shares_of_a_step_give_the_loss_of_each_part() -> None:
    """Split in three, the parts' weighted losses are those of the whole; a part without a step has an empty cell."""
    parts = _parts()
    module = _module(parts)
    draws = Draws((0.4, 0.2, 0.2, 0.2), True, 10)
    plan = plan_of(parts, 16, 5, 1, draws)
    names = ["one", "two", "three", "four", "none"]
    split = PartLosses(names, {"one": (1.0,)})
    for batch in Loader(parts, plan, PAD, 0, DeviceShare(accumulate=3)).batches(2):
        module.training_step(batch, 0)
        split.note(module.pieces)
    split.step(SimpleNamespace(world_size=1))
    whole = [float(_alone(module, parts[piece.part], piece).detach()) for piece in _batch(parts).pieces]
    assert [split.waiting[name][-1] for name in names[:4]] == pytest.approx(whole, abs=1e-5)
    assert split.waiting["none"] == []
    means = split.row()
    assert means["loss_one"] == pytest.approx((1 + whole[0]) / 2, abs=1e-5)
    assert split.columns() == ",loss_one,loss_two,loss_three,loss_four,loss_none"
    assert split.cells(means).endswith(f",{means['loss_four']:.6g},")
    assert split.row() == {}
    assert PartLosses(["one"], {}).columns() == PartLosses(["one"], {}).cells({}) == ""


def test_masked_lm_is_a_piece_beside_tasks() -> None:
    """Its hidden words are in its own rows, and the rows of tasks are what they were."""
    tokenizer = tiny_tokenizer()
    parts = [part_of("tagging", SENTENCES, ("O", "B"))]
    encoder = tiny_encoder(len(tokenizer))
    parts.append(masked_part(encoder, tokenizer, [f"the river runs past {n}" for n in range(30)], 0))
    batch = next(Loader(parts, plan_of(parts, 16, 3, 1, Draws((0.5, 0.5), True, 10)), PAD, 0).batches(1))
    task, text = batch.pieces
    plain, _ = collate(batch.windows, PAD)
    assert torch.equal(batch.ids[task.start : task.stop], plain[task.start : task.stop])
    assert (batch.ids[text.start : text.stop] != plain[text.start : text.stop]).any()
    assert text.taken.targets is not None
    module = TrainingModule(encoder, parts, Schedule(1e-3, 10, 1, 0.0))
    assert torch.isfinite(module.training_step(batch, 0))


@pytest.mark.parametrize("family", SHARED)
def test_the_shares_of_a_batch_add_up_to_it(family: str) -> None:
    """Split in three, by units of unequal size, a batch's weighted losses have the whole's mean and gradient.

    Not so in retrieval, whose loss is over all candidates of a batch.
    """
    parts = [part_of(family, *SHARED[family])]
    module, plan = _module(parts), plan_of(parts, 11, 2)
    whole = module.training_step(next(Loader(parts, plan, PAD, 0).batches(1)), 0)
    split = list(Loader(parts, plan, PAD, 0, DeviceShare(accumulate=3)).batches(1))
    assert sum(len(batch.windows) for batch in split) == len(next(Loader(parts, plan, PAD, 0).batches(1)).windows)
    losses = torch.stack([module.training_step(batch, 0) for batch in split])
    assert float(losses.mean().detach()) == pytest.approx(float(whole.detach()), abs=1e-5)
    for gradient, other in zip(_gradients(whole, module), _gradients(losses.mean(), module), strict=True):
        assert gradient is not None
        assert other is not None
        assert torch.allclose(gradient, other, atol=1e-6)
