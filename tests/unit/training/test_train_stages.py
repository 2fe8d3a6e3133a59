"""Stages of a run: the encoder alone is carried over, bit by bit, and runs share what they have in common."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.lessons import lessons
from tests.tiny import tiny_encoder_folder
from tests.trainings import Stopped, copied, stop_at

from robust_xtreme.core import registry
from robust_xtreme.core.errors import Mismatch, MissingData, SpecError
from robust_xtreme.files import store
from robust_xtreme.training import loop, stage
from robust_xtreme.training.chain import chain_of
from robust_xtreme.training.device import own_random
from robust_xtreme.training.loop import Options, Progress
from robust_xtreme.training.module import TrainingModule
from robust_xtreme.training.spec import TrainSpec
from robust_xtreme.training.stage import train
from robust_xtreme.training.text import languages_in, read_lines
from robust_xtreme.training.values import from_values

Weights = dict[str, torch.Tensor]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Release files with thirty-two lessons a task."""
    return lessons(tmp_path / "data")


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """A tiny random encoder."""
    return tiny_encoder_folder(tmp_path / "encoder")


def _spec(data: Path, encoder: Path, out: str, **changed: Any) -> TrainSpec:
    """Masked LM, two intermediate tasks, one target; three steps each."""
    steps = {"steps": 3, "batch_size": 8, "lr": 5e-3}
    values: dict[str, Any] = {
        "mlm": {"text": data / "text", **steps},
        "intermediate": {"tasks": ["xnli", "tydiqa"], **steps},
        "target": {"tasks": ["panx"], **steps},
        "device": "cpu",
        **changed,
    }
    for name in ("mlm", "intermediate", "target"):
        if isinstance(values[name], dict) and "steps" not in values[name]:
            values[name] = {"text": data / "text"} | steps | values[name] if name == "mlm" else steps | values[name]
    return from_values({**values, "data": data, "encoder": encoder, "out": data.parent / "runs" / out})


def _trained(spec: TrainSpec) -> list[str]:
    """The stages that a run computes."""
    seen: dict[str, None] = {}
    train(spec, Options(watch=lambda at: seen.update({at.stage: None})))
    return list(seen)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, encoder, and a run of all three stages."""
    home = tmp_path_factory.mktemp("stages")
    spec = _spec(lessons(home / "data"), tiny_encoder_folder(home / "encoder"), "run")
    assert _trained(spec) == ["masked_lm", "intermediate", "target"]
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """A copy of it for a test of its own."""
    return copied(made, tmp_path / "home")


def _identities(spec: TrainSpec) -> list[str]:
    return [link.identity for link in chain_of(spec.resolved(), lambda _: None).links]


def _folders(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "runs").iterdir())


def _copy(state: Any) -> Weights:
    return {name: value.clone() for name, value in state.items()}


def _equal(weights: Weights, other: Weights) -> bool:
    return weights.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in weights.items())


def _cut(weights: Weights, rows: torch.Tensor | None) -> Weights:
    """The weights with the rows of the word embeddings that are trained."""
    name = "embeddings.word_embeddings.weight"
    return weights if rows is None else {**weights, name: weights[name][rows]}


def test_only_the_encoder_is_carried_over(
    data: Path, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each stage's first step computes with the encoder that the stage before wrote, bit by bit; heads are new."""
    first: list[tuple[Weights, list[Weights]]] = []
    rows: list[torch.Tensor | None] = []
    known: list[TrainingModule] = []
    step = TrainingModule.training_step

    def spy(self: TrainingModule, batch: Any, batch_idx: int) -> Any:
        if self not in known:
            known.append(self)
            rows.append(self.rows)
            first.append((_copy(self.encoder.state_dict()), [_copy(head.state_dict()) for head in self.heads]))
        return step(self, batch, batch_idx)

    monkeypatch.setattr(TrainingModule, "training_step", spy)
    spec = _spec(data, encoder, "run", intermediate={"tasks": ["xnli", "panx"]})
    train(spec)
    links = chain_of(spec.resolved(), lambda _: None).links
    written = [
        load_file(folder / "model.safetensors") for folder in (encoder, *(link.folder / "model" for link in links))
    ]
    assert len(first) == 3
    for index, (carried, _) in enumerate(first):
        assert _equal(carried, _cut(written[index], rows[index]))
        assert not _equal(carried, _cut(written[index + 1], rows[index]))
    (_, taught), (_, (last,)) = first[1:]
    learned = load_file(links[1].folder / "heads" / "panx.safetensors")
    with own_random(0):
        fresh = registry.load("family", "tagging").head(16, registry.load("task", "panx").labels).state_dict()
    assert _equal(last, fresh)
    assert _equal(last, taught[1])
    assert not _equal(last, learned)
    assert [path.name for path in sorted((links[2].folder / "heads").glob("*.safetensors"))] == ["panx.safetensors"]


def test_stages_are_beside_the_run_and_are_recorded_in_it(made: Path) -> None:
    """One folder a stage, named by what it is and a hash; the last one's records begin with those of the others."""
    run = made / "runs" / "run"
    first, second, third = _folders(made)
    assert first.startswith("intermediate-xnli+tydiqa-encoder-")
    assert second.startswith("mlm-encoder-")
    assert third == "run"
    assert sorted(path.name for path in (run / "stages").iterdir()) == [
        "00-masked_lm.json",
        "01-intermediate.hashes",
        "01-intermediate.json",
        "02-target.hashes",
        "02-target.json",
    ]
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((run / "stages").glob("*.json"))]
    assert [record["kind"] for record in records] == ["masked_lm", "intermediate", "target"]
    assert [record["share"] for record in records[1]["per_task"].values()] == [0.5, 0.5]
    assert sum(record["seen"] for record in records[1]["per_task"].values()) == records[1]["seen"] == 24
    assert {record["examples"] for record in records[1]["per_task"].values()} == {32}
    assert records[1]["diversity"]["formats"] == 2
    assert (made / "runs" / first / "stages" / "01-intermediate.json").is_file()


def test_targets_share_the_stages_before(home: Path) -> None:
    """Another target, another seed of it, and another order of starting: finished stages are not trained again."""
    data, encoder = home / "data", home / "encoder"
    fixed = {"mlm": {"seed": 0}, "intermediate": {"tasks": ["xnli", "tydiqa"], "seed": 0}}
    assert _trained(_spec(data, encoder, "xnli", target={"tasks": ["xnli"]}, **fixed)) == ["target"]
    assert _trained(_spec(data, encoder, "panx-1", seed=1, **fixed)) == ["target"]
    assert _trained(_spec(data, encoder, "run", **fixed)) == []
    assert len(_folders(home)) == 5
    alone = _spec(data, encoder, "none", intermediate=None, mlm={"seed": 0})
    assert _trained(alone) == ["target"]


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"seed": 1}, [True, False, False]),
        ({"tasks": ["xnli"]}, [True, False, False]),
        ({"limit": "16"}, [True, False, False]),
        ({"control": "shuffled_labels"}, [True, False, False]),
        ({"perturb": ["char_noise:0.1"]}, [True, False, False]),
        ({"mixing": "batches"}, [True, False, False]),
        ({}, [True, True, True]),
    ],
    ids=str,
)
def test_what_makes_a_stage_another(changed: dict[str, Any], same: list[bool], data: Path, encoder: Path) -> None:
    """Seed, tasks, size, control, noise and mixing are part of what a stage is known by, and so of all after it."""
    tasks = {"tasks": ["xnli", "tydiqa"]}
    before = _identities(_spec(data, encoder, "run", intermediate=tasks))
    after = _identities(_spec(data, encoder, "other", intermediate={**tasks, **changed}))
    assert [identity == other for identity, other in zip(before, after, strict=True)] == same


def test_contents_count_and_names_do_not(data: Path, encoder: Path, tmp_path: Path) -> None:
    """A copy of text, data and encoder elsewhere shares the stages; one more line of text is another stage."""
    before = _identities(_spec(data, encoder, "run"))
    moved = lessons(tmp_path / "elsewhere")
    again = tiny_encoder_folder(tmp_path / "again")
    assert _identities(_spec(moved, again, "run")) == before
    with (moved / "text" / "words.txt").open("a", encoding="utf-8") as file:
        file.write("one more\n")
    assert not set(_identities(_spec(moved, again, "run"))) & set(before)


def test_a_stage_that_another_run_is_training_is_waited_for(
    data: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line says so; when the other is done with it, its stage is taken and not trained again."""
    monkeypatch.setattr(stage, "_WAIT_SECONDS", 0.01)
    spec = _spec(data, encoder, "run", mlm=None)
    shared = chain_of(spec.resolved(), lambda _: None).links[0]
    lock = store.lock(shared.folder)
    lock.__enter__()
    messages: list[str] = []
    seen: list[str] = []

    def tell(line: str) -> None:
        messages.append(line)
        if "waits for" in line:
            lock.__exit__(None, None, None)
            train(from_values({**_values(data, encoder), "out": data.parent / "runs" / "other"}))

    train(spec, Options(tell=tell, watch=lambda at: seen.append(at.stage)))
    assert [str(shared.folder) in line for line in messages if "waits" in line] == [True]
    assert set(seen) == {"target"}


def _values(data: Path, encoder: Path) -> dict[str, Any]:
    steps = {"steps": 3, "batch_size": 8, "lr": 5e-3}
    tables = {"intermediate": {"tasks": ["xnli", "tydiqa"], **steps}, "target": {"tasks": ["panx"], **steps}}
    return {**tables, "data": data, "encoder": encoder, "device": "cpu"}


def test_force_makes_the_last_stage_alone_again(home: Path) -> None:
    """Stages that other runs continue from are left as they are."""
    seen: list[Progress] = []
    train(_spec(home / "data", home / "encoder", "run"), Options(watch=seen.append, force=True))
    assert {event.stage for event in seen} == {"target"}


def test_a_folder_that_the_run_cannot_take_is_refused_before_a_stage_is_trained(data: Path, encoder: Path) -> None:
    """Neither its own earlier stage nor a folder of something else, with --force or without it."""
    spec = _spec(data, encoder, "one")
    shared = chain_of(spec.resolved(), print).links[0].folder
    other = spec.folder.with_name("other")
    other.mkdir(parents=True)
    (other / "run.toml").write_text("mine", encoding="utf-8")
    for force in (False, True):
        options = Options(force=force, watch=lambda _: pytest.fail("it trained"))
        with pytest.raises(SpecError, match="masked lm"):
            train(replace(spec, out=str(shared)), options)
        with pytest.raises(Mismatch, match="not a run"):
            train(replace(spec, out=str(other)), options)
    assert sorted(path.name for path in other.parent.iterdir()) == ["other"]


def test_a_stage_half_made_is_not_a_stage(data: Path, encoder: Path) -> None:
    """A shared folder that was stopped is continued by the next run, and is not taken for complete."""
    with pytest.raises(Stopped):
        train(_spec(data, encoder, "one", mlm=None), Options(watch=stop_at(3, "intermediate"), save_seconds=0.0))
    steps: list[tuple[str, int]] = []
    train(
        _spec(data, encoder, "two", mlm=None, target={"tasks": ["xnli"]}),
        Options(watch=lambda at: steps.append((at.stage, at.step))),
    )
    assert steps == [("intermediate", 3), ("target", 1), ("target", 2), ("target", 3)]


def test_stages_alone_make_a_run(data: Path, encoder: Path, tmp_path: Path) -> None:
    """A file with nothing but [mlm] or [intermediate] ends there; without a named folder others continue from it."""
    values = {**_values(data, encoder), "target": None, "mlm": None}
    (link,) = chain_of(from_values(values).resolved(), lambda _: None).links
    assert link.folder.name.startswith("intermediate-xnli+tydiqa-encoder-")
    run = train(from_values({**values, "out": tmp_path / "run"}))
    assert run == tmp_path / "run"
    assert [path.name for path in sorted((run / "stages").glob("*.json"))] == ["00-intermediate.json"]
    panx = {**_values(data, run), "intermediate": None, "out": tmp_path / "panx"}
    assert [link.kind for link in chain_of(from_values(panx).resolved(), lambda _: None).links] == ["target"]
    files = sorted((train(from_values(panx)) / "stages").glob("*.json"))
    assert [path.name for path in files] == ["00-intermediate.json", "01-target.json"]


# ---------------------------------------------------------------------------------------------------------------- text


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """Files named as FLORES-200's, and by our codes."""
    folder = tmp_path / "flores"
    folder.mkdir()
    for name in ("swh_Latn.dev", "eng_Latn.dev", "de.txt"):
        (folder / name).write_text(f"{name}\n", encoding="utf-8")
    return folder


def test_masked_lm_reads_the_languages_that_it_is_given(text: Path, data: Path, encoder: Path) -> None:
    """By the beginning of the files' names; they are in the record, and another choice is another stage."""
    assert read_lines(text, ("sw", "de")) == ["de.txt", "swh_Latn.dev"]
    assert languages_in(text) == ("de", "en", "sw")
    mlm = {"text": text, "languages": ["sw", "de"]}
    run = train(_spec(data, encoder, "run", mlm=mlm, intermediate=None))
    record = json.loads((run / "stages" / "00-masked_lm.json").read_text(encoding="utf-8"))
    assert (record["languages"], record["examples"]) == (["de", "sw"], 2)
    same = _identities(_spec(data, encoder, "again", mlm=mlm, intermediate=None))
    assert not set(same) & set(_identities(_spec(data, encoder, "other", mlm={"text": text}, intermediate=None)))
    (text / "eng_Latn.dev").write_text("changed\n", encoding="utf-8")
    assert _identities(_spec(data, encoder, "again", mlm=mlm, intermediate=None)) == same


def test_text_beside_tasks_has_languages_of_its_own(text: Path, data: Path, encoder: Path) -> None:
    """They are read and recorded; the examples are those of the task; another choice is another stage."""
    beside = {"tasks": ["xnli"], "masked_lm": 0.5, "text": text, "text_languages": ["sw", "de"], "limit": "20"}
    messages: list[str] = []
    run = train(_spec(data, encoder, "run", mlm=None, intermediate=beside), Options(tell=messages.append))
    record = json.loads((run / "stages" / "00-intermediate.json").read_text(encoding="utf-8"))
    assert (record["languages"], record["text_languages"], record["examples"]) == (["en"], ["de", "sw"], 20)
    assert record["per_task"]["masked_lm"]["examples"] == 2
    assert (record["limit"], record["schedule"], record["clip"], record["warmup"]) == ("20", "linear", 1.0, 0)
    assert "masked LM: 2 windows" in messages[0]
    every = {**beside, "text_languages": []}
    first, other = (
        _identities(_spec(data, encoder, "run", mlm=None, intermediate=values)) for values in (beside, every)
    )
    assert first[0] != other[0]


def test_the_loss_of_each_part_continues_where_a_run_was_stopped(
    data: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps that no row tells yet are kept with the state, so that the row is that of an unbroken run."""
    monkeypatch.setattr(loop, "_ROWS", 1)
    tables: dict[str, Any] = {"mlm": None, "target": None}
    tables["intermediate"] = {"tasks": ["xnli", "tydiqa"], "steps": 6, "batch_size": 8, "lr": 5e-3}
    whole = train(_spec(data, encoder, "whole", **tables))
    options = Options(watch=stop_at(4, "intermediate"), save_seconds=0.0)
    with pytest.raises(Stopped):
        train(_spec(data, encoder, "broken", **tables), options)
    state = json.loads((data.parent / "runs" / "broken" / "resume" / "step-000000003" / "place.json").read_text())
    assert sum(map(len, state["parts"].values())) == 3
    rows = (train(_spec(data, encoder, "broken", **tables)) / "metrics.csv").read_text(encoding="utf-8")
    assert rows == (whole / "metrics.csv").read_text(encoding="utf-8")
    head, row = rows.splitlines()
    assert head == "step,loss,lr,dev,loss_xnli,loss_tydiqa"
    _, loss, _, _, *parts = row.split(",")
    assert min(map(float, parts)) <= float(loss) <= max(map(float, parts))


def test_a_language_without_text_is_named(text: Path, data: Path, encoder: Path) -> None:
    """One line, before anything is written."""
    with pytest.raises(MissingData, match=r"\bth\b"):
        train(_spec(data, encoder, "run", mlm={"text": text, "languages": ["sw", "th"]}))
    assert not (data.parent / "runs").exists()


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"mlm": {"steps": 3}}, r"\[mlm\] needs text"),
        ({"intermediate": {"steps": 3}}, "no tasks"),
        ({"intermediate": {"tasks": ["xnli", "xnli"]}}, "twice"),
        ({"target": {"tasks": ["panx"], "keep_names": True}}, "keep_names"),
        ({"intermediate": {"tasks": ["xnli"], "masked_lm": 0.5}}, r"\[intermediate\] needs text"),
        ({"intermediate": {"tasks": ["xnli"], "text_languages": ["sw"]}}, "text_languages"),
        ({"intermediate": {"tasks": ["xnli"], "limit": "5", "total": 5}}, "total"),
        ({"intermediate": {"tasks": ["xnli"], "limit": "panx=5"}}, "'panx'"),
        ({"intermediate": {"tasks": ["xnli"], "sampling": "half"}}, "'half'"),
        ({"intermediate": {"tasks": ["xnli"], "lrr": 0.5}}, "'lrr'"),
        ({"intermediate": 5}, "not 5"),
    ],
    ids=str,
)
def test_a_stage_that_makes_no_sense_is_one_line(
    tables: dict[str, Any], message: str, data: Path, encoder: Path
) -> None:
    """The line names the table and the key."""
    values = {**_values(data, encoder), **tables}
    with pytest.raises(SpecError, match=message) as caught:
        train(from_values(values))
    assert "\n" not in str(caught.value)
