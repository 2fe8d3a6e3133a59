"""Make `perturbations/typology/en.tsv`: how far the languages are from English, by URIEL's features.

The features are those of lang2vec 1.1.2 (URIEL; CC BY-SA 4.0, Littell et al. 2017): `pip download lang2vec==1.1.2`,
then

    python tools/typology.py lang2vec-1.1.2/lang2vec/data

This version has features, but not the distances that later copies of its repository compute from them in a way that
users could not repeat (issue 17 there; arXiv 2405.11125). So the distances are made here, each from 0 to 1:

- `syntactic`, `phonological`, `inventory`, and `featural` (all three together): the mean absolute difference of the
  features that sources state for both languages (means over sources). Predicted features are not used: they are
  copied from related and neighbouring languages. Empty with fewer than 20 features in common; `featural` also where
  `syntactic` or `inventory` is empty.
- `genetic`: 1 - cos of the sets of families and branches of Glottolog.
- `geographic`: the great circle between the languages' points, 1 is half of the Earth's circumference. The points are
  solved for from the distances to fixed points that URIEL lists.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from robust_xtreme.core.languages import ALL_LANGUAGES

OUT: Final = Path(__file__).parents[1] / "perturbations" / "typology" / "en.tsv"
FROM: Final = "eng"
FEWEST: Final = 20
KINDS: Final = {"syntactic": "S_", "phonological": "P_", "inventory": "INV_"}
FEATURAL: Final = "featural"
_HEADER: Final = """\
# language: en
# source: URIEL (Littell et al. 2017) in lang2vec 1.1.2, features.npz averaged over sources, family_features.npz, \
geocoord_features.npz; distances by tools/typology.py
# licence: CC BY-SA 4.0 (https://creativecommons.org/licenses/by-sa/4.0/)
# standing: derived
# maker: tools/typology.py
"""
_POINT: Final = re.compile(r"GC_(-?\d+)_(-?\d+)")

Vectors = Mapping[str, Any]


def main() -> None:
    """Write the table from the folder of lang2vec's data."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    rows = list(_rows(parser.parse_args().data))
    OUT.write_text(_HEADER + "\n".join("\t".join(row) for row in rows) + "\n", encoding="utf-8")
    print(f"{OUT}: {len(rows) - 1} languages")


def _rows(data: Path) -> Iterator[tuple[str, ...]]:
    """The line of names, and a line of each language; a distance that is not known is empty."""
    codes = json.loads((data / "letter_codes.json").read_text("utf-8"))
    kinds = _kinds(data)
    yield ("code", "iso639_3", *kinds)
    for code in ALL_LANGUAGES:
        iso = codes.get(code, code)
        values = (distance(iso) for distance in kinds.values())
        yield (code, iso, *("" if value is None else f"{value:.4f}" for value in values))


def _kinds(data: Path) -> dict[str, Callable[[str], float | None]]:
    """The distance from English to the language of an ISO 639-3 code, by kind; it gives None where it is unknown."""
    features, names = _read(data, "feature_averages")
    families, _ = _read(data, "family_features")
    far, points = _read(data, "geocoord_features")
    masks = {kind: np.array([name.startswith(prefix) for name in names]) for kind, prefix in KINDS.items()}
    sphere = np.array([_unit(*map(int, match.groups())) for name in points if (match := _POINT.fullmatch(name))])
    return {
        **{kind: partial(_stated, features, mask) for kind, mask in masks.items()},
        FEATURAL: partial(_featural, features, masks),
        "genetic": partial(_genetic, families),
        "geographic": partial(_geographic, far, sphere),
    }


def _read(data: Path, name: str) -> tuple[Vectors, list[str]]:
    """The vectors of a file by language, and the names of their features."""
    content = np.load(data / f"{name}.npz")
    vectors = content["data"][:, :, 0].astype(float)
    return dict(zip(content["langs"].tolist(), vectors, strict=True)), content["feats"].tolist()


def _stated(features: Vectors, mask: Any, iso: str) -> float | None:
    """The mean absolute difference of the features that are stated (not -1) for both languages."""
    if iso not in features:
        return None
    left, right = features[FROM], features[iso]
    both = mask & (left >= 0) & (right >= 0)
    return float(np.abs(left - right)[both].mean()) if both.sum() >= FEWEST else None


def _featural(features: Vectors, masks: Mapping[str, Any], iso: str) -> float | None:
    """All features together, where both languages have syntax and inventory: else the mean is of something else."""
    if None in (_stated(features, masks[kind], iso) for kind in ("syntactic", "inventory")):
        return None
    return _stated(features, np.logical_or.reduce([*masks.values()]), iso)


def _genetic(families: Vectors, iso: str) -> float | None:
    if iso not in families or not families[iso].any():
        return None
    left, right = (families[code] > 0 for code in (FROM, iso))
    return float(1 - (left & right).sum() / np.sqrt(left.sum() * right.sum())) if iso != FROM else 0.0


def _geographic(far: Vectors, sphere: Any, iso: str) -> float | None:
    if iso not in far or (far[iso] < 0).any():
        return None
    left, right = (_located(far[code], sphere) for code in (FROM, iso))
    return float(np.arccos(np.clip(left @ right, -1, 1)) / np.pi) if iso != FROM else 0.0


def _located(distances: Any, sphere: Any) -> Any:
    """The point on the unit sphere with these distances (in halves of the circumference) to the fixed points."""
    point, *_ = np.linalg.lstsq(sphere, np.cos(np.pi * distances), rcond=None)
    return point / np.linalg.norm(point)


def _unit(latitude: int, longitude: int) -> Any:
    """The point of a latitude and longitude in degrees."""
    phi, theta = np.radians([latitude, longitude])
    return np.array([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)])


if __name__ == "__main__":
    main()
