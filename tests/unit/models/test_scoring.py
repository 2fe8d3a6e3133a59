"""Rows of a task run: answers are mapped back through the noise, and each item has a status of one word."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.tiny import question_example, tagged_example, tiny_tokenizer

import robust_xtreme
from robust_xtreme.core import registry
from robust_xtreme.core.columns import ExampleColumns, column_of
from robust_xtreme.core.examples import Answers, Example, Span, Tags, Target
from robust_xtreme.core.specs import PerturbationSpec, TaskSpec
from robust_xtreme.files import store
from robust_xtreme.models.folder import Learned, Located, local
from robust_xtreme.models.predictors.members.encoder_head import EncoderHead, reader_of
from robust_xtreme.models.predictors.predictor import Predicted
from robust_xtreme.models.reading.reading import contents_of
from robust_xtreme.noise.conditions.condition import CLEAN, Condition
from robust_xtreme.run.prepare import Prepared, prepare
from robust_xtreme.run.scoring import TaskRunRows, score_examples
from robust_xtreme.run.task_run import TaskRun
from robust_xtreme.tasks.sources.rows import data_identity
from robust_xtreme.tasks.sources.source import Split

CONTEXT = "the river runs past old stone houses where people meet and talk about rain markets boats and bread"


def prepared(task: str, examples: list[Example], *perturb: str) -> Prepared:
    """Examples prepared, clean and under perturbations."""
    spec = registry.load("task", task)
    model = Located(local(Path("run")), task, task, spec.family, spec.labels, "0" * 16, {}, Learned(("en",)), (task,))
    noisy = (Condition(noise, PerturbationSpec.parse(noise), (0, 1)) for noise in perturb)
    count, words = len(examples), spec.family == "tagging"
    task_run = TaskRun(
        spec,
        "en",
        "validation",
        data_identity(examples),
        count,
        count,
        (),
        model,
        (Condition(CLEAN), *noisy),
        inference="settings",
        setting="in_language",
        words=words,
    )
    return prepare(task_run, Split(task, "en", "validation", tuple(examples), ()), predictor(spec))


def predictor(task: TaskSpec) -> EncoderHead:
    """What prepares a task's examples for the tiny tokenizer."""
    return EncoderHead(task, reader_of(registry.load("family", task.family), task, tiny_tokenizer()))


def golds(ready: Prepared) -> list[Any]:
    """The target of each distinct input."""
    pairs = [zip(variant.inputs, variant.examples, strict=True) for variant in ready.variants]
    targets = {number: example.target for each in pairs for number, example in each}
    return [targets[number] for number in range(len(ready.inputs))]


def part_of(ready: Prepared, answers: list[Target | None]) -> TaskRunRows:
    """The rows of a task run with those answers, strings as such."""
    finite = np.array([answer is not None for answer in answers])
    some = next(answer for answer in answers if answer is not None)
    column = column_of([some if answer is None else answer for answer in answers])
    part = score_examples(ready, Predicted(column, finite))
    return replace(part, stats=store.strings(part.stats))


@pytest.fixture(scope="module")
def questions() -> list[Example]:
    """Thirty questions on passages of their own."""
    words = CONTEXT.split()[1:]  # an article is not an answer: normalising removes it
    return [question_example(f"q{i}", "where?", f"{CONTEXT} {i}", words[i % len(words)]) for i in range(30)]


def test_a_right_answer_in_a_noisy_passage_is_right(questions: list[Example]) -> None:
    """The gold span as noise left it maps back to the clean gold: exact match and F1 are 100 under any noise."""
    ready = prepared("xquad", questions, "char_noise:0.4@fields=context")
    part = part_of(ready, golds(ready))
    for metric in ("squad_em", "squad_f1"):
        rows = part.stats.filter((pl.col("metric") == metric) & (pl.col("scope") == "all"))
        rows = rows.filter(~pl.col("model").str.contains("^(chance|shallow)/"))
        assert len(rows) == 3 * len(questions)
        sums = rows.get_column("stats").to_list()
        assert {hits / count for hits, count in sums} == {1.0}, metric


def test_the_answer_is_the_clean_text_that_is_scored(questions: list[Example]) -> None:
    """Under noise too `answer` is text of the clean context, and it is null where the prediction is empty."""
    ready = prepared("xquad", questions, "char_noise:0.4@fields=context")
    rows = part_of(ready, golds(ready)).predictions
    texts = {question.id: question.texts["context"].at(spans_of(question)[0]) for question in questions}
    assert rows.select("example", "answer").rows() == 3 * sorted(texts.items())
    assert rows.get_column("prediction").n_unique() > 2 * len(questions)
    silent = part_of(ready, [Answers(())] * len(ready.inputs)).predictions
    assert set(silent.select("prediction", "answer").rows()) == {("[]", None)}


def spans_of(example: Example) -> tuple[Span, ...]:
    """The spans of the answers to a question."""
    assert isinstance(example.target, Answers)
    return example.target.spans


def test_noise_moves_answers_back(questions: list[Example]) -> None:
    """Somewhere the noisy span differs from the clean one, and it comes back all the same."""
    ready = prepared("xquad", questions, "char_noise:0.4@fields=context")
    clean, displaced = ExampleColumns(questions).targets, 0
    for variant in ready.variants[1:]:
        noisy = ExampleColumns(variant.examples).targets
        assert variant.shown is not None
        back = variant.shown.restored(noisy)
        displaced += sum(noisy[at] != clean[at] for at in range(len(questions)))
        assert [back[at] for at in range(len(questions))] == [clean[at] for at in range(len(questions))]
    assert displaced > len(questions)


def test_equal_inputs_are_one(questions: list[Example]) -> None:
    """At strength 0 nothing is computed twice."""
    assert len(prepared("xquad", questions, "char_noise:0@fields=context").inputs) == len(questions)
    assert len(prepared("xquad", questions, "char_noise:0.4@fields=context").inputs) > 2 * len(questions)


def test_an_item_that_noise_spared_is_unchanged(questions: list[Example]) -> None:
    """`unchanged` says that no edit fell on the item; clean items are `ok`."""
    ready = prepared("xquad", questions, "char_noise:0.03@fields=question")
    rows = part_of(ready, golds(ready)).predictions
    clean, noisy = rows.filter(pl.col("noise_seed") == -1), rows.filter(pl.col("noise_seed") >= 0)
    assert set(clean.get_column("status")) == {"ok"}
    assert set(noisy.get_column("status")) == {"ok", "unchanged"}
    assert noisy.filter((pl.col("edits") > 0) == (pl.col("status") == "unchanged")).is_empty()
    spared = noisy.filter(pl.col("status") == "unchanged")
    assert not spared.get_column("tokens_changed").any()


def test_an_answer_that_fits_in_no_window_is_wrong_and_reported(questions: list[Example]) -> None:
    """Even the gold span itself, which no window shows whole, counts as wrong there, and as right elsewhere."""
    long_question = question_example("long", "where?", f"{CONTEXT} {'x' * 700} end", "x" * 700)
    ready = prepared("xquad", [long_question, *questions])
    part = part_of(ready, golds(ready))
    assert dict(part.predictions.select("example", "status").iter_rows())["long"] == "truncated_gold"
    assert part.predictions.filter(pl.col("answer").is_null()).get_column("example").to_list() == ["long"]
    assert part.predictions.filter(pl.col("truncated")).get_column("example").to_list() == ["long"]
    rows = part.stats.filter(pl.col("metric") == "squad_f1", pl.col("scope") == "all")
    model_rows = rows.filter(~pl.col("model").str.contains("^(chance|shallow)/")).select("example", "stats").rows()
    assert {example: sums[0] for example, sums in model_rows} == {
        "long": 0.0,
        **{question.id: 1.0 for question in questions},
    }


def test_noised_and_untouched_spans_have_clean_twins() -> None:
    """A model that is right on clean text and silent on noisy text loses all of the same spans, edited or not."""
    examples = [tagged_example(f"t{i}", ["people", "meet", f"n{i}"], ["B-PER", "O", "B-PER"]) for i in range(30)]
    ready = prepared("panx", examples, "char_noise:0.1@fields=tokens")
    silent = Tags(("O", "O", "O"))
    clean = set(ready.variants[0].inputs)
    part = part_of(ready, [gold if at in clean else silent for at, gold in enumerate(golds(ready))])
    rows = part.stats.filter(pl.col("metric") == "span_f1", pl.col("noise_seed") == 0)
    sums = {scope: [0.0, 0.0, 0.0] for scope in rows.get_column("scope").unique()}
    for scope, stats in rows.select("scope", "stats").iter_rows():
        sums[scope] = [first + other for first, other in zip(sums[scope], stats, strict=True)]
    assert part.predictions.get_column("answer").null_count() == len(part.predictions)
    noised, untouched = sums["noised_gold_clean"][0], sums["untouched_clean"][0]
    assert noised > 0
    assert noised + untouched == 60
    assert sums["noised_gold"] == [0, 0, noised]


def test_a_condition_with_a_failed_answer_has_no_statistics() -> None:
    """One score that is not finite fails the condition for all seeds; the clean rows stay."""
    examples = [tagged_example(f"t{i}", ["people", "meet", f"n{i}"], ["O", "O", "B-PER"]) for i in range(5)]
    ready = prepared("panx", examples, "char_noise:0.5@fields=tokens")
    answers: list[Any] = golds(ready)
    answers[ready.variants[2].inputs[0]] = None
    part = part_of(ready, answers)
    statuses = part.predictions.group_by("condition").agg(pl.col("status").unique()).rows()
    assert {name: set(values) for name, values in statuses} == {
        CLEAN: {"ok"},
        "char_noise:0.5@fields=tokens": {"failed"},
    }
    of_model = part.stats.filter(~pl.col("model").str.contains("^(chance|shallow)/"))
    assert set(of_model.get_column("condition")) == {CLEAN}


def test_the_shallow_predictor_reads_what_the_model_reads() -> None:
    """The lexicon is right on clean words and not on misspelt ones; constants are scored on the clean text alone."""
    examples = [tagged_example(f"t{i}", ["people", "meet", "Anna"], ["O", "O", "B-PER"]) for i in range(30)]
    ready = prepared("panx", examples, "char_noise:0.5@fields=tokens")
    rows = part_of(ready, golds(ready)).stats
    lexicon = rows.filter(pl.col("model") == "shallow/word_lexicon", pl.col("metric") == "token_accuracy")
    assert lexicon.get_column("scope").unique().to_list() == ["all"]
    right = {seed: sum(hits for hits, _ in lexicon.filter(noise_seed=seed)["stats"]) for seed in (-1, 0, 1)}
    assert right[-1] == 90
    assert max(right[0], right[1]) < 85
    constants = rows.filter(pl.col("model").str.starts_with("chance/"))
    assert constants.get_column("condition").unique().to_list() == [CLEAN]


def test_eval_and_perturb_draw_the_same_noise(questions: list[Example]) -> None:
    """What `robust_xtreme.perturb` shows for a seed is what the model reads in `eval`."""
    cell = "char_noise:0.4@fields=context"
    for variant in prepared("xquad", questions, cell).variants[1:]:
        assert robust_xtreme.perturb(questions, cell, seed=variant.seed) == list(variant.examples)


def test_ids_of_pieces_are_without_special_tokens(questions: list[Example]) -> None:
    """The ids of a piece are those of its text alone, whether inputs were made of it before or not."""
    head = predictor(registry.load("task", "xquad"))
    known = head.prepare(contents_of(questions[:2])).lexicon
    pieces = ["ab", questions[0].texts["question"].value]
    for lexicon, piece in product((head.tokens(pieces, known), head.tokens(pieces)), pieces):
        assert list(lexicon.of(piece)) == tiny_tokenizer()(piece, add_special_tokens=False)["input_ids"]
