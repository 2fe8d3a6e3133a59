"""A damaged or foreign model folder is one line that names it, and never a model with weights drawn at random."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.tiny import tiny_run

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError
from robust_xtreme.models.labels import relabel_of
from robust_xtreme.models.loading import read_encoder
from robust_xtreme.models.located import locate

PANX = registry.load("task", "panx")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, made once."""
    return tiny_run(tmp_path_factory.mktemp("made") / "run", ["panx"])


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy of the run, to be damaged."""
    return Path(shutil.copytree(made, tmp_path / "run"))


def _change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"num_hidden_layers": 2}, r"encoder\.layer\.1.* no weights"),
        ({"model_type": "gpt2"}, r"c_attn\.bias .* no weights"),
        ({"hidden_size": 32}, "another shape"),
    ],
)
def test_a_configuration_of_another_encoder_is_refused(run: Path, values: dict[str, Any], line: str) -> None:
    """Layers that the file does not contain, another architecture, another width: never a model."""
    _change(run / "model" / "config.json", **values)
    with pytest.raises(ModelError, match=line):
        read_encoder(run / "model")


@pytest.mark.parametrize("labels", [None, 3, "OOOOOOO", {}, [1, 2, 3, 4, 5, 6, 7], ["A"] * 7, ["O"]])
def test_labels_that_are_not_the_tasks_are_refused(run: Path, labels: Any) -> None:
    """A head that names no labels, or others than the task's, would only ever be wrong."""
    _change(run / "heads" / "panx.json", labels=labels)
    with pytest.raises(ModelError, match="labels"):
        locate(run, PANX)


def test_tags_in_another_order_go_by_their_names(run: Path) -> None:
    """The head's own order of tags is taken; nothing has to be mapped."""
    _change(run / "heads" / "panx.json", labels=list(reversed(PANX.labels)))
    assert locate(run, PANX).labels == tuple(reversed(PANX.labels))
    assert relabel_of(locate(run, PANX), PANX) is None


@pytest.mark.parametrize("name", ["model/config.json", "heads/panx.json", "stages/01-target.json"])
def test_json_that_is_nested_too_deeply_is_one_line(run: Path, name: str) -> None:
    """Deeply nested JSON does not overflow the stack."""
    (run / name).write_text("[" * 100_000)
    with pytest.raises(ModelError, match=Path(name).name.replace(".", r"\.")):
        locate(run, PANX)
