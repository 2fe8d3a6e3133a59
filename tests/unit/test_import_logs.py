"""`import` reads the logs of lm-eval and inspect: what was exported is recognised, and other logs are given a name."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import polars as pl
import pytest
from tests.program import program

import robust_xtreme
from robust_xtreme.report.document import finished

TIME: Final = "2026-01-02T03-04-05.678901"
NOISE: Final = "char_noise:0.1@fields=premise,hypothesis"
CONDITIONS: Final = {"clean": -1, NOISE: 0}


def exported(number: int, condition: str, **more: Any) -> str:
    """The column that an exported row has."""
    noise = {"status": "ok", "eligible": 9, "edits": 3, "operators": {"swap": 3}, "words": 6}
    rates = {"grapheme_edit_rate": 0.1, "word_edit_rate": 0.2, "numbers_edited": 0, "negators_edited": 0}
    nothing = {"status": "ok", "eligible": 9, "edits": 0, "operators": {}, "words": 6}
    row = {
        "task": "xnli",
        "split": "test",
        "language": "sw",
        "context_language": "sw",
        "data": "abc",
        "condition": condition,
        "noise_seed": CONDITIONS[condition],
        "example": f"xnli/test/sw/{number}",
        "cluster": str(number // 3),
        "fingerprint": f"f{number}",
        **(nothing if condition == "clean" else noise | rates),
    }
    return json.dumps(row | more)


def sample(number: int, right: bool, condition: str | None, **more: Any) -> dict[str, Any]:
    """A sample of a task with three choices, as lm-eval logs it."""
    gold = number % 3
    best = gold if right else (gold + 1) % 3
    responses = [[str(-1.5 if choice == best else -9.25), "False"] for choice in range(3)]
    doc = {"premise": "p", "label": gold} | ({"robust_xtreme": exported(number, condition)} if condition else {})
    named = {"filter": "none", "metrics": ["acc"], "acc": float(right), "target": str(gold)}
    return {
        "doc_id": number,
        "doc": doc,
        **named,
        "resps": [[row] for row in responses],
        "filtered_resps": responses,
    } | more


def harness(folder: Path, tasks: Mapping[str, Sequence[Mapping[str, Any]]], model: str = "m", **more: Any) -> Path:
    """A folder as lm-eval writes it: the samples of each task, and the results."""
    folder.mkdir(parents=True, exist_ok=True)
    for task, samples in tasks.items():
        lines = "".join(json.dumps(row) + "\n" for row in samples)
        (folder / f"samples_{task}_{TIME}.jsonl").write_text(lines, encoding="utf-8")
    facts = {"format": 1, "includes": "xnli_sw", "lm_eval": "0.4.13"}
    results = {
        "configs": {task: {"metadata": {"version": 1.0, "robust_xtreme": facts}} for task in tasks},
        "versions": dict.fromkeys(tasks, 1.0),
        "n-shot": dict.fromkeys(tasks, 0),
        "lm_eval_version": "0.4.13",
        "model_name": model,
    }
    (folder / f"results_{TIME}.json").write_text(json.dumps(results | more), encoding="utf-8")
    return folder


def pair(clean: int = 45, noisy: int = 30, count: int = 60) -> dict[str, list[dict[str, Any]]]:
    """The samples of an exported task: clean ones and noisy ones, of which the first are right."""
    return {
        "rx_xnli_sw__clean": [sample(number, number < clean, "clean") for number in range(count)],
        "rx_xnli_sw__char_noise-0.1__s0": [sample(number, number < noisy, NOISE) for number in range(count)],
    }


def imported(tmp_path: Path, *words: str) -> Any:
    """What the command made of logs."""
    ended = program("import", *words, "-o", str(tmp_path / "run"))
    assert (ended.code or 0) == 0, ended.err
    return finished(tmp_path / "run")


def refused(*words: str) -> str:
    """The one line of an error."""
    ended = program("import", *words)
    assert (ended.code, len(ended.err.strip().splitlines())) == (2, 1), ended.err
    return ended.err


def test_exported_tasks_are_recognised(tmp_path: Path) -> None:
    """Ids, clusters, conditions, seeds and what noise did are those of the export; accuracy is recomputed."""
    run = imported(tmp_path, str(harness(tmp_path / "logs", pair(), model="/models/tiny")))
    (row,) = run.deltas.filter(metric="accuracy").iter_rows(named=True)
    assert (row["clean"], row["value"], row["clusters"], row["data"], row["model"]) == (75.0, 50.0, 20, "abc", "tiny")
    assert (row["condition"], row["operators"], row["split"]) == (NOISE, '{"swap": 180}', "test")
    assert row["inference"] == "lm-eval 0.4.13, task version 1.0, 0 shots"
    assert row["chance"] == pytest.approx(100 / 3)
    assert run.conditions.get_column("kind").to_list() == ["noise", "clean"]
    predictions = robust_xtreme.load(tmp_path / "run").predictions
    assert predictions.get_column("example").n_unique() == 60


def test_generated_answers_are_compared_as_texts(tmp_path: Path) -> None:
    """Of question answering by our metrics, with the harness's own beside; what no filter found is counted."""
    rows = {}
    for condition, name in (("clean", "rx_xquad_sw__clean"), (NOISE, "rx_xquad_sw__noise__s0")):
        rows[name] = [
            {
                "doc_id": number,
                "filter": "none",
                "metrics": ["f1"],
                "f1": 0.0,
                "target": "a red house",
                "doc": {
                    "answers": {"text": ["a red house", "house"]},
                    "robust_xtreme": exported(number, condition, task="xquad", example=f"xquad/test/sw/{number}"),
                },
                "filtered_resps": ["The house!" if condition == "clean" else "[invalid]" if number < 5 else "door"],
            }
            for number in range(30)
        ]
    run = imported(tmp_path, str(harness(tmp_path / "logs", rows)))
    drops = {row["metric"]: row["drop"] for row in run.deltas.iter_rows(named=True)}
    assert drops == {"squad_f1": 100.0, "squad_em": 100.0, "given/f1": 0.0}
    line = f"xquad/sw {NOISE}: no prediction was found in 5 of 30 answers, which count as no answer."
    assert line in run.manifest["notes"]


def test_all_answers_of_a_row_count_in_either_form(tmp_path: Path) -> None:
    """SQuAD's mapping, and the list that lm-eval makes of it for MLQA: the second gold answer is right, too."""
    for name, answers in (("squad", {"text": ["nyumba", "mto"]}), ("mlqa", ["nyumba", "mto"])):
        known = {"task": "mlqa", "context_language": "es", "language": "en"}
        samples = [
            {
                "doc_id": number,
                "filter": "none",
                "metrics": [],
                "target": str(answers),
                "filtered_resps": ["Mto"],
                "doc": {"answers": answers, "robust_xtreme": exported(number, "clean", **known, example=str(number))},
            }
            for number in range(30)
        ]
        run = imported(tmp_path / name, str(harness(tmp_path / name, {"rx_mlqa__clean": samples})))
        assert run.scores.filter(metric="mlqa_em").get_column("value").to_list() == [100.0]


def test_other_tasks_are_numbered_and_named(tmp_path: Path) -> None:
    """Without our column an example is lm-eval's number; task, language and condition are given."""
    samples = {
        "mine_clean": [sample(number, number < 45, None) for number in range(60)],
        "mine_noisy": [sample(number, number < 30, None) for number in range(60)],
    }
    folder = harness(tmp_path / "logs", samples)
    named = [
        f"{folder / f'samples_mine_{name}_{TIME}.jsonl'}={name.replace('noisy', 'asr')}" for name in ("clean", "noisy")
    ]
    run = imported(tmp_path, *named, "--task", "mine", "-l", "sw")
    assert run.deltas.select("task", "condition", "drop").row(0) == ("mine", "asr", 25.0)


def test_the_latest_log_of_a_task_and_one_filter_count(tmp_path: Path) -> None:
    """An older log of the same task is left out, and of several filters the first or the one named is read."""
    folder = harness(tmp_path / "logs", pair(clean=10))
    for path in list(folder.iterdir()):
        path.rename(path.with_name(path.name.replace(TIME, "2025-01-02T03-04-05.678901")))
    logs = pair()
    for rows in logs.values():
        rows += [row | {"filter": "strict", "filtered_resps": row["filtered_resps"][::-1]} for row in rows]
    harness(folder, logs)
    run = imported(tmp_path, str(folder))
    assert run.deltas.filter(metric="accuracy").item(0, "clean") == 75.0
    assert "filters none and strict: those of none were read" in " ".join(run.manifest["notes"])
    strict = imported(tmp_path, str(folder), "--filter", "strict", "--force")
    assert strict.deltas.filter(metric="accuracy").item(0, "clean") != 75.0


def test_logs_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    """Several models, another version of the task, of lm-eval or other shots: one line that names both."""
    folder = harness(tmp_path / "a", pair())
    harness(tmp_path / "a" / "other", pair(), model="n")
    assert "The logs are of several models: 'm', 'n'. Name one: --only-model." in refused(str(folder))
    run = imported(tmp_path, str(folder), "--only-model", "n")
    assert run.deltas.item(0, "model") == "n"
    for name, model in (("clean", "/a/checkpoint"), ("noise", "/b/checkpoint")):
        logs = {task: rows for task, rows in pair().items() if (task.endswith("clean")) == (name == "clean")}
        harness(tmp_path / "same" / name, logs, model=model)
    assert "'/a/checkpoint', '/b/checkpoint'" in refused(str(tmp_path / "same"))
    for name, template in (("clean", "1f"), ("noise", "2e")):
        logs = {task: rows for task, rows in pair().items() if (task.endswith("clean")) == (name == "clean")}
        harness(tmp_path / "chat" / name, logs, chat_template_sha=template)
    assert "the chat template sha of" in refused(str(tmp_path / "chat"))
    for key in ("versions", "n-shot"):
        several: dict[str, Any] = {key: dict(zip(pair(), (1.0, 2.0), strict=True))}
        line = f"the {key.removesuffix('s')} of"
        assert line in refused(str(harness(tmp_path / key, pair(), **several)))


def test_a_task_of_another_model_or_condition_that_is_missing_is_named(tmp_path: Path) -> None:
    """Noise without its clean log."""
    folder = harness(tmp_path / "logs", {name: rows for name, rows in pair().items() if "clean" not in name})
    assert "and no rows of the condition clean to be compared with" in refused(str(folder))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"acc": math.nan}, "the score acc is nan"),
        ({"filtered_resps": [["nan", "False"], ["-1", "False"]]}, "the log-likelihoods of the choices are"),
        ({"filtered_resps": [[1, 2], 3]}, "the log-likelihoods of the choices are"),
        ({"filtered_resps": [[1, 2], {"a": 1}]}, "the log-likelihoods of the choices are"),
        ({"filtered_resps": [[10**400], [1]]}, "the log-likelihoods of the choices are"),
        ({"doc": {"robust_xtreme": "{"}}, "the column robust_xtreme is not what `export lm-eval` wrote"),
        ({"doc": {"robust_xtreme": "[]"}}, "the column robust_xtreme is not what `export lm-eval` wrote"),
    ],
)
def test_damaged_samples_are_one_line(tmp_path: Path, change: dict[str, Any], line: str) -> None:
    """With the file and the number of the line."""
    logs = pair()
    logs["rx_xnli_sw__clean"][2] |= change
    message = refused(str(harness(tmp_path / "logs", logs)))
    assert line in message
    assert f"samples_rx_xnli_sw__clean_{TIME}.jsonl:3: " in message


def test_choices_that_were_also_asked_for_alone_are_no_choices(tmp_path: Path) -> None:
    """With mutual information lm-eval logs as many likelihoods again; an accuracy that contradicts them is noted."""
    logs = pair()
    for row in logs["rx_xnli_sw__clean"]:
        row |= {
            "metrics": ["acc", "acc_mutual_info"],
            "filtered_resps": [*row["filtered_resps"], *[["-0.1", "False"]] * 3],
        }
    run = imported(tmp_path, str(harness(tmp_path / "logs", logs)))
    assert run.deltas.filter(metric="accuracy").item(0, "clean") == 75.0
    for row in logs["rx_xnli_sw__clean"]:
        row["acc"] = 1.0
    run = imported(tmp_path, str(harness(tmp_path / "logs", logs)), "--force")
    assert "is not that of the most likely choice" in " ".join(run.manifest["notes"])


def test_generated_numbers_are_not_choices(tmp_path: Path) -> None:
    """Of a task whose scores are those of texts, as mgsm's."""
    more = {"metrics": ["exact_match"], "exact_match": 1.0, "target": "12", "filtered_resps": ["12"]}
    samples = [sample(number, True, None, **more) for number in range(30)]
    folder = harness(tmp_path / "logs", {"mgsm": samples})
    run = imported(tmp_path, f"{folder}=clean", "-l", "sw")
    assert set(run.scores.get_column("metric")) == {"given/exact_match"}


def test_a_folder_without_samples_says_how_to_log_them(tmp_path: Path) -> None:
    """--log_samples is off by default."""
    assert "Run lm-eval with --log_samples --output_path DIR" in refused(str(tmp_path))


# ------------------------------------------------------------------------------------------------------------- inspect


def answered(number: int, right: bool, condition: str, **more: Any) -> dict[str, Any]:
    """A sample of multiple choice, as inspect logs it."""
    gold = "ABC"[number % 3]
    answer = gold if right else "ABC"[(number + 1) % 3]
    score = {"value": "C" if right else "I", "answer": answer}
    known = json.loads(exported(number, condition))
    return {
        "id": f"{number}-{condition}",
        "epoch": 1,
        "input": "?",
        "choices": ["x", "y", "z"],
        "target": gold,
        "scores": {"choice": score},
        "metadata": {"robust_xtreme": known},
    } | more


def log(path: Path, samples: Sequence[Mapping[str, Any]], **more: Any) -> Path:
    """A log of inspect: a zip file with a header and the samples."""
    evaluation = {"model": "hf/tiny", "task": "rx", "task_version": 0, "packages": {"inspect_ai": "0.3.285"}}
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for number, row in enumerate(samples):
            packed.writestr(f"samples/{number}_epoch_1.json", json.dumps(row))
        packed.writestr("header.json", json.dumps({"status": "success", "eval": evaluation} | more))
    return path


def both(clean: int = 45, noisy: int = 30, count: int = 60) -> list[dict[str, Any]]:
    """Clean and noisy samples, of which the first are right."""
    sides = (("clean", clean), (NOISE, noisy))
    return [answered(number, number < right, name) for name, right in sides for number in range(count)]


def test_logs_of_inspect_are_recognised(tmp_path: Path) -> None:
    """Choices become numbers; the scorer's own score is beside the accuracy."""
    run = imported(tmp_path, str(log(tmp_path / "logs" / "a.eval", both())))
    drops = {row["metric"]: (row["clean"], row["drop"]) for row in run.deltas.iter_rows(named=True)}
    assert drops == {"accuracy": (75.0, 25.0), "given/choice": (75.0, 25.0)}
    assert run.deltas.item(0, "inference") == "inspect 0.3.285, task version 0"
    assert run.deltas.item(0, "word_edit_rate") == pytest.approx(0.2)


def test_answers_that_inspect_did_not_find_are_counted(tmp_path: Path) -> None:
    """A scorer without an answer, as multiple choice that was not parsed."""
    rows = both()
    rows[0]["scores"] = {"choice": {"value": "I", "answer": ""}}
    run = imported(tmp_path, str(log(tmp_path / "a.eval", rows)))
    assert (
        "xnli/sw clean: no prediction was found in 1 of 60 answers, which count as no answer." in run.manifest["notes"]
    )
    assert run.deltas.filter(metric="accuracy").item(0, "clean") == pytest.approx(100 * 44 / 60)


def test_unparsed_answers_to_texts_that_noise_left_count_as_well(tmp_path: Path) -> None:
    """A row whose text noise leaves as it is says so, and its answer counts all the same; the latest log is read."""
    rows = both()
    rows[0]["scores"] = rows[60]["scores"] = {"choice": {"value": "I", "answer": "D"}}
    rows[60]["metadata"]["robust_xtreme"]["status"] = "unchanged"
    log(tmp_path / "logs" / "a.eval", both(clean=3), eval={"model": "hf/tiny", "task": "rx", "created": "2025"})
    log(tmp_path / "logs" / "b.eval", rows, eval={"model": "hf/tiny", "task": "rx", "created": "2026"})
    run = imported(tmp_path, str(tmp_path / "logs"))
    row = run.deltas.filter(metric="accuracy").row(0, named=True)
    assert (row["clean"], row["value"]) == (pytest.approx(100 * 44 / 60), pytest.approx(100 * 29 / 60))
    assert sum("1 of 60 answers" in note for note in run.manifest["notes"]) == 2


def test_odd_logs_of_inspect_are_one_line(tmp_path: Path) -> None:
    """Not a zip file, no header, an evaluation that did not end, several models, an error, epochs, no number."""
    (tmp_path / "text.eval").write_text("no zip")
    assert "is not a readable log of inspect" in refused(str(tmp_path / "text.eval"))
    with zipfile.ZipFile(tmp_path / "none.eval", "w") as packed:
        packed.writestr("samples/1.json", "{}")
    assert "is not a whole log of inspect" in refused(str(tmp_path / "none.eval"))
    assert "did not end: its status is 'error'" in refused(str(log(tmp_path / "e.eval", both(), status="error")))
    changes: list[tuple[dict[str, Any], str]] = [
        ({"error": {"message": "x"}, "scores": {}}, "ended in an error and has no score"),
        ({"epoch": 2}, "was answered in several epochs"),
        ({"epoch": "x"}, "was answered in several epochs"),
        ({"scores": {"choice": {"value": math.nan, "answer": "A"}}}, "the score choice of samples/0_"),
        ({"metadata": {"robust_xtreme": 3}}, "are not what `export inspect` wrote"),
    ]
    for number, (change, line) in enumerate(changes):
        rows = both()
        rows[0] = {**rows[0], **change}
        assert line in refused(str(log(tmp_path / f"{number}.eval", rows)))
    rows = both()
    log(tmp_path / "way" / "a.eval", rows[:60])
    other = {"model": "hf/tiny", "task": "rx_noisy", "model_generate_config": {"temperature": 2}}
    log(tmp_path / "way" / "b.eval", rows[60:], eval=other)
    assert "is not that of a.eval. Evaluate clean and noisy" in refused(str(tmp_path / "way"))
    content = bytearray(log(tmp_path / "bad.eval", rows).read_bytes())
    content[60:90] = b"x" * 30
    (tmp_path / "bad.eval").write_bytes(content)
    assert "is not a readable log of inspect" in refused(str(tmp_path / "bad.eval"))
    log(tmp_path / "two" / "a.eval", both())
    log(tmp_path / "two" / "b.eval", both(), eval={"model": "other", "task": "rx"})
    assert "The logs are of several models" in refused(str(tmp_path / "two"))


def test_an_entry_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    """A zip file can be small and contain gigabytes: nothing above the limit is read."""
    with zipfile.ZipFile(tmp_path / "a.eval", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("header.json", b" " * (1 << 28))
    assert "header.json has 268,435,456 bytes" in refused(str(tmp_path / "a.eval"))


def test_zstandard_entries_are_read(tmp_path: Path) -> None:
    """inspect packs by zstd, which Python's reader of zip files does not know: the same run comes out."""
    import pyarrow as pa  # type: ignore[import-untyped]  # it has no types

    plain = log(tmp_path / "plain.eval", both(count=30))
    packed = repacked(plain, tmp_path / "zstd.eval", lambda content: pa.compress(content, "zstd", asbytes=True))
    first = imported(tmp_path, str(plain)).deltas
    assert imported(tmp_path, str(packed), "--force").deltas.equals(first)
    content = bytearray(packed.read_bytes())
    content[200] ^= 0xFF
    (tmp_path / "bad.eval").write_bytes(content)
    assert "is not a readable log of inspect" in refused(str(tmp_path / "bad.eval"))


def repacked(path: Path, out: Path, compress: Any) -> Path:
    """The same zip file with entries of method 93: stored ones, whose two headers are changed."""
    with zipfile.ZipFile(path) as before:
        contents = {name: before.read(name) for name in before.namelist()}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as after:
        for name, content in contents.items():
            after.writestr(name, compress(content))
        entries = after.infolist()
        for entry, content in zip(entries, contents.values(), strict=True):
            entry.CRC, entry.file_size = crc32(content), len(content)
            entry.compress_type = 93
    return out


def test_frames_of_logs_have_every_row(tmp_path: Path) -> None:
    """No row is lost between the log and PREDICTIONS."""
    imported(tmp_path, str(harness(tmp_path / "logs", pair(count=31))))
    rows = robust_xtreme.load(tmp_path / "run").predictions
    assert rows.group_by("condition").len().sort("condition").get_column("len").to_list() == [31, 31]
    assert rows.filter(pl.col("prediction").is_null()).is_empty()
