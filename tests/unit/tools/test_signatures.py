"""The functions of the package as Python's help, completion and editors see them."""

from __future__ import annotations

import ast
import inspect
import pydoc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tools.stub import text

import robust_xtreme
from robust_xtreme import evaluate, train
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.keys import keys
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.training.spec import StageSpec, TrainSpec
from robust_xtreme.training.values import SHORT, from_values

STUB = Path(robust_xtreme.__file__).with_suffix(".pyi")
_SWITCHES = {"deduplicate": True, "force": False, "cache": True, "keep_going": False}
_FUNCTIONS = dict.fromkeys(("encode", "classify", "tag", "answer", "choose", "search", "rerank"))
OF_EVALUATE = {**_FUNCTIONS, "tokenizer": None, **_SWITCHES, "devices": None, "on": None, "observer": None}
OF_TRAIN = {name: argument.default for name, argument in SHORT.items()} | {"force": False}


def defaults(kind: Any) -> dict[str, Any]:
    """The keys of a spec with their defaults."""
    return {name: field.default for name, (field, _) in keys(kind).items()}


def keywords(function: Any) -> dict[str, Any]:
    """The keyword arguments of a function with their defaults."""
    parameters = inspect.signature(function).parameters.values()
    assert not [parameter for parameter in parameters if parameter.kind is inspect.Parameter.VAR_KEYWORD]
    return {
        parameter.name: parameter.default
        for parameter in parameters
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }


def test_evaluate_has_every_key_of_a_run() -> None:
    """Name, default and order are those of the options' table."""
    shown = keywords(evaluate)
    assert shown == {**defaults(RunSpec), **OF_EVALUATE}
    assert list(shown)[: len(keys(RunSpec))] == list(keys(RunSpec))


def test_train_has_every_key_of_a_run_and_of_its_last_stage() -> None:
    """Short forms, keys of the run, keys of the stage; `start` is `encoder`, and `tasks` is `task`."""
    expected = {**defaults(StageSpec), **defaults(TrainSpec), **OF_TRAIN}
    assert keywords(train) == {name: value for name, value in expected.items() if name not in ("start", "tasks")}


def test_a_default_that_is_passed_to_evaluate_changes_nothing() -> None:
    """Every key may be passed with the default that the signature shows."""
    assert RunSpec(**{name: value for name, value in keywords(evaluate).items() if name in keys(RunSpec)}) == RunSpec()


@pytest.mark.parametrize(
    "given",
    [
        {"task": "xnli", "data": "d", "encoder": "e"},
        {"task": "xnli", "data": "d", "encoder": "e", "text": "t", "mlm_steps": 5},
        {"task": "xnli", "data": "d", "scratch": "tiny", "text": "t"},
        {"mlm": {"text": "t", "steps": 1}, "encoder": "e"},
    ],
)
def test_a_default_that_is_passed_to_train_changes_nothing(given: dict[str, Any]) -> None:
    """The same for training, whichever stages a call describes."""
    shown = {name: value for name, value in keywords(train).items() if name != "force"}
    assert from_values({**shown, **given}) == from_values(given)


def test_help_describes_every_argument() -> None:
    """`help(evaluate)` shows the signature, and the line of `--help` for each key."""
    shown = " ".join(pydoc.plain(pydoc.render_doc(evaluate)).split())
    assert "seeds: 'int' = 1" in shown
    for name, (_, key) in keys(RunSpec).items():
        assert f"{name}: {' '.join(key.help.split())}" in shown


def test_editors_read_the_same_signatures() -> None:
    """The types beside the package are those that the functions show, argument by argument."""
    assert STUB.read_text("utf-8") == text()
    stubs = {node.name: node for node in ast.parse(text()).body if isinstance(node, ast.FunctionDef)}
    assert set(stubs) == {"compare", "evaluate", "from_frame", "gate", "load", "perturb", "study", "train"}
    for name, stub in stubs.items():
        shown = inspect.signature(getattr(robust_xtreme, name))
        given = [*stub.args.args, *stub.args.kwonlyargs]
        assert [argument.arg for argument in given] == list(shown.parameters)
        assert [ast.unparse(argument.annotation) for argument in given if argument.annotation] == [
            ast.unparse(ast.parse(str(parameter.annotation), mode="eval")) for parameter in shown.parameters.values()
        ]
    bound = {
        alias.asname for node in ast.parse(text()).body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert {*robust_xtreme.__all__} <= {*bound, *stubs, "__version__"}


def test_dir_lists_the_public_names_alone() -> None:
    """Completion of `robust_xtreme.` offers what is exported, also after modules were imported."""
    assert dir(robust_xtreme) == sorted(robust_xtreme.__all__)
    assert all(getattr(robust_xtreme, name) for name in robust_xtreme.__all__)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"spec": 5}, "not 5"),
        ({"spec": "runs/x"}, "runs/x"),
        ({"spec": RunSpec(), "tasks": "xnli"}, "both: tasks"),
        ({"tasks": 5}, "'tasks'"),
        ({"perturb": 0.1}, "'perturb'"),
        ({"seeds": "2"}, "'2'"),
        ({"seeds": True}, "not True"),
        ({"out": 5}, "'out'"),
        ({"labels": {"xnli": "a,b,c"}}, "labels"),
        ({"force": "no"}, "force"),
        ({"cache": None}, "cache"),
        ({"devices": [0]}, "[0]"),
        ({"devices": []}, "not []"),
        (
            {"devices": ("cpu", "cpu"), "device": "cuda"},
            "--devices",
        ),
        ({"on": "slurm"}, "--on"),
        ({"observer": 5}, "Observer"),
        ({"tokenizer": 5}, "tokenizer="),
        ({"model": {5: "a"}}, "task 5"),
        ({"model": {"": "a"}}, "task ''"),
    ],
)
def test_a_wrong_argument_of_evaluate_is_one_line(values: Mapping[str, Any], line: str) -> None:
    """The argument, what it takes, and what was given."""
    with pytest.raises(UserError) as error:
        evaluate(**values)
    assert line in str(error.value)


@pytest.mark.parametrize("model", [None, 5, [None], {"xnli": None}, {"xnli": ["a", "b"]}, object(), np.zeros(3)])
def test_what_is_not_a_model_is_one_line(model: Any) -> None:
    """The forms of a model are listed, and the value is cut to a line."""
    with pytest.raises(UserError) as error:
        evaluate(model=model)
    assert str(error.value).startswith("evaluate: model takes a name, a path, a model of transformers, a list of")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("model", [[], {}])
def test_no_model_is_one_line(model: Any) -> None:
    """An empty list of models is not the default."""
    with pytest.raises(UserError, match="No model"):
        evaluate(model=model)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"spec": 5}, "TrainSpec"),
        ({"options": 5}, "Options"),
        ({"force": 1}, "force"),
        ({"task": 5}, "takes a name"),
        ({"task": "xnli", "lr": "x"}, "'lr'"),
    ],
)
def test_a_wrong_argument_of_train_is_one_line(values: Mapping[str, Any], line: str) -> None:
    """The same for training."""
    with pytest.raises(UserError) as error:
        train(**values)
    assert line in str(error.value)


def test_a_long_value_is_cut() -> None:
    """A value whose text has many lines is shown in one short line."""
    wrong: Any = np.zeros((100, 100))
    with pytest.raises(UserError) as error:
        evaluate(tasks=wrong)
    assert len(str(error.value)) < 200
    assert "\n" not in str(error.value)


def test_a_run_spec_takes_what_evaluate_takes() -> None:
    """Its lists may be strings, with commas where the command line has them, and a wrong type is one line."""
    spec = RunSpec(tasks="xnli,panx", languages="sw", perturb="char_noise:0.1", model=Path("runs/x"))  # type: ignore[arg-type]  # as a user writes it
    assert (spec.tasks, spec.languages, spec.perturb) == (("xnli", "panx"), ("sw",), ("char_noise:0.1",))
    with pytest.raises(UserError, match="'tasks'"):
        RunSpec(tasks=5)  # type: ignore[arg-type]  # the mistake
