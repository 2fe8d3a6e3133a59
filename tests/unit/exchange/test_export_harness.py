"""`export lm-eval`: rows, what they are, and files of tasks, with a substitute for lm-eval."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from tests.exports import NOISE, PASSAGES, export, failed, identities, rows, settings, substitute
from tests.program import program
from tests.release import release

from robust_xtreme.core import registry
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.exchange.exporting.harness.their_tasks import known_fields, language_of, members
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.run.run import evaluate
from robust_xtreme.tasks.sources.rows import data_identity, limit
from robust_xtreme.tasks.sources.source import load

COLUMNS: Final = (
    *("status", "eligible", "edits", "operators", "grapheme_edit_rate", "word_edit_rate", "words"),
    *("numbers_edited", "negators_edited"),
)
"""What noise did, as PREDICTIONS and exported rows have it."""


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the task files of a substitute for lm-eval."""
    return substitute(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Release files in miniature."""
    return release(tmp_path_factory.mktemp("release"))


def test_rows_have_the_noise_of_eval(harness: Path, folder: Path, tmp_path: Path) -> None:
    """Texts are those that `eval` noises, and each row has the values that PREDICTIONS of a run has for it."""
    out, spec = tmp_path / "out", "char_noise:0.2@fields=premise,hypothesis"
    export("lm-eval", out, "-t", "xnli", "-l", "sw", "--perturb", "char_noise:0.2", "--seeds", "2", data=folder)
    run = RunSpec(tasks=("xnli",), data=str(folder), languages=("sw",), perturb=("char_noise:0.2",), seeds=2)
    evaluated = _predictions(run, tmp_path)
    examples = load(registry.load("task", "xnli"), folder, "sw", "validation").examples
    for seed in (0, 1):
        name = f"xnli_sw__char_noise-0.2__s{seed}"
        texts = [text for example in examples for text in example.texts.values()]
        noisy = noise_texts(texts, PerturbationSpec.parse(spec), seed).values
        written = [row[field] for row in rows(out, name) for field in ("premise", "hypothesis")]
        assert written == noisy
        expected = evaluated.filter(pl.col("condition") == spec, pl.col("noise_seed") == seed)
        _check_rows(identities(out, name), expected)
    _check_rows(identities(out, "xnli_sw__clean"), evaluated.filter(pl.col("condition") == "clean"))
    assert {row["data"] for row in identities(out, "xnli_sw__clean")} == {data_identity(examples)}


def _predictions(run: RunSpec, tmp_path: Path) -> pl.DataFrame:
    path = evaluate(replace(run, out=str(tmp_path / "run")), cache=False).folder
    return pl.read_parquet(path / "predictions.parquet")


def _check_rows(written: list[dict[str, Any]], expected: pl.DataFrame) -> None:
    """Each identity is that of the row of PREDICTIONS with its example."""
    named = {row["example"]: row for row in expected.iter_rows(named=True)}
    assert sorted(named) == sorted(row["example"] for row in written)
    for row in written:
        known = named[row["example"]]
        known = {**known, "operators": json.loads(known["operators"])}
        same = ("task", "split", "language", "context_language", "data", "condition", "noise_seed", "cluster")
        for key in (*same, "fingerprint", *COLUMNS):
            assert row[key] == known[key], key


def test_a_task_includes_that_of_lm_eval(harness: Path, folder: Path, tmp_path: Path) -> None:
    """The task has the rows of its condition, the clean rows of another split as examples, and the version kept."""
    out = tmp_path / "out"
    ended = export("lm-eval", out, "-t", "xnli,xquad", "-l", "en,sw", "--perturb", "char_noise:0.1", data=folder)
    assert "xquad_sw" in ended.err
    assert f"lm-eval run --model hf --model_args pretrained=MODEL --include_path {out}/tasks --tasks rx" in ended.err
    assert ended.err.endswith("Next: robust-xtreme import logs\n")
    noisy = settings(out, "rx_xquad_en__char_noise-0.1__s0")
    data = {"data_files": {"validation": str(out / "data" / "xquad_en__char_noise-0.1__s0.jsonl")}}
    assert noisy == {
        "include": str(harness / "xquad.yaml"),
        "task": "rx_xquad_en__char_noise-0.1__s0",
        "tag": ["rx", "rx_noisy"],
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": data,
        "training_split": None,
        "validation_split": "validation",
        "test_split": None,
        "fewshot_split": None,
        "fewshot_config": {"sampler": "default", "split": None, "samples": []},
        "metadata": {
            "version": 2,
            "robust_xtreme": {
                "format": 1,
                "task": "xquad",
                "language": "en",
                "context_language": "en",
                "split": "validation",
                "condition": "char_noise:0.1@fields=question",
                "noise_seed": 0,
                "lm_eval": None,
                "includes": "xquad_en",
            },
        },
    }
    assert settings(out, "rx_xnli_en__clean")["tag"] == ["rx", "rx_clean"]


def test_examples_in_prompts_are_clean_rows_of_another_split(harness: Path, folder: Path, tmp_path: Path) -> None:
    """They are in a file of their own, which clean and noisy tasks share."""
    (data := tmp_path / "data" / "xnli").mkdir(parents=True)
    for split in ("dev", "test"):
        (data / f"{split}-sw.tsv").write_bytes((folder / "xnli" / "dev-sw.tsv").read_bytes())
    out = tmp_path / "out"
    export("lm-eval", out, "-t", "xnli", "-l", "sw", "--perturb", "char_noise:1", data=tmp_path / "data")
    shots = str(out / "data" / "xnli_sw__clean__fewshot.jsonl")
    for name in ("rx_xnli_sw__clean", "rx_xnli_sw__char_noise-1__s0"):
        task = settings(out, name)
        assert (task["fewshot_split"], task["fewshot_config"]) == ("fewshot", {"split": "fewshot"})
        assert task["dataset_kwargs"]["data_files"]["fewshot"] == shots
    plain = [{**row, "robust_xtreme": ""} for row in rows(out, "xnli_sw__clean")]
    assert [{**row, "robust_xtreme": ""} for row in rows(out, "xnli_sw__clean__fewshot")] == plain


def test_strength_0_writes_the_clean_rows(harness: Path, folder: Path, tmp_path: Path) -> None:
    """The columns of the task are the same bytes, and the rows say that nothing changed."""
    out = tmp_path / "out"
    noise = ("--perturb", "char_noise:0", "--perturb", "char_noise:0@fields=context")
    export("lm-eval", out, "-t", "xquad", "-l", "en", *noise, data=folder)
    clean = [{**row, "robust_xtreme": ""} for row in rows(out, "xquad_en__clean")]
    for slug in ("char_noise-0", "char_noise-0-fields-context"):
        assert [{**row, "robust_xtreme": ""} for row in rows(out, f"xquad_en__{slug}__s0")] == clean
        assert {row["status"] for row in identities(out, f"xquad_en__{slug}__s0")} == {"unchanged"}


def test_rows_have_the_noise_of_perturb(harness: Path, folder: Path, tmp_path: Path) -> None:
    """A passage is what `perturb --tasks` writes into the task's file."""
    file, noisy = folder / "xquad" / "xquad.en.json", tmp_path / "noisy.json"
    words = ("--tasks", "xquad", "-l", "en", "--fields", "context", "--perturb", "char_noise:0.3", "--seed", "1")
    assert program("perturb", str(file), *words, "-o", str(noisy)).code in (0, None)
    spec = "char_noise:0.3@fields=context"
    export("lm-eval", tmp_path / "out", "-t", "xquad", "-l", "en", "--perturb", spec, "--seeds", "2", data=folder)
    written = rows(tmp_path / "out", "xquad_en__char_noise-0.3-fields-context__s1")
    parts = [passage for each in json.loads(noisy.read_text("utf-8"))["data"] for passage in each["paragraphs"]]
    asked = [(passage["context"], answer) for passage in parts for qa in passage["qas"] for answer in qa["answers"]]
    assert [(row["context"], row["answers"]["text"], row["answers"]["answer_start"]) for row in written] == [
        (context, [answer["text"]], [answer["answer_start"]]) for context, answer in asked
    ]


def test_answers_follow_a_noisy_context(harness: Path, folder: Path, tmp_path: Path) -> None:
    """Each answer is the text at its start, and in the clean rows as in the file."""
    out = tmp_path / "out"
    export("lm-eval", out, "-t", "xquad", "-l", "en", "--perturb", "char_noise:0.4@fields=context", data=folder)
    noisy, clean = rows(out, "xquad_en__char_noise-0.4-fields-context__s0"), rows(out, "xquad_en__clean")
    moved = 0
    for row, before in zip(noisy, clean, strict=True):
        assert row["question"] == before["question"]
        for text, start in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True):
            assert row["context"].startswith(text, start)
        moved += row["answers"] != before["answers"]
    assert moved
    source = json.loads((folder / "xquad" / "xquad.en.json").read_text("utf-8"))
    asked = [qa for part in source["data"] for passage in part["paragraphs"] for qa in passage["qas"]]
    assert [row["answers"]["text"] for row in clean] == [[each["text"] for each in qa["answers"]] for qa in asked]


def test_a_limit_takes_the_clusters_that_eval_takes(harness: Path, folder: Path, tmp_path: Path) -> None:
    """Whole clusters in hash order."""
    out = tmp_path / "out"
    export("lm-eval", out, "-t", "xnli", "-l", "sw", "--perturb", "char_noise:0.1", "--limit", "7", data=folder)
    examples = limit(load(registry.load("task", "xnli"), folder, "sw", "validation").examples, 7)
    assert [row["example"] for row in identities(out, "xnli_sw__clean")] == [each.id for each in examples]


PASSAGE: Final = "  mto unapita kando ya nyumba za mawe na watu hukutana "


def test_other_tasks_name_their_columns(harness: Path, tmp_path: Path) -> None:
    """Only the named columns are noised, equal texts of an item alike, and answers in a context are moved."""
    out, file = tmp_path / "out", tmp_path / "passages_sw.jsonl"
    answers = [("nyumba", PASSAGE.index("nyumba")), ("watu", PASSAGE.index("watu"))]
    given = [
        {"context": PASSAGE, "asked": "nini kando ya mto", "item": 7, "answers": {"text": [a], "answer_start": [b]}}
        for a, b in answers
    ]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in given), encoding="utf-8")
    words = ("--fields", "context,asked", "--rows", str(tmp_path / "{task}.jsonl"), "--cluster-field", "item")
    export("lm-eval", out, "-t", "passages_sw", *words, "--perturb", "char_noise:0.5")
    noisy = rows(out, "passages_sw__char_noise-0.5__s0")
    assert noisy[0]["context"] == noisy[1]["context"] != PASSAGE
    assert noisy[0]["asked"] == noisy[1]["asked"]
    assert (noisy[0]["context"][:2], noisy[0]["context"][-1]) == ("  ", " ")
    for row in noisy:
        (text,), (start,) = row["answers"]["text"], row["answers"]["answer_start"]
        assert row["context"].startswith(text, start)
        assert row["item"] == 7
    first = identities(out, "passages_sw__char_noise-0.5__s0")[0]
    named = {"task": "passages", "split": "test", "language": "sw", "data": "", "cluster": "7"}
    assert {key: first[key] for key in named} == named
    assert first["example"] == "passages/test/sw/0"
    kept = [
        {key: value for key, value in row.items() if key != "robust_xtreme"} for row in rows(out, "passages_sw__clean")
    ]
    assert kept == given


@pytest.mark.parametrize(
    ("name", "named", "code"),
    [
        ("belebele_swh_Latn", (), "sw"),
        ("belebele_zho_Hans", ("sw", "zh"), "zh"),
        ("global_mmlu_sw", (), "sw"),
        ("global_mmlu_full_sw_human_aging", (), "sw"),
        ("mgsm_direct_sw", (), "sw"),
        ("xstorycloze_hi", ("ar",), "ar"),
    ],
)
def test_the_language_is_that_of_the_name(name: str, named: tuple[str, ...], code: str) -> None:
    """A single language that is named comes first."""
    assert language_of(name, named) == code


@pytest.mark.parametrize("name", ["belebele_hin_Latn", "belebele_zho_Hant", "hellaswag", "arc"])
def test_another_script_or_no_language_needs_a_code(name: str) -> None:
    """Romanised Hindi is not noised as Devanagari."""
    with pytest.raises(UserError, match="-l CODE"):
        language_of(name, ())


def test_a_folder_is_replaced_whole_and_only_if_it_is_an_export(
    harness: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --force; a failure on the way leaves it as it was."""
    out, words = tmp_path / "out", ("-t", "xnli", "-l", "sw")
    export("lm-eval", out, *words, *NOISE, data=folder)
    before = sorted(path.name for path in out.rglob("*"))
    again = ("lm-eval", *words, "--perturb", "char_noise:0.2", "-o", str(out), "--data", str(folder))
    assert "--force" in failed(*again)
    monkeypatch.setattr("robust_xtreme.exchange.exporting.harness.export._settings", lambda *_: 1 / 0)
    assert program("export", *again, "--force").code == 3
    assert sorted(path.name for path in out.rglob("*")) == before
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith((".tmp", ".old"))] == []
    monkeypatch.undo()
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    assert "notes.txt" in failed(*again, "--force")
    assert (out / "notes.txt").read_text("utf-8") == "mine"


def test_a_task_with_examples_in_its_prompts_needs_rows_for_them(harness: Path, tmp_path: Path) -> None:
    """Their columns are those of the other rows."""
    (harness / "passages.yaml").write_text(PASSAGES.format(shots=3), encoding="utf-8")
    file, others = tmp_path / "rows.jsonl", tmp_path / "others.jsonl"
    file.write_text('{"a": "mto unapita kando"}\n', encoding="utf-8")
    others.write_text('{"a": "mto", "b": 1}\n', encoding="utf-8")
    words = ("lm-eval", "-t", "passages_sw", "--fields", "a", "--rows", str(file), *NOISE, "-o", str(tmp_path / "out"))
    assert "3 examples" in failed(*words)
    assert "'b'" in failed(*words, "--fewshot", str(others))
    export("lm-eval", tmp_path / "out", *words[1:9], "--fewshot", str(file))
    assert settings(tmp_path / "out", "rx_passages_sw__clean")["fewshot_config"] == {"split": "fewshot"}


def test_names_without_a_language_stand_for_their_tasks() -> None:
    """Those of the named languages, whose scripts are those of the noise; a name with a language is that of a group."""
    tasks = [
        "belebele_swh_Latn",
        "belebele_hin_Deva",
        "belebele_hin_Latn",
        "global_mmlu_sw_stem",
        "global_mmlu_hi_stem",
    ]
    assert members("belebele", ("sw", "hi"), tasks) == tasks[:2]
    assert members("belebele", (), tasks) == tasks[:2]
    assert members("belebele", ("de",), tasks) == []
    assert members("global_mmlu_sw", (), tasks) == ["global_mmlu_sw_stem"]
    assert known_fields("belebele_swh_Latn") == (("flores_passage", "question"), "link")
    assert known_fields("belebelex") is None
