"""What perturbations/README.md and the manual show of packs can be copied and used as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from robust_xtreme import perturb
from robust_xtreme.core import packs
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.resources import folder
from robust_xtreme.noise.suites import asked

README = (folder("perturbations") / "README.md").read_text("utf-8")


def example(name: str) -> str:
    """The block that follows where a file is named."""
    lines = README.split(f"`DIR/{name}`", 1)[1].split("\n\n", 1)[1].splitlines()
    end = next(at for at, line in enumerate(lines) if line and not line.startswith("    "))
    return "\n".join(line[4:] for line in lines[:end]) + "\n"


def written(tmp_path: Path, name: str, text: str) -> Path:
    """A folder of packs with a file."""
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_example_of_misspellings_is_written_by_natural_typo(tmp_path: Path) -> None:
    """Each word on the right comes out as the one on the left."""
    mine = written(tmp_path, "misspellings/sw.tsv", example("misspellings/sw.tsv"))
    assert perturb(["habari ya asubuhi"], "natural_typo:1", language="sw", packs=mine) == ["habali ya asubui"]


def test_the_example_of_a_suite_is_asked_for_by_its_name(tmp_path: Path) -> None:
    """Its perturbations exist, each at two strengths."""
    with packs.using(written(tmp_path, "suites/phone.toml", example("suites/phone.toml"))):
        cells = [str(spec.cell) for spec in asked(["@phone"])]
    assert len(cells) == 6
    assert cells[0] == "keyboard_typo:0.05@shift=0"


def test_one_wrong_file_stops_the_folder_and_is_named(tmp_path: Path) -> None:
    """A file without a source is refused beside a good one, with the line that is missing."""
    text = example("misspellings/sw.tsv")
    written(tmp_path, "misspellings/sw.tsv", text)
    wrong = written(tmp_path, "misspellings/yo.tsv", text.replace("# source: what my pupils write\n", ""))
    with pytest.raises(UserError, match="'source' is missing"):
        packs.use(wrong)
