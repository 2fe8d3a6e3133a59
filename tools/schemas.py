"""Makes docs/reference/schemas: JSON Schema of what the program writes for others and of the files that users write.

Each is made from the definitions that the program itself checks with: the shape of a manifest, the columns of frames,
the keys of suites, studies, `eval` and `train`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import polars as pl

from robust_xtreme.core import registry, run_paths
from robust_xtreme.core.keys import Key, keys, written
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.core.specs import NUMBERS
from robust_xtreme.files import frames, schema
from robust_xtreme.files.schema import COMPARISONS, SCHEMA_VERSION, VERDICTS, Frame
from robust_xtreme.stats import shapes
from robust_xtreme.studies import study_file
from robust_xtreme.studies.claims import MOST_SEEDS
from robust_xtreme.tasks.sources import own, suite
from robust_xtreme.tasks.sources.rows import SPLITS
from robust_xtreme.training.spec import STAGE_NAMES, StageSpec, TrainSpec

Schema = dict[str, Any]

FOLDER: Final = "docs/reference/schemas"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_JSON: Final[Mapping[Any, str]] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    dict: "object",
    type(None): "null",
    pl.String: "string",
    pl.Int64: "integer",
    pl.Float64: "number",
    pl.Boolean: "boolean",
}
_TEXT: Final[Schema] = {"type": "string"}
_TEXTS: Final[Schema] = {"type": "array", "items": _TEXT}
_NAMES: Final[Schema] = {**_TEXTS, "minItems": 1, "uniqueItems": True}
_COUNTS: Final[Schema] = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}
_VERSION: Final[Schema] = {"const": SCHEMA_VERSION}
_NATURAL: Final[Schema] = {"minimum": 0}
_POSITIVE: Final[Schema] = {"minimum": 1}
_SHA256: Final[Schema] = {"pattern": "^[0-9a-f]{64}$"}
_DIGEST: Final[Schema] = {"pattern": "^[0-9a-f]{16}$"}
_PAIRS: Final = ("pairs", "items", "clean_left", "noisy_left")
_NARROWER: Final[Mapping[str, Schema]] = {
    **dict.fromkeys(("spec_hash", "packs"), _DIGEST),
    **dict.fromkeys(("files.*", "parts.*"), _SHA256),
    **dict.fromkeys(("batch_tokens", "spec.seeds"), _POSITIVE),
    **dict.fromkeys(("units.*.rows", "units.*.candidates"), _NATURAL),
    **dict.fromkeys((f"units.*.external.{name}" for name in _PAIRS), _NATURAL),
    "units.*.files.*": {"properties": {"sha256": _SHA256}},
}
"""What the values of a manifest are beside their shape."""


def _document(title: str, description: str, **schema: Any) -> str:
    whole = {"$schema": _DIALECT, "title": title, "description": description, "type": "object", **schema}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


# ------------------------------------------------------------------------------------------------------------ manifest


def manifest() -> str:
    """That of the manifest of a finished run."""
    shape = of_shape(shapes.MANIFEST)
    for path, more in _NARROWER.items():
        _at(shape, *path.split(".")).update(more)
    digest = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
    known = {"schema_version": _VERSION, "complete": {"const": True}}
    return _document(
        "manifest.json of a finished run",
        "What a run was made of, without texts. A later version of the program may add keys.",
        properties={**known, "digest": digest, **shape["properties"]},
        required=[*known, *shape["required"]],
    )


def _at(schema: Schema, *names: str) -> Schema:
    """That of the values under these keys, of which `*` is any."""
    for name in names:
        schema = (schema.get("items") or schema["additionalProperties"]) if name == "*" else schema["properties"][name]
    return schema


def of_shape(shape: Any) -> Schema:
    """JSON Schema of a shape of `stats/shapes.py`."""
    if isinstance(shape, tuple):
        return {"anyOf": [of_shape(each) for each in shape]}
    if isinstance(shape, list):
        return {"type": "array", "items": of_shape(shape[0]), **({"minItems": 1} if len(shape) > 1 else {})}
    if not isinstance(shape, dict):
        return {"type": _JSON[shape]}
    if str in shape:
        least = {"minProperties": 1} if len(shape) > 1 else {}
        return {"type": "object", "additionalProperties": of_shape(shape[str]), **least}
    properties = {key.removesuffix("?"): of_shape(entry) for key, entry in shape.items()}
    needed = [key for key in shape if not key.endswith("?")]
    return {"type": "object", "properties": properties, **({"required": needed} if needed else {})}


# -------------------------------------------------------------------------------------------------------------- frames


def tables() -> str:
    """Those of a row of each frame, under its name in `$defs`."""
    every = [value for value in vars(schema).values() if isinstance(value, Frame)]
    return _document(
        "A row of a frame",
        f"Rows of frames of schema version {SCHEMA_VERSION} as JSON objects, each frame under its name. In a CSV file"
        " an empty cell is null where the column may be null, and otherwise an empty text; the first column is"
        " schema_version. A later version of the program may add columns.",
        **{"$defs": {frame.name: row(frame) for frame in every}},
    )


def row(frame: Frame) -> Schema:
    """That of a row of a frame; a column that older files can be without is not required, and later ones may come."""
    properties = {name: _column(frame, name) for name in frame.columns}
    needed = [name for name in properties if name not in frame.later]
    return {"type": "object", "properties": properties, "required": needed}


def _column(frame: Frame, name: str) -> Schema:
    column = frame.columns[name]
    if column.allowed:
        return {"enum": [*column.allowed, *([None] if column.nullable else [])]}
    if column.dtype == pl.List(pl.Float64):
        return {"type": "array", "items": {"type": "number"}}
    kind = _JSON[column.dtype]
    typed: Schema = {"type": [kind, "null"] if column.nullable else kind}
    low, high = frame.range(name) if kind in ("integer", "number") else frames.ANY
    bounds = {"minimum": low - frames._ROUNDED, "maximum": high + frames._ROUNDED}
    return {**typed, **{key: bound for key, bound in bounds.items() if abs(bound) < float("inf")}}


# ---------------------------------------------------------------------------------------------------------------- gate


def gate() -> str:
    """That of `gate -o FILE.json`."""
    properties = {
        "schema_version": _VERSION,
        "note": _TEXT,
        "passed": {"type": "boolean"},
        "outcome": {"enum": ["passed", "failed"]},
        "counts": _COUNTS,
        "counts_against_anchor": {"anyOf": [_COUNTS, {"type": "null"}]},
        "failing": {"type": "integer", "minimum": 0},
        "worst_cell": _TEXT,
        "worst_change": {"type": ["number", "null"]},
        "rows": {"type": "array", "items": row(VERDICTS)},
    }
    passed = {"passed": {"const": True}, "outcome": {"const": "passed"}, "failing": {"const": 0}}
    failed = {"passed": {"const": False}, "outcome": {"const": "failed"}, "failing": {"minimum": 1}}
    return _document(
        "gate -o FILE.json",
        "The verdict of a gate, with a row for each cell.",
        **_whole(properties),
        anyOf=[{"properties": passed}, {"properties": failed}],
    )


def compare() -> str:
    """That of `compare -o FILE.json`."""
    rows = {"type": "array", "items": row(COMPARISONS)}
    properties = {"schema_version": _VERSION, "note": _TEXT, "rows": rows}
    return _document("compare -o FILE.json", "Two runs compared, with a row for each cell.", **_whole(properties))


def _whole(properties: Mapping[str, Any]) -> Schema:
    """An object that has each of these keys; later versions may have others."""
    return {"properties": properties, "required": [*properties]}


# --------------------------------------------------------------------------------------------------------------- suite


def of_suite() -> str:
    """That of `suite.toml`."""
    line = {"type": "string", "pattern": r"\S", "maxLength": suite._LONGEST}
    texts = dict.fromkeys((*suite._TEXTS, suite._LICENCE), line)
    table: Schema = {
        "type": "object",
        "properties": {"splits": {**_NAMES, "items": {"enum": [*SPLITS]}}, "languages": _NAMES},
        "required": ["splits"],
        "anyOf": [_listed(()), *map(_own, own.READERS)],
    }
    return _document(
        "suite.toml",
        "A suite: each further key is a table, that of a task of the program or of one that it describes.",
        properties={**texts, "languages": _NAMES},
        required=[*suite._KEYS],
        additionalProperties=table,
        minProperties=len(suite._KEYS) + 1,
    )


def _listed(more: Iterable[str]) -> Schema:
    return {"propertyNames": {"enum": ["splits", "languages", *more]}}


def _own(target: str) -> Schema:
    """A table of a task with this target."""
    needed = {own.CHOICE: ["labels", "texts"], own.TAGS: ["labels"]}.get(target, [])
    label = {"type": "string", "minLength": 1, "maxLength": own._LONGEST_LABEL, "pattern": "^[^,]*$"}
    labels = {**_NAMES, "items": label, "minItems": 2, "maxItems": own.MOST_LABELS.get(target, 0)}
    texts = {**_NAMES, "items": {"type": "string", "pattern": f"^{own._TEXT.pattern}$"}, "maxItems": 2}
    kinds = {"labels": labels, "texts": texts}
    properties = {own.TARGET: {"const": target}, **{name: kinds[name] for name in needed}}
    return {"properties": properties, "required": [own.TARGET, *needed], **_listed([own.TARGET, *needed])}


# --------------------------------------------------------------------------------------------------------------- study


def study() -> str:
    """That of the file of a study."""
    designs = [registry.load("design", name) for name in registry.names("design")]
    analyses = [
        {
            "if": {"properties": {"design": {"const": design.name}}, "required": ["design"]},
            "then": {"properties": {"analysis": {"propertyNames": {"enum": _fields(design.analysis)}}}},
        }
        for design in designs
    ]
    scales = {"type": "object", "additionalProperties": {**_ref("study"), "unevaluatedProperties": False}}
    return _document(
        "The file of a study",
        "A table of [scales] replaces keys of the file; with the first, or the one that is named, it is whole.",
        properties={"design": {"enum": [design.name for design in designs]}, study_file.SCALES: scales},
        required=["design"],
        allOf=[_ref("study"), *analyses],
        unevaluatedProperties=False,
        **{
            "$defs": {
                "train": {"properties": _keyed(TrainSpec, study_file._SET)},
                "stage": {"properties": _keyed(StageSpec)},
                "eval": {"properties": _keyed(RunSpec, study_file._SET)},
                "study": {"type": "object", "properties": _study_keys()},
            }
        },
    )


def _fields(kind: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _study_keys() -> Schema:
    line = {"type": "string", "maxLength": study_file._LONGEST}
    above: Schema = {"type": "number", "exclusiveMinimum": 0}
    arm = {
        **{name: _keys_of("stage") for name in (*study_file._STAGES, "target")},
        **dict.fromkeys(("targets", "each"), _TEXTS),
        "evaluate": _keys_of("eval"),
        "share": {**above, "maximum": MOST_SEEDS},
        "parameters": above,
    }
    attack = {"spec": {"anyOf": [_TEXT, _TEXTS]}, "arm": _TEXT, "seed": {"type": "integer"}, "targets": _TEXTS}
    return {
        **dict.fromkeys((*study_file._TEXTS, "device", run_paths.FOLDER), line),
        "deviations": _TEXTS,
        "seeds": {"type": "integer", "minimum": 1, "maximum": MOST_SEEDS},
        "seed": {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
        "train": _keys_of("train"),
        "targets": {"type": "object", "additionalProperties": _keys_of("stage", {study_file.LEARNS: _TEXT})},
        "arms": {"type": "object", "additionalProperties": _keys_of("train", arm)},
        # The tables in [evaluate] are those of targets.
        "evaluate": {**_keys_of("eval"), "unevaluatedProperties": _keys_of("eval")},
        "attack": _table(attack),
        "power": _table({"effect": above, "sd": above}),
        "cost": _table({"device": _TEXT, "tflops": above, "parameters": above}),
        "analysis": {"type": "object"},
    }


def _keys_of(name: str, more: Mapping[str, Any] | None = None) -> Schema:
    """A table that may have the keys of a definition, some more, and no other."""
    return {"type": "object", **_ref(name), **({"properties": more} if more else {}), "unevaluatedProperties": False}


def _table(properties: Mapping[str, Any]) -> Schema:
    """A table that may have these keys and no other."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _keyed(kind: Any, without: Iterable[str] = ()) -> Schema:
    """The keys of a spec as they are written in files."""
    known = {written(name): (name, str(field.type), key) for name, (field, key) in keys(kind).items()}
    return {name: _key(*facts) for name, facts in known.items() if name not in without}


def _key(name: str, kind: str, key: Key) -> Schema:
    word: Schema = {"enum": [*key.choices]} if key.choices and name not in STAGE_NAMES else _TEXT
    match kind:
        case "tuple[str, ...]":
            return {"anyOf": [word, {"type": "array", "items": word}], "description": key.help}
        case "int":
            return {"type": "integer", "minimum": key.least, "maximum": key.most, "description": key.help}
        case "str":
            typed = {"type": ["string", "integer"]} if name in NUMBERS else word
            return {**typed, "description": key.help}
    return {"type": {"bool": "boolean", "float": "number"}[kind], "description": key.help}


DOCUMENTS: Final[Mapping[str, Callable[[], str]]] = {
    "manifest": manifest,
    "frames": tables,
    "gate": gate,
    "compare": compare,
    "suite": of_suite,
    "study": study,
}
"""The function of each schema by the first part of its file's name."""
