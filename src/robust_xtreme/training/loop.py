"""The steps of one stage: Lightning's Trainer without its side effects, continued from the last saved state."""

import logging
import math
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any, Final, Self, final

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.strategies import DDPStrategy
from torch import nn
from torch.multiprocessing.spawn import ProcessException

from robust_xtreme.core import errors
from robust_xtreme.core.errors import DiskError, ModelError, RobustXtremeError, UserError, no_room
from robust_xtreme.core.examples import digest
from robust_xtreme.files import store
from robust_xtreme.files.journal import Journal
from robust_xtreme.models.predictors.loaded import device_of
from robust_xtreme.models.tensors import out_of_memory
from robust_xtreme.report.progress import notebook_bar
from robust_xtreme.training import resume
from robust_xtreme.training.device import own_random
from robust_xtreme.training.module import DeviceShare, Loader, Schedule, TrainingData, TrainingModule, narrow
from robust_xtreme.training.objective import HeadUnits
from robust_xtreme.training.sampling import SamplingPlan
from robust_xtreme.training.spec import Tell, TrainSpec


class PartLosses:
    """Losses by part; empty for a stage of one part, whose loss is the stage's.

    A part's loss is the mean over its terms, so the shares of a step, over devices and accumulation, are weighted.
    `waiting` are the losses of the steps since the last row.
    """

    def __init__(self, names: Sequence[str], waiting: Mapping[str, Sequence[float]]) -> None:
        self.names = tuple(names) if len(names) > 1 else ()
        self.waiting: dict[str, list[float]] = {name: list(waiting.get(name, ())) for name in self.names}
        # (parts, 2): the weighted sum of losses of a step, and the sum of weights.
        self.sums = torch.zeros(len(self.names), 2, dtype=torch.float64)

    def note(self, pieces: Sequence[tuple[int, torch.Tensor, float]]) -> None:
        """Add what one pass computed: the number of a part, its loss, its weight."""
        for part, loss, weight in pieces if self.names else ():
            self.sums[part] += torch.tensor((float(loss) * weight, weight), dtype=torch.float64)

    def step(self, trainer: Any) -> None:
        """End a step; all of several processes call it."""
        sums, self.sums = self.sums, torch.zeros_like(self.sums)
        if trainer.world_size > 1 and self.names:
            sums = trainer.strategy.reduce(sums.to(trainer.strategy.root_device), reduce_op="sum").cpu()
        for name, (loss, weight) in zip(self.names, sums.tolist(), strict=True):
            if weight > 0:
                self.waiting[name].append(loss / weight)

    def columns(self) -> str:
        """The columns of the parts in metrics.csv, after the others."""
        return "".join(f",loss_{name}" for name in self.names)

    def row(self) -> dict[str, float]:
        """The mean loss of each part with a step since the last row; starts the next row."""
        means = {f"loss_{name}": math.fsum(losses) / len(losses) for name, losses in self.waiting.items() if losses}
        for losses in self.waiting.values():
            losses.clear()
        return means

    def cells(self, means: Mapping[str, float]) -> str:
        """A row's cells after the others; empty where a part had no step."""
        values = (means.get(f"loss_{name}") for name in self.names)
        return "".join("," if value is None else f",{value:.6g}" for value in values)


METRICS: Final = "metrics.csv"
TENSORBOARD: Final = "tensorboard"
_ROWS: Final = 100
_KNOWN: Final = (
    # Lightning flattens its loaders with a class of torch that is about to be renamed.
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
    # The user chose --device cpu.
    r"GPU available but not used",
    # Where a step has one task, the heads of the others have no gradient.
    r"find_unused_parameters=True was specified",
)
_PRECISIONS: Final = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a stage: its name, steps done, steps in all, the loss of the last step."""

    stage: str
    step: int
    steps: int
    loss: float


def lines_of(tell: Tell, parts: int) -> Callable[[Progress], None]:
    """A callback that tells a line where one of the equal parts of a stage is complete."""

    def watch(at: Progress) -> None:
        if at.step * parts // at.steps > (at.step - 1) * parts // at.steps:
            tell(f"{name_of(at)}: step {at.step:,} of {at.steps:,}, loss {at.loss:.4f}")

    return watch


def name_of(at: Progress) -> str:
    """The name of a stage in words."""
    return at.stage.replace("_", " ")


@final
@dataclass(frozen=True, slots=True)
class Options:
    """Progress callbacks, seconds between saved states, and a fresh start; nothing here changes what a run computes.

    `notice` gets what happens to files that are there already and that a start is not verified, `tell` where there is
    no `notice`.
    """

    tell: Tell = lambda _: None
    watch: Callable[[Progress], None] = lambda _: None
    save_seconds: float = 60.0
    force: bool = False
    notice: Tell | None = None


@dataclass(frozen=True, slots=True)
class LoopInputs:
    """The inputs of one loop: the journal of its folder, parts, plan of batches, schedule of rates, and resolved spec.

    `dev` gives a score after each epoch, in points; with `select` the weights with the best one are kept. `rows` are
    those of the word embeddings that are trained, None for all.
    """

    name: str
    journal: Journal
    encoder: nn.Module
    parts: Sequence[HeadUnits]
    plan: SamplingPlan
    schedule: Schedule
    pad_id: int
    spec: TrainSpec
    dev: Callable[[], float] | None = None
    select: bool = False
    rows: torch.Tensor | None = None

    @property
    def run(self) -> Path:
        """The run's folder."""
        return self.journal.folder


class Stop:
    """Ctrl-C while a loop runs: the first asks it to save its state and stop after the step, the second stops it."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.asked = False
        self._tell = tell
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _on_signal(self, _: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        self._tell("stops after this step, and saves it; Ctrl-C once more stops at once")


def run_loop(stage: LoopInputs, options: Options) -> None:
    """Train to the end, from the newest saved state if there is one. Encoder and heads are changed in place.

    Raises ModelError where the loss is not a number, RobustXtremeError where memory runs out, DiskError where a state
    cannot be written, KeyboardInterrupt.
    """
    state = resume.latest(stage.run, stage.plan.steps)
    begin = state.step if state else 0
    if begin:
        options.tell(f"{stage.name.replace('_', ' ')}: continues after step {begin:,} of {stage.plan.steps:,}")
    with own_random(stage.plan.seed), _quiet_lightning():
        rows = resume.rows_of(state, stage.rows) if state else stage.rows
        table = None if rows is None else narrow(stage.encoder, rows)
        module = TrainingModule(stage.encoder, stage.parts, stage.schedule, rows)
        if state:
            resume.restore(state, module)
        if begin < stage.plan.steps:
            share = DeviceShare(accumulate=stage.spec.accumulate)
            loader = Loader(stage.parts, stage.plan, stage.pad_id, begin, share)
            with Stop(options.tell) as stop:
                _fit(_trainer(stage, _Steps(stage, state, options, stop), begin), module, loader, stage, stop)
    steps = resume.restore_best(stage.run, module) if stage.select else 0
    module.eval().to("cpu")
    if table:
        module.trainer = None
        cuda = device_of(stage.spec.device) == "cuda"
        table.put_back(lambda rows: stage.schedule.decay(rows, steps or stage.plan.steps, cuda))


def _trainer(stage: LoopInputs, steps: Callback, begin: int) -> Trainer:
    spec = stage.spec
    strategy: Any = "auto"
    if spec.devices > 1 or spec.strategy != "auto":
        # One process a device, forked, so that they share what this process has read.
        strategy = DDPStrategy(start_method="fork", find_unused_parameters=len(stage.parts) > 1)
    return Trainer(
        accelerator="gpu" if device_of(spec.device) == "cuda" else "cpu",
        devices=spec.devices,
        strategy=strategy,
        precision=_PRECISIONS[spec.precision],  # type: ignore[arg-type]  # Lightning lists them as literals
        accumulate_grad_batches=spec.accumulate,
        max_steps=stage.plan.steps - begin,
        gradient_clip_val=spec.clip,
        callbacks=[steps],
        logger=_loggers(stage),
        log_every_n_steps=1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        limit_val_batches=0,
        use_distributed_sampler=False,
        default_root_dir=stage.run,
    )


def _loggers(stage: LoopInputs) -> Any:
    if TENSORBOARD not in stage.spec.log:
        return False
    from lightning.pytorch.loggers import TensorBoardLogger

    stage.journal.make_folder(stage.run / TENSORBOARD)
    return TensorBoardLogger(stage.run, name=TENSORBOARD, version="")


def check_logger(spec: TrainSpec) -> None:
    """Raise UserError where a run is to be logged with a package that is not installed."""
    if TENSORBOARD in spec.log and not any(map(find_spec, ("tensorboard", "tensorboardX"))):
        what = "--log tensorboard needs tensorboardX, which is not installed."
        raise UserError(f"{what} Install it: pip install 'robust-xtreme[tensorboard]'")


def _fit(trainer: Trainer, module: TrainingModule, loader: Loader, stage: LoopInputs, stop: Stop) -> None:
    """Fit; Ctrl-C, on which Lightning ends the process, raises KeyboardInterrupt."""
    before = signal.getsignal(signal.SIGINT)
    size, split = stage.plan.batch_size, stage.spec.accumulate
    module.train()
    try:
        with _own_temporary_folder() if isinstance(trainer.strategy, DDPStrategy) else nullcontext():
            trainer.fit(module, datamodule=TrainingData(loader))
    except SystemExit as end:
        if not trainer.interrupted:
            raise
        signal.signal(signal.SIGINT, before)
        raise KeyboardInterrupt(*getattr(end.__context__, "args", ())) from None  # with the signal that ended it
    except ProcessException as error:
        if stop.asked:
            raise KeyboardInterrupt from None
        raise of_process(str(error), size, split) from error
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise no_memory(size, split) from error


@contextmanager
def _own_temporary_folder() -> Iterator[None]:
    """Lightning leaves a folder of each run in several processes, and torch a file of each of them that fails."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="robust-xtreme-", ignore_cleanup_errors=True) as tempfile.tempdir:
        try:
            yield
        finally:
            tempfile.tempdir = before


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Silence Lightning's loggers, which report devices and why it stopped, and its known warnings."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric", "lightning")]
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
    """Before each step set its rate; after it write a row of metrics.csv, save a state, call the progress callback."""

    def __init__(self, stage: LoopInputs, state: resume.State | None, options: Options, stop: Stop) -> None:
        self.stage = stage
        self.steps = stage.plan.steps
        self.stop = stop
        self.state = state
        self.options = options
        self.saved = time.monotonic()
        self.done = state.step if state else 0
        self.losses = list(state.losses) if state else []
        self.rows = _rows_until(stage.run / METRICS, self.done)
        self.parts = PartLosses([part.name for part in stage.parts], state.parts if state else {})
        self.loss = 0.0
        self.micro = 0

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Compute in one thread in each forked process: OpenMP's threads do not survive a fork and would block."""
        if trainer.world_size > 1:
            torch.set_num_threads(1)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Restore the random state of the saved step."""
        if self.state:
            self.state.restore_random()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Set the rate of this step; each of several processes draws its own dropout, by step and position."""
        for group in trainer.optimizers[0].param_groups:
            group["lr"] = self.stage.schedule.at(self.done)
        if trainer.world_size > 1:
            position = self.micro * trainer.world_size + trainer.global_rank
            key = digest("place", str(self.stage.plan.seed), str(self.done), str(position))  # on every machine the same
            torch.manual_seed(int(key, 16) % 2**63)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Add the loss, which Lightning has divided by `accumulate`; after the last batch of a step, end the step."""
        loss = float(outputs["loss"])
        if not math.isfinite(loss):
            raise ModelError(
                f"The loss is {loss} at step {self.done + 1} ({batch.named()}). What was saved before stays: look at "
                "these examples, or start again with a lower --lr and --force."
            )
        self.loss += loss
        pieces: Any = pl_module.pieces
        self.parts.note(pieces)
        self.micro += 1
        if self.micro == self.stage.spec.accumulate:
            self._step(trainer, pl_module)

    def _step(self, trainer: Trainer, module: LightningModule) -> None:
        """End a step: note its loss, report it, save a state where it is time, and stop where that was asked."""
        loss, self.loss, self.micro = self.loss, 0.0, 0
        if trainer.world_size > 1:
            loss = float(trainer.strategy.reduce(torch.tensor(loss), reduce_op="mean"))
        self.losses.append(loss)
        module.zero_grad()  # Lightning keeps gradients until the next batch was read
        self.parts.step(trainer)
        self.done += 1
        self._note_row(trainer, module)
        if trainer.is_global_zero:
            self.options.watch(Progress(self.stage.name, self.done, self.steps, loss))
        due, stop = time.monotonic() - self.saved >= self.options.save_seconds, self.stop.asked
        if trainer.world_size > 1:
            # The first of several processes decides.
            due, stop = trainer.strategy.broadcast((due, stop))
        if self.done == self.steps:
            self._write_metrics(trainer, module)
        elif due or stop:
            self._write_metrics(trainer, module)
            resume.save(trainer, self.stage.journal, self.done, tuple(self.losses), self.parts.waiting)
            self.saved = time.monotonic()
            if stop:
                raise KeyboardInterrupt

    def _note_row(self, trainer: Trainer, module: LightningModule) -> None:
        """A row every hundredth of the steps, at the end of an epoch with a score, and at the end."""
        last, dev = self.done == self.steps, self.stage.dev
        scored = last or self.done % self.stage.plan.epoch_steps == 0
        if not (dev and scored) and self.done % max(1, self.steps // _ROWS) and not last:
            return
        parts = self.parts.row()
        loss, rate = math.fsum(self.losses) / len(self.losses), self.stage.schedule.at(self.done - 1)
        score = {"dev": self._score(dev, module)} if dev and scored else {}
        shown = "".join(f"{value:.2f}" for value in score.values())
        self.rows.append(f"{self.done},{loss:.6g},{rate:.6g},{shown}{self.parts.cells(parts)}")
        for logger in trainer.loggers:
            logger.log_metrics({"loss": loss, "lr": rate, **score, **parts}, step=self.done)
        self.losses.clear()

    def _score(self, dev: Callable[[], float], module: LightningModule) -> float:
        module.eval()
        score = dev()
        if self.stage.select and module.trainer.is_global_zero:
            resume.keep_best(self.stage.journal, module, score, self.done)
        module.train()
        return score

    def _write_metrics(self, trainer: Trainer, module: LightningModule) -> None:
        """Write metrics.csv: mean loss since the row before, rate, score on validation data, loss of each part.

        Raises ModelError where weights are not numbers.
        """
        if not all(bool(torch.isfinite(parameter).all()) for parameter in module.parameters()):
            raise ModelError(
                f"The weights are not numbers after step {self.done}. What was saved before stays: start again with a "
                "lower --lr and --force."
            )
        if trainer.is_global_zero:
            text = "\n".join([f"step,loss,lr,dev{self.parts.columns()}", *self.rows]) + "\n"
            store.write_text(self.stage.run / METRICS, text, self.stage.journal.write)


def _rows_until(path: Path, step: int) -> list[str]:
    """The rows of an interrupted run up to its saved state."""
    if not step or not path.is_file():
        return []
    rows = path.read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    numbered = [(row, row.partition(",")[0]) for row in rows]
    return [row for row, number in numbered if number.isdecimal() and int(number) <= step]


_OURS: Final = "robust_xtreme.core.errors."
_GRADIENTS: Final = "in combination with fork-based multiprocessing"
"""What torch says in a copy of a process that has begun threads for its devices."""


def no_memory(size: int, split: int) -> RobustXtremeError:
    """A one-line error for batches of a size, read in `split` parts, that did not fit into memory."""
    return RobustXtremeError(
        f"Memory ran out with batches of {size} in {split}. The same command with --accumulate {2 * split} continues "
        "from the last saved state, and learns the same except for rounding and dropout."
    )


def of_process(message: str, size: int, split: int) -> RobustXtremeError:
    """The error of another process of the loop, as if it were raised here."""
    last = message.strip().splitlines()[-1]
    if out_of_memory(RuntimeError(message)):
        return no_memory(size, split)
    name, _, what = last.rpartition(_OURS)[2].partition(": ")
    kind = getattr(errors, name, None) if _OURS in last else None
    if isinstance(kind, type) and issubclass(kind, RobustXtremeError) and kind.__init__ is RobustXtremeError.__init__:
        return kind(what)
    if _GRADIENTS in last:
        why = "This process has computed gradients before, and then torch for GPUs computes none in a copy of it"
        return RobustXtremeError(f"{why}. Train in a new process, or with one device.")
    if cure := no_room(last):
        return DiskError(f"A process could not write: {last}. {cure}; the same command continues.")
    return RobustXtremeError(
        f"A process of the run ended: {last}. The same command continues from the last saved state."
    )


def notebook_options() -> Options | None:
    """The callbacks that show a training run in a notebook; None elsewhere."""
    bar = notebook_bar()
    if bar is None:
        return None

    def watch(at: Progress) -> None:
        bar.at(f"{at.stage.replace('_', ' ')}, loss {at.loss:.3f}", at.step, at.steps)

    return Options(tell=bar.tell, watch=watch)
