"""The command `data` on a suite: files that are not regular, and files that nothing describes."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pytest
from tests.mini_suite import mini_lines
from tests.unit.cli.test_data_command import data, data_report, write

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError
from robust_xtreme.tasks.sources.source import Pools, load, open_source
from robust_xtreme.tasks.sources.survey import evaluated


def test_files_that_a_suite_does_not_describe_are_named(tmp_path: Path) -> None:
    """Of other languages, splits, tasks and endings: ten of them are lines, and none is an error."""
    toml = 'name = "s"\nversion = "1"\nsummary = "s"\nlanguages = ["en"]\n[mine]\nsplits = ["test"]\n'
    write(tmp_path / "suite.toml", f'{toml}target = "choice"\nlabels = ["a", "b"]\ntexts = ["text"]\n')
    write(tmp_path / "mine/test-en.jsonl", '{"id": "1", "text": "One.", "label": "a"}\n')
    write(tmp_path / "mine/README.md", "Mine.")
    assert "Not described" not in data("check", "--data", str(tmp_path)).stdout
    stray = ["help/test-en.jsonl", "mine/test-en.jsonl.gz", "mine/test-fr.jsonl", "mine/train-en.jsonl"]
    stray += [f"other/test-{number}.jsonl" for number in range(10, 18)]
    for name in stray:
        write(tmp_path / name, "")
    result = data("check", "--data", str(tmp_path))
    lines = "".join(f"  {name}\n" for name in stray[:10])
    assert f"\nNot described by suite.toml, and not read: 12\n{lines}  and 2 more\n" in result.stdout
    assert result.exit_code == 0
    assert data_report("check", "--data", str(tmp_path))["undescribed"] == stray


@pytest.mark.parametrize("endings", [(".gz",), ("", ".gz")])
def test_a_compressed_file_of_rows_is_read_where_it_is_alone(tmp_path: Path, endings: tuple[str, ...]) -> None:
    """Its rows, its name and its hash are those of the plain file, and beside that one it is not described."""
    toml = 'name = "s"\nversion = "1"\nsummary = "s"\nlanguages = ["en"]\n[xnli]\nsplits = ["test"]\n'
    rows = "".join(mini_lines("xnli/test-en.jsonl")[:9])
    write(tmp_path / "suite.toml", toml)
    for ending in endings:
        path = write(tmp_path / f"xnli/test-en.jsonl{ending}", "")
        path.write_bytes(gzip.compress(rows.encode()) if ending else rows.encode())
    report = data_report("check", "--data", str(tmp_path))
    assert report["undescribed"] == [f"xnli/test-en.jsonl{ending}" for ending in endings[1:]]
    read = load(registry.load("task", "xnli"), open_source(str(tmp_path)), "en", "test")
    assert read.files == (("xnli/test-en.jsonl", hashlib.sha256(rows.encode()).hexdigest()),)
    assert len(read.examples) == 9


@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "loop"])
def test_a_suite_s_file_that_is_not_regular_is_malformed(tmp_path: Path, kind: str) -> None:
    """It is not missing: the check names it, and a run stops there."""
    toml = 'name = "s"\nversion = "1"\nsummary = "s"\nlanguages = ["en"]\n[xnli]\nsplits = ["test"]\n'
    path = write(tmp_path / "suite.toml", toml).parent / "xnli" / "test-en.jsonl"
    path.parent.mkdir()
    make = {"pipe": os.mkfifo, "folder": os.mkdir}
    if kind in make:
        make[kind](path)
    else:
        path.symlink_to("gone" if kind == "link" else path.name)
    result = data("check", "--data", str(tmp_path))
    assert (result.exit_code, f"{path}: is not a regular file." in result.stdout) == (2, True), result.stdout
    with pytest.raises(DataError, match="regular file"):
        evaluated(registry.load("task", "xnli"), Pools(open_source(str(tmp_path))), "auto", "en")
