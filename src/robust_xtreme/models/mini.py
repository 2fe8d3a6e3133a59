"""The architecture of mini's encoder: frozen word vectors, attention by content and by distance.

It is registered with transformers' Auto classes as `robust_xtreme_mini`. Half of the heads attend to their own text by
distance, a quarter only to the other text, a quarter to everything; the second text begins after the second separator.
The similarity of the nearest word in the other text is added to each token.
"""

import os
from functools import cache
from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

MODEL_TYPE: Final = "robust_xtreme_mini"
_Config: Any = PretrainedConfig
_PreTrained: Any = PreTrainedModel
"""Base classes as Any: transformers types them only in part, and differently in each version."""


_DEFAULTS: Final = {
    "vocab_size": 5000,
    "embedding_size": 128,
    "hidden_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 8,
    "intermediate_size": 512,
    "reach": 12,
    "dropout": 0.1,
    "type_noise": 0.0,
    "type_dropout": 0.0,
    "frozen_embeddings": True,
    "max_position_embeddings": 512,
    "bos_token_id": 0,
    "pad_token_id": 1,
    "eos_token_id": 2,
}


class MiniConfig(_Config):  # type: ignore[misc]  # see above
    """The shape of the encoder; distances between tokens are clipped at `reach`.

    In training, `type_noise` is the deviation of the noise on a word's vector, `type_dropout` the share that are zero.
    """

    model_type = MODEL_TYPE

    def __init__(self, **values: Any) -> None:
        _Config.__init__(self, **{**_DEFAULTS, **values})


class Layer(nn.Module):
    """Attention and a feed-forward step, each after a norm and with a residual connection."""

    def __init__(self, config: Any) -> None:
        nn.Module.__init__(self)
        size = config.hidden_size
        self.heads = config.num_attention_heads
        self.attention_norm = nn.LayerNorm(size)
        self.query = nn.Linear(size, size)
        self.key = nn.Linear(size, size)
        self.value = nn.Linear(size, size)
        self.attention_output = nn.Linear(size, size)
        self.step_norm = nn.LayerNorm(size)
        self.step = nn.Sequential(
            nn.Linear(size, config.intermediate_size), nn.GELU(), nn.Linear(config.intermediate_size, size)
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden: Tensor, bias: Tensor) -> Tensor:
        """Hidden states (B, L, H) after the layer; `bias` (B, heads, L, L) is added to the attention scores."""
        normed = self.attention_norm(hidden)
        query, key, value = (self._split(linear(normed)) for linear in (self.query, self.key, self.value))
        attended = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        hidden = hidden + self.dropout(self.attention_output(attended.transpose(1, 2).flatten(2)))
        changed: Tensor = hidden + self.dropout(self.step(self.step_norm(hidden)))
        return changed

    def _split(self, states: Tensor) -> Tensor:
        return states.view(*states.shape[:2], self.heads, -1).transpose(1, 2)


class MiniModel(_PreTrained):  # type: ignore[misc]  # see above
    """The encoder. `frozen_embeddings` of its config keeps its word vectors out of training."""

    config_class = MiniConfig
    base_model_prefix = "mini"

    def __init__(self, config: Any) -> None:
        PreTrainedModel.__init__(self, config)
        self.embeddings = nn.Embedding(config.vocab_size, config.embedding_size)
        self.projection = nn.Linear(config.embedding_size, config.hidden_size)
        self.segments = nn.Embedding(2, config.hidden_size)
        self.matched = nn.Linear(1, config.hidden_size)
        self.centres = nn.Parameter(torch.zeros(config.num_attention_heads // 2))
        self.slopes = nn.Parameter(torch.zeros(config.num_attention_heads // 2))
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.LayerNorm(config.hidden_size)
        self.dropout = nn.Dropout(config.dropout)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """The word vectors."""
        return self.embeddings

    def set_input_embeddings(self, value: nn.Embedding) -> None:
        """Replace the word vectors."""
        self.embeddings = value

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        output_hidden_states: bool | None = None,
        **_: Any,
    ) -> BaseModelOutput:
        """Hidden states (B, L, H) of token ids (B, L); with `output_hidden_states`, those of every layer too."""
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        second = in_second(input_ids, int(self.config.eos_token_id))
        vectors = self.embeddings(input_ids)
        vectors = vectors.detach() if self.config.frozen_embeddings and self.training else vectors
        vectors = self._noised(vectors, input_ids) if self.training else vectors
        matches = best_match(vectors, second, (input_ids > int(self.config.eos_token_id)) & (mask > 0))
        hidden = self.projection(vectors) + self.segments(second.long()) + self.matched(matches[:, :, None])
        hidden = self.dropout(hidden)
        bias = self._bias(second, mask)
        states = [hidden]
        for layer in self.layers:
            hidden = layer(hidden, bias)
            states.append(hidden)
        states[-1] = self.norm(hidden)
        shown = self.config.output_hidden_states if output_hidden_states is None else output_hidden_states
        return BaseModelOutput(last_hidden_state=states[-1], hidden_states=tuple(states) if shown else None)

    def _noised(self, vectors: Tensor, ids: Tensor) -> Tensor:
        """In training: vectors with noise and dropout per word type, as those of the word's translations would be."""
        config = self.config
        types = torch.randn_like(self.embeddings.weight) * config.type_noise
        vectors = vectors + nn.functional.embedding(ids, types)
        kept = (torch.rand(config.vocab_size, device=ids.device) >= config.type_dropout)[ids]
        return torch.mul(vectors, kept[:, :, None])

    def _bias(self, second: Tensor, mask: Tensor) -> Tensor:
        """The bias that is added to the attention scores (B, heads, L, L), by kind of head."""
        lowest = torch.finfo(self.centres.dtype).min
        positions = torch.arange(mask.shape[1], device=mask.device)
        apart = (positions[None, :] - positions[:, None]).clamp(-self.config.reach, self.config.reach)
        near = -self.slopes[:, None, None] * (apart - self.centres[:, None, None]).abs()
        hidden = (mask == 0)[:, None, None, :]
        same = (second[:, :, None] == second[:, None, :])[:, None]
        paired = second.any(dim=1)[:, None, None, None]
        # Near heads see only their own text, across heads the other text and the first token, free heads everything.
        near = near.masked_fill(hidden | ~same, lowest)
        across = torch.zeros_like(near[:, :1]).masked_fill(hidden | (same & paired & (positions > 0)), lowest)
        free = torch.zeros_like(across).masked_fill(hidden, lowest)
        count = self.config.num_attention_heads // 4
        return torch.cat([near, across.expand(-1, count, -1, -1), free.expand(-1, count, -1, -1)], dim=1)

    def save_pretrained(self, save_directory: str | os.PathLike[str], **options: Any) -> None:
        """Write the weights in half precision, which halves the file."""
        halved = {
            name: weights.half() if weights.is_floating_point() else weights
            for name, weights in self.state_dict().items()
        }
        PreTrainedModel.save_pretrained(self, save_directory, state_dict=halved, **options)


def best_match(vectors: Tensor, second: Tensor, words: Tensor) -> Tensor:
    """For each token (B, L) the highest cosine of its vector with one of the other text; 0 where there is none."""
    lengths = vectors.norm(dim=2, keepdim=True)
    alike = vectors / lengths.clamp(min=1e-6)
    compared = (second[:, :, None] != second[:, None, :]) & words[:, :, None] & words[:, None, :]
    highest: Tensor = (alike @ alike.transpose(1, 2)).masked_fill(~compared, 0).amax(dim=2)
    return highest


def in_second(ids: Tensor, separator: int) -> Tensor:
    """Which tokens (B, L) belong to the second text, or follow it: those after the second separator."""
    separators = (ids == separator).long()
    return torch.cumsum(separators, dim=1) - separators >= 2


@cache
def register() -> None:
    """Make the architecture known to AutoConfig, AutoModel and AutoTokenizer."""
    import transformers

    auto: Any = transformers
    auto.AutoConfig.register(MODEL_TYPE, MiniConfig, exist_ok=True)
    auto.AutoModel.register(MiniConfig, MiniModel, exist_ok=True)
    auto.AutoTokenizer.register(MiniConfig, fast_tokenizer_class=auto.PreTrainedTokenizerFast, exist_ok=True)
