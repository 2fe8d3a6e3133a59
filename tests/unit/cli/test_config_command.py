"""`robust-xtreme config`: recipes and run files are listed, printed and copied, and never overwritten by mistake."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from robust_xtreme.cli._app import build
from robust_xtreme.core.resources import folder, shipped
from robust_xtreme.training.values import spec_of


def run(*words: str) -> Result:
    """Run `config` in this process."""
    return CliRunner().invoke(build(), ["config", *words])


def test_every_file_is_listed_with_its_command() -> None:
    """By kind, in words and as JSON."""
    every = {
        path.stem
        for kind in ("recipes", "train", "runs", "studies")
        for path in (folder("configs") / kind).glob("*.toml")
    }
    rows = json.loads(run("list", "--json").stdout)
    assert {row["name"] for row in rows} == every
    assert all(row["command"].startswith("robust-xtreme ") for row in rows)
    assert all("configs/" not in row["command"] and ".toml" not in row["command"] for row in rows)
    shown = run().stdout
    assert all(f"  {row['name']}" in shown and row["command"] in shown for row in rows)
    assert shown.index("recipe:") < shown.index("run of train") < shown.index("run of eval")


def test_show_prints_the_file_as_it_is() -> None:
    """A recipe or a run file, by its name or with its kind before it."""
    text = (folder("configs") / "recipes" / "x-stilts.toml").read_text("utf-8")
    assert run("show", "x-stilts").stdout == run("show", "recipes/x-stilts.toml").stdout == text
    assert run("show", "char_noise").stdout.startswith("# robust-xtreme eval --config")


def test_a_copy_is_the_same_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written where one is, or to a place, with the text that it reads; nothing is replaced without --force."""
    monkeypatch.chdir(tmp_path)
    done = run("copy", "small_ci")
    assert (done.exit_code, done.stdout) == (0, "small_ci.toml\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made_up.txt", "small_ci.toml"]
    assert spec_of("./small_ci.toml", {}).text == "made_up.txt"
    Path("small_ci.toml").write_text("mine", encoding="utf-8")
    refused = run("copy", "small_ci")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "--force" in refused.stderr
    assert Path("small_ci.toml").read_text("utf-8") == "mine"
    assert run("copy", "small_ci", "--force").exit_code == 0
    assert Path("small_ci.toml").read_bytes() == shipped("train")["small_ci"].read_bytes()


def test_a_copy_replaces_files_alone(tmp_path: Path) -> None:
    """What is not a file, such as a pipe or a link that leads nowhere, stays with --force too."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("nowhere")
    for path in (tmp_path / "pipe", tmp_path / "link"):
        kind = path.lstat().st_mode
        done = run("copy", "xtreme", str(path), "--force")
        assert (done.exit_code, f"{path} exists" in done.stderr) == (2, True)
        assert path.lstat().st_mode == kind


def test_a_copy_goes_where_it_is_sent(tmp_path: Path) -> None:
    """Into a folder under its own name, or to the name of a file in folders that are made."""
    assert run("copy", "x-stilts", str(tmp_path)).stdout == f"{tmp_path / 'x-stilts.toml'}\n"
    made = tmp_path / "made" / "xtreme.toml"
    assert run("copy", "xtreme", f"{tmp_path / 'made'}/").stdout == f"{made}\n"
    assert made.is_file()
    assert run("copy", "xtreme", str(tmp_path / "new" / "mine.toml")).exit_code == 0
    assert (tmp_path / "new" / "mine.toml").read_bytes() == (folder("configs") / "recipes" / "xtreme.toml").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("shw", "xtreme"), "'show'"),
        (("show", "x-stilt"), "'x-stilts'"),
        (("show",), "Name a file"),
        (("show", "train/xtreme"), "no recipe"),
        (("copy", "../recipes/xtreme"), "no recipe"),
        (("list", "extra"), "extra"),
        (("list", "--force"), "--force"),
        (("show", "small_ci", "junk"), "junk"),
        (("show", "char_noise", "--json"), "--json"),
        (("copy", "small_ci", f"{__file__}/"), "another path"),
    ],
)
def test_a_mistake_is_one_line(words: tuple[str, ...], message: str) -> None:
    """Exit 2, and the nearest name."""
    done = run(*words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert message in done.stderr


def test_a_copy_that_cannot_be_written_names_what_config_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`config` has no --out: the cure is another DEST. Of a copy and the file that it reads none is left."""
    monkeypatch.setattr("robust_xtreme.files.new_files.sync_folder", _denied)
    done = run("copy", "small_ci", str(tmp_path / "mine.toml"))
    assert (done.exit_code, "--out" in done.stderr, list(tmp_path.glob(".*"))) == (3, False, [])
    assert "config copy train/small_ci" in done.stderr


def _denied(folder: Path) -> None:
    raise PermissionError(13, "Permission denied", str(folder))
