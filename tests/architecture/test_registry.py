"""Names are modules of a folder, found without importing them; other packages add theirs by entry points."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from robust_xtreme import registry
from robust_xtreme.errors import UnknownName

PLUGIN = """
from dataclasses import replace
from robust_xtreme.tasks.xnli import xnli
riddles = replace(xnli, name="riddles", summary="Riddles of another package.")
"""
POINTS = """
[robust_xtreme.tasks]
riddles = riddles_plugin:riddles
broken = riddles_plugin:not_there
other = riddles_plugin:riddles
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A folder that looks like an installed package with two entry points, one of which does not load."""
    (tmp_path / "riddles_plugin.py").write_text(PLUGIN)
    info = tmp_path / "riddles-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: riddles\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    return tmp_path


def run(plugin: Path, code: str) -> str:
    """What some code prints in an interpreter that sees the plug-in."""
    line = f"import sys; sys.path.append({str(plugin)!r})\n{code}"
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_names_are_found_without_importing(plugin: Path) -> None:
    """Listing the names of a kind imports no member, neither ours nor another package's."""
    code = (
        "from robust_xtreme import registry\nprint(*registry.names('task'))\n"
        "print([name for name in sys.modules if name.startswith(('robust_xtreme.tasks', 'riddles'))])"
    )
    names, loaded = run(plugin, code).splitlines()
    assert {"xnli", "riddles", "broken"} <= set(names.split())
    assert loaded == "[]"


def test_a_package_is_no_member_and_those_in_it_have_dotted_names() -> None:
    """What groups members is not listed; a member in it is `package.module`, found without importing either."""
    code = (
        "import sys; from robust_xtreme import registry\nprint(*registry.names('perturbation'))\n"
        "print([name for name in sys.modules if 'nlpaug' in name or 'noise' in name])"
    )
    names, loaded = run(Path(), code).splitlines()
    assert {"char_noise", "nlpaug.keyboard", "nlpaug.random"} <= set(names.split())
    assert not {"nlpaug", "nlpaug._library", "nlpaug.__init__"} & set(names.split())
    assert loaded == "[]"


def test_a_dotted_member_is_the_object_called_like_its_module() -> None:
    """`nlpaug.keyboard` is `keyboard` of its module, and knows its whole name."""
    member = registry.load("perturbation", "nlpaug.keyboard")
    assert member.name == "nlpaug.keyboard"
    with pytest.raises(UnknownName, match=r"no perturbation named 'nlpaug\.keybord'\. Did you mean 'nlpaug\.keyboard'"):
        registry.load("perturbation", "nlpaug.keybord")


def test_a_member_of_another_package_is_loaded_by_name(plugin: Path) -> None:
    """A third party's task is used like our own."""
    code = "from robust_xtreme import registry\nprint(registry.load('task', 'riddles').summary)"
    assert run(plugin, code) == "Riddles of another package.\n"


def test_a_broken_entry_point_is_one_line(plugin: Path) -> None:
    """A member that does not load is named with its entry point, as a user's error."""
    code = (
        "from robust_xtreme import registry\nfrom robust_xtreme.errors import UserError\n"
        "try:\n    registry.load('task', 'broken')\nexcept UserError as error:\n    print(error)"
    )
    assert run(plugin, code).startswith("The task 'broken' of 'riddles_plugin:not_there' does not load: ")


def test_an_entry_point_that_gives_another_thing_is_one_line(plugin: Path) -> None:
    """What is loaded must be called like its entry point, as our own members are called like their modules."""
    code = (
        "from robust_xtreme import registry\nfrom robust_xtreme.errors import UserError\n"
        "try:\n    registry.load('task', 'other')\nexcept UserError as error:\n    print(error)"
    )
    assert run(plugin, code) == "What 'riddles_plugin:riddles' gives is no task called 'other'.\n"


@pytest.mark.parametrize("kind", sorted(registry.KINDS))
def test_every_member_loads_and_is_called_like_its_module(kind: str) -> None:
    """Each registered name loads, and a member that has a name has its module's."""
    for name in registry.names(kind):
        member = registry.load(kind, name)
        assert getattr(member, "name", name) == name


def test_an_unknown_member_is_named_with_the_nearest() -> None:
    """A mistyped name says what was probably meant and the command that lists them."""
    with pytest.raises(
        UnknownName, match=r"no task named 'xnly'\. Did you mean 'xnli'\? See: robust-xtreme list tasks"
    ):
        registry.load("task", "xnly")
