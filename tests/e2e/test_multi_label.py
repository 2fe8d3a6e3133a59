"""`eval --scores` with a head that gives a text several labels: answers have the probabilities that the head gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tests.model_kinds import xlmr_folder
from tests.program import program

import robust_xtreme

LIBRARY: Any = transformers
NAMES = ("lamp", "chair", "desk")


@pytest.mark.parametrize(
    ("problem", "scores", "probability"),
    [
        ("multi_label_classification", (1.0, -0.7, 0.2), 0.7311),  # 1 / (1 + exp(-1))
        ("multi_label_classification", (-2.0, -3.0, -2.5), 0.1192),  # the most likely of labels that are unlikely
        ("multi_label_classification", (3e4, -3e4, -2.0), 1.0),
        ("multi_label_classification", (-3e4, -4e4, -5e4), 0.0),
        ("single_label_classification", (1.0, -0.7, 0.2), 0.6127),  # exp(1) / (exp(1) + exp(-0.7) + exp(0.2))
        (None, (1.0, -0.7, 0.2), 0.6127),
    ],
)
def test_an_answer_has_the_probability_that_its_head_gives_it(
    problem: str | None, scores: tuple[float, ...], probability: float, tmp_path: Path
) -> None:
    """A sigmoid of its own score where labels do not exclude each other, else the softmax over all of them."""
    labels = {"id2label": dict(enumerate(NAMES)), "label2id": {name: number for number, name in enumerate(NAMES)}}
    folder = xlmr_folder(tmp_path / "model", "ForSequenceClassification", problem_type=problem, **labels)
    model = LIBRARY.AutoModelForSequenceClassification.from_pretrained(str(folder))
    model.classifier.out_proj.weight.data.zero_()
    model.classifier.out_proj.bias.data = torch.tensor(scores)
    model.save_pretrained(str(folder))
    (tmp_path / "rows.csv").write_text(
        "text,label\na lamp,lamp\ntwo chairs,chair\nan old desk,desk\n", encoding="utf-8"
    )
    given = ("--data", str(tmp_path / "rows.csv"), "--fields", "text", "--gold", "label", "-l", "en")
    ended = program("eval", *given, "--model", str(folder), "--scores", "--no-cache", "-o", str(tmp_path / "run"))
    assert ended.code == 0, ended.err
    result = robust_xtreme.load(tmp_path / "run")
    assert result.predictions["score"].to_list() == [pytest.approx(probability, abs=1e-4)] * 3
    assert result.scores.filter(metric="accuracy")["value"].to_list() == [pytest.approx(100 / 3)]
