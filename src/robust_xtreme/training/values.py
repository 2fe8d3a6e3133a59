"""The values of a training run in Python and on the command line: short forms, and keys of the last stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core import resources, run_paths
from robust_xtreme.core.errors import SpecError, shown
from robust_xtreme.core.keys import MOST, Argument, arguments, keys
from robust_xtreme.core.resources import TRAIN, find
from robust_xtreme.core.specs import check_keys, typed
from robust_xtreme.training import spec as specs

NO_TEXT: Final = "--mlm-steps needs --text: a file or folder of plain text, for masked LM."
_STAGE: Final = "Mapping[str, Any] | None"
SHORT: Final = {
    "task": Argument(
        "", "str | Sequence[str]", "the target, as in `list tasks`; several are learned together: `xnli,panx`"
    ),
    "encoder": Argument(
        "", "str | Path", "where to start: a transformers folder, a run of `train`, or `OWNER/NAME` on the hub"
    ),
    "scratch": Argument("", "str", "start from a new encoder: one of the sizes of the key `size`"),
    "mlm_steps": Argument(
        None, "int | None", "steps of masked LM on `text` before all other stages; none is 1200 from scratch, else 0"
    ),
    "allow_overlap": Argument(False, "bool", 'the same as `overlap="allow"`: results are stamped'),
    "mlm": Argument(None, _STAGE, 'the stage of masked LM by its keys: `{"text": "TEXT", "steps": 100}`'),
    "images": Argument(None, _STAGE, 'the stage of images with captions by its keys: `{"pairs": DIR, "steps": 100}`'),
    "intermediate": Argument(
        None, f"str | Sequence[str] | {_STAGE}", "the tasks learned together before the target, or a stage by its keys"
    ),
    "target": Argument(None, f"str | Sequence[str] | {_STAGE}", "the last stage by its keys, instead of `task`"),
}
"""The arguments of `train` in Python that are not keys of a run's file, or are its tables."""


def from_values(values: Mapping[str, Any], location: str = "train") -> specs.TrainSpec:
    """A TrainSpec from its keys by name; `mlm`, `images`, `intermediate` and `target` have a StageSpec's keys.

    Short forms: `task` and every key of a stage are those of the target, `intermediate` may be names with commas,
    `encoder` is `from`, `scratch` a size to start from, `mlm_steps` those of masked LM on `text`. Paths may be Paths,
    a list of one element may be a string. Raises SpecError naming the key that is unknown or of another type.
    """
    known = train_arguments()
    check_short(values, location)
    given = {key: value for key, value in values.items() if key not in known or not known[key].is_default(value)}
    check_keys(given, list(dict.fromkeys([*SHORT, *specs.run_keys(), *keys(specs.StageSpec)])), (), location)
    spec = specs.from_tables(tables_of(given), location)
    check_read(spec, values)
    return spec


def check_short(values: Mapping[str, Any], location: str) -> None:
    """Raise SpecError where a short form has another type."""
    for name in SHORT.keys() & values.keys():
        value, (kinds, what) = values[name], _KINDS[name]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise SpecError(f"{location}: {name} takes {what}, not {shown(value)}.")
    if not 0 <= (values.get("mlm_steps") or 0) <= MOST:
        raise SpecError(f"{location}: mlm_steps takes 0 to {MOST:,}.")


_NAMED: Final = (str, Path, list, tuple)
_STAGES: Final = ((*_NAMED, Mapping, type(None)), "names of tasks, or a stage by its keys")
_KINDS: Final[Mapping[str, tuple[tuple[type, ...], str]]] = {
    "task": (_NAMED, "a name or a list of names"),
    "encoder": ((str, Path), "a string or a Path"),
    "scratch": ((str,), "a string"),
    "mlm_steps": ((int, type(None)), "a whole number"),
    "allow_overlap": ((bool,), "True or False"),
    **dict.fromkeys(("mlm", "images"), ((Mapping, type(None)), "a stage by its keys")),
    **dict.fromkeys(("intermediate", "target"), _STAGES),
}
"""The types of the values of short forms, and how a message describes them."""


def check_read(spec: specs.TrainSpec, given: Mapping[str, Any]) -> None:
    """Raise SpecError where no stage reads the text that is given."""
    read = spec.start == specs.SCRATCH or any(stage.text for _, stage in spec.stages)
    if given.get("text") and given.get("mlm_steps") is None and not read:
        raise SpecError("Nothing reads --text: add --mlm-steps N, masked LM on it before the tasks, or leave it out.")


def is_default(name: str, value: Any) -> bool:
    """Whether a value is that of a short form that is not given; such a value does not replace a key of a file."""
    return name in SHORT and SHORT[name].is_default(value)


def train_arguments() -> dict[str, Argument]:
    """The arguments of `train` in Python: short forms, the keys of a run, and those of its last stage."""
    of_run = arguments(specs.TrainSpec, _TYPES)
    known = {**SHORT, **of_run, **arguments(specs.StageSpec, _TYPES), **of_run}
    return {name: argument for name, argument in known.items() if name not in ("start", "tasks")}


_TYPES: Final = {
    **dict.fromkeys(("data", "out", "text", "recipe", "translated", "pairs", "vision"), "str | Path"),
    "limit": "str | int",
    "packs": "str | Path | Sequence[str | Path]",
}


def tables_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Short forms as the keys and tables of a run's file. Raises SpecError where they contradict other values."""
    _check_once(values)
    tables = dict(values)
    target = {**_names(tables.pop("target", None) or {}), **_names(tables.pop("task", {}))}
    of_stage = [key for key in keys(specs.StageSpec) if key in tables and key not in keys(specs.TrainSpec)]
    target |= {key: tables.pop(key) for key in of_stage}
    if tables.get("intermediate") is not None:
        tables["intermediate"] = _names(tables["intermediate"])
    if tables.pop("allow_overlap", False):
        tables["overlap"] = "allow"
    if "encoder" in tables:
        tables["from"] = tables.pop("encoder")
    if tables.get("scratch"):
        tables |= {"from": specs.SCRATCH, "size": tables["scratch"]}
    steps = tables.pop("mlm_steps", None if tables.pop("scratch", "") else 0)
    if steps and not tables.get("text"):
        raise SpecError(NO_TEXT)
    if steps != 0 and tables.get("text"):
        tables.setdefault("mlm", {"text": tables["text"], **({"steps": steps} if steps else {})})
    return {**tables, **({"target": target} if target else {})}


def _check_once(values: Mapping[str, Any]) -> None:
    """Raise SpecError where two values say the same thing differently."""
    scratch, overlap = values.get("scratch"), values.get("overlap", "allow")
    if scratch and (values.get("encoder") or values.get("from")):
        raise SpecError("Name where to start: either --from, or --from-scratch SIZE with --text, not both.")
    if scratch and values.get("size", scratch) != scratch:
        raise SpecError(f"The size {shown(values['size'])} is not that of --from-scratch {scratch}. Name it once.")
    if values.get("task") and _names(values.get("target") or {}).get("tasks"):
        raise SpecError("Name the target once: either by task or by target, not both.")
    if values.get("mlm_steps") and values.get("mlm"):
        raise SpecError("Name the steps of masked LM once: either by mlm_steps or by mlm, not both.")
    if values.get("allow_overlap") and overlap != "allow":
        raise SpecError(f"--allow-overlap and --overlap {shown(overlap)} contradict each other. Name one.")


def _names(value: Any) -> dict[str, Any]:
    """A stage by the names of its tasks, with commas between them."""
    if isinstance(value, str):
        return {"tasks": [word.strip() for word in value.split(",")]}
    return dict(value) if isinstance(value, Mapping) else {"tasks": value}


Show = Callable[[Path, Sequence[str]], None]
"""Called with a file and the packs that it names, before they are read."""


def spec_of(name: str, given: Mapping[str, Any], show: Show = lambda *_: None) -> specs.TrainSpec:
    """The run of a file ("": none) and the options that are passed; an option replaces the key of the file.

    Raises UnknownName, SpecError.
    """
    check_short(given, "train")
    spec = _spec_of(name, given, show)
    check_read(spec, given)
    return spec


def _spec_of(name: str, given: Mapping[str, Any], show: Show) -> specs.TrainSpec:
    if not name:
        return specs.from_tables(_changes(given, {}), "train")
    path = find(name, TRAIN)
    replaced = {"from" if key in ("encoder", "scratch") else key for key in given}
    tables = run_paths.counted(resources.toml(path), path, replaced)
    if "packs" in tables and "packs" not in given:
        show(path, typed("packs", tables["packs"], "tuple[str, ...]", str(path)))
    if given.get("mlm_steps") == 0:
        tables.pop("mlm", None)
    start = ("from", "size", "revision") if "encoder" in given or "scratch" in given else ()
    kept = {key: value for key, value in tables.items() if key not in start}  # an option may name another start
    return specs.from_tables(specs.merged(kept, _changes(given, tables)), str(path))


def _changes(given: Mapping[str, Any], tables: Mapping[str, Any]) -> dict[str, Any]:
    """Options as the keys and tables of a run's file; the keys of a stage go into its table."""
    last_keys, first_keys = specs.of_panel(specs.LAST), specs.of_panel(specs.BEFORE)
    plain = {key: value for key, value in given.items() if key not in (*last_keys, *first_keys, "intermediate_steps")}
    _add_text(plain, tables)
    asked = tables_of(plain)
    there = [stage for stage in specs.STAGE_NAMES if stage in asked or stage in tables]
    last = there[-1] if there else "target"
    first = "intermediate" if "intermediate" in there else last
    stages = {stage: dict(asked.get(stage, {})) for stage in specs.STAGE_NAMES}
    stages[last] |= {key: given[key] for key in last_keys if key in given}
    stages[first] |= {key: given[key] for key in first_keys if key in given}
    if "intermediate_steps" in given:
        stages["intermediate"]["steps"] = given["intermediate_steps"]
    if "text" in given:
        for stage in specs.STAGE_NAMES:
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
