"""`evaluate` on models in memory: the same answers as from their folders, and objects that stay as they are."""

from __future__ import annotations

import copy
import errno
import os
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tests.checkpoints import NLI, QUESTION, SEQUENCE, TAGS, TOKEN, checkpoint
from tests.program import program
from tests.release import release
from tests.some import some
from torch import nn

from robust_xtreme import evaluate
from robust_xtreme.core.errors import DiskError, ModelError, UserError
from robust_xtreme.core.run_spec import from_toml
from robust_xtreme.files import store
from robust_xtreme.files.schema import MODELS
from robust_xtreme.run.run import Observer

pytestmark = pytest.mark.usefixtures("unpaged")

FEW: dict[str, Any] = {"data": "data", "languages": "en", "limit": 9, "device": "cpu"}
LABELS = ["contradiction", "entailment", "neutral"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of three heads, one whose classes have no names, and release files."""
    folder = tmp_path_factory.mktemp("made")
    checkpoint(folder / "nli", "bert", SEQUENCE, NLI)
    checkpoint(folder / "ner", "xlm_roberta", TOKEN, TAGS)
    checkpoint(folder / "qa", "bert", QUESTION)
    checkpoint(folder / "nameless", "bert", SEQUENCE, ("LABEL_0", "LABEL_1", "LABEL_2"))
    release(folder / "data")
    return folder


@pytest.fixture(autouse=True)
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with links to them, and an empty cache."""
    for path in made.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROBUST_XTREME_CACHE", str(tmp_path / "cache"))
    return tmp_path


def loaded(name: str) -> tuple[Any, Any]:
    """The model and the tokenizer of a folder."""
    head = {"ner": TOKEN, "qa": QUESTION}.get(name, SEQUENCE)
    auto: Any = getattr(transformers, f"AutoModelFor{head}")
    return auto.from_pretrained(name), transformers.AutoTokenizer.from_pretrained(name)


def refused(**arguments: Any) -> str:
    """The line of a call that is refused, and writes nothing."""
    before = set(Path().rglob("*"))
    with pytest.raises(UserError) as error:
        evaluate(**{**FEW, **arguments})
    assert "\n" not in str(error.value)
    assert set(Path().rglob("*")) == before
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "task"),
    some(
        [("nli", "xnli"), ("ner", "panx"), ("qa", "xquad")],
        (("qa", "xquad"),),
    ),
)
def test_a_model_in_memory_answers_as_its_folder_does(name: str, task: str) -> None:
    """Classification, tagging and questions: every clean and perturbed prediction is the same."""
    model, tokenizer = loaded(name)
    noise: Any = {"tasks": task, "perturb": "char_noise:0.3", **FEW}
    of_object = evaluate(model=model, tokenizer=tokenizer, **noise)
    of_folder = evaluate(model=name, **noise)
    assert of_object.predictions.drop("model").equals(of_folder.predictions.drop("model"))
    assert of_object.scores.get_column("model")[0].startswith("memory@")
    (facts,) = of_object.manifest["models"]
    assert facts["source"] == "memory"


def test_the_object_stays_as_it_is() -> None:
    """Its mode, the modes of its parts, its weights, their type, its configuration and its tokenizer do not change."""
    model, tokenizer = loaded("nli")
    model.train()
    model.bert.embeddings.eval()
    model.to(torch.bfloat16)
    next(model.parameters()).requires_grad_(False)
    tokenizer(["a b c", "d"], padding=True, truncation=True, max_length=3)
    weights = {name: (id(value), value.clone(), value.requires_grad) for name, value in model.named_parameters()}
    modes = [module.training for module in model.modules()]
    config, state = copy.deepcopy(model.config.to_dict()), tokenizer.backend_tokenizer.to_str()
    random = torch.random.get_rng_state()
    evaluate(model=model, tokenizer=tokenizer, tasks="xnli", labels=LABELS, **FEW)
    assert [module.training for module in model.modules()] == modes
    for name, value in model.named_parameters():
        before, content, gradient = weights[name]
        assert (id(value), value.requires_grad, value.dtype, value.device.type) == (
            before,
            gradient,
            torch.bfloat16,
            "cpu",
        )
        assert torch.equal(value, content)
    assert model.config.to_dict() == config
    assert tokenizer.backend_tokenizer.to_str() == state
    assert torch.equal(torch.random.get_rng_state(), random)


def test_the_same_weights_continue_the_same_run() -> None:
    """An equal object is the same run, whatever its tokenizer was used for; another weight or name is another run."""
    model, tokenizer = loaded("nli")
    first = evaluate(model=model, tokenizer=tokenizer, tasks="xnli", **FEW)
    again, other_tokenizer = loaded("nli")
    other_tokenizer(["a b c", "d"], padding=True, truncation=True, max_length=3)
    lines: list[str] = []
    second = evaluate(
        model=again.train(),
        tokenizer=other_tokenizer,
        tasks="xnli",
        observer=Observer(say=lines.append),
        **FEW,
    )
    assert second.folder == first.folder
    assert lines == []
    with torch.no_grad():
        again.classifier.bias[0] += 1
    assert evaluate(model=again, tokenizer=tokenizer, tasks="xnli", **FEW).folder != first.folder


def test_changed_weights_are_not_answered_from_the_cache() -> None:
    """The key of a prediction contains the hash of the weights; equal weights are answered from the cache."""
    model, tokenizer = loaded("nli")
    counted: list[tuple[int, int]] = []

    def cached(line: str) -> None:
        if match := re.fullmatch(r"in all: \d+ predictions of (\d+) distinct inputs, (\d+) from the cache", line):
            counted.append((int(match[1]), int(match[2])))

    def run_into(out: str) -> None:
        call: Any = {"model": model, "tokenizer": tokenizer, "tasks": "xnli", "out": out, **FEW}
        evaluate(**call, observer=Observer(say=cached))

    run_into("one")
    run_into("two")
    with torch.no_grad():
        model.classifier.weight += 1
    run_into("three")
    (inputs, none), (_, every), (_, none_again) = counted
    assert (none, every, none_again) == (0, inputs, 0)


def test_classes_without_names_are_named_in_python() -> None:
    """`labels` are the classes in the model's order; what is in config.id2label is not needed then."""
    model, tokenizer = loaded("nameless")
    named = evaluate(model=model, tokenizer=tokenizer, tasks="xnli", labels=LABELS, **FEW)
    by_task = evaluate(model=model, tokenizer=tokenizer, labels={"xnli": LABELS}, **FEW)
    assert named.predictions.drop("model").equals(by_task.predictions.drop("model"))
    assert "LABEL_0" in refused(model=model, tokenizer=tokenizer, tasks="xnli")


def test_a_model_for_each_task() -> None:
    """Paths and objects are mixed in one call."""
    model, tokenizer = loaded("nli")
    mixed = evaluate(model={"xnli": model, "panx": Path("ner")}, tokenizer=tokenizer, **FEW)
    assert {facts["task"]: facts["model"].partition("@")[0] for facts in mixed.manifest["models"]} == {
        "xnli": "memory",
        "panx": "ner",
    }
    tokenizers = {"xnli": tokenizer, "panx": loaded("ner")[1]}
    both = evaluate(model={"xnli": model, "panx": loaded("ner")[0]}, tokenizer=tokenizers, **FEW)
    paths = evaluate(model={"xnli": "nli", "panx": "ner"}, **FEW)
    frames = [made.predictions.sort("task", "example").drop("model") for made in (mixed, both, paths)]
    assert frames[0].equals(frames[1])
    assert frames[0].equals(frames[2])


def test_a_replay_says_that_it_cannot() -> None:
    """run.toml names the object by its hash, which the frames have, too; command and Python refuse it in one line."""
    model, tokenizer = loaded("nli")
    folder = evaluate(model=model, tokenizer=tokenizer, tasks="xnli", **FEW).folder
    (name,) = from_toml(folder / "run.toml").model
    assert re.fullmatch(r"memory:[0-9a-f]{16}", name)
    models = store.read_frame(folder / "models.csv", MODELS)
    assert models["identity"].to_list() == [name.removeprefix("memory:")]
    assert models["model"].to_list() == [name.replace(":", "@")[:15]]
    line = "model in memory"
    result = program("eval", "--config", str(folder / "run.toml"))
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert line in result.err
    with pytest.raises(ModelError, match=line):
        evaluate(model=name, data="data")


def test_wrong_labels_are_one_line() -> None:
    """Their number, an order that the model contradicts, a repeated one, and a head without classes."""
    model, tokenizer = loaded("nli")
    call = {"model": model, "tokenizer": tokenizer}
    assert "2 classes" in refused(**call, labels=["yes", "no"])
    assert "contradicts" in refused(**call, labels=LABELS[::-1])
    assert "each class once" in refused(**call, labels=["a", "a", "b"])
    assert "each class once" in refused(**call, labels=[1, 2, 3])
    question, reader = loaded("qa")
    assert "BertForQuestionAnswering" in refused(model=question, tokenizer=reader, labels=LABELS)
    two = {"model": {"xnli": model, "panx": loaded("ner")[0]}, "tokenizer": tokenizer}
    assert "name their tasks" in refused(**two, labels=LABELS)


def test_objects_that_are_not_such_models_are_one_line() -> None:
    """Wrappers, other classes, changed models and missing tokenizers are named with what is taken."""
    model, tokenizer = loaded("nli")
    assert "needs its tokenizer" in refused(model=model)
    assert "fast tokenizer" in refused(model=model, tokenizer=str)
    assert "leave it out" in refused(model="nli", tokenizer=tokenizer)
    assert "evaluate(model.module)" in refused(model=nn.DataParallel(model), tokenizer=tokenizer)
    assert "Linear" in refused(model=nn.Linear(2, 2), tokenizer=tokenizer)
    changed = loaded("nli")[0]
    changed.classifier.register_forward_hook(lambda *_: None)
    assert "classifier has hooks" in refused(model=changed, tokenizer=tokenizer)
    replaced = loaded("nli")[0]
    replaced.bert.forward = replaced.bert.forward
    assert "another forward" in refused(model=replaced, tokenizer=tokenizer)
    added = loaded("nli")[0]
    added.classifier = nn.Sequential(added.classifier, nn.Linear(3, 3))
    with pytest.raises(ModelError, match=r"memory:.* config\.json describes"):
        evaluate(model=added, tokenizer=tokenizer, tasks="xnli", **FEW)


def test_a_model_that_cannot_be_saved_is_one_line() -> None:
    """One without weights, of the device meta; and a disk that is full."""
    model, tokenizer = loaded("nli")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(model), "save_pretrained", _full)
        with pytest.raises(DiskError, match="No space left"):
            evaluate(model=model, tokenizer=tokenizer, tasks="xnli", **FEW)
    assert "cannot be saved" in refused(model=model.to("meta"), tokenizer=tokenizer)


def _full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_the_saved_files_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary folder is removed after the call, also after one that fails."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    model, tokenizer = loaded("nli")
    evaluate(model=model, tokenizer=tokenizer, tasks="xnli", **FEW)
    with pytest.raises(UserError):
        evaluate(model=model, tokenizer=tokenizer, tasks="panx", **FEW)
    assert list(folder.iterdir()) == []


def test_a_model_in_memory_is_not_sent_to_a_cluster() -> None:
    """Other machines do not have the folder that it is saved to."""
    model, tokenizer = loaded("nli")
    line = refused(model=model, tokenizer=tokenizer, labels=LABELS, tasks="xnli", on="ray")
    assert "in memory" in line
