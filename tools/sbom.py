"""Makes locks/robust-xtreme.cdx.json, the bill of materials of a wheel: the data that it contains, in CycloneDX 1.6.

A wheel has no code of others. Its dependencies are in its metadata; what is bundled are packs, each with the source and
the licences that its file names. Nothing in it is a date or a draw, so that the same packs give the same bytes.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from robust_xtreme import __version__
from robust_xtreme.core import packs

ROOT: Final = Path(__file__).parents[1]
DATA: Final = ROOT / "perturbations"
OURS: Final = "Apache-2.0"
_SUFFIXES: Final = (".toml", ".tsv")


def document() -> str:
    """The bill of materials as JSON."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    program = {
        "type": "application",
        "bom-ref": "robust-xtreme",
        "name": project["name"],
        "version": __version__,
        "description": project["description"],
        "licenses": [{"expression": project["license"]}],
        "purl": f"pkg:pypi/{project['name']}@{__version__}",
    }
    bom = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": program},
        "components": [*_packs(), *_embedded()],
    }
    return json.dumps(bom, indent=1, ensure_ascii=False) + "\n"


def _packs() -> Iterator[dict[str, Any]]:
    """A component for each file of packs. Raises KeyError where one does not name its licence."""
    for path in sorted(path for path in DATA.rglob("*") if path.suffix in _SUFFIXES):
        facts = tomllib.loads(path.read_text("utf-8")) if path.suffix == ".toml" else packs.header(path)
        name = f"perturbations/{path.relative_to(DATA).as_posix()}"
        source = facts.get("source") or "authored for robust-xtreme"
        yield _component("data", name, source, licences(facts["licence"]))


def _embedded() -> Iterator[dict[str, Any]]:
    """The suite and the model that `eval` uses without options, which the project made, and a table of Unicode."""
    made = "made by `make mini`, of sentences that the project wrote"
    yield _component("data", "robust_xtreme/_mini/suite", made, [OURS])
    unicode = "Unicode Character Database, by tools/unicode/make_graphemes.py"
    yield _component("data", "robust_xtreme/core/graphemes.tsv", unicode, ["Unicode-3.0"])
    yield _component("machine-learning-model", "robust_xtreme/_mini/model", made, [OURS])
    words = "English function words, by kinds; which count as such follows the list of the Snowball project"
    yield _component("data", "robust_xtreme/attack/_nltk/corpora/stopwords", words, [OURS, "BSD-3-Clause"])


def _component(kind: str, name: str, description: str, named: list[str]) -> dict[str, Any]:
    licensed = [{"license": {"id": licence}} for licence in named]
    return {"type": kind, "bom-ref": name, "name": name, "description": description, "licenses": licensed}


def licences(stated: str) -> list[str]:
    """The SPDX ids in the words of a pack, as in `MIT (jieba, pypinyin), Unicode-3.0; texts in LICENSE.txt`."""
    bare = re.sub(r"\([^()]*\)", "", stated.partition(";")[0])
    parts = (part.strip() for part in bare.split(","))
    return [part.replace(" ", "-") for part in parts if part and not part.startswith("text")]
