"""`verify` on a run of the embedded model, and on copies of it that a forger changed."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from tests.program import program
from tests.tiny import tiny_run

from robust_xtreme.core import resources
from robust_xtreme.files import schema, store
from robust_xtreme.files.manifest import MANIFEST, PAGE, read_manifest, write_manifest
from robust_xtreme.files.schema import Frame
from robust_xtreme.report.charts.drawing import Drawing
from robust_xtreme.run.manifest import halved
from robust_xtreme.run.verifying import Verifying

_HERE: Final = ("--device", "cpu", "--no-cache")
_ASKED: Final = ("--tasks", "xnli,panx", "--languages", "sw,de", "--limit", "24", "--perturb", "char_noise:0.05,0.1")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of two tasks in two languages."""
    folder = tmp_path_factory.mktemp("source")
    assert program("eval", *_ASKED, *_HERE, "--out", str(folder / "run")).code == 0
    return folder


@pytest.fixture
def forged(source: Path, tmp_path: Path) -> Path:
    """A copy of that run, which a test changes as a forger does."""
    return Path(shutil.copytree(source / "run", tmp_path / "forged"))


def _sign(run: Path, **facts: object) -> None:
    """Make the digests of all files right, and change facts of the manifest."""
    manifest = read_manifest(run / MANIFEST)
    digests = {name: store.sha256(run / name) for name in manifest["files"]}
    write_manifest(run / MANIFEST, {**manifest, **facts, "files": digests})


def _finish(run: Path, *words: str, **facts: object) -> None:
    """Let `eval` make all that follows from changed parts, as it does in a run that was stopped."""
    manifest = read_manifest(run / MANIFEST)
    digests = {name: store.sha256(run / "parts" / name) for name in manifest["parts"]}
    write_manifest(run / MANIFEST, {**manifest, **facts, "parts": digests, "complete": False})
    ended = program("eval", *words, "--config", str(run / "run.toml"), "--out", str(run), *_HERE)
    assert read_manifest(run / MANIFEST)["complete"], ended.err


def _edit_frame(run: Path, name: str, frame: Frame, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Change the rows of a file."""
    (path,) = run.glob(name)
    rows = store.read_frame(path, frame)
    changed = change(rows)
    assert not changed.equals(rows)
    store.write_frame(path, changed, frame)


def _edit_predictions(run: Path, task: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    _edit_frame(run, f"parts/{task}-sw-test-predictions-*", schema.PREDICTIONS, change)


def _edit_stats(run: Path, task: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    _edit_frame(run, f"parts/{task}-sw-test-stats-*", schema.STATS, change)


def _differing(run: Path, model: bool = True, data: str = "") -> dict[str, str]:
    checks = Verifying(data, model=("mini",) if model else ()).checks(run)
    return {check.name: check.differs for check in checks if check.differs}


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
    assert nothing.out.startswith("files: ok\nall else: not checked")
    assert (nothing.code, "Nothing was compared" in nothing.err) == (2, True)


def test_scores_of_answers_are_asked_again(tmp_path: Path) -> None:
    """A run with `--scores` is proved with the model, whose last digits depend on which texts are asked together."""
    run = tmp_path / "run"
    words = ("--tasks", "xnli,panx", "--languages", "sw", "--limit", "30", "--perturb", "char_noise:0.1")
    assert program("eval", *words, "--scores", "-o", str(run)).code == 0
    ended = program("verify", str(run), "--model", "mini", "--sample", "20", "--seed", "1")
    assert (ended.code, ended.err) == (0, "")
    predictions = pl.read_parquet(run / "predictions.parquet")
    assert predictions.filter(task="xnli")["score"].is_not_null().all()


def test_data_that_are_not_those_of_the_manifest_are_no_excuse(forged: Path, tmp_path: Path) -> None:
    """`run.toml` names a folder without data, its digest is right, and the manifest has the suite that is embedded."""
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "hosts").touch()
    text = (forged / "run.toml").read_text().replace('data = "mini"', f'data = "{tmp_path / "others"}"')
    (forged / "run.toml").write_text(text)
    _sign(forged)
    ended = program("verify", str(forged))
    assert ended.code == 2
    assert "\nplan: differs: suite mini" in ended.out


def test_charts_that_cannot_be_drawn_are_no_forgery(
    source: Path, forged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here or where the run was made: they are not checked, and the rest of the page is."""

    def lose(draws: Drawing, _: object) -> list[str]:
        draws.lost = "The page has no charts: memory is limited."
        return []

    words = ["--tasks", "xnli", "-l", "sw", "--limit", "6", "--perturb", "char_noise:0.1"]
    with monkeypatch.context() as limited:
        limited.setattr(Drawing, "svgs", lose)
        assert program("eval", *words, "--out", str(tmp_path / "run")).code == 0
        _change_page(forged)
        here, found = ({each.name: each for each in Verifying().checks(run)} for run in (source / "run", forged))
    there = {each.name: each for each in Verifying().checks(tmp_path / "run")}
    assert found[PAGE].differs
    for checks in (here, there):
        assert not any(each.differs for each in checks.values())
        assert checks[PAGE].unchecked.startswith("Its charts")


_NOISY: Final = pl.col("condition").str.starts_with("char_noise")
_HIGHER: Final = pl.col("condition").str.starts_with("char_noise:0.1")
_MODEL: Final = ~pl.col("model").str.contains("/")
_IDS: Final = ("condition", "noise_seed", "example")
_ALL_RIGHT: Final = (
    pl.when(pl.col("stats").list.len() == 3)  # true positives, false positives and false negatives; else right of all
    .then(pl.concat_list(pl.col("stats").list.get(0) + pl.col("stats").list.get(2, null_on_oob=True), 0.0, 0.0))
    .otherwise(pl.concat_list(pl.col("stats").list.get(1), pl.col("stats").list.get(1)))
)


def _replace(column: str, value: pl.Expr, chosen: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda rows: rows.with_columns(pl.when(chosen).then(value).otherwise(column).alias(column))


def _change_byte(run: Path) -> None:
    part, *_ = run.glob("parts/*.parquet")
    content = part.read_bytes()
    part.write_bytes(content[:-20] + bytes([content[-20] ^ 1]) + content[-19:])


def _change_score(run: Path) -> None:
    _edit_frame(run, "scores.csv", schema.SCORES, _replace("value", pl.col("value") - 1.0, _MODEL & ~_NOISY))
    _sign(run)


def _change_page(run: Path) -> None:
    head, body = (run / PAGE).read_text().split("<body")
    number = re.search(r">(\d+\.\d)<", body)
    assert number
    (run / PAGE).write_text(f"{head}<body{body[: number.start(1)]}{float(number[1]) - 1:.1f}{body[number.end(1) :]}")
    _sign(run)


def _leave_out_language(run: Path) -> None:
    _sign(run, units=[unit for unit in read_manifest(run / MANIFEST)["units"] if unit["language"] == "sw"])


def _improve_sums(run: Path) -> None:
    _edit_stats(run, "panx", _replace("stats", _ALL_RIGHT, _MODEL & _HIGHER))
    _finish(run)


def _improve_predictions(run: Path) -> None:
    _edit_predictions(run, "panx", _replace("prediction", pl.col("gold"), _HIGHER))
    _finish(run)


def _replace_gold(run: Path) -> None:
    _edit_predictions(run, "xnli", _replace("gold", pl.col("prediction"), _HIGHER))
    _edit_stats(run, "xnli", _replace("stats", _ALL_RIGHT, _MODEL & _HIGHER))
    _finish(run)


def _use_other_language(run: Path) -> None:
    for kind, frame in (("predictions", schema.PREDICTIONS), ("stats", schema.STATS)):
        (path,), (other,) = (run.glob(f"parts/panx-{language}-test-{kind}-*") for language in ("sw", "de"))
        data = store.read_frame(path, frame).item(0, "data")
        example = pl.col("example").str.replace("/de/", "/sw/", literal=True)
        named = {"data": pl.lit(data), "language": pl.lit("sw"), "context_language": pl.lit("sw"), "example": example}
        store.write_frame(path, store.read_frame(other, frame).with_columns(**named), frame)
    _finish(run)


def _use_lower_strength(run: Path) -> None:
    def rename(rows: pl.DataFrame) -> pl.DataFrame:
        higher = rows.filter(_HIGHER).item(0, "condition")
        lower = rows.filter(_NOISY, ~_HIGHER).with_columns(condition=pl.lit(higher))
        lower = lower.with_columns(nominal=pl.lit("0.1")) if "nominal" in rows.columns else lower
        return pl.concat([rows.filter(~_HIGHER), lower])

    _edit_predictions(run, "xnli", rename)
    _edit_stats(run, "xnli", rename)
    _finish(run)


def _raise_rates(run: Path) -> None:
    _edit_predictions(run, "xnli", _replace("grapheme_edit_rate", pl.col("grapheme_edit_rate") * 1.5, _NOISY))
    _finish(run)


@pytest.mark.parametrize(
    ("forge", "check"),
    [
        (_change_byte, "files"),
        (_change_score, "scores.csv"),
        (_change_page, PAGE),
        (_leave_out_language, "plan"),
        (_improve_sums, "stats.parquet"),
        (_improve_predictions, "stats.parquet"),
        (_replace_gold, "predictions.parquet"),
        pytest.param(_use_other_language, "predictions.parquet", marks=pytest.mark.long),
        pytest.param(_use_lower_strength, "predictions.parquet", marks=pytest.mark.long),
        (_raise_rates, "predictions.parquet"),
    ],
)
def test_what_shows_without_the_model_is_found(forged: Path, forge: Callable[[Path], None], check: str) -> None:
    """The check that docs/verify.md names differs, and the exit code is 2."""
    forge(forged)
    ended = program("verify", str(forged))
    assert ended.code == 2
    assert len(ended.err.splitlines()) == 1
    assert f"\n{check}: differs: " in ended.out or (check == "files" and "manifest" in ended.err)


def _answer_right(run: Path, task: str, chosen: pl.Expr) -> None:
    """Make answers right with their sums, and all that follows."""
    _edit_predictions(run, task, _replace("prediction", pl.col("gold"), chosen))
    _edit_stats(run, task, _replace("stats", _ALL_RIGHT, _MODEL & chosen))
    _finish(run)


def _answer_noisy_right(run: Path) -> None:
    _answer_right(run, "xnli", _HIGHER)


def _copy_clean_answers(run: Path) -> None:
    def copy(column: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
        its_clean = pl.col(column).filter(condition="clean").first().over("model", "example")
        return _replace(column, its_clean, _MODEL & _NOISY)

    _edit_predictions(run, "xnli", copy("prediction"))
    _edit_stats(run, "xnli", copy("stats"))
    _finish(run)


def _hide_tokens(run: Path) -> None:
    def hide(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(tokens=pl.when(_NOISY).then("tokens_clean").otherwise("tokens"))

    _edit_predictions(run, "xnli", hide)
    _finish(run)


def _declare_failed(run: Path) -> None:
    def fail(rows: pl.DataFrame) -> pl.DataFrame:
        nothing = [pl.when(~_HIGHER).then(name).alias(name) for name in ("prediction", "answer")]
        return rows.with_columns(*nothing, status=pl.when(_HIGHER).then(pl.lit("failed")).otherwise("status"))

    _edit_predictions(run, "xnli", fail)
    _edit_stats(run, "xnli", lambda rows: rows.filter(~(_HIGHER & _MODEL)))
    _finish(run)


def _halve_parameters(run: Path) -> None:
    _edit_frame(run, "models.csv", schema.MODELS, lambda rows: rows.with_columns(pl.col("params") // 2))
    _sign(run)


def _stamp_overlap(run: Path) -> None:
    _finish(run, overlap=["xnli sw: 3 of 24 pairs are in the model's training data."])


@pytest.mark.parametrize(
    ("forge", "check"),
    [
        (_answer_noisy_right, "answers"),
        pytest.param(_copy_clean_answers, "answers", marks=pytest.mark.long),
        pytest.param(_hide_tokens, "predictions.parquet", marks=pytest.mark.long),
        (_declare_failed, "answers"),
        pytest.param(_halve_parameters, "models.csv", marks=pytest.mark.long),
        pytest.param(_stamp_overlap, "plan", marks=pytest.mark.long),
    ],
)
def test_what_only_the_model_shows_is_found_with_it(forged: Path, forge: Callable[[Path], None], check: str) -> None:
    """Nothing differs without the model; with it, the check that docs/verify.md names does."""
    forge(forged)
    assert _differing(forged, model=False) == {}
    assert check in _differing(forged)


@pytest.mark.long
def test_attacks_are_made_again_from_their_edits(tmp_path: Path) -> None:
    """Without the model their texts, rates and sums; with it they are searched again."""
    words = ["--tasks", "xnli", "-l", "en", "--limit", "6", "--perturb", "attack_keys:0.2@queries=5"]
    assert program("eval", *words, "--out", str(tmp_path / "run")).code == 0
    assert [_differing(tmp_path / "run", model) for model in (False, True)] == [{}, {}]


def test_answers_of_another_device_may_differ_a_little(forged: Path) -> None:
    """One answer is another one: on another device that is no forgery, on the same it is."""
    (path,) = forged.glob("parts/xnli-sw-test-predictions-*")
    wrong = store.read_frame(path, schema.PREDICTIONS).filter(pl.col("prediction") != pl.col("gold"))
    _answer_right(forged, "xnli", pl.all_horizontal(pl.col(name) == wrong.item(0, name) for name in _IDS))
    assert "answers" in _differing(forged)
    _sign(forged, device="cuda: another")
    assert "answers" not in _differing(forged)


def test_a_run_of_other_labels_is_found_by_own_data(tmp_path: Path) -> None:
    """Data that are handed along are believed; one's own show that the run has others."""
    suite = Path(shutil.copytree(resources.mini("suite"), tmp_path / "suite"))
    rows = suite / "xnli" / "test-sw.jsonl.gz"
    rows.write_bytes(gzip.compress(gzip.decompress(rows.read_bytes()).replace(b"neutral", b"entailment")))
    words = ("--data", str(suite), "--tasks", "xnli", "--languages", "sw", "--limit", "6", *_HERE)
    assert program("eval", *words, "--out", str(tmp_path / "run")).code == 0
    assert _differing(tmp_path / "run", model=False) == {}
    assert "plan" in _differing(tmp_path / "run", model=False, data="mini")


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
        assert (ended.code, option in ended.err) == (2, True)
    ended = program("verify", str(source / "run"), "--model", "mini", "--sample", "0")
    assert (ended.code, "--sample 0" in ended.err) == (2, True)
    what = {tmp_path: "no manifest", changed: "was changed", without: "cannot be read", huge: "50 MB"}
    for folder, line in what.items():
        ended = program("verify", str(folder))
        assert (ended.code, len(ended.err.splitlines())) == (2, 1)
        assert line in ended.err


def test_the_references_of_a_run_are_written(source: Path, tmp_path: Path) -> None:
    """`cite` prints a line for each source, and writes BibTeX; a file that is there stays."""
    out = tmp_path / "run.bib"
    ended = program("cite", str(source / "run"), "-o", str(out))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("No licence")
    assert "the model mini@" in ended.out
    assert "alphabets (de, sw): Unicode-3.0" in ended.out
    assert ended.out.endswith(f"\n{out}\n")
    assert "@misc{robust-xtreme," in out.read_text(encoding="utf-8")
    assert program("cite", str(source / "run"), "-o", str(out)).code == 2
    page = (source / "run" / "report.html").read_text(encoding="utf-8")
    assert "Licences and references" in page


@pytest.mark.parametrize(("task", "condition"), [("xnli", "char_noise:0.1"), ("panx", "clean")])
def test_no_cell_of_another_device_has_many_other_answers(forged: Path, task: str, condition: str) -> None:
    """One cell of all is made right: another device explains one answer of a cell, or one in a hundred."""
    _answer_right(forged, task, pl.col("condition").str.starts_with(condition))
    _sign(forged, device="cuda: another")
    assert f"{task}/sw {condition}" in _differing(forged)["answers"]


@pytest.fixture(scope="module")
def sure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with the confidences of its answers, and with an interval."""
    run = tmp_path_factory.mktemp("sure") / "run"
    words = ("--tasks", "xcopa", "--languages", "sw", "--limit", "40", "--perturb", "char_noise:0.1", "--scores")
    assert program("eval", *words, *_HERE, "-o", str(run)).code == 0
    return run


@pytest.mark.parametrize("cells", ["", "char_noise"])
def test_confidences_of_another_device_are_nearly_the_same(sure: Path, tmp_path: Path, cells: str) -> None:
    """All that are right are made sure, everywhere or in one cell; without the model they are not checked."""
    run = Path(shutil.copytree(sure, tmp_path / "run"))
    made_sure = pl.when(pl.col("gold") == pl.col("prediction")).then(1.0).otherwise(0.5)
    _edit_predictions(run, "xcopa", _replace("score", made_sure, pl.col("condition").str.starts_with(cells)))
    _finish(run)
    assert _differing(run, model=False) == {}
    _sign(run, device="cuda: another")
    assert "answers" in _differing(run)


@pytest.mark.parametrize("column", ["low", "p_adjusted"])
def test_an_interval_that_was_changed_is_found(sure: Path, tmp_path: Path, column: str) -> None:
    """A bound of a drop and its p are made again from the sums of its clusters."""
    run = Path(shutil.copytree(sure, tmp_path / "run"))
    _edit_frame(run, "deltas.csv", schema.DELTAS, lambda rows: rows.with_columns(pl.col(column) * 0.5 + 0.01))
    _sign(run)
    ended = program("verify", str(run))
    assert ended.code == 2
    assert "\ndeltas.csv: differs: " in ended.out


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
def test_a_claim_in_the_marks_of_what_is_not_compared_is_found(forged: Path, name: str, mark: str, claim: str) -> None:
    """Whatever is not compared is cut from the page alone, and where it stands there."""
    text, whole = (forged / name).read_text(), claim + mark if mark.startswith("</") else mark + claim
    assert mark in text
    (forged / name).write_text(text.replace(mark, whole, 1))
    _sign(forged)
    ended = program("verify", str(forged))
    assert ended.code == 2
    assert name in ended.err


def test_subwords_are_not_checked_without_the_tokenizer(tmp_path: Path) -> None:
    """Of a model that is no longer there only the last fact of an example may be its subwords, without other marks."""
    model, run = tiny_run(tmp_path / "tiny", ("xnli",)), tmp_path / "run"
    words = ("--tasks", "xnli", "--languages", "sw", "--limit", "6", "--perturb", "char_noise:0.2")
    assert program("eval", "--model", str(model), "--data", "mini", *words, "--out", str(run)).code == 0
    assert "<dt>subwords</dt>" in (run / PAGE).read_text()
    model.rename(tmp_path / "gone")
    marks = {"": "", "inside": "<h2>97.4</h2>", "before": f"</dd>{_CLAIM}<dd>", "above": ""}
    for name, claim in marks.items():
        folder = Path(shutil.copytree(run, tmp_path / f"copy{name}"))
        text = (folder / PAGE).read_text().replace("<dt>subwords</dt><dd>", f"<dt>subwords</dt><dd>{claim}", 1)
        (folder / PAGE).write_text(text.replace("</h1>", f"{_CLAIM}</h1>") if name == "above" else text)
        _sign(folder)
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
def test_what_a_manifest_adds_is_found(forged: Path, facts: dict[str, Any]) -> None:
    """Sentences that begin as that on the batch size, other commands, cells, thresholds, and what no manifest has."""
    if "notes" in facts:
        facts = {"notes": [*read_manifest(forged / MANIFEST)["notes"], facts["notes"]]}
    _sign(forged, **facts)
    assert {"plan", "not_run", "answers"} & {*_differing(forged)}


def test_the_note_on_halved_batches_is_not_checked(forged: Path) -> None:
    """It depends on the memory of the machine; the manifest has its tokens and its task run."""
    _finish(forged, **halved(read_manifest(forged / MANIFEST), "xnli de"))
    ended = program("verify", str(forged), "--model", "mini", "--sample", "2")
    assert ended.code == 0
    assert "halved" in ended.out.splitlines()[-1]


def test_a_file_that_the_run_has_not_is_found(sure: Path, tmp_path: Path) -> None:
    """The calibration of a run with confidences, which is not named by the manifest either."""
    run = Path(shutil.copytree(sure, tmp_path / "run"))
    (run / "calibration.csv").unlink()
    manifest = read_manifest(run / MANIFEST)
    del manifest["files"]["calibration.csv"]
    write_manifest(run / MANIFEST, manifest)
    assert [*_differing(run, model=False)] == ["calibration.csv"]


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
    encoder = f"def encode(texts):\n    return {vectors}\nencode.name, encode.version = 'letters', '1'\n"
    (tmp_path / "pairs_encoder.py").write_text(encoder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    model = ("--model", "bucc=python:pairs_encoder:encode")
    run = tmp_path / "run"
    asked = ["--data", "suite", "--tasks", "bucc", "--languages", "de", "--perturb", "char_noise:0.3"]
    assert program("eval", *model, *asked, "--out", str(run)).code == 0
    honest, bare = program("verify", str(run), *model), program("verify", str(run))
    assert (honest.code, bare.code) == (0, 0)
    assert "bitext_f1_retuned: not checked" in bare.out
    sums, threshold = (Path(shutil.copytree(run, tmp_path / name)) for name in ("sums", "threshold"))
    right = pl.concat_list(pl.lit(1.0), pl.lit(0.0), pl.lit(0.0))
    tuned = _MODEL & _NOISY & (pl.col("metric") == "bitext_f1_retuned")
    _edit_frame(sums, "parts/bucc-de-test-stats-*", schema.STATS, _replace("stats", right, tuned))
    _finish(sums, *model)
    manifest = read_manifest(threshold / MANIFEST)
    _sign(threshold, tuned={name: value + 0.1 for name, value in manifest["tuned"].items()})
    for folder in (sums, threshold):
        ended = program("verify", str(folder), *model)
        assert ended.code == 2
        assert "answers: differs" in ended.out
