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
from robust_xtreme.files.schema import COMPARISONS, SCHEMA_VERSION, VERDICT_NAMES, VERDICTS, Frame
from robust_xtreme.stats import shapes
from robust_xtreme.studies import design, study_file
from robust_xtreme.studies.claims import MOST_SEEDS
from robust_xtreme.tasks.formats.labelled_jsonl import LABEL
from robust_xtreme.tasks.sources import own, suite
from robust_xtreme.tasks.sources.rows import SPLITS
from robust_xtreme.training import spec as training
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
    list: "array",
    type(None): "null",
    pl.String: "string",
    pl.Int64: "integer",
    pl.Float64: "number",
    pl.Boolean: "boolean",
}
_TEXT: Final[Schema] = {"type": "string"}
_TEXTS: Final[Schema] = {"type": "array", "items": _TEXT}
_NAMES: Final[Schema] = {**_TEXTS, "minItems": 1, "uniqueItems": True}
_LISTED: Final[Schema] = {"type": "array", "items": {"type": "string", "pattern": r"\S"}}
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
    **dict.fromkeys(("units.*.rows", "units.*.candidates", "units.*.clusters"), _NATURAL),
    "units.*.pool": _DIGEST,
    "imported.files.*.sha256": _SHA256,
    "units": {"minItems": 1},
    **dict.fromkeys((f"units.*.external.{name}" for name in _PAIRS), _NATURAL),
    "units.*.files.*": {"properties": {"sha256": _SHA256}},
}
"""What the values of a manifest are beside their shape."""

_MORE: Final[Mapping[str, Any]] = {
    "": {
        "versions": {str: str},
        "deduplicate": bool,
        "suites": {str: [str]},
        "imported": {
            **dict.fromkeys(("inference?", "lm_eval_version?", "version?", "n-shot?", "settings?"), str),
            **dict.fromkeys(("format", "chat_template_sha?", "system_instruction_sha?"), str),
            "files": [{"name": str, "sha256": str}],
            "rescored?": [str],
        },
    },
    "spec": {
        **dict.fromkeys(("split", "limit", "precision", "representation", "dims"), str),
        **dict.fromkeys(("allow_overlap", "compile", "keep_names", "trust_remote_code", "external_partial"), bool),
        **{key: [str] for key in ("prompts", "labels", "revision", "trained_on", "max_length", "external", "match")},
    },
    "models.*": {
        **dict.fromkeys(("head", "source", "revision", "trained_on_by", "reranker", "reranker_version"), str),
        "params": int,
        "labels": {str: str},
    },
    "units.*": {"clusters": int, "pool": str, "fields": [str]},
    "units.*.external": {"set": str},
    "not_run.*": {"split": str, "condition": str},
}
"""Keys that are written into manifests and that no reader needs, by where they are, with their shapes."""

_ALWAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "": ("version", "spec_hash", "device", "notes", "not_run"),
    "files": ("models.csv", "conditions.csv", "scores.csv", "deltas.csv", "averages.csv"),
    "spec": ("tasks", "languages", "split", "perturb", "seeds"),
    "tasks.*": ("family", "score", "groups"),
    "units.*": ("split", "data", "rows", "clusters", "files"),
}
"""Keys that every manifest has beside those that readers need."""

_EVALUATED: Final[Schema] = {
    "required": ["versions", "batch_tokens", "deduplicate", "overlap"],
    "properties": {"spec": {"required": ["limit", "precision", "allow_overlap"]}},
}
"""What the manifest of a run has that was not imported."""


def _document(title: str, description: str, **schema: Any) -> str:
    whole = {"$schema": _DIALECT, "title": title, "description": description, "type": "object", **schema}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


# ------------------------------------------------------------------------------------------------------------ manifest


def manifest() -> str:
    """That of the manifest of a finished run."""
    shape = of_shape(shapes.MANIFEST)
    for path, more in _MORE.items():
        _at(shape, path)["properties"].update(of_shape(more)["properties"])
    for path, names in _ALWAYS.items():
        _at(shape, path).setdefault("required", []).extend(names)
    for path, narrower in _NARROWER.items():
        _at(shape, path).update(narrower)
    digest = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
    known = {"schema_version": _VERSION, "complete": {"const": True}}
    return _document(
        "manifest.json of a finished run",
        "What a run was made of, without texts. A later version of the program may add keys.",
        properties={**known, "digest": digest, **shape["properties"]},
        required=[*known, *shape["required"]],
        anyOf=[{"required": ["imported"]}, _EVALUATED],
    )


def _at(schema: Schema, path: str) -> Schema:
    """That of the values under a path of keys, `units.*.rows`, of which `*` is any; of no key the schema itself."""
    for name in filter(None, path.split(".")):
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
        " schema_version, which a parquet file has in its metadata. A later version of the program may add columns.",
        anyOf=[_ref(frame.name) for frame in every],
        **{"$defs": {frame.name: _stored(frame) for frame in every}},
    )


def _stored(frame: Frame) -> Schema:
    """That of a row of a frame as a file, which may begin with the version."""
    fits = row(frame)
    return {**fits, "properties": {"schema_version": _VERSION, **fits["properties"]}}


def row(frame: Frame) -> Schema:
    """That of a row of a frame; later versions may have more columns."""
    properties = {name: _column(frame, name) for name in frame.columns}
    return {"type": "object", "properties": properties, "required": list(frame.columns)}


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
    counts = {
        "type": "object",
        "properties": {name: {"type": "integer", "minimum": 0} for name in VERDICT_NAMES},
        "required": [*VERDICT_NAMES],
        "additionalProperties": False,
    }
    properties = {
        "schema_version": _VERSION,
        "note": _TEXT,
        "passed": {"type": "boolean"},
        "outcome": {"enum": ["passed", "failed"]},
        "counts": counts,
        "counts_against_anchor": {"anyOf": [counts, {"type": "null"}]},
        "failing": {"type": "integer", "minimum": 0},
        "worst_cell": _TEXT,
        "worst_change": {"type": ["number", "null"]},
        "rows": {"type": "array", "items": row(VERDICTS), "minItems": 1},
    }
    fails = {"contains": {"properties": {"fails": {"const": True}}}}
    passed = {"passed": {"const": True}, "outcome": {"const": "passed"}, "failing": {"const": 0}}
    failed = {"passed": {"const": False}, "outcome": {"const": "failed"}, "failing": {"minimum": 1}}
    return _document(
        "gate -o FILE.json",
        "The verdict of a gate, with a row for each cell.",
        **_whole(properties),
        anyOf=[{"properties": {**passed, "rows": {"not": fails}}}, {"properties": {**failed, "rows": fails}}],
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


_OPTION: Final = r"^--(data|fields|gold|language-field|format)=[\s\S]+$"
"""An option of a file of rows, from which the program made a suite."""

_WORDS: Final = r"^[^\s,\u0000-\u001f\u007f-\u009f]+( +[^\s,\u0000-\u001f\u007f-\u009f]+)*$"
"""A label: no comma, no character of control, and blanks only within."""


def of_suite() -> str:
    """That of `suite.toml`."""
    line = {"type": "string", "pattern": r"\S", "maxLength": suite._LONGEST}
    texts = dict.fromkeys((*suite._TEXTS, suite._LICENCE), line)
    known = {**texts, "languages": _NAMES, suite.READ_BY: {**_NAMES, "items": {"type": "string", "pattern": _OPTION}}}
    table: Schema = {
        "type": "object",
        "properties": {"splits": {**_NAMES, "items": {"enum": [*SPLITS]}}, "languages": _NAMES},
        "required": ["splits"],
        "anyOf": [_listed(()), *map(_own, own.READERS)],
    }
    return _document(
        "suite.toml",
        "A suite: each further key is a table, that of a task of the program or of one that it describes.",
        properties=known,
        required=[*suite._KEYS],
        propertyNames={"pattern": f"^{own._NAME.pattern}$"},
        additionalProperties=table,
        **{"not": {"propertyNames": {"enum": [*known]}}},  # at least one table
    )


def _listed(more: Iterable[str]) -> Schema:
    return {"propertyNames": {"enum": ["splits", "languages", *more]}}


def _own(target: str) -> Schema:
    """A table of a task with this target."""
    needed = {own.CHOICE: ["labels", "texts"], own.TAGS: ["labels"]}.get(target, [])
    label = {"type": "string", "maxLength": own._LONGEST_LABEL, "pattern": _WORDS}
    taken = "|".join((*own._NAMES, LABEL))
    labels = {**_NAMES, "items": label, "minItems": 2, "maxItems": own.MOST_LABELS.get(target, 0)}
    texts = {**_NAMES, "items": {"type": "string", "pattern": f"^(?!({taken})$){own._TEXT.pattern}$"}, "maxItems": 2}
    kinds = {"labels": labels, "texts": texts}
    optional = {own.CONFIRMED: {"type": "boolean"}} if "labels" in needed else {}
    properties = {own.TARGET: {"const": target}, **{name: kinds[name] for name in needed}, **optional}
    return {"properties": properties, "required": [own.TARGET, *needed], **_listed([*properties])}


# --------------------------------------------------------------------------------------------------------------- study


def study() -> str:
    """That of the file of a study."""
    designs = [registry.load("design", name) for name in registry.names("design")]
    scales = {"type": "object", "additionalProperties": {**_ref("study"), "unevaluatedProperties": False}}
    evaluated = _keyed(RunSpec, study_file._SET)
    for name in ("languages", "perturb"):  # a text alone is refused
        evaluated[name] = {**_LISTED, "description": evaluated[name]["description"]}
    return _document(
        "The file of a study",
        "A table of [scales] replaces keys of the file; with the first, or the one that is named, it is whole.",
        properties={study_file.SCALES: {**scales, "propertyNames": _NAMED}},
        allOf=[
            _ref("study"),
            *(_somewhere(name) for name in ("design", "targets", "arms", "analysis")),
            *(_whole_table(name, needed.split()) for name, needed in _NEEDED.items()),
            *map(_analysis, designs),
        ],
        unevaluatedProperties=False,
        **{
            "$defs": {
                "train": {"properties": _keyed(TrainSpec, study_file._SET)},
                "stage": {"properties": _keyed(StageSpec)},
                "eval": {"properties": evaluated},
                "study": {"type": "object", "properties": _study_keys([each.name for each in designs])},
            }
        },
    )


_NAMED: Final[Schema] = {"pattern": f"^{study_file._NAME.pattern}$"}
_NEEDED: Final = {"attack": "spec arm", "power": "effect sd", "cost": "device tflops parameters"}
"""The tables that a study may have, and the keys that each needs."""

_KINDS: Final = {name: _JSON[kind] for name, kind in design._TYPES.items() if isinstance(kind, type)}


def _analysis(of: design.Design) -> Schema:
    """That of a study of this design: the keys of [analysis] with their types, and those that it needs."""
    known = {field.name: field for field in dataclasses.fields(of.analysis)}
    typed = {name: {"type": _KINDS[str(field.type).partition("[")[0]]} for name, field in known.items()}
    needed = [name for name, field in known.items() if field.default is field.default_factory is dataclasses.MISSING]
    return {
        "if": {"properties": {"design": {"const": of.name}}, "required": ["design"]},
        "then": {
            "properties": {"analysis": {"properties": typed, "additionalProperties": False}},
            **(_whole_table("analysis", needed) if needed else {}),
        },
    }


def _whole_table(name: str, needed: Iterable[str]) -> Schema:
    """A table that is there has each of these keys: in the file or, where the file has it, in a scale."""
    each_scale = {"additionalProperties": {"properties": {name: {"required": [*needed]}}}}
    return {
        "if": {"required": [name]},
        "then": {"allOf": [_somewhere(name, key) for key in needed]},
        "else": {"properties": {study_file.SCALES: each_scale}},
    }


def _somewhere(*path: str) -> Schema:
    """The file has a key, or a key of a table, or one of its scales has it."""
    there: Schema = {}
    for name in reversed(path):
        there = {"required": [name], **({"properties": {name: there}} if there else {})}
    some = {"not": {"additionalProperties": {"not": there}}}
    return {"anyOf": [there, {"required": [study_file.SCALES], "properties": {study_file.SCALES: some}}]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _study_keys(designs: list[str]) -> Schema:
    line = {"type": "string", "maxLength": study_file._LONGEST}
    above: Schema = {"type": "number", "exclusiveMinimum": 0}
    spread: Schema = {**above, "maximum": MOST_SEEDS}
    arm = {
        **{name: _keys_of("stage") for name in (*study_file._STAGES, "target")},
        **dict.fromkeys(("targets", "each"), _LISTED),
        "evaluate": _keys_of("eval"),
        "share": spread,
        "parameters": above,
    }
    seed = {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}
    attack = {"spec": {"anyOf": [_LISTED["items"], _LISTED]}, "arm": _TEXT, "seed": seed, "targets": _LISTED}
    return {
        **dict.fromkeys((*study_file._TEXTS, run_paths.FOLDER), line),
        "design": {"enum": designs},
        "device": {"enum": [*keys(TrainSpec)["device"][1].choices]},
        "deviations": {"type": "array", "items": {"type": "string", "minLength": 1}},
        "seeds": {"type": "integer", "minimum": 1, "maximum": MOST_SEEDS},
        "seed": seed,
        "train": _keys_of("train"),
        "targets": {"type": "object", "additionalProperties": _keys_of("stage", {study_file.LEARNS: _TEXT})},
        "arms": {
            "type": "object",
            "propertyNames": _NAMED,
            "additionalProperties": _keys_of("train", arm),
            "maxProperties": study_file._MOST_ARMS,
        },
        # The tables in [evaluate] are those of targets.
        "evaluate": {**_keys_of("eval"), "unevaluatedProperties": _keys_of("eval")},
        "attack": _table(attack),
        "power": _table({"effect": spread, "sd": spread}),
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
            alone = _TEXT if name in training._LISTS else word  # of those a text may name several
            several = {"type": "array", "items": word} if "enum" in word else _LISTED
            return {"anyOf": [alone, several], "description": key.help}
        case "int":
            return {"type": "integer", "minimum": key.least, "maximum": key.most, "description": key.help}
        case "str":
            typed = {"type": ["string", "integer"]} if name in NUMBERS else word
            return {**typed, "description": key.help}
        case "float":
            return {"type": "number", **_RANGES[name], "description": key.help}
    return {"type": "boolean", "description": key.help}


_SHARE: Final[Schema] = {"minimum": 0, "exclusiveMaximum": 1}
_RANGES: Final[Mapping[str, Schema]] = {**dict.fromkeys(("lr", "masked_lm"), _SHARE), "clip": {"minimum": 0}}
"""The ranges of keys that are numbers, by name."""


DOCUMENTS: Final[Mapping[str, Callable[[], str]]] = {
    "manifest": manifest,
    "frames": tables,
    "gate": gate,
    "compare": compare,
    "suite": of_suite,
    "study": study,
}
"""The function of each schema by the first part of its file's name."""
