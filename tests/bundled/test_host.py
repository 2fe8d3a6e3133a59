"""benchmarks/host.py: the free encoder, made-up rows, stages, figures of several labels, and the committed pages."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from inspect import signature
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from benchmarks import _host_model, _host_stages, host
from benchmarks._host_memory import peak_of
from benchmarks._host_page import page
from benchmarks._stage_meter import MAIN, Meter

from robust_xtreme.core import registry
from robust_xtreme.models import loading
from robust_xtreme.tasks.sources.source import load, open_source

ROOT = Path(__file__).parents[2]
FIGURES = sorted((ROOT / "reports" / "benchmarks").glob("host-*.json"))
NAP = 0.05
TASKS = ("xnli", "xcopa", "panx", "xquad", "tatoeba")


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.stem)
def test_the_page_is_that_of_its_figures(path: Path) -> None:
    """reports/benchmarks/host-DEVICE.md has the bytes that the figures of all labels give."""
    assert page(json.loads(path.read_text(encoding="utf-8"))) == path.with_suffix(".md").read_text(encoding="utf-8")


def test_states_cost_nothing_and_differ() -> None:
    """The states of a batch are a part of the encoder's table, not a copy; those of another batch are others."""
    encoder = _host_model.Free(SimpleNamespace(hidden_size=4, num_hidden_layers=1))
    states = [encoder(torch.tensor(ids)).last_hidden_state for ids in ([[0, 7, 2], [0, 7, 8]], [[0, 9, 2], [0, 7, 8]])]
    assert states[0].shape == (2, 3, 4)
    assert states[0].untyped_storage().data_ptr() == encoder.table.untyped_storage().data_ptr()
    assert not torch.equal(*states)
    assert len({tuple(row) for row in states[0].reshape(-1, 4).tolist()}) == 6
    assert len(encoder(torch.tensor([[0]])).hidden_states) == 2


@pytest.mark.parametrize("name", TASKS)
def test_made_up_rows_are_rows_of_the_task_and_none_is_there_twice(name: str, tmp_path: Path) -> None:
    """More rows than the embedded suite has: each has a text of its own, and its target is valid."""
    made = host.source_of(name, None, 300, tmp_path)
    assert made.made_up
    task = registry.load("task", name)
    examples = load(task, open_source(str(made.path)), "de", made.split).examples
    assert len(examples) == 300
    assert len({example.id for example in examples}) == 300
    texts = [tuple(sorted((key, text.value) for key, text in example.texts.items())) for example in examples]
    assert len(set(texts[-40:])) == 40
    assert not set(texts[-40:]) & set(texts[:-40])


def test_a_language_without_a_test_file_gets_rows_of_its_dev_file_and_no_pair_twice(tmp_path: Path) -> None:
    """As many rows as the test has, each premise with other hypotheses in the second round."""
    (tmp_path / "xnli").mkdir()
    rows = [f"premise {n // 3}\thypothesis {n}\tneutral\n" for n in range(2490)]
    (tmp_path / "xnli" / "dev-bg.tsv").write_text("".join(rows), encoding="utf-8")
    (tmp_path / "xnli" / "test-de.tsv").write_text("a\tb\tneutral\n", encoding="utf-8")
    folder = _host_model.make_xnli_test(tmp_path / "out", tmp_path, ("bg", "de"))
    assert (folder / "xnli" / "test-de.tsv").read_text(encoding="utf-8") == "a\tb\tneutral\n"
    made = (folder / "xnli" / "test-bg.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    assert made[:2490] == rows
    assert len(made) == len(set(made)) == 5010


def test_a_stage_has_its_own_seconds_by_thread() -> None:
    """Time within another stage counts for that stage; threads are distinguished, and no wrapper stays."""
    package = SimpleNamespace(inner=lambda: time.sleep(2 * NAP))

    def outer() -> None:
        package.inner()
        time.sleep(NAP)

    package.outer = outer
    functions = (package.outer, package.inner)
    meter = Meter()
    with meter.on(((package, "outer", "score"), (package, "inner", "forward"))):
        package.outer()
        beside = threading.Thread(target=lambda: package.inner(), name="lane_0")
        beside.start()
        beside.join()
    assert (package.outer, package.inner) == functions
    assert set(meter.spent) == {("score", MAIN), ("forward", MAIN), ("forward", "lane")}
    assert NAP <= meter.spent["score", MAIN][0] < 2 * NAP <= meter.spent["forward", MAIN][0]


def test_every_function_that_is_timed_is_there() -> None:
    """A function of the package that is renamed is renamed in the benchmark too; one that is replaced takes as much."""
    timed = [name for owner, name, _ in _host_stages.TIMED if not callable(getattr(owner, name, None))]
    assert timed == []
    assert _host_stages.FORWARD in _host_stages.ORDER
    for given, free in ((loading.read_encoder, _host_model.free_encoder), (loading._head, _host_model.free_head)):
        assert len(signature(free).parameters) == len(signature(given).parameters)


@pytest.mark.process
def test_memory_is_that_of_a_process_and_its_children() -> None:
    """Two processes with 60 MiB each, one of which started the other, have over 120 MiB at their peak."""
    if not Path("/proc/self/status").is_file():
        pytest.skip("needs /proc")
    child = "import time; data = bytearray(b'1') * (60 << 20); time.sleep(1)"
    parent = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {child!r}]); {child}; p.wait()"
    assert 120 <= peak_of(subprocess.Popen([sys.executable, "-c", parent])) < 220
