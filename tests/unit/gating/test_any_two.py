"""Any two models are compared, whatever prompts, lengths or layers each has; a gate still refuses other settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.finished_runs import finished_run
from tests.program import program
from tests.stats_rows import NOISE

from robust_xtreme import compare, gate
from robust_xtreme.core.errors import Mismatch
from robust_xtreme.gating.baselines import save
from robust_xtreme.gating.two_models import pair_settings
from robust_xtreme.report.blocks import Bullets, Table, text_of
from robust_xtreme.stats.run_cells import KEY

E5 = 'max_length=128/512 representation=modules:mean,normalize query_prompt="query: "'
MINILM = "max_length=128/128 representation=modules:mean"
NAMES = ("setting", "inference")


def _run(folder: Path, inference: str, share: float = 0.9, draw: int = 0, **changes: Any) -> Path:
    return finished_run(folder, share, draw, count=600, inference=inference, **changes)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two models with settings of their own, the second of which knows far less."""
    folder = tmp_path_factory.mktemp("two")
    return str(_run(folder / "e5", E5)), str(_run(folder / "minilm", MINILM, 0.3, 1))


def test_models_with_other_settings_have_the_differences_of_models_with_equal_ones(
    runs: tuple[str, str], tmp_path: Path
) -> None:
    """Every number is the same, and the rows name the settings of both."""
    alike = _run(tmp_path / "alike", E5, 0.3, 1)
    other, same = compare(*runs).frame, compare(runs[0], alike).frame
    assert other.drop(NAMES).equals(same.drop(NAMES))
    assert set(other.filter(kind="cell")["inference"]) == {f"{E5} | {MINILM}"}
    assert other["harmful"].count() == same["harmful"].count() == 4


def test_the_two_stand_beside_each_other(runs: tuple[str, str]) -> None:
    """By language the clean and the noisy level and the share that is lost, and the difference with its interval."""
    comparison = compare(*runs)
    (bullets,) = [each for each in comparison.beside(10) if isinstance(each, Bullets)]
    assert [text_of(item).partition(" with ")[2] for item in bullets.items] == [
        'max_length=128/512 representation=modules:mean,normalize query_prompt="query: "',
        "max_length=128/128 representation=modules:mean",
    ]
    (table,) = [each for each in comparison.beside(10) if isinstance(each, Table)]
    assert [column.title for column in table.columns][:4] == ["language", "e5 clean", "e5 noisy", "e5 lost"]
    assert (table.over, table.rows[0][0]) == (1, "mean of 2")
    rows = {(row["kind"], row["language"], row["scale"]): row for row in comparison.frame.iter_rows(named=True)}
    for cells in table.rows[1:]:
        clean, noisy = (rows["cell", str(cells[0]), scale] for scale in ("clean", "perturbed"))
        wanted = []
        for side in ("baseline", "candidate"):
            share = 100 * (clean[side] - noisy[side]) / clean[side]
            wanted += [f"{clean[side]:.1f}", f"{noisy[side]:.1f}", f"{share:.1f} %"]
        interval = f"[{noisy['joint_low']:.1f}, {noisy['joint_high']:.1f}]"
        assert list(cells[1:-1]) == [*wanted, f"{noisy['difference']:+.1f} {interval}"]


def test_the_answer_fits_on_a_screen(runs: tuple[str, str]) -> None:
    """The command prints the settings, a table with all columns within 80 characters, and the means."""
    ended = program("compare", *runs, COLUMNS="80")
    assert ended.code in (0, None), ended.err
    assert "By cell" not in ended.out
    assert 'query_prompt="query: "' in ended.out
    assert ended.out.count("\n") < 50


def test_points_have_the_share_that_is_lost_beside_them(runs: tuple[str, str], tmp_path: Path) -> None:
    """Of changes, in every table, also of two models with the same settings."""
    other = _run(tmp_path / "other", E5, 0.3, 1)
    text = next(table for table in _tables(compare(runs[0], other)) if table.columns[0].heading == "task")
    lost = next(at for at, column in enumerate(text.columns) if column.heading == "lost")
    assert [bool(row[lost]) for row in text.rows] == ["change" in row for row in text.rows]
    assert next(str(row[lost]) for row in text.rows if row[lost]).count(" %") == 2


def _tables(comparison: Any) -> list[Table]:
    return [block for block in comparison.blocks(60) if isinstance(block, Table)]


def test_a_gate_refuses_other_settings_and_names_compare(runs: tuple[str, str], tmp_path: Path) -> None:
    """In one line with both values; so does a baseline of several runs. Other data are refused by both."""
    with pytest.raises(Mismatch, match="robust-xtreme compare") as error:
        gate(runs[1], runs[0])
    assert "\n" not in str(error.value)
    with pytest.raises(Mismatch, match="inference"):
        save([Path(runs[0]), Path(runs[1]), _run(tmp_path / "third", E5, draw=3)], "main", tmp_path / "baselines")
    data = _run(tmp_path / "data", MINILM, unit={"data": "y"})
    with pytest.raises(Mismatch, match="the data of xnli/de") as refused:
        gate(data, runs[0])
    assert "robust-xtreme compare" not in str(refused.value)


OTHERS: dict[str, dict[str, Any]] = {
    "noise": {"noise": NOISE.replace("0.1", "0.2")},
    "pool": {"unit": {"pool": "p"}},
    "limit": {"spec": {"limit": "9"}},
}


@pytest.mark.parametrize("word", OTHERS)
def test_other_noise_pools_and_items_are_not_compared(runs: tuple[str, str], tmp_path: Path, word: str) -> None:
    """Whatever the settings of the models are."""
    with pytest.raises(Mismatch, match=word):
        compare(runs[0], _run(tmp_path / "other", MINILM, **OTHERS[word]))


def test_a_saved_baseline_is_compared_with_a_model_of_other_settings(runs: tuple[str, str], tmp_path: Path) -> None:
    """The differences are those of its run, with items and by levels alone."""
    path = save([Path(runs[0])], "main", tmp_path)
    frame = compare(path, runs[1]).frame
    assert frame["difference"].equals(compare(*runs).frame["difference"])
    path.with_suffix(".parquet").unlink()
    alone = compare(path, runs[1])
    assert set(alone.frame["scale"]) == {"clean", "perturbed"}
    assert not [block for block in alone.beside(10) if isinstance(block, Table)]


def test_equal_weights_with_other_settings_are_not_equivalent_without_a_proof(
    runs: tuple[str, str], tmp_path: Path
) -> None:
    """No item differs, but another prompt is another model: only intervals show equivalence."""
    same = _run(tmp_path / "same", MINILM)
    assert set(compare(runs[0], runs[0], equivalent=0.1).frame["verdict"]) == {"equivalent"}
    assert set(compare(runs[0], same, equivalent=0.1).frame["verdict"]) == {"undecided"}


def test_vectors_of_one_size_are_paired() -> None:
    """Of several sizes in each run those in both; one with any, also beside cells that are asked alike in both.

    Without a common size they are refused, and where it is not known which of several belong together.
    """

    def keys(*inferences: str) -> list[tuple[str, ...]]:
        return [tuple({"inference": each}.get(name, name) for name in KEY) for each in inferences]

    def paired(*sides: list[tuple[str, ...]]) -> list[str]:
        return sorted({key[KEY.index("inference")] for key in pair_settings(*sides)[0].values()})

    assert paired(keys("a dims=64", "a dims=16"), keys("b dims=16", "b dims=8")) == ["a dims=16 | b dims=16"]
    assert paired(keys("a dims=64"), keys("a")) == ["a dims=64 | a"]
    assert paired(keys("a", "b"), keys("b", "c")) == ["a | c"]
    with pytest.raises(Mismatch, match="dims"):
        paired(keys("a dims=64", "a dims=16"), keys("b"))
    with pytest.raises(Mismatch, match="several settings"):
        paired(keys("a", "b"), keys("c", "d"))


def test_a_page_has_both_beside_each_other(runs: tuple[str, str], tmp_path: Path) -> None:
    """That of `report`, which compares two runs of any settings, too."""
    ended = program("report", *runs, "-o", str(tmp_path / "page.html"))
    assert ended.code in (0, None), ended.err
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "e5 lost" in text
    assert "max_length=128/128" in text
