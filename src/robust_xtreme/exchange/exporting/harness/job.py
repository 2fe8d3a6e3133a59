"""What is exported to a harness, as the user names it; each key is an option of `robust-xtreme export`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.keys import key, keys
from robust_xtreme.core.run_spec import DATA_VARIABLE, HUB, SPLITS

LM_EVAL: Final = "lm-eval"
INSPECT: Final = "inspect"
HARNESSES: Final = (LM_EVAL, INSPECT)
_PANEL: Final = "lm-eval and inspect"


@dataclass(frozen=True, slots=True)
class ExportJob:
    """An export to a harness: which rows, under which noise, into which folder. Raises SpecError, naming the key.

    `fields`, `rows`, `fewshot`, `cluster_field`, `choices` and `gold` are of tasks that robust-xtreme does not have.
    """

    what: str
    output: str
    force: bool = False
    tasks: tuple[str, ...] = key(
        (), "tasks and their groups; with --fields also others", _PANEL, "A,B", complete="tasks"
    )
    languages: tuple[str, ...] = key(
        (),
        "codes. Default: all of a task. Of another task the one that its name does not say",
        _PANEL,
        "--languages -l A,B",
        complete="languages",
    )
    perturb: tuple[str, ...] = key(
        (),
        "such as keyboard_typo:0.05,0.1, or a suite, such as @natural",
        _PANEL,
        "SPEC",
        complete="perturbation",
        repeated=True,
    )
    keep_names: bool = key(False, "words tagged as names stay, as in eval", _PANEL)
    seeds: int = key(1, "draws of each noise", _PANEL, "N", least=1, most=10_000)
    data: str = key(
        "",
        "release files, a suite, mini or hub. Default: ROBUST_XTREME_DATA, else the hub",
        _PANEL,
        "DIR | mini | hub",
        complete="data",
    )
    split: str = key(
        "auto", "`auto` is the split that lm-eval evaluates; for inspect that of eval", _PANEL, "SPLIT", SPLITS
    )
    limit: int = key(0, "rows of each language, whole clusters; 0: all", _PANEL, "N")
    fields: tuple[str, ...] = key((), "columns to noise, of tasks that robust-xtreme does not have", _PANEL, "A,B")
    rows: str = key(
        "",
        "JSON lines with their rows; {task} and {language} are filled in. Default: the dataset that lm-eval names",
        _PANEL,
        "FILE",
        complete="any_file",
    )
    fewshot: str = key("", "their rows for examples in prompts, for lm-eval", _PANEL, "FILE", complete="any_file")
    cluster_field: str = key("", "their column with the item of a row; its equal texts get one noise", _PANEL, "COLUMN")
    choices: tuple[str, ...] = key((), "their columns with the choices, for inspect", _PANEL, "A,B")
    gold: str = key("", "their column with the right answer, for inspect", _PANEL, "COLUMN")
    offline: bool = key(False, "open no connection: only the hub's cache is read", _PANEL)

    def __post_init__(self) -> None:
        for name, (_, known) in keys(ExportJob).items():
            value = getattr(self, name)
            if known.choices and value not in known.choices:
                raise SpecError(f"--{name} {value!r:.80} is none of: {', '.join(known.choices)}.")
            if type(value) is int and not known.least <= value <= known.most:
                raise SpecError(f"--{name} {value} is not from {known.least} to {known.most:,}.")
        for name in ("tasks", "perturb"):
            if not getattr(self, name):
                raise SpecError(f"export {self.what} needs --{name}. See: robust-xtreme export --help")
        if others := [option for option, only in _ONLY.items() if only != self.what and getattr(self, option)]:
            raise SpecError(f"export {self.what} takes no --{others[0]}: leave it out.")
        object.__setattr__(self, "data", self.data or os.environ.get(DATA_VARIABLE) or HUB)


_ONLY: Final = {"choices": INSPECT, "gold": INSPECT, "fewshot": LM_EVAL}
"""Keys of one of the harnesses."""
