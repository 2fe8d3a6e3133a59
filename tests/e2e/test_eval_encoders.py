"""Encoders of unusual kinds from training to scores: T5's without a decoder, text towers of models of images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.encoders import BOUNDED, encoder_folder
from tests.lessons import lessons
from tests.release import release
from tests.some import some

from robust_xtreme import evaluate, train
from robust_xtreme.core.errors import ModelError
from robust_xtreme.files import store
from robust_xtreme.files.schema import MODELS
from robust_xtreme.models.loading import read_encoder
from robust_xtreme.report.evaluation import Evaluation
from robust_xtreme.training.loop import Options

pytestmark = pytest.mark.usefixtures("unpaged")

TASKS = ("xnli", "panx", "xquad")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lessons to train on, and other rows to evaluate."""
    folder = tmp_path_factory.mktemp("data")
    lessons(folder / "train")
    release(folder / "eval")
    _long(folder / "long")
    for side in ("deu", "eng"):
        path = folder / "eval" / "tatoeba" / "v1" / f"tatoeba.deu-eng.{side}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"the {side} house number {number}\n" for number in range(30)), encoding="utf-8")
    return folder


def _long(folder: Path) -> None:
    """Training rows that no text tower reads whole."""
    words = " ".join(["the river runs past old stone houses"] * 8)
    pairs = "".join(f"{words} {n}\t{words}\t{('entailment', 'neutral')[n % 2]}\n" for n in range(8))
    answers = [{"text": "stone", "answer_start": words.index("stone")}]
    passages = [
        {"context": f"{words} {n}", "qas": [{"id": str(n), "question": "what?", "answers": answers}]} for n in range(8)
    ]
    for path, content in (
        ("xnli/train-en.tsv", pairs),
        ("squad/train-v1.1.json", json.dumps({"version": "1.1", "data": [{"title": "t", "paragraphs": passages}]})),
        ("text/lines.txt", "".join(f"{words} {n}\n" for n in range(8))),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")


def _evaluated(
    model: Path, data: Path, out: Path, tasks: tuple[str, ...], language: str, representation: str = ""
) -> Evaluation:
    return evaluate(
        model=str(model),
        data=str(data / "eval"),
        tasks=tasks,
        languages=(language,),
        limit="6",
        perturb="char_noise:0.2",
        representation=representation,
        device="cpu",
        out=str(out),
    )


@pytest.mark.parametrize(
    "kind",
    some(["mt5", "clip", "siglip2"], ("clip",)),
)
def test_a_run_of_an_unusual_kind_answers_and_says_what_it_cuts(kind: str, data: Path, tmp_path: Path) -> None:
    """Trained for two steps, read and scored clean and perturbed; a tower's inputs are cut, in the settings and a note.

    The numbers of parameters are those of the text encoder alone.
    """
    start = encoder_folder(tmp_path / kind, kind)
    run = train(
        task="xnli,panx,tydiqa",
        data=str(data / "train"),
        encoder=str(start),
        out=str(tmp_path / "run"),
        steps=2,
        batch_size=4,
        device="cpu",
    )
    encoder, whole = read_encoder(run / "model"), read_encoder(start)
    assert type(encoder) is type(whole)
    result = _evaluated(run, data, tmp_path / "out", TASKS, "en")
    assert {(row["task"], row["condition"] == "clean") for row in result.predictions.iter_rows(named=True)} == {
        (task, clean) for task in TASKS for clean in (True, False)
    }
    most = BOUNDED.get(kind)
    lengths = {task: min(most or length, length) for task, length in zip(TASKS, (128, 128, 384), strict=True)}
    inference = {row["task"]: row["inference"] for row in result.scores.iter_rows(named=True)}
    assert all(f"max_length={lengths[task]} " in inference[task] for task in TASKS)
    notes = json.loads((tmp_path / "out" / "manifest.json").read_text())["notes"]
    cut = [note for note in notes if "are cut to" in note]
    assert [note.partition(":")[0] for note in cut] == ([*TASKS] if most else [])
    _check_parameters(tmp_path / "out", encoder)


def _is_table(name: str, module: Any) -> bool:
    """Words, positions and types; T5's attention bias has the same module type but is not counted."""
    return isinstance(module, torch.nn.Embedding) and not name.endswith("relative_attention_bias")


def _check_parameters(out: Path, encoder: Any) -> None:
    """The table of models counts what the encoder in memory has."""
    frame = store.read_frame(out / "models.csv", MODELS)
    every = sum(parameter.numel() for parameter in encoder.parameters())
    tables = {
        id(module.weight): module.weight.numel() for name, module in encoder.named_modules() if _is_table(name, module)
    }
    assert set(frame.select("params", "params_nonembedding").iter_rows()) == {(every, every - sum(tables.values()))}


@pytest.mark.parametrize("kind", ["clip", "siglip2"])
def test_training_cuts_long_inputs_to_what_a_tower_reads(kind: str, data: Path, tmp_path: Path) -> None:
    """The cut is reported, the record has the lengths; any other encoder that is too short is refused in one line."""
    messages: list[str] = []
    start = encoder_folder(tmp_path / kind, kind)
    words: dict[str, Any] = {
        "task": "xnli,xquad",
        "data": str(data / "long"),
        "steps": 4,
        "batch_size": 4,
        "device": "cpu",
    }
    run = train(None, Options(tell=messages.append), encoder=str(start), out=str(tmp_path / "run"), **words)
    most = BOUNDED[kind]
    assert [line.partition(":")[0] for line in messages if "are cut to" in line] == ["xnli", "xquad"]
    (stage,) = (json.loads(path.read_text()) for path in (run / "stages").glob("*.json"))
    assert (stage["max_length"], stage["stride"]) == (most, 128 * most // 384)
    short = encoder_folder(tmp_path / "short", "bert", max_position_embeddings=100)
    with pytest.raises(ModelError, match="100 tokens"):
        train(encoder=str(short), out=str(tmp_path / "other"), **words)


def test_masked_lm_reads_what_a_tower_reads(data: Path, tmp_path: Path) -> None:
    """SigLIP 2's tokenizer has a mask; CLIP's has none, and is refused in one line."""
    words: dict[str, Any] = {"mlm": {"text": str(data / "long" / "text"), "steps": 2, "batch_size": 2}, "device": "cpu"}
    run = train(encoder=str(encoder_folder(tmp_path / "a", "siglip2")), out=str(tmp_path / "run"), **words)
    assert type(read_encoder(run / "model")).__name__ == "Siglip2TextModel"
    with pytest.raises(ModelError, match="mask token"):
        train(encoder=str(encoder_folder(tmp_path / "b", "clip")), out=str(tmp_path / "other"), **words)


@pytest.mark.parametrize(
    "kind",
    some(["xlm_roberta", "mt5", "clip"], ("mt5",)),
)
def test_a_run_with_lora_is_a_plain_encoder_that_answers(kind: str, data: Path, tmp_path: Path) -> None:
    """Only queries and values differ from the start's, and evaluation knows nothing of LoRA."""
    start = encoder_folder(tmp_path / kind, kind)
    run = train(
        task="xnli",
        data=str(data / "train"),
        encoder=str(start),
        out=str(tmp_path / "run"),
        steps=3,
        batch_size=4,
        lr=1e-2,
        lora=2,
        device="cpu",
    )
    trained, before = read_encoder(run / "model").state_dict(), read_encoder(start).state_dict()
    changed = [name for name, tensor in before.items() if not torch.equal(tensor, trained[name])]
    assert changed
    assert all(set(name.split(".")) & {"query", "value", "q_proj", "v_proj", "q", "v"} for name in changed)
    (stage,) = (json.loads(path.read_text()) for path in (run / "stages").glob("*.json"))
    assert stage["lora"] == 2
    assert _evaluated(run, data, tmp_path / "out", ("xnli",), "en").predictions.height > 0


@pytest.mark.parametrize("kind", some(["mt5", "clip"], ("mt5",)))
def test_a_whole_checkpoint_compares_texts_without_a_head(kind: str, data: Path, tmp_path: Path) -> None:
    """The representation is the text encoder's; the decoder and the image model are neither used nor counted."""
    start = encoder_folder(tmp_path / kind, kind)
    result = _evaluated(start, data, tmp_path / "out", ("tatoeba",), "de", "mean:14/24")
    _check_parameters(tmp_path / "out", read_encoder(start))
    inference = {row["inference"] for row in result.scores.iter_rows(named=True)}
    length = BOUNDED.get(kind, 512)
    assert all("representation=mean:14/24(layer 1)" in shown for shown in inference), inference
    assert all(f"max_length={min(length, 512)}/" in shown for shown in inference), inference
    assert set(result.predictions["condition"]) > {"clean"}
