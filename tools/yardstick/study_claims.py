"""The claims of a study computed again from its frames, by code that shares nothing with the program.

    python -m tools.yardstick.study_claims FOLDER ...

reads values.csv, arms.csv, contrasts.csv and study.json of each folder, and of the study's file the names of its arms.
Of each row of the primary, secondary and control tiers, in points and in logits, it takes the number of each training
seed from the values, their mean, and Student's interval from SciPy, and says how many of the rows it computed, how many
agree to 0.005 of their unit, and the largest difference. Averages have equal weights: of conditions within a language,
languages within a target, targets, and kinds of noise. A logit is that of the share x of the way from chance to 100, at
least 0, of n items: the log odds of (n x + 0.5) / (n + 1). Rows that are not computed are named. Exits with 1 where one
does not agree.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy import stats

CLEAN: Final = "clean"
NEAR: Final = 0.005

Row = Mapping[str, str]


class Frames:
    """The frames of a folder, and what they say, with its levels on a scale."""

    def __init__(self, folder: Path, scale: str) -> None:
        self.values = _rows(folder / "values.csv")
        self.arms = _rows(folder / "arms.csv")
        self.contrasts = _rows(folder / "contrasts.csv")
        steps = json.loads((folder / "study.json").read_text("utf-8"))["scale"]
        file = tomllib.loads((folder / "study.toml").read_text("utf-8"))
        self.analysis: dict[str, Any] = {**file.get("analysis", {}), **file["scales"][steps].get("analysis", {})}
        self.level = {
            (row["arm"], (row["target"], row["language"]), row["condition"], int(row["seed"])): SCALES[scale](row)
            for row in self.values
        }
        self.seeds = sorted({int(row["seed"]) for row in self.values})
        self.noises = defaultdict[str, dict[tuple[str, str], str]](dict)
        """Of each target the condition of the highest strength of a noise, by its kind and name."""
        highest: dict[tuple[str, str, str], float] = {}
        for row in self.values:
            at, name = row["target"], row["condition"].split(":")[0]
            key = at, row["family"], name
            if row["family"] != CLEAN and float(row["strength"]) >= highest.get(key, -1.0):
                highest[key] = float(row["strength"])
                self.noises[at][row["family"], name] = row["condition"]

    def cells(self, *arms: str) -> list[tuple[str, str]]:
        """The cells that all arms have, and none leaves out."""
        apart = {(row["arm"], row["target"], row["language"]) for row in self.values if row["left_out"]}
        found = [{cell for arm, cell, _, _ in self.level if arm == name} for name in arms]
        return [cell for cell in sorted(set.intersection(*found)) if not any((arm, *cell) in apart for arm in arms)]

    def gain(self, arm: str, reference: str, cell: tuple[str, str], condition: str, seed: int) -> float:
        """The gain in a cell; nan where it is missing."""
        pair = (self.level.get((name, cell, condition, seed), math.nan) for name in (arm, reference))
        return next(pair) - next(pair)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _points(row: Row) -> float:
    return float(row["value"])


def _logit(row: Row) -> float:
    chance, n = float(row["chance"]), int(row["n"])
    right = n * max(0.0, (float(row["value"]) - chance) / (100.0 - chance)) + 0.5
    return math.log(right / (n + 1 - right))


SCALES: Final[Mapping[str, Callable[[Row], float]]] = {"points": _points, "logit": _logit}


def even(parts: Iterable[tuple[tuple[str, ...], float]]) -> float:
    """The mean of numbers that are named by paths, with equal weights at each depth."""
    known = list(parts)
    if any(not path for path, _ in known):
        return known[0][1]
    below = defaultdict[str, list[tuple[tuple[str, ...], float]]](list)
    for path, number in known:
        below[path[0]].append((path[1:], number))
    return float(np.mean([even(several) for several in below.values()]))


def number(frames: Frames, row: Row, seed: int) -> float | None:
    """The number of a seed of a contrast; None for a contrast that is not computed here."""
    known: dict[str, Callable[[], float]] = {
        "gain": lambda: _gain(frames, row, seed),
        "change of the gain": lambda: _noisy(frames, row, seed, less_clean=True),
        "effective robustness": lambda: _beyond(frames, row, seed),
        "after English": lambda: _after(frames, row, seed),
        "what was learned before": lambda: _clean(frames, row["arm"], row["reference"], seed),
        **dict.fromkeys(
            ("other tasks", "more against less"),
            lambda: _clean(frames, row["arm"], row["reference"], seed, beside=frames.analysis["without"]),
        ),
        "in-language": lambda: _clean(frames, row["arm"], row["reference"], seed, only=row["language"]),
        "zero-shot": lambda: _zero_shot(frames, row, seed),
        "multilingual minus monolingual gain": lambda: _matched(frames, seed),
        "multilingual minus monolingual slope": lambda: _slopes(frames, seed),
        "slope over size": lambda: _slope(frames, row, seed, 1),
        "curvature over size": lambda: _slope(frames, row, seed, 2),
        "tasks": lambda: _coefficients(frames, seed, "tasks")[1],
        "log2 volume": lambda: _coefficients(frames, seed, "tasks")[2],
        "distance": lambda: _coefficients(frames, seed, "diversity")[1],
        "formats": lambda: _coefficients(frames, seed, "formats")[1],
    }
    return known[row["contrast"]]() if row["contrast"] in known else None


def _clean(
    frames: Frames, arm: str, reference: str, seed: int, only: str = "", target: str = "", beside: str = ""
) -> float:
    """The gain on clean text over the cells of both arms, and of one beside them."""
    cells = frames.cells(arm, reference, beside or arm)
    return _mean_gain(frames, arm, reference, seed, [c for c in cells if only in ("", c[1]) and target in ("", c[0])])


def _mean_gain(frames: Frames, arm: str, reference: str, seed: int, cells: Iterable[tuple[str, str]]) -> float:
    return even((cell, frames.gain(arm, reference, cell, CLEAN, seed)) for cell in cells)


def _zero_shot(frames: Frames, row: Row, seed: int) -> float:
    """The gain in the languages of neither arm's intermediate text."""
    arm, reference = row["arm"], row["reference"]
    learned = {"en", *(code for code, name in frames.analysis["translated"].items() if name == arm)}
    cells = [cell for cell in frames.cells(arm, reference) if cell[1] not in learned]
    return _mean_gain(frames, arm, reference, seed, cells)


def _sides(frames: Frames, seed: int) -> Iterator[tuple[list[float], list[float]]]:
    """The sizes and the gains of the multilingual pairs, then of the monolingual ones whose sizes are within 5 %."""
    both = [
        (multi, mono)
        for multi in frames.analysis["pairs"]
        for mono in frames.analysis["monolingual"]
        if abs(_size(frames, multi[1]) - _size(frames, mono[1])) <= math.log10(1.05)
    ]
    cells = frames.cells(*(arm for pairs in both for pair in pairs for arm in pair))
    for side in zip(*both, strict=True):
        yield (
            [_size(frames, arm) for _, arm in side],
            [_mean_gain(frames, arm, other, seed, cells) for other, arm in side],
        )


def _matched(frames: Frames, seed: int) -> float:
    """The mean gain of the multilingual pairs minus that of the monolingual ones."""
    multi, mono = (np.mean(gains) for _, gains in _sides(frames, seed))
    return float(multi - mono)


def _slopes(frames: Frames, seed: int) -> float:
    """The slope over size of the multilingual pairs minus that of the monolingual ones."""
    multi, mono = (np.polyfit(sizes, gains, 1)[0] for sizes, gains in _sides(frames, seed))
    return float(multi - mono)


def _gain(frames: Frames, row: Row, seed: int) -> float:
    if row["condition"] == CLEAN:
        return _clean(frames, row["arm"], row["reference"], seed, row["language"], row["target"])
    return _noisy(frames, row, seed, less_clean=False)


def _noisy(frames: Frames, row: Row, seed: int, *, less_clean: bool) -> float:
    """The gain under the kinds of noise of a row, less that on clean text."""
    arm, reference = row["arm"], row["reference"]
    cells = [cell for cell in frames.cells(arm, reference) if row["target"] in ("", cell[0])]

    def parts() -> Iterator[tuple[tuple[str, ...], float]]:
        for cell in cells:
            for (family, _), condition in frames.noises[cell[0]].items():
                if row["condition"] in ("noise", family) and (arm, cell, condition, seed) in frames.level:
                    clean = frames.gain(arm, reference, cell, CLEAN, seed) if less_clean else 0.0
                    yield (family, *cell, condition), frames.gain(arm, reference, cell, condition, seed) - clean

    return even(parts())


def _beyond(frames: Frames, row: Row, seed: int) -> float:
    """The noisy level of an arm beyond the line, through plain checkpoints, of noisy levels over clean ones."""
    arms = [row["arm"], row["reference"], *frames.analysis["plain"]]
    cells = frames.cells(*arms)
    found = []
    for family in sorted({family for at, _ in cells for family, _ in frames.noises[at]}):
        named = [
            (cell, condition)
            for cell in cells
            for (kind, _), condition in frames.noises[cell[0]].items()
            if kind == family and all((arm, cell, condition, seed) in frames.level for arm in arms)
        ]
        levels = [
            [
                even((cell, frames.level[arm, cell, CLEAN, seed]) for cell in dict(named)),
                even(((*cell, condition), frames.level[arm, cell, condition, seed]) for cell, condition in named),
            ]
            for arm in arms
        ]
        clean, noisy = zip(*levels[1:], strict=True)
        line = np.polyfit(clean, noisy, 1)
        found.append(levels[0][1] - np.polyval(line, levels[0][0]))
    return float(np.mean(found))


def _after(frames: Frames, row: Row, seed: int) -> float:
    pairs = [(row["reference"], row["arm"])] if row["arm"] else frames.analysis["pairs"]
    cells = [
        ((*cell, arm), frames.gain(arm, direct, cell, CLEAN, seed))
        for direct, arm in pairs
        for cell in frames.cells(arm, direct)
        if row["language"] in ("", cell[1]) and row["target"] in ("", cell[0])
    ]
    return even(cells)


def _attribute(frames: Frames, arm: str, column: str) -> float:
    return float(np.mean([float(row[column]) for row in frames.arms if row["arm"] == arm and row[column]]))


def _size(frames: Frames, arm: str) -> float:
    return math.log10(_attribute(frames, arm, "params_nonembedding"))


def _slope(frames: Frames, row: Row, seed: int, degree: int) -> float:
    """The leading coefficient of the gain over log10 of the parameters; of the targets of a family, tags or not."""
    pairs = frames.analysis["pairs"]
    cells = frames.cells(*(arm for pair in pairs for arm in pair))
    if row["condition"]:
        cells = [cell for cell in cells if (cell[0] in ("panx", "udpos")) == (row["condition"] == "tagging")]
    sizes = [_size(frames, arm) for _, arm in pairs]
    gains = [_mean_gain(frames, arm, other, seed, cells) for other, arm in pairs]
    return float(np.polyfit(np.array(sizes) - np.mean(sizes), gains, degree)[0])


def _coefficients(frames: Frames, seed: int, measure: str) -> Any:
    """Of the gain on a measure of the tasks and the log2 of the examples, with a constant before."""
    without = frames.analysis["without"]
    cells = frames.cells(without, *frames.analysis["arms"])
    has = {row["arm"] for row in frames.arms if row[measure]}
    arms = [arm for arm in frames.analysis["arms"] if arm in has]
    gains = [_mean_gain(frames, arm, without, seed, cells) for arm in arms]
    columns = [[1.0] * len(arms), *([_attribute(frames, arm, name) for arm in arms] for name in (measure, _VOLUME))]
    columns[2] = [math.log2(each) for each in columns[2]]
    return np.linalg.lstsq(np.array(columns).T, np.array(gains), rcond=None)[0]


_VOLUME: Final = "intermediate_examples"


def differences(folder: Path) -> Iterator[tuple[str, float]]:
    """Of each tested row its name, and the largest difference of estimate, low and high; nan if it is not computed."""
    frames = {scale: Frames(folder, scale) for scale in SCALES}
    for row in frames["points"].contrasts:
        if row["tier"] == "exploratory":
            continue
        of = frames[row["scale"]]
        made = [each for seed in of.seeds if (each := number(of, row, seed)) is not None]
        numbers = [each for each in made if math.isfinite(each)]
        found = {"estimate": float(np.mean(numbers)) if numbers else math.nan}
        if row["low"] and numbers:
            half = stats.t.ppf(0.975, len(numbers) - 1) * np.std(numbers, ddof=1) / math.sqrt(len(numbers))
            found |= {"low": found["estimate"] - half, "high": found["estimate"] + half}
        parts = ("tier", "contrast", "arm", "reference", "target", "language", "condition", "scale")
        name = " ".join(filter(None, (row[key] for key in parts)))
        yield name, float(np.max([abs(value - float(row[key])) for key, value in found.items()]))


def main() -> None:
    """Say how many rows agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="+", type=Path)
    wrong = 0
    folders = parser.parse_args().folder
    if absent := [folder for folder in folders if not (folder / "values.csv").is_file()]:
        parser.error(f"{absent[0]} has no values.csv: name the folder of a study")
    for folder in folders:
        found = dict(differences(folder))
        computed = {name: size for name, size in found.items() if math.isfinite(size)}
        far = {name: size for name, size in computed.items() if size > NEAR}
        wrong += len(far)
        parts = f"{len(computed)} of {len(found)} rows computed, {len(computed) - len(far)} agree"
        print(f"{folder}: {parts}; largest difference {max(computed.values(), default=math.nan):.2g}")
        for name in found:
            if name in far or name not in computed:
                print(f"  {name}: {f'{far[name]:.3f}' if name in far else 'not computed'}")
    raise SystemExit(wrong > 0)


if __name__ == "__main__":
    main()
