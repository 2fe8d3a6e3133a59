"""Release files in miniature as the hub has them: the same rows in parquet, in the repositories that the tasks name."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # the same
from tests.loopback import Loopback

from robust_xtreme.core import registry
from robust_xtreme.core.languages import language as language_of
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.tasks.formats import reader
from robust_xtreme.tasks.sources.release import options

_TEXT: Final = {"dtype": "string", "_type": "Value"}
_NUMBER: Final = {"dtype": "int32", "_type": "Value"}
NAMES: Final = ("entailment", "neutral", "contradiction")
TAGS: Final = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
_CAUSAL: Final = ("premise", "choice1", "choice2", "question")
_ANSWERS: Final = pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int32()))])

LAYOUTS: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "tsv": (
        {"premise": pa.string(), "hypothesis": pa.string(), "label": pa.int64()},
        {"premise": _TEXT, "hypothesis": _TEXT, "label": {"names": list(NAMES), "_type": "ClassLabel"}},
    ),
    "iob2": (
        {"tokens": pa.list_(pa.string()), "ner_tags": pa.list_(pa.int64())},
        {
            "tokens": {"feature": _TEXT, "_type": "Sequence"},
            "ner_tags": {"feature": {"names": list(TAGS), "_type": "ClassLabel"}, "_type": "Sequence"},
        },
    ),
    "tsv_paraphrases": (
        {"id": pa.int32(), "sentence1": pa.string(), "sentence2": pa.string(), "label": pa.int64()},
        {
            "id": _NUMBER,
            "sentence1": _TEXT,
            "sentence2": _TEXT,
            "label": {"names": ["0", "1"], "_type": "ClassLabel"},
        },
    ),
    "jsonl_choices": (
        {**dict.fromkeys(_CAUSAL, pa.string()), "label": pa.int32(), "idx": pa.int32()},
        {**dict.fromkeys(_CAUSAL, _TEXT), "label": _NUMBER, "idx": _NUMBER},
    ),
    "squad": (
        {"id": pa.string(), "context": pa.string(), "question": pa.string(), "answers": _ANSWERS},
        {
            "id": _TEXT,
            "context": _TEXT,
            "question": _TEXT,
            "answers": {"feature": {"text": _TEXT, "answer_start": _NUMBER}, "_type": "Sequence"},
        },
    ),
}
"""The columns of each format of release files on the hub: their types, and the features that the files carry."""


def parquet(layout: str, rows: Iterable[Mapping[str, Any]], *, named: bool = True) -> bytes:
    """Rows as a parquet file of the hub; with its features, which contain the names of classes, unless not `named`."""
    types, features = LAYOUTS[layout]
    metadata = {"huggingface": json.dumps({"info": {"features": features}})} if named else None
    schema = pa.schema(list(types.items()), metadata=metadata)
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows], schema=schema), out)
    return out.getvalue()


def hub_rows(layout: str, path: Path) -> list[dict[str, Any]]:
    """The rows of a release file as the hub has them: classes by their numbers, answers by text and start."""
    read = reader(layout).read(path.read_text(encoding="utf-8"), str(path))
    return [_ROWS[layout](row.native, row.values) for row in read]


def _pair(_: str, values: Mapping[str, Any]) -> dict[str, Any]:
    label = NAMES.index(values["label"]) if values["label"] is not None else -1
    return {"premise": values["first"], "hypothesis": values["second"], "label": label}


def _sentence(_: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {"tokens": list(values["words"]), "ner_tags": [TAGS.index(tag) for tag in values["tags"]]}


def _question(native: str, values: Mapping[str, Any]) -> dict[str, Any]:
    context = values["context"]
    texts = [context[start:stop] for start, stop in values["answers"]]
    answers = {"text": texts, "answer_start": [start for start, _ in values["answers"]]}
    return {"id": native, "context": context, "question": values["question"], "answers": answers}


_ROWS: Final = {"tsv": _pair, "iob2": _sentence, "squad": _question}


def file_of(task: TaskSpec, split: str, language: str) -> str:
    """The path of a split's one file in its repository."""
    pattern = task.hub[split].files.replace("{language}", language)
    return pattern.replace("{name}", language_of(language).name.lower()).replace("*", "00000-of-00001")


def put_copies(hub: Loopback, folder: Path) -> None:
    """Put the validation files of xnli, panx and xquad that a folder has on a hub, at the commits that tasks pin."""
    for name in ("xnli", "panx", "xquad"):
        task: TaskSpec = registry.load("task", name)
        layout = task.files["validation"].reader
        files = {}
        for language in task.languages:
            path = folder / options(task.files["validation"], language)[0][0]
            if path.is_file():
                files[file_of(task, "validation", language)] = parquet(layout, hub_rows(layout, path))
        hub.put("dataset", task.hub["validation"].repo, files, task.hub["validation"].revision)
