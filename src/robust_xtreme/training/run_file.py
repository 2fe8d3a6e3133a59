"""Makes the TrainSpec of a run from its file and the options of the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core import resources, run_paths
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.shipped import TRAIN, find
from robust_xtreme.core.specs import typed
from robust_xtreme.training.spec import BEFORE, LAST, STAGE_NAMES, TrainSpec, from_tables, merged, of_panel
from robust_xtreme.training.values import NO_TEXT, check_read, check_short, tables_of

_FILED: Final = {"encoder": "from", "scratch": "from"}
"""Options by the keys that they replace, where the names differ."""


Show = Callable[[Path, Sequence[str]], None]
"""Called with a file and the packs that it names, before they are read."""


def spec_of(name: str, given: Mapping[str, Any], show: Show = lambda *_: None) -> TrainSpec:
    """The run of a file ("": none) and the options that are passed; an option replaces the key of the file.

    Raises UnknownName, SpecError.
    """
    check_short(given, "train")
    spec = _spec_of(name, given, show)
    check_read(spec, given)
    return spec


def _spec_of(name: str, given: Mapping[str, Any], show: Show) -> TrainSpec:
    if not name:
        return from_tables(_changes(given, {}), "train")
    path = find(name, TRAIN)
    replaced = {_FILED.get(key, key) for key in given}
    tables = run_paths.counted(resources.toml(path), path, replaced)
    if "packs" in tables and "packs" not in given:
        show(path, typed("packs", tables["packs"], "tuple[str, ...]", str(path)))
    if given.get("mlm_steps") == 0:
        tables.pop("mlm", None)
    start = ("from", "size", "revision") if "encoder" in given or "scratch" in given else ()
    kept = {key: value for key, value in tables.items() if key not in start}  # an option may name another start
    return from_tables(merged(kept, _changes(given, tables)), str(path))


def _changes(given: Mapping[str, Any], tables: Mapping[str, Any]) -> dict[str, Any]:
    """Options as the keys and tables of a run's file; the keys of a stage go into its table."""
    last_keys, first_keys = of_panel(LAST), of_panel(BEFORE)
    plain = {key: value for key, value in given.items() if key not in (*last_keys, *first_keys, "intermediate_steps")}
    _add_text(plain, tables)
    asked = tables_of(plain)
    there = [stage for stage in STAGE_NAMES if stage in asked or stage in tables]
    last = there[-1] if there else "target"
    first = "intermediate" if "intermediate" in there else last
    stages = {stage: dict(asked.get(stage, {})) for stage in STAGE_NAMES}
    stages[last] |= {key: given[key] for key in last_keys if key in given}
    stages[first] |= {key: given[key] for key in first_keys if key in given}
    if "intermediate_steps" in given:
        stages["intermediate"]["steps"] = given["intermediate_steps"]
    if "text" in given:
        for stage in STAGE_NAMES:
            if isinstance(tables.get(stage), dict) and "text" in tables[stage]:
                stages[stage]["text"] = given["text"]
    return {**asked, **{stage: keys for stage, keys in stages.items() if keys}}


def _add_text(plain: dict[str, Any], tables: Mapping[str, Any]) -> None:
    """Add the text of masked LM: the option's, or else the file's. Raises SpecError where there is none."""
    if not plain.get("mlm_steps") or plain.get("text"):
        return
    mlm = tables.get("mlm")
    text = (mlm.get("text") if isinstance(mlm, dict) else "") or tables.get("text")
    if not text:
        raise SpecError(NO_TEXT)
    plain["text"] = text
