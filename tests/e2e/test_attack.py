"""Attacks in eval, on the embedded model: what they cost, what they leave, and that nothing else decides it."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

import robust_xtreme
from robust_xtreme.core.errors import RobustXtremeError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.models.predictors.loaded import Loaded
from robust_xtreme.report.document import results_of, show
from robust_xtreme.report.evaluation import Evaluation
from robust_xtreme.run.run import evaluate

TASKS = ("xnli", "xcopa", "panx", "xquad")


def attacked(
    out: Path, *perturb: str, tasks: Sequence[str] = ("xnli",), cache: bool = False, **other: Any
) -> Evaluation:
    """A run of attacks in Swahili."""
    spec = RunSpec(tasks=tuple(tasks), languages=("sw",), perturb=perturb, out=str(out), **{"limit": "20", **other})
    return evaluate(spec, cache=cache)


def predictions(out: Path) -> pl.DataFrame:
    """The predictions of a run under attacks."""
    return pl.read_parquet(out / "predictions.parquet").filter(pl.col("queries").is_not_null())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of all families that a head answers."""
    out = tmp_path_factory.mktemp("attacked") / "run"
    attacked(out, "attack_keys:0.2@queries=10", tasks=TASKS, limit="12")
    return out


def test_no_item_has_more_queries_than_the_budget(run: Path) -> None:
    """Every attacked item has between 0 and 10 queries, and one with an edit that fits has some."""
    rows = predictions(run)
    assert rows.get_column("queries").is_between(0, 10).all()
    assert set(rows.get_column("task").unique()) == set(TASKS)
    assert rows.filter(pl.col("edits") > 0).get_column("queries").min() > 0  # type: ignore[operator]  # a whole number


def test_the_robust_score_is_never_above_the_clean_one(run: Path) -> None:
    """Each item counts under the worst of what was submitted and its clean text, by its headline metric."""
    stats = pl.read_parquet(run / "stats.parquet").filter(
        ~pl.col("model").str.contains("/"), scope="all", metric="accuracy"
    )
    clean = stats.filter(condition="clean").select("task", "example", clean=pl.col("stats").list.first())
    robust = stats.filter(pl.col("condition").str.starts_with("attack_")).join(clean, on=["task", "example"])
    assert robust.height
    assert (robust.get_column("stats").list.first() <= robust.get_column("clean")).all()


def test_wrong_items_are_skipped_and_their_texts_stay(run: Path) -> None:
    """An item that is wrong when clean has no queries and no edits, and says so."""
    rows = pl.read_parquet(run / "predictions.parquet").filter(status="skipped_wrong")
    assert rows.height
    assert rows.get_column("edits").sum() == 0
    assert rows.get_column("queries").null_count() == rows.height


def test_an_attack_adds_no_test_and_no_average(tmp_path: Path) -> None:
    """Beside one noise the family has that noise alone; what attacks leave is in no rank of noises, and is named."""
    made = attacked(tmp_path / "run", "attack_keys:0.2@queries=2", "char_noise:0.1", limit="66")
    noise = "char_noise:0.1@fields=premise,hypothesis"
    assert made.deltas.filter(pl.col("p").is_not_null()).select("condition", "m").rows() == [(noise, 1)]
    assert set(made.averages.filter(pl.col("drop").is_not_null())["condition"]) == {noise}
    text = (tmp_path / "run/report.md").read_text("utf-8")
    assert "3 selected" in text
    worst, attacks = (text.partition(f"## {title}")[2].partition("\n## ")[0] for title in ("Worst cells", "Attacks"))
    assert "attack_keys" not in worst
    assert "ranked" in attacks
    heat = (tmp_path / "run/report.html").read_text("utf-8").partition('id="heat"')[2].partition("</section>")[0]
    assert "char_noise:0.1" in heat
    assert "attack_keys" not in heat
    shown = io.StringIO()
    show(Console(file=shown, width=100, color_system=None), results_of(tmp_path / "run"))
    assert "Attacks: xnli, test, accuracy" in shown.getvalue()


def test_an_attack_has_its_comparators_and_its_table(run: Path) -> None:
    """Random search and one draw with as many edits are beside each attack, in frames and in the report."""
    conditions = pl.read_csv(run / "conditions.csv").filter(fields="premise,hypothesis")
    assert sorted(conditions.get_column("kind")) == ["attack", "attack", "noise"]
    table = pl.read_csv(run / "attacks.csv")
    assert table.filter(pl.col("condition").str.contains("search=random")).height == table.height // 2
    assert "## Attacks" in (run / "report.md").read_text(encoding="utf-8")
    edited = pl.read_parquet(run / "predictions.parquet").filter(
        pl.col("condition").str.contains("@like="), task="xnli"
    )
    wanted = predictions(run).filter(~pl.col("condition").str.contains("random"), task="xnli")
    assert edited.get_column("edits").sum() == pytest.approx(wanted.get_column("edits").sum(), rel=0.5)


@pytest.mark.usefixtures("no_pages")
@pytest.mark.long
def test_batches_do_not_change_an_attack(run: Path, tmp_path: Path) -> None:
    """With batches of a sixteenth the texts, answers and counts are the same bytes."""
    attacked(tmp_path / "run", "attack_keys:0.2@queries=10", tasks=TASKS, limit="12", batch_tokens=256)
    for name in ("predictions.parquet", "stats.parquet", "attacks.csv", "scores.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (run / name).read_bytes(), name


_NEAR = "attack_keys:0.3@queries=10@search=greedy@similar=0.9"


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with a floor of similarity."""
    out = tmp_path_factory.mktemp("near") / "run"
    attacked(out, _NEAR, tasks=("xnli", "panx"), limit="8", workers="0")
    return out


@pytest.mark.usefixtures("no_pages")
def test_a_floor_of_similarity_leaves_fewer_edits(near: Path, tmp_path: Path) -> None:
    """In each task, and the floor is recorded."""
    attacked(tmp_path / "run", _NEAR.removesuffix("@similar=0.9"), tasks=("xnli", "panx"), limit="8")
    floored, free = (predictions(out).group_by("task").agg(pl.col("edits").sum()) for out in (near, tmp_path / "run"))
    both = free.join(floored, on="task")
    assert both.height == 2
    assert (both.get_column("edits") > both.get_column("edits_right")).all()
    named = pl.read_csv(near / "conditions.csv").get_column("constraints").drop_nulls()
    assert set(named) == {"words<=0.3 similar>=0.9"}


@pytest.mark.usefixtures("no_pages")
@pytest.mark.process
def test_a_floor_of_similarity_is_the_same_anywhere(near: Path, tmp_path: Path) -> None:
    """In small batches, and with a worker process, which asks this one for vectors, the bytes are the same."""
    attacked(tmp_path / "run", _NEAR, tasks=("xnli", "panx"), limit="8", batch_tokens=128, workers="1")
    for name in ("predictions.parquet", "stats.parquet", "attacks.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (near / name).read_bytes(), name


@pytest.mark.usefixtures("no_pages")
def test_a_budget_of_nothing_edits_nothing(tmp_path: Path) -> None:
    """Without queries, and at strength 0, every text is the clean one and no attack succeeds."""
    attacked(tmp_path / "run", "attack_keys:0.2@queries=0", "attack_letters:0@queries=5")
    rows = predictions(tmp_path / "run")
    assert rows.height
    assert (rows.get_column("edits").sum(), rows.get_column("success").any()) == (0, False)
    assert rows.filter(pl.col("condition").str.contains("keys")).get_column("queries").sum() == 0


@pytest.mark.usefixtures("no_pages")
def test_labels_alone_are_enough(tmp_path: Path) -> None:
    """An attacker that sees no scores succeeds, too."""
    run = attacked(tmp_path / "run", "attack_keys:0.3@queries=20@access=labels")
    assert predictions(tmp_path / "run").get_column("success").any()
    assert run.scores.height


@pytest.mark.usefixtures("no_pages")
def test_what_was_asked_is_not_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A second run, as one that continues a killed one, computes nothing, and ends at the same bytes."""
    monkeypatch.setenv("ROBUST_XTREME_CACHE", str(tmp_path_factory.mktemp("cache")))
    computed: list[int] = []
    scores = Loaded.scores

    def counting(self: Loaded, batches: Any, done: Any, advance: Any) -> Any:
        computed.append(len(batches))
        return scores(self, batches, done, advance)

    monkeypatch.setattr(Loaded, "scores", counting)
    attacked(tmp_path / "one", "attack_keys:0.2@queries=10", cache=True)
    first = len(computed)
    attacked(tmp_path / "two", "attack_keys:0.2@queries=10", cache=True)
    assert len(computed) == first > 1
    names = ("predictions.parquet", "attacks.csv")
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in names)


def test_an_unknown_search_is_one_line(tmp_path: Path) -> None:
    """A search that does not exist is named, with those that do."""
    with pytest.raises(RobustXtremeError, match="'magic'"):
        attacked(tmp_path / "run", "attack_keys:0.2@search=magic")


def test_texts_of_an_attack_are_read_on_a_model(run: Path, tmp_path: Path) -> None:
    """The model that was attacked answers the frozen texts as it did in the attack, without a query."""
    attacked(tmp_path / "run", tasks=("xnli", "xquad"), limit="12", frozen=(f"{run}=attack_keys",))
    rows = pl.read_parquet(tmp_path / "run" / "predictions.parquet").filter(pl.col("condition") != "clean")
    before = pl.read_parquet(run / "predictions.parquet").filter(
        pl.col("condition").str.contains(r"^attack_keys:0.2@queries=10@fields"), pl.col("task").is_in(["xnli", "xquad"])
    )
    key = ["task", "example", "operators", "prediction"]
    assert rows.select(key).sort(key).equals(before.select(key).sort(key))
    assert rows.get_column("queries").null_count() == rows.height
    kinds = pl.read_csv(tmp_path / "run" / "conditions.csv").filter(kind="frozen")
    assert set(kinds.get_column("victim")) == set(pl.read_csv(run / "scores.csv").get_column("model"))
    samples = (tmp_path / "run" / "report.html").read_text(encoding="utf-8").split('<article class="sample"')[1:]
    assert any("frozen:attack_keys" in sample and "<ins>" in sample for sample in samples)
    notes = [robust_xtreme.compare(each, each).note for each in (tmp_path / "run", run)]
    assert ["harder" in note for note in notes] == [True, False]


@pytest.mark.parametrize(
    ("name", "limit", "line"),
    [
        ("=attack_letters", "20", "attack_letters"),
        ("", "40", "xnli/test/sw/"),
        ("-gone", "20", "run of eval"),
    ],
)
def test_frozen_texts_that_do_not_fit_are_one_line(run: Path, tmp_path: Path, name: str, limit: str, line: str) -> None:
    """An attack that the run does not have, items that were not attacked, and a folder without a run."""
    spec = RunSpec(tasks=("xnli",), languages=("sw",), frozen=(f"{run}{name}",), limit=limit, out=str(tmp_path / "run"))
    with pytest.raises(RobustXtremeError, match=line):
        evaluate(spec, cache=False)


def test_frozen_texts_that_were_changed_are_refused(run: Path, tmp_path: Path) -> None:
    """A part that is not the one that the run wrote is named."""
    copied = tmp_path / "copied"
    shutil.copytree(run, copied)
    (path,) = [path for path in (copied / "parts").iterdir() if "attacked" in path.name and "xnli" in path.name]
    path.write_bytes(path.read_bytes() + b"0")
    with pytest.raises(RobustXtremeError, match="the run wrote"):
        attacked(tmp_path / "run", frozen=(str(copied),))
