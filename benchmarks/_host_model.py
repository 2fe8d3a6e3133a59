"""A model whose forward pass costs nothing, and data that have the shape of a task's where its files are not at hand.

The encoder's states, and the scores of a head, are rows of fixed tables of random numbers, in a place that depends on
the batch: nothing is computed or copied for them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import AutoConfig

from robust_xtreme.core import registry, resources
from robust_xtreme.models import mini
from robust_xtreme.models.tokenizer import read_tokenizer
from robust_xtreme.tasks.formats import read_file
from robust_xtreme.training.text import Size, new_encoder, new_tokenizer

SIZE: Final = Size(32_000, 1, 16, 1)
SEED: Final = 20
RETRIEVAL: Final = "retrieval"
TEST_ROWS: Final = 5010
"""The rows of XNLI's test in a language."""
ROWS_OF_TABLE: Final = 1 << 18
_STEP: Final = 7919
_NUMBERED: Final[Mapping[str, tuple[str, ...]]] = {
    "xnli": ("premise",),
    "xcopa": ("premise",),
    "xquad": ("context",),
    "tatoeba": ("sentence", "translation"),
}
"""The fields of the embedded suite's rows that get a number where rows are repeated, so that no text is there twice."""


class Free(nn.Module):
    """An encoder whose hidden states (B, L, H) are consecutive rows of a table (ROWS_OF_TABLE, H)."""

    def __init__(self, config: Any) -> None:
        nn.Module.__init__(self)
        self.config = config
        self.table: Tensor
        draws = torch.Generator().manual_seed(SEED)
        self.register_buffer("table", torch.randn(ROWS_OF_TABLE, int(config.hidden_size), generator=draws))

    def forward(self, input_ids: Tensor, **_: Any) -> SimpleNamespace:
        """The same states for every layer, those of all tokens of a batch beside each other in the table."""
        many = input_ids.numel()
        start = int(input_ids[0].sum()) * _STEP % (ROWS_OF_TABLE - many)
        states = self.table[start : start + many].view(*input_ids.shape, -1)
        layers = int(self.config.num_hidden_layers) + 1
        return SimpleNamespace(last_hidden_state=states, hidden_states=(states,) * layers)


def free_encoder(folder: Path, _: Path | None = None) -> Free:
    """The encoder that costs nothing, of a folder's configuration; it needs no adapter."""
    mini.register()
    return Free(AutoConfig.from_pretrained(str(folder))).eval()


class FreeHead(nn.Module):
    """A head whose scores (..., S) are consecutive rows of a table (ROWS_OF_TABLE, S)."""

    def __init__(self, scores: int) -> None:
        nn.Module.__init__(self)
        self.table: Tensor
        draws = torch.Generator().manual_seed(SEED)
        self.register_buffer("table", torch.randn(ROWS_OF_TABLE, scores, generator=draws))

    def forward(self, states: Tensor) -> Tensor:
        """The scores of states (..., H), in a place that depends on the first of them."""
        shape = states.shape[:-1]
        start = int(states.flatten()[0].abs() * ROWS_OF_TABLE) % (ROWS_OF_TABLE - shape.numel())
        return self.table[start : start + shape.numel()].view(*shape, -1)


def free_head(located: Any, family: Any, encoder: Free) -> nn.Module:
    """The head that costs nothing, with as many scores as that of a `Located` run; of a dual encoder a new one."""
    hidden = int(encoder.config.hidden_size)
    head: nn.Module = family.head(hidden, located.labels)
    return head if family.name == RETRIEVAL else FreeHead(head(torch.zeros(1, hidden)).shape[-1])


def make_run(run: Path, lines: Sequence[str], tasks: Sequence[str], encoder: Path | None = None) -> Path:
    """A run folder: a tokenizer of byte pairs that is trained on the lines, a small encoder and a head for each task.

    The tokenizer is that of the folder of an `encoder`, if any. The encoder's weights are only looked at, by what
    checks a run: `free_encoder` replaces it.
    """
    tokenizer = read_tokenizer(encoder) if encoder else new_tokenizer(lines, SIZE)
    for part in (tokenizer, new_encoder(tokenizer, SIZE, SEED)):
        part.save_pretrained(str(run / "model"))
    (run / "heads").mkdir()
    for name in tasks:
        task = registry.load("task", name)
        if task.head:
            head = registry.load("family", task.family).head(SIZE.hidden, task.labels)
            save_file(head.state_dict(), str(run / "heads" / f"{name}.safetensors"))
            facts = {"task": name, "family": task.family, "labels": list(task.labels)}
            (run / "heads" / f"{name}.json").write_text(json.dumps(facts), encoding="utf-8")
    return run


def make_suite(folder: Path, task: str, rows: int) -> Path:
    """A suite of one task: the rows of the embedded suite in turn, in later turns with a number in their text."""
    given = sorted(resources.mini("suite").joinpath(task).glob("test-*.jsonl.gz"))
    codes = [path.name.removeprefix("test-").removesuffix(".jsonl.gz") for path in given]
    (folder / task).mkdir(parents=True)
    for path in given:
        lines = read_file(path).text.splitlines()
        text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in _rows(task, lines, rows))
        (folder / task / path.stem).write_text(text, encoding="utf-8")
    header = f'name = "made-up"\nversion = "1"\nsummary = "Made up."\nlanguages = {json.dumps(codes)}\n'
    (folder / "suite.toml").write_text(f'{header}\n[{task}]\nsplits = ["test"]\n', encoding="utf-8")
    return folder


def _rows(task: str, lines: Sequence[str], rows: int) -> Iterator[dict[str, Any]]:
    for index in range(rows):
        turn, row = index // len(lines), json.loads(lines[index % len(lines)])
        if turn:
            row |= {"id": f"{row['id']}-{turn}", "cluster": f"{row['cluster']}-{turn}"}
            row |= {name: f"{row[name]} {index}" for name in _NUMBERED.get(task, ())}
        if turn and "tokens" in row:
            row |= {"tokens": [*row["tokens"], str(index)], "tags": [*row["tags"], "O"]}
        yield row


def make_xnli_test(folder: Path, data: Path, languages: Sequence[str]) -> Path:
    """Release files of XNLI's test in every language; where DATA has none, rows of the dev file are repeated."""
    (folder / "xnli").mkdir(parents=True)
    if (data / "mnli").is_dir():
        (folder / "mnli").symlink_to((data / "mnli").absolute())
    for language in languages:
        released = data / "xnli" / f"test-{language}.tsv"
        dev = data / "xnli" / f"dev-{language}.tsv"
        text = released.read_text("utf-8") if released.is_file() else _repeated_rows(dev)
        (folder / "xnli" / released.name).write_text(text, "utf-8")
    return folder


def _repeated_rows(dev: Path) -> str:
    """As many rows as the test has: each premise, in each round with the hypothesis of another row."""
    rows = [line.split("\t") for line in dev.read_text("utf-8").splitlines()]
    rounds = -(-TEST_ROWS // len(rows))
    repeated = [
        (row[0], *rows[(index + turn * len(rows) // rounds) % len(rows)][1:])
        for turn in range(rounds)
        for index, row in enumerate(rows)
    ]
    return "".join("\t".join(row) + "\n" for row in repeated[:TEST_ROWS])
