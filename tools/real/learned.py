"""The page reports/real/README.md: what `make real` shows, in sentences that are made of the tables beside it alone."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl
from tools.real.tables import LATIN, Estimate, between, over_seeds, paired, rank_correlation, read

from robust_xtreme.core import registry
from robust_xtreme.core.errors import counted
from robust_xtreme.core.languages import ALL_LANGUAGES, language
from robust_xtreme.files import store
from robust_xtreme.files.schema import CONDITIONS
from robust_xtreme.stats.averages import LANGUAGES
from robust_xtreme.stats.intervals import CONFIDENCE, t_quantile

_WIDTH: Final = 118
_TYPOS: Final = "char_noise:0.1"
_SCRIPT_NOISE: Final = "transliterate:0.3"
_LAYOUT: Final = "wrong_layout:0.3"
_CELL: Final = ("run", "task", "split", "language", "fields", "seed")
_PEOPLE: Final = "natural:0.02"
_COMPARED: Final = ("panx", "xnli", "tatoeba")
_MANY: Final = ("panx", "tatoeba")
"""Tasks of enough languages in each kind of script."""

_QUESTION: Final = "question"
_FEW: Final = 3
"""Languages of a script, at least, that are compared with others."""

TITLES: Final = {
    "panx": "PAN-X",
    "udpos": "UD-POS",
    "xnli": "XNLI",
    "xquad": "XQuAD",
    "mlqa": "MLQA",
    "tydiqa": "TyDi QA",
    "xcopa": "XCOPA",
    "masakhaner": "MasakhaNER",
    "tatoeba": "Tatoeba",
    "lareqa": "LAReQA",
}
_DOUBT: Final = "in brackets: languages that are not shown above chance"
METRICS: Final = {
    "span_f1": "F1",
    "squad_f1": "F1",
    "mlqa_f1": "F1",
    "token_accuracy": "accuracy",
    "accuracy": "accuracy",
    "retrieval_accuracy": "accuracy",
    "map_at_20": "MAP@20",
}
_JOINED_PARTS: Final = ("gate-", "attacks_", "panx-noise", "masakhaner_yo")
"""Parts of the names of runs that no sentence about noise is made of."""


def page(folder: Path) -> str:
    """The page, in Markdown."""
    means, levels = (of_noise(read(folder, name)) for name in ("means", "levels"))
    sections = {
        f"Clean level; what costs most, of the noises that serve all languages; `{_PEOPLE}` ({_DOUBT})": _by_task(
            means, levels
        ),
        "Languages (of those that are shown above chance), and scripts (number in brackets)": [
            *_languages(levels),
            *_scripts(levels),
        ],
        "Words in more tokens": _fragments(levels),
        "Training seeds of PAN-X, and the gate (a row regressed, margin 2, four languages)": [
            *_seeds(means),
            *_gate(read(folder, "gate")),
        ],
        "Attacks": _attacks(read(folder, "attacks")),
        f"Noise in training of PAN-X, in points won, of one training each ({_alone(means)})": _training_noise(
            read(folder, "training_noise")
        ),
        "Limits": [*_coverage(read(folder, "coverage")), *_limits(levels)],
    }
    lines = ["# What a real encoder loses under noise", "", *wrapped(_ABOUT + outdated(folder), "")]
    for title, sentences in sections.items():
        if found := list(sentences):
            lines += ["", f"## {title}", ""]
            lines += [line for sentence in found for line in wrapped(sentence, "- ")]
    return "\n".join(lines) + "\n"


def outdated(folder: Path) -> str:
    """Which noises the runs below a folder have in another version than today's, as a sentence after others."""
    known: dict[str, str] = {}
    for path in sorted(folder.rglob("conditions.csv")):
        for name, version in store.read_frame(path, CONDITIONS).filter(kind="noise").select("name", "version").rows():
            if name in registry.names("perturbation") and version != str(registry.load("perturbation", name).version):
                known[name] = (
                    f"`{name}` is version {version} (today's is {registry.load('perturbation', name).version})"
                )
    return f" Measured before a change: {', '.join(known.values())}." if known else ""


def wrapped(text: str, bullet: str) -> list[str]:
    """Lines of at most _WIDTH characters, the first of which begins with the bullet."""
    indent = " " * len(bullet)
    return textwrap.wrap(text, _WIDTH, initial_indent=bullet, subsequent_indent=indent, break_on_hyphens=False)


def of_noise(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of the runs that sentences about noise are made of."""
    other = pl.any_horizontal(*(pl.col("run").str.contains(part, literal=True) for part in _JOINED_PARTS))
    return frame.filter(~other)


def averages(means: pl.DataFrame, task: str) -> dict[str, tuple[Estimate, float, int]]:
    """By noise: the mean change over languages, the clean level and the number of languages, over training seeds.

    Of questions it is noise on the question alone.
    """
    rows = means.filter(kind=LANGUAGES, task=task)
    on_question = rows.filter(fields=_QUESTION)
    found = {}
    for (noise,), cells in (rows if on_question.is_empty() else on_question).group_by("noise", maintain_order=True):
        columns = (cells[name].to_list() for name in ("drop", "widened_se", "df"))
        value = over_seeds(*columns).reversed()
        found[str(noise)] = (value, float(cells["clean"].to_numpy().mean()), len(str(cells["languages"][0]).split()))
    return found


def widest(found: Mapping[str, tuple[Estimate, float, int]]) -> tuple[float, int]:
    """The clean level and the number of languages of the noise that serves most of them."""
    return max((languages, level) for _, level, languages in found.values())[::-1]


def _tasks(means: pl.DataFrame) -> list[str]:
    return [task for task in TITLES if task in set(means.get_column("task"))]


def front(folder: Path) -> list[str]:
    """The table of the README: the mean change over languages under some noises, by task."""
    means = of_noise(read(folder, "means"))
    lines = [f"| | clean | {' | '.join(f'`{noise}`' for noise in FRONT)} |", "|---" * (len(FRONT) + 2) + "|"]
    for task in (task for task in _tasks(means) if task in FRONT_TASKS):
        found = averages(means, task)
        cells = [found[noise][0].text() if noise in found else "" for noise in FRONT]
        level, languages = widest(found)
        on = ", question" if task == "xquad" else ""
        lines.append(f"| {TITLES[task]}{on}, {languages} languages | {level:.1f} | {' | '.join(cells)} |")
    return lines


FRONT: Final = ("char_noise:0.1", "keyboard_typo:0.1", "natural:0.02")
FRONT_TASKS: Final = ("panx", "xnli", "xquad", "tatoeba")


def _by_task(means: pl.DataFrame, levels: pl.DataFrame) -> Iterator[str]:
    for task in _tasks(means):
        found = averages(means, task)
        level, languages = widest(found)
        ordered = sorted((each[0].value, noise) for noise, each in found.items() if each[2] == languages)
        most = f"`{ordered[0][1]}` {found[ordered[0][1]][0].text()}"
        people = f"; {found[_PEOPLE][0].text()}" if _PEOPLE in found else ""
        on = ", question" if task in ("xquad", "mlqa", "tydiqa") else ""
        cells = levels.filter(task=task)
        few, metric = _codes(cells.filter(pl.col("above_chance") < 0)), METRICS[cells["metric"][0]]
        of = counted(languages, "language") + (f" ({few})" if few else "")
        yield f"**{TITLES[task]}**{on}, {of}, {metric} {level:.0f}: {most}{people}"


def _name(code: str) -> str:
    return language(code).name if code in ALL_LANGUAGES else code


def _languages(levels: pl.DataFrame) -> Iterator[str]:
    for task in _COMPARED:
        low = levels.filter(pl.col("above_chance") < 0, task=task)["language"]
        cells = levels.filter(~pl.col("language").is_in(low.implode()), noise=_TYPOS, task=task)
        found = {str(code): _of_seeds(rows) for (code,), rows in cells.group_by("language", maintain_order=True)}
        if len(found) > _FEW:
            ordered = sorted(found, key=lambda code: found[code].value)
            most, least = (f"{_name(code)}, {found[code].text()}" for code in (ordered[0], ordered[-1]))
            yield f"{TITLES[task]}, {len(found)} languages, `{_TYPOS}`: most in {most}, least in {least}"


def _of_seeds(cells: pl.DataFrame) -> Estimate:
    """The change of a cell, over training seeds."""
    freedoms = (cells["clusters"] - 1).to_list()
    halves = ((cells["high"] - cells["low"]) / 2).to_list()
    errors = [half / t_quantile(0.5 + CONFIDENCE / 2, free) for half, free in zip(halves, freedoms, strict=True)]
    return over_seeds(cells["drop"].to_list(), errors, freedoms).reversed()


def _scripts(levels: pl.DataFrame) -> Iterator[str]:
    parts = []
    for task in _MANY:
        by_language = levels.filter(noise=_TYPOS, task=task).group_by("language", "script").agg(pl.col("drop").mean())
        latin, others = (by_language.filter(rule)["drop"].to_list() for rule in _rules())
        if min(len(latin), len(others)) >= _FEW:
            parts.append(f"{TITLES[task]} {between(latin, others).reversed().text()} ({len(latin)}, {len(others)})")
    if parts:
        yield f"Latin script minus others, `{_TYPOS}`, languages as units: {'; '.join(parts)}"
    parts = []
    for task in _MANY:
        pairs = _beside(levels, task, _SCRIPT_NOISE)
        if len(pairs) >= _FEW:
            more = paired(*zip(*pairs, strict=True)).reversed()
            parts.append(f"{TITLES[task]} {more.text()} ({len(pairs)})")
    if parts:
        yield f"`{_SCRIPT_NOISE}` minus `{_TYPOS}`, paired: {'; '.join(parts)}"


def _rules() -> tuple[pl.Expr, pl.Expr]:
    return pl.col("script") == LATIN, pl.col("script") != LATIN


def _beside(levels: pl.DataFrame, task: str, noise: str) -> list[tuple[float, float]]:
    """The drops of a language under a noise and under typos, as means over training seeds."""
    of_task = levels.filter(task=task).group_by("language", "noise").agg(pl.col("drop").mean())
    wide = of_task.filter(pl.col("noise").is_in([noise, _TYPOS])).pivot("noise", index="language", values="drop")
    if noise not in wide.columns or _TYPOS not in wide.columns:
        return []
    return wide.drop_nulls().sort("language").select(noise, _TYPOS).rows()


def _fragments(levels: pl.DataFrame) -> Iterator[str]:
    parts = []
    for task in _COMPARED:
        cells = levels.filter(pl.col("clean") > 0, pl.col("tokens_clean") > 0, task=task)
        columns = pl.col("clean", "drop", "tokens", "tokens_clean", "edits").mean()
        cells = cells.group_by("language", "noise", maintain_order=True).agg(columns)
        if cells.get_column("language").n_unique() > _FEW:
            lost, codes = (cells["drop"] / cells["clean"]).to_list(), cells["language"].to_list()
            added = cells["tokens"] / cells["tokens_clean"] - 1
            by_tokens, by_edits = (rank_correlation(x.to_list(), lost, codes) for x in (added, cells["edits"]))
            alone = cells.with_columns(lost=pl.Series(lost), added=added).filter(noise=_TYPOS)
            one = [alone.select(pl.corr("lost", name, method="spearman")).item() for name in ("added", "edits")]
            beside = f"{by_tokens.text(2)}, {by_edits.text(2)}"
            parts.append(f"{TITLES[task]} {beside} ({one[0]:+.2f}, {one[1]:+.2f})")
    if parts:
        yield (
            "Spearman's correlation of the share of the clean level that is lost with the share by which noise "
            "lengthens words in tokens, and with the characters edited, over cells of all noises and strengths, "
            f"resampling languages (of `{_TYPOS}` alone): {'; '.join(parts)}"
        )


def _seeds(means: pl.DataFrame) -> Iterator[str]:
    rows = means.filter(kind=LANGUAGES, task="panx").group_by("noise").agg(pl.col("clean", "drop").std(), pl.len())
    rows = rows.filter(pl.col("len") > 1)
    if rows.height:
        values = (rows[name].to_numpy() for name in ("clean", "drop"))
        of_clean, of_change = (f"{found.min():.1f} to {found.max():.1f}" for found in values)
        yield (
            f"Standard deviation between {rows['len'].item(0)} seeds, of means over the languages of a noise: clean "
            f"{of_clean}, change {of_change}"
        )


def _gate(gate: pl.DataFrame) -> Iterator[str]:
    rows = _rows(gate, margin=2, kind="any")
    parts = [
        f"{row['failing']:.1f} % [{row['failing_low']:.1f}, {row['failing_high']:.1f}] of {row['gates']} against "
        f"{'one' if row['baselines'] == 1 else 'three'}"
        for row in rows
    ]
    if parts:
        yield f"The gate fails equal trainings in {'; '.join(parts)}"


def _rows(frame: pl.DataFrame, **given: Any) -> list[dict[str, Any]]:
    return [] if frame.is_empty() else list(frame.filter(**given).iter_rows(named=True))


def _attacks(attacks: pl.DataFrame) -> Iterator[str]:
    for (task, attack), rows in attacks.group_by("task", "attack", maintain_order=True) if attacks.height else ():
        parts = [
            f"{row['language']} {Estimate(*(row[name] for name in _BELOW)).text()}"
            for row in _rows(rows)
            if None not in (row[name] for name in _BELOW)
        ]
        if parts:
            yield f"{TITLES[str(task)]}, `{str(attack).split('@')[0]}`: below random search by {'; '.join(parts)}"
        elif str(attack).startswith("attack_") and "search=random" not in str(attack):
            yield f"{TITLES[str(task)]}, `{str(attack).split('@')[0]}`: no interval, its clusters are too few"
    if attacks.height and not attacks["attack"].str.starts_with("attack_words").any():
        yield _WITHOUT_WORDS


_WITHOUT_WORDS: Final = (
    "`attack_words` was not run: it needs a masked language model, and none installs without a hub (`LM=DIR`)"
)
_BELOW: Final = ("below_random", "below_random_low", "below_random_high")


def _alone(means: pl.DataFrame) -> str:
    """By how much two trainings differ alone, in the noisy level under typing errors: sqrt 2 times their deviation."""
    rows = means.filter(kind=LANGUAGES, task="panx", noise=_TYPOS)
    apart = (2**0.5) * float((rows["clean"] - rows["drop"]).to_numpy().std(ddof=1)) if rows.height > 1 else 0.0
    return f"intervals of items; two seeds differ by {apart:.1f}" if apart else "intervals of items"


def _training_noise(frame: pl.DataFrame) -> Iterator[str]:
    for (noise,), rows in frame.group_by("trained_on", maintain_order=True) if frame.height else ():
        clean = _rows(rows, scale="clean")[:1]
        most = max(int(row["languages"]) for row in _rows(rows))
        noisy = sorted(_rows(rows, scale="perturbed", languages=str(most)), key=lambda row: -row["difference"])
        seen = [row for row in noisy if row["noise"] == _TYPOS]
        others = [row for row in noisy if row["noise"] != _TYPOS]
        shown = [("clean", row) for row in clean] + [
            (f"`{row['noise']}`", row) for row in (*seen, *others[:1], *others[-1:])
        ]
        parts = [f"{name} {_difference(row).text()}" for name, row in shown]
        named = f"{noise} in training, {most} languages, of {len(others)} other noises the best and the worst"
        yield f"{named}: {'; '.join(parts)}"


def _difference(row: dict[str, Any]) -> Estimate:
    return Estimate(row["difference"], row["low"], row["high"])


def _coverage(coverage: pl.DataFrame) -> Iterator[str]:
    parts = []
    for (clusters,), rows in coverage.group_by("clusters", maintain_order=True) if coverage.height else ():
        covered = rows.get_column("covered").to_numpy()
        parts.append(f"{covered.mean():.1f} % with {clusters} clusters (worst cell {covered.min():.1f})")
    if parts:
        cells = coverage.filter(pl.col("clusters") == pl.col("clusters").max()).height
        contain = f"95 % intervals of {cells} cells, resampled from the answers of six runs, contain the drop in"
        yield f"{contain} {', '.join(parts)}"


def _limits(levels: pl.DataFrame) -> Iterator[str]:
    cells = [levels.filter(noise=noise).select(*_CELL, "edits") for noise in (_LAYOUT, _TYPOS)]
    times = cells[0].join(cells[1], on=_CELL, nulls_equal=True).select(pl.col("edits") / pl.col("edits_right"))
    spread = [times.to_series().quantile(at) or 0.0 for at in (0, 1)]
    yield (
        "One encoder, heads of minutes, one draw of each noise, training seeds in PAN-X alone; no correction for many "
        "intervals; extremes were chosen, and are a little too extreme; strengths are nominal: "
        f"`{_LAYOUT}` edits {spread[0]:.1f} to {spread[1]:.1f} times the characters of `{_TYPOS}`; edits, runners-up "
        "and published levels are in details.md"
    )


def _codes(levels: pl.DataFrame) -> int:
    return levels.get_column("language").n_unique()


_ABOUT: Final = (
    "multilingual-e5-small (118 M), fine-tuned in English for minutes (XQuAD, MLQA: on TyDi QA; "
    "MasakhaNER: PAN-X; Tatoeba, LAReQA: as it is), [make real](../../docs/how-to/real.md). Changes in points, with "
    "95 % "
    "intervals, are means over the languages that a noise serves, of PAN-X over three training seeds; noises that "
    "serve other languages are not comparable. [Tables and commands](details.md), [one report of all "
    "tasks](report.md), [languages](languages)."
)
