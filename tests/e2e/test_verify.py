"""`verify` on a run of the embedded model: some forgeries of each check; tools/forgeries.py plants hundreds of all."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.program import program
from tests.some import some
from tests.tiny import tiny_run
from tools.forgeries import planting as forgeries
from tools.forgeries.kinds import Forger

from robust_xtreme.core.run_spec import from_toml
from robust_xtreme.files import store
from robust_xtreme.files.manifest import MANIFEST, PAGE, read_manifest, write_manifest
from robust_xtreme.report.charts.drawing import Drawing
from robust_xtreme.run.manifest import halved
from robust_xtreme.run.plan import make_plan
from robust_xtreme.run.verifying import Verifying


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of two tasks."""
    return forgeries.sources(tmp_path_factory.mktemp("source"), ("xnli", "panx"), limit=24, others=False)


def test_a_run_that_is_as_it_was_written_is_proved(source: Path) -> None:
    """Every check is ok with the model but what depends on the machine; what is not checked is named, and why."""
    whole, bare, nothing = (
        program("verify", str(source / "run"), *options)
        for options in (("--model", "mini", "--sample", "5", "--seed", "7"), (), ("--data", str(source / "nothing")))
    )
    assert [(ended.code, ended.err) for ended in (whole, bare)] == [(0, "")] * 2
    machine = "version, versions, device, batch_tokens, deduplicate, log.txt"
    assert whole.out.splitlines()[-1] == f"Nothing differs. Not checked: {machine}. Asked by --seed 7."
    assert all(line.endswith(": ok") for line in whole.out.splitlines()[:-2])
    of_model = "tokens, models, overlap, own_data, notes, licences, answers"
    assert bare.out.splitlines()[-1] == f"Nothing differs. Not checked: models.csv, {of_model}, {machine}."
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


def _forger(run: Path, folder: Path, **facts: object) -> Forger:
    """A copy of a run whose manifest has other facts."""
    shutil.copytree(run, folder)
    manifest = {**read_manifest(folder / MANIFEST), **facts}
    return Forger(folder, random.Random(0), folder, manifest, make_plan(from_toml(folder / "run.toml", runs=False)))


def _differing(folder: Path, model: bool = True) -> dict[str, str]:
    checks = Verifying(model=("mini",) if model else ()).checks(folder)
    return {check.name: check.differs for check in checks if check.differs}


@pytest.mark.parametrize(("task", "condition"), [("xnli", "char_noise:0.1"), ("panx", "clean")])
def test_no_cell_of_another_device_has_many_other_answers(
    source: Path, tmp_path: Path, task: str, condition: str
) -> None:
    """One cell of all is made right: another device explains one answer of a cell, or one in a hundred."""
    forger = _forger(source / "run", tmp_path / "run", device="cuda: another")
    run = next(run for run in forger.runs() if run.key[:2] == (task, "sw"))
    rows, of_cell = forger.rows(run, "predictions"), pl.col("condition").str.starts_with(condition)
    assert rows.filter(of_cell, pl.col("prediction") != pl.col("gold")).height > 1
    forger.scored(run, rows.with_columns(pl.when(of_cell).then("gold").otherwise("prediction").alias("prediction")))
    forger.anew()
    found = _differing(forger.folder)
    assert [*found] == ["answers"]
    assert f"{task}/sw {condition}" in found["answers"]


@pytest.fixture(scope="module")
def sure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with the confidences of its answers."""
    run = tmp_path_factory.mktemp("sure") / "run"
    words = ("--tasks", "xnli", "--languages", "sw", "--limit", "20", "--perturb", "char_noise:0.1", "--workers", "0")
    assert program("eval", *words, "--scores", "--device", "cpu", "-o", str(run)).code == 0
    return run


@pytest.mark.parametrize("cells", ["", "char_noise"])
def test_confidences_of_another_device_are_nearly_the_same(sure: Path, tmp_path: Path, cells: str) -> None:
    """All that are right are made sure, everywhere or in one cell; without the model they are not checked."""
    forger = _forger(sure, tmp_path / "run", device="cuda: another")
    for run in forger.runs():
        rows = forger.rows(run, "predictions")
        made_sure = pl.when(pl.col("gold") == pl.col("prediction")).then(1.0).otherwise(0.34)
        chosen = pl.col("condition").str.starts_with(cells)
        forger.put(run, rows.with_columns(pl.when(chosen).then(made_sure).otherwise("score").alias("score")))
    forger.anew()
    assert [*_differing(forger.folder)] == ["answers"]
    assert _differing(forger.folder, model=False) == {}


def _stored_page(folder: Path, name: str, change: Callable[[str], str]) -> None:
    text = (folder / name).read_text()
    assert change(text) != text
    (folder / name).write_text(change(text))
    _stored(folder, name)


_CLAIM = "<dt>subwords</dt><dd>sw: 97.4 clean, 97.4 noisy</dd>"


@pytest.mark.parametrize(
    ("name", "mark", "claim"),
    [
        ("report.html", "</h1>", _CLAIM),
        ("report.html", "</table>", _CLAIM),
        ("report.html", "</dl></article>", f"{_CLAIM}<dt>edits</dt><dd>none</dd>"),
        ("report.html", "</dl></article>", "<dt>subwords</dt><dd><h2>97.4</h2></dd>"),
        ("report.md", "\n", _CLAIM),
        ("scores.csv", "mini", _CLAIM),
        ("report.md", "\n", "<figure>97.4</figure>\n"),
    ],
)
def test_a_claim_in_the_marks_of_what_is_not_compared_is_found(
    source: Path, tmp_path: Path, name: str, mark: str, claim: str
) -> None:
    """Whatever is not compared is cut from the page alone, and where it stands there."""
    folder = Path(shutil.copytree(source / "run", tmp_path / "run"))
    whole = claim + mark if mark.startswith("</") else mark + claim
    _stored_page(folder, name, lambda text: text.replace(mark, whole, 1))
    ended = program("verify", str(folder))
    assert ended.code == 2
    assert name in ended.err


def test_subwords_are_not_checked_without_the_tokenizer(tmp_path: Path) -> None:
    """Of a model that is no longer there only the last fact of an example may be its subwords, without other marks."""
    model, run = tiny_run(tmp_path / "tiny", ("xnli",)), tmp_path / "run"
    words = ("--tasks", "xnli", "--languages", "sw", "--limit", "6", "--perturb", "char_noise:0.2", "--workers", "0")
    assert program("eval", "--model", str(model), "--data", "mini", *words, "--out", str(run)).code == 0
    assert "<dt>subwords</dt>" in (run / PAGE).read_text()
    model.rename(tmp_path / "gone")
    marks = {"": "", "inside": "<h2>97.4</h2>", "before": f"</dd>{_CLAIM}<dd>", "above": ""}
    for name, claim in marks.items():
        folder = Path(shutil.copytree(run, tmp_path / f"copy{name}"))
        text = (folder / PAGE).read_text().replace("<dt>subwords</dt><dd>", f"<dt>subwords</dt><dd>{claim}", 1)
        (folder / PAGE).write_text(text.replace("</h1>", f"{_CLAIM}</h1>") if name == "above" else text)
        _stored(folder, PAGE)
        (check,) = (each for each in Verifying().checks(folder) if each.name == PAGE)
        assert bool(check.differs) == bool(name)
        assert "subwords" in check.unchecked


@pytest.mark.parametrize(
    "facts",
    [
        {"notes": "The batch size was halved. Audited: 99.9 points in every language."},
        {"notes": "The batch size was halved for memory, to 99 tokens from xnli/sw on."},
        {"commands": ["robust-xtreme eval --model best"]},
        {"not_run": [{"task": "xcopa", "language": "sw", "split": "test", "reason": "too_long", "detail": "Audited."}]},
        {"tuned": {"xnli/sw": 99.9}},
        {"audited": "99.9 points"},
    ],
    ids=lambda facts: next(iter(facts)),
)
def test_what_a_manifest_adds_is_found(source: Path, tmp_path: Path, facts: dict[str, Any]) -> None:
    """Sentences that begin as that on the batch size, other commands, cells, thresholds, and what no manifest has."""
    notes = read_manifest(source / "run" / MANIFEST)["notes"]
    forger = _forger(source / "run", tmp_path / "run", **facts)
    if "notes" in facts:
        forger.manifest["notes"] = [*notes, facts["notes"]]
    forger.anew()
    assert _differing(forger.folder)


def test_the_note_on_halved_batches_is_not_checked(source: Path, tmp_path: Path) -> None:
    """It depends on the memory of the machine; the manifest has its tokens and its task run."""
    forger = _forger(source / "run", tmp_path / "run")
    forger.manifest = halved(forger.manifest, forger.runs()[1].label)
    forger.anew()
    ended = program("verify", str(forger.folder), "--model", "mini", "--sample", "2")
    assert ended.code == 0
    assert "halved" in ended.out.splitlines()[-1]


def test_a_file_that_the_run_has_not_is_found(sure: Path, tmp_path: Path) -> None:
    """The calibration of a run with confidences, which is not named by the manifest either."""
    forger = _forger(sure, tmp_path / "run")
    (forger.folder / "calibration.csv").unlink()
    del forger.manifest["files"]["calibration.csv"]
    write_manifest(forger.folder / MANIFEST, forger.manifest)
    assert [*_differing(forger.folder, model=False)] == ["calibration.csv"]


def test_pairs_with_a_threshold_tuned_again_are_mined_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their sums, and the tuned threshold, are not checked without the model, and found with it."""
    words = [f"{first}{second}" for first in "abcdefghij" for second in "aeiou"]
    (tmp_path / "suite" / "bucc").mkdir(parents=True)
    head = 'name = "pairs"\nversion = "1"\nsummary = "x"\nlanguages = ["de"]\n'
    head += '[bucc]\nsplits = ["validation", "test"]\n'
    (tmp_path / "suite" / "suite.toml").write_text(head)
    for split in ("validation", "test"):
        rows = [{"id": f"{split}{at}", "sentence": f"{word} {split} {at}"} for at, word in enumerate(words)]
        lines = [json.dumps({**row, "cluster": row["id"], "translation": row["sentence"].upper()}) for row in rows]
        (tmp_path / "suite" / "bucc" / f"{split}-de.jsonl").write_text("\n".join(lines))
    vectors = "[[text.lower().count(letter) + 0.1 for letter in 'abcdeiou0123'] for text in texts]"
    (tmp_path / "pairs_encoder.py").write_text(f"def encode(texts):\n    return {vectors}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    model = ("--model", "bucc=python:pairs_encoder:encode")
    run = tmp_path / "run"
    asked = ["--data", "suite", "--tasks", "bucc", "--languages", "de", "--perturb", "char_noise:0.3", "--workers", "0"]
    assert program("eval", *model, *asked, "--out", str(run)).code == 0
    honest, bare = program("verify", str(run), *model), program("verify", str(run))
    assert (honest.code, bare.code) == (0, 0)
    assert "bitext_f1_retuned: not checked" in bare.out
    forger = _forger(run, tmp_path / "forged")
    (task_run,) = forger.runs()
    sums, tuned = forger.rows(task_run, "stats"), pl.col("metric") == "bitext_f1_retuned"
    right = pl.concat_list(pl.lit(1.0), pl.lit(0.0), pl.lit(0.0))
    chosen = tuned & (pl.col("condition") != "clean") & ~pl.col("model").str.contains("/")
    forger.put(task_run, sums.with_columns(pl.when(chosen).then(right).otherwise("stats").alias("stats")))
    forger.anew()
    other = _forger(run, tmp_path / "other")
    other.manifest["tuned"] = {name: value + 0.1 for name, value in other.manifest["tuned"].items()}
    other.anew()
    for folder in (forger.folder, other.folder):
        ended = program("verify", str(folder), *model)
        assert ended.code == 2
        assert "answers: differs" in ended.out
