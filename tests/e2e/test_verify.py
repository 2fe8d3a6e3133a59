"""`verify` on a run of the embedded model: some forgeries of each check; tools/forgeries.py plants hundreds of all."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
from tests.program import program
from tests.some import some
from tools.forgeries import planting as forgeries

from robust_xtreme.files import store
from robust_xtreme.files.manifest import MANIFEST, PAGE, read_manifest, write_manifest
from robust_xtreme.report.charts.drawing import Drawing
from robust_xtreme.run.verifying import Verifying


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of two tasks."""
    return forgeries.sources(tmp_path_factory.mktemp("source"), ("xnli", "panx"), limit=24, others=False)


def test_a_run_that_is_as_it_was_written_is_proved(source: Path) -> None:
    """Every check is ok with the model; without it, and without the data, what is not checked is named."""
    whole, bare, nothing = (
        program("verify", str(source / "run"), *options)
        for options in (("--model", "mini", "--sample", "5", "--seed", "7"), (), ("--data", str(source / "nothing")))
    )
    assert [(ended.code, ended.err) for ended in (whole, bare)] == [(0, "")] * 2
    assert whole.out.splitlines()[-1] == "Nothing differs. Asked by --seed 7."
    assert all(line.endswith(": ok") for line in whole.out.splitlines()[:-1])
    assert bare.out.splitlines()[-1] == "Nothing differs. Not checked: models.csv, answers."
    assert nothing.out.startswith(f"files: ok\nall else: not checked: The data folder {source / 'nothing'} does not ")
    assert nothing.code == 2
    assert nothing.err.startswith("robust-xtreme: Nothing was compared but digests")


def test_scores_of_answers_are_asked_again(tmp_path: Path) -> None:
    """A run with `--scores` is proved with the model, whose last digits depend on which texts are asked together."""
    run = tmp_path / "run"
    words = ("--tasks", "xnli,panx", "--languages", "sw", "--limit", "30", "--perturb", "char_noise:0.1")
    assert program("eval", *words, "--scores", "-o", str(run)).code == 0
    ended = program("verify", str(run), "--model", "mini", "--sample", "20", "--seed", "1")
    assert (ended.code, ended.err) == (0, "")
    predictions = pl.read_parquet(run / "predictions.parquet")
    assert predictions.filter(task="xnli")["score"].is_not_null().all()


def test_data_that_are_not_those_of_the_manifest_are_no_excuse(source: Path, tmp_path: Path) -> None:
    """`run.toml` names a folder without data, its digest is right, and the manifest has the suite that is embedded."""
    folder = Path(shutil.copytree(source / "run", tmp_path / "run"))
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "hosts").touch()
    text = (folder / "run.toml").read_text().replace('data = "mini"', f'data = "{tmp_path / "others"}"')
    (folder / "run.toml").write_text(text)
    _stored(folder, "run.toml")
    ended = program("verify", str(folder))
    assert ended.code == 2
    assert "\nplan: differs: suite mini, and " in ended.out


def _stored(folder: Path, name: str) -> None:
    """Make the digest of a file right."""
    manifest = read_manifest(folder / MANIFEST)
    manifest["files"][name] = store.sha256(folder / name)
    write_manifest(folder / MANIFEST, manifest)


def test_charts_that_cannot_be_drawn_are_no_forgery(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here or where the run was made: they are not checked, and the rest of the page is."""

    def lose(draws: Drawing, _: object) -> list[str]:
        draws.lost = "The page has no charts: memory is limited."
        return []

    words = ["--tasks", "xnli", "-l", "sw", "--limit", "6", "--perturb", "char_noise:0.1", "--workers", "0"]
    with monkeypatch.context() as limited:
        limited.setattr(Drawing, "svgs", lose)
        assert program("eval", *words, "--out", str(tmp_path / "run")).code == 0
        forged = forgeries.forged(source, "page", 1, tmp_path / "forged")
        here, found = ({each.name: each for each in Verifying().checks(run)} for run in (source / "run", forged))
    there = {each.name: each for each in Verifying().checks(tmp_path / "run")}
    assert found[PAGE].differs
    for checks in (here, there):
        assert not any(each.differs for each in checks.values())
        assert checks[PAGE].unchecked.startswith("Its charts")


@pytest.mark.parametrize(
    "kind",
    some(
        ["byte", "score", "page", "sums", "gold", "items", "rows", "rate", "strength"],
        ("byte", "page", "sums", "gold", "rate"),
        caught="test_what_shows_without_the_model_is_found",
    ),
)
def test_what_shows_without_the_model_is_found(source: Path, tmp_path: Path, kind: str) -> None:
    """The check that docs/verify.md names differs, and the exit code is 2."""
    folder = forgeries.forged(source, kind, 1, tmp_path / "run")
    ended = program("verify", str(folder))
    check = forgeries.table()[kind][2]
    assert ended.code == 2
    assert len(ended.err.splitlines()) == 1
    assert f"\n{check}: differs: " in ended.out or (check == "files" and "not the file that the manifest" in ended.err)


@pytest.mark.parametrize(
    "kind",
    some(
        ["answers", "clean", "tokens", "failed", "facts", "stamp"],
        ("answers", "facts"),
        caught="test_what_only_the_model_shows_is_found_with_it",
    ),
)
def test_what_only_the_model_shows_is_found_with_it(source: Path, tmp_path: Path, kind: str) -> None:
    """Nothing differs without the model; with it, the check that docs/verify.md names does."""
    folder = forgeries.forged(source, kind, 1, tmp_path / "run")
    without, asked = (forgeries.verified(folder, model=model)[0] for model in ((), ("mini",)))
    assert without == []
    assert forgeries.table()[kind][2] in asked


def test_attacks_are_made_again_from_their_edits(tmp_path: Path) -> None:
    """Without the model their texts, rates and sums; with it they are searched again."""
    words = ["--tasks", "xnli", "-l", "en", "--limit", "6", "--perturb", "attack_keys:0.2@queries=5", "--workers", "0"]
    assert program("eval", *words, "--out", str(tmp_path / "run")).code == 0
    assert [forgeries.verified(tmp_path / "run", model=model)[0] for model in ((), ("mini",))] == [[], []]


def test_answers_of_another_device_may_differ_a_little(source: Path, tmp_path: Path) -> None:
    """One answer in more than a hundred is another one: on another device that is no forgery, on the same it is."""
    folder = forgeries.forged(source, "answers", 2, tmp_path / "run")
    manifest = read_manifest(folder / MANIFEST)
    assert "answers" in forgeries.verified(folder, model=("mini",))[0]
    write_manifest(folder / MANIFEST, {**manifest, "device": "cuda: another"})
    assert "answers" not in forgeries.verified(folder, model=("mini",))[0]


def test_a_run_of_other_labels_is_found_by_own_data(source: Path, tmp_path: Path) -> None:
    """Data that are handed along are believed; one's own show that the run has others."""
    folder = forgeries.own_run(source, "data", 3, tmp_path / "copy")
    assert forgeries.verified(folder)[0] == []
    assert "plan" in forgeries.verified(folder, data="mini")[0]


def test_what_is_no_run_is_refused(source: Path, tmp_path: Path) -> None:
    """A folder without a run, one whose manifest was changed or is huge, and one without a part are one line."""
    (huge := tmp_path / "huge").mkdir()
    with (huge / MANIFEST).open("wb") as file:
        file.truncate(60_000_000)
    changed, without = (Path(shutil.copytree(source / "run", tmp_path / name)) for name in ("changed", "without"))
    (changed / MANIFEST).write_text((changed / MANIFEST).read_text().replace('"limit": "24"', '"limit": "25"'))
    next((without / "parts").iterdir()).unlink()
    for option in ("--sample", "--seed"):
        ended = program("verify", str(source / "run"), option, "9")
        line = f"robust-xtreme: {option} is of the items that a model is asked for. Add --model NAME.\n"
        assert (ended.code, ended.err) == (2, line)
    ended = program("verify", str(source / "run"), "--model", "mini", "--sample", "0")
    assert (ended.code, ended.err) == (2, "robust-xtreme: --sample 0 asks for nothing. Give at least 1.\n")
    what = {
        tmp_path: "it has no manifest",
        changed: "was changed after",
        without: "cannot be read",
        huge: "50 MB",
    }
    for folder, line in what.items():
        ended = program("verify", str(folder))
        assert (ended.code, len(ended.err.splitlines())) == (2, 1)
        assert line in ended.err


def test_the_references_of_a_run_are_written(source: Path, tmp_path: Path) -> None:
    """`cite` prints a line for each source, and writes BibTeX; a file that is there stays."""
    out = tmp_path / "run.bib"
    ended = program("cite", str(source / "run"), "-o", str(out))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("No licence here excludes commercial use.\nthe task panx of the suite mini: that of ")
    assert "the model mini@" in ended.out
    assert "the packs alphabets (de, sw): Unicode-3.0. CLDR" in ended.out
    assert ended.out.endswith(f"\n{out}\n")
    assert "@misc{robust-xtreme," in out.read_text(encoding="utf-8")
    assert program("cite", str(source / "run"), "-o", str(out)).code == 2
    page = (source / "run" / "report.html").read_text(encoding="utf-8")
    assert "Licences and references" in page
