"""Every parser of JSON that comes from outside refuses a key that occurs twice, whatever is beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from tests.imports import items
from tests.program import program

from robust_xtreme.core import strict_json
from robust_xtreme.core.errors import DataError, ModelError, UserError
from robust_xtreme.files import store
from robust_xtreme.models.folder import read_json
from robust_xtreme.models.tokenizer import read_tokenizer
from robust_xtreme.noise.engine.rewriter import checked
from robust_xtreme.tasks.adapters.own import tasks_in
from robust_xtreme.tasks.formats import squad
from robust_xtreme.tasks.formats._json import objects, placed
from robust_xtreme.tasks.noisy.frozen_runs import edits_of
from robust_xtreme.tasks.sources.suite import open_suite
from robust_xtreme.training.resume import config_of

TWICE: Final = '{"a": {"b": 1, "\\u0062": 2}}'


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 1}', '{"a": 1, "\\u0061": 2}', '[{"b": [{"a": 1, "c": 0, "a": 2}]}]', '{"": 1, "": 1}']
)
def test_a_key_that_occurs_twice_is_refused(text: str) -> None:
    """At any depth, with its letters or with their escapes, with equal values or others."""
    with pytest.raises(strict_json.RepeatedKey, match=r"'(a|)'"):
        strict_json.loads(text)
    assert strict_json.loads('{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}') == {"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}


def test_a_hook_gets_each_object() -> None:
    """Objects that a hook makes are checked as others are."""
    assert strict_json.loads('{"a": {"b": 1}}', hook=lambda value: [*value]) == ["a"]
    with pytest.raises(strict_json.RepeatedKey):
        strict_json.loads(TWICE, hook=lambda value: value)


def _model(folder: Path, name: str) -> Path:
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")
    (folder / name).write_text(TWICE)
    return folder


READERS: Final[dict[str, Callable[[Path], Any]]] = {
    "a stored file": lambda folder: store.read_json(folder / "f.json"),
    "a configuration": lambda folder: read_json(folder / "f.json"),
    "a configuration of an encoder": lambda folder: config_of(_model(folder, "config.json"), "it"),
    "a masked model": lambda folder: checked(str(_model(folder, "config.json")), "model", "it"),
    "a tokenizer": lambda folder: read_tokenizer(_model(folder, "tokenizer_config.json")),
    "special tokens": lambda folder: read_tokenizer(_model(folder, "special_tokens_map.json")),
    "a line": lambda _: [*objects(f"\n{TWICE}\n", "f")],
    "a value with places": lambda _: placed(TWICE, "f", 1, keys=("c",)),
    "SQuAD's file": lambda _: squad.read(f'{{"data": [], "more": {TWICE}}}', "f"),
    "edits of another run": lambda folder: edits_of(folder, "it", f"[{TWICE}]"),
}


@pytest.mark.parametrize("name", READERS)
def test_every_reader_refuses_it(name: str, tmp_path: Path) -> None:
    """Files of models, manifests and data: one line."""
    (tmp_path / "f.json").write_text(TWICE)
    with pytest.raises((UserError, DataError, ModelError)) as error:
        READERS[name](tmp_path)
    assert "\n" not in str(error.value)


def test_a_row_of_a_suite_names_the_key(tmp_path: Path) -> None:
    """The rows of own tasks are read so, too."""
    described = 'target = "choice"\nlabels = ["a", "b"]\ntexts = ["text"]\nsplits = ["test"]\n'
    named = 'name = "s"\nversion = "1"\nsummary = "s"\nlanguages = ["sw"]\n'
    (tmp_path / "suite.toml").write_text(f"{named}[mood]\n{described}")
    (task,) = tasks_in(str(tmp_path))
    row = '{"id": "1", "text": "x", "label": "a"}\n'
    assert open_suite(tmp_path).rows_of(task, row, "f")[0].values == {"text": "x", "label": "a"}
    with pytest.raises(DataError, match="'label' occurs twice"):
        open_suite(tmp_path).rows_of(task, row + row.replace('"label"', '"label": "b", "label"'), "f")


@pytest.mark.parametrize("beside", ["", "\\\\"])
def test_which_of_two_values_counts_is_not_decided_by_a_backslash(tmp_path: Path, beside: str) -> None:
    """A row with two gold answers gave 100 or 0 depending on what was beside; it is refused with its line."""
    rows = [json.dumps(row) for row in items()]
    rows[7] = f'{rows[7][:-1]}, "note": "{beside}", "gold": "neutral"}}'
    (tmp_path / "rows.jsonl").write_text("\n".join(rows))
    ended = program("import", str(tmp_path / "rows.jsonl"), "-o", str(tmp_path / "run"))
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "gold" in ended.err
