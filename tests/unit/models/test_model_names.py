"""What a name of a model means: mini, a folder, or the hub; revisions and labels belong to what they are given for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.checkpoints import NLI, QUESTION, SEQUENCE, TAGS, TOKEN, change, checkpoint
from tests.sentence_folders import sentence_folder
from tests.tiny import tiny_run

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError, RobustXtremeError, SpecError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.models.folder import Located, ModelFolder
from robust_xtreme.models.located import default_tasks, locate_all, notes_of
from robust_xtreme.models.origin import given_models
from robust_xtreme.tasks.sources import hub as _hub
from robust_xtreme.tasks.sources.hub import Snapshot

XNLI, PANX, XQUAD, TYDIQA = (registry.load("task", name) for name in ("xnli", "panx", "xquad", "tydiqa"))
SHA = "0123456789" * 4


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of checkpoints and a run, made once."""
    folder = tmp_path_factory.mktemp("made")
    checkpoint(folder / "nli", "bert", SEQUENCE, NLI)
    checkpoint(folder / "unnamed", "bert", SEQUENCE, ("LABEL_0", "LABEL_1", "LABEL_2"))
    checkpoint(folder / "pairs", "bert", SEQUENCE, ("no", "yes"))
    checkpoint(folder / "ner", "xlm_roberta", TOKEN, TAGS)
    checkpoint(folder / "qa", "modernbert", QUESTION)
    checkpoint(folder / "mlm", "bert", "MaskedLM")
    tiny_run(folder / "run", ["xnli", "tydiqa"])
    return folder


@pytest.fixture(autouse=True)
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with links to them."""
    for path in made.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def hub(made: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A hub that has any name's checkpoint `nli`; what it was asked is listed."""
    asked: list[Any] = []

    def snapshot(kind: str, repo: str, revision: str, patterns: Any, *, offline: bool) -> Snapshot:
        asked.append((kind, repo, revision, tuple(patterns), offline))
        return Snapshot(made / "nli", SHA)

    monkeypatch.setattr(_hub, "snapshot", snapshot)
    return asked


def spec(*models: str, **changes: Any) -> RunSpec:
    """A run of some models."""
    return RunSpec(models, data="x", **changes)


def located(*tasks: TaskSpec, models: tuple[str, ...], **changes: Any) -> dict[str, Located]:
    """What answers each task."""
    return locate_all(given_models(spec(*models, **changes)), tasks)


def _by_default(*models: str) -> dict[str, Located]:
    given = given_models(spec(*models))
    return locate_all(given, default_tasks(given))


def test_a_plain_name_serves_the_tasks_that_its_head_fits() -> None:
    """Each of three checkpoints and a run is found by the kind of its head."""
    models = ("nli", "ner", "qa")
    heads = {task: model.origin.typed for task, model in located(XNLI, PANX, XQUAD, TYDIQA, models=models).items()}
    assert heads == {"xnli": "nli", "panx": "ner", "xquad": "qa", "tydiqa": "qa"}
    with pytest.raises(SpecError, match="--model xnli=nli"):
        located(XNLI, models=("nli", "run"))
    assert located(XNLI, XQUAD, models=("nli", "xquad=run"))["xquad"].head == "tydiqa"


@pytest.mark.parametrize(
    ("models", "tasks"),
    [
        (("nli",), {"xnli"}),
        (("ner", "qa"), {"panx", "xquad", "tydiqa"}),
        (("run",), {"xnli", "xquad", "tydiqa"}),
        (("xnli=nli", "qa"), {"xnli", "xquad", "tydiqa"}),
        (("unnamed",), {"xnli"}),
    ],
)
def test_the_tasks_of_a_run_are_those_that_its_models_have_heads_for(models: tuple[str, ...], tasks: set[str]) -> None:
    """Without --tasks nothing is asked of a model that its head cannot do."""
    chosen = default_tasks(given_models(spec(*models)))
    assert tasks <= {task.name for task in chosen}
    assert [task.name for task in chosen if not tasks & {*task.accepts}] == [], "they accept none of these heads"


@pytest.mark.parametrize(
    ("models", "line"),
    [
        (("mlm",), "--from mlm"),
        (("pairs",), r"\(no, yes\)"),
        (("unnamed",), "--labels xnli=entailment"),
        (("nowhere",), "model folder 'nowhere'"),
        (("",), "an empty name"),
        (("xnli=",), "model folder ''"),
        (("o/" + "n" * 5000,), "model folder 'o/nnn"),
        (("nul\0",), "no model folder"),
        (("xnli=qa",), "QuestionAnswering"),
        (("panx=ner", "panx=ner"), "'panx'"),
        (("run/heads",), r"model/config\.json"),
    ],
)
def test_a_name_that_serves_nothing_says_why(models: tuple[str, ...], line: str) -> None:
    """One line: what it is, what is needed, what to type."""
    with pytest.raises((ModelError, SpecError), match=line) as caught:
        _by_default(*models)
    assert "\n" not in str(caught.value)


def test_classes_are_named_by_the_user() -> None:
    """--labels replaces the names of the configuration."""
    named = located(XNLI, models=("unnamed",), labels=("xnli=neutral,entailment,contradiction",))["xnli"]
    other = located(XNLI, models=("unnamed",), labels=("xnli=contradiction,entailment,neutral",))["xnli"]
    assert named.labels == ("neutral", "entailment", "contradiction")
    labels = dict(zip(named.classes, named.labels, strict=True))
    assert labels == {"LABEL_0": "neutral", "LABEL_1": "entailment", "LABEL_2": "contradiction"}
    assert named.identity != other.identity
    same = located(XNLI, models=("nli",), labels=("xnli=contradiction,entailment,neutral",))["xnli"]
    assert (same.labels, notes_of(same)) == (("contradiction", "entailment", "neutral"), ())
    assert notes_of(named) == ()


def test_classes_that_have_names_are_not_renamed_in_silence(here: Path, tmp_path: Path) -> None:
    """Names that contradict the task's own are refused; those of other things are in the notes of the run."""
    with pytest.raises(SpecError, match="--labels contradicts"):
        located(XNLI, models=("nli",), labels=("xnli=neutral,entailment,contradiction",))
    with pytest.raises(SpecError, match="2 classes of xnli"):
        located(XNLI, models=("nli",), labels=("xnli=neutral,entailment",))
    folder = checkpoint(tmp_path / "e-n-c", "bert", SEQUENCE, ("e", "n", "c"))
    model = located(XNLI, models=(str(folder),), labels=("xnli=entailment,neutral,contradiction",))["xnli"]
    (note,) = notes_of(model)
    assert "classes e, n, c" in note


def test_a_configuration_that_contradicts_itself_needs_the_flag(here: Path, tmp_path: Path) -> None:
    """id2label and label2id of another order are refused with the flag to add, and answered with it."""
    folder = checkpoint(tmp_path / "both", "bert", SEQUENCE, NLI)
    change(folder, {"label2id": {"CONTRADICTION": 2, "entailment": 1, "Neutral": 0}})
    with pytest.raises(ModelError, match="label2id"):
        located(XNLI, models=(str(folder),))
    model = located(XNLI, models=(str(folder),), labels=("xnli=neutral,entailment,contradiction",))["xnli"]
    assert model.labels == ("neutral", "entailment", "contradiction")


@pytest.mark.parametrize(
    ("models", "labels", "line"),
    [
        (("unnamed",), "xnli=entailment,neutral", "2 classes of xnli"),
        (("unnamed",), "xnli=entailment,neutral,other", "not those of xnli"),
        (("unnamed",), "panx=a,b", "'panx'"),
        (("xnli=run",), "xnli=entailment,neutral,contradiction", "names its own"),
        (("nli", "qa"), "xquad=begin,end", "answers are not classes"),
    ],
)
def test_labels_that_fit_nothing_are_one_line(models: tuple[str, ...], labels: str, line: str) -> None:
    """The number, the task and the kind of model are checked."""
    tasks = [XNLI, *([XQUAD] if "qa" in models else [])]
    with pytest.raises((ModelError, SpecError), match=line):
        located(*tasks, models=models, labels=(labels,))


def test_other_tags_are_reported(here: Path) -> None:
    """What counts as O is among the notes of the run."""
    assert notes_of(located(PANX, models=("ner",))["panx"]) == ("panx: the tags B-MISC, I-MISC of ner count as O.",)
    assert notes_of(located(XNLI, models=("nli",))["xnli"]) == (_read("nli"),)


def _read(name: str) -> str:
    classes = "CONTRADICTION as contradiction, Neutral as neutral"
    return f"xnli: classes of {name} are read by their spelling: {classes}."


def test_a_folder_goes_before_the_hub_and_says_so(here: Path, made: Path, hub: list[Any]) -> None:
    """OWNER/NAME that exists here is that folder; a note says so, and nothing is fetched."""
    (here / "owner").mkdir()
    (here / "owner" / "name").symlink_to(made / "nli")
    model = located(XNLI, models=("owner/name",))["xnli"]
    assert (model.origin.source, model.origin.revision, hub) == ("folder", "", [])
    here_first = "owner/name is a folder here, so the hub was not asked for a model of that name."
    assert notes_of(model) == (here_first, _read("owner/name"))
    assert notes_of(located(XNLI, models=("./owner/name",))["xnli"]) == (_read("./owner/name"),)


def test_a_name_of_the_hub_is_fetched_and_its_commit_kept(hub: list[Any]) -> None:
    """The main branch without a revision; the model is called as on the hub, and by what it is."""
    model = located(XNLI, models=("owner/nli",))["xnli"]
    assert hub == [("model", "owner/nli", "main", (*_hub.FILES, *_hub.SENTENCE, _hub.CARD), False)]
    assert model.name == f"owner/nli@{model.identity[:8]}"
    assert (model.origin.source, model.origin.revision) == ("hub", SHA)
    assert f"--revision {SHA}" in notes_of(model)[0]
    assert model.identity == located(XNLI, models=("nli",))["xnli"].identity


def test_modules_in_folders_of_their_own_are_fetched_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of modules says which they are: the model is that of the same folder here."""
    folder = sentence_folder(tmp_path / "there")
    for name in ("0_Transformer", "pooling"):
        (folder / name).mkdir()
    (folder / "1_Pooling" / "config.json").rename(folder / "pooling" / "config.json")
    for path in [each for each in folder.iterdir() if each.is_file() and each.name != "modules.json"]:
        if path.name != "config_sentence_transformers.json":
            path.rename(folder / "0_Transformer" / path.name)
    listed = json.loads((folder / "modules.json").read_text("utf-8"))
    for entry, name in zip(listed, ("0_Transformer", "pooling", "2_Normalize"), strict=False):
        entry["path"] = name
    (folder / "modules.json").write_text(json.dumps(listed), encoding="utf-8")

    def snapshot(kind: str, repo: str, revision: str, patterns: Any, *, offline: bool) -> Snapshot:
        for name in _hub.matching(_hub.files(folder), patterns):
            (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / name, tmp_path / "copy" / name)
        return Snapshot(tmp_path / "copy", SHA)

    monkeypatch.setattr(_hub, "snapshot", snapshot)
    tatoeba = registry.load("task", "tatoeba")
    model = located(tatoeba, models=("owner/sentences",))["tatoeba"]
    assert str(model.sentence) == "mean,normalize"
    assert model.identity == located(tatoeba, models=(str(folder),))["tatoeba"].identity


def test_the_hub_is_asked_as_the_run_says(hub: list[Any]) -> None:
    """Revision, --offline and --trust-remote-code reach it; code is fetched only with the last."""
    given_models(spec("xnli=o/one", "o/two", revision=(SHA, "xnli=v1"), offline=True, trust_remote_code=True))
    patterns = (*_hub.FILES, *_hub.SENTENCE, _hub.CARD, "*.py")
    assert hub == [("model", "o/one", "v1", patterns, True), ("model", "o/two", SHA, patterns, True)]


@pytest.mark.parametrize(
    ("models", "revision", "line"),
    [
        (("nli",), (SHA,), "nli is a model"),
        (("mini",), (SHA,), "mini is a model"),
        (("o/one", "xnli=nli"), (f"xnli={SHA}",), "nli is a model"),
        (("o/one",), (f"xnli={SHA}",), "--model xnli=OWNER/NAME"),
        (("xnli=o/one",), (SHA, "xnli=v1"), "no model is left"),
        (("o/one",), ("a b",), "TASK=SHA"),
        (("o/one",), ("",), "an empty name"),
        (("o/one",), (SHA, "v1"), "Two revisions"),
    ],
)
def test_a_revision_of_no_model_is_one_line(
    models: tuple[str, ...], revision: tuple[str, ...], line: str, hub: list[Any]
) -> None:
    """A commit belongs to a model of the hub; nothing is fetched before that is checked."""
    with pytest.raises(SpecError, match=line):
        given_models(spec(*models, revision=revision))
    assert hub == []


@pytest.mark.parametrize(("kind", "code"), [(ModelError, 2), (RobustXtremeError, 3)])
def test_what_the_hub_says_is_reported_with_the_folder_that_is_not_there(
    kind: type[RobustXtremeError], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistyped folder looks like a name of the hub: the line says both, with the exit code of the failure."""

    def failing(*_: Any, **__: Any) -> None:
        raise kind("The hub knows nothing.")

    monkeypatch.setattr(_hub, "snapshot", failing)
    with pytest.raises(RobustXtremeError, match=r"'runs/pnax' .*knows nothing") as caught:
        given_models(spec("runs/pnax"))
    assert caught.value.exit_code == code


def test_mini_is_the_embedded_model_whatever_is_here(here: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The word means the embedded model; a folder of that name is ./mini."""
    monkeypatch.setattr("robust_xtreme.core.resources.mini", lambda _: made / "run")
    (here / "mini").symlink_to(made / "nli")
    assert located(XNLI, models=("mini",))["xnli"].name.startswith("mini@")
    assert given_models(spec("./mini")).plain == (ModelFolder("./mini", "nli", Path("./mini")),)


def test_a_checkpoint_without_names_has_those_of_transformers(here: Path, made: Path) -> None:
    """Where the configuration names no classes they are LABEL_0 and on, as many as it counts."""
    folder = checkpoint(here / "bare", "bert", SEQUENCE, ("LABEL_0", "LABEL_1", "LABEL_2"))
    change(folder, {"id2label": None, "label2id": None, "num_labels": 3})
    with pytest.raises(ModelError, match="LABEL_0, LABEL_1"):
        located(XNLI, models=("bare",))


@pytest.mark.parametrize(
    ("model", "task", "line"),
    [
        ("mlm", "lareqa", "train --tasks lareqa"),
        ("run", "lareqa", "mean:1/1"),
        ("run", "panx", "train --tasks panx"),
        ("mlm", "americasnli", "train --tasks xnli"),
    ],
)
def test_a_missing_head_comes_with_the_command_that_trains_one(model: str, task: str, line: str) -> None:
    """The task is in it, or the one whose head it takes; in retrieval it names a representation instead."""
    with pytest.raises(ModelError, match=line):
        located(registry.load("task", task), models=(model,))


def test_a_representation_that_is_named_serves_instead_of_a_head() -> None:
    """The command that the error proposes works."""
    lareqa = registry.load("task", "lareqa")
    for model in ("mlm", "run"):
        assert located(lareqa, models=(model,), representation="mean:14/24")["lareqa"].head == ""
