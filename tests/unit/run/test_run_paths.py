"""Paths in a run's file count from the file, and every spelling of a path is the same run."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from robust_xtreme.core import run_paths
from robust_xtreme.core.errors import Mismatch, SpecError
from robust_xtreme.core.resources import find
from robust_xtreme.core.run_spec import RunSpec, from_toml
from robust_xtreme.run.folder import Folder, begin, check_ours
from robust_xtreme.training.spec import TrainSpec
from robust_xtreme.training.values import spec_of

Spelling = Callable[[str], str]


def _linked(name: str) -> str:
    link = Path(f"link-to-{name.replace('/', '-')}")
    if not link.is_symlink():
        link.symlink_to(name)
    return str(link)


SPELLINGS: dict[str, Spelling] = {
    "dot": lambda name: f"./{name}",
    "slash": lambda name: f"{name}/",
    "up": lambda name: f"{name}/../{Path(name).name}",
    "absolute": os.path.abspath,
    "link": _linked,
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with a model, data, packs and texts, some of them also in `near`."""
    for folder in ("model", "runs/one", "data", "packs", "near/model", "near/data"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("text.txt", "near/text.txt", "near/only.txt", "only_here.txt"):
        (tmp_path / file).write_text("words\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(name: str, content: str) -> Path:
    """A file with that content."""
    Path(name).write_text(content, encoding="utf-8")
    return Path(name)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_all_spellings_of_a_path_have_one_folder(spelling: str) -> None:
    """Of models, also of one task, of data and of packs; the spec and its file keep the path as typed."""
    of = SPELLINGS[spelling]
    spec = RunSpec(model=("runs/one", "xnli=model"), data="data", packs=("packs",))
    other = RunSpec(model=(of("runs/one"), f"xnli={of('model')}"), data=of("data"), packs=(of("packs"),))
    assert other.folder() == spec.folder()
    assert other.data == of("data")
    assert f'data = "{of("data")}"' in other.to_toml()


def test_other_paths_have_other_folders() -> None:
    """Folders that do not exist, models of the hub, and files of the same name elsewhere."""
    names = ("model", "near/model", "nowhere", "OWNER/NAME", "mini")
    assert len({RunSpec(model=(name,), data="hub").folder() for name in names}) == len(names)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_another_spelling_continues_a_run(spelling: str, here: Path) -> None:
    """In the folder of --out; another model is refused, with both names as they were typed."""
    of = SPELLINGS[spelling]
    spec = RunSpec(model=("model",), data="data", out="out")
    Path("out").mkdir()
    begin(Folder(Path("out")), spec, {"schema_version": "1"})
    written("out/parts/part", "")
    check_ours(Path("out"), replace(spec, model=(of("model"),), data=of("data")), force=False)
    with pytest.raises(Mismatch, match=r"not \./near/model"):
        check_ours(Path("out"), replace(spec, model=("./near/model",)), force=False)


def test_a_damaged_run_file_says_what_to_do() -> None:
    """Another folder or --force, and not the files to start from."""
    Path("out/parts").mkdir(parents=True)
    written("out/run.toml", '# robust-xtreme eval --config run.toml\nmodel = ["mod')
    written("out/parts/part", "")
    with pytest.raises(SpecError, match="--force"):
        check_ours(Path("out"), RunSpec(out="out"), force=False)
    check_ours(Path("out"), RunSpec(out="out"), force=True)
    written("out/run.toml", "my own notes")
    with pytest.raises(Mismatch, match="no run of eval"):
        check_ours(Path("out"), RunSpec(out="out"), force=True)


def test_paths_in_a_file_of_eval_count_from_it() -> None:
    """Those of the command line from the current folder; what also exists there is not read instead."""
    file = written("near/mine.toml", 'model = ["model", "xnli=model"]\ndata = "data"\npacks = ["p"]\n')
    spec = from_toml(file)
    assert (spec.model, spec.data, spec.packs) == (("near/model", "xnli=near/model"), "near/data", ("near/p",))
    assert from_toml(file, data="data", model=["model"]).data == "data"


def test_paths_in_a_file_of_train_count_from_it() -> None:
    """Also in the tables of stages; words, recipes by name and the folder to write are not changed."""
    content = 'from = "model"\ndata = "data"\nrecipe = "xtreme"\nout = "out"\ntext = "text.txt"\n'
    file = written(
        "near/mine.toml", content + '[mlm]\ntext = "only.txt"\n[target]\ntasks = ["xnli"]\ntranslated = "hub"\n'
    )
    spec = spec_of(str(file), {})
    assert (spec.start, spec.data, spec.recipe, spec.out) == ("near/model", "near/data", "xtreme", "out")
    assert spec.mlm is not None
    assert spec.target is not None
    assert (spec.text, spec.mlm.text, spec.target.translated) == ("near/text.txt", "near/only.txt", "hub")
    assert spec_of(str(file), {"text": "text.txt", "encoder": "model"}).text == "text.txt"


def test_a_file_in_the_current_folder_is_read_as_typed() -> None:
    """Without a path before its name, or with one."""
    written("mine.toml", 'model = ["./model"]\ndata = "data"\n')
    for name in ("mine.toml", "./mine.toml", "near/../mine.toml"):
        assert from_toml(Path(name)).model == ("./model",)


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("model", "mini", True),
        ("model", "xnli=memory:0123", True),
        ("model", "OWNER/NAME", True),
        ("model", "xnli=OWNER/NAME", True),
        ("model", "near/model", False),
        ("data", "hub:OWNER/NAME@abc", True),
        ("from", "scratch", True),
        ("recipe", "own.toml", False),
        ("translated", "seq2seq:OWNER/NAME", True),
        ("translated", "texts", False),
        ("limit", "data", True),
    ],
)
def test_what_is_a_path(key: str, value: str, kept: bool) -> None:
    """Words and names of the hub are kept; a path that exists nowhere counts from the file, as the error shows."""
    Path("near/near/model").mkdir(parents=True)
    assert run_paths.counted({key: value}, Path("near/mine.toml")) == {key: value if kept else f"near/{value}"}


@pytest.mark.parametrize("content", ['text = "only_here.txt"', '[mlm]\ntext = "only_here.txt"', 'packs = ["packs"]'])
def test_a_path_that_only_the_current_folder_has_is_refused(content: str, here: Path) -> None:
    """Earlier versions read it there: one line names the file, the key and what to write."""
    file = written("near/mine.toml", content)
    with pytest.raises(SpecError) as caught:
        spec_of(str(file), {})
    key, value = content.rpartition("\n")[2].replace("[", "").replace("]", "").replace('"', "").split(" = ")
    assert f"near/mine.toml: {key} names '{value}'" in str(caught.value)
    with pytest.raises(SpecError, match=r"^(?!.*not in near)"):
        spec_of(str(file), {key: value})


def test_a_run_is_repeated_from_another_folder(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    """run.toml names the folder that its relative paths count from; absolute ones and names of the hub need none."""
    spec = RunSpec(model=("model",), data="data", packs=("packs",))
    file = written("run.toml", spec.to_toml())
    assert from_toml(file) == spec
    monkeypatch.chdir("near")
    replay = from_toml(Path("../run.toml"))
    assert (replay.model, replay.data, replay.packs) == ((str(here / "model"),), str(here / "data"), (f"{here}/packs",))
    assert "folder = " not in replay.to_toml()
    assert "folder = " not in RunSpec(model=("OWNER/NAME",)).to_toml()


@pytest.mark.parametrize("value", ["3", "[]", "true"])
def test_the_folder_of_a_file_is_a_text(value: str) -> None:
    """Anything else is one line."""
    with pytest.raises(SpecError, match="'folder' takes a string"):
        from_toml(written("mine.toml", f"folder = {value}"))


@pytest.mark.parametrize("name", ["nope", "text.txt", "a\\u0000b"])
def test_the_folder_of_a_file_exists(name: str) -> None:
    """Also where the file names no path; options that name paths replace it, as on another machine."""
    file = written("run.toml", f'folder = "{name}"\nseeds = 1\n')
    with pytest.raises(SpecError, match="'folder' names"):
        from_toml(file)
    assert from_toml(file, data="data", model=("model",)).seeds == 1


def test_a_file_that_is_a_link_to_itself_is_named(here: Path) -> None:
    """Not as a file that does not exist, whose nearest name is its own."""
    (here / "c.toml").symlink_to("c.toml")
    with pytest.raises(SpecError, match=r"link to 'c\.toml'"):
        find("c.toml", "runs")


def test_a_pipe_counts_from_the_current_folder(here: Path) -> None:
    """`--config <(command)` has no folder of its own."""
    os.mkfifo("near/pipe")
    assert run_paths.counted({"data": "data"}, Path("near/pipe")) == {"data": "data"}


def test_what_is_read_is_one_line(here: Path) -> None:
    """The absolute paths that exist, each once; names of the hub and words are not among them."""
    Path("link").symlink_to("near/data")
    spec = RunSpec(model=("model", "xnli=./model", "panx=OWNER/NAME"), data="link")
    assert run_paths.what_is_read(spec).endswith(f"{here}/near/data")
    assert run_paths.what_is_read(RunSpec()) == ""
    train = spec_of("", {"encoder": "model", "data": "mini", "task": "xnli", "mlm_steps": 2, "text": "text.txt"})
    assert train.mlm is not None
    assert run_paths.what_is_read(train, train.mlm).endswith(f"{here}/text.txt")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_training_has_one_folder(spelling: str) -> None:
    """The name of the start, however it is spelt; names of the hub end in the model's."""
    values: dict[str, Any] = {"data": "mini", "task": "xnli"}
    assert spec_of("", {"encoder": SPELLINGS[spelling]("model"), **values}).folder == Path("runs/xnli-model-s0")
    assert spec_of("", {"encoder": "OWNER/NAME", **values}).folder == Path("runs/xnli-NAME-s0")
    assert TrainSpec(start=".", data="mini", target=spec_of("", {"encoder": "e", **values}).target).folder.name == (
        f"xnli-{Path.cwd().name}-s0"
    )


@pytest.mark.parametrize("value", ["a\0b", "x" * 5000, "loop"])
def test_what_cannot_be_a_path_is_kept(value: str) -> None:
    """The error comes from the reader of the data, and not from its name."""
    Path("loop").symlink_to("loop")
    assert RunSpec(data=value).folder().name.startswith("eval-")
