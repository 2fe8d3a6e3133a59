"""`import` reads the logs of lm-eval: what was exported is recognised, and other logs are given a name."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.harness_logs import NOISE, TIME, exported, harness, imported, pair, refused, sample
from tests.program import program

import robust_xtreme
from robust_xtreme.report.document import finished


@pytest.mark.usefixtures("no_pages")
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


@pytest.mark.usefixtures("no_pages")
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
    assert any("5 of 30" in note for note in run.manifest["notes"])


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
    run = imported(tmp_path, *named, "--tasks", "mine", "-l", "sw")
    assert run.deltas.select("task", "condition", "drop").row(0) == ("mine", "asr", 25.0)


def test_the_latest_log_of_a_task_and_one_filter_count(tmp_path: Path) -> None:
    """An older log of the same task is left out, and of several filters the first or the one named is read."""
    folder = harness(tmp_path / "logs", pair(clean=10))
    for path in list(folder.iterdir()):
        path.rename(path.with_name(path.name.replace(TIME, "2025-01-02T03-04-05.678901")))
    logs = pair()
    for rows in logs.values():
        rows += [sample(row["doc_id"], False, None) | {"filter": "strict", "doc": row["doc"]} for row in rows]
    harness(folder, logs)
    run = imported(tmp_path, str(folder))
    assert run.deltas.filter(metric="accuracy").item(0, "clean") == 75.0
    assert "none and strict" in " ".join(run.manifest["notes"])
    strict = imported(tmp_path, str(folder), "--filter", "strict", "--force")
    assert strict.deltas.filter(metric="accuracy").item(0, "clean") == 0.0
    assert "strct" in refused(str(folder), "--filter", "strct")


@pytest.mark.usefixtures("no_pages")
def test_options_of_json_lines_are_named_as_they_are_given(tmp_path: Path) -> None:
    """Logs have their own keys."""
    line = refused(str(harness(tmp_path, pair())), "--id-field", "a", "--gold", "b")
    assert "--id-field" in line


def test_logs_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    """Several models, another version of the task, of lm-eval or other shots: one line that names both."""
    folder = harness(tmp_path / "a", pair())
    harness(tmp_path / "a" / "other", pair(), model="n")
    assert "--only-model" in refused(str(folder))
    run = imported(tmp_path, str(folder), "--only-model", "n")
    assert run.deltas.item(0, "model") == "n"
    for name, model in (("clean", "/a/checkpoint"), ("noise", "/b/checkpoint")):
        logs = {task: rows for task, rows in pair().items() if (task.endswith("clean")) == (name == "clean")}
        harness(tmp_path / "same" / name, logs, model=model)
    assert "'/a/checkpoint', '/b/checkpoint'" in refused(str(tmp_path / "same"))
    for name, template in (("clean", "1f"), ("noise", "2e")):
        logs = {task: rows for task, rows in pair().items() if (task.endswith("clean")) == (name == "clean")}
        harness(tmp_path / "chat" / name, logs, chat_template_sha=template)
    assert "template" in refused(str(tmp_path / "chat"))
    for key in ("versions", "n-shot"):
        several: dict[str, Any] = {key: dict(zip(pair(), (1.0, 2.0), strict=True))}
        line = f"the {key.removesuffix('s')} of"
        assert line in refused(str(harness(tmp_path / key, pair(), **several)))


def test_a_task_of_another_model_or_condition_that_is_missing_is_named(tmp_path: Path) -> None:
    """Noise without its clean log."""
    folder = harness(tmp_path / "logs", {name: rows for name, rows in pair().items() if "clean" not in name})
    assert "clean" in refused(str(folder))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"acc": math.nan}, "nan"),
        ({"filtered_resps": [["nan", "False"], ["-1", "False"]]}, "log-likelihoods"),
        ({"filtered_resps": [[1, 2], 3]}, "log-likelihoods"),
        ({"filtered_resps": [[1, 2], {"a": 1}]}, "log-likelihoods"),
        ({"filtered_resps": [[10**400], [1]]}, "log-likelihoods"),
        ({"doc": {"robust_xtreme": "{"}}, "robust_xtreme"),
        ({"doc": {"robust_xtreme": "[]"}}, "robust_xtreme"),
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
    """With mutual information lm-eval logs as many likelihoods again; an accuracy that contradicts them is refused."""
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
    assert "15 of 60" in refused(str(harness(tmp_path / "logs", logs)))
    run = imported(tmp_path, str(tmp_path / "logs"), "--force", "--rescored")
    (line,) = run.manifest["imported"]["rescored"]
    assert f"Rescored: {line}." in run.manifest["notes"]
    pages = [(tmp_path / "run" / name).read_text("utf-8") for name in ("report.md", "report.html")]
    assert all("100.00 is stated" in page for page in pages)


def test_generated_numbers_are_not_choices(tmp_path: Path) -> None:
    """Of a task whose scores are those of texts, as mgsm's."""
    more = {"metrics": ["exact_match"], "exact_match": 1.0, "target": "12", "filtered_resps": ["12"]}
    samples = [sample(number, True, None, **more) for number in range(30)]
    folder = harness(tmp_path / "logs", {"mgsm": samples})
    run = imported(tmp_path, f"{folder}=clean", "-l", "sw")
    assert set(run.scores.get_column("metric")) == {"given/exact_match"}


def test_a_folder_without_samples_says_how_to_log_them(tmp_path: Path) -> None:
    """--log_samples is off by default."""
    assert "--log_samples" in refused(str(tmp_path))


@pytest.mark.usefixtures("no_pages")
def test_frames_of_logs_have_every_row(tmp_path: Path) -> None:
    """No row is lost between the log and PREDICTIONS."""
    imported(tmp_path, str(harness(tmp_path / "logs", pair(count=31))))
    rows = robust_xtreme.load(tmp_path / "run").predictions
    assert rows.group_by("condition").len().sort("condition").get_column("len").to_list() == [31, 31]
    assert rows.filter(pl.col("prediction").is_null()).is_empty()


def group(folder: Path, right: int, level: float, model: str = "m", **results: Any) -> Path:
    """Logs of a group of lm-eval: thirty samples in each of two languages, of which the first ones are right."""
    rows = [sample(number, number < right, None) for number in range(30)]
    stated: dict[str, Any] = {"results": {"stories": {"acc,none": level}, **results}}
    return harness(folder, {f"stories_{code}": rows for code in ("sw", "hi")}, model, **stated)


@pytest.mark.usefixtures("no_pages")
def test_the_tasks_of_a_group_are_one_task(tmp_path: Path) -> None:
    """In the languages of their names, whose items are linked by their numbers; the level of the group is compared."""
    given = [f"{group(tmp_path / name, right, right / 30)}={name}" for name, right in (("clean", 24), ("asr", 15))]
    run = imported(tmp_path, *given, "--tasks", "stories")
    columns = ("task", "language", "condition", "clean", "value", "n")
    assert run.deltas.filter(metric="accuracy").select(columns).rows() == [
        ("stories", code, "asr", 80.0, 50.0, 30) for code in ("hi", "sw")
    ]
    assert robust_xtreme.load(tmp_path / "run").predictions["cluster"].n_unique() == 30
    other = group(tmp_path / "other", 24, 0.7)
    line = "70.00"
    assert line in refused(f"{other}=clean", "--tasks", "stories")
    run = imported(tmp_path, f"{other}=clean", "--tasks", "stories", "--rescored", "--force")
    assert any(line in note for note in run.manifest["notes"])


@pytest.mark.usefixtures("no_pages")
def test_tasks_of_a_group_in_one_language_keep_their_names(tmp_path: Path) -> None:
    """Where the language is given; where the group is not asked for, each is a task, and its level is not compared."""
    folder = group(tmp_path / "logs", 24, 0.7)
    run = imported(tmp_path, f"{folder}=clean")
    rows = run.scores.filter(metric="accuracy").select("task", "language", "n").sort("task").rows()
    assert rows == [("stories_hi", "hi", 30), ("stories_sw", "sw", 30)]
    given = f"{group(tmp_path / 'right', 24, 0.8)}=clean"
    run = imported(tmp_path, given, "--tasks", "stories", "-l", "en", "--force")
    assert run.scores.filter(metric="accuracy").select("task", "language", "n").row(0) == ("stories", "en", 60)
    several = {f"exams_{name}": [sample(each, True, None) for each in range(9)] for name in ("old_maths", "new_maths")}
    run = imported(tmp_path, f"{harness(tmp_path / 'exams', several)}=clean", "--tasks", "exams", "-l", "en", "--force")
    assert robust_xtreme.load(tmp_path / "run").predictions["cluster"].n_unique() == 18


@pytest.mark.usefixtures("no_pages")
def test_each_model_of_a_folder_of_logs_becomes_a_run(tmp_path: Path) -> None:
    """With chat templates of their own; a run has the logs of its model alone."""
    for model, right in (("/models/a", 45), ("own/b", 15)):
        harness(tmp_path / "logs" / model[-1], pair(clean=right), model, chat_template_sha=model)
    assert "--each-model" in refused(str(tmp_path / "logs"))
    both = refused(str(tmp_path / "logs"), "--each-model", "--only-model", "own/b")
    assert "--only-model" in both
    ended = program("import", str(tmp_path / "logs"), "--each-model", "-o", str(tmp_path / "runs"))
    assert (ended.code or 0) == 0, ended.err
    runs = [finished(folder) for folder in sorted((tmp_path / "runs").iterdir())]
    levels = [run.scores.filter(condition="clean", metric="accuracy").select("model", "value").row(0) for run in runs]
    assert levels == [("a", 75.0), ("own/b", 25.0)]
    assert [len(run.manifest["imported"]["files"]) for run in runs] == [2, 2]


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize(
    ("clean", "noisy", "differing"),
    [
        ({"model_args": "pretrained=m"}, {"model_args": "pretrained=m,peft=own/lora"}, "peft=own/lora"),
        ({"model_args": "a=1"}, {"model_args": {"a": 1, "load_in_4bit": True}}, "load_in_4bit=True"),
        ({"model_args": "pretrained=m"}, {"model_args": "pretrained=m,gguf_file=q4.gguf"}, "gguf_file=q4.gguf"),
        ({"model_args": None}, {"model_args": "revision=step1"}, "revision=step1"),
        ({"model_dtype": "torch.float16"}, {"model_dtype": "torch.bfloat16"}, "dtype=torch.bfloat16"),
        ({"model_sha": "a1"}, {"model_sha": "b2"}, "sha=a1, sha=b2"),
        ({"model_args": "a=1,b=2,device=cuda:0"}, {"model_args": {"b": 2, "a": "1", "batch_size": 8}}, ""),
        ({"model_args": "dtype=auto", "model_dtype": "torch.float16"}, {"model_dtype": "torch.float16"}, ""),
    ],
)
def test_a_model_is_its_name_and_its_arguments(
    clean: dict[str, Any], noisy: dict[str, Any], differing: str, tmp_path: Path
) -> None:
    """Clean text by the base and noisy text by its adapter are not compared; where it ran does not matter."""
    names = {"clean": clean, "noisy": noisy}
    for (task, samples), (name, config) in zip(pair(count=20).items(), names.items(), strict=True):
        harness(tmp_path / name, {task: samples}, config=config)
    folders = [str(tmp_path / name) for name in names]
    if differing:
        assert differing in refused(*folders)
    else:
        assert imported(tmp_path, *folders).deltas.height


def test_logs_of_a_base_and_its_adapter_in_one_folder_are_two(tmp_path: Path) -> None:
    """The later one does not replace the other, and a run of each model does not mix them."""
    harness(tmp_path / "logs/base", pair(), config={"model_args": "pretrained=m"})
    harness(tmp_path / "logs/lora", pair(), config={"model_args": "pretrained=m,peft=own/lora"})
    for words in ((), ("--each-model", "-o", str(tmp_path / "runs"))):
        assert "peft=own/lora" in refused(str(tmp_path / "logs"), *words)
