"""The collator that gives training text new noise in each epoch, in this process and in workers."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterable
from typing import Any

import pytest
import torch
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from robust_xtreme import perturb
from robust_xtreme.core.errors import SpecError, UnknownName, UserError
from robust_xtreme.datasets import NoisyCollator, perturb_dataset
from robust_xtreme.noise.engine.noising import seed_of_pass

SPEC = "char_noise:0.3"
WORDS = ("moja", "mbili", "tatu", "nne", "tano", "sita")
TEXTS = [f"Habari ya asubuhi kila mtu hapa namba {word}" for word in WORDS]
ROWS: Any = [{"text": text, "label": number} for number, text in enumerate(TEXTS)]
Batch = tuple[list[str], list[int]]


def collate(rows: list[Any]) -> Batch:
    """Texts and labels."""
    return [row["text"] for row in rows], [row["label"] for row in rows]


def collator(**changed: Any) -> NoisyCollator:
    """A collator of Swahili texts with a seed."""
    return NoisyCollator(collate, SPEC, **{"language": "sw", "seed": 3, **changed})


def of_epoch(epoch: int, seed: int = 3) -> list[str]:
    """All texts with the noise of an epoch."""
    return perturb(TEXTS, SPEC, language="sw", seed=seed_of_pass(seed, epoch))


def read(loader: Iterable[Batch]) -> dict[int, str]:
    """The texts that a loader gives, by label."""
    return {label: text for texts, labels in loader for text, label in zip(texts, labels, strict=True)}


def test_each_epoch_has_noise_of_its_own() -> None:
    """The same epoch has the same noise again, that of a pass of `train --perturb`; the rows do not change."""
    noisy, rows = collator(), copy.deepcopy(ROWS)
    epochs = []
    for epoch in (0, 1, 2, 1):
        noisy.set_epoch(epoch)
        assert noisy.epoch == epoch
        epochs.append(noisy(rows)[0])
    assert epochs == [of_epoch(0), of_epoch(1), of_epoch(2), of_epoch(1)]
    assert len({tuple(texts) for texts in epochs}) == 3
    assert rows == ROWS
    assert collator(seed=4)(rows)[0] == of_epoch(0, seed=4) != epochs[0]


@settings(max_examples=25)
@given(st.permutations(range(len(ROWS))), st.integers(1, 6), st.integers(0, 2**40))
def test_order_and_batch_do_not_matter(order: list[int], size: int, epoch: int) -> None:
    """A row has the same noise in each batch of an epoch."""
    noisy = collator()
    noisy.set_epoch(epoch)
    batches = [[ROWS[number] for number in order[at : at + size]] for at in range(0, len(order), size)]
    assert [read([noisy(batch)]) for batch in batches] == [
        {row["label"]: of_epoch(epoch)[row["label"]] for row in batch} for batch in batches
    ]


@pytest.mark.parametrize(("workers", "persistent"), [(0, False), (2, False), (2, True)])
def test_the_epoch_reaches_the_workers(workers: int, persistent: bool) -> None:
    """Workers that live through all epochs read it too, and a pass that was left early does not spoil the next."""
    noisy = collator()
    loader: Any = DataLoader(
        ROWS,
        batch_size=2,
        shuffle=True,
        collate_fn=noisy,
        num_workers=workers,
        persistent_workers=persistent,
    )
    for epoch in (0, 1, 5):
        noisy.set_epoch(epoch)
        assert read(loader) == dict(enumerate(of_epoch(epoch)))
        next(iter(loader))


@pytest.mark.process
def test_a_worker_that_is_started_afresh_reads_the_epoch() -> None:
    """Workers of another interpreter share the number, too."""
    noisy = NoisyCollator(list, SPEC, language="sw", seed=3)
    loader: Any = DataLoader(
        ROWS,
        batch_size=6,
        collate_fn=noisy,
        num_workers=1,
        persistent_workers=True,
        multiprocessing_context="spawn",
    )
    for epoch in (0, 4):
        noisy.set_epoch(epoch)
        (batch,) = loader
        assert [row["text"] for row in batch] == of_epoch(epoch)


def test_a_copy_has_the_epoch_of_its_original() -> None:
    """A collator that is copied or written as bytes noises the same."""
    noisy = collator()
    noisy.set_epoch(2)
    for twin in (copy.deepcopy(noisy), pickle.loads(pickle.dumps(noisy))):  # noqa: S301 - written in this line
        assert twin.noised(ROWS) == noisy.noised(ROWS)


def test_columns_languages_words_and_answers() -> None:
    """The arguments are those of `perturb_dataset`; None stays, a batch may be empty."""
    answer = {"text": ["Butiama"], "answer_start": [30]}
    row = {"context": "Rais Julius Nyerere alizaliwa Butiama mwaka huo", "answers": answer, "code": "sw", "label": 0}
    noisy = NoisyCollator(list, SPEC, language_column="code", column="context", spans="answers")
    (moved, kept) = noisy([row, {**row, "context": None}])
    (start,), (text,) = moved["answers"]["answer_start"], moved["answers"]["text"]
    assert moved["context"][start : start + len(text)] == text
    assert moved["context"] != row["context"]
    assert kept == {**row, "context": None}
    assert noisy([]) == []
    (words,) = NoisyCollator(list, SPEC, language="sw", column=["words"])([{"words": ["Habari", "ya", "asubuhi"]}])
    assert len(words["words"]) == 3
    fields = NoisyCollator(list, "char_noise:0.3@fields=premise", language="sw")(
        [{"premise": TEXTS[0], "text": TEXTS[0]}]
    )
    assert fields[0]["text"] == TEXTS[0] != fields[0]["premise"]


def test_rows_of_a_formatted_dataset() -> None:
    """Rows may be those of a dataset in torch's format."""
    rows = list(Dataset.from_list(ROWS).with_format("torch"))
    texts, labels = collator()(rows)
    assert texts == of_epoch(0)
    assert all(isinstance(label, torch.Tensor) for label in labels)


def test_strength_0_changes_nothing() -> None:
    """The batch is that of the clean rows."""
    assert NoisyCollator(collate, "char_noise:0", language="sw")(ROWS) == collate(ROWS)


@pytest.mark.parametrize(
    ("options", "error", "line"),
    [
        ({"spec": "char_noise:0.1,0.2"}, SpecError, "takes one"),
        ({"language": "xx"}, UnknownName, "'xx'"),
        ({"language": None}, UserError, "needs the language"),
        ({"seed": 0.5}, UserError, "whole number"),
        ({"collate": "rows"}, UserError, "takes a function"),
    ],
)
def test_a_mistake_is_one_line(options: dict[str, Any], error: type[UserError], line: str) -> None:
    """It is raised when the collator is made."""
    given = {"collate": collate, "spec": SPEC, "language": "sw", **options}
    with pytest.raises(error, match=line):
        NoisyCollator(given.pop("collate"), given.pop("spec"), **given)


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([{"label": 1}], "remove_unused_columns=False"),
        (["Habari"], "not 'Habari'"),
        ([{"text": 3}], "row 0"),
    ],
)
def test_rows_without_texts_are_one_line(rows: list[Any], line: str) -> None:
    """The line names the column that was removed before."""
    with pytest.raises(UserError, match=line):
        collator()(rows)


@pytest.mark.parametrize(("epoch", "line"), [(-1, "not from -1"), (0.5, "as its epoch"), (True, "as its epoch")])
def test_an_epoch_is_a_whole_number_from_0(epoch: Any, line: str) -> None:
    """Another one is one line, and the epoch stays."""
    noisy = collator()
    with pytest.raises(UserError, match=line):
        noisy.set_epoch(epoch)
    assert noisy.epoch == 0


def test_a_mistake_in_a_worker_is_raised_here() -> None:
    """An error of a worker has a type that can be sent, whatever it was."""
    noisy, rows = NoisyCollator(list, SPEC, language_column="code"), [{"text": "moja", "code": "xx"}]
    loader: Any = DataLoader(Dataset.from_list(rows), collate_fn=noisy, num_workers=1)
    with pytest.raises(UserError, match="'xx'"):
        list(loader)


@pytest.mark.parametrize("columns", [{"start": 30, "end": 37}, {"spans": [[30, 37]]}, {"entities": [{"offset": 30}]}])
def test_columns_that_look_like_positions_are_refused(columns: dict[str, Any]) -> None:
    """As in files: numbers under such names and lists of pairs within the text; the same rows with others pass."""
    row = {"text": "Rais Julius Nyerere alizaliwa Butiama mwaka elfu moja", "year": 1922, "boxes": [[1, 2, 3, 4]]}
    collator = NoisyCollator(list, "char_noise:0.2", language="sw")
    for noised in (collator.noised, lambda rows: perturb_dataset(Dataset.from_list(rows), SPEC, language="sw")):
        assert len(noised([row])) == 1
        with pytest.raises(UserError, match=f"'{next(iter(columns))}' has positions"):
            noised([row | columns])
