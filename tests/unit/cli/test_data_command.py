"""The command `data`: what is there of each task, which files do not load, and what a run would leave out."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from tests.release import release
from typer.testing import CliRunner, Result

from robust_xtreme.cli._app import build
from robust_xtreme.core import registry
from robust_xtreme.core.errors import MissingData
from robust_xtreme.tasks.groups import with_own_data
from robust_xtreme.tasks.sources import dataset
from robust_xtreme.tasks.sources.dataset import open_hub
from robust_xtreme.tasks.sources.source import Pools, Split, open_source
from robust_xtreme.tasks.sources.survey import MISSING, UNLABELLED, VERSION, LeftOut, evaluated

CONLLU = "1\ta\t_\tNOUN\t_\t_\t0\t_\t_\t_\n\n1\tb\t_\t{tag}\t_\t_\t0\t_\t_\t_\n"
SIDES = {"de": "de-1\tHallo.\nde-2\tTag.\n", "en": "en-1\tHello.\nen-2\tDay.\n", "gold": "de-1\ten-1\n"}
TATOEBA = {"deu": "Es regnet.\nAnna liest.\n", "eng": "It rains.\nAnna reads.\n"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """XNLI, PAN-X and XQuAD in English and Swahili, TyDiQA without answers; no variable names other data."""
    monkeypatch.delenv("ROBUST_XTREME_DATA", raising=False)
    return release(tmp_path / "data")


def data(*words: str, columns: int = 0) -> Result:
    """The command, as it ends; on a terminal of so many columns, or in a pipe."""
    wide = {"FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "xterm", "COLUMNS": str(columns)} if columns else {}
    return CliRunner().invoke(build(), ["data", *words], env=wide)


def data_report(*words: str) -> dict[str, Any]:
    """What it finds, as JSON."""
    whole: dict[str, Any] = json.loads(data(*words, "--json").stdout)
    return whole


def splits(*words: str) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Every split that is there, by task, language and split."""
    return {
        (task["task"], language["language"], split["split"]): split
        for task in data_report(*words)["tasks"]
        for language in task["languages"]
        for split in language["splits"]
    }


def left(*words: str) -> dict[tuple[str, str], dict[str, str]]:
    """What a run leaves out, by task and language."""
    return {
        (task["task"], language["language"]): language["left_out"]
        for task in data_report(*words)["tasks"]
        for language in task["languages"]
        if language["left_out"]
    }


def write(path: Path, text: str | bytes) -> Path:
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def edited(path: Path, edit: Callable[[str], str]) -> None:
    """A file whose text is changed."""
    path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")


def test_every_split_is_listed_with_rows_labels_file_and_hash(folder: Path) -> None:
    """Rows, clusters, labels, the file and its whole sha256 of what is there, and nothing of what is not."""
    seen = splits("list", "--data", str(folder))
    assert set(seen) == {
        *((task, code, "validation") for task in ("xnli", "panx") for code in ("en", "sw")),
        ("xquad", "en", "validation"),
        ("tydiqa", "en", "validation"),
    }
    pairs = seen["xnli", "sw", "validation"]
    assert (pairs["rows"], pairs["clusters"], pairs["labelled"], pairs["candidates"]) == (66, 22, True, None)
    assert [file["name"] for file in pairs["files"]] == ["xnli/dev-sw.tsv"]
    assert re.fullmatch(r"[0-9a-f]{64}", pairs["files"][0]["sha256"])
    assert not seen["tydiqa", "en", "validation"]["labelled"]


def test_groups_and_languages_choose_what_is_looked_at(folder: Path) -> None:
    """A group means its tasks; named languages are the only ones listed; an unknown name is one line."""
    tasks = [task["task"] for task in data_report("list", "--data", str(folder), "--tasks", "low-resource")["tasks"]]
    assert tasks == ["americasnli", "masakhaner"]
    assert set(splits("list", "--data", str(folder), "--languages", "sw", "--tasks", "xnli")) == {
        ("xnli", "sw", "validation")
    }
    for words, line in (
        (("lst",), "'list'"),
        (("list", "--tasks", "xnly"), "'xnli'"),
        (("check", "--languages", "swa"), "'sw'"),
        (("check", "--data", "nowhere"), "nowhere"),
    ):
        done = data(*words)
        assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert line in done.stderr


def test_what_a_run_leaves_out_is_what_the_check_says(folder: Path) -> None:
    """Languages without a file and splits without labels, with where was looked and what brings them."""
    out = left("check", "--data", str(folder), "--tasks", "panx,tydiqa")
    assert out["panx", "yo"]["reason"] == MISSING
    assert "panx/dev-yo.tsv" in out["panx", "yo"]["detail"]
    assert out["tydiqa", "en"]["reason"] == UNLABELLED
    assert ("panx", "sw") not in out
    shown = data("check", "--data", str(folder), "--tasks", "panx,tydiqa")
    assert shown.exit_code == 0
    assert re.search(r"panx +- +2 +- +60 +- +2 of 48 languages", shown.stdout)
    assert "Looked for panx/test-{language}.tsv, panx/dev-{language}.tsv. XTREME's" in shown.stdout
    assert "tydiqa, unlabelled: en" in shown.stdout
    assert shown.stdout.endswith("Everything that is there loads.\n")


@pytest.mark.parametrize(("tag", "reason"), [("CONJ", VERSION), ("VERB", None)])
def test_tags_of_version_1_are_a_reason_of_their_own(folder: Path, tag: str, reason: str | None) -> None:
    """A treebank of version 1 is not a missing file, and no malformed one."""
    write(folder / "ud/UD_A/ar_a-ud-test.conllu", CONLLU.format(tag=tag))
    outcome = evaluated(registry.load("task", "udpos"), Pools(open_source(str(folder))), "auto", "ar")
    assert (outcome.reason if isinstance(outcome, LeftOut) else None) == reason
    done = data("check", "--data", str(folder), "--tasks", "udpos", "--languages", "ar")
    assert done.exit_code == 0
    assert ("udpos, version: ar" in done.stdout) == (tag == "CONJ")


def test_mining_needs_its_validation(folder: Path) -> None:
    """BUCC's test alone is not evaluated: its threshold is tuned on validation, and the reason says so."""
    for side, text in SIDES.items():
        write(folder / f"bucc2018/de-en.training.{side}", text)
    words = ("check", "--data", str(folder), "--tasks", "bucc", "--languages", "de")
    assert left(*words)["bucc", "de"]["reason"] == MISSING
    assert "no validation file" in left(*words)["bucc", "de"]["detail"]
    assert splits(*words)["bucc", "de", "test"]["candidates"] == 2
    for side, text in SIDES.items():
        write(folder / f"bucc2018/de-en.sample.{side}", text)
    assert left(*words) == {}


def test_mining_is_not_scored_on_what_its_threshold_is_tuned_on(folder: Path) -> None:
    """BUCC's validation alone is evaluated only by name; the reason says so."""
    for side, text in SIDES.items():
        write(folder / f"bucc2018/de-en.sample.{side}", text)
    entry = left("check", "--data", str(folder), "--tasks", "bucc", "--languages", "de")["bucc", "de"]
    assert (entry["reason"], entry["split"]) == (MISSING, "validation")
    assert "--split validation" in entry["detail"]
    pools = Pools(open_source(str(folder)))
    assert isinstance(evaluated(registry.load("task", "bucc"), pools, "validation", "de"), Split)


def test_candidates_are_counted_and_files_that_belong_together_named(folder: Path) -> None:
    """A retrieval task shows its number of candidates; of two files that belong together, a missing one is named."""
    for code, text in TATOEBA.items():
        write(folder / f"tatoeba/v1/tatoeba.deu-eng.{code}", text)
    words = ("list", "--data", str(folder), "--tasks", "tatoeba", "--languages", "de")
    tatoeba = splits(*words)["tatoeba", "de", "test"]
    assert (tatoeba["rows"], tatoeba["candidates"], len(tatoeba["files"])) == (2, 2, 2)
    (folder / "tatoeba/v1/tatoeba.deu-eng.eng").unlink()
    assert "without" in left("check", *words[1:])["tatoeba", "de"]["detail"]


def test_every_malformed_file_is_a_line_with_its_place(folder: Path) -> None:
    """A cut, a binary and an empty file, an impossible tag and id: all are reported, and the command ends with 2."""
    edited(folder / "xnli/dev-en.tsv", lambda text: text[: text.rindex("\t")])
    write(folder / "xnli/dev-fr.tsv", b"\xff\x00")
    write(folder / "xnli/dev-zh.tsv", "")
    edited(folder / "panx/dev-sw.tsv", lambda text: text.replace("\tO", "\tB-XXX", 1))
    edited(folder / "xquad/xquad.en.json", lambda text: text.replace("en-1-1", "en-0-0"))
    done = data("check", "--data", str(folder))
    assert done.exit_code == 2
    assert "Malformed: 5" in done.stdout
    for line in (
        rf"{folder}/xnli/dev-en\.tsv:66: has 2 columns",
        "0xff",
        "no examples",
        "B-XXX",
        "not unique",
    ):
        assert re.search(line, done.stdout), line
    whole = data_report("check", "--data", str(folder))
    assert (whole["loads"], len(whole["malformed"])) == (False, 5)
    assert data("list", "--data", str(folder)).exit_code == 0
    stops = {entry["language"]: entry["stops"] for task in whole["tasks"] for entry in task["languages"]}
    assert stops["fr"]
    assert not stops["bg"]


def test_each_of_several_treebanks_is_reported(folder: Path) -> None:
    """Of the files that make one split each that does not load is a line, not only the first."""
    for name in ("ewt", "gum", "lines"):
        text = CONLLU.format(tag="VERB") if name == "gum" else "1\ta\tNOUN\n"
        write(folder / f"ud/UD_{name}/en_{name}-ud-test.conllu", text)
    problems = data_report("check", "--data", str(folder), "--tasks", "udpos", "--languages", "en")["malformed"]
    assert [Path(problem["problem"].partition(":")[0]).name for problem in problems] == [
        "en_ewt-ud-test.conllu",
        "en_lines-ud-test.conllu",
    ]


def test_marks_and_line_ends_of_other_systems_load(folder: Path) -> None:
    """A byte order mark and CRLF are not mistakes, and give as many rows."""
    edited(folder / "xnli/dev-en.tsv", lambda text: "\ufeff" + text)
    path = folder / "xnli/dev-sw.tsv"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert data("check", "--data", str(folder), "--tasks", "xnli").exit_code == 0
    assert {split["rows"] for split in splits("check", "--data", str(folder), "--tasks", "xnli").values()} == {66}


def test_what_is_not_a_file_is_reported_and_not_opened(folder: Path) -> None:
    """A pipe, a folder and a link to nothing in a file's place are named: none of them is waited for."""
    os.mkfifo(folder / "xnli/dev-es.tsv")
    (folder / "xnli/dev-tr.tsv").mkdir()
    (folder / "xnli/dev-ru.tsv").symlink_to("nothing")
    out = left("check", "--data", str(folder), "--tasks", "xnli")
    for code in ("es", "tr"):
        assert "not a regular" in out["xnli", code]["detail"]
    assert "link to nothing" in out["xnli", "ru"]["detail"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read_is_malformed(folder: Path) -> None:
    """A file without permission is a line, and the others are read."""
    (folder / "xnli/dev-en.tsv").chmod(0)
    done = data("check", "--data", str(folder), "--tasks", "xnli")
    assert done.exit_code == 2
    assert "Permission denied" in done.stdout


def test_a_folder_that_may_not_be_read_is_a_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the system while a file is looked for is reported for its language; the others are read."""
    is_file = Path.is_file

    def refused(path: Path) -> bool:
        if path.name == "dev-en.tsv":
            raise PermissionError(13, "Permission denied", str(path))
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", refused)
    whole = data_report("check", "--data", str(folder), "--tasks", "xnli", "--languages", "en,sw")
    assert [problem["problem"] for problem in whole["malformed"]] == [
        f"{folder}/xnli/dev-en.tsv: cannot be read: Permission denied"
    ]


def test_a_file_of_a_shared_pool_stops_its_languages_and_is_reported_once(folder: Path) -> None:
    """LAReQA's pool is of all languages: one broken file is one line, with every language that it stops."""
    context = {"context": "Anna reads. Ben writes.", "sentence_breaks": [[0, 11], [12, 23]]}
    rows = [{"id": "1", "question": "Who reads?", "answers": [{"text": "Anna", "answer_start": 0}]}]
    whole = json.dumps({"data": [{"paragraphs": [{**context, "qas": rows}]}]})
    write(folder / "lareqa/xquad-r/en.json", whole)
    write(folder / "lareqa/xquad-r/de.json", whole[:-5])
    (problem,) = data_report("check", "--data", str(folder), "--tasks", "lareqa")["malformed"]
    assert "lareqa/xquad-r/de.json" in problem["problem"]
    assert {entry["language"] for entry in problem["in"]} == {"de", "en"}


def test_an_empty_folder_has_nothing_and_breaks_nothing(tmp_path: Path) -> None:
    """One line says so. Beside another file every language of every task is missing with its remedy."""
    for what in ("check", "list"):
        done = data(what, "--data", str(tmp_path))
        line = (
            f"robust-xtreme: The data folder {tmp_path} is empty. What belongs there: robust-xtreme list tasks --json"
        )
        assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"{line}\n")
    (tmp_path / "notes.txt").touch()
    done = data("check", "--data", str(tmp_path))
    assert done.exit_code == 2
    assert "Nothing of these" in done.stderr
    missing = left("check", "--data", str(tmp_path))
    assert {task for task, _ in missing} == {task.name for task in with_own_data()}
    assert all(re.search(r"--data hub|--data DIR|DIR/", entry["detail"]) for entry in missing.values())


def test_mini_is_whole_and_of_our_own_licence() -> None:
    """The embedded suite loads, its languages are evaluated, and its rows have not the licence of the real ones."""
    whole = data_report("check", "--data", "mini", "--tasks", "xnli,tatoeba", "--languages", "en,sw")
    assert whole["loads"]
    assert {task["licence"] for task in whole["tasks"]} == {"that of robust-xtreme, whose rows are made up"}
    assert left("check", "--data", "mini", "--tasks", "xnli", "--languages", "sw,yo")["xnli", "yo"]["reason"] == MISSING


def test_the_hub_is_looked_at_on_this_machine_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an empty cache and no connection everything is missing, with the datasets that were looked for."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    for what in (("list",), ("check", "--offline")):
        out = left(*what, "--data", "hub", "--tasks", "xnli,udpos")
        assert "Looked for facebook/xnli@b8dd5d7a/sw/test-*.parquet" in out["xnli", "sw"]["detail"]
        assert "no dataset" in out["udpos", ""]["detail"]
    assert not (tmp_path / "hub").exists()


def test_a_check_of_the_hub_fetches_what_a_run_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a connection the evaluated splits are asked for and training data are not; `list` asks for nothing."""
    asked: list[tuple[str, bool]] = []

    def nothing(kind: str, repo: str, revision: str, patterns: tuple[str, ...], *, offline: bool) -> None:
        asked.append((repo, offline))
        raise MissingData(f"{repo} has nothing.")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    open_hub.cache_clear()
    monkeypatch.setattr(dataset, "snapshot", nothing)
    where = ("--data", "hub", "--tasks", "xnli", "--languages", "en")
    assert data("check", *where).exit_code == 2
    assert {repo for repo, offline in asked if not offline} == {"facebook/xnli"}
    assert ("nyu-mll/multi_nli", True) in asked
    asked.clear()
    assert data("list", *where).exit_code == 0
    assert {offline for _, offline in asked} == {True}
    open_hub.cache_clear()


def test_pairs_of_languages_that_are_there_are_listed(folder: Path) -> None:
    """MLQA's cross pairs are found where their files are, though a run takes them only where they are asked for."""
    text = (folder / "xquad/xquad.en.json").read_text(encoding="utf-8")
    write(folder / "mlqa/dev/dev-context-en-question-de.json", text)
    where = ("--data", str(folder), "--tasks", "mlqa")
    assert set(splits("list", *where)) == {("mlqa", "de@en", "validation")}
    assert ("mlqa", "de@en") not in left("check", *where)
    (task,) = data_report("check", *where, "--languages", "de@en")["tasks"]
    assert [entry["evaluated"] for entry in task["languages"]] == ["validation"]


REAL = "ar,de,sw,yo,de@en"
"""Languages with files that are read, of version 1, without labels, and missing."""


@pytest.mark.real
@pytest.mark.parametrize("languages", [REAL, pytest.param("", marks=pytest.mark.long)], ids=["some", "all"])
def test_the_real_files_load(data: Path, languages: str) -> None:  # the fixture is before the function of this name
    """Nothing of the real folder is malformed, and what is left out is known: unlabelled, of version 1, or missing."""
    words = ["check", "--data", str(data), "--tasks", "xcopa,pawsx,mlqa,tydiqa,udpos,tatoeba", "--json"]
    done = CliRunner().invoke(build(), ["data", *words, *(["--languages", languages] if languages else [])])
    assert done.exit_code == 0
    tasks = {task["task"]: task["languages"] for task in json.loads(done.stdout)["tasks"]}
    reasons = {
        name: {entry["left_out"]["reason"] for entry in codes if entry["left_out"]} for name, codes in tasks.items()
    }
    assert reasons["tydiqa"] == {UNLABELLED, MISSING}
    assert reasons["udpos"] == {VERSION, MISSING}
    assert reasons["pawsx"] == ({MISSING} if languages else set())
    assert "de@en" in [entry["language"] for entry in tasks["mlqa"] if not entry["left_out"]]
    (swahili,) = (entry for entry in tasks["tatoeba"] if entry["language"] == "sw")
    assert {split["candidates"] for split in swahili["splits"]} == {390}


def test_a_field_with_one_value_in_every_row_is_named(folder: Path) -> None:
    """As the kind of question in upstream's XCOPA in Thai; not where there are few rows, nor where one differs."""
    row = '{{"premise": "P{0}", "choice1": "A{0}", "choice2": "B{0}", "question": "{1}", "label": {2}, "idx": {0}}}\n'
    for code, rows, odd in (("th", 30, "effect"), ("it", 30, "cause"), ("et", 5, "effect")):
        lines = [row.format(at, odd if at == 3 else "effect", at % 2) for at in range(rows)]
        write(folder / "xcopa" / "data" / code / f"test.{code}.jsonl", "".join(lines))
    named = {key: split["constant"] for key, split in splits("check", "--data", str(folder)).items()}
    asked = named.pop(("xcopa", "th", "test"))
    assert (asked, [*filter(None, named.values())]) == ({"question": "What was the effect?"}, [])
    shown = data("check", "--data", str(folder), "--tasks", "xcopa").stdout
    assert "xcopa th, test of xcopa/data/th/test.th.jsonl: question is 'What was the effect?'" in shown
    assert splits("check", "--data", str(folder))["xcopa", "th", "test"]["near_duplicates"] >= 0
