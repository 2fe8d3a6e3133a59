"""Read a run's training from its stages: for the frame MODELS, the setting of a cell, and the contamination rule."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core import registry
from robust_xtreme.core.errors import Contamination, DataError, ModelError
from robust_xtreme.core.examples import Example
from robust_xtreme.core.targets.contamination import check, unit
from robust_xtreme.stats.stages import own_data, read_stages

# The kind of encoder that a configuration describes: multilingual, monolingual, or a text tower.

MULTILINGUAL: Final = "multilingual"
MONOLINGUAL: Final = "monolingual"
TOWER: Final = "multimodal_text"

_ALWAYS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("xlm-roberta", "xlm-roberta-xl", "mt5", "umt5", "rembert", "canine", "xmod"), MULTILINGUAL),
    **dict.fromkeys(("robust_xtreme_mini", "mluke"), MULTILINGUAL),
    **dict.fromkeys(("roberta", "camembert", "flaubert", "albert", "mpnet", "longformer", "big_bird"), MONOLINGUAL),
    **dict.fromkeys(("clip", "clip_text_model", "siglip", "siglip_text_model"), TOWER),
    **dict.fromkeys(("siglip2", "siglip2_text_model", "chinese_clip", "chinese_clip_text_model", "altclip"), TOWER),
}
"""The kind of models of these types, whatever their vocabulary."""

_BY_VOCABULARY: Final[Mapping[str, int]] = {
    **dict.fromkeys(("bert", "distilbert", "electra", "modernbert"), 100_000),
    "deberta-v2": 200_000,
}
"""Types of both kinds: a model with at least so many vocabulary entries is multilingual.

mBERT has 105,879 and 119,547, LaBSE 501,153, mmBERT 256,000, mDeBERTa 251,000; monolingual models of these types have
21,128 to 128,100 (DeBERTa-v3).
"""


def base_kind(config: Mapping[str, Any]) -> str | None:
    """The kind of an encoder by its config.json; None where that is unknown.

    An encoder of a multilingual type can have been trained on one language: for one trained from scratch, the
    languages of its text are better evidence.
    """
    named, size = str(config.get("model_type")), config.get("vocab_size")
    fewest = _BY_VOCABULARY.get(named)
    if fewest is None or type(size) is not int:
        return _ALWAYS.get(named)
    return MULTILINGUAL if size >= fewest else MONOLINGUAL


STAGES: Final = "stages"
SCRATCH: Final = "scratch"
INTERMEDIATE: Final = "intermediate"
TARGET: Final = "target"
TOLERATED: Final = 0.02
"""The share of a split that may be in the training data: it is counted, and the split is not refused."""

_SHOWN: Final = (
    *("kind", "task", "control", "languages", "sampling", "mixing", "masked_lm", "text_languages", "limit", "total"),
    *("examples", "seen", "per_task", "steps", "batch_size", "lr", "precision", "selected_step", "seed", "data"),
    *("pairs", "images", "contrast", "vision"),
    *("perturb", "translated", "lora", "diversity", "parent"),
)
_ADDED: Final = (
    *("control", "mixing", "masked_lm", "text_languages", "limit", "total"),
    *("per_task", "selected_step", "translated", "lora", "diversity"),
    *("pairs", "images", "contrast", "vision"),
)
"""Keys that are shown only where their value is not empty."""


def stages(run: Path) -> tuple[dict[str, Any], ...]:
    """The records of a run's stages, in order; empty where the folder has none. Raises ModelError."""
    try:
        return read_stages(run)
    except DataError as error:
        raise ModelError(str(error)) from error


def languages_of(run: Path, head: str) -> tuple[str, ...] | None:
    """The languages that a head was trained on; None where no stage records them."""
    trained_languages = [
        stage["languages"] for stage in stages(run) if head in _tasks(stage) and stage.get("languages")
    ]
    return tuple(trained_languages[-1]) if trained_languages else None


def changed_texts(run: Path, heads: Sequence[str]) -> str:
    """A sentence on how the texts that the heads were trained on were changed; empty where they were not."""
    changes = [
        str(stage["perturb"]) for stage in stages(run) if stage.get("perturb") and not _tasks(stage).isdisjoint(heads)
    ]
    return f"{', '.join(heads)}: trained on changed texts. {'; '.join(changes)}." if changes else ""


def own_training(run: Path, task: str) -> str:
    """A sentence where the model learned the task's training data before its target; empty where it did not."""
    own_stages = [stage for stage in _of_kind(stages(run), INTERMEDIATE) if own_data(task) in _flags(stage)]
    if not own_stages:
        return ""
    learned = ", ".join(sorted(name for stage in own_stages for name in _tasks(stage) if task in _trains(name)))
    return f"{task}: the model learned {learned or 'them'} before, {task}'s own training data: this is not transfer."


def model_facts(run: Path, heads: Sequence[str], config: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The columns of MODELS that the stages give; unknown ones are left out.

    Only targets whose heads are used count; where no heads are used, all targets, since each of them trained the
    representation. `config` is the encoder's: its type gives the kind of encoder where no stage records it.
    """
    every = stages(run)
    if not every:
        return {}
    targets = [stage for stage in _of_kind(every, TARGET) if not (heads and _tasks(stage).isdisjoint(heads))]
    intermediate = _of_kind(every, INTERMEDIATE)
    shown = [
        {key: stage[key] for key in _SHOWN if key in stage and (stage[key] or key not in _ADDED)} for stage in every
    ]
    return {
        "stages": json.dumps(shown, ensure_ascii=False),
        "pretrain_languages": _pretrained_on(every, beside=True),
        **_base(every, config or {}),
        **(_intermediate(intermediate) if intermediate else {}),
        **(_target(targets) if targets else {}),
        **(_selected((targets or intermediate)[-1]) if targets or intermediate else {}),
    }


def _of_kind(every: Sequence[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    return [stage for stage in every if stage.get("kind") == kind]


def stage_flags(run: Path) -> list[str]:
    """The parts of a run's training data that are evaluated, for `overlap_flags`: allowed splits, data of tasks."""
    flags = {flag for stage in stages(run) for flag in (*stage.get("allowed", ()), *_flags(stage))}
    return sorted(flags)


def _tasks(stage: Mapping[str, Any]) -> set[str]:
    """The tasks of a stage: one, or several that were learned together."""
    return set(str(stage.get("task", "")).split(","))


def _trains(name: str) -> tuple[str, ...]:
    """The tasks whose training data an intermediate task uses; empty where the intermediate task is unknown."""
    if name not in registry.names("intermediate"):
        return ()
    trains: tuple[str, ...] = registry.load("intermediate", name).trains
    return trains


def _flags(stage: Mapping[str, Any]) -> set[str]:
    """The flags of a stage's data, and those of its intermediate tasks."""
    named = stage.get("kind") == INTERMEDIATE
    trained_on = {own_data(target) for name in _tasks(stage) for target in _trains(name)} if named else set()
    return {*stage.get("flags", ()), *trained_on}


def _pretrained_on(every: Sequence[Mapping[str, Any]], beside: bool) -> str | None:
    """The languages of masked LM, as JSON; `beside` adds those of text that was learned together with tasks."""
    learned = (TARGET, INTERMEDIATE)
    codes = {code for stage in every if stage.get("kind") not in learned for code in stage.get("languages", ())}
    codes |= {code for stage in every if beside for code in stage.get("text_languages", ())}
    return json.dumps(sorted(codes)) if codes else None


def _base(every: Sequence[Mapping[str, Any]], config: Mapping[str, Any]) -> dict[str, Any]:
    """Name, revision and kind of the encoder that the first stage started from; `scratch` where there was none.

    An encoder that learned from images with their captions is the text tower of images, whatever it was before.

    Of a folder only the last part of its path is given, so that tables do not contain paths.
    """
    first = every[0]
    base = {key: value for key, value in first.get("base", {}).items() if isinstance(value, str) and value}
    name = base.get("name") or (None if first.get("parent") else SCRATCH)
    languages = json.loads(_pretrained_on(every, beside=False) or "[]")
    if name and not base.get("revision"):
        name = Path(name).name
    if name and name.split()[0] == SCRATCH:
        of_text = (MULTILINGUAL if len(languages) > 1 else MONOLINGUAL) if languages else None
        kind = base.get("kind") or of_text  # that of bundled word vectors
    else:
        kind = base.get("kind") or base_kind(config)
    if any(stage.get("contrast") and not stage.get("control") for stage in every):
        kind = TOWER
    columns = {"base": name, "revision": base.get("revision"), "base_kind": kind}
    return {key: value for key, value in columns.items() if value}


def _intermediate(intermediate: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The intermediate stages together: tasks, each with its control; diversity only where there is one stage."""
    distance = (intermediate[0].get("diversity") or {}).get("distance")
    known = len(intermediate) == 1 and isinstance(distance, float) and math.isfinite(distance)
    return {
        "intermediate_set": ",".join(map(_with_control, intermediate)),
        "intermediate_examples": sum(int(stage.get("examples", 0)) for stage in intermediate),
        "diversity": distance if known else None,
    }


def _with_control(stage: Mapping[str, Any]) -> str:
    """The tasks of a stage, the share of masked LM beside them, and the control: `mnli+masked_lm:0.5`, `mnli@...`."""
    control, share = stage.get("control"), stage.get("masked_lm")
    beside = f"+masked_lm:{share:g}" if isinstance(share, float) and share and control != "masked_lm" else ""
    return "+".join(sorted(_tasks(stage))) + beside + (f"@{control}" if control else "")


def _target(targets: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "target": ",".join(dict.fromkeys(str(stage["task"]) for stage in targets)),
        "target_examples": sum(int(stage.get("examples", 0)) for stage in targets),
    }


def _selected(last: Mapping[str, Any]) -> dict[str, Any]:
    """How the last stage was trained, and how its weights were selected."""
    return {
        "recipe": last.get("recipe") or None,
        "train_seed": last.get("seed"),
        "selected_on": last.get("selected_on") or None,
    }


def overlap(run: Path, label: str, examples: Sequence[Example], allowed: bool) -> str:
    """A sentence on the examples that the run was trained on; empty where there are none.

    Raises Contamination where the shared passages, pairs or sentences of 8 words and more exceed the tolerated share
    of the split, unless `allowed`.
    """
    shared = check(run, examples)
    if not shared.count:
        return ""
    long = check(run, [example for example in examples if not unit(example).short])
    what = f"{label}: {shared.count} of {shared.total} {shared.kind}s are in the model's training data"
    if long.count > TOLERATED * shared.total and not allowed:
        raise Contamination(f"{what} (first: {long.first}). Leave it out, or stamp its results with --allow-overlap.")
    return f"{what}."
