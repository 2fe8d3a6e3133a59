"""What the study trains: its arms and targets, the run files that say so, and the data folder that they name."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme.results import store

NONE: Final = "none"
MIX: Final = "mix"
MASKED: Final = "masked_lm"
SHUFFLED: Final = "shuffled_labels"
CONTROLS: Final = (MASKED, SHUFFLED)
TARGETS: Final = ("xnli", "panx", "tydiqa")
ZERO_SHOT: Final = "tatoeba"
EVALUATED: Final = (*TARGETS, ZERO_SHOT)
TEXT: Final = "flores_first100"
SQUAD: Final = ("squad/train-v1.1.json", "squad/dev-v1.1.rebuilt.json")
"""SQuAD's training file, and its substitute where it is missing: the released development set, put together."""


@final
@dataclass(frozen=True, slots=True)
class Settings:
    """What the study computes. Steps and limits are of each run; `choice` is the intermediate task of choices."""

    seeds: int = 5
    choice: str = "commonsense_qa"
    size: str = "small"
    base_steps: int = 120
    intermediate_steps: int = 60
    target_steps: Mapping[str, int] = field(default_factory=lambda: {"xnli": 120, "panx": 200, "tydiqa": 40})
    batch_size: int = 16
    target_batch: Mapping[str, int] = field(default_factory=lambda: {"xnli": 16, "panx": 32, "tydiqa": 16})
    limits: Mapping[str, int] = field(default_factory=lambda: {"xnli": 201, "panx": 200, "tydiqa": 200, "tatoeba": 200})

    @property
    def singles(self) -> tuple[str, ...]:
        """The intermediate tasks: questions, inference, choices."""
        return ("squad", "mnli", self.choice)

    @property
    def arms(self) -> tuple[str, ...]:
        """What is compared: nothing, the controls of the mix, each task, and the mix."""
        return (NONE, *CONTROLS, *self.singles, MIX)

    def stage(self, arm: str) -> dict[str, Any]:
        """The table [intermediate] of an arm; empty for none. The controls are those of the mix."""
        if arm == NONE:
            return {}
        tasks = [arm] if arm in self.singles else list(self.singles)
        control = {"control": arm} if arm in CONTROLS else {}
        return {"tasks": tasks, "steps": self.intermediate_steps, "batch_size": self.batch_size, **control}


@final
@dataclass(frozen=True, slots=True)
class Chain:
    """One arm with one seed: an intermediate stage, a run for each target, and what is evaluated of them."""

    arm: str
    seed: int

    @property
    def name(self) -> str:
        """What its folders begin with."""
        return f"{self.arm}-s{self.seed}"


@final
@dataclass(frozen=True, slots=True)
class Study:
    """The settings, and where everything is kept."""

    settings: Settings
    work: Path

    @property
    def data(self) -> Path:
        """The data folder that the runs read."""
        return self.work / "data"

    @property
    def base(self) -> Path:
        """The run of the shared masked-LM stage."""
        return self.work / "base"

    def as_made(self) -> Study:
        """The study in the folder that its runs were made in, as their files name it; a copy may be elsewhere."""
        path = self.file("base")
        if not path.is_file():
            return self
        return replace(self, work=Path(tomllib.loads(path.read_text("utf-8"))["out"]).parent)

    def chains(self) -> Iterator[Chain]:
        """Every chain, seed by seed, so that what is there when time ends has every arm."""
        yield from (Chain(arm, seed) for seed in range(self.settings.seeds) for arm in self.settings.arms)

    def encoder(self, chain: Chain) -> Path:
        """The run that a chain's targets start from, and that answers without one."""
        return self.base if chain.arm == NONE else self.work / chain.name

    def run(self, chain: Chain, target: str) -> Path:
        """A target's run."""
        return self.work / f"{chain.name}-{target}"

    def evaluation(self, chain: Chain, task: str) -> Path:
        """The folder of a task's evaluation."""
        return self.work / "eval" / f"{chain.name}-{task}"

    def file(self, name: str) -> Path:
        """A run file."""
        return self.work / "files" / f"{name}.toml"


def base_file(study: Study) -> dict[str, Any]:
    """The run file of the shared model: from scratch, masked LM on all languages of the text."""
    text = str(study.data / TEXT)
    top = {"from": "scratch", "size": study.settings.size, "text": text, "out": str(study.base), "seed": 0}
    return {**top, **_common(study), "mlm": {"text": text, "steps": study.settings.base_steps}}


def arm_file(study: Study, chain: Chain) -> dict[str, Any]:
    """The run file of an intermediate stage."""
    out = str(study.encoder(chain))
    top = {"from": str(study.base), "out": out, "seed": chain.seed, **_common(study)}
    return {**top, "intermediate": study.settings.stage(chain.arm)}


def target_file(study: Study, chain: Chain, target: str) -> dict[str, Any]:
    """The run file of a target stage."""
    out = str(study.run(chain, target))
    top = {"from": str(study.encoder(chain)), "out": out, "seed": chain.seed, **_common(study)}
    steps, batch = study.settings.target_steps[target], study.settings.target_batch[target]
    return {**top, "target": {"tasks": [target], "steps": steps, "batch_size": batch}}


def _common(study: Study) -> dict[str, Any]:
    how = {"recipe": "scratch", "optimizer": "adamw", "offline": True, "device": "cpu"}
    return {"data": str(study.data), "reported": list(TARGETS), **how}


def toml(values: Mapping[str, Any]) -> str:
    """Keys, then tables, as a run file."""
    flat = [f"{key} = {_value(value)}" for key, value in values.items() if not isinstance(value, Mapping)]
    tables = {key: value for key, value in values.items() if isinstance(value, Mapping)}
    blocks = [
        "\n".join([f"[{name}]", *(f"{key} = {_value(value)}" for key, value in table.items())])
        for name, table in tables.items()
    ]
    return "\n\n".join(["\n".join(flat), *blocks]) + "\n"


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def write_files(study: Study) -> None:
    """Write every run file; each is what `robust-xtreme train FILE` takes."""
    store.make_folder(study.work / "files")
    store.write_text(study.file("base"), toml(base_file(study)))
    for chain in study.chains():
        if chain.arm != NONE:
            store.write_text(study.file(chain.name), toml(arm_file(study, chain)))
        for target in TARGETS:
            store.write_text(study.file(f"{chain.name}-{target}"), toml(target_file(study, chain, target)))


def link_data(data: Path, study: Study) -> bool:
    """Make the study's data folder of links; whether SQuAD's development set replaces its training set there."""
    missing = not (data / SQUAD[0]).is_file()
    for entry in sorted(data.iterdir()):
        if not (missing and entry.name == "squad"):
            _link(study.data / entry.name, entry)
    if missing:
        _link(study.data / SQUAD[0], data / SQUAD[1])
    return missing


def _link(link: Path, to: Path) -> None:
    store.make_folder(link.parent)
    if not link.is_symlink():
        link.symlink_to(to.resolve())
