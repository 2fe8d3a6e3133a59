"""What is written fits the JSON Schemas of docs/reference/schemas, and files of another version are refused."""

from __future__ import annotations

import csv
import json
import shutil
import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no types
from tests.finished_runs import finished_run
from tests.program import program

from robust_xtreme.core.errors import UserError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files import store
from robust_xtreme.files.manifest import read_manifest, with_digest
from robust_xtreme.files.schema import (
    AVERAGES,
    CONDITIONS,
    DELTAS,
    MODELS,
    PREDICTIONS,
    SCHEMA_VERSION,
    SCORES,
    STATS,
    Frame,
)
from robust_xtreme.run.manifest import new_manifest
from robust_xtreme.run.plan import make_plan
from robust_xtreme.run.run import evaluate
from robust_xtreme.studies import study_file
from robust_xtreme.studies.planning import StudyPlan, plan_of
from robust_xtreme.tasks.sources.suite import open_suite

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "docs/reference/schemas"
PAIRS = {"pairs": 3, "items": 3, "pairing": "id", "clean_left": 0, "noisy_left": 0, "edited_only": False}
FILES = {
    **{frame.name: f"{frame.name}.csv" for frame in (SCORES, DELTAS, AVERAGES, CONDITIONS, MODELS)},
    **{frame.name: f"{frame.name}.parquet" for frame in (PREDICTIONS, STATS)},
}
FRAMES: tuple[Frame, ...] = (SCORES, DELTAS, AVERAGES, CONDITIONS, MODELS, PREDICTIONS, STATS)


@cache
def _validator(name: str, part: str = "") -> Any:
    """The validator of a schema, or of one of its definitions."""
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    only = {"$schema": schema["$schema"], "$ref": f"#/$defs/{part}", "$defs": schema.get("$defs")}
    return Draft202012Validator(only if part else schema)


def _invalid(name: str, *values: Any, part: str = "") -> list[str]:
    """What a schema finds wrong with values as JSON."""
    checked = (_validator(name, part).iter_errors(json.loads(json.dumps(value))) for value in values)
    return [f"{error.json_path}: {error.message}" for errors in checked for error in errors]


def _closed(schema: Any) -> Any:
    """A schema whose objects have no keys but those that it names."""
    if not isinstance(schema, dict):
        return [_closed(each) for each in schema] if isinstance(schema, list) else schema
    shut = {"additionalProperties": False} if schema.get("type") == "object" and "properties" in schema else {}
    return {**shut, **{name: _closed(each) for name, each in schema.items()}}


def _undeclared(*manifests: Any) -> list[str]:
    """What is wrong with manifests by the closed schema, which names every key that is written."""
    closed = Draft202012Validator(_closed(_validator("manifest").schema))
    return [f"{error.json_path}: {error.message}" for each in manifests for error in closed.iter_errors(each)]


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the embedded model, as the program writes it today."""
    spec = RunSpec(tasks=("xnli",), languages=("en",), limit="60", perturb=("char_noise:0.1",), workers="0")
    return evaluate(replace(spec, out=str(tmp_path_factory.mktemp("today") / "run")), cache=False).folder


@pytest.mark.parametrize("words", ["report RUN", "compare RUN RUN", "gate RUN --baseline RUN"])
@pytest.mark.parametrize("version", [SCHEMA_VERSION - 1, SCHEMA_VERSION + 1])
def test_a_run_of_another_version_is_refused(version: int, words: str, today: Path, tmp_path: Path) -> None:
    """In one line with exit code 2, which names both versions and the command that makes the run again."""
    run = shutil.copytree(today, tmp_path / "run")
    other = with_digest({**read_manifest(run / "manifest.json"), "schema_version": version})
    (run / "manifest.json").write_bytes(store.json_bytes(other))
    done = program(*words.replace("RUN", str(run)).split())
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert f"version {version};" in done.err
    assert f"robust-xtreme eval --config {run / 'run.toml'}" in done.err


# ------------------------------------------------------------------------------------------------------------- schemas


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.name)
def test_the_rows_of_a_run_fit_the_schema_of_their_frame(frame: Frame, today: Path) -> None:
    """Those of a run of today and of reports/mini; a row without a value of its own does not."""
    paths = (folder / FILES[frame.name] for folder in (today, ROOT / "reports/mini"))
    rows = [row for path in paths if path.is_file() for row in store.read_frame(path, frame).to_dicts()[:100]]
    assert _invalid("frames", *rows, part=frame.name) == []
    name = next(name for name, column in frame.columns.items() if not column.nullable)
    assert _invalid("frames", {**rows[0], name: None}, part=frame.name)
    assert _invalid("frames", {**rows[0], "more": 1}, part=frame.name) == []  # as a later version may have
    known = _validator("frames").schema["$defs"][frame.name]["properties"].keys()
    assert known == {"schema_version", *rows[0]}
    assert _invalid("frames", rows[0], {**rows[0], "schema_version": SCHEMA_VERSION}) == []
    assert len(_invalid("frames", {**rows[0], "schema_version": 99}, {"x": 1}, {})) == 3


def _from_cell(text: str, column: dict[str, Any]) -> Any:
    """A cell of a CSV file as JSON, read as the schema of frames says."""
    fits = Draft202012Validator(column).is_valid
    if not text:
        return None if fits(None) else ""
    return text if fits(text) else json.loads(text)


@pytest.mark.parametrize(
    ("name", "empty"),
    [
        ("mini/scores", ""),
        ("mini/averages", "task split setting inference"),
        ("real/models", "identity"),
    ],
)
def test_the_cells_of_a_csv_file_fit_the_schema_of_its_frame(name: str, empty: str) -> None:
    """Empty ones are null where the column may be null, and otherwise an empty text, which null does not stand for."""
    part = Path(name).name
    columns = _validator("frames").schema["$defs"][part]["properties"]
    with (ROOT / f"reports/{name}.csv").open(encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    assert next(iter(cells[0])) == "schema_version"
    some, names = cells[:: len(cells) // 40 + 1], columns.keys() & cells[0].keys()
    rows = [{key: _from_cell(row[key], columns[key]) for key in names} for row in some]
    assert _invalid("frames", *rows, part=part) == []
    assert {key for row in rows for key in row if row[key] == ""} == set(empty.split())
    assert all(_invalid("frames", {**rows[0], key: None}, part=part) for key in empty.split())


def test_the_manifest_of_a_run_fits_its_schema(today: Path) -> None:
    """That of a run of today, and those under reports/; one without its files does not."""
    paths = [today, *(path.parent for path in (ROOT / "reports").rglob("manifest.json"))]
    manifests = [json.loads((path / "manifest.json").read_text("utf-8")) for path in paths]
    assert len(manifests) > 10
    assert _invalid("manifest", *manifests) == _undeclared(*manifests) == []
    assert _invalid("manifest", {**manifests[0], "later": 1}) == []  # as a later version may write it
    assert _undeclared({**manifests[0], "later": 1})
    unit, spec = manifests[0]["units"][0], manifests[0]["spec"]
    wrong: list[dict[str, Any]] = [
        {"spec_hash": "x"},
        {"packs": "x"},
        {"batch_tokens": 0},
        {"parts": {"a.parquet": "0" * 63}},
        {"spec": {**spec, "seeds": 0}},
        *({"units": [{**unit, name: -1}]} for name in ("rows", "candidates", "clusters")),
        {"units": [{**unit, "files": [{"path": "a", "sha256": "nothash"}]}]},
        {"units": [{**unit, "external": {**PAIRS, "noisy_left": -1}}]},
        {"units": []},
        {"models": []},
        {"tasks": {}},
        *({"spec": {key: value for key, value in spec.items() if key != name}} for name in ("tasks", "split", "seeds")),
        *({"files": {**manifests[0]["files"], name: "nothash"}} for name in ("scores.csv", "x")),
    ]
    for name in (
        "files",
        "version",
        "spec_hash",
        "device",
        "notes",
        "not_run",
        "models",
        "units",
        "versions",
        "overlap",
    ):
        assert _invalid("manifest", {key: value for key, value in manifests[0].items() if key != name}), name
    assert _invalid("manifest", {**manifests[0], "spec": {}})
    assert len(_invalid("manifest", {**manifests[0], "files": {}})) == 5
    for changed in wrong:
        assert len(_invalid("manifest", {**manifests[0], **changed})) == 1, changed


def test_the_manifest_of_another_run_has_no_key_that_the_schema_does_not_name(today: Path) -> None:
    """One with a suite of noise, prompts and a pool: each key that is there before anything is computed."""
    more: dict[str, Any] = {"prompts": ("query=q: ",), "dims": "16", "keep_names": True, "representation": "mean:1"}
    spec = RunSpec(tasks=("tatoeba", "xnli"), languages=("sw",), perturb=("@surface",), limit="8", **more)
    begun = json.loads(json.dumps(new_manifest(make_plan(spec), "cpu", 1, deduplicate=True)))
    assert {"suites", "licences", "suite"} <= begun.keys()
    assert {*more} <= begun["spec"].keys()
    files = dict.fromkeys(json.loads((today / "manifest.json").read_text("utf-8"))["files"], "0" * 64)
    assert _undeclared({**begun, "files": files, "parts": {}, "complete": True}) == []


def test_the_verdict_of_a_gate_fits_its_schema(today: Path, tmp_path: Path) -> None:
    """That of `gate -o FILE.json`; a verdict that does not exist does not."""
    out, run = tmp_path / "gate.json", str(today)
    done = program("gate", run, "--baseline", run, "-o", str(out))
    assert done.code == 0, done.err
    verdict = json.loads(out.read_text("utf-8"))
    assert len(verdict["rows"]) > 1
    assert _invalid("gate", verdict) == []
    assert verdict.keys() == _validator("gate").schema["properties"].keys()
    assert _invalid("gate", {**verdict, "rows": [{**verdict["rows"][0], "verdict": "fine"}]})
    row, counts = verdict["rows"][0], verdict["counts"]
    failed = {"passed": False, "outcome": "failed", "failing": 1, "rows": [row, {**row, "fails": True}]}
    assert _invalid("gate", {**verdict, **failed}) == []
    wrong: list[dict[str, Any]] = [
        {**failed, "rows": [row]},
        {"rows": []},
        {"counts": {**counts, "fine": 1}},
        {"counts": {"ok": 1}},
        {"counts_against_anchor": {**counts, "fine": 1}},
    ]
    for changed in wrong:
        assert _invalid("gate", {**verdict, **changed}), changed
    for name, value in failed.items():
        assert _invalid("gate", {**verdict, name: value}), name


def test_the_verdict_of_a_gate_that_fails_fits_its_schema(tmp_path: Path) -> None:
    """Its rows fail; the same rows are not those of a gate that passed."""
    out = tmp_path / "gate.json"
    old, worse = (str(finished_run(tmp_path / name, share)) for name, share in (("old", 0.8), ("worse", 0.5)))
    assert program("gate", worse, "--baseline", old, "-o", str(out)).code == 1
    verdict = json.loads(out.read_text("utf-8"))
    assert verdict["failing"] == sum(row["fails"] for row in verdict["rows"]) > 0
    assert _invalid("gate", verdict) == []
    assert _invalid("gate", {**verdict, "passed": True, "outcome": "passed", "failing": 0})


def test_a_comparison_fits_its_schema(today: Path, tmp_path: Path) -> None:
    """That of `compare --equivalent -o FILE.json`; the verdict of a gate does not."""
    out, run = tmp_path / "compared.json", str(today)
    assert program("compare", run, run, "--equivalent", "1", "-o", str(out)).code == 0
    content = json.loads(out.read_text("utf-8"))
    assert {row["verdict"] for row in content["rows"]} == {"equivalent"}
    assert _invalid("compare", content) == []
    for verdict in ("ok", "regressed", ""):
        assert _invalid("compare", {**content, "rows": [{**content["rows"][0], "verdict": verdict}]}), verdict


OWN = """
name = "shop"
version = "1"
summary = "Reviews."
languages = ["en", "es"]
[sentiment]
target = "choice"
labels = ["bad", "good"]
texts = ["text"]
splits = ["test"]
[products]
target = "tags"
labels = ["O", "B-BRAND"]
splits = ["train", "test"]
languages = ["en"]
[help]
target = "spans"
splits = ["test"]
[xnli]
splits = ["test"]
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "shop"\n', ""),
        ('"choice"', '"choices"'),
        ('splits = ["test"]\n[products]', "[products]"),
        ('["bad", "good"]', '["bad", "bad"]'),
        ('target = "spans"', 'target = "spans"\nlabels = ["a", "b"]'),
        ("[xnli]", "[xnli]\nlabels = ['a', 'b']"),
        *((f"[{name}]", f"[{wrong}]") for name, wrong in (("sentiment", "Sentiment"), ("help", "a-b"), ("help", "4u"))),
        *(('["text"]', f'["{name}"]') for name in ("id", "cluster", "label", "a-b")),
        *(('"bad"', f'"{label}"') for label in ("", " ", " a", "a ", "a,b", "a\\nb", "a\\u0000", "a\\u00a0b")),
        *(
            ("[sentiment]", f"read_by = {value}\n[sentiment]")
            for value in ('"--data=a"', "[]", '["--limit=1"]', '["a"]')
        ),
    ],
)
def test_a_suite_that_is_refused_does_not_fit_the_schema(old: str, new: str, tmp_path: Path) -> None:
    """The program refuses it, too."""
    assert old in OWN
    text = OWN.replace(old, new, 1)
    assert _invalid("suite", tomllib.loads(text))
    (tmp_path / "suite.toml").write_text(text, "utf-8")
    with pytest.raises(UserError):
        open_suite(tmp_path)


def test_suites_fit_their_schema(tmp_path: Path) -> None:
    """The embedded one, and one with a task of each target; one without a table does not."""
    embedded = (ROOT / "src/robust_xtreme/_mini/suite/suite.toml").read_text("utf-8")
    several = OWN.replace('"bad"', '"not  good"').replace('["text"]', '["ids", "labels"]')
    assert _invalid("suite", *map(tomllib.loads, (embedded, OWN, several))) == []
    (tmp_path / "suite.toml").write_text(several, "utf-8")
    assert open_suite(tmp_path).own_tasks["sentiment"].texts == ("ids", "labels")
    head = tomllib.loads(OWN.partition("[sentiment]")[0])
    assert _invalid("suite", {**head, "licence": "MIT", "read_by": ["--data=a.csv"]})


def test_a_suite_that_the_program_writes_fits_its_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of a file of rows, whose options it has."""
    monkeypatch.chdir(tmp_path)
    Path("reviews.csv").write_text("review,label,lang\nfine,good,en\nbad,poor,en\nmal,poor,es\n", "utf-8")
    rows = "--data reviews.csv --fields review --gold label --language-field lang --format csv"
    done = program(*f"eval --model mini {rows} --perturb char_noise:0.1 --plan".split())
    (written,) = Path("runs/data").glob("*/suite.toml")
    suite = tomllib.loads(written.read_text("utf-8"))
    assert suite["read_by"] == [
        "--data=reviews.csv",
        "--fields=review",
        "--gold=label",
        "--language-field=lang",
        "--format=csv",
    ], done.err
    assert _invalid("suite", suite) == []


def _tiny() -> dict[str, Any]:
    """The study of the tests without its scales, wherever its file is: it is whole."""
    study = tomllib.loads((ROOT / "tests/tiny_study.toml").read_text("utf-8"))
    study["train"]["text"] = str(ROOT / "tests/tiny_study.txt")
    return {key: value for key, value in study.items() if key != "scales"}


def _toml(value: Any) -> str:
    """A value as toml in one line."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(key)} = {_toml(each)}' for key, each in value.items())}}}"
    return f"[{', '.join(map(_toml, value))}]" if isinstance(value, list) else json.dumps(value)


def _planned(study: dict[str, Any], path: Path) -> StudyPlan:
    """The plan of a study that is written to a file."""
    path.write_text("".join(f"{key} = {_toml(value)}\n" for key, value in study.items()), "utf-8")
    return plan_of(study_file.read(str(path)), path.parent / "out")


def test_files_of_studies_fit_their_schema() -> None:
    """Those that are shipped and that of the tests, also without its scales, and where a scale has what it needs."""
    paths = [*sorted((ROOT / "configs/studies").glob("*.toml")), ROOT / "tests/tiny_study.toml"]
    studies = [tomllib.loads(path.read_text("utf-8")) for path in paths]
    assert len(studies) > 5
    assert _invalid("study", *studies, _tiny()) == []
    cost, parts = {"device": "a core", "tflops": 1, "parameters": 1}, ("targets", "arms", "analysis")
    kept = {key: value for key, value in _tiny().items() if key not in parts}
    scaled = {**kept, "scales": {"a": {}, "b": {**{key: _tiny()[key] for key in parts}, "cost": {"parameters": 1}}}}
    assert _invalid("study", {**scaled, "cost": {**cost, "tflops": 0.5}}) == []
    assert _invalid("study", {**scaled, "cost": {"device": "a core"}})
    for name, table in (("analysis", {"without": "none"}), ("power", {"effect": 1})):
        assert _invalid("study", {**_tiny(), name: table}), name
    assert _invalid("study", scaled)  # [scales.b.cost] is not whole, and there is no other


@pytest.mark.parametrize(
    "changed",
    [
        {"desing": "robustness"},
        {"design": "robustnes"},
        {"seeds": "3"},
        {"seeds": 0},
        {"device": "tpu"},
        {"train": {"lrr": 1}},
        {"train": {"clip": -1.0}},
        *({"targets": {"panx": {"lr": rate}}} for rate in (1, -1.0)),
        {"targets": {"panx": {"masked_lm": 1}}},
        {"arms": {"a": {"intermediate": {"stpes": 1}}}},
        {"arms": {"a b": {}}},
        {"evaluate": {"panx": {"limti": "8"}}},
        *({"evaluate": {name: value}} for name in ("perturb", "languages") for value in ("sw,tr", [""], [1])),
        {"evaluate": {"panx": {"languages": "sw"}}},
        {"analysis": {"wihtout": "none"}},
        {"analysis": {"arms": "xnli"}},
        {"scales": {"small": {"sedes": 1}}},
        {"scales": {"a b": {}}},
        {"cost": {"device": "a core", "tflops": 1}},
        {"power": {"effect": 0}},
        {"attack": {"arm": "none"}},
        {"attack": {"arm": "none", "spec": "char_attack", "seed": -1}},
        *({name: None} for name in ("design", "targets", "arms", "analysis")),
    ],
    ids=str,
)
def test_a_file_of_a_study_that_is_refused_does_not_fit_the_schema(changed: dict[str, Any], tmp_path: Path) -> None:
    """The program refuses it, too: a key of nobody, a value of another type or range, and what is missing."""
    whole = study_file._overlaid(_tiny(), changed)
    study = {key: value for key, value in whole.items() if value is not None}
    assert _invalid("study", study)
    assert _planned(_tiny(), tmp_path / "study.toml").todo
    with pytest.raises(UserError):
        _planned(study, tmp_path / "study.toml")


def test_a_file_of_a_design_alone_does_not_fit_the_schema() -> None:
    """It has neither targets, nor arms, nor an analysis."""
    assert len(_invalid("study", {"design": "robustness"})) == 3
