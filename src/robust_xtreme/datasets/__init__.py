"""Noise for datasets of `datasets`, and new noise in each epoch of a training.

    from robust_xtreme.datasets import perturb_dataset

    noisy = perturb_dataset(ds, "keyboard_typo:0.1", language="sw", column="text")

`perturb_dataset` noises columns of a dataset. `NoisyCollator` noises the texts of each batch, `LightningEpochs` and
`TrainerEpochs` are callbacks of Lightning and of transformers' Trainer that give it the epoch. What is not used is not
imported.
"""

import importlib
from typing import TYPE_CHECKING, Final

from robust_xtreme.core.errors import plain

if TYPE_CHECKING:
    from robust_xtreme.datasets.collating import NoisyCollator
    from robust_xtreme.datasets.lightning_epochs import LightningEpochs
    from robust_xtreme.datasets.mapping import perturb_dataset
    from robust_xtreme.datasets.trainer_epochs import TrainerEpochs

__all__ = ["LightningEpochs", "NoisyCollator", "TrainerEpochs", "perturb_dataset"]

_MODULES: Final = {
    "LightningEpochs": "lightning_epochs",
    "NoisyCollator": "collating",
    "TrainerEpochs": "trainer_epochs",
    "perturb_dataset": "mapping",
}


def __getattr__(name: str) -> object:
    """What the package exports, imported where it is first used. Raises AttributeError, NotInstalled."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with plain():
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
