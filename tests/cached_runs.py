"""Runs of `eval` whose predictions are counted, and copies of those that several tests begin with."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pytest

from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files.journal import JOURNAL
from robust_xtreme.models.predictors import predictor as batches_module
from robust_xtreme.models.predictors.predictor import decoded
from robust_xtreme.models.reading.reading import Inputs
from robust_xtreme.report.evaluation import Evaluation
from robust_xtreme.run.run import Observer, evaluate

TOTAL: Final = re.compile(r"in all: (\d+) predictions of (\d+) distinct inputs, (\d+) from the cache")


@dataclass(slots=True)  # messages and computed inputs are added while runs continue
class Runs:
    """Runs of one spec into folders of their own: what each computed, and its messages."""

    spec: RunSpec
    folder: Path
    begun: Begun
    computed: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def run(self, out: str, cache: bool = True, deduplicate: bool = True, **changes: Any) -> Evaluation:
        """A run; `computed` and `messages` are those of this run."""
        self.computed.clear()
        self.messages.clear()
        spec = replace(self.spec, **{"out": str(self.folder / out), **changes})
        return evaluate(spec, cache=cache, deduplicate=deduplicate, observer=Observer(say=self.messages.append))

    def first(self, cached: bool = True, **changes: Any) -> Evaluation:
        """A copy of a run that several tests begin with and, if `cached`, of the cache that it left."""
        begun = self.begun.run(self.spec, **changes)
        self.computed[:], self.messages[:] = begun.computed, begun.messages
        if cached:
            shutil.copytree(begun.folder / "cache", os.environ["ROBUST_XTREME_CACHE"])
        return Evaluation(Path(shutil.copytree(begun.folder / "out", self.folder / "first")), {})

    @property
    def total(self) -> tuple[int, int, int]:
        """Predictions, distinct inputs and inputs from the cache, as the end of the run says."""
        (total,) = filter(None, map(TOTAL.fullmatch, self.messages))
        return int(total[1]), int(total[2]), int(total[3])

    @property
    def warnings(self) -> list[str]:
        """The warnings among the messages; the models of tests have no hashes, of which each run warns."""
        return [line for line in self.messages if line.startswith("warning: ") and "not verified" not in line]


@dataclass(frozen=True, slots=True)
class Begun:
    """The runs that the tests of a file begin with, each computed once, with an empty cache."""

    folder: Path
    done: dict[str, Runs] = field(default_factory=dict)

    def run(self, spec: RunSpec, **changes: Any) -> Runs:
        """The run of a spec with changes: its folder has `out` and `cache`."""
        key = repr(sorted(changes.items()))
        if key not in self.done:
            runs = Runs(spec, self.folder / str(len(self.done)), self)
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("ROBUST_XTREME_CACHE", str(runs.folder / "cache"))
                count(runs, patch)
                runs.run("out", **changes)
            self.done[key] = runs
        return self.done[key]


def count(runs: Runs, patch: pytest.MonkeyPatch) -> None:
    """Let every prediction that is computed be counted."""

    def counted(weights_of: Any, reading: Any, labels: Any, inputs: Inputs, *rest: Any) -> Any:
        fields = [inputs.values(name) for name in inputs.contents.values]
        runs.computed += [" ".join(texts) for texts in zip(*fields, strict=True)]
        return decoded(weights_of, reading, labels, inputs, *rest)

    patch.setattr(batches_module, "decoded", counted)


def tables(result: Evaluation) -> dict[str, bytes]:
    """The bytes of every file of a run but its log, its lock and the paths in run.toml."""
    apart = ("log.txt", ".lock", "run.toml", JOURNAL)
    every = (path for path in result.folder.rglob("*") if path.is_file() and path.name not in apart)
    return {str(path.relative_to(result.folder)): path.read_bytes() for path in every}
