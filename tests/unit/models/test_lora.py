"""LoRA: which layers learn, that nothing else does, and that a merged encoder is a plain one."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.encoders import KINDS, encoder_folder
from tests.some import some
from tests.tiny import pair_example, tiny_encoder, tiny_tokenizer
from torch import Tensor, nn

from robust_xtreme.core.errors import ModelError, UserError
from robust_xtreme.models.loading import read_encoder
from robust_xtreme.models.predictors.heads._heads import classification
from robust_xtreme.models.reading.windows import Windows
from robust_xtreme.models.tensors import collate, encoder_inputs
from robust_xtreme.models.tokenizer import read_tokenizer
from robust_xtreme.training.resume import write_model
from robust_xtreme.training.stage import add_lora

EXAMPLES = [pair_example("1", "a man eats", "he sleeps", 0), pair_example("2", "it rains", "it is wet", 1)]


def _batch(encoder: Any, tokenizer: Any) -> tuple[dict[str, Tensor], Tensor, Windows]:
    windows = classification.encode(EXAMPLES, tokenizer, 48, 0)
    ids, mask = collate(windows, tokenizer.pad_token_id)
    return encoder_inputs(encoder, ids, mask, windows), mask, windows


@pytest.mark.parametrize(
    "kind",
    some(
        [kind for kind in KINDS if kind not in ("roberta", "camembert", "t5_encoder")],
        5,
    ),
)
def test_only_low_rank_changes_and_the_head_learn(kind: str, tmp_path: Path) -> None:
    """At first nothing is changed; after two steps the merged encoder gives what the adapted one gave, and is plain."""
    folder = encoder_folder(tmp_path / kind, kind)
    plain, tokenizer = read_encoder(folder), read_tokenizer(folder)
    before = {name: tensor.clone() for name, tensor in plain.state_dict().items()}
    encoder = add_lora(read_encoder(folder), 2)
    inputs, mask, windows = _batch(encoder, tokenizer)
    with torch.inference_mode():
        assert torch.equal(encoder(**inputs).last_hidden_state, plain(**inputs).last_hidden_state)
    assert encoder.get_input_embeddings().num_embeddings == len(tokenizer)
    learning = [name for name, tensor in encoder.named_parameters() if tensor.requires_grad]
    assert learning
    assert all("lora_" in name for name in learning)
    _two_steps(encoder, inputs, mask, windows)
    with torch.inference_mode():
        learned = encoder(**inputs).last_hidden_state
    merged_encoder = encoder.merge_and_unload()
    assert type(merged_encoder) is type(plain)
    write_model(tmp_path / "model", merged_encoder, tokenizer)
    again = read_encoder(tmp_path / "model")
    assert again.state_dict().keys() == before.keys()
    with torch.inference_mode():
        torch.testing.assert_close(again(**inputs).last_hidden_state, learned, atol=1e-5, rtol=1e-4)
    changed = [name for name, tensor in again.state_dict().items() if not torch.equal(tensor, before[name])]
    assert changed
    assert len(changed) < len(before) / 2
    assert not list((tmp_path / "model").glob("adapter*"))


def _two_steps(encoder: Any, inputs: dict[str, Tensor], mask: Tensor, windows: Windows) -> None:
    head = classification.head(16, ("a", "b"))
    module = nn.ModuleList([encoder, head]).train()
    optimizer = torch.optim.AdamW([parameter for parameter in module.parameters() if parameter.requires_grad], lr=1e-2)
    for _ in range(2):
        hidden = encoder(**inputs).last_hidden_state
        loss = classification.loss(head, hidden, mask, windows, EXAMPLES, ("a", "b"))
        torch.autograd.backward(loss)
        assert torch.isfinite(loss)
        optimizer.step()
        optimizer.zero_grad()
    module.eval()


def test_the_same_seed_gives_the_same_start_and_no_global_state_changes() -> None:
    """What is drawn for the changes depends on the seed alone."""
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    size = len(tiny_tokenizer())
    first, same, other = (add_lora(tiny_encoder(size), 4, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    drawn = next(name for name in first if "lora_A" in name)
    assert torch.equal(first[drawn], same[drawn])
    assert not torch.equal(first[drawn], other[drawn])


def test_a_saved_state_of_an_adapted_encoder_can_be_continued() -> None:
    """Its weights fit another adapted encoder by their names."""
    encoder = add_lora(tiny_encoder(50), 4, 1)
    other = add_lora(tiny_encoder(50, seed=3), 4, 2)
    other.load_state_dict(encoder.state_dict())
    ids = torch.tensor([[0, 5, 2]])
    with torch.inference_mode():
        assert torch.equal(encoder(input_ids=ids).last_hidden_state, other(input_ids=ids).last_hidden_state)


def test_a_rank_that_is_not_low_and_an_unknown_attention_are_refused() -> None:
    """In one line each."""
    with pytest.raises(ModelError, match="--lora 17"):
        add_lora(tiny_encoder(50), 17)
    with pytest.raises(ModelError, match="Linear"):
        add_lora(nn.Linear(3, 3), 2)


def test_without_peft_the_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an option that is installed apart."""
    real = builtins.__import__

    def without(name: str, *others: Any, **more: Any) -> Any:
        if name == "peft":
            raise ModuleNotFoundError("No module named 'peft'", name="peft")
        return real(name, *others, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match="--lora needs peft") as caught:
        add_lora(tiny_encoder(50), 2)
    assert "\n" not in str(caught.value)
