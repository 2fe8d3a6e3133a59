"""TrainSpec: one training run as a flat value, and the recipes that fill what it leaves open."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, final

from robust_xtreme import groups, registry
from robust_xtreme.errors import SpecError, UnknownName
from robust_xtreme.specs import TaskSpec, check_keys


@final
@dataclass(frozen=True, slots=True)
class Recipe:
    """How a target task is learned: passes over the data, windows a step, learning rate, warm-up, weight decay.

    A step of choice or retrieval counts examples, whose windows are learned together. `warmup` is a number of steps, at
    most a tenth of all.
    """

    epochs: int
    batch_size: int
    lr: float
    warmup: int = 0
    weight_decay: float = 0.0


_MANY: Final = 1_000_000_000

RECIPES: Final[Mapping[str, Mapping[str, Recipe]]] = MappingProxyType(
    {
        # XTREME's scripts for XLM-R large.
        "xtreme": {
            "classification": Recipe(epochs=5, batch_size=32, lr=3e-5),
            "tagging": Recipe(epochs=10, batch_size=32, lr=2e-5),
            "span_qa": Recipe(epochs=3, batch_size=32, lr=3e-5, warmup=500, weight_decay=1e-4),
            "choice": Recipe(epochs=5, batch_size=32, lr=3e-5),
            "retrieval": Recipe(epochs=3, batch_size=16, lr=2e-5),
        },
        # Small models that have seen little text: higher rates, more passes.
        "scratch": {
            "classification": Recipe(epochs=4, batch_size=32, lr=5e-4, warmup=_MANY, weight_decay=0.01),
            "tagging": Recipe(epochs=15, batch_size=32, lr=1e-3, warmup=_MANY, weight_decay=0.01),
            "span_qa": Recipe(epochs=4, batch_size=32, lr=5e-4, warmup=_MANY, weight_decay=0.01),
            "choice": Recipe(epochs=8, batch_size=32, lr=5e-4, warmup=_MANY, weight_decay=0.01),
            "retrieval": Recipe(epochs=8, batch_size=32, lr=5e-4, warmup=_MANY, weight_decay=0.01),
        },
    }
)

MLM_STEPS: Final = 1200
DEVICES: Final = ("auto", "cpu", "cuda")
SIZE_NAMES: Final = ("small", "tiny")
_MAX_SEED: Final = 2**32 - 1


@final
@dataclass(frozen=True, slots=True)
class TrainSpec:
    """One run of `train`: tasks, their data, and the encoder it starts from. 0 takes the recipe's value.

    `task` is a name, or several with commas between them (`xnli,panx`): tasks that are learned together over one
    encoder, each with a head of its own.

    `data` is a folder of release files or of a suite, `mini`, or `hub`, which `offline` reads from the cache alone.
    Either `encoder` names a transformers folder, or `scratch` a size (`small`, `tiny`), whose tokenizer and masked-LM
    steps come from `text`, a file or a folder of plain text. `limit` is in examples, whole clusters. `reported` are
    the tasks that the overlap rule guards; none named means every task found under `data`.
    Raises SpecError, naming the option.
    """

    task: str
    data: str
    out: str = ""
    encoder: str = ""
    scratch: str = ""
    text: str = ""
    epochs: int = 0
    steps: int = 0
    batch_size: int = 0
    lr: float = 0.0
    seed: int = 0
    mlm_steps: int = MLM_STEPS
    limit: int = 0
    reported: tuple[str, ...] = ()
    allow_overlap: bool = False
    device: str = "auto"
    offline: bool = False

    def __post_init__(self) -> None:
        _check_start(self)
        for name in ("epochs", "steps", "batch_size", "mlm_steps", "limit", "seed"):
            if getattr(self, name) < 0:
                raise SpecError(f"--{name.replace('_', '-')} {getattr(self, name)} is below 0.")
        if not 0 <= self.lr < 1:
            raise SpecError(f"--lr {self.lr} is not between 0 and 1.")
        if self.seed > _MAX_SEED:
            raise SpecError(f"--seed {self.seed} is above {_MAX_SEED}.")
        if self.device not in DEVICES:
            raise UnknownName("device", self.device, DEVICES, "robust-xtreme train --help")

    @property
    def recipe(self) -> str:
        """The recipe that fills what the spec leaves open: `xtreme` for a pretrained encoder, else `scratch`."""
        return "scratch" if self.scratch else "xtreme"

    @property
    def folder(self) -> Path:
        """Where the run is written: `out`, or `runs/TASK-FROM-sSEED`."""
        start = self.scratch or Path(self.encoder).name
        tasks = "+".join(self.names)
        return Path(self.out) if self.out else Path("runs") / f"{tasks}-{start}-s{self.seed}"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tasks to learn."""
        return tuple(name.strip() for name in self.task.split(","))

    def targets(self) -> tuple[TaskSpec, ...]:
        """The tasks to learn. Raises UnknownName, and SpecError for a group or a task that no head answers."""
        return tuple(_target(name) for name in self.names)

    def resolved(self) -> TrainSpec:
        """The same spec with the recipe's values filled in. Raises SpecError where there is no recipe."""
        for task in self.targets():
            if task.family not in RECIPES[self.recipe]:
                raise SpecError(f"There is no recipe to train {task.name}, of the family {task.family}.")
        filled = self.defaults()
        return replace(
            self,
            epochs=self.epochs or (0 if self.steps else filled.epochs),
            batch_size=self.batch_size or filled.batch_size,
            lr=self.lr or filled.lr,
            mlm_steps=self.mlm_steps if self.scratch else 0,
        )

    def defaults(self) -> Recipe:
        """The recipe of the task's family.

        Of several tasks: the most epochs, the smallest batch and rate, the longest warm-up, the strongest decay.
        """
        found = [RECIPES[self.recipe][task.family] for task in self.targets()]
        return Recipe(
            epochs=max(one.epochs for one in found),
            batch_size=min(one.batch_size for one in found),
            lr=min(one.lr for one in found),
            warmup=max(one.warmup for one in found),
            weight_decay=max(one.weight_decay for one in found),
        )


def _target(name: str) -> TaskSpec:
    """A task to learn. Raises UnknownName, and SpecError for a group of tasks and for a task without a head."""
    if name not in registry.names("task"):
        tasks = [registry.load("task", one) for one in groups.chosen([name])]
        named = ",".join(one.name for one in tasks if one.head and one.train_languages)
        what = f"Name those to train: --task {named}" if named else "None of its tasks is trained."
        raise SpecError(f"train takes tasks, and {name} is a group of them. {what}")
    task: TaskSpec = registry.load("task", name)
    if not task.head:
        how = f"robust-xtreme eval --model NAME --tasks {name}"
        raise SpecError(f"{name} needs no training: any encoder's representation answers it. Evaluate one: {how}")
    return task


def from_values(values: Mapping[str, Any]) -> TrainSpec:
    """A TrainSpec from its values by name; paths may be Paths, and one task of `reported` a string.

    Raises SpecError naming the value that is unknown, missing or of another type.
    """
    known = {one.name: str(one.type) for one in dataclasses.fields(TrainSpec)}
    check_keys(values, known, ("task", "data"), "train")
    return TrainSpec(**{name: _typed(name, value, known[name]) for name, value in values.items()})


def _typed(name: str, value: Any, kind: str) -> Any:
    match kind, value:
        case ("str", str()) | ("bool", bool()) | ("float", float()):
            return value
        case "str", Path():
            return str(value)
        case ("int", int()) | ("float", int()) if not isinstance(value, bool):
            return value
        case "tuple[str, ...]", str():
            return (value,)
        case "tuple[str, ...]", list() | tuple() if all(isinstance(one, str) for one in value):
            return tuple(value)
        case _:
            raise SpecError(f"train: the value {name!r} takes {_KINDS[kind]}, not {value!r}.")


_KINDS: Final = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "True or False",
    "tuple[str, ...]": "a list of strings",
}

NOT_IDENTITY: Final = ("data", "out", "encoder", "text", "device", "reported", "offline")
"""Where things lie and what computes them: their contents count, not their names."""


def identity_fields(spec: TrainSpec) -> dict[str, Any]:
    """The fields of a spec that say what is computed."""
    return {key: value for key, value in dataclasses.asdict(spec).items() if key not in NOT_IDENTITY}


def _check_start(spec: TrainSpec) -> None:
    if len(set(spec.names)) < len(spec.names):
        raise SpecError(f"--task {spec.task} names a task twice.")
    if bool(spec.encoder) == bool(spec.scratch):
        raise SpecError("Name where to start: either --from DIR (a transformers encoder) or --from-scratch small.")
    if spec.scratch and spec.scratch not in SIZE_NAMES:
        raise UnknownName("size", spec.scratch, SIZE_NAMES, "robust-xtreme train --help")
    if spec.scratch and not spec.text:
        raise SpecError("--from-scratch needs --text: a file or folder of plain text, for the tokenizer and masked LM.")
    if spec.epochs and spec.steps:
        raise SpecError("--epochs and --steps both say how long to train. Name one.")
    if not spec.data:
        raise SpecError("No data are named. Add --data DIR, the folder of the release files, or --data mini or hub.")
