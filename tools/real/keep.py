"""Keeps what is finished of `make real` under reports/real: pages, the frames of each run, and tables over all runs.

    python -m tools.real.keep [OUT] [FOLDER]

`FOLDER/runs` has the frames of the runs of PAN-X over training seeds and with noise in training (KEPT_RUNS), with the
commands that made them; what the other runs have is in the report and the tables.
The first run of each task, their answers exported and imported as one run, is the report in FOLDER itself:
`report.md`, `report.html` without texts of data, and a page for each language. `FOLDER/tables` has what is over all
runs: `levels.csv`, the clean level and the drop of each task, language, noise and training seed; `means.csv`, averages
over languages and over the languages of a script, as the runs have them; `clean.csv`, clean levels on average over
languages; `attacks.csv`; `training_noise.csv`, what noise in training wins back; `gate.csv` and
`coverage.csv`. `details.md` (tools/real/page.py) and `README.md` (tools/real/learned.py) are made of these tables
alone, whatever stages are finished.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl
from tools import keep_report, language_pages, real_data
from tools.real import learned, page, tables
from tools.real.stages import EVAL, FINISHED, OUT, Asked, stages

from robust_xtreme import api
from robust_xtreme.core.languages import ALL_LANGUAGES, language
from robust_xtreme.files import store
from robust_xtreme.files.schema import CHANCE, SHALLOW
from robust_xtreme.noise.conditions.condition import CLEAN
from robust_xtreme.report.document import results_of
from robust_xtreme.report.view import Results
from robust_xtreme.stats.averages import LANGUAGES

FOLDER: Final = Path("reports/real")
_SCRIPT: Final = "script"
JOINED: Final = ("panx-s0", "udpos", "xnli", "qa", "tydiqa_sw", "xcopa", "masakhaner", "tatoeba", "lareqa")
"""The runs that are one report: the first of each task."""

KEPT_RUNS: Final = ("panx-s0", "panx-s1", "panx-s2", "panx-noise")
"""The runs whose frames are kept one by one: the report has the first seed alone, and no noise in training."""

LEFT_OUT: Final = "natural:0.05"
"""The noise that the joint report does not have: with one strength a noise the page takes less than 1 MB."""

NAME: Final = "e5-small"
"""What the model is called there."""

_LEVELS: Final = {
    "clean": "clean",
    "drop": "drop",
    "low": "low",
    "high": "high",
    "joint_low": "joint_low",
    "joint_high": "joint_high",
    "marks": "marks",
    "clusters": "clusters",
    "above_chance": "above_chance",
    "edits": "grapheme_edit_rate",
    "tokens_clean": "tokens_per_word_clean",
    "tokens": "tokens_per_word",
}
"""Columns of `levels.csv` and those of the frame DELTAS that they are."""

_NAMED: Final = dict.fromkeys(("run", "task", "split", "language", "script", "noise", "fields", "metric"), pl.String)
LEVELS: Final = {
    **_NAMED,
    "seed": pl.Int64,
    **{name: pl.String if name == "marks" else pl.Float64 for name in _LEVELS},
}
MEANS: Final = {
    **dict.fromkeys(("run", "task", "kind", "name", "noise", "fields", "languages"), pl.String),
    **dict.fromkeys(("clean", "drop", "low", "high", "widened_se", "df"), pl.Float64),
}
CLEANS: Final = {
    **dict.fromkeys(("run", "task", "metric"), pl.String),
    "languages": pl.Int64,
    "value": pl.Float64,
}
ATTACKED: Final = {
    **dict.fromkeys(("run", "task", "language", "attack"), pl.String),
    **dict.fromkeys(("n", "attacked"), pl.Int64),
    **dict.fromkeys(("success", "success_low", "success_high", "queries", "words"), pl.Float64),
    **dict.fromkeys(("below_random", "below_random_low", "below_random_high"), pl.Float64),
}
TRAINING_NOISE: Final = {
    **dict.fromkeys(("trained_on", "task", "noise", "scale"), pl.String),
    "languages": pl.Int64,
    **dict.fromkeys(("without", "with", "difference", "low", "high"), pl.Float64),
}
FRAMES: Final[Mapping[str, Mapping[str, Any]]] = {
    "levels": LEVELS,
    "means": MEANS,
    "clean": CLEANS,
    "attacks": ATTACKED,
    "training_noise": TRAINING_NOISE,
}
"""The columns of each frame beside the page."""


def split(condition: str) -> tuple[str, str]:
    """The noise and the fields of a condition, as in `char_noise:0.1@fields=question`."""
    noise, _, fields = condition.partition("@fields=")
    return noise, fields


def levels(name: str, results: Results, seed: int | None) -> Iterator[dict[str, Any]]:
    """The cells of the headline metrics, without attacks."""
    attacked = set(results.conditions.filter(kind="attack").get_column("condition"))
    for row in results.deltas.filter(scope="all").iter_rows(named=True):
        if row["metric"] != results.metrics(row["task"])[0] or row["condition"] in attacked:
            continue
        noise, fields = split(row["condition"])
        code = row["language"].partition("@")[0]
        script = language(code).script if code in ALL_LANGUAGES else ""
        named = {key: row[key] for key in ("task", "split", "language", "metric")}
        values = {column: row[source] for column, source in _LEVELS.items()}
        yield {"run": name, **named, "script": script, "noise": noise, "fields": fields, "seed": seed, **values}


def means(name: str, results: Results) -> Iterator[dict[str, Any]]:
    """Averages of the headline metrics over languages, and over those of a script."""
    for row in results.averages.filter(pl.col("kind").is_in([LANGUAGES, _SCRIPT])).iter_rows(named=True):
        if row["metric"] == results.metrics(row["task"])[0]:
            noise, fields = split(row["condition"])
            yield {"run": name, "noise": noise, "fields": fields, **{key: row[key] for key in MEANS if key in row}}


def clean_levels(name: str, results: Results) -> Iterator[dict[str, Any]]:
    """The mean of each metric's clean level over languages; pairs of two languages are left out."""
    of_clean = results.scores.filter(pl.col("condition") == CLEAN, scope="all")
    of_clean = of_clean.filter(~pl.col("language").str.contains("@"))
    for (task, metric), rows in of_clean.group_by("task", "metric", maintain_order=True):
        values = rows.get_column("value")
        yield {"run": name, "task": task, "metric": metric, "languages": len(values), "value": values.mean()}


def attacks(name: str, results: Results) -> Iterator[dict[str, Any]]:
    """What each attack reached."""
    for row in results.attacks.iter_rows(named=True):
        named = {"run": name, "attack": split(row["condition"])[0]}
        yield named | {key: row[key] for key in ATTACKED if key in row}


def seed_of(run: Path) -> int | None:
    """The training seed of the model of a run; None where it has no head."""
    found = pl.read_csv(run / "models.csv").get_column("train_seed").drop_nulls().to_list()
    return int(found[0]) if found else None


def commands(name: str, known: Mapping[str, Any]) -> list[str]:
    """The commands that a stage was made by: those that it needs, its own, and the one that keeps it."""
    needed = [known[need]["command"] for need in known[name]["needs"] if need in known]
    return [*needed, known[name]["command"]]


def kept(out: Path, folder: Path) -> tuple[list[Path], list[str]]:
    """Keep the frames of KEPT_RUNS; returns all finished runs in the order of the plan, and the names that miss."""
    known = store.read_json(out / FINISHED) if (out / FINISHED).is_file() else {}
    plans = [stages(Asked(out / "data", out=out, full=full)) for full in (False, True)]
    default, full = ([stage.name for stage in plan if stage.kind == EVAL] for plan in plans)
    wanted = [*default, *(name for name in full if name in known and name not in default)]
    folders = []
    for name in wanted:
        run = out / name
        if name in known and (run / "manifest.json").is_file():
            if name.partition("-")[2] in KEPT_RUNS:
                keep_report.keep_frames(run, folder / name, commands(name, known))
            folders.append(run)
    return folders, [name for name in default if name not in known]


def training_noise(out: Path, grid: str) -> Iterator[dict[str, Any]]:
    """What noise in training changes, on clean and on noisy text, as means over languages."""
    plain, noised = (out / f"{grid}-{name}" for name in ("panx-s0", "panx-noise"))
    if (plain / "manifest.json").is_file() and (noised / "manifest.json").is_file():
        frame = api.compare(str(plain), str(noised)).frame
        of_levels = frame.filter(pl.col("scale").is_in(["clean", "perturbed"]), kind="task")
        for row in of_levels.iter_rows(named=True):
            named = {key: row[key] for key in ("task", "scale", "difference", "low", "high")}
            values = {"without": row["baseline"], "with": row["candidate"], "languages": row["cells"]}
            yield {"trained_on": "char_noise:0.1", "noise": split(row["condition"])[0], **named, **values}


def joined(out: Path, grid: str, known: Mapping[str, Any], folder: Path) -> None:
    """Write the first runs of all tasks as one report, whose commands are those of its parts."""
    names = [name for each in JOINED if (name := f"{grid}-{each}") in known]
    run, place = out / "joined", out / "lines"
    store.make_folder(place)
    files = [str(place / f"{name}.jsonl") for name in names]
    for name, file in zip(names, files, strict=True):
        _program("export", str(out / name), "--jsonl", "-o", file, "--force")
        write_joint(Path(file))
    _program("import", *files, "-o", str(run), "--force")
    made = list(dict.fromkeys(command for name in names for command in commands(name, known)))
    keep_report.keep(run, folder, [*made, "python -m tools.real.keep"])
    _program("report", str(folder), "-o", str(folder / "report.html"), "--no-texts", "--force")
    language_pages.write(folder)


def write_joint(lines: Path) -> None:
    """Give the heads of all tasks the name of their encoder, so that they are one model; comparators keep theirs.

    Rows of the noise LEFT_OUT are dropped.
    """
    rows = [json.loads(line) for line in lines.read_text("utf-8").splitlines()]
    rows = [row for row in rows if split(row["condition"])[0] != LEFT_OUT]
    named = [row if row["model"].startswith((CHANCE, SHALLOW)) else {**row, "model": NAME} for row in rows]
    lines.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in named), "utf-8")


def _program(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "robust_xtreme", *words], check=True, stdout=subprocess.DEVNULL)


def write_tables(folder: Path, runs: Sequence[Path], trained: Iterator[dict[str, Any]]) -> None:
    """Write the tables that the pages are made of, from the runs that are kept."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in FRAMES}
    for run in runs:
        results, name = results_of(run), run.name
        rows["levels"] += levels(name, results, seed_of(run))
        rows["means"] += means(name, results)
        rows["clean"] += clean_levels(name, results)
        rows["attacks"] += attacks(name, results)
    rows["training_noise"] += trained
    for name, schema in FRAMES.items():
        if not rows[name]:
            continue
        made = pl.DataFrame([{key: row.get(key) for key in schema} for row in rows[name]], schema=dict(schema))
        store.write_text(folder / f"{name}.csv", made.write_csv(float_precision=4))


def write(out: Path, folder: Path) -> tuple[list[Path], list[str]]:
    """Keep what is finished and write all pages; returns the finished runs and the names of those that miss."""
    known = store.read_json(out / FINISHED) if (out / FINISHED).is_file() else {}
    runs, missing = kept(out, folder / "runs")
    if not runs:
        raise SystemExit(f"No evaluation in {out} is finished. See: python -m tools.real --data DIR --plan")
    grid = "full" if any(name.startswith("full-") for name in known) else "eval"
    place = folder / tables.PLACE
    store.make_folder(place)
    write_tables(place, runs, training_noise(out, grid))
    for name in ("gate", "coverage"):
        if (figures := out / name / "figures.csv").is_file():
            shutil.copyfile(figures, place / f"{name}.csv")
    store.write_json(place / page.MISSING, missing)
    shutil.copyfile(out / "data" / real_data.RECORD, place / real_data.RECORD)
    joined(out, grid, known, folder)
    store.write_text(folder / "details.md", page.page(folder))
    store.write_text(folder / "README.md", learned.page(folder))
    return runs, missing


def main() -> None:
    """Keep what is finished, and write the pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?", default=OUT)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    words = parser.parse_args()
    runs, missing = write(words.out, words.folder)
    print(f"{words.folder / 'README.md'}: {len(runs)} runs, {len(missing)} of the plan not finished")


if __name__ == "__main__":
    main()
