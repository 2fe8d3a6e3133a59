"""Names are modules of a folder, found without importing them; other packages add theirs by entry points."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.program import program

from robust_xtreme.core import registry
from robust_xtreme.core.errors import UnknownName, UserError
from robust_xtreme.core.specs import PerturbationSpec

PLUGIN = """
from dataclasses import replace
from robust_xtreme.tasks.members._pairs import xnli
riddles = replace(xnli, name="riddles", summary="Riddles of another package.")
"""
POINTS = """
[robust_xtreme.tasks]
riddles = riddles_plugin:riddles
broken = riddles_plugin:not_there
other = riddles_plugin:riddles
xnli = riddles_plugin:riddles
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


@pytest.fixture
def plugged(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same package installed in this process."""
    monkeypatch.syspath_prepend(str(plugin))
    registry._external.cache_clear()
    registry._installed.cache_clear()
    yield
    registry._external.cache_clear()
    registry._installed.cache_clear()
    sys.modules.pop("riddles_plugin", None)


@pytest.mark.usefixtures("plugged")
def test_names_are_found_without_importing() -> None:
    """Listing the names of a kind imports no member of another package; for the package itself see test_imports.py.

    A package is not a member; a member in it is `package.module`.
    """
    perturbations = set(registry.names("perturbation"))
    assert {"xnli", "riddles", "broken"} <= set(registry.names("task"))
    assert {"char_noise", "nlpaug.keyboard", "nlpaug.random"} <= perturbations
    assert not {"nlpaug", "nlpaug._aug", "nlpaug.__init__"} & perturbations
    assert "riddles_plugin" not in sys.modules


def test_a_dotted_member_is_the_object_called_like_its_module() -> None:
    """`nlpaug.keyboard` is `keyboard` of its module, and knows its whole name."""
    member = registry.load("perturbation", "nlpaug.keyboard")
    assert member.name == "nlpaug.keyboard"
    with pytest.raises(UnknownName, match=r"'nlpaug\.keyboard'"):
        registry.load("perturbation", "nlpaug.keybord")
    (link,) = PerturbationSpec.parse("textattack.input-reduction:0.3").links
    with pytest.raises(UnknownName, match=r"'textattack\.input_reduction'"):
        registry.load("perturbation", link.name)


@pytest.mark.usefixtures("plugged")
def test_a_member_of_another_package_is_loaded_by_name() -> None:
    """A third party's task is used like our own."""
    assert registry.load("task", "riddles").summary == "Riddles of another package."


@pytest.mark.usefixtures("plugged")
def test_our_members_are_not_replaced() -> None:
    """A third party's member with the name of our task is not used."""
    assert registry.load("task", "xnli").name == "xnli"


@pytest.mark.usefixtures("plugged")
def test_a_broken_entry_point_is_one_line() -> None:
    """A member that does not load is named with its entry point, as a user's error."""
    with pytest.raises(UserError, match="riddles_plugin:not_there"):
        registry.load("task", "broken")


@pytest.mark.usefixtures("plugged")
def test_an_entry_point_that_gives_another_thing_is_one_line() -> None:
    """What is loaded must be called like its entry point, as our own members are called like their modules."""
    with pytest.raises(UserError, match="'other'"):
        registry.load("task", "other")


@pytest.mark.parametrize("kind", sorted(registry.KINDS))
def test_an_unknown_member_names_a_command_that_exists(kind: str) -> None:
    """What a message says to type can be typed."""
    with pytest.raises(UnknownName) as refused:
        registry.load(kind, "no such name")
    words = str(refused.value).partition(" See: robust-xtreme ")[2].split()
    assert program(*words).code == 0


@pytest.mark.parametrize("kind", sorted(registry.KINDS))
def test_every_member_loads_and_is_called_like_its_module(kind: str) -> None:
    """Each registered name loads, and a member that has a name has its module's."""
    for name in registry.names(kind):
        member = registry.load(kind, name)
        assert getattr(member, "name", name) == name
