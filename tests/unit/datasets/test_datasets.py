"""Datasets with noise: the noise of `perturb`, in the same dataset, computed once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value, load_from_disk
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tiny import tiny_masked_folder

from robust_xtreme import perturb
from robust_xtreme.core import packs, registry
from robust_xtreme.core.errors import SpecError, UnknownName, UserError
from robust_xtreme.datasets import perturb_dataset
from robust_xtreme.datasets.condition import DatasetCondition, condition
from robust_xtreme.datasets.mapping import fingerprint
from robust_xtreme.noise.engine.perturbation import Perturbation

SPEC = "keyboard_typo:0.3"
TEXTS = ["Habari ya asubuhi kila mtu hapa", None, "Leo ni siku njema sana", "Habari ya asubuhi kila mtu hapa", ""]
CODES = ["sw", "sw", "en", "sw", "en"]
FEATURES = Features(
    {
        "label": ClassLabel(names=["no", "yes"]),
        "text": Value("string"),
        "score": List(Value("float32")),
        "language": Value("string"),
        "more": {"size": Value("int8")},
    }
)
ARGUMENTS: dict[str, Any] = {
    "column": None,
    "language": "sw",
    "language_column": None,
    "seed": 0,
    "keep_names": False,
    "packs": (),
    "spans": None,
}


def rows(**columns: Any) -> Dataset:
    """A dataset in memory: labels, texts of which one is null, numbers, languages, a structure."""
    every = {
        "label": [0, 1, 0, 1, 1],
        "text": TEXTS,
        "score": [[0.1], [], None, [0.2, 0.3], [1.0]],
        "language": CODES,
        "more": [{"size": number} for number in range(5)],
    }
    return Dataset.from_dict({**every, **columns}, features=None if columns else FEATURES, split="train")


def on_disk(folder: Path, ds: Dataset | None = None) -> Dataset:
    """A dataset in files, beside which `map` keeps its results."""
    (ds or rows()).save_to_disk(folder)
    return load_from_disk(folder)


def pack(folder: Path, wrong: str) -> Path:
    """A folder of packs in which `habari` has one misspelling."""
    (folder / "misspellings").mkdir(parents=True, exist_ok=True)
    head = "# language: sw\n# source: ours\n# licence: CC0-1.0\n# standing: authored\n"
    (folder / "misspellings" / "sw.tsv").write_text(f"{head}wrong\tright\tweight\n{wrong}\thabari\t1\n", "utf-8")
    return folder


def expected(texts: list[str | None], spec: str = SPEC, language: str = "sw", **more: Any) -> list[str | None]:
    """The texts as `perturb` noises them."""
    new = iter(perturb([text for text in texts if text is not None], spec, language=language, **more))
    return [None if text is None else next(new) for text in texts]


def made(spec: str = SPEC, **changed: Any) -> DatasetCondition:
    """A condition, by the arguments that differ from a few usual ones."""
    return condition("test", spec, **{**ARGUMENTS, **changed})


# ------------------------------------------------------------------------------------------------------------ the noise


def test_texts_have_the_noise_of_perturb_and_all_else_stays(tmp_path: Path) -> None:
    """Null stays null; other columns, features, split, rows and their order are those of the clean dataset."""
    clean = on_disk(tmp_path / "ds")
    noisy = perturb_dataset(clean, SPEC, language="sw")
    assert noisy["text"][:] == expected(TEXTS) != TEXTS
    assert noisy.remove_columns("text")[:] == clean.remove_columns("text")[:]
    assert (noisy.features, noisy.split, noisy.column_names) == (clean.features, clean.split, clean.column_names)
    assert noisy.data.drop(["text"]).equals(clean.data.drop(["text"]))
    assert clean["text"][:] == TEXTS


def test_strength_0_changes_no_byte(tmp_path: Path) -> None:
    """The table of the result is that of the dataset."""
    clean = on_disk(tmp_path / "ds")
    assert perturb_dataset(clean, "char_noise:0", language="sw").data.table.equals(clean.data.table)


@settings(max_examples=20)
@given(st.lists(st.none() | st.text(max_size=20), max_size=12), st.lists(st.integers(1, 5), max_size=4))
def test_batches_do_not_matter(texts: list[str | None], sizes: list[int]) -> None:
    """The rows of any division into batches are noised as all at once, and as `perturb` noises the texts."""
    noise, done, rest = made("char_noise:0.5"), [], list(texts)
    for size in (*sizes, len(rest)):
        batch, rest = rest[:size], rest[size:]
        done += noise.noised({"text": batch}, range(len(batch)))["text"]
    assert done == expected(texts, "char_noise:0.5")


def test_the_language_of_each_row(tmp_path: Path) -> None:
    """Each row has the noise of its language."""
    noisy = perturb_dataset(rows(), SPEC, language_column="language")
    by_code = {code: expected(TEXTS, language=code) for code in ("sw", "en")}
    assert noisy["text"][:] == [by_code[code][row] for row, code in enumerate(CODES)]


def test_several_columns_seed_and_packs(tmp_path: Path) -> None:
    """Columns have the same noise for the same text; seed and packs are those of `perturb`."""
    mine = pack(tmp_path / "packs", "habali")
    clean = Dataset.from_dict({"premise": ["habari ya leo"], "hypothesis": ["habari ya leo"], "other": ["habari"]})
    cases: list[tuple[str, dict[str, Any]]] = [(SPEC, {"seed": 3}), ("natural_typo:1", {"packs": mine})]
    for spec, options in cases:
        noisy = perturb_dataset(clean, spec, language="sw", column=("premise", "hypothesis"), **options)
        (text,) = expected(["habari ya leo"], spec, **options)
        assert noisy[0] == {"premise": text, "hypothesis": text, "other": "habari"}
    assert text == "habali ya leo"
    fields = perturb_dataset(clean, "natural_typo:1@fields=premise", language="sw", packs=mine)
    assert fields[0] == {"premise": text, "hypothesis": "habari ya leo", "other": "habari"}
    assert packs.users() == ()


@pytest.mark.parametrize("shape", ["torch", "numpy", "arrow", "pandas", None])
def test_the_format_stays(shape: str | None) -> None:
    """A dataset in a format has it after noise, too, with the same columns."""
    clean = rows().with_format(shape, columns=["label", "text"] if shape else None)
    noisy = perturb_dataset(clean, SPEC, language="sw")
    assert noisy.format == clean.format
    assert noisy.with_format(None)["text"][:] == expected(TEXTS)


def test_a_transform_stays_and_sees_noisy_texts() -> None:
    """A function that a dataset applies to what is read is applied to noisy texts."""
    clean = rows().with_transform(lambda batch: {"size": [len(text or "") for text in batch["text"]]})
    noisy = perturb_dataset(clean, SPEC, language="sw")
    assert [row["size"] for row in noisy] == [len(text or "") for text in expected(TEXTS)]


def test_every_split_of_a_dictionary_is_noised() -> None:
    """A DatasetDict has the same splits; one without the column is refused before anything is computed."""
    every = DatasetDict({"train": rows(), "test": rows().select([2, 0])})
    noisy = perturb_dataset(every, SPEC, language="sw")
    assert isinstance(noisy, DatasetDict)
    assert {name: part["text"][:] for name, part in noisy.items()} == {
        "train": expected(TEXTS),
        "test": expected([TEXTS[2], TEXTS[0]]),
    }
    with pytest.raises(UserError, match="no column 'text'"):
        perturb_dataset(DatasetDict({"train": rows(), "test": rows().remove_columns("text")}), SPEC, language="sw")


def test_selected_rows_and_no_rows() -> None:
    """A selection is noised in its order; without rows nothing is done, and mistakes are still errors."""
    assert perturb_dataset(rows().select([3, 2]), SPEC, language="sw")["text"][:] == expected([TEXTS[3], TEXTS[2]])
    empty = rows().select([])
    assert len(perturb_dataset(empty, SPEC, language="sw")) == 0
    with pytest.raises(UserError, match="language 'th'"):
        perturb_dataset(empty, "casing:0.1", language="th")


# --------------------------------------------------------------------------------------------------- words and answers


def test_lists_of_words_keep_their_number() -> None:
    """Each word has noise of its own; noise that joins or drops words is refused."""
    words = [["Habari", "ya", "asubuhi"], None, [], ["kila", "mtu"]]
    clean = Dataset.from_dict({"tokens": words})
    noisy = perturb_dataset(clean, "char_noise:0.5", language="sw", column="tokens")
    assert [row and len(row) for row in noisy["tokens"]] == [row and len(row) for row in words]
    assert noisy["tokens"][:] != words
    assert noisy.features == clean.features
    with pytest.raises(UserError, match="'word_drop'"):
        perturb_dataset(clean, "word_drop:0.1", language="sw", column="tokens")


CONTEXT = "Rais Julius Nyerere alizaliwa Butiama mwaka elfu moja"
ANSWERS: dict[str, list[Any]] = {
    "lists": [{"text": ["Butiama", "Nyerere"], "answer_start": [30, 12]}, {"text": [], "answer_start": []}, None],
    "objects": [[{"text": "Butiama", "answer_start": 30}], [], None],
}


def answers_of(value: Any) -> list[tuple[str, int]]:
    """Answers and their positions, in either form."""
    if isinstance(value, dict):
        return list(zip(value["text"], value["answer_start"], strict=True))
    return [(item["text"], item["answer_start"]) for item in value or ()]


@pytest.mark.parametrize("form", ANSWERS)
def test_answers_move_with_their_context(form: str) -> None:
    """The context has the answer at its position after noise; a context without answers has the noise of `perturb`."""
    clean = Dataset.from_dict({"question": ["Wapi?"] * 3, "context": [CONTEXT] * 3, "answers": ANSWERS[form]})
    for spec in ("keyboard_typo:0.4", "char_noise:0.5", "word_drop:0.3"):
        for seed in range(5):
            noisy = perturb_dataset(
                clean, spec, language="sw", column=["context", "question"], spans="answers", seed=seed
            )
            for row, before in zip(noisy, clean, strict=True):
                moved = answers_of(row["answers"])
                assert len(moved) == len(answers_of(before["answers"]))
                assert all(text and row["context"][at : at + len(text)] == text for text, at in moved)
            assert noisy["context"][1:] == expected([CONTEXT, CONTEXT], spec, seed=seed)
            assert noisy["question"][:] == expected(["Wapi?"] * 3, spec, seed=seed)
            assert noisy.features == clean.features


def test_positions_that_would_be_wrong_are_an_error() -> None:
    """A context with answers is noised only if they move; a question beside them is free."""
    clean = Dataset.from_dict({"question": ["Wapi?"], "context": [CONTEXT], "answers": ANSWERS["lists"][:1]})
    with pytest.raises(UserError, match='spans="answers"'):
        perturb_dataset(clean, SPEC, language="sw", column="context")
    assert perturb_dataset(clean, SPEC, language="sw", column="question")["answers"][:] == clean["answers"][:]
    with pytest.raises(UserError, match="'context'"):
        perturb_dataset(clean, SPEC, language="sw", column="question", spans="answers")
    wrong = Dataset.from_dict({"context": [CONTEXT], "answers": [{"text": ["Kigoma"], "answer_start": [30]}]})
    with pytest.raises(UserError, match="'Kigoma'"):
        perturb_dataset(wrong, SPEC, language="sw", column="context", spans="answers")


# ------------------------------------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("options", "error", "line"),
    [
        ({"column": "txt"}, UserError, "column 'txt'"),
        ({"column": "label"}, UserError, "'label' has ClassLabel"),
        ({"column": "score"}, UserError, "'score' has List"),
        ({"column": []}, UserError, "name of a column"),
        ({"column": 3}, UserError, "name of a column"),
        ({"language": None}, UserError, "needs the language"),
        ({"language": "xx"}, UnknownName, "'xx'"),
        ({"language": 3}, UserError, "not 3"),
        ({"language_column": "language"}, UserError, "give one"),
        ({"language": None, "language_column": "label"}, UserError, "'label' has ClassLabel"),
        ({"language": None, "language_column": "text", "column": "language"}, UnknownName, "'Habari"),
        ({"language": None, "language_column": "lang"}, UserError, "column 'lang'"),
        ({"seed": "1"}, UserError, "its seed"),
        ({"keep_names": 1}, UserError, "keep_names"),
        ({"packs": "nowhere"}, UserError, "nowhere' of packs"),
        ({"spec": "char_noise:0.1,0.2"}, SpecError, "2 strengths"),
        ({"spec": "char_noise"}, SpecError, "no strength"),
        ({"spec": "char_nois:0.1"}, UnknownName, "'char_noise'"),
        ({"spec": "@surface"}, SpecError, "a suite"),
        ({"spec": 3}, UserError, "spec as a string"),
        ({"spec": "attack_keys:0.1"}, SpecError, "asks a model"),
        ({"spec": "char_noise@realised=tokens:0.1"}, SpecError, "a model's"),
        ({"spec": "char_noise:0.1@fields=text", "column": "language"}, SpecError, "different columns"),
        ({"spec": "casing:0.1", "language": "th"}, UserError, "'casing'"),
        ({"spans": "text"}, UserError, "different columns"),
        ({"spans": "positions"}, UserError, "column 'positions'"),
        ({"spans": "score", "column": ["text", "language"]}, UserError, "in one text"),
        ({"ds": ["text"]}, UserError, "not list"),
    ],
)
def test_a_mistake_is_one_line(options: dict[str, Any], error: type[UserError], line: str) -> None:
    """It names what was wrong before anything is computed."""
    given = {"ds": rows(), "spec": SPEC, "language": "sw", **options}
    with pytest.raises(error, match=line) as raised:
        perturb_dataset(given.pop("ds"), given.pop("spec"), **given)
    assert "\n" not in str(raised.value)


def test_a_row_without_a_language_is_one_line() -> None:
    """A row with a text needs a code; a row whose texts are null does not."""
    clean = Dataset.from_dict({"text": ["moja", None], "lang": ["sw", None]})
    assert perturb_dataset(clean, SPEC, language_column="lang")["text"][1] is None
    with pytest.raises(UserError, match="None in row 1"):
        perturb_dataset(
            Dataset.from_dict({"text": ["moja", "mbili"], "lang": ["sw", None]}), SPEC, language_column="lang"
        )


# ------------------------------------------------------------------------------------------------------------ the cache


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of rows that are noised, by call."""
    calls: list[int] = []
    noised = DatasetCondition.noised

    def count(self: DatasetCondition, batch: Any, numbers: Any) -> Any:
        calls.append(len(numbers))
        return noised(self, batch, numbers)

    monkeypatch.setattr(DatasetCondition, "noised", count)
    return calls


def test_nothing_is_computed_twice(tmp_path: Path, counted: list[int]) -> None:
    """The second call, of the dataset opened again, reads the file of the first; other arguments compute again."""
    first = perturb_dataset(on_disk(tmp_path / "ds"), SPEC, language="sw")
    again = perturb_dataset(load_from_disk(tmp_path / "ds"), SPEC, language="sw")
    assert (counted, again.cache_files, again._fingerprint) == ([5], first.cache_files, first._fingerprint)
    assert again[:] == first[:]
    perturb_dataset(load_from_disk(tmp_path / "ds"), SPEC, language="sw", seed=1)
    perturb_dataset(load_from_disk(tmp_path / "ds"), SPEC, language="sw", load_from_cache_file=False)
    assert counted == [5, 5, 5]


def test_several_processes_write_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `num_proc` the rows are those of one process, and a mistake in one is one line."""
    monkeypatch.setattr(os, "environ", os.environ)  # `map` replaces it by a copy
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")  # and sets this
    every = [perturb_dataset(on_disk(tmp_path / str(count)), SPEC, language="sw", num_proc=count) for count in (1, 2)]
    assert every[0][:] == every[1][:]
    clean = Dataset.from_dict({"text": ["moja", "mbili"], "lang": ["sw", None]})
    with pytest.raises(UserError, match="None in row 1"):
        perturb_dataset(clean, SPEC, language_column="lang", num_proc=2)


ANOTHER = """
import sys
from datasets import load_from_disk
from robust_xtreme.datasets import perturb_dataset
from robust_xtreme.datasets.condition import DatasetCondition
DatasetCondition.noised = None  # nothing is computed again
noisy = perturb_dataset(load_from_disk(sys.argv[1]), "keyboard_typo:0.3", language="sw")
print(noisy._fingerprint, noisy.cache_files[0]["filename"], noisy["text"][0])
"""


@pytest.mark.process
def test_another_process_reads_the_file_of_this_one(tmp_path: Path) -> None:
    """A new interpreter with other hashes of strings has the same fingerprint, and noises nothing."""
    noisy = perturb_dataset(on_disk(tmp_path / "ds"), SPEC, language="sw")
    environment = {**os.environ, "PYTHONHASHSEED": "7", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
    words = [sys.executable, "-c", ANOTHER, str(tmp_path / "ds")]
    shown = subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout
    assert shown == f"{noisy._fingerprint} {noisy.cache_files[0]['filename']} {noisy['text'][0]}\n"


def test_what_changes_the_noise_changes_the_fingerprint(tmp_path: Path) -> None:
    """Spec, strength, parameter, seed, language, column, spans and packs are in it, and how they are written is not."""
    folder = pack(tmp_path / "packs", "habali")
    kinds = [
        made(),
        made("keyboard_typo:0.2"),
        made("char_noise:0.3"),
        made("char_noise:0.3@ops=swap"),
        made("char_noise:0.1+keyboard_typo:0.3"),
        made(seed=1),
        made(language="en"),
        made(language=None, language_column="sw"),
        made(column="sw"),
        made(column=["text", "other"]),
        made(spans="answers"),
        made(keep_names=True),
        made(packs=folder),
    ]
    prints = [fingerprint("dataset", kind) for kind in kinds] + [fingerprint("other", made())]
    assert len(set(prints)) == len(prints)
    assert fingerprint("dataset", made("keyboard_typo:0.30", column="text")) == prints[0]
    assert fingerprint("dataset", made("char_noise:0.3@ops=delete,double,replace,swap")) == prints[2]
    moved = tmp_path / "elsewhere"
    folder.rename(moved)
    assert fingerprint("dataset", made(packs=[moved])) == prints[-2]
    assert fingerprint("dataset", made(packs=[pack(moved, "habarri")])) not in prints


def test_another_version_of_a_perturbation_changes_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dataset that an older version wrote is not read."""
    before, load = fingerprint("dataset", made()), registry.load

    def newer(kind: str, name: str) -> Any:
        member: Perturbation = load(kind, name)
        fields = {field: getattr(member, field) for field in Perturbation.__slots__}
        return Perturbation(**{**fields, "version": member.version + 1})

    monkeypatch.setattr(registry, "load", newer)
    assert fingerprint("dataset", made()) != before


def test_the_content_of_a_language_model_is_in_the_fingerprint(tmp_path: Path) -> None:
    """Other weights give another one; where the folder is does not matter."""
    for number in (1, 2):
        tiny_masked_folder(tmp_path / str(number), ("habari", "leo"), seed=number)
    first, second = (fingerprint("dataset", made(f"masked_words:1@lm={tmp_path / name}")) for name in "12")
    (tmp_path / "1").rename(tmp_path / "moved")
    assert fingerprint("dataset", made(f"masked_words:1@lm={tmp_path / 'moved'}")) == first != second
