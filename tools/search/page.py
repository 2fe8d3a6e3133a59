"""Writes reports/search of the runs of `make search`: `python -m tools.search.page OUT FOLDER`.

`systems.csv` has each system's level in each language, clean and under each noise, its change with the interval of
its run, and its rank among the systems. `means.csv` has means over the languages that a noise serves, the share of
the clean level that is lost, and the rank. Intervals of ranks, means and shares are the middle 95 % of 2,000
resamples of clusters, the same resamples for all systems, languages and noises of a task. `README.md` and `found.svg`
are made of the two tables alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import altair as alt
import numpy as np
import polars as pl

from robust_xtreme import load
from robust_xtreme.core.languages import language
from robust_xtreme.files import store
from robust_xtreme.report.charts.drawing import alone
from robust_xtreme.report.charts.style import COLOURS, INK, config, extent

_BM25: Final = "search=python:tools.search.systems:bm25"
_E5: Final = "runs/encoders/multilingual-e5-small"
_MINILM: Final = "runs/encoders/all-minilm-l6-v2"


@final
@dataclass(frozen=True, slots=True)
class System:
    """A search system: the folder of its run, its name on the page, and how it is evaluated.

    `minutes` are those of a run on two idle cores.
    """

    run: str
    title: str
    models: tuple[str, ...]
    minutes: float
    config: str = "typed"
    precision: str = ""


SYSTEMS: Final = (
    System("bm25", "BM25", (_BM25,), 2),
    System("tfidf", "TF-IDF of characters", ("search=python:tools.search.systems:tfidf",), 3),
    System("minilm", "MiniLM (English)", (_MINILM,), 4),
    System("e5", "e5", (_E5,), 6),
    System("e5-int8", "e5 in int8", (_E5,), 6, precision="int8"),
    System("e5-half", "e5, half of its numbers", (_E5,), 3, config="typed-half"),
    System("e5-no-prompt", "e5 without its prompt", (_E5,), 6, config="typed-no-prompt"),
    System("bm25-minilm", "BM25, then MiniLM", (_BM25, "rerank=python:tools.search.systems:minilm"), 4),
    System("bm25-e5", "BM25, then e5", (_BM25, "rerank=python:tools.search.systems:e5"), 6),
)

METRICS: Final = {"tatoeba@to=en": "retrieval_accuracy", "lareqa": "map_at_20"}
"""The headline metric of each task."""

CLEAN: Final = "clean"
TYPED: Final = "keyboard_typo:0.1"
"""The noise by which systems are ranked."""

_RESAMPLES: Final = 2000
_BOUNDS: Final = (2.5, 97.5)


def read_items(out: Path) -> pl.DataFrame:
    """One row for each system, task, language, noise and item: its cluster, and its quality from 0 to 1."""
    parts = []
    for system in SYSTEMS:
        stats = load(out / system.run).stats.filter(~pl.col("model").str.contains("^(chance|shallow)/"), scope="all")
        wanted = stats.filter(pl.col("metric") == pl.col("task").replace_strict(METRICS, default=None))
        quality = pl.col("stats").list.get(0) / pl.col("stats").list.get(1)
        names = ("task", "language", "example", "cluster")
        parts.append(wanted.select(*names, noise="condition", quality=quality, system=pl.lit(system.run)))
    items = pl.concat(parts)
    asked = items.group_by("task", "language", "noise", "example").agg(pl.col("system").n_unique())
    if asked.get_column("system").n_unique() != 1:
        raise SystemExit("The runs have different items. Make them again: make search DATA=DIR")
    return items


def resampled_levels(items: pl.DataFrame) -> dict[tuple[str, str, str], Any]:
    """Levels (1 + resamples,) of one task by system, language and noise; the first is that of the items themselves."""
    clusters = {name: number for number, name in enumerate(items.get_column("cluster").unique().sort())}
    count = len(clusters)
    drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), size=_RESAMPLES)
    weights = np.vstack([np.ones(count), drawn])
    levels = {}
    for (system, code, noise), rows in items.group_by("system", "language", "noise"):
        numbers = np.array([clusters[name] for name in rows.get_column("cluster")])
        sums = np.bincount(numbers, rows.get_column("quality").to_numpy(), count)
        levels[str(system), str(code), str(noise)] = (
            100 * (weights @ sums) / (weights @ np.bincount(numbers, minlength=count))
        )
    return levels


def ranks_of(levels: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """The rank of each system by its level, 1 for the best, and the bounds of its rank over the resamples."""
    table = np.array([levels[system.run] for system in SYSTEMS])
    ranks = 1 + (table[:, None, :] < table[None, :, :]).sum(1)
    low, high = np.percentile(ranks[:, 1:], _BOUNDS, axis=1, method="nearest")
    return {
        system.run: {"rank": int(ranks[row, 0]), "rank_low": int(low[row]), "rank_high": int(high[row])}
        for row, system in enumerate(SYSTEMS)
    }


def by_language(out: Path, task: str, levels: Mapping[tuple[str, str, str], Any]) -> Iterator[dict[str, Any]]:
    """The rows of systems.csv of a task."""
    changes = {}
    for system in SYSTEMS:
        deltas = load(out / system.run).deltas.filter(task=task, metric=METRICS[task], scope="all")
        for row in deltas.iter_rows(named=True):
            low, high = (None if row[name] is None else -row[name] for name in ("high", "low"))
            changes[system.run, row["language"], row["condition"]] = {
                "change": row["value"] - row["clean"],
                "low": low,
                "high": high,
                "n": row["n"],
                "clusters": row["clusters"],
                "edited": row["grapheme_edit_rate"],
            }
    for code, noise in sorted({key[1:] for key in levels}):
        ranks = ranks_of({system.run: levels[system.run, code, noise] for system in SYSTEMS})
        for system in SYSTEMS:
            level = float(levels[system.run, code, noise][0])
            named = {"task": task, "language": code, "noise": _without_fields(noise), "system": system.run}
            yield named | {"level": level} | changes.get((system.run, code, noise), {}) | ranks[system.run]


def over_languages(task: str, levels: Mapping[tuple[str, str, str], Any]) -> Iterator[dict[str, Any]]:
    """The rows of means.csv of a task."""
    for noise in sorted({noise for _, _, noise in levels}):
        codes = sorted({code for _, code, other in levels if other == noise})
        means = {
            (system.run, kind): np.mean([levels[system.run, code, kind] for code in codes], 0)
            for system in SYSTEMS
            for kind in (noise, CLEAN)
        }
        ranks = ranks_of({system.run: means[system.run, noise] for system in SYSTEMS})
        for system in SYSTEMS:
            noisy, clean = means[system.run, noise], means[system.run, CLEAN]
            lost = 100 * (clean - noisy) / clean
            named = {"task": task, "noise": _without_fields(noise), "system": system.run, "languages": " ".join(codes)}
            shares = {} if noise == CLEAN else _with_bounds("lost", lost)
            yield named | {"clean": float(clean[0])} | _with_bounds("level", noisy) | shares | ranks[system.run]


def _with_bounds(name: str, values: Any) -> dict[str, float]:
    low, high = np.percentile(values[1:], _BOUNDS)
    return {name: float(values[0]), f"{name}_low": float(low), f"{name}_high": float(high)}


def _without_fields(noise: str) -> str:
    return noise.partition("@fields=")[0]


_SHOWN: Final = {CLEAN: "clean", "natural:0.02": "as people err, 2 %", TYPED: "1 letter in 10 mistyped"}
"""The noises of the picture, and their names there."""

_TITLES: Final = {
    "tatoeba@to=en": "Translations found first, of 100, by language that is typed",
    "lareqa": "Answers, mean average precision, by language that is typed",
}


def picture(systems: pl.DataFrame) -> str:
    """The chart: a panel for each task and language, a row for each system, from clean to noisy, and its rank."""
    titles = {system.run: system.title for system in SYSTEMS}
    shown = systems.filter(pl.col("noise").is_in(list(_SHOWN)))
    charts = [_of_task(shown.filter(task=task), titles, title) for task, title in _TITLES.items()]
    whole = alt.vconcat(*charts).resolve_scale(x="independent")
    return alone({**whole.to_dict(), "config": {**config(), "background": "#ffffff"}}, "#1b1b1f")


def _of_task(rows: pl.DataFrame, titles: Mapping[str, str], title: str) -> alt.FacetChart:
    """The panels of a task."""
    order = list(titles.values())
    data = [
        {
            "system": titles[row["system"]],
            "language": language(row["language"]).name,
            "text": _SHOWN[row["noise"]],
            "found": row["level"],
            "rank": format_rank(row) if row["noise"] == TYPED else "",
        }
        for row in rows.iter_rows(named=True)
    ]
    most = max(row["found"] for row in data)
    base = alt.Chart().encode(y=alt.Y("system:N", sort=order, title=None, axis=alt.Axis(minExtent=extent(order))))
    axis = alt.Axis(values=[each for each in range(0, 101, 20) if each <= most])
    x = alt.X("found:Q", title="of 100; right: rank", axis=axis, scale=alt.Scale(domain=[0, most * 1.2]))
    line = base.mark_rule(color=INK, opacity=0.4).encode(x=alt.X("min(found):Q"), x2="max(found):Q")
    legend = alt.Legend(title=None, orient="top", columnPadding=16)
    fill = alt.Color("text:N", scale=alt.Scale(domain=[*_SHOWN.values()], range=[*COLOURS[:3]]), legend=legend)
    points = base.mark_point(filled=True, size=45, opacity=1).encode(x=x, color=fill)
    ranks = base.mark_text(align="right", size=9).encode(x=alt.datum(most * 1.2), text="rank:N")
    layers = alt.layer(line, points, ranks, data=alt.InlineData(data)).properties(width=170, height=15 * len(order))
    return layers.facet(alt.Facet("language:N", title=None), columns=3).properties(title=title)


def format_rank(row: Mapping[str, Any]) -> str:
    """`2`, or `1-3` where the interval has several ranks."""
    low, high = row["rank_low"], row["rank_high"]
    return f"{low}" if low == high else f"{low}-{high}"


def finding(means: pl.DataFrame) -> str:
    """What is found, in a sentence."""
    rows = means.filter(task="tatoeba@to=en", noise=TYPED).sort("level", descending=True)
    best = rows.row(0, named=True)
    title = next(system.title for system in SYSTEMS if system.run == best["system"])
    count = len(best["languages"].split())
    return (
        f"With 1 letter in 10 mistyped, {title} finds {best['level']:.0f} of 100 translations where it finds "
        f"{best['clean']:.0f} of those that are typed well (mean of {count} languages)"
    )


def table(means: pl.DataFrame, task: str) -> str:
    """The table of a task: a row for each system, a column for each noise."""
    rows = means.filter(task=task)
    noises = [CLEAN, *sorted(set(rows.get_column("noise")) - {CLEAN})]
    counts = {noise: len(rows.filter(noise=noise).item(0, "languages").split()) for noise in noises}
    heads = [f"clean, {counts[CLEAN]} languages", *(f"`{noise}`, {counts[noise]}" for noise in noises[1:])]
    lines = [f"| system | {' | '.join(heads)} | rank under `{TYPED}` |", f"|---|{'---|' * (len(noises) + 1)}"]
    for system in SYSTEMS:
        by_noise = {row["noise"]: row for row in rows.filter(system=system.run).iter_rows(named=True)}
        cells = [_cell(by_noise[noise]) for noise in noises]
        lines.append(f"| {system.title} | {' | '.join(cells)} | {format_rank(by_noise[TYPED])} |")
    return "\n".join(lines)


def _cell(row: Mapping[str, Any]) -> str:
    """`54.2, lost 31 % [28, 34]`; the level alone of clean text."""
    if row["noise"] == CLEAN:
        return f"{row['level']:.1f}"
    return f"{row['level']:.1f}, lost {row['lost']:.0f} % [{row['lost_low']:.0f}, {row['lost_high']:.0f}]"


_PAGE: Final = """# Who finds what people type

**{finding}**

![Each system in each language, from clean text to typing errors](found.svg)

*Each line leads from clean queries to those with typing errors; at its right is the system's rank among the nine with 1
letter in 10 mistyped. `1-3`: the data do not tell which of these ranks it has.*

## Translations: a sentence is typed, and its translation is among 300 English ones

How many of 100 sentences find their translation first, as the mean over languages, and the share that noise loses, with
its 95 % interval. A noise that does not serve a language leaves it out, so that columns have different languages.

{tatoeba}

## Answers: a question is typed, and sentences in nine languages are searched

LAReQA, mean average precision of the first 20, of 100. A question has an answer in each of the nine languages, so that
a search by words can find one of nine.

{lareqa}

## What was done

`make encoders`, then [`make search DATA=DIR`](../../docs/how-to/search.md#nine-systems-on-the-same-queries): nine
runs of `robust-xtreme eval`, one draw of each noise. [systems.csv](systems.csv) has every language, with the interval
of each change and of each rank; [means.csv](means.csv) has the tables above. Intervals of ranks, shares and means are
the middle 95 % of 2,000 resamples of clusters, the same for all systems: they are of these languages and these
sentences, and say nothing of others. BM25 is that of bm25s with its default settings, on words in small letters, and
on the characters of Chinese; TF-IDF is scikit-learn's, of two to four characters within words. The
rerankers order the first 20 of BM25 by the cosine of mean vectors. e5 is multilingual-e5-small with the weights of a
file in four bits, MiniLM is all-MiniLM-L6-v2, which was trained in English.
"""


def page(means: pl.DataFrame) -> str:
    """The page, of the table of means alone."""
    return _PAGE.format(finding=finding(means), tatoeba=table(means, "tatoeba@to=en"), lareqa=table(means, "lareqa"))


def main() -> None:
    """Write the tables, the picture and the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("folder", type=Path)
    words = parser.parse_args()
    items = read_items(words.out)
    systems: list[dict[str, Any]] = []
    means: list[dict[str, Any]] = []
    for task in METRICS:
        levels = resampled_levels(items.filter(task=task))
        systems += by_language(words.out, task, levels)
        means += over_languages(task, levels)
    store.make_folder(words.folder)
    for name, rows in (("systems", systems), ("means", means)):
        table_rows = pl.DataFrame(rows, infer_schema_length=None)
        store.write_text(words.folder / f"{name}.csv", table_rows.write_csv(float_precision=4))
    write_page(words.folder)


def write_page(folder: Path) -> None:
    """Write README.md and found.svg of the tables in the folder."""
    systems, means = (pl.read_csv(folder / f"{name}.csv", infer_schema_length=None) for name in ("systems", "means"))
    store.write_text(folder / "found.svg", picture(systems))
    store.write_text(folder / "README.md", page(means))


if __name__ == "__main__":
    main()
