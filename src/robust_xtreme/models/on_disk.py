"""The model of a task on disk, as processes know it that do not load it: they import no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from robust_xtreme.models.learned import Learned
from robust_xtreme.models.origin import ModelOrigin
from robust_xtreme.models.weights import parameters, weight_files


@final
@dataclass(frozen=True, slots=True)
class Native:
    """A checkpoint with a head: its architecture, the names of its classes in order, and whether its code may run.

    `classes` is empty where the head does not classify. `unclear` says where the configuration contradicts itself about
    the classes.
    """

    architecture: str
    classes: tuple[str, ...]
    trust: bool
    unclear: str = ""


@final
@dataclass(frozen=True, slots=True)
class Located:
    """One task's model on disk: the run or checkpoint, its head, and the identity of all its files.

    `heads` are those that are part of the identity, `learned` has the languages of the head's training data. `head` is
    empty where the task is answered by the encoder's representation. `labels` are the task's labels of the head's
    classes. `native` describes a checkpoint that is not a run of `train`; `renamed` is a note that the user named its
    classes differently.
    """

    origin: ModelOrigin
    task: str
    head: str
    family: str
    labels: tuple[str, ...]
    identity: str
    config: Mapping[str, Any]
    learned: Learned
    heads: tuple[str, ...]
    native: Native | None = None
    renamed: str = ""

    @property
    def run(self) -> Path:
        """The folder of the run or checkpoint."""
        return self.origin.folder

    @property
    def folder(self) -> Path:
        """The transformers folder: encoder (with its head, in a checkpoint) and tokenizer."""
        return self.run if self.native else self.run / "model"

    @property
    def shown(self) -> str:
        """The transformers folder as errors name it: its path, or its name on the hub."""
        return self.origin.typed if self.native else str(self.folder)

    @property
    def params(self) -> int:
        """The number of parameters of the encoder, and of the head where a checkpoint contains one."""
        return parameters(self._weights)[0]

    @property
    def params_nonembedding(self) -> int:
        """The same without the embedding tables of words, positions and types."""
        return parameters(self._weights)[1]

    @property
    def _weights(self) -> tuple[Path, ...]:
        if self.native:
            return weight_files(self.folder, self.shown)
        return tuple(sorted(self.folder.glob("*.safetensors")))

    @property
    def name(self) -> str:
        """The model's name in frames and tables: its folder or hub name, and the first digits of its identity."""
        return f"{self.origin.called}@{self.identity[:8]}"

    @property
    def label_map(self) -> dict[str, str]:
        """The classes of a checkpoint, each with the task's label; empty for a run."""
        return dict(zip(self.native.classes, self.labels, strict=True)) if self.native else {}
