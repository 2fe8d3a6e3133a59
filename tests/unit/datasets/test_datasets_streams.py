"""Streams of datasets with noise: noised as they are read, continued where they were left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Dataset, Features, IterableDataset, IterableDatasetDict, List, Value
from tests.program import program

from robust_xtreme import perturb
from robust_xtreme.core import registry
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.datasets import perturb_dataset
from robust_xtreme.noise.engine.noising import asks
from robust_xtreme.noise.suites import refusing

SPEC = "char_noise:0.3"
TEXTS = ["Habari ya asubuhi kila mtu hapa", "Leo ni siku njema sana", "Mtoto anasoma kitabu kipya"] * 2
NOISY = perturb(TEXTS, SPEC, language="sw")
FEATURES = Features({"text": Value("string"), "score": List(Value("float32")), "size": Value("int8")})


def rows() -> Iterator[dict[str, Any]]:
    """Rows of a generator."""
    for number, text in enumerate(TEXTS):
        yield {"text": text, "score": [0.1 * number], "size": number}


def stream(features: Features | None = FEATURES) -> IterableDataset:
    """A stream, whose features may be unknown before it is read."""
    if features is None:
        return IterableDataset.from_generator(rows)
    return Dataset.from_list(list(rows()), features=features).to_iterable_dataset(num_shards=2)


@pytest.mark.parametrize("features", [FEATURES, None], ids=["features", "unknown"])
def test_a_stream_has_the_noise_of_perturb(features: Features | None) -> None:
    """Rows, other values and features are those of the clean stream, in each batch size."""
    for size in (1, 4, 1000):
        noisy = perturb_dataset(stream(features), SPEC, language="sw", batch_size=size)
        assert isinstance(noisy, IterableDataset)
        read = list(noisy)
        assert [row.pop("text") for row in read] == NOISY
        assert read == [{key: row[key] for key in row if key != "text"} for row in stream(features)]
        assert noisy.features == features


@pytest.mark.parametrize("shape", ["numpy", "torch", "arrow"])
def test_a_format_of_arrays_finds_the_same_types(shape: str) -> None:
    """Other columns have the values and the types that they have without noise."""
    clean = stream().with_format(shape)
    pairs = zip(clean, perturb_dataset(clean, SPEC, language="sw"), strict=True)
    for number, (before, after) in enumerate(pairs):
        if shape == "arrow":
            assert after.schema == before.schema
            assert after["text"].to_pylist() == [NOISY[number]]
            continue
        assert after["text"] == NOISY[number]
        for name in ("score", "size"):
            assert (type(after[name]), after[name].dtype) == (type(before[name]), before[name].dtype)
            assert np.array_equal(after[name], before[name])


def test_a_stream_continues_where_it_was_left() -> None:
    """The state of a noisy stream brings the rows that are left; shuffled, it has the same texts in another order."""
    noisy = perturb_dataset(stream(), SPEC, language="sw", batch_size=2)
    reader = iter(noisy)
    for _ in range(3):
        next(reader)
    state, rest = noisy.state_dict(), [row["text"] for row in reader]
    noisy.load_state_dict(state)
    assert [row["text"] for row in noisy] == rest == NOISY[3:]
    assert sorted(row["text"] for row in noisy.shuffle(seed=1, buffer_size=3)) == sorted(NOISY)


def test_a_dictionary_of_streams() -> None:
    """Each split is a stream of noisy texts."""
    noisy = perturb_dataset(IterableDatasetDict({"train": stream(), "test": stream(None)}), SPEC, language="sw")
    assert isinstance(noisy, IterableDatasetDict)
    assert [[row["text"] for row in part] for part in noisy.values()] == [NOISY, NOISY]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"column": "txt"}, "column 'txt'"),
        ({"column": "size"}, "row 0"),
        ({"language": None, "language_column": "lang"}, "column 'lang'"),
        ({"language": None, "language_column": "size"}, "takes the code"),
    ],
)
def test_a_stream_of_unknown_features_is_checked_when_it_is_read(options: dict[str, Any], line: str) -> None:
    """The mistake is one line with its row."""
    noisy = perturb_dataset(stream(None), SPEC, **{"language": "sw", **options})
    with pytest.raises(UserError, match=line):
        list(noisy)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (["moja", ["mbili"]], "'moja' .* row 0"),
        ([["moja", None]], "None .* row 0"),
        ([["moja", 2]], "2, .* row 0"),
        (["moja", "mb\ud800"], "surrogate .* row 1"),
    ],
)
def test_values_that_are_no_texts_are_one_line(values: list[Any], line: str) -> None:
    """Each names the column and the row."""
    clean = IterableDataset.from_generator(lambda: ({"text": value} for value in values))
    with pytest.raises(UserError, match=f"'text' .*{line}"):
        list(perturb_dataset(clean, SPEC, language="sw"))


def test_positions_in_a_stream() -> None:
    """Answers move in a stream of unknown features, too, and are an error where they would not."""
    answer = {"text": ["Butiama"], "answer_start": [30]}
    row = {"context": "Rais Julius Nyerere alizaliwa Butiama mwaka huo", "answers": answer}
    clean = IterableDataset.from_generator(lambda: iter([row]))
    with pytest.raises(UserError, match="'answers' has positions"):
        list(perturb_dataset(clean, SPEC, language="sw", column="context"))
    (moved,) = perturb_dataset(clean, SPEC, language="sw", column="context", spans="answers")
    (start,), (text,) = moved["answers"]["answer_start"], moved["answers"]["text"]
    assert moved["context"][start : start + len(text)] == text
    assert moved["context"] != row["context"]


def test_rows_are_those_of_a_perturbed_file(tmp_path: Path) -> None:
    """`robust-xtreme perturb` writes the same texts, words and answers into a file of JSON lines."""
    answer = {"text": ["Butiama"], "answer_start": [30]}
    row = {"context": "Rais Julius Nyerere alizaliwa Butiama mwaka huo", "answers": answer, "words": ["Habari", "ya"]}
    (tmp_path / "in.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    columns, options = ("context", "words"), ["-l", "sw", "--perturb", "char_noise:0.4"]
    fields = [word for name in columns for word in ("--fields", name)]
    out = tmp_path / "out.jsonl"
    assert program("perturb", str(tmp_path / "in.jsonl"), *fields, *options, "-o", str(out)).code == 0
    (noisy,) = perturb_dataset(
        Dataset.from_list([row]), "char_noise:0.4", language="sw", column=columns, spans="answers"
    )
    assert noisy == json.loads(out.read_text("utf-8")) != row


_EVERY = [registry.load("perturbation", name) for name in registry.names("perturbation") if "." not in name]
_CODES = ("sw", "en", "hi", "zh", "vi", "ar", "ru")


@pytest.mark.parametrize(
    "name", [member.name for member in _EVERY if not (member.free or member.moves or member.first)]
)
def test_every_perturbation_noises_datasets(name: str) -> None:
    """Texts have the noise of `perturb`, lists of words keep their number, and answers their positions."""
    spec = f"{name}:0.5"
    cell = PerturbationSpec.parse(spec)
    code = next(code for code in _CODES if registry.load("perturbation", name).serves(code))
    assert not asks(cell)
    texts = ["Rais Julius Nyerere alizaliwa Butiama", "यह एक वाक्य है", "今天天气很好", "Утро доброе"]
    words, answer = [text.split() for text in texts], [{"text": [text[:4]], "answer_start": [0]} for text in texts]
    clean = Dataset.from_dict({"context": texts, "words": words, "answers": answer})
    plain = clean.remove_columns("answers")
    noisy = perturb_dataset(plain, spec, language=code, column="context")
    assert noisy["context"][:] == perturb(texts, spec, language=code)
    if not refusing(cell, "tagging"):
        noisy = perturb_dataset(plain, spec, language=code, column="words")
        assert list(map(len, noisy["words"])) == list(map(len, words))
    if not refusing(cell, "span_qa"):
        for row in perturb_dataset(clean, spec, language=code, column="context", spans="answers"):
            (start,), (text,) = row["answers"]["answer_start"], row["answers"]["text"]
            assert text
            assert row["context"][start : start + len(text)] == text
