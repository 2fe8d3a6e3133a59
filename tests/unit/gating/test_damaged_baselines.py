"""Baselines and runs that were cut, edited or made up: every command about them refuses them in one line."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from tests.finished_runs import finished_run
from tests.program import program
from tests.some import some

from robust_xtreme.files import store
from robust_xtreme.files.manifest import with_digest
from robust_xtreme.gating import _files
from robust_xtreme.gating.baselines import save
from robust_xtreme.stats.outcomes import OUTCOMES

COMMANDS: Final = (("gate", "other"), ("baseline", "check"))
OF_A_RUN: Final = (("compare", "run", "bad"), ("baseline", "save", "bad"))

Damage = Callable[[Path], object]
"""Changes a file."""


@pytest.fixture(name="made", scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs, and the baseline `main` of the first."""
    folder = tmp_path_factory.mktemp("made")
    finished_run(folder / "run", draw=1)
    finished_run(folder / "other", draw=2)
    save([folder / "run"], "main", folder / ".robust-xtreme" / "baselines")
    return folder


@pytest.fixture(name="folder")
def _folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, which is the working folder; the baseline's files are in what is returned."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".robust-xtreme" / "baselines"


def refused(words: tuple[str, ...]) -> str:
    """The line by which a command refuses its files, with exit code 2."""
    ended = program(*words)
    assert (ended.code, ended.err.count("\n")) == (2, 1), (words, ended)
    assert "This is a bug" not in ended.err
    return ended.err


def _cut(at: float) -> Damage:
    return lambda path: path.write_bytes(path.read_bytes()[: int(len(path.read_bytes()) * at)])


def _without_last_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _of_windows(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + b"\r")


def _flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)


def _folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe_instead(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


DAMAGES: Final[dict[str, Damage]] = {
    "empty": _cut(0),
    "cut": _cut(0.4),
    "without its last byte": _without_last_byte,
    "other line ends": _of_windows,
    "a changed bit": _flipped,
    "a folder": _folder_instead,
    "a pipe": _pipe_instead,
    "a link to itself": _link_to_itself,
}


@pytest.mark.parametrize("suffix", _files.SUFFIXES)
@pytest.mark.parametrize("damage", some(DAMAGES, 3))
def test_a_damaged_file_is_one_line(damage: str, suffix: str, folder: Path) -> None:
    """Cut, changed, or not a file: each command names it."""
    DAMAGES[damage](folder / f"main{suffix}")
    for words in COMMANDS:
        assert f"main{suffix}" in refused(words)


TEXTS: Final[dict[str, Callable[[str], str]]] = {
    "keys twice": lambda text: text.replace("{\n", '{\n "reason": "",\n', 1),
    "not finite": lambda text: text.replace('"reason": ""', '"reason": NaN'),
    "thousands of digits": lambda text: text.replace('"reason": ""', f'"reason": {"9" * 5000}'),
    "nested deeply": lambda _: "[" * 100_000,
    "half of a pair": lambda text: text.replace('"reason": ""', '"reason": "\\ud800"'),
}


@pytest.mark.parametrize("name", TEXTS)
def test_odd_json_is_one_line(name: str, folder: Path) -> None:
    """What JSON permits, or Python's reader does, and the program does not write."""
    path = folder / "main.json"
    path.write_text(TEXTS[name](path.read_text("utf-8")), encoding="utf-8")
    for words in COMMANDS:
        refused(words)


def _put(facts: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    *above, last = path.split(".")
    entry: Any = facts
    for name in above:
        entry = entry[int(name) if name.isdigit() else name]
    if value is None:
        entry.pop(last)
    else:
        entry[last] = value
    return facts


SHAPES: Final[tuple[tuple[str, Any], ...]] = (
    ("reason", 3),
    ("saved_at", None),
    ("version", []),
    ("asked", []),
    ("files", {"a": 1}),
    ("runs", []),
    ("runs", [[1]]),
    ("runs.0.models", None),
    ("runs.0.models", [{}]),
    ("tasks", {}),
    ("tasks", {"xnli": 3}),
    ("tasks.xnli.metrics", []),
    ("tasks.xnli.perturbed", 1),
    ("data", [[1]]),
    ("data.0.task", None),
    ("conditions", [{}]),
    ("conditions", []),
    ("conditions.0.kind", None),
    ("schema_version", 6),
    ("schema_version", "5"),
)
"""Keys of NAME.json with values of other types; None takes the key away."""


@pytest.mark.parametrize(("path", "value"), some(SHAPES, 6))
def test_facts_of_another_shape_are_one_line(path: str, value: object, folder: Path) -> None:
    """Also where the digest was made to fit."""
    file = folder / "main.json"
    file.write_bytes(store.json_bytes(with_digest(_put(json.loads(file.read_bytes()), path, value))))
    for words in COMMANDS:
        assert "main." in refused(words)


def _replaced(*pairs: tuple[str, str]) -> Damage:
    def edit(path: Path) -> None:
        text = path.read_text("utf-8")
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")

    return edit


def _first_value(new: str) -> Damage:
    def edit(path: Path) -> None:
        header, row, *rows = path.read_text("utf-8").splitlines()
        cells = row.split(",")
        cells[header.split(",").index("value")] = new
        path.write_text("\n".join([header, ",".join(cells), *rows, ""]), encoding="utf-8")

    return edit


def _header_alone(path: Path) -> None:
    path.write_text(path.read_text("utf-8").partition("\n")[0] + "\n", encoding="utf-8")


def _items(change: Callable[[pl.DataFrame], pl.DataFrame]) -> Damage:
    return lambda path: store.write_frame(path, change(pl.read_parquet(path)), OUTCOMES)


FORGED: Final[dict[str, tuple[str, Damage]]] = {
    "another level": (".csv", _first_value("99.0")),
    "not finite": (".csv", _first_value("NaN")),
    "too large": (".csv", _first_value("1e999")),
    "no level": (".csv", _first_value("")),
    "languages exchanged": (".csv", _replaced((",de,", ",qq,"), (",sw,", ",de,"), (",qq,", ",sw,"))),
    "another metric": (".csv", _replaced(("accuracy", "f1"))),
    "another task": (".csv", _replaced(("xnli", "panx"))),
    "another model": (".csv", _replaced((",m,", ",chance,"))),
    "another condition": (".csv", _replaced(("char_noise:0.1", "char_noise:0.2"))),
    "another number of items": (".csv", _replaced((",120,", ",121,"))),
    "a second run": (".csv", _replaced((",1,m,", ",2,m,"))),
    "a run beyond all numbers": (".csv", _replaced((",1,m,", f",{10**20},m,"))),
    "no cells": (".csv", _header_alone),
    "not parquet": (".parquet", lambda path: path.write_bytes(b"PAR1PAR1")),
    "all answers right": (".parquet", _items(lambda rows: rows.with_columns(stats=pl.lit([1.0, 1.0])))),
    "fewer items": (".parquet", _items(lambda rows: rows.head(-1))),
    "items of other cells": (".parquet", _items(lambda rows: rows.with_columns(cell=3 - pl.col("cell")))),
    "clusters joined": (".parquet", _items(lambda rows: rows.with_columns(cluster=pl.lit("a")))),
    "clusters divided": (".parquet", _items(lambda rows: rows.with_columns(cluster=pl.col("example")))),
    "more sums": (".parquet", _items(lambda rows: rows.with_columns(stats=pl.lit([1.0, 1.0, 1.0])))),
}


@pytest.mark.parametrize("name", FORGED)
def test_files_that_do_not_agree_are_one_line(name: str, folder: Path) -> None:
    """A file edited by hand is noticed also where the sha256 was made to fit: levels are computed again from items."""
    suffix, damage = FORGED[name]
    damage(folder / f"main{suffix}")
    contents = {each: (folder / f"main{each}").read_bytes() for each in (".csv", ".parquet")}
    facts = json.loads((folder / "main.json").read_bytes())
    (folder / "main.json").write_bytes(_files.json_bytes(facts, contents))
    for words in COMMANDS:
        assert "main" in refused(words)


OF_MANIFEST: Final[tuple[tuple[str, Any], ...]] = (
    ("files", []),
    ("spec", None),
    ("spec", "x"),
    ("tasks", {}),
    ("tasks.xnli.metrics", []),
    ("tasks.xnli.perturbed", 1),
    ("units", [[1]]),
    ("units.0.language", None),
    ("models", []),
    ("models.0.identity", None),
    ("schema_version", 6),
    ("complete", None),
)


@pytest.mark.parametrize(("path", "value"), some(OF_MANIFEST, 4))
def test_a_manifest_of_another_shape_is_one_line(path: str, value: object, folder: Path) -> None:
    """A run whose manifest was edited is refused, also where its digest was made to fit."""
    file = Path(shutil.copytree("run", "bad")) / "manifest.json"
    file.write_bytes(store.json_bytes(with_digest(_put(json.loads(file.read_bytes()), path, value))))
    for words in OF_A_RUN:
        assert "bad" in refused(words)


@pytest.mark.parametrize("name", ["manifest.json", "stats.parquet", "scores.csv", "conditions.csv"])
@pytest.mark.parametrize("damage", some(DAMAGES, 3))
def test_a_run_that_is_damaged_is_one_line(damage: str, name: str, folder: Path) -> None:
    """The same of the files of a run that are compared."""
    shutil.copytree("run", "bad")
    DAMAGES[damage](Path("bad") / name)
    for words in OF_A_RUN:
        assert "bad" in refused(words)
