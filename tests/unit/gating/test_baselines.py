"""Baselines: saved and read again, refused where they were changed, replaced with their anchor kept."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
import pytest
from tests.finished_runs import finished_run
from tests.forks import process
from tests.program import program
from tests.some import some
from tests.stats_rows import NOISE

from robust_xtreme import from_frame, gate
from robust_xtreme.core.errors import DataError, DiskError, Locked, Mismatch, MissingData, UserError
from robust_xtreme.files import new_files, store
from robust_xtreme.files.manifest import with_digest
from robust_xtreme.gating import _files
from robust_xtreme.gating.baselines import check_comparable, in_words, load, save, update
from robust_xtreme.stats.contrasts import contrasts
from robust_xtreme.stats.outcomes import LEVELS

SUFFIXES = (".csv", ".json", ".parquet")


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    return tmp_path / "baselines"


@pytest.fixture(name="run", scope="module")
def _run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("runs") / "run", seeds=2, spec={"seeds": 2})


def test_a_baseline_has_the_outcomes_of_its_run(run: Path, root: Path) -> None:
    """A baseline read again has the items, levels and outcomes of the run: every paired difference is 0."""
    assert save([run], "main", root, "the first") == root / "main.json"
    saved, again = load("main", root), load(run)
    assert sorted(path.name for path in root.iterdir()) == [f"main{suffix}" for suffix in SUFFIXES]
    assert saved.paired
    assert saved.reason == "the first"
    assert saved.anchor is None
    assert saved.levels.equals(again.levels)
    assert saved.keys == again.keys
    assert len(saved.keys) == 4
    saved.check()
    check_comparable(saved, again)
    table = contrasts(saved.runs[0], again.runs[0], saved.tasks)
    assert table.height == 9
    assert table["difference"].abs().max() == 0
    assert table["differing"].max() == 0


def test_a_path_names_a_baseline_too(run: Path, root: Path) -> None:
    """A baseline is read by a path with or without .json; a run folder is a run also beside a file of its name."""
    save([run], "main", root)
    assert load(root / "main.json").keys == load(f"{root}/main").keys
    copied = finished_run(root / "run")
    (root / "run.json").write_text("[]")
    assert load(copied).title == f"the run {copied}"


def test_a_baseline_without_outcomes_has_levels_alone(run: Path, root: Path) -> None:
    """Without the .parquet a baseline is not paired; its levels are as they were."""
    save([run], "main", root)
    levels = load("main", root).levels
    (root / "main.parquet").unlink()
    alone = load("main", root)
    assert not alone.paired
    assert alone.runs == ()
    assert alone.levels.equals(levels)
    with pytest.raises(MissingData, match=r"main\.parquet is absent"):
        alone.check()


def test_a_baseline_that_is_not_there_is_named(root: Path, run: Path) -> None:
    """A wrong name is refused with the nearest baseline, a folder that is not a run as such."""
    with pytest.raises(
        MissingData,
        match="robust-xtreme baseline",
    ):
        load("main", root)
    save([run], "main", root)
    with pytest.raises(MissingData, match="Did you mean 'main'"):
        load("mian", root)
    with pytest.raises(MissingData, match="folder of a run"):
        load(root)


@pytest.mark.parametrize(
    "name", ["", "../x", "a/b", ".hidden", "a b", "a\nb", "x" * 65, "a.csv", "a.anchor", "-x", "ü"]
)
def test_a_name_is_part_of_file_names(name: str, run: Path, root: Path) -> None:
    """A name with parts of a path, blanks or an ending of the files is refused in one line; nothing is written."""
    with pytest.raises(UserError, match=r"of a baseline") as error:
        save([run], name, root)
    assert "\n" not in str(error.value)
    assert not root.exists()


def _edited(content: bytes) -> bytes:
    return content.replace(b",clean,", b",CLEAN,", 1)


def _flipped(content: bytes) -> bytes:
    return content[:50] + bytes([content[50] ^ 1]) + content[51:]


def _other_schema(content: bytes) -> bytes:
    return store.json_bytes(with_digest({**json.loads(content), "schema_version": 99}))


def _other_reason(content: bytes) -> bytes:
    return content.replace(b'"reason": ""', b'"reason": "x"')


def _of_other_types(content: bytes) -> bytes:
    return store.json_bytes(with_digest({**json.loads(content), "runs": 3}))


DAMAGES: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "edited csv": (".csv", _edited, "was changed"),
    "cut csv": (".csv", lambda content: content[:-20], "was changed"),
    "cut parquet": (".parquet", lambda content: content[: len(content) // 2], "was changed"),
    "empty parquet": (".parquet", lambda _: b"", "was changed"),
    "changed byte": (".parquet", _flipped, "was changed"),
    "edited json": (".json", _other_reason, "was changed"),
    "not finite": (".json", lambda content: content.replace(b'"reason": ""', b'"reason": NaN'), "is not the file"),
    "other schema": (".json", _other_schema, "schema version 99"),
    "cut json": (".json", lambda content: content[:99], "is not JSON"),
    "another json": (".json", lambda _: b"[1]", "file of a baseline"),
    "a json of other types": (".json", _of_other_types, "file of a baseline"),
    "empty json": (".json", lambda _: b"{}", "file of a baseline"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_is_one_line(name: str, run: Path, root: Path) -> None:
    """A file that was edited, cut or is of another schema is refused in one line that names it, with exit code 2."""
    suffix, damage, message = DAMAGES[name]
    save([run], "main", root)
    path = root / f"main{suffix}"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises((DataError, Mismatch)) as error:
        load("main", root)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    ended = program("baseline", "check", "--folder", str(root))
    assert ended.code == 2
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("version", [4, 6])
def test_a_baseline_of_another_version_is_refused(version: int, run: Path, root: Path) -> None:
    """In a line that names both versions and the command that saves it again."""
    path = save([run], "main", root)
    path.write_bytes(store.json_bytes(with_digest({**json.loads(path.read_bytes()), "schema_version": version})))
    with pytest.raises(Mismatch, match="schema version"):
        load("main", root)


def test_a_file_that_is_gone_or_not_a_file_is_one_line(run: Path, root: Path) -> None:
    """A .csv that was removed, and a folder with the name of the .json, are refused in one line."""
    save([run], "main", root)
    (root / "main.csv").unlink()
    with pytest.raises(DataError, match="No such file"):
        load("main", root)
    (root / "main.json").unlink()
    (root / "main.json").mkdir()
    with pytest.raises(DataError, match="Is a directory"):
        load("main", root)


def test_levels_that_are_not_those_of_the_items_are_named(run: Path, root: Path) -> None:
    """`check` computes the levels from the items again, and names the first that differs."""
    save([run], "main", root)
    paths = _files.files_of(root / "main")
    levels = load("main", root).levels
    store.write_frame(paths[".csv"], levels.with_columns(pl.col("value") + 1), LEVELS)
    facts = json.loads(paths[".json"].read_bytes())
    contents = {suffix: paths[suffix].read_bytes() for suffix in (".csv", ".parquet")}
    paths[".json"].write_bytes(_files.json_bytes(facts, contents))
    with pytest.raises(Mismatch, match="its items"):
        load("main", root).check()


def test_levels_without_an_error_are_those_of_the_items(root: Path, tmp_path: Path) -> None:
    """Of fewer than 20 clusters neither the levels that are saved nor those of the items have one."""
    save([finished_run(tmp_path / "few", count=30)], "main", root)
    saved = load("main", root)
    saved.check()
    assert saved.levels["se"].is_null().all()


def test_cells_of_three_languages_are_read(root: Path, tmp_path: Path) -> None:
    """Those of one language at a time, the last of which is not that after the first."""
    folder = finished_run(tmp_path / "run", languages=["de", "sw", "yo"])
    save([folder], "main", root)
    saved, again = load("main", root), load(folder)
    assert contrasts(saved.runs[0], again.runs[0], saved.tasks)["differing"].max() == 0


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "limit": ({"spec": {"seeds": 2, "limit": "20"}}, "--limit"),
    "seeds": ({"spec": {"seeds": 3}}, "--seeds"),
    "packs": ({"packs": "abc"}, "--packs"),
    "language model": (
        {"language_models": "abc"},
        "--perturb",
    ),
    "schema": ({"schema_version": 6}, "schema version 6"),
    "data": ({"unit": {"data": "y"}}, "the data of xnli/de"),
    "rows": (
        {"count": 90},
        "1 other difference",
    ),
    "split": ({"unit": {"split": "dev"}}, "the split of"),
    "noise": ({"noise": NOISE.replace("0.1", "0.2")}, "the noise is"),
    "inference": ({"inference": "len64"}, "len128"),
    "languages": ({"languages": ["fr"]}, "xnli/fr"),
}


@pytest.mark.parametrize("name", some(OTHERS, 4))
def test_what_was_measured_otherwise_is_not_compared(name: str, run: Path, root: Path, tmp_path: Path) -> None:
    """Another limit, seeds, packs, schema, data, noise or inference is refused in one line with both values."""
    changes, message = OTHERS[name]
    save([run], "main", root)
    other = finished_run(tmp_path / "other", **{"seeds": 2, "spec": {"seeds": 2}, **changes})
    with pytest.raises(Mismatch, match=message) as error:
        check_comparable(load("main", root), load(other))
    assert "\n" not in str(error.value)


def test_another_definition_of_a_condition_is_not_compared(run: Path, root: Path, tmp_path: Path) -> None:
    """Noise of the same name from another version is refused with both versions."""
    save([run], "main", root)
    baseline, other = load("main", root), load(finished_run(tmp_path / "other", seeds=2, spec={"seeds": 2}))
    for row in other.facts["conditions"]:
        row.update({"version": "3"} if row["condition"] != "clean" else {})
    with pytest.raises(Mismatch, match="the version of"):
        check_comparable(baseline, other)


def test_fewer_languages_are_compared(run: Path, root: Path, tmp_path: Path) -> None:
    """A run of some of the languages can be compared: which cells are missing is a verdict."""
    save([run], "main", root)
    fewer = finished_run(tmp_path / "fewer", languages=["sw"], seeds=2, spec={"seeds": 2})
    check_comparable(load("main", root), load(fewer))


def test_several_runs_are_one_baseline(root: Path, tmp_path: Path) -> None:
    """Runs of three training seeds are saved together, and each is read again as it was."""
    runs = [finished_run(tmp_path / str(draw), draw=draw) for draw in range(3)]
    save(runs, "seeds", root)
    saved = load("seeds", root)
    assert saved.seeds == len(saved.runs) == 3
    assert saved.levels.height == 12
    saved.check()
    for folder, cells in zip(runs, saved.runs, strict=True):
        assert contrasts(load(folder).runs[0], cells, saved.tasks)["differing"].max() == 0


def test_several_runs_are_of_one_recipe_and_different_weights(root: Path, tmp_path: Path) -> None:
    """Two runs, runs of the same weights, and runs with other cells, items or settings are refused."""
    runs = [finished_run(tmp_path / str(draw), draw=draw) for draw in range(3)]
    with pytest.raises(UserError, match="at least 3"):
        save(runs[:2], "seeds", root)
    with pytest.raises(Mismatch, match="same weights"):
        save([*runs, runs[0]], "seeds", root)
    fewer = finished_run(tmp_path / "fewer", draw=4, languages=["sw"])
    with pytest.raises(Mismatch, match="xnli/de"):
        save([*runs, fewer], "seeds", root)
    limited = finished_run(tmp_path / "limited", draw=5, spec={"limit": "9"})
    with pytest.raises(Mismatch, match="--limit"):
        save([*runs, limited], "seeds", root)
    assert not root.exists()


def _imported(folder: Path, *wrong: int) -> Path:
    """A run of other people's scores of 30 items, of which some are wrong; nobody here knows its weights."""
    rows = [{"id": f"{at}", "condition": "clean", "score": float(at not in wrong)} for at in range(30)]
    from_frame(pl.DataFrame(rows), folder, task="t", language="en", model="theirs")
    return folder


def test_imported_runs_are_one_baseline_and_nothing_is_said_of_their_weights(root: Path, tmp_path: Path) -> None:
    """Three imported runs are saved, and gate a fourth; the output says what is not known. One of them twice is not."""
    runs = [str(_imported(tmp_path / str(seed), *range(seed))) for seed in range(4)]
    ended = program("baseline", "save", *runs[:3], "--name", "seeds", "--folder", str(root))
    assert ended.code == 0
    assert "is not known" in ended.out
    assert load("seeds", root).seeds == 3
    assert gate(runs[3], baseline=load("seeds", root), margin=50).passed
    twice = program("baseline", "save", *runs[:3], runs[0], "--name", "twice", "--folder", str(root))
    assert twice.code == 2
    assert "same weights" in twice.err


def test_nothing_more_is_said_of_runs_whose_weights_are_known(root: Path, tmp_path: Path) -> None:
    """Nor of one imported run, which is compared with no other one."""
    known = [str(finished_run(tmp_path / str(draw), draw=draw)) for draw in range(3)]
    for name, runs in (("seeds", known), ("one", [str(_imported(tmp_path / "theirs", 0))])):
        ended = program("baseline", "save", *runs, "--name", name, "--folder", str(root))
        assert ended.code == 0
        assert "not known" not in ended.out


def test_an_update_keeps_the_first_baseline_as_the_anchor(root: Path, tmp_path: Path) -> None:
    """The first update keeps what it replaces as the anchor, a second one leaves it, and both say what changed."""
    first, second, third = (finished_run(tmp_path / str(draw), draw=draw) for draw in range(3))
    save([first], "main", root, "first")
    before = {suffix: (root / f"main{suffix}").read_bytes() for suffix in SUFFIXES}
    changed = update([second], "main", root, "second")
    assert changed.columns[-3:] == ["before", "after", "difference"]
    assert changed["difference"].is_sorted()
    assert 0 < changed.height <= 4
    update([third], "main", root, "third")
    saved = load("main", root)
    assert {suffix: (root / f"main.anchor{suffix}").read_bytes() for suffix in SUFFIXES} == before
    assert saved.reason == "third"
    assert saved.anchor is not None
    assert saved.anchor.reason == "first"
    saved.check()
    assert in_words(changed).startswith(f"{changed.height} levels changed, by -")
    assert in_words(update([third], "main", root)) == "no level changed"


def test_an_update_names_cells_that_come_and_go(root: Path, tmp_path: Path) -> None:
    """A cell that only one of two baselines has is a change with a null."""
    save([finished_run(tmp_path / "a", languages=["de", "sw"])], "main", root)
    changed = update([finished_run(tmp_path / "b", languages=["sw", "yo"])], "main", root)
    assert set(changed.filter(pl.col("after").is_null())["language"]) == {"de"}
    assert set(changed.filter(pl.col("before").is_null())["language"]) == {"yo"}
    assert in_words(changed).endswith("points; 2 cells added; 2 cells removed")


def test_an_update_by_what_cannot_be_compared_changes_nothing(run: Path, root: Path, tmp_path: Path) -> None:
    """An update with another limit, or of a name that is not there, is refused; the files stay."""
    save([run], "main", root)
    before = {path: path.read_bytes() for path in root.iterdir()}
    with pytest.raises(Mismatch, match="--limit"):
        update([finished_run(tmp_path / "other", spec={"seeds": 2, "limit": "9"})], "main", root)
    with pytest.raises(MissingData, match="'other'"):
        update([run], "other", root)
    assert {path: path.read_bytes() for path in root.iterdir()} == before


def test_a_baseline_is_replaced_only_by_force(run: Path, root: Path, tmp_path: Path) -> None:
    """A name that is taken is refused; with `force` the baseline starts over without an anchor."""
    save([run], "main", root, "a")
    update([run], "main", root)
    with pytest.raises(UserError, match="exists already"):
        save([run], "main", root)
    save([finished_run(tmp_path / "other", spec={"limit": "9"})], "main", root, "b", force=True)
    assert sorted(path.name for path in root.iterdir()) == [f"main{suffix}" for suffix in SUFFIXES]
    assert load("main", root).reason == "b"


def test_a_save_that_fails_changes_nothing(run: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full before the last file is written leaves the baseline as it was, and no other file."""
    save([run], "main", root, "a")
    before = {path: path.read_bytes() for path in root.iterdir()}
    temporary = new_files.temporary

    def full(path: Path) -> AbstractContextManager[BinaryIO]:
        if path.suffix == ".json":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return temporary(path)

    monkeypatch.setattr(new_files, "temporary", full)
    with pytest.raises(DiskError, match="No space left"):
        save([run], "main", root, "b", force=True)
    assert {path: path.read_bytes() for path in root.iterdir()} == before


def test_a_save_that_is_killed_midway_is_noticed(
    run: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only some of the files are new, the baseline is refused in one line instead of read as a mixture."""
    save([finished_run(tmp_path / "old")], "main", root)
    renamed = new_files.replace

    def stopped(tmp: Path, path: Path) -> None:
        if path.suffix == ".json":
            raise KeyboardInterrupt
        renamed(tmp, path)

    monkeypatch.setattr(new_files, "replace", stopped)
    with pytest.raises(KeyboardInterrupt):
        save([run], "main", root, force=True)
    monkeypatch.undo()
    assert len(list(root.iterdir())) == 3
    with pytest.raises(DataError, match=r"main\.csv: was changed"):
        load("main", root)
    save([run], "main", root, force=True)
    load("main", root).check()


def _killed_update(run: Path, root: Path, renamed: int) -> None:
    """An update whose process ends after so many files have their names."""
    put, names = new_files.replace, count()

    def replace(tmp: Path, path: Path) -> None:
        if next(names) == renamed:
            os._exit(9)
        put(tmp, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(new_files, "replace", replace)
        update([run], "main", root, "new")


@pytest.mark.parametrize(("renamed", "reason"), [(1, "old"), (3, "old"), (4, "new"), (5, "new")])
def test_an_update_that_is_killed_midway_is_finished(
    renamed: int, reason: str, run: Path, root: Path, tmp_path: Path
) -> None:
    """Who reads it next gets the old baseline or the new one with the old as its anchor, and no other file is left."""
    save([finished_run(tmp_path / "old", draw=3, seeds=2, spec={"seeds": 2})], "main", root, "old")
    before = {suffix: (root / f"main{suffix}").read_bytes() for suffix in SUFFIXES}
    killed = process(_killed_update, run, root, renamed)
    killed.join()
    assert killed.exitcode == 9
    assert load("main", root).reason == reason
    update([run], "main", root, "new")
    assert {suffix: (root / f"main.anchor{suffix}").read_bytes() for suffix in SUFFIXES} == before
    assert len(list(root.iterdir())) == 6
    saved = load("main", root)
    assert saved.anchor is not None
    assert (saved.reason, saved.anchor.reason) == ("new", "old")


def test_one_process_saves_at_a_time(run: Path, root: Path) -> None:
    """A second writer is refused as long as the first one writes, and no lock file remains."""
    with _files.locked(root), pytest.raises(Locked, match="Another process"):
        save([run], "main", root)
    save([run], "main", root)
    assert not [path for path in root.iterdir() if path.name.startswith(".")]


def test_a_folder_that_cannot_be_one_is_one_line(run: Path, root: Path, tmp_path: Path) -> None:
    """A file where the folder should be, a folder or a link with the name of a file: one line, nothing is written."""
    file = tmp_path / "file"
    file.write_text("x")
    for folder in (file, file / "deeper"):
        with pytest.raises(UserError, match="folder is needed"):
            save([run], "main", folder)
    root.mkdir()
    (root / "main.csv").symlink_to(file)
    with pytest.raises(UserError, match="Move it away"):
        save([run], "main", root, force=True)
    assert file.read_text() == "x"
    assert [path.name for path in root.iterdir()] == ["main.csv"]


def test_the_command_saves_shows_and_checks(run: Path, root: Path) -> None:
    """`baseline save`, `show` and `check` work on one folder; what one does not take is refused."""
    folder = ("--folder", str(root))
    ended = program("baseline", "save", str(run), "--name", "one", "--reason", "new recipe", *folder)
    assert ended.code == 0
    assert ended.out.startswith(f"Saved {root}/one.json with one.csv, one.parquet (")
    assert ended.err == f"Next: robust-xtreme baseline check one --folder {root}\n"
    shown = program("baseline", "show", "one", *folder).out
    assert shown.startswith("one  4 cells of 1 run, saved ")
    assert "reason      new recipe" in shown
    (facts,) = json.loads(program("baseline", "show", "--json", *folder).out)
    assert facts["name"] == "one"
    assert facts["cells"] == 4
    assert facts["paired"]
    assert facts["models"] == ["m"]
    assert program("baseline", "check", *folder).out == "one: as it was saved, 4 cells of 1 run\n"
    (root / "two.json").write_text("{}")
    ended = program("baseline", "check", *folder)
    assert ended.code == 2
    assert ended.out == "one: as it was saved, 4 cells of 1 run\n"
    assert "file of a baseline" in ended.err
    assert ended.err.endswith("robust-xtreme baseline save RUN --name two --force\n")
    for words in (("save",), ("show", "--force"), ("check", "other"), ("chek",), ("save", str(root))):
        ended = program("baseline", *words, *folder)
        assert ended.code == 2
        assert ended.err.count("\n") == 1


def test_a_baseline_of_several_runs_of_one_level_is_refused(root: Path, tmp_path: Path) -> None:
    """Nothing varies over these runs, so that nothing can be tested over them; the line says so."""
    save([_imported(tmp_path / str(number), number) for number in range(3)], "equal", root)
    with pytest.raises(Mismatch, match="do not vary"):
        gate(str(_imported(tmp_path / "new", 20, 21)), baseline=load("equal", root))
