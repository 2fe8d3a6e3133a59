"""Runs with users' packs and with suites: what they record, what they leave out, and when they continue."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from tests.release import release
from tests.tiny import tiny_masked_folder, tiny_run
from typer.testing import CliRunner, Result

from robust_xtreme import perturb
from robust_xtreme.cli._app import build
from robust_xtreme.core.errors import Mismatch, UserError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files import store
from robust_xtreme.files.schema import CONDITIONS
from robust_xtreme.run.run import evaluate

FACTS = 'source = "us"\nlicence = "CC0-1.0"\nstanding = "authored"\n'
ALPHABET = (
    'language = "{code}"\nname = "Ours"\nscript = "Latn"\nfamily = "none"\ndirection = "ltr"\nspaces = true\n'
    'letters = "{letters}"\n' + FACTS
)


def suite_folder(
    folder: Path, letters: str = "q x", specs: str = '"char_noise:0.5@ops=replace"', code: str = "sw"
) -> Path:
    """Packs: an alphabet of few letters, and a suite."""
    for name in ("alphabets", "suites"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "alphabets" / f"{code}.toml").write_text(ALPHABET.format(letters=letters, code=code))
    (folder / "suites" / "mine.toml").write_text(f'summary = "Mine."\nspecs = [{specs}]\n{FACTS}')
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> RunSpec:
    """A few sentences of two tasks, in two languages."""
    folder = tmp_path_factory.mktemp("packs")
    tiny_run(folder / "tiny", ("xnli", "panx"))
    release(folder / "data")
    return RunSpec((str(folder / "tiny"),), str(folder / "data"), ("panx",), limit="6", device="cpu")


def call(*words: str) -> Result:
    """The program on some words, as it ends."""
    return CliRunner().invoke(build(), list(words))


@pytest.mark.usefixtures("no_pages")
def test_packs_change_texts_and_are_recorded(base: RunSpec, tmp_path: Path) -> None:
    """conditions.csv names the digest of the packs; a complete run is read again while they are the same."""
    folder = suite_folder(tmp_path / "own")
    spec = replace(base, perturb=("@mine",), packs=(str(folder),), out=str(tmp_path / "out"))
    result = evaluate(spec)
    rows = store.read_frame(result.folder / "conditions.csv", CONDITIONS).sort("condition")
    assert rows.get_column("packs").to_list() == [result.manifest["packs"], None]
    assert result.manifest["suites"] == {"@mine": ["char_noise:0.5@ops=replace"]}
    assert str(folder) not in json.dumps(result.manifest)
    assert evaluate(spec).manifest == result.manifest


def test_languages_with_borrowed_noise_are_recorded(base: RunSpec, tmp_path: Path) -> None:
    """The manifest and the legend name them by perturbation; the manifest of a run without such noise does not."""
    spec = replace(base, perturb=("natural:0.05", "char_noise:0.1"))
    result = evaluate(replace(spec, out=str(tmp_path / "out")))
    assert result.manifest["noise_sources"] == {"natural": {"borrowed": ["sw"]}}
    assert "borrowed in sw" in (result.folder / "report.md").read_text(encoding="utf-8")
    plain = evaluate(replace(spec, perturb=("char_noise:0.1",), out=str(tmp_path / "plain")))
    assert "noise_sources" not in plain.manifest


def test_changed_packs_are_not_mixed_with_what_is_done(base: RunSpec, tmp_path: Path) -> None:
    """A pack with other letters, or a suite with other members, is named; nothing is computed."""
    spec = replace(base, perturb=("@mine",), packs=(str(suite_folder(tmp_path / "own")),), out=str(tmp_path / "out"))
    evaluate(spec)
    suite_folder(tmp_path / "own", letters="x z")
    with pytest.raises(Mismatch, match=r"--packs \([0-9a-f]{16}, not [0-9a-f]{16}\)"):
        evaluate(spec)
    with pytest.raises(Mismatch, match="key packs"):
        evaluate(replace(spec, packs=()))
    suite_folder(tmp_path / "own")
    evaluate(spec)


@pytest.mark.usefixtures("no_pages")
def test_a_changed_language_model_is_not_mixed_with_what_is_done(base: RunSpec, tmp_path: Path) -> None:
    """A folder that noise names has other weights than when the run was made: nothing is computed."""
    folder, noise = tmp_path / "lm", f"masked_words:0.5@lm={tmp_path / 'lm'}"
    tiny_masked_folder(folder, ["the", "river", "is", "green"])
    spec = replace(base, perturb=(noise,), languages=("en",), out=str(tmp_path / "out"))
    first = evaluate(spec).manifest
    assert evaluate(spec).manifest == first
    tiny_masked_folder(folder, ["the", "river", "is", "green"], seed=1)
    with pytest.raises(Mismatch, match="language model"):
        evaluate(spec)


def test_the_cache_serves_other_packs_where_texts_are_the_same(base: RunSpec, tmp_path: Path, cache: Path) -> None:
    """Predictions are kept by what the model reads: packs that change no text of a run compute nothing again."""
    spec = replace(base, perturb=("char_noise:0.5@ops=replace",), languages=("en",))
    evaluate(replace(spec, out=str(tmp_path / "first")))
    folder = suite_folder(tmp_path / "own")
    evaluate(replace(spec, packs=(str(folder),), out=str(tmp_path / "second")))
    done = [(tmp_path / name / "log.txt").read_text().splitlines()[-2] for name in ("first", "second")]
    assert "0 from the cache" in done[0]
    inputs = done[1].split(" distinct inputs")[0].rsplit(" ", 1)[1]
    assert f"{inputs} from the cache" in done[1]
    suite_folder(tmp_path / "own", letters="x z", code="en")
    evaluate(replace(spec, packs=(str(folder),), out=str(tmp_path / "third")))
    assert f"{inputs} from the cache" not in (tmp_path / "third" / "log.txt").read_text()


def test_a_suite_leaves_out_what_has_no_meaning_and_what_is_not_served(base: RunSpec, tmp_path: Path) -> None:
    """By name, in the manifest and in the report; the rest is computed."""
    folder = suite_folder(tmp_path / "own", specs='"char_noise:0.1", "word_order:0.5", "natural_typo:0.1"')
    spec = replace(base, tasks=("panx", "xnli"), perturb=("@mine",), packs=(str(folder),), out=str(tmp_path / "out"))
    result = evaluate(spec)
    cells = set(result.scores.select("task", "language", pl.col("condition").str.split(":").list.first()).iter_rows())
    assert ("panx", "sw", "char_noise") in cells
    assert not {(task, code, name) for task, code, name in cells if (task, name) == ("panx", "word_order")}
    assert {code for task, code, name in cells if (task, name) == ("panx", "natural_typo")} == {"en"}
    assert {code for task, code, name in cells if (task, name) == ("xnli", "word_order")} == {"en", "sw"}
    details = {(row["task"], row.get("language", ""), row["detail"]) for row in result.manifest["not_run"]}
    assert any((task, code) == ("panx", "sw") and "natural_typo" in detail for task, code, detail in details)
    assert any("word_order" in detail for _, _, detail in details)
    assert "misspellings" in (result.folder / "report.md").read_text()


def test_what_is_named_and_has_no_meaning_is_refused(base: RunSpec, tmp_path: Path) -> None:
    """Named itself, a perturbation is not left out but refused, before anything is written."""
    spec = replace(base, perturb=("word_order:0.1",), out=str(tmp_path / "out"))
    with pytest.raises(UserError, match=r"word_order .*panx") as caught:
        evaluate(spec)
    assert caught.value.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_the_commands_take_packs(base: RunSpec, tmp_path: Path) -> None:
    """`show`, `list` and `eval --plan` look there first, and fail in one line where it is not a folder."""
    folder = str(suite_folder(tmp_path / "own"))
    shown = call("show", "char_noise:1@ops=replace", "kaa", "-l", "sw", "--packs", folder)
    assert "{+" in shown.stdout
    assert set(shown.stdout.split("{+")[1]) & set("qx")
    assert "@mine" in call("list", "suites", "--packs", folder).stdout
    rows = json.loads(call("list", "perturbations", "-l", "sw", "--packs", folder, "--json").stdout)
    (row,) = (row for row in rows if row["name"] == "char_noise")
    assert (row["packs"], row["counted"]) == ({"alphabets/sw": "authored"}, False)
    words = ("eval", "--model", base.model[0], "--data", base.data, "--tasks", "panx", "--device", "cpu", "--plan")
    assert call(*words, "--perturb", "@mine", "--packs", folder).exit_code == 0
    for refused in ((*words, "--packs", folder + "x"), ("show", "char_noise:1", "a", "-l", "sw", "--packs", "x/y")):
        ended = call(*refused)
        assert ended.exit_code == 2
        assert "no folder" in ended.stderr
    assert "'@mine'" in call(*words, "--perturb", "@mne", "--packs", folder).stderr


def test_the_api_takes_packs(tmp_path: Path) -> None:
    """`perturb(packs=...)` takes one folder or several, and leaves the process as it was."""
    folder = suite_folder(tmp_path / "own")
    before = perturb(["habari"], "char_noise:1@ops=replace", language="sw")
    for given in (folder, str(folder), [folder]):
        noised = perturb(["habari"], "char_noise:1@ops=replace", language="sw", packs=given)
        assert set(noised[0]) <= set("habariqx")
        assert noised != before
    assert perturb(["habari"], "char_noise:1@ops=replace", language="sw") == before
