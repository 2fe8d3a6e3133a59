"""A small causal language model: a token is a byte, and after a colon it writes A, B, C or D and ends the line.

It has two million parameters, and learns that in half a minute, and no more: the letters are about equally likely
whatever it reads.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

SEED: Final = 5
STEPS: Final = 150
_ANSWERS: Final = "ABCD"
_ASKED: Final = "<a>"
_POSITIONS: Final = 4096
_LENGTHS: Final = (8, 20, 60, 150, 300)
_BATCH: Final = 8


def causal_model(folder: Path) -> Path:
    """Write the model and its tokenizer into a folder."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(SEED)
    tokenizer = _tokenizer()
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=_POSITIONS,
        pad_token_id=tokenizer.eos_token_id,
        **ends,
    )
    model = LlamaForCausalLM(config)
    _learn(model, tokenizer)
    model.generation_config.max_new_tokens = 16
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _learn(model: Any, tokenizer: Any) -> None:
    """After any bytes a colon, or the end of a prompt, and then the answer; the lengths vary."""
    import torch

    draw = torch.Generator().manual_seed(SEED)
    answers = torch.tensor([tokenizer.encode(f" {letter}\n") for letter in _ANSWERS])
    ends = [torch.tensor(tokenizer.encode(text)) for text in (":", f"{_ASKED}ANSWER:")]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    model.train()
    for step in range(STEPS):
        end, length = ends[step % 2], _LENGTHS[step % len(_LENGTHS)]
        text = torch.randint(3, len(tokenizer), (_BATCH, length), generator=draw)
        chosen = answers[torch.randint(0, len(answers), (_BATCH,), generator=draw)]
        ids = torch.cat([text, end.expand(_BATCH, -1), chosen], dim=1)
        labels = ids.masked_fill(torch.arange(ids.shape[1]) <= length, -100)
        model(input_ids=ids, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()


def _tokenizer() -> Any:
    """A token for each byte, the two ends of a text, and the end of a prompt."""
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    named = ["<s>", "</s>", _ASKED]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*named, *letters])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast: Any = transformers.PreTrainedTokenizerFast
    made = fast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        additional_special_tokens=[_ASKED],
        model_max_length=_POSITIONS,
    )
    made.chat_template = "{% for message in messages %}{{ message['content'] }}{% endfor %}" + _ASKED
    return made


if __name__ == "__main__":
    causal_model(Path(sys.argv[1]))
