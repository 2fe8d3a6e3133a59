"""Run files, recipes and values that nobody means: each is one line, and costs nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from robust_xtreme.core import resources, run_spec
from robust_xtreme.core.errors import SpecError
from robust_xtreme.training.sampling import parse_sampling
from robust_xtreme.training.spec import recipe
from robust_xtreme.training.values import from_values

Reader = Callable[[Path], object]
READERS: tuple[Reader, ...] = (resources.toml, run_spec.from_toml, lambda path: recipe(str(path)))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"seed = " + b"9" * 100_000, "64 bits"),
        (b"seed = 0x" + b"f" * 100_000, "64 bits"),
        (b"a = [{b = 99999999999999999999}]", "64 bits"),
        (b"[" + b"a." * 100_000 + b"a]", "21 parts"),
        (b'"a" . ' * 22 + b"a = 1", "21 parts"),
        (b"x = {" + b"a." * 1_000 + b"a = 1}", "21 parts"),
        (b"#" * 1_000_001, "1 MB"),
        (b"a = " + b"[" * 20_000, "nested"),
        (b"\xff", "UTF-8"),
    ],
)
def test_a_hostile_file_is_one_line(reader: Reader, content: bytes, message: str, tmp_path: Path) -> None:
    """Run files of `train` and `eval` and recipes have one reader, which says what is wrong and where to start."""
    path = tmp_path / "file.toml"
    path.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        reader(path)
    assert message in str(caught.value)
    assert str(caught.value).endswith("Files to start from: robust-xtreme config list")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("reader", READERS[:2])
def test_a_pipe_is_not_opened(reader: Reader, tmp_path: Path) -> None:
    """A run file that may never end is one line."""
    os.mkfifo(tmp_path / "file.toml")
    with pytest.raises(SpecError, match="regular file"):
        reader(tmp_path / "file.toml")


def test_a_usual_file_is_read(tmp_path: Path) -> None:
    """Dots in numbers, paths and versions make no deep key, and long words cost nothing."""
    path = tmp_path / "file.toml"
    path.write_text(f"a.b.c = -9223372036854775808\nd = '{'x' * 900_000}'\ne = '../../../v1.2.3/../../x.y'\n", "utf-8")
    table = resources.toml(path)
    assert (table["a"], len(table["d"])) == ({"b": {"c": -(2**63)}}, 900_000)


def spec_with(**changed: Any) -> object:
    """A run with some values."""
    return from_values({"encoder": "e", "data": "d", "task": "xnli", **changed})


@pytest.mark.parametrize("name", ["epochs", "steps", "batch_size", "total", "devices", "accumulate", "lora", "seed"])
@pytest.mark.parametrize("value", [pytest.param(10**26, id="26"), pytest.param(10**5000, id="5000"), 2**32])
def test_whole_numbers_have_a_bound(name: str, value: int) -> None:
    """A number that no run reaches is refused before anything is computed with it, however long it is."""
    with pytest.raises(SpecError, match=f"--{name.replace('_', '-')} "):
        spec_with(**{name: value})


def test_the_bounds_are_values_themselves() -> None:
    """The largest documented value is accepted."""
    spec_with(steps=10**9, devices=4096, accumulate=4096, seed=2**32 - 1, sampling="capped:1000000000")


@pytest.mark.parametrize("name", ["out", "encoder", "text", "translated", "data", "recipe"])
@pytest.mark.parametrize("value", ["a\0b", "a\nb", "\x7f"])
def test_a_path_with_a_control_character_is_refused(name: str, value: str) -> None:
    """The key and the value are named on one line."""
    with pytest.raises(SpecError, match="control character") as caught:
        spec_with(**{name: value})
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("text", ["capped:99999999999999999999", "capped:" + "9" * 400, "temperature:1e9", "capped:٣"])
def test_a_sampling_beyond_bounds_is_refused(text: str) -> None:
    """Caps and temperatures are numbers from 1 to a thousand million."""
    with pytest.raises(SpecError, match="1,000,000,000"):
        parse_sampling(text)


@pytest.mark.parametrize("text", ["=5", " = 5", "3,=5"])
def test_a_limit_of_no_task_is_refused(text: str) -> None:
    """A limit for all tasks has no equals sign."""
    with pytest.raises(SpecError, match="TASK=N"):
        run_spec.parse_limits(text)


@pytest.mark.parametrize("line", ["epochs = 1000000001", "lr = nan", "lr = inf", "steps = -1"])
def test_a_recipe_beyond_bounds_is_refused(line: str, tmp_path: Path) -> None:
    """A recipe's numbers have the bounds of a run's."""
    path = tmp_path / "mine.toml"
    path.write_text(f"[classification]\n{line}\n", "utf-8")
    with pytest.raises(SpecError, match="1,000,000,000"):
        recipe(str(path))
