"""The steps of one stage: Lightning's Trainer without its side effects, entered where the last run stopped."""

from __future__ import annotations

import logging
import math
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import nn

from robust_xtreme.errors import ModelError
from robust_xtreme.results import store
from robust_xtreme.training import resume
from robust_xtreme.training.data import Loader, Plan, TrainingData
from robust_xtreme.training.device import own_random
from robust_xtreme.training.module import Schedule, TrainingModule
from robust_xtreme.training.objective import Objective

METRICS: Final = "metrics.csv"
CLIP: Final = 1.0
_HEADER: Final = "step,loss,lr,dev"
_ROWS: Final = 100
_KNOWN: Final = (
    # Lightning flattens its loaders with a class of torch that is about to be renamed.
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
    # The user chose --device cpu.
    r"GPU available but not used",
)
_LOGGERS: Final = ("lightning.pytorch", "lightning.fabric", "lightning")


@final
@dataclass(frozen=True, slots=True)
class Progress:
    """Where a stage stands: its name, steps done of all, the loss of the last one."""

    stage: str
    step: int
    steps: int
    loss: float


Tell = Callable[[str], None]
Watch = Callable[[Progress], None]


@final
@dataclass(frozen=True, slots=True)
class Options:
    """How a run is watched, not what it computes: messages, steps, seconds between saved states, a fresh start."""

    tell: Tell = lambda _: None
    watch: Watch = lambda _: None
    save_seconds: float = 60.0
    force: bool = False


@final
@dataclass(frozen=True, slots=True)
class Stage:
    """What one loop needs: the run's folder, what is learned, from which batches, at which rates, and on what device.

    `dev` gives a score after each epoch, in points; nothing is selected by it.
    """

    name: str
    run: Path
    encoder: nn.Module
    objective: Objective
    plan: Plan
    schedule: Schedule
    pad_id: int
    device: str
    dev: Callable[[], float] | None = None


def run_loop(stage: Stage, options: Options) -> None:
    """Train to the end, from the newest saved state if there is one. Encoder and head are changed in place.

    Raises ModelError where the loss is no number, DiskError where a state cannot be written, KeyboardInterrupt.
    """
    state = resume.latest(stage.run)
    begin = state.step if state else 0
    if begin:
        options.tell(f"{stage.name.replace('_', ' ')}: goes on after step {begin:,} of {stage.plan.steps:,}")
    with own_random(stage.plan.seed), _quiet_lightning():
        module = TrainingModule(stage.encoder, stage.objective, stage.schedule)
        if state:
            module.load_state_dict(state.checkpoint["state_dict"])
            module.optimizer_state = state.checkpoint["optimizer_states"][0]
        if begin < stage.plan.steps:
            steps = _Steps(stage, state, options)
            _fit(_trainer(stage, steps, begin), module, Loader(stage.objective, stage.plan, stage.pad_id, begin))
            steps.write_metrics()
    module.eval().to("cpu")


def _trainer(stage: Stage, steps: Callback, begin: int) -> Trainer:
    return Trainer(
        accelerator="gpu" if stage.device == "cuda" else "cpu",
        devices=1,
        max_steps=stage.plan.steps - begin,
        gradient_clip_val=CLIP,
        callbacks=[steps],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        limit_val_batches=0,
        use_distributed_sampler=False,
        default_root_dir=stage.run,
    )


def _fit(trainer: Trainer, module: TrainingModule, loader: Loader) -> None:
    """Lightning ends the process on Ctrl-C; here that is a KeyboardInterrupt like any other."""
    before = signal.getsignal(signal.SIGINT)
    module.train()
    try:
        trainer.fit(module, datamodule=TrainingData(loader))
    except SystemExit:
        if not trainer.interrupted:
            raise
        signal.signal(signal.SIGINT, before)
        raise KeyboardInterrupt from None


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Lightning tells on its logger which devices exist and why it stopped: none of it is news to the user."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for message in _KNOWN:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


class _Steps(Callback):
    """Before each step its rate; after it a row of metrics.csv, a saved state, a word to the watcher."""

    def __init__(self, stage: Stage, state: resume.State | None, options: Options) -> None:
        self.stage = stage
        self.state = state
        self.options = options
        self.saved = time.monotonic()
        self.done = state.step if state else 0
        self.losses = list(state.losses) if state else []
        self.rows = _rows_until(stage.run / METRICS, self.done)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Go on with the random state of the saved step."""
        if self.state:
            self.state.restore_random()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Set the rate of this step."""
        for group in trainer.optimizers[0].param_groups:
            group["lr"] = self.stage.schedule.at(self.done)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Note the loss, and save the state when it is time."""
        loss = float(outputs["loss"])
        if not math.isfinite(loss):
            raise ModelError(f"The loss is {loss} at step {self.done + 1}. Start again with a lower --lr and --force.")
        self.losses.append(loss)
        self.done += 1
        self._note_row(pl_module)
        self.options.watch(Progress(self.stage.name, self.done, self.stage.plan.steps, loss))
        if time.monotonic() - self.saved >= self.options.save_seconds and self.done < self.stage.plan.steps:
            self._save(trainer)

    def _note_row(self, module: LightningModule) -> None:
        """A row every hundredth of the steps, at the end of an epoch with a score, and at the end."""
        steps = self.stage.plan.steps
        scored = self.stage.dev is not None and (self.done % self.stage.plan.epoch_steps == 0 or self.done == steps)
        if not scored and self.done % max(1, steps // _ROWS) and self.done != steps:
            return
        rate = self.stage.schedule.at(self.done - 1)
        loss = math.fsum(self.losses) / len(self.losses)
        self.rows.append(f"{self.done},{loss:.6g},{rate:.6g},{self._dev(module) if scored else ''}")
        self.losses.clear()

    def _dev(self, module: LightningModule) -> str:
        if self.stage.dev is None:
            return ""
        module.eval()
        score = self.stage.dev()
        module.train()
        return f"{score:.2f}"

    def _save(self, trainer: Trainer) -> None:
        self.write_metrics()
        resume.save(trainer, self.stage.run, self.done, tuple(self.losses))
        self.saved = time.monotonic()

    def write_metrics(self) -> None:
        """Write metrics.csv: mean loss since the row before, rate, score on held-out data where there are any."""
        store.write_text(self.stage.run / METRICS, "\n".join([_HEADER, *self.rows]) + "\n")


def _rows_until(path: Path, step: int) -> list[str]:
    """The rows of an interrupted run up to its saved state."""
    if not step or not path.is_file():
        return []
    rows = path.read_text(encoding="utf-8").splitlines()[1:]
    return [row for row in rows if int(row.partition(",")[0]) <= step]
