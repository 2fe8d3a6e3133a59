"""RunSpec: what it refuses, how it is written, and what counts into its identity."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from typer.main import get_command

from robust_xtreme.cli._app import build
from robust_xtreme.cli._options import passed
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.keys import keys
from robust_xtreme.core.run_spec import RunSpec, from_mapping, from_toml, parse_lengths, parse_limits
from robust_xtreme.models.origin import parse_models
from robust_xtreme.noise.suites import asked

SPEC = RunSpec(model=("runs/a", "xnli=runs/b"), data="data", perturb=("char_noise:0.10,0.2",), limit="300,xquad=150")


def test_a_spec_written_as_toml_reads_back_the_same(tmp_path: Path) -> None:
    """run.toml is replayable: quotes, backslashes and non-ASCII paths included."""
    spec = replace(SPEC, data='da"ta\\Übung\x7f', languages=("sw", "yo"), seeds=3, out="elsewhere")
    path = tmp_path / "run.toml"
    path.write_text("# robust-xtreme eval --config run.toml\n" + spec.to_toml(), encoding="utf-8")
    assert from_toml(path) == spec


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": ("mini",), "data": "mini"},
        {"languages": ("sw", "de@en"), "keep_names": True, "seeds": 3},
        {"labels": ("xnli=a,b,c",), "trained_on": ("en,de",), "split": "test", "precision": "int8"},
    ],
)
def test_the_command_of_a_run_is_that_run(changes: dict[str, object]) -> None:
    """Its words, read by the program, are the same spec, but for where and how fast it is computed."""
    spec = replace(SPEC, **{"data": "hub", **changes})  # type: ignore[arg-type]  # of several types
    command = get_command(build()).commands["eval"]  # type: ignore[attr-defined]  # a program with commands is a group
    (line,) = replace(spec, batch_tokens=9).commands()
    params = command.make_context("eval", shlex.split(line)[2:]).params
    given = {name: params[name] or None for name in keys(RunSpec) if name in params}
    assert from_mapping(passed(given, ("tasks", "languages")), "eval").identity() == spec.identity()


def test_a_command_names_no_path() -> None:
    """The same run elsewhere has the same command; the run's own file has the paths."""
    spec = RunSpec(data="/srv/data", packs=("my packs",), perturb=("char_noise:0.1",))
    line = "robust-xtreme eval --data DIR --perturb char_noise:0.1 --packs DIR"
    assert spec.commands() == [line, "robust-xtreme eval --config run.toml"]


def test_the_identity_leaves_out_where_and_how_fast_a_run_is_computed() -> None:
    """Device, batch size and out folder do not change the default folder; what is computed does."""
    assert replace(SPEC, device="cpu", batch_tokens=7, out="there").identity() == SPEC.identity()
    assert replace(SPEC, seeds=2).identity() != SPEC.identity()
    assert replace(SPEC, perturb=("char_noise:0.1,0.2",)).identity() == SPEC.identity()


def test_the_default_folder_is_named_by_the_identity() -> None:
    """Without --out the folder follows from the spec, so the same command finds it again."""
    assert SPEC.folder() == Path("runs") / f"eval-{SPEC.identity()}"
    assert replace(SPEC, out="x").folder() == Path("x")


def test_an_unknown_key_fails_with_the_nearest_one() -> None:
    """A misspelt key of a config is an error naming the key that was meant."""
    with pytest.raises(SpecError, match="perturbs"):
        from_mapping({"model": "a", "data": "d", "perturbs": []}, "eval")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": [], "data": "d"}, "No model"),
        ({"model": "a", "data": ""}, "No data"),
        ({"model": "a", "data": "d", "seeds": 0}, "below 1"),
        ({"model": "a", "data": "d", "seeds": 10**20}, "above 10000"),
        ({"model": "a", "data": "d", "limit": "9" * 5000}, "TASK=N"),
        ({"model": "a", "data": "d", "seeds": True}, "whole number"),
        ({"model": "a", "data": "d", "tasks": 3}, "list of strings"),
        *(
            ({"model": "a", "data": "d", "languages": ["sw", code]}, "question@context")
            for code in ("@", "en@", "@en", "de@en@zh", "de@de", "de@@en")
        ),
        ({"model": "a", "data": "d", "split": "dev"}, "auto"),
        ({"model": "a", "data": "d", "precision": "fp8"}, "bf16"),
        ({"model": "a", "data": "d", "limit": "xnli=many"}, "TASK=N"),
        ({"model": "a", "data": "d", "limit": "3,4"}, "twice"),
        *(({"max_length": length}, "TASK=N") for length in ("panx", "=62", "panx=15", "panx=1e3", "panx=٦٢")),
        ({"model": "a", "data": "d", "perturb": "char_noise:-1"}, "between 0 and 1"),
        ({"model": "a", "data": "d", "perturb": "char_noise:2"}, "between 0 and 1"),
        ({"model": "a", "data": "d", "perturb": "char_noise:nan"}, "not a number"),
        ({"model": "a", "data": "d", "perturb": "char_noise:"}, "strength is missing"),
        (
            {"model": "a", "data": "d", "keep_names": True},
            "--perturb",
        ),
    ],
)
def test_bad_values_are_one_line_that_names_them(values: dict[str, object], message: str) -> None:
    """Every value that cannot be meant is refused before anything is read."""
    with pytest.raises(SpecError, match=message):
        from_mapping(values, "eval")


def test_one_limit_for_all_tasks_may_be_a_number() -> None:
    """`evaluate(limit=20)` and `limit = 20` in a run's file mean what `--limit 20` does."""
    assert from_mapping({"model": "a", "data": "d", "limit": 20}, "evaluate").limit == "20"
    with pytest.raises(SpecError, match="whole number"):
        from_mapping({"model": "a", "data": "d", "limit": True}, "evaluate")


@pytest.mark.parametrize("model", [Path("runs/panx"), [Path("runs/panx")], "runs/panx"])
def test_what_train_returns_is_a_model(model: object) -> None:
    """`evaluate(model=train(...))`: a Path names a run as a string does; a language is never one."""
    assert from_mapping({"model": model, "data": Path("d")}, "evaluate").model == ("runs/panx",)
    with pytest.raises(SpecError, match="list of strings"):
        from_mapping({"model": model, "data": "d", "languages": Path("sw")}, "evaluate")


def test_a_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    """A broken or missing config is one line with its path."""
    broken = tmp_path / "run.toml"
    broken.write_text("model = [", encoding="utf-8")
    (tmp_path / "deep.toml").write_text("x=" + "[" * 5000, encoding="utf-8")
    for path in (broken, tmp_path / "deep.toml", tmp_path / "missing.toml"):
        with pytest.raises(SpecError, match=path.name):
            from_toml(path)


def test_a_task_s_name_may_have_an_equals_sign() -> None:
    """Limits, lengths and models of tatoeba@to=en are its own, and not those of tatoeba."""
    assert parse_limits("tatoeba=9,tatoeba@to=en=150") == {"tatoeba": 9, "tatoeba@to=en": 150}
    assert parse_lengths(("tatoeba@to=en=128",)) == {"tatoeba@to=en": 128}
    named, plain = parse_models(("tatoeba=a/b", "tatoeba@to=en=python:mine:encode", "c"))
    assert named == {"tatoeba": "a/b", "tatoeba@to=en": "python:mine:encode"}
    assert plain == ("c",)


def test_limits_fall_back_to_the_default() -> None:
    """`300,xquad=150` limits xquad to 150 and every other task to 300."""
    assert parse_limits("300,xquad=150") == {"": 300, "xquad": 150}
    assert (SPEC.limit_of("xquad"), SPEC.limit_of("xnli")) == (150, 300)
    assert replace(SPEC, limit="").limit_of("xnli") is None


def test_strengths_become_cells_once() -> None:
    """Each strength is one perturbation, in the order written, and the same one is not run twice."""
    perturb = RunSpec(perturb=("char_noise:0.1,0.2", "char_noise:0.10")).perturb
    assert [str(entry.cell) for entry in asked(perturb)] == ["char_noise:0.1", "char_noise:0.2"]


def test_mini_beside_other_models_asks_for_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the hub's data nor mini's are meant by it; what is named is valid for all models."""
    monkeypatch.delenv("ROBUST_XTREME_DATA", raising=False)
    for models in (("mini", "xnli=other"), ("xnli=mini", "panx=other")):
        with pytest.raises(SpecError, match="--data mini"):
            RunSpec(models)
        assert RunSpec(models, data="mini").data == "mini"
    assert RunSpec(("xnli=mini", "panx=mini")).data == "mini"
    monkeypatch.setenv("ROBUST_XTREME_DATA", "files")
    assert RunSpec(("mini", "xnli=other")).data == "files"


def test_mini_beside_another_model_has_its_data_in_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a folder of data in the environment, too, where they have to be named."""
    monkeypatch.delenv("ROBUST_XTREME_DATA", raising=False)
    spec = RunSpec(model=("xnli=python:own:f", "xcopa=mini"), data="mini", tasks=("xnli", "xcopa"))
    assert "--data mini" in spec.commands()[0]


def test_one_string_of_names_is_a_list_by_commas() -> None:
    """`evaluate(tasks="tatoeba,xcopa")` means what `--tasks tatoeba,xcopa` does; a model's name is left whole."""
    run_spec = from_mapping({"model": "a,b", "data": "d", "tasks": "tatoeba, xcopa", "languages": "de,sw"}, "evaluate")
    assert (run_spec.model, run_spec.tasks, run_spec.languages) == (("a,b",), ("tatoeba", "xcopa"), ("de", "sw"))
    assert from_mapping({"perturb": "char_noise:0.1,0.2"}, "evaluate").perturb == ("char_noise:0.1,0.2",)


@pytest.mark.parametrize(
    ("key", "given", "written"),
    [
        ("max_length", {"xnli": 128, "panx": 64}, ("xnli=128", "panx=64")),
        ("max_length", {}, ()),
        ("trained_on", {"xnli": "en,de", "panx": ["en", "sw"]}, ("xnli=en,de", "panx=en,sw")),
        ("revision", {"xnli": "0123abc"}, ("xnli=0123abc",)),
    ],
)  # fmt: skip
def test_values_by_task_may_be_a_mapping(key: str, given: object, written: tuple[str, ...]) -> None:
    """As for labels and models; a value of another kind is refused."""
    assert getattr(from_mapping({key: given}, "evaluate"), key) == written


@pytest.mark.parametrize(
    "value", [True, 128.0, None, [64, 128], 10**5000, 15], ids=["bool", "float", "none", "list", "huge", "few"]
)
def test_a_length_by_task_is_a_whole_number(value: object) -> None:
    """The message says how one is written."""
    with pytest.raises(SpecError, match="max_length"):
        from_mapping({"max_length": {"xnli": value}}, "evaluate")
