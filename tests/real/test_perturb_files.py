"""Release files perturbed: every answer is at its place, every tag on its word, under every perturbation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from tests.some import some

from robust_xtreme.core import registry
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.examples import Example, digest
from robust_xtreme.core.specs import PerturbationSpec, TaskSpec
from robust_xtreme.exchange.perturbing.files import PerturbJob, perturb_file
from robust_xtreme.noise.conditions.condition import named
from robust_xtreme.noise.engine.perturbation import Perturbation
from robust_xtreme.tasks.sources.source import available, load

pytestmark = pytest.mark.real

PASSAGES = (("xquad/xquad.*.json", "mlqa/dev/*.json", "tydiqa_goldp/*.json"), ("lareqa/xquad-r/*.json",))
"""Data sets of one layout share a tuple."""

SENTENCES = (("panx/*.tsv",), ("ud/*/*.conllu",), ("masakhaner2/*/*.txt",))
CODE = re.compile(r"context-(..)-|\.(..)\.(?:dev|train|json)|(?:dev|test|train)-(..)\.tsv|^(..)[._-]")
AFRICAN = {"hau": "ha", "ibo": "ig", "swa": "sw", "wol": "wo", "yor": "yo", "zul": "zu"}
_LARGE = 650_000
"""Bytes of a file that only the long tests read, where a smaller one has the same layout."""


def _language(path: Path) -> str:
    match = CODE.search(path.name)
    return AFRICAN[path.parent.name] if match is None else next(filter(None, match.groups()))


def _format(path: Path) -> str:
    return {".json": "squad", ".tsv": "iob2", ".conllu": "conllu", ".txt": "conll"}[path.suffix]


def _keeping(family: str) -> list[str]:
    """The perturbations that promise to keep the spans of a family and need no files of the user."""
    every: list[Perturbation] = [registry.load("perturbation", name) for name in registry.names("perturbation")]
    return [
        member.name
        for member in every
        if not (
            family in member.refuses
            or member.free
            or member.moves
            or member.first
            or "rule_5_spans_survive" in member.waives
        )
    ]


_answers_kept = pytest.mark.parametrize("name", some(_keeping("span_qa"), 5))
_tags_kept = pytest.mark.parametrize("name", some(_keeping("tagging"), 5))


def _files(data: Path, layouts: tuple[tuple[str, ...], ...], name: str) -> Iterator[list[tuple[Path, str]]]:
    """The files of each layout in languages that a perturbation serves, in an order that depends on its name."""
    member: Perturbation = registry.load("perturbation", name)
    for patterns in layouts:
        there = [path for pattern in patterns for path in data.glob(pattern)]
        there.sort(key=lambda path: (path.stat().st_size > _LARGE, digest(name, path.name)))
        yield [(path, _language(path)) for path in there if member.serves(_language(path))]


def _first(layouts: Iterator[list[tuple[Path, str]]]) -> list[tuple[Path, str]]:
    """The first file of each layout that has one in a language that is served."""
    first = [files[0] for files in layouts if files]
    assert len(first) > 1
    return first


def _written(path: Path, language: str, spec: str, out: Path, fields: tuple[str, ...] = ()) -> str:
    job = PerturbJob(
        str(path), spec, str(out / "out"), language=language, format=_format(path), fields=fields, force=True
    )
    perturb_file(job)
    return (out / "out").read_text(encoding="utf-8")


def _check_passages(path: Path, language: str, spec: str, out: Path) -> None:
    new = _written(path, language, spec, out, ("context", "question"))
    clean, noisy = json.loads(path.read_text(encoding="utf-8")), json.loads(new)
    answers = 0
    for before, after in zip(_passages(clean), _passages(noisy), strict=True):
        for answer, other in zip(_answers(before), _answers(after), strict=True):
            start, text = other["answer_start"], other["text"]
            assert after["context"][start : start + len(text)] == text, (path.name, answer)
            assert bool(answer["text"]) == bool(text), (path.name, answer)
            answers += 1
        clean_ones, new_ones = _sentences(before), _sentences(after)
        assert [new for old, new in zip(clean_ones, new_ones, strict=True) if len({*old}) == 1 < len({*new})] == []
    assert answers
    assert _bare(clean) == _bare(noisy)


def _passages(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [passage for article in document["data"] for passage in article["paragraphs"]]


def _answers(passage: dict[str, Any]) -> list[dict[str, Any]]:
    return [answer for question in passage["qas"] for answer in question["answers"]]


def _sentences(passage: dict[str, Any]) -> list[tuple[str, str]]:
    """The sentences of LAReQA's passages, as their breaks and as their copies say; in one passage these differ."""
    sentences = [passage["context"][slice(*bounds)] for bounds in passage.get("sentence_breaks", [])]
    return list(zip(sentences, passage.get("sentences", []), strict=True))


def _bare(value: Any) -> Any:
    """A document without what is noised or moves."""
    moving = ("context", "question", "text", "answer_start", "sentence_breaks", "sentences")
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if key not in moving}
    return [_bare(item) for item in value] if isinstance(value, list) else value


def _check_sentences(path: Path, language: str, spec: str, out: Path) -> None:
    new = _written(path, language, spec, out)
    old = path.read_text(encoding="utf-8")
    column = 1 if path.suffix == ".conllu" else 0
    for before, after in zip(old.split("\n"), new.split("\n"), strict=True):
        if re.match(r"#\s*text\s*=", before):
            continue
        cut = r"[ \t]" if path.suffix == ".txt" else r"\t"
        first, other = re.split(cut, before.rstrip()), re.split(cut, after.rstrip())
        if not before.strip() or before.startswith("#"):
            assert first == other
        elif path.suffix == ".txt":
            assert (first[-1], bool(other[0])) == (other[-1], True)
        else:
            assert [*first[:column], *first[column + 1 :]] == [*other[:column], *other[column + 1 :]]
            assert bool(first[column].strip()) == bool(other[column].strip())


@_answers_kept
def test_answers_are_at_their_places(name: str, data: Path, tmp_path: Path) -> None:
    """In a file of each layout `context[start:stop]` is the answer, for all of them, and nothing else moved."""
    for path, language in _first(_files(data, PASSAGES, name)):
        _check_passages(path, language, f"{name}:0.3", tmp_path)


@_tags_kept
def test_tags_stay_on_their_words(name: str, data: Path, tmp_path: Path) -> None:
    """In a file of each layout there are as many words and tags as before, and no word is empty."""
    for path, language in _first(_files(data, SENTENCES, name)):
        _check_sentences(path, language, f"{name}:0.3", tmp_path)


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("strength", ["0.05", "0.3", "1"])
@_answers_kept
def test_all_answers_are_at_their_places(name: str, strength: str, data: Path, tmp_path: Path) -> None:
    """In every file of questions, at every strength, for every perturbation that keeps spans."""
    for path, language in chain.from_iterable(_files(data, PASSAGES, name)):
        _check_passages(path, language, f"{name}:{strength}", tmp_path)


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("strength", ["0.05", "0.3", "1"])
@_tags_kept
def test_all_tags_stay_on_their_words(name: str, strength: str, data: Path, tmp_path: Path) -> None:
    """In every file of tagged words, at every strength, for every perturbation that keeps spans."""
    for path, language in chain.from_iterable(_files(data, SENTENCES, name)):
        _check_sentences(path, language, f"{name}:{strength}", tmp_path)


@pytest.mark.parametrize("few", [2, pytest.param(None, marks=pytest.mark.long)])
@pytest.mark.parametrize("pattern", some([*chain(*PASSAGES, *SENTENCES)], 3))
def test_release_files_keep_every_byte_at_strength_0(pattern: str, few: int | None, data: Path, tmp_path: Path) -> None:
    """Whatever spaces, escapes and line ends a release file has, they are those of what is written."""
    for path in sorted(data.glob(pattern), key=lambda path: (path.stat().st_size > _LARGE, path.name))[:few]:
        fields = ("context", "question") if _format(path) == "squad" else ()
        job = PerturbJob(
            str(path),
            "char_noise:0",
            str(tmp_path / "out"),
            language=_language(path),
            format=_format(path),
            fields=fields,
            force=True,
        )
        perturb_file(job)
        assert (tmp_path / "out").read_bytes() == path.read_bytes()


TASK_FILES = (
    ("xquad", "xquad/xquad.es.json", "es"),
    ("mlqa", "mlqa/dev/dev-context-en-question-zh.json", "zh@en"),
    ("tydiqa", "tydiqa_goldp/tydiqa.goldp.sw.train.json", "sw"),
    ("xnli", "xnli/dev-sw.tsv", "sw"),
    ("pawsx", "pawsx/dev-de.tsv", "de"),
    ("panx", "panx/dev-sw.tsv", "sw"),
    ("udpos", "ud/UD_Tamil-TTB/ta_ttb-ud-test.conllu", "ta"),
    ("masakhaner", "masakhaner2/yor/dev.txt", "yo"),
    ("xcopa", "xcopa/data/sw/val.sw.jsonl", "sw"),
    ("lareqa", "lareqa/xquad-r/zh.json", "zh"),
)


@pytest.mark.parametrize(("task", "name", "language"), some(TASK_FILES, 5))
def test_every_format_of_a_task_is_read_as_eval_reads_it(
    task: str, name: str, language: str, data: Path, tmp_path: Path
) -> None:
    """All texts of the file are found by their place, none is left, and at strength 0 every byte is kept."""
    path, out = data / name, tmp_path / "out"
    member = registry.load("task", task)
    fields = ("question", "context") if member.family == "span_qa" else ()
    job = PerturbJob(str(path), "char_noise:0", str(out), task=task, language=language, fields=fields)
    totals = perturb_file(job)
    assert totals.texts
    assert totals.left == 0
    assert out.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("task", "language"),
    some(
        [("xquad", "hi"), *((task, language) for task, _, language in TASK_FILES if task not in ("xquad", "tydiqa"))],
        4,
    ),
)
def test_a_perturbed_file_contains_what_eval_reads(task: str, language: str, data: Path, tmp_path: Path) -> None:
    """Read again as the task reads it, the file has the very texts that a model reads under that noise and seed."""
    _check_same_texts(registry.load("task", task), data, language, "char_noise:0.3", tmp_path)


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("perturbation", sorted({*_keeping("span_qa"), *_keeping("tagging")}))
@pytest.mark.parametrize("task", sorted({task for task, _, _ in TASK_FILES}))
def test_all_perturbed_files_contain_what_eval_reads(task: str, perturbation: str, data: Path, tmp_path: Path) -> None:
    """In every language with an evaluated split, for every perturbation, readers' stripped blanks included."""
    member, noise = registry.load("task", task), registry.load("perturbation", perturbation)
    if member.family in noise.refuses:
        pytest.skip(f"{perturbation} has no meaning in {member.family}")
    for language in available(member, data, _split(member)):
        if all(map(noise.serves, language.split("@"))):
            _check_same_texts(member, data, language, f"{perturbation}:0.3", tmp_path / language)


def _split(task: TaskSpec) -> str:
    """The split of the release files that has labels in most languages."""
    return {"tydiqa": "train", "udpos": "test"}.get(task.name, "validation")


def _check_same_texts(task: TaskSpec, data: Path, language: str, noise: str, out: Path) -> None:
    clean = load(task, data, language, _split(task))
    for fields in task.perturbed:
        for name, _ in clean.row_files:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            job = PerturbJob(str(data / name), noise, str(out / name), task.name, _split(task), language, force=True)
            perturb_file(replace(job, fields=tuple(fields)))
        noisy = named(str(PerturbationSpec.parse(noise).on(*fields))).shown(clean.examples, 0)
        again = {example.id: _texts(example) for example in load(task, out, language, _split(task)).examples}
        assert {example.id: _texts(example) for example in noisy} == again


def _texts(example: Example) -> dict[str, str]:
    return {name: text.value for name, text in example.texts.items()}


@pytest.mark.parametrize("few", [2, pytest.param(None, marks=pytest.mark.long)])
@pytest.mark.parametrize(("pattern", "format"), [("masakhaner2/*/dev.txt", "conll"), ("panx/dev-*.tsv", "iob2")])
def test_release_files_of_tags_are_recognised_by_their_lines(
    pattern: str, format: str, few: int | None, data: Path, tmp_path: Path
) -> None:
    """With the suffix .conll they are read by their content; with .txt they are refused with the format to name."""
    for path in sorted(data.glob(pattern), key=lambda path: digest(path.name))[:few]:
        for suffix in ("conll", "txt"):
            (tmp_path / f"in.{suffix}").write_bytes(path.read_bytes())
        job = PerturbJob(str(tmp_path / "in.conll"), "char_noise:0.3", str(tmp_path / "out"), language="sw", force=True)
        perturb_file(job)
        output = (tmp_path / "out").read_text(encoding="utf-8")
        assert output == _written(path, "sw", "char_noise:0.3", tmp_path), path
        with pytest.raises(UserError, match=f"--format {format}"):
            perturb_file(replace(job, file=str(tmp_path / "in.txt")))
