"""The callbacks that give a collator the epoch: each text of a continued training is that of one without a stop."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule
from lightning.pytorch import Trainer as LightningTrainer
from lightning.pytorch.callbacks import ModelCheckpoint
from tests.some import some
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset
from transformers import Trainer, TrainingArguments

from robust_xtreme.datasets import LightningEpochs, NoisyCollator, TrainerEpochs

WORDS = ("moja", "mbili", "tatu", "nne", "tano", "sita")
ROWS: Any = [{"text": f"Habari ya asubuhi kila mtu hapa namba {word}"} for word in WORDS]
EPOCHS = 3
STOPPED = 2
Texts = tuple[str, ...]

pytestmark = pytest.mark.filterwarnings("ignore")


def collator(collate: Any) -> NoisyCollator:
    """A collator of Swahili texts with a seed."""
    return NoisyCollator(collate, "char_noise:0.2", language="sw", seed=1)


def texts_of(epoch: int) -> set[str]:
    """The texts of an epoch."""
    noisy = collator(list)
    noisy.set_epoch(epoch)
    return {row["text"] for row in noisy(ROWS)}


BY_EPOCH = [texts_of(epoch) for epoch in range(EPOCHS)]


def epochs_of(batches: Sequence[Texts]) -> list[int]:
    """The epoch that each batch has the noise of."""
    return [next(epoch for epoch, texts in enumerate(BY_EPOCH) if texts.issuperset(batch)) for batch in batches]


def test_texts_tell_the_epoch() -> None:
    """No text is that of two epochs, so that the tests below see which noise a batch has."""
    assert len(set().union(*BY_EPOCH)) == EPOCHS * len(ROWS)


# ------------------------------------------------------------------------------------------------------------ Lightning


class Stream(IterableDataset[Any]):
    """Rows without a known number, of which Lightning reads ahead."""

    def __iter__(self) -> Iterator[Any]:
        """The rows of this worker."""
        worker = torch.utils.data.get_worker_info()
        yield from ROWS if worker is None else ROWS[worker.id :: worker.num_workers]


class Seen(LightningModule):
    """A model that notes the texts of its batches."""

    def __init__(self) -> None:
        LightningModule.__init__(self)
        self.layer = nn.Linear(1, 1)
        self.batches: list[Texts] = []

    def training_step(self, batch: list[Any]) -> Any:
        """A loss that texts do not change."""
        self.batches.append(tuple(row["text"] for row in batch))
        return self.layer(torch.ones(1, 1)).sum()

    def validation_step(self, batch: list[Any]) -> None:
        """Nothing."""

    def configure_optimizers(self) -> Any:
        """Any optimizer."""
        return torch.optim.SGD(self.parameters(), 0.1)


def lightning(
    folder: Path, epochs: int, rows: Any, save: dict[str, Any], start: Path | None = None, workers: int = 0
) -> list[Texts]:
    """The batches of a training, which writes checkpoints as `save` says or starts from one."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    noisy, model = collator(list), Seen()
    loader = DataLoader(rows, batch_size=2, collate_fn=noisy, num_workers=workers, persistent_workers=workers > 0)
    validated = DataLoader(ROWS[:1], collate_fn=list) if save.get("save_on_train_epoch_end") is False else None
    trainer = LightningTrainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        callbacks=[LightningEpochs(noisy), ModelCheckpoint(folder, "{step}", save_top_k=-1, **save)],
    )
    trainer.fit(model, loader, validated, ckpt_path=start)
    return model.batches


SAVED: dict[str, dict[str, Any]] = {
    "after each epoch": {"save_on_train_epoch_end": True},
    "after each validation": {"save_on_train_epoch_end": False},
    "after each two steps": {"every_n_train_steps": 2},
    "after each last step": {"every_n_train_steps": 3},
}


@pytest.mark.parametrize("save", SAVED.values(), ids=SAVED)
@pytest.mark.parametrize("rows", [ROWS, Stream()], ids=["rows", "stream"])
def test_lightning_continues_with_the_noise_of_the_epoch(tmp_path: Path, rows: Any, save: dict[str, Any]) -> None:
    """From each checkpoint of a stopped training, the batches that follow are those of their epochs."""
    every = lightning(tmp_path / "all", EPOCHS, rows, SAVED["after each epoch"])
    assert epochs_of(every) == [epoch for epoch in range(EPOCHS) for _ in range(3)]
    lightning(tmp_path / "stopped", STOPPED, rows, save)
    checkpoints = sorted((tmp_path / "stopped").glob("*.ckpt"))
    assert checkpoints
    for number, checkpoint in enumerate(checkpoints):
        step = int(checkpoint.stem.removeprefix("step="))
        rest = lightning(tmp_path / str(number), EPOCHS, rows, save, checkpoint)
        # Within an epoch Lightning reads the loader from its start: rows up to the number left, a stream all again.
        left = step if rows is ROWS else step - step % 3
        assert epochs_of(rest) == epochs_of(every)[left:]
        assert step % 3 or rest == every[step:]


@pytest.mark.parametrize(("save", "step"), [("after each epoch", 3), ("after each two steps", 4)])
def test_lightning_continues_with_persistent_workers(tmp_path: Path, save: str, step: int) -> None:
    """Workers that read ahead before the first epoch starts have the noise of the epoch that continues."""
    first = lightning(tmp_path, STOPPED, ROWS, SAVED[save], workers=2)[:step]
    rest = lightning(tmp_path / "rest", EPOCHS, ROWS, SAVED[save], tmp_path / f"step={step}.ckpt", workers=2)
    assert epochs_of(first + rest) == [epoch for epoch in range(EPOCHS) for _ in range(3)]


def test_a_checkpoint_without_a_loop_names_its_epoch() -> None:
    """That of weights alone has only the epoch; one without it begins at 0."""
    noisy = collator(list)
    callback = LightningEpochs(noisy)
    for checkpoint, epoch in (({"epoch": 3}, 3), ({}, 0)):
        callback.on_load_checkpoint(None, None, checkpoint)
        assert noisy.epoch == epoch


# --------------------------------------------------------------------------------------------------------- transformers


class Net(nn.Module):
    """A model whose loss texts do not change."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.layer = nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Any:
        """A loss."""
        return self.layer(x).sum()


class Noting(Trainer):
    """A Trainer that notes the texts of its batches."""

    def compute_loss(self, model: Any, inputs: Any, *_: Any, **__: Any) -> Any:
        """The loss of a batch."""
        self.batches = [*getattr(self, "batches", []), tuple(inputs["texts"])]
        return model(inputs["x"])


def batch_of(rows: list[Any]) -> dict[str, Any]:
    """Texts, and what the model reads."""
    return {"x": torch.ones(len(rows), 1), "texts": [row["text"] for row in rows]}


def trainer(folder: Path, epochs: int, start: Path | None = None, save: str = "no", **changed: Any) -> list[Texts]:
    """The batches of a training, which writes a checkpoint after each step or starts from one."""
    noisy = collator(batch_of)
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=epochs,
        per_device_train_batch_size=2,
        remove_unused_columns=False,
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        seed=7,
        logging_strategy="no",
        save_strategy=save,
        save_steps=1,
        **changed,
    )
    made: Any = Noting(Net(), arguments, noisy, ROWS, callbacks=[TrainerEpochs(noisy)])
    made.train(resume_from_checkpoint=start and str(start))
    return list(made.batches)


@pytest.mark.parametrize("accumulated", some([1, 2], (2,)))
def test_trainer_continues_with_the_noise_of_the_epoch(tmp_path: Path, accumulated: int) -> None:
    """From each second step of a stopped training, the batches that follow are those of a training without a stop."""
    every = trainer(tmp_path / "all", EPOCHS, gradient_accumulation_steps=accumulated)
    assert epochs_of(every) == [epoch for epoch in range(EPOCHS) for _ in range(3)]
    trainer(tmp_path / "stopped", STOPPED, save="steps", gradient_accumulation_steps=accumulated)
    checkpoints = sorted((tmp_path / "stopped").glob("checkpoint-*"))
    assert len(checkpoints) > 2
    for checkpoint in checkpoints[1::2]:
        rest = trainer(tmp_path / "rest", EPOCHS, checkpoint, gradient_accumulation_steps=accumulated)
        assert rest == every[-len(rest) :]


@pytest.mark.long
def test_trainer_continues_with_persistent_workers(tmp_path: Path) -> None:
    """The epoch reaches workers that live through all epochs."""
    workers: dict[str, Any] = {"dataloader_num_workers": 2, "dataloader_persistent_workers": True}
    first = trainer(tmp_path, STOPPED, save="steps", **workers)
    rest = trainer(tmp_path / "rest", EPOCHS, tmp_path / "checkpoint-6", **workers)
    assert epochs_of(first + rest) == [epoch for epoch in range(EPOCHS) for _ in range(3)]
