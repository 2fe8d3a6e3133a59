"""`eval` on retrieval tasks and pairs of languages, with a random encoder: what is written, and what is left out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from tests.release import release
from tests.tiny import tiny_encoder_folder, tiny_run

from robust_xtreme.core.errors import MissingData, ModelError, SpecError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.report.document import render
from robust_xtreme.report.evaluation import Evaluation
from robust_xtreme.run.estimate import estimate
from robust_xtreme.run.run import evaluate

pytestmark = pytest.mark.usefixtures("unpaged")

WORDS = (
    "river runs past old stone houses where people meet and talk about rain markets boats bread".split()  # noqa: SIM905 - as one reads it
)
PAIRS = 40


def sentence(number: int, mark: str = "") -> str:
    """A sentence of five words; a mark tells languages apart."""
    return " ".join(WORDS[(number * step + step * step) % len(WORDS)] + mark for step in (1, 2, 3, 5, 7)) + f" {number}"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Release files in miniature: Tatoeba and BUCC with German sentences like the English ones, LAReQA, MLQA."""
    folder = release(tmp_path_factory.mktemp("data"))
    german, english = ([sentence(n, mark) for n in range(PAIRS)] for mark in ("e", ""))
    write(folder / "tatoeba/v1/tatoeba.deu-eng.deu", "\n".join(german) + "\n")
    write(folder / "tatoeba/v1/tatoeba.deu-eng.eng", "\n".join(english) + "\n")
    for part in ("training", "sample"):
        bitext(folder, part)
    (folder / "mlqa/dev").mkdir(parents=True)
    passages = (folder / "xquad/xquad.en.json").read_text(encoding="utf-8")
    for context, question in (("de", "de"), ("en", "de"), ("en", "en")):
        write(folder / f"mlqa/dev/dev-context-{context}-question-{question}.json", passages)
    return folder


def bitext(folder: Path, part: str) -> None:
    """One part of BUCC: sentences of both sides, and gold pairs for every second one."""
    base = folder / "bucc2018" / "de-en"
    for side, mark in (("de", "e"), ("en", "")):
        lines = (f"{side}-{n:09}\t{sentence(n, mark)}\n" for n in range(PAIRS))
        write(base / f"de-en.{part}.{side}", "".join(lines))
    write(base / f"de-en.{part}.gold", "".join(f"de-{n:09}\ten-{n:09}\n" for n in range(0, PAIRS, 2)))


def write(path: Path, text: str) -> None:
    """A file, and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model with a head for spans."""
    return tiny_run(tmp_path_factory.mktemp("model") / "tiny", ("xquad",))


def run(model: Path, data: Path, out: Path, tasks: str, *perturb: str, **more: object) -> Evaluation:
    """A run on the CPU."""
    spec = RunSpec((str(model),), str(data), tuple(tasks.split()), perturb=perturb, device="cpu", out=str(out), **more)  # type: ignore[arg-type]  # named by the tests
    return evaluate(spec)


def test_tatoeba_is_scored_under_noise_on_either_side(model: Path, data: Path, tmp_path: Path) -> None:
    """The pool is noised by default, the query where it is named; strength 0 loses exactly nothing."""
    result = run(model, data, tmp_path / "out", "tatoeba", "char_noise:0,0.3", "char_noise:0.3@fields=query")
    rows = result.deltas.filter(pl.col("metric") == "retrieval_accuracy")
    assert set(rows["condition"]) == {
        "char_noise:0@fields=candidate",
        "char_noise:0.3@fields=candidate",
        "char_noise:0.3@fields=query",
    }
    nothing = rows.filter(pl.col("condition").str.starts_with("char_noise:0@"))
    assert nothing["drop"].to_list() == [0.0]
    assert nothing["grapheme_edit_rate"].to_list() == [0.0]
    noised = rows.filter(pl.col("condition").str.starts_with("char_noise:0.3"))
    assert all(0.2 < rate < 0.45 for rate in noised["grapheme_edit_rate"])
    assert not any(noised["inert"])
    assert "representation=mean:14/24(layer 1) index=exact vectors=float32" in rows["inference"][0]


def test_the_same_vectors_give_the_same_bytes(model: Path, data: Path, tmp_path: Path) -> None:
    """With the cache, from the cache, without it and without sharing: the same scores and deltas."""
    spec = RunSpec((str(model),), str(data), ("tatoeba",), perturb=("char_noise:0.1",), device="cpu")
    written = []
    for index, (cache, deduplicate) in enumerate(((True, True), (True, True), (False, True), (True, False))):
        folder = evaluate(replace(spec, out=str(tmp_path / str(index))), cache=cache, deduplicate=deduplicate).folder
        written.append([(folder / name).read_bytes() for name in ("scores.csv", "deltas.csv")])
    assert written[1:3] == [written[0]] * 2
    assert written[3][0] == written[0][0]


def test_mined_pairs_take_the_threshold_of_clean_data(model: Path, data: Path, tmp_path: Path) -> None:
    """The threshold is in the manifest; beside the F1 with it is that with one tuned again."""
    result = run(model, data, tmp_path / "out", "bucc", "char_noise:0.2", languages=("de",))
    assert result.manifest["tuned"]["bucc de"] > 0
    scores = result.scores.filter(pl.col("condition") == "clean")
    assert scores["metric"].to_list() == ["bitext_f1", "bitext_f1_retuned"]
    assert len(set(scores["value"])) == 1
    assert set(result.deltas["condition"]) == {"char_noise:0.2@fields=query"}


def test_without_data_to_tune_on_a_language_is_left_out(model: Path, data: Path, tmp_path: Path) -> None:
    """BUCC's threshold needs the validation split: where it is not there, the language is not run, by name."""
    for side in ("de", "en", "gold"):
        path = data / "bucc2018/de-en" / f"de-en.training.{side}"
        write(tmp_path / "bucc2018/de-en" / path.name, path.read_text(encoding="utf-8"))
    with pytest.raises(MissingData, match=r"bucc de: .*threshold"):
        run(model, tmp_path, tmp_path / "out", "bucc", languages=("de",))


def test_any_encoder_answers_a_task_without_a_head(data: Path, tmp_path: Path) -> None:
    """A checkpoint without heads serves Tatoeba as it is; another representation is another model's answer."""
    encoder = tiny_encoder_folder(tmp_path / "encoder")
    first, last = (
        run(encoder, data, tmp_path / layer, "tatoeba", representation=f"mean:{layer}") for layer in ("0", "1")
    )
    assert "mean:0(layer 0)" in first.scores["inference"][0]
    assert first.predictions["prediction"].to_list() != last.predictions["prediction"].to_list()


def test_settings_of_retrieval_that_cannot_be_are_refused(model: Path, data: Path, tmp_path: Path) -> None:
    """An unknown index, a malformed representation, a layer beyond the encoder's: one line each, of a plan too."""
    for more, what in (
        ({"index": "faiss"}, "faiss"),
        ({"representation": "mean"}, "POOLING:LAYER"),
        ({"representation": "mean:9"}, "needs layer 9, but the encoder has 1"),
    ):
        with pytest.raises(SpecError, match=what):
            run(model, data, tmp_path / "out", "tatoeba", **more)
        with pytest.raises(SpecError, match=what):
            estimate(RunSpec((str(model),), str(data), ("tatoeba",), device="cpu", **more))  # type: ignore[arg-type]  # named above


def test_a_benchmark_leaves_out_what_no_model_serves(model: Path, data: Path, tmp_path: Path) -> None:
    """A group names what it leaves out; a task that was named itself is refused."""
    result = run(model, data, tmp_path / "out", "xtreme-r", languages=("de", "en"))
    reasons = {row["task"]: row["reason"] for row in result.manifest["not_run"] if row["reason"] == "no_model"}
    assert set(reasons) == {"xnli", "panx", "udpos", "xcopa", "lareqa", "mewsli_x"}
    assert set(result.scores["task"]) == {"tatoeba", "mlqa", "xquad"}
    with pytest.raises(ModelError, match="xnli"):
        run(model, data, tmp_path / "other", "xtreme-r xnli")


def test_questions_and_passages_may_be_in_two_languages(model: Path, data: Path, tmp_path: Path) -> None:
    """A pair of MLQA has both languages in its cell; noise on the question follows the question's."""
    result = run(model, data, tmp_path / "out", "mlqa", "char_noise:0.2@fields=question", languages=("de@en", "en"))
    cells = result.scores.select("language", "context_language").unique().sort("language").rows()
    assert cells == [("de", "en"), ("en", "en")]
    manifest = json.loads((result.folder / "manifest.json").read_text(encoding="utf-8"))
    assert {unit["language"] for unit in manifest["units"]} == {"de@en", "en"}
    assert "de on en" in render(result.folder)
