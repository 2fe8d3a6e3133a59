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
from typing import Any

import pytest
import torch
from benchmarks import _host_case, _host_model, _host_stages, host
from benchmarks._host_memory import peak_of
from benchmarks._host_page import page
from benchmarks._stage_meter import MAIN, Meter

from robust_xtreme.core import registry
from robust_xtreme.core.run_spec import from_mapping
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


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The figures of every kind of target, of few rows in one language."""
    folder = tmp_path_factory.mktemp("host")
    sources = {name: host.source_of(name, None, 6, folder) for name in TASKS}
    run = _host_model.make_run(folder / "run", ["one two three four"], list(sources))
    figures = {}
    for name, source in sources.items():
        values = {"model": [str(run)], "data": str(source.path), "tasks": [name], "languages": ["de"]}
        spec = from_mapping({**values, "perturb": [host.PERTURB], "out": str(folder / f"out-{name}")}, "test")
        figures[name] = {**_host_case.evaluated(spec), "bare": _host_case.tokenised(spec)}
        figures[name] |= {"made_up": True, "rows": 6, "mib": 1, "load": [0.1, 0.2]}
    return figures


@pytest.mark.long
def test_every_kind_of_target_is_measured(cases: dict[str, dict[str, Any]]) -> None:
    """Each has its predictions, stages of main thread and workers, and the texts that the bare tokenizer reads."""
    assert {name: case["predictions"] for name, case in cases.items()} == {**dict.fromkeys(TASKS, 12), "xquad": 18}
    for case in cases.values():
        assert {thread for _, thread, *_ in case["stages"]} == {"main", "lane"}
        assert {"forward", "tokenising", "noise: edits", "writing: parts"} <= {stage for stage, *_ in case["stages"]}
        assert 0 < case["answering"] < case["seconds"][1]
        assert 0 < case["inputs"] <= case["predictions"]
        assert 0 < case["bare"]["distinct"]["texts"] <= case["bare"]["texts"]
        assert case["bare"]["distinct"]["texts"] < case["bare"]["distinct"]["tokens"] <= case["bare"]["tokens"]
    texts = [(cases[name]["bare"]["texts"], cases[name]["bare"]["distinct"]["texts"]) for name in ("tatoeba", "xquad")]
    assert texts == [(24, 18), (36, 16)]


def _record(label: str, load: float, cases: dict[str, Any]) -> dict[str, Any]:
    about = {"device": "cpu", "cores": 2, "versions": "v", "perturb": [host.PERTURB], "seeds": 1}
    return {"label": label, **about, "cases": {name: {**case, "load": [load, load]} for name, case in cases.items()}}


@pytest.mark.long
def test_the_page_compares_labels(cases: dict[str, dict[str, Any]]) -> None:
    """Half the time on the clock is a ratio of 2; on a busy machine the page says that such rates do not compare."""
    before = _record("before", 4.0, cases)
    faster = {**cases["panx"], "seconds": [cases["panx"]["seconds"][0] / 2, cases["panx"]["seconds"][1]]}
    text = page([before, _record("after", 0.1, {"panx": faster})])
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| panx | ")]
    assert [(row[1], row[4], row[6]) for row in rows] == [("before", "1.00", "1.00"), ("after", "2.00", "1.00")]
    assert text.count("Other work shared it") == 1
    assert "Made of rows of the embedded suite: xnli" in text


@pytest.mark.long
def test_a_label_that_is_measured_again_replaces_its_cases_only(cases: dict[str, dict[str, Any]]) -> None:
    """Other cases of the label stay, and so do other labels, in their order."""
    before, after = _record("before", 1.0, cases), _record("after", 1.0, cases)
    again = _record("before", 3.0, {"xnli": cases["xnli"]})
    merged = host.merged([before, after], again)
    assert [record["label"] for record in merged] == ["before", "after"]
    assert list(merged[0]["cases"]) == list(TASKS)
    assert [merged[0]["cases"][name]["load"][0] for name in ("xnli", "panx")] == [3.0, 1.0]
    assert host.merged([], after) == [after]


@pytest.mark.process
def test_memory_is_that_of_a_process_and_its_children() -> None:
    """Two processes with 60 MiB each, one of which started the other, have over 120 MiB at their peak."""
    if not Path("/proc/self/status").is_file():
        pytest.skip("needs /proc")
    child = "import time; data = bytearray(b'1') * (60 << 20); time.sleep(1)"
    parent = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {child!r}]); {child}; p.wait()"
    assert 120 <= peak_of(subprocess.Popen([sys.executable, "-c", parent])) < 220
