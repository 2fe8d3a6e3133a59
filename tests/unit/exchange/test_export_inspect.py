"""`export inspect`: samples; and what `export` to a harness refuses, a line each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from tests.exports import NOISE, export, failed, rows, substitute
from tests.program import program
from tests.release import release

from robust_xtreme.core import registry
from robust_xtreme.tasks.sources.source import load


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the task files of a substitute for lm-eval."""
    return substitute(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Release files in miniature."""
    return release(tmp_path_factory.mktemp("release"))


MISTAKES: Final = {
    "lm-eval -t xnlo NOISE OUT": "'xnli'?",
    "lm-eval -t panx NOISE OUT": "xcopa",
    "lm-eval -t xnli -l qq NOISE OUT": "qq",
    "lm-eval -t xquad -l sw NOISE OUT": "xquad_sw",
    "lm-eval -t xnli --perturb char_nois:0.1 OUT": "'char_noise'?",
    "lm-eval -t xnli -l sw --perturb diacritics:0.1 OUT": "diacritics",
    "lm-eval -t xnli --perturb attack_keys:0.1 OUT": "attack_keys",
    "lm-eval -t xnli --perturb char_noise@realised=tokens:0.1 OUT": "tokens",
    "lm-eval -t xnli --perturb char_noise:0.1@fields=context OUT": "no field context",
    "lm-eval -t xnli NOISE OUT --split test": "Nothing is left",
    "lm-eval -t xnli NOISE OUT --wandb": "--wandb",
    "lm-eval -t xnli NOISE OUT --gold a": "--gold",
    "lm-eval -t xnli NOISE OUT --fields a": "--fields",
    "lm-eval -t xnli NOISE OUT --seeds 0": "--seeds 0",
    "lm-eval -t xnli NOISE": "-o DIR",
    "lm-eval NOISE OUT": "--tasks",
    "lm-eval -t xnli OUT": "--perturb",
    "lm-eval -t riddles_sw --fields a NOISE OUT": "riddles_sw",
    "lm-eval -t passages_sw --fields a NOISE OUT": "dataset of the hub",
    "lm-eval -t passages_sw --fields a ROWS NOISE OUT": "column 'a'",
    "lm-eval -t passages_sw --fields b ROWS --cluster-field c NOISE OUT": "column 'c'",
    "inspect -t panx NOISE OUT": "tagging",
    "inspect -t riddles_sw --fields b ROWS NOISE OUT": "--gold COLUMN",
    "inspect -t riddles_sw --fields b ROWS --gold d NOISE OUT": "column 'd'",
    "RUN NOISE": "--perturb",
}


@pytest.mark.parametrize("command", MISTAKES)
def test_a_mistake_is_one_line(command: str, harness: Path, folder: Path, tmp_path: Path) -> None:
    """The line names what was wrong, and nothing is written."""
    (tmp_path / "list.jsonl").write_text('{"a": 1, "b": "nini kando ya mto"}\n', encoding="utf-8")
    words = {
        "NOISE": NOISE,
        "OUT": ("-o", str(tmp_path / "out"), "--data", str(folder)),
        "ROWS": ("--rows", str(tmp_path / "list.jsonl")),
    }
    line = failed(*(part for word in command.split() for part in words.get(word, (word,))))
    assert MISTAKES[command] in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ('{"a": "mto \\ud800"}', "column 'a'"),
        ('{"a": "mto", "robust_xtreme": "{}"}', "column 'robust_xtreme'"),
        ('{"a": "mto", "b": NaN}', "not finite"),
        ("[" * 100_000, "list.jsonl:1: "),
        ('{"a": "mto"', "list.jsonl:1"),
        ("", "contains no rows"),
    ],
)
def test_a_row_that_cannot_be_exported_is_named(row: str, line: str, tmp_path: Path) -> None:
    """By its file and number."""
    (file := tmp_path / "list.jsonl").write_text(row, encoding="utf-8")
    words = ("-t", "riddles_sw", "--fields", "a", "--gold", "a", "--rows", str(file), *NOISE)
    assert line in failed("inspect", *words, "-o", str(tmp_path / "out"))


def test_a_name_is_not_a_path(tmp_path: Path) -> None:
    """The files of a task are in the folder of the export, whatever its name is."""
    (file := tmp_path / "list.jsonl").write_text('{"a": "mto"}', encoding="utf-8")
    words = ("-t", "../../etc_sw", "--fields", "a", "--gold", "a", "--rows", str(file), *NOISE)
    export("inspect", tmp_path / "out", *words)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["list.jsonl", "out"]
    assert rows(tmp_path / "out", "etc_sw__clean")[0]["target"] == "mto"


def test_without_lm_eval_a_line_says_what_to_install(folder: Path, tmp_path: Path) -> None:
    """The environment is at fault."""
    ended = program("export", "lm-eval", "-t", "xnli", *NOISE, "-o", str(tmp_path / "out"), "--data", str(folder))
    assert ended.code == 3
    assert "'robust-xtreme[lm-eval]'" in ended.err


def test_samples_of_inspect_have_choices_or_answers(folder: Path, tmp_path: Path) -> None:
    """Labels are choices with a letter as the target, questions have the answers in the noisy context as targets."""
    out = tmp_path / "out"
    ended = export(
        "inspect", out, "-t", "xnli,xquad", "-l", "en", "--perturb", "char_noise:0.3@fields=context", data=folder
    )
    assert "field context" in ended.err
    assert "inspect eval" in ended.err
    for name in ("xquad_en__clean", "xquad_en__char_noise-0.3-fields-context__s0"):
        for sample in rows(out, name):
            assert all(answer in sample["input"] for answer in sample["target"])
            assert sample["id"] == sample["metadata"]["robust_xtreme"]["example"]
    pairs = tmp_path / "pairs"
    export("inspect", pairs, "-t", "xnli", "-l", "sw", *NOISE, data=folder)
    examples = load(registry.load("task", "xnli"), folder, "sw", "validation").examples
    first, example = rows(pairs, "xnli_sw__clean")[1], examples[1]
    question = "Does the first text entail the second, contradict it, or neither?"
    assert first["input"] == "\n\n".join([*(text.value for text in example.texts.values()), question])
    assert (first["choices"], first["target"]) == (["entailment", "neutral", "contradiction"], "B")
    compile((out / "task.py").read_text("utf-8"), "task.py", "exec")


def test_choices_have_the_order_of_their_numbers(tmp_path: Path) -> None:
    """The tenth choice of a suite's row is the tenth letter."""
    (tmp_path / "data" / "xcopa").mkdir(parents=True)
    text = 'name = "s"\nversion = "1"\nsummary = "s"\nlanguages = ["et"]\n[xcopa]\nsplits = ["test"]\n'
    (tmp_path / "data" / "suite.toml").write_text(text, encoding="utf-8")
    words = [f"sõna {number}" for number in range(11)]
    same: dict[str, Any] = {"premise": "Kes?", "question": "cause", "choices": words}
    lines = [json.dumps({"id": f"{gold}", "cluster": f"{gold}", "label": gold, **same}) + "\n" for gold in (1, 9)]
    (tmp_path / "data" / "xcopa" / "test-et.jsonl").write_text("".join(lines), encoding="utf-8")
    export("inspect", tmp_path / "out", "-t", "xcopa", *NOISE, data=tmp_path / "data")
    samples = rows(tmp_path / "out", "xcopa_et__clean")
    assert [(sample["choices"], sample["target"]) for sample in samples] == [(words, "B"), (words, "J")]


@pytest.mark.parametrize(
    ("targets", "letters"),
    [(["1", "3"], "AC"), ([0, 2], "AC"), (["A", "c"], "AC"), (["mto", "mkate"], "AC"), ([1, 2], ""), (["x", "A"], "")],
)
def test_targets_are_numbers_letters_or_texts(targets: list[Any], letters: str, tmp_path: Path) -> None:
    """Numbers count from 0 or 1, which the rows must show; anything else is refused."""
    file = tmp_path / "rows.jsonl"
    choices = {"a": "mto", "b": "soko", "c": "mkate"}
    file.write_text("".join(json.dumps({"q": "nini?", **choices, "t": t}) + "\n" for t in targets), encoding="utf-8")
    words = ("-t", "riddles_sw", "--fields", "q", "--rows", str(file), "--choices", "a,b,c", "--gold", "t", *NOISE)
    if not letters:
        assert "riddles_sw" in failed("inspect", *words, "-o", str(tmp_path / "out")) or targets == ["x", "A"]
        return
    export("inspect", tmp_path / "out", *words)
    assert [sample["target"] for sample in rows(tmp_path / "out", "riddles_sw__clean")] == list(letters)


def test_a_choice_that_is_noised_stays_the_answer(tmp_path: Path) -> None:
    """The right answer is found among the clean choices; two tasks with one name of files are refused."""
    file = tmp_path / "rows.jsonl"
    row = {"a": "habari ya asubuhi rafiki", "b": "mto na mkate", "t": "habari ya asubuhi rafiki"}
    file.write_text(json.dumps(row) + "\n", encoding="utf-8")
    words = ("--fields", "a", "--rows", str(file), "--choices", "a,b", "--gold", "t", "--perturb", "char_noise:0.5")
    export("inspect", tmp_path / "out", "-t", "riddles_sw", *words)
    (sample,) = rows(tmp_path / "out", "riddles_sw__char_noise-0.5__s0")
    assert (sample["target"], sample["choices"][0] != row["a"]) == ("A", True)
    line = "a-b_sw"
    assert line in failed("inspect", "-t", "a:b_sw,a-b_sw", *words, "-o", str(tmp_path / "x"))
