"""A run's file and the options of `train`: which options replace which keys, where files are, what is completed."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from robust_xtreme.api import _train_spec
from robust_xtreme.cli import _completion
from robust_xtreme.cli._options import passed
from robust_xtreme.cli.train import train
from robust_xtreme.core import resources
from robust_xtreme.core.errors import SpecError, UnknownName
from robust_xtreme.core.keys import keys
from robust_xtreme.core.resources import find, shipped
from robust_xtreme.training import spec
from robust_xtreme.training.sampling import parse_sampling
from robust_xtreme.training.values import SHORT, from_values, spec_of

FILE = """
from = "OWNER/NAME"
revision = "abc"
data = "hub"
out = "runs/one"
seed = 3
offline = true

[mlm]
text = "words.txt"
steps = 9

[intermediate]
tasks = ["squad", "mnli"]
epochs = 2

[target]
tasks = ["tydiqa"]
epochs = 5
lr = 2e-5
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A run's file with all three stages, and the text that it names beside it."""
    (tmp_path / "words.txt").write_text("a few words\n", encoding="utf-8")
    path = tmp_path / "one.toml"
    path.write_text(FILE, encoding="utf-8")
    return str(path)


def asked(file: str = "", **words: Any) -> spec.TrainSpec:
    """The run that a file and options specify, with the defaults of the other options."""
    unsaid = {name: parameter.default for name, parameter in inspect.signature(train).parameters.items()}
    given = {**unsaid, **words}
    other = ("file", "seeds", "on", "plan", "force", "quiet", "verbose")
    return spec_of(file, passed({name: given[name] for name in given if name not in other}))


def test_keys_are_named_as_they_are_written(tmp_path: Path) -> None:
    """`from`, and not the name that it has inside, which is not a key of a file either."""
    path = tmp_path / "own.toml"
    path.write_text("from = 3", encoding="utf-8")
    with pytest.raises(SpecError, match="'from' takes a string"):
        asked(str(path))
    for content, message in (('fron = "x"', "'from'"), ('start = "x"', "'start'")):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(SpecError, match=message) as caught:
            asked(str(path))
        known = str(caught.value).partition("Known: ")[2].rstrip(".").split(", ")
        assert "from" in known
        assert "start" not in known
    with pytest.raises(SpecError, match="Known: ") as caught:
        from_values({"nothing": 1})
    assert str(caught.value).count(" start,") == 0


def stage(train_spec: spec.TrainSpec, name: str) -> spec.StageSpec:
    """A stage that must be there."""
    there = dict(train_spec.stages)
    assert name in there
    return there[name]


def test_options_that_were_not_given_change_nothing(file: str, tmp_path: Path) -> None:
    """The run of a file alone is that of its keys; its text is found beside it."""
    settings = asked(file)
    tables = resources.toml(Path(file))
    tables["mlm"]["text"] = str(tmp_path / "words.txt")
    assert settings == spec.from_tables(tables)
    assert (settings.seed, settings.offline, stage(settings, "target").lr) == (3, True, 2e-5)


def test_an_option_replaces_the_key(file: str) -> None:
    """Options win over the file, in the stage that they belong to; steps replace epochs, and the other way round."""
    settings = asked(file, steps=7, out="runs/two", intermediate="hellaswag", sampling="temperature:2", seed=0)
    assert (settings.out, settings.seed) == ("runs/two", 0)
    assert (stage(settings, "target").steps, stage(settings, "target").epochs) == (7, 0)
    assert stage(settings, "intermediate").tasks == ("hellaswag",)
    assert (stage(settings, "intermediate").sampling, stage(settings, "target").sampling) == (
        "temperature:2",
        "proportional",
    )
    assert stage(asked(file, intermediate_steps=4), "intermediate").steps == 4
    assert stage(asked(file, task="xnli,panx"), "target").tasks == ("xnli", "panx")
    assert asked(file, allow_overlap=True).overlap == "allow"


def test_options_of_the_last_stage_are_those_of_the_last_there_is() -> None:
    """Without a target they are those of the intermediate stage; without an intermediate one all are the target's."""
    given: dict[str, Any] = {"encoder": "e", "data": "d", "perturb": ["char_noise:0.1"], "languages": ["de"]}
    given["epochs"] = 2
    last = stage(asked(intermediate="squad,mnli", **given), "intermediate")
    assert (last.perturb, last.languages, last.epochs) == (("char_noise:0.1",), ("de",), 2)
    only = stage(asked(task="xnli", **given), "target")
    assert (only.perturb, only.languages, only.epochs) == (("char_noise:0.1",), ("de",), 2)
    both = asked(task="xnli", intermediate="squad,mnli", **given)
    assert (stage(both, "target").languages, stage(both, "intermediate").languages) == ((), ("de",))
    assert (stage(both, "target").perturb, stage(both, "intermediate").perturb) == (("char_noise:0.1",), ())


def test_the_options_of_older_commands_keep_their_meaning() -> None:
    """From scratch, with steps of masked LM, one task and epochs."""
    settings = asked(
        scratch="small", mlm_steps=600, text="T", data="D", task="panx", epochs=12, out="runs/panx", reported=["panx"]
    )
    assert settings == spec.TrainSpec(
        data="D",
        start="scratch",
        size="small",
        text="T",
        out="runs/panx",
        reported=("panx",),
        mlm=spec.StageSpec(text="T", steps=600),
        target=spec.StageSpec(tasks=("panx",), epochs=12),
    )


def test_another_start_replaces_that_of_the_file(file: str) -> None:
    """A revision or size of the file belongs to its own start."""
    settings = asked(file, scratch="tiny", text="T")
    assert (settings.start, settings.size, settings.revision) == ("scratch", "tiny", "")
    assert stage(settings, "mlm").text == "T"
    assert asked(file, encoder="DIR").start == "DIR"
    assert asked(file, encoder="DIR").revision == ""


def test_steps_of_masked_lm(file: str, tmp_path: Path) -> None:
    """They read the text that is named, or the file's; none leave the stage out; without a text they are refused."""
    assert stage(asked(file, mlm_steps=4), "mlm").steps == 4
    assert stage(asked(file, mlm_steps=4), "mlm").text == str(tmp_path / "words.txt")
    assert asked(file, mlm_steps=0).mlm is None
    assert stage(asked(encoder="e", data="d", task="xnli", mlm_steps=5, text="T"), "mlm").steps == 5
    run = spec.from_tables({"from": "e", "text": "T", "mlm": {"steps": 5}})
    assert stage(run, "mlm").text == "T"
    with pytest.raises(SpecError, match="--mlm-steps"):
        asked(encoder="e", data="d", task="xnli", mlm_steps=5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"encoder": "e", "data": "d"}, "nothing to learn"),
        ({"encoder": "scratch", "text": "t", "task": "xnli", "data": "d"}, "small or tiny"),
        ({"encoder": "e", "data": "d", "task": "xnli", "overlap": "alow"}, "'allow'"),
        ({"encoder": "e", "data": "d", "task": "xnli", "steps": 3, "epochs": 3}, "--epochs and --steps"),
    ],
)
def test_a_mistake_is_one_line(words: dict[str, Any], message: str) -> None:
    """A missing or misspelt key is reported before anything is read."""
    with pytest.raises((SpecError, UnknownName), match=message) as caught:
        asked(**words)
    assert "\n" not in str(caught.value)


def test_a_shipped_file_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With or without its suffix; a file of that path is the user's own."""
    monkeypatch.chdir(tmp_path)
    assert find("paper_base", "train") == find("paper_base.toml", "train") == shipped("train")["paper_base"]
    Path("paper_base.toml").write_text("", encoding="utf-8")
    assert find("paper_base.toml", "train") == Path("paper_base.toml")


def test_a_missing_file_is_one_line_with_the_nearest_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Names that ship with the program, and files beside the path that was meant."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "study.toml").write_text("", encoding="utf-8")
    with pytest.raises(UnknownName, match="'paper_large'"):
        find("paper_larg", "train")
    with pytest.raises(UnknownName, match=r"'mine/study\.toml'"):
        find("mine/studi.toml", "train")


def _completion_of(name: str) -> Any:
    """What completes an option of `train`."""
    return inspect.signature(train).parameters[name].annotation.__metadata__[0].autocompletion


def test_what_a_shell_completes_is_what_train_takes() -> None:
    """The offered words are valid in the run's spec, and the offered files exist."""
    assert sorted(_completion_of("recipe")("")) == sorted(resources.shipped("recipes"))
    for name in ("overlap", "mixing", "control", "select", "precision", "strategy", "schedule", "optimizer", "log"):
        kind = spec.StageSpec if name in keys(spec.StageSpec) else spec.TrainSpec
        assert _completion_of(name)("") == sorted(filter(None, keys(kind)[name][1].choices))
    assert _completion_of("scratch")("") == sorted(spec.SIZE_NAMES)
    assert _completion_of("log")("csv,") == ["csv,tensorboard"]
    assert [parse_sampling(text) for text in _completion_of("sampling")("")]
    assert _completion.learned("xnli,hella") == ["xnli,hellaswag"]
    assert _completion.run_file("paper_b") == ["paper_base", "paper_base_smoke"]
    assert _completion.config("x-") == ["x-stilts"]
    assert _completion.translated("h") == ["hub"]


def test_files_of_the_user_are_completed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run files and folders that begin so; other files are not offered."""
    monkeypatch.chdir(tmp_path)
    for name in ("mine.toml", "mine.txt", "mines/one.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    assert _completion.run_file("mi") == ["mine.toml", "mines/"]
    assert _completion.run_file("mines/") == ["mines/one.toml"]
    assert _completion.folder("mi") == ["mines/"]


def test_python_takes_a_run_by_its_name() -> None:
    """`train("small_ci")` is the command `train small_ci`; values replace keys of the file as options do."""
    assert _train_spec("small_ci", {}) == spec_of("small_ci", {})
    given = {"steps": 7, "languages": "en,sw", "seed": 0, "out": Path("o"), "mlm_steps": 3}
    assert _train_spec("small_ci", given) == spec_of("small_ci", {**given, "languages": ["en", "sw"], "out": "o"})
    spec = _train_spec("small_ci", {name: argument.default for name, argument in SHORT.items()})
    assert spec == spec_of("small_ci", {})
    with pytest.raises(UnknownName, match="Did you mean"):
        _train_spec("small_cy", {})
    with pytest.raises(SpecError, match="'taks'"):
        _train_spec("small_ci", {"taks": "xnli"})


def test_a_path_of_a_run_is_taken_by_python(tmp_path: Path) -> None:
    """A Path is a file; its own paths count from it."""
    path = tmp_path / "run.toml"
    path.write_bytes(shipped("train")["small_ci"].read_bytes())
    (tmp_path / "made_up.txt").write_text("a b c", encoding="utf-8")
    assert _train_spec(path, {}).text == str(tmp_path / "made_up.txt")
