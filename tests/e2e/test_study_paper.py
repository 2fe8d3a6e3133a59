"""The studies for XLM-R: one step of each of their stages, on a checkpoint of XLM-R's shape that is made here.

`make test-textattack` runs this on transformers 4, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from tests.encoders import encoder_folder
from tests.mini_suite import mini_files, mini_lines
from tests.seq2seq import M2M100, seq2seq_folder
from tests.some import some

from robust_xtreme.core.run_spec import from_mapping
from robust_xtreme.run.run import evaluate
from robust_xtreme.studies.planning import StudyPlan, cost_lines, plan_of
from robust_xtreme.studies.run import evaluation, training
from robust_xtreme.studies.study_file import Study, StudyCell, cells, read
from robust_xtreme.training.loop import Options
from robust_xtreme.training.spec import from_tables
from robust_xtreme.training.stage import train

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("unpaged")]

STUDIES: Final = (
    *((name, "paper") for name in ("robustness", "diversity", "low_resource", "multimodal", "capacity")),
    ("capacity", "mt5"),
)
_ROWS: Final = 30
_STEP: Final = {"steps": 1, "batch_size": 2, "limit": "8"}
_LENGTH: Final = ("epochs", "total", "steps", "limit", "batch_size")
_LIKE: Final = {"masakhaner": ("panx", "sw"), "americasnli": ("xnli", "ay")}
_MADE: Final = {"tydiqa": "xquad", "squad": "xquad", "mnli": "xnli", "anli": "xnli", "snli": "xnli", "ccg": "udpos"}
"""Tasks whose training rows are those of one that the embedded suite has, each another part of them."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite with the tasks of the studies, images with captions, and checkpoints of the same shapes."""
    folder = tmp_path_factory.mktemp("paper")
    for task in ("panx", "tydiqa", "xnli", "udpos"):
        _begin(task, folder / "data")
    for number, (task, source) in enumerate(_MADE.items()):
        _write(folder / "data" / task / "train-en.jsonl", _train(source)[(number + 1) * _ROWS :])
    _write(folder / "data" / "hellaswag" / "train-en.jsonl", [*_endings()])
    for task in ("panx", "tydiqa"):  # in another language, and none of the rows that are tested
        _write(folder / "data" / task / "train-sw.jsonl", mini_lines(f"{task}/test-sw.jsonl")[-_ROWS:])
    for task, (source, code) in _LIKE.items():
        _copy(folder / "data", task, source, code)
    _captions(folder / "data" / "multi30k")
    (folder / "data" / "suite.toml").write_text(_suite(folder / "data"), "utf-8")
    for name in ("xlm_roberta", "roberta", "clip", "siglip", "mt5_encoder"):
        encoder_folder(folder / name, name)
    seq2seq_folder(folder / "m2m", "m2m_100", (*M2M100, "__zh__"))
    return folder


def _begin(task: str, copy: Path) -> None:
    """The first rows of each file of a task."""
    for path in mini_files(f"{task}/*-*"):
        _write(copy / path, mini_lines(path))


def _train(task: str) -> list[str]:
    """The English training rows of a task of the embedded suite, a line each."""
    return mini_lines(f"{task}/train-en.jsonl")


def _write(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines[:_ROWS]), "utf-8")


def _endings() -> Iterator[str]:
    """Rows of xcopa with four choices, of which two are those of the next row."""
    rows = [json.loads(line) for line in _train("xcopa")]
    for row, other in pairwise(rows):
        choices = [*row["choices"], *other["choices"]]
        yield json.dumps({key: row[key] for key in ("id", "cluster", "premise", "label")} | {"choices": choices}) + "\n"


def _copy(data: Path, task: str, source: str, code: str) -> None:
    """Rows of another task as those of one that the embedded suites do not have."""
    (data / task).mkdir()
    split = "en" if source == "xnli" else code
    for name in ("test", "train") if source == "panx" else ("test",):
        text = (data / source / f"{name}-{split}.jsonl").read_text("utf-8")
        (data / task / f"{name}-{code}.jsonl").write_text(text, "utf-8")


def _captions(folder: Path) -> None:
    from PIL import Image

    (folder / "images").mkdir(parents=True)
    for number in range(8):
        Image.new("RGB", (24, 16), (30 * number, 99, 7)).save(folder / "images" / f"{number}.png")
    (folder / "train_images.txt").write_text("".join(f"{number}.png\n" for number in range(8)))
    (folder / "train.en").write_text("".join(f"colour number {number}\n" for number in range(8)))


def _suite(data: Path) -> str:
    """The description of the suite, by its files."""
    codes = sorted({path.stem.partition("-")[2] for path in data.glob("*/*-*.jsonl")})
    lines = ['name = "paper"', 'version = "1"', 'summary = "Made up."', f"languages = {json.dumps(codes)}"]
    for task in sorted(path.name for path in data.iterdir() if path.is_dir() and [*path.glob("*-*.jsonl")]):
        splits = sorted({path.stem.partition("-")[0] for path in (data / task).glob("*-*.jsonl")})
        there = sorted({path.stem.partition("-")[2] for path in (data / task).glob("*-*.jsonl")})
        lines += [f"[{task}]", f"splits = {json.dumps(splits)}", f"languages = {json.dumps(there)}"]
    return "\n".join(lines) + "\n"


def _small(study: Study, folder: Path) -> Study:
    """The study with checkpoints made here, one step for each stage, and languages of arms that the suite has."""
    arms = {
        name: replace(
            arm,
            train=_start(arm.train, folder),
            stages={stage: _one_step(table, folder) for stage, table in arm.stages.items()},
            target=_one_step(arm.target, folder),
            each=tuple(code for code in arm.each if code == "sw"),
            share=1.0,
        )
        for name, arm in study.arms.items()
    }
    targets = {name: _one_step(table, folder) for name, table in study.targets.items()}
    scored = {name: {**study.evaluate.get(name, {}), "languages": [_LIKE.get(name, ("", "sw"))[1]]} for name in targets}
    return replace(
        study,
        arms=arms,
        targets=targets,
        train=_start(study.train, folder),
        evaluate={**study.evaluate, **scored},
        seeds=1,
        device="cpu",
    )


def _start(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    kept = {key: value for key, value in values.items() if key != "revision"}
    shapes = {"siglip": "siglip", "mt5": "mt5_encoder", "/roberta": "roberta", "xlm-roberta": "xlm_roberta"}
    if "from" in kept:
        kept["from"] = str(folder / next(shape for name, shape in shapes.items() if name in kept["from"]))
    return kept


def _one_step(table: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    kept = {key: value for key, value in table.items() if key not in _LENGTH}
    if "vision" in kept:
        kept["vision"] = str(folder / "clip")
    if "translated" in kept:
        kept["translated"] = f"seq2seq:{folder / 'm2m'}"
    return {**kept, **_STEP}


def _chosen(study: Study) -> list[StudyCell]:
    """A cell of each arm, so that every target is one of them."""
    targets = list(study.targets)
    chosen = []
    for number, arm in enumerate(study.arms.values()):
        wanted = [target for target in arm.targets or targets if not arm.each or target in ("panx", "tydiqa")]
        target = wanted[number % len(wanted)]
        chosen.append(next(cell for cell in cells(study) if (cell.arm, cell.target) == (arm.name, target)))
    missing = set(targets) - {cell.target for cell in chosen}
    return [*chosen, *(next(cell for cell in cells(study) if cell.target == target) for target in sorted(missing))]


@pytest.mark.parametrize(
    ("name", "scale"),
    some(STUDIES, (("multimodal", "paper"),)),
)
def test_every_stage_of_a_study_of_the_paper_takes_a_step(name: str, scale: str, folder: Path, tmp_path: Path) -> None:
    """Each arm loads, plans, and trains a step of each of its stages; each target is evaluated."""
    study = _small(read(name, {"data": str(folder / "data"), "scale": scale}), folder)
    chosen, work = _chosen(study), tmp_path / "work"
    assert plan_of(study, work).lines()
    assert cost_lines(StudyPlan(study, tuple(chosen), tuple(chosen[:2]), ()))
    seen = set[str]()
    for cell in chosen:
        assert train(from_tables(training(cell, work, True), cell.name), Options()) == cell.run(work)
        if cell.target not in seen:
            keys = {**evaluation(replace(cell, victim=None), work, True), "limit": "4"}
            run = evaluate(from_mapping(keys, name), cache=False)
            assert run.scores.height
            seen.add(cell.target)
    assert seen == set(study.targets)
    kinds = {stage for arm in study.arms.values() for stage in arm.stages}
    stages = {path.name.partition("-")[2] for path in work.glob("runs/*/stages/*.json")}
    assert {f"{kind}.json" for kind in (*kinds, "target")} <= stages
