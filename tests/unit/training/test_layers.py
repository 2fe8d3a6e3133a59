"""An encoder that is cut to its first layers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import BertConfig, BertModel

from robust_xtreme.core.errors import ModelError
from robust_xtreme.training.stage import cut


def _encoder() -> Any:
    torch.manual_seed(0)
    shape: Any = {"hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 16}
    encoder: Any = BertModel(BertConfig(vocab_size=20, num_hidden_layers=4, **shape))
    return encoder.eval()


@pytest.mark.parametrize("layers", [1, 3, 4])
def test_the_first_layers_give_the_states_that_they_gave(layers: int) -> None:
    """The last state of a cut encoder is that of the whole one after so many layers."""
    whole, ids = _encoder(), torch.arange(12).view(2, 6)
    states = whole(ids, output_hidden_states=True).hidden_states
    cut(whole, layers)
    assert torch.equal(whole(ids).last_hidden_state, states[layers])
    assert whole.config.num_hidden_layers == layers


def test_more_layers_than_there_are_and_none_are_refused() -> None:
    """One line says how many the encoder has."""
    with pytest.raises(ModelError, match="layers = 5"):
        cut(_encoder(), 5)
    linear: Any = torch.nn.Linear(2, 2)
    linear.config = BertConfig(num_hidden_layers=1)
    with pytest.raises(ModelError, match="Linear"):
        cut(linear, 1)
