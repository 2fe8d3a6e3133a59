"""Texts of attacks, made again from the edits that a run keeps: in examples, and in sheets for raters."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from tests.program import program
from tests.some import some

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.report.document import results_of
from robust_xtreme.report.samples.choosing import ExampleChoice, chosen, rows_of
from robust_xtreme.report.samples.texts import key_of, spec_of, texts_of
from robust_xtreme.run.run import evaluate

pytestmark = pytest.mark.usefixtures("unpaged")

TASKS = ("xnli", "xquad", "mewsli_x")
NOISE = "attack_keys:0.2@queries=10"
LIKE = "keyboard_typo@like=attack_keys:0.2/queries=10"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of an attack, whose comparators are beside it, and of noise."""
    out = tmp_path_factory.mktemp("attacked") / "run"
    evaluate(
        RunSpec(tasks=TASKS, languages=("sw",), perturb=(NOISE, "char_noise:0.2"), limit="12", out=str(out)),
        cache=False,
    )
    return out


def rows(folder: Path) -> pl.DataFrame:
    """Examples of all conditions of a run."""
    results = results_of(folder)
    return chosen(results, rows_of(folder, results.manifest), ExampleChoice(each=40, drawn=False))


def test_texts_of_attacks_are_those_that_the_model_read(run: Path) -> None:
    """Of each family, of comparators too, with the edits that predictions count, and the answer where it was scored."""
    every, manifest = rows(run), results_of(run).manifest
    made, problems = texts_of(every, spec_of(run, manifest), manifest)
    assert problems == ()
    assert {row["task"] for row in every.iter_rows(named=True) if json.loads(row["operators"])} == set(TASKS)
    assert any("@like=" in name for name in every["cell_condition"])
    for row in every.iter_rows(named=True):
        remade = made[key_of(row)]
        assert (remade.noisy.texts != remade.clean.texts) == bool(json.loads(row["operators"]))
        if row["task"] == "xquad" and json.loads(row["prediction"]) and "context" not in remade.fields:
            (start, stop), *_ = json.loads(row["prediction"])
            assert remade.clean.texts["context"].value[start:stop] == row["answer"]


def test_the_page_and_a_terminal_show_attacks_as_edits(run: Path) -> None:
    """Attacked examples have their texts as differences, and no line says that some are missing."""
    page = (run / "report.html").read_text("utf-8")
    assert "No texts are shown" not in page
    assert "no texts are shown" not in page
    for noise in (NOISE, LIKE):
        ended = program("examples", str(run), "--perturb", noise, "--tasks", "xnli", "--limit", "5")
        assert "premise: " in ended.out, ended.err
        assert "{+" in ended.out or "[-" in ended.out
        assert "no texts" not in ended.err


def test_edits_that_are_missing_or_changed_are_one_line(run: Path, tmp_path: Path) -> None:
    """Without its parts a run says which edits are missing; a part that was changed is an error."""
    folder = Path(shutil.copytree(run, tmp_path / "run"))
    (path,) = [path for path in (folder / "parts").iterdir() if path.name.startswith("xnli-sw-test-attacked")]
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"x")
    with pytest.raises(DataError, match="was changed after the run wrote it"):
        rows_of(folder, results_of(folder).manifest)
    path.unlink()
    ended = program("examples", str(folder), "--perturb", NOISE, "--tasks", "xnli")
    assert "The edits of attack_keys:0.2@queries=10@fields=premise,hypothesis are not in the run's folder." in ended.err
    assert "gold: " in ended.out


def sampled(run: Path, folder: Path, *words: str) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The rows of a sheet and of its key."""
    ended = program("rate", "sample", str(run), "-o", str(folder / "sheet.csv"), *words)
    assert ended.code in (0, None), ended.err
    return read(folder / "sheet.csv"), read(folder / "sheet.key.csv")


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


def filled(folder: Path, rows: list[dict[str, str]]) -> Path:
    """A sheet as a spreadsheet saves it, with a mark at its beginning and semicolons."""
    path = folder / "sheet.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0]], delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_sheet_has_successes_and_controls_that_nothing_tells_apart(run: Path, tmp_path: Path) -> None:
    """Every fifth row is clean; the key has what each is, and the sheet the texts as a model reads them."""
    rows, key = sampled(run, tmp_path, "-n", "30")
    kinds = {row["row"]: row["kind"] for row in key}
    assert sorted(kinds) == sorted(row["row"] for row in rows)
    assert len(rows) == 30
    assert [*kinds.values()].count("clean") == 6
    assert set(kinds.values()) == {"attack", "noise", "clean"}
    assert not any(word in name for row in key for name in [row["condition"]] for word in ("@like=", "search=random"))
    assert len({(row["question"], row["valid"], row["remark"]) for row in rows}) == 1
    order = [kinds[row["row"]] for row in rows]
    assert order != sorted(order)
    clean = {row["row"]: (row["example"], row["condition"]) for row in key if row["kind"] == "clean"}
    assert not {example for example, _ in clean.values()} & {row["example"] for row in key if row["kind"] != "clean"}


def test_the_texts_of_a_sheet_are_those_under_their_condition(run: Path, tmp_path: Path) -> None:
    """Clean rows have clean texts, rows of an attack its texts, and the label is the gold one."""
    rows, key = sampled(run, tmp_path, "-n", "40", "--tasks", "xnli")
    known = {row["row"]: row for row in key}
    predictions = pl.read_parquet(run / "predictions.parquet").filter(task="xnli")
    labels = ("entailment", "neutral", "contradiction")
    spec, manifest = spec_of(run, results_of(run).manifest), results_of(run).manifest
    every = rows_of_all(run)
    made, _ = texts_of(every, spec, manifest)
    texts = {(row["cell_condition"], row["example"]): made[key_of(row)] for row in every.iter_rows(named=True)}
    clean = {example: remade.clean for (_, example), remade in texts.items()}
    for row in rows:
        what = known[row["row"]]
        of = predictions.filter(condition=what["condition"], example=what["example"])
        assert row["right answer"] == labels[int(of.item(0, "gold"))]
        is_clean = what["kind"] == "clean"
        shown = clean[what["example"]] if is_clean else texts[what["condition"], what["example"]].noisy
        assert row["text: premise"] == shown.texts["premise"].value
        assert row["text: hypothesis"] == shown.texts["hypothesis"].value
        if what["kind"] == "attack":
            assert of.item(0, "success")


def rows_of_all(folder: Path) -> pl.DataFrame:
    """All examples of xnli under all conditions."""
    results = results_of(folder)
    return chosen(results, rows_of(folder, results.manifest), ExampleChoice(tasks=("xnli",), each=1000, drawn=False))


def test_the_draw_is_keyed(run: Path, tmp_path: Path) -> None:
    """The same seed gives the same bytes, another one other rows; a sheet is overwritten only with --force."""
    first, _ = sampled(run, tmp_path, "-n", "20", "--perturb", NOISE)
    again, key = sampled(run, tmp_path, "-n", "20", "--perturb", NOISE, "--force")
    assert first == again
    assert {row["condition"].split("@")[0] for row in key} == {"attack_keys:0.2", "clean"}
    other, _ = sampled(run, tmp_path, "-n", "20", "--perturb", NOISE, "--seed", "1", "--force")
    assert {row["row"] for row in other} != {row["row"] for row in first}
    assert "is there already" in program("rate", "sample", str(run), "-o", str(tmp_path / "sheet.csv")).err


def test_a_filled_sheet_gives_validity_and_valid_success(run: Path, tmp_path: Path) -> None:
    """As a spreadsheet saves it; rows without an answer are not counted, and of other runs it is refused."""
    rows, key = sampled(run, tmp_path, "-n", "30")
    kinds = {row["row"]: row["kind"] for row in key}
    for row in rows:
        row["valid"] = "Yes" if kinds[row["row"]] == "clean" else "no"
    next(row for row in rows if row["valid"] == "no")["valid"] = ""
    path = filled(tmp_path, rows)
    ended = program("rate", "judged", str(path), str(run))
    assert ended.code in (0, None), ended.err
    assert "1 row without an answer is not counted." in ended.out
    table = {(row["condition"], row["kind"]): row for row in read(tmp_path / "sheet.validity.csv")}
    assert table["clean", "clean"]["validity"] == "100.0"
    attacks = [row for row in table.values() if row["kind"] == "attack"]
    assert attacks
    assert all(float(row["valid_success"]) == 0 < float(row["valid_high"]) for row in attacks)
    assert sum(int(row["rated"]) for (name, _), row in table.items() if not name.startswith("all ")) == 29
    measured = results_of(run).attacks.filter(condition=attacks[0]["condition"])
    assert int(attacks[0]["right"]) == measured["attacked"].sum()
    (tmp_path / "sheet.key.csv").write_text(
        (tmp_path / "sheet.key.csv").read_text("utf-8").replace(key[0]["run"], "0" * 16), encoding="utf-8"
    )
    assert "is the key of a sheet of another run" in program("rate", "judged", str(path), str(run), "--force").err


def test_a_damaged_sheet_names_each_row(run: Path, tmp_path: Path) -> None:
    """A row that is missing, there twice, renamed or answered in another word has a line each, with its name."""
    rows, _ = sampled(run, tmp_path, "-n", "20")
    names = [row["row"] for row in rows]
    rows[0]["valid"], rows[1]["row"] = "ja", "changed"
    path = filled(tmp_path, [*rows[:3], rows[2], *rows[4:]])
    ended = program("rate", "judged", str(path))
    assert ended.code == 2
    for line in (
        f"row '{names[0]}' has 'ja' in the column valid: write yes or no",
        "row 'changed' is not one of the sheet's",
        f"row '{names[2]}' is there twice.",
        f"row '{names[3]}' is missing.",
        f"row '{names[1]}' is missing.",
    ):
        assert line in ended.err
    assert not (tmp_path / "sheet.validity.csv").exists()


@pytest.mark.parametrize(
    ("content", "what"),
    some(
        [
            (b"", "has no column row in its header"),
            (b"row,valid\n\xff", "is not text in UTF-8"),
            (b"row,valid,valid\n", "has 2 column valid in its header"),
            (b'row,valid\n"a', "is not CSV"),
            (b"row,valid\n", "is missing."),
            (b"row,text,valid\na,b\n", "has 2 cells instead of 3"),
        ],
        3,
        caught="test_what_is_not_a_sheet_is_one_line",
    ),
)
def test_what_is_not_a_sheet_is_one_line(run: Path, tmp_path: Path, content: bytes, what: str) -> None:
    """An empty file, other bytes, another header and no rows are named."""
    sampled(run, tmp_path, "-n", "5")
    (tmp_path / "sheet.csv").write_bytes(content)
    assert what in program("rate", "judged", str(tmp_path / "sheet.csv")).err


@pytest.mark.parametrize(
    ("column", "value", "what"),
    some(
        [
            ("kind", "unlike", "'unlike', which is none of: attack, noise, clean"),
            ("condition", "attack_keys:0.3", "not what the sheet was drawn of"),
            ("wrong", "9999", "has impossible counts in row"),
            ("right", "-7", "'right' of sheet_key contains -7; it takes finite numbers from 0"),
            ("right", "9" * 30, "is malformed: The column 'right'"),
        ],
        2,
        caught="test_a_damaged_key_is_one_line",
    ),
)
def test_a_damaged_key_is_one_line(run: Path, tmp_path: Path, column: str, value: str, what: str) -> None:
    """A kind, or counts, that no sheet has are named with the key's file."""
    rows, key = sampled(run, tmp_path, "-n", "5")
    changed = next(row for row in key if row["kind"] == "attack")
    changed[column] = value
    with (tmp_path / "sheet.key.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(key[0]))
        writer.writeheader()
        writer.writerows(key)
    ended = program("rate", "judged", str(filled(tmp_path, rows)))
    assert ended.code == 2
    assert what in ended.err
    assert "sheet.key.csv" in ended.err


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("sample", "RUN", "-n", "4"), "-n 4 is not from 5 to 100,000."),
        (("sample", "RUN", "-o", "sheet.xlsx"), "is not a file of CSV"),
        (("sample", "RUN", "--perturb", "attack_kees"), "There is no condition of the run named 'attack_kees'."),
        (("sample", "RUN", "--tasks", "xnlo"), "There is no task of the run named 'xnlo'. Did you mean 'xnli'?"),
        (("judged", "sheet.csv"), "There is no sheet.key.csv, the key that"),
        (("judged", "sheet.csv", "--seed", "1"), "takes no --seed: leave it out"),
        (("mark", "RUN"), "There is no rate command named 'mark'."),
    ],
)
def test_wrong_words_are_one_line(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], what: str
) -> None:
    """They name the word, and what was meant."""
    monkeypatch.chdir(tmp_path)
    ended = program("rate", *(str(run) if word == "RUN" else word for word in words))
    assert what in ended.err
    assert len(ended.err.splitlines()) == 1
