"""The shown columns of views: their heading, their format, and their line of the legend."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import polars as pl

from robust_xtreme.files.schema import BELOW_RANDOM
from robust_xtreme.report.blocks import MEDIUM, WIDE, WIDEST, Table, TableColumn, text_of
from robust_xtreme.report.view import SECTION
from robust_xtreme.stats.intervals import FEWEST_JOINT

NOTHING: Final = "-"
SCORE: Final = "score/"
"""The prefix of the column of the score of a task, or of an average."""

GROUPED: Final = "group/"
"""The prefix of a column under a common heading: `group/Latn/de` is the column `de` under `Latn`."""

OVERLAP: Final = "overlap"
_BLOCKS: Final = " ▏▎▍▌▋▊▉█"
_BAR: Final = 6


class Shown(NamedTuple):
    """A shown column, the columns of the frame that it takes, and the format of its cells."""

    column: TableColumn
    takes: tuple[str, ...]
    form: Callable[..., str]


def _show(
    heading: str, takes: tuple[str, ...], form: Callable[..., str], legend: str = "", right: bool = True, **placed: Any
) -> Shown:
    """A shown column: of numbers, on the right, unless it says otherwise; `placed` are attributes of TableColumn."""
    return Shown(TableColumn(heading, right, legend=legend, **placed), takes, form)


def points(value: float | None) -> str:
    """A level or a bound in points, one decimal; never -0.0."""
    return NOTHING if value is None else f"{round(value, 1) + 0.0:.1f}"


def signed(value: float | None) -> str:
    """A change in points with its sign; 0.0 has no sign."""
    return NOTHING if value is None else "0.0" if abs(value) < 0.05 else f"{value:+.1f}"


def percent(share: float | None) -> str:
    """A share in percent, one decimal."""
    return NOTHING if share is None else f"{100 * share:.1f} %"


def _both(form: str) -> Callable[[Any, Any], str]:
    """A format of two values; nothing where one of them is not known."""
    return lambda first, second: NOTHING if first is None or second is None else form.format(first, second)


def _text(value: Any) -> str:
    return NOTHING if value in (None, "") else str(value)


def interval(low: float | None, high: float | None) -> str:
    """An interval in points."""
    return NOTHING if low is None or high is None else f"[{points(low)}, {points(high)}]"


def _level(value: float | None, low: float | None, high: float | None) -> str:
    """A level, a difference or a spread with its interval."""
    return NOTHING if value is None else f"{points(value)} {'' if low is None else interval(low, high)}".rstrip()


def _signed_level(value: float | None, low: float | None, high: float | None) -> str:
    """A change with its interval."""
    return NOTHING if value is None else f"{signed(value)} {'' if low is None else interval(low, high)}".rstrip()


def _levels(clean: float | None, value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Two levels, and the interval of the second."""
    if value is None:
        return NOTHING
    return f"{points(clean)} > {points(value)}" + ("" if low is None else f" {interval(low, high)}")


def bar(percent_lost: float | None) -> str:
    """A bar of the share lost, in eighths of a character; full at 100 %, empty at 0 or below."""
    eighths = round(min(max(percent_lost or 0.0, 0.0), 100.0) / 100 * _BAR * 8)
    full, remainder = divmod(eighths, 8)
    return "█" * full + (_BLOCKS[remainder] if remainder else "")


def _lost(relative: float | None, corrected: float | None) -> str:
    """The share lost, that above chance in brackets, and a bar."""
    above = "" if corrected is None else f" ({points(corrected)} %)"
    return NOTHING if relative is None else f"{points(relative)} %{above} {bar(relative)}".rstrip()


def p_value(value: float | None) -> str:
    """A p, to three decimals."""
    if value is None:
        return NOTHING
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _named(value: float | None, name: str | None) -> str:
    return NOTHING if value is None else f"{value:.1f} {name or ''}".rstrip()


def _shares(clean: float | None, noisy: float | None) -> str:
    return NOTHING if clean is None or noisy is None else f"{100 * clean:.1f} > {100 * noisy:.1f}"


def _notes(
    unchanged: float | None, not_applicable: float, truncated: float | None, inert: bool | None, overlap: bool
) -> str:
    shares = {"unchanged": unchanged, "not applicable": not_applicable, "truncated": truncated}
    shown_shares = [f"{percent(share)} {name}" for name, share in shares.items() if share]
    return ", ".join([*shown_shares, *(["inert"] if inert else []), *([OVERLAP] if overlap else [])])


def _operators(edits: str | None) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in json.loads(edits or "{}").items()) or NOTHING


def _queries(queries: float | None, first: float | None) -> str:
    return NOTHING if queries is None else f"{queries:.0f}{'' if first is None else f' ({first:.0f})'}"


_IN_TITLE: Final = ("metric", "scope", "fields", "perturbation", "strength")
_LONG: Final = ("fields", "perturbation")

_JOINT: Final = (
    "Of the change, widened until, with 95 % probability, those of all tests contain the truth at once: the worst can "
    f"be picked afterwards. None with fewer than {FEWEST_JOINT} clusters. It can contain 0 where p adj. is below 0.05, "
    "and exclude 0 where p adj. is not: a bootstrap widens all of them alike, while Holm corrects each p by its rank."
)

CATALOGUE: Final = (
    _show("change", ("change", "no_claim"), lambda change, no_claim: no_claim or signed(change), "Perturbed minus "
          "clean, in points; not of cells that no noise reaches: `not applicable`, `no edits` (it edits no text of "
          "the cell) and `inert`; nor of attacks and what is compared with them, whose items are `selected on the "
          "outcome`: only what is right on clean text is edited, so that it can be lost and never gained.", weight=4),
    _show("change", ("change",), signed, weight=4),
    _show("change", ("marked_change",), _text, weight=4),
    _show("first stage", ("first", "first_low", "first_high"), _signed_level, "The part of the change that no reranker "
          "could rescue: of the metric in the best order of the candidates that the first stage found. 95 % interval."),
    _show("reranker", ("second", "second_low", "second_high"), _signed_level, "The rest of the change: what the order "
          "of the candidates found loses more than on clean text. 95 % interval."),
    _show("95 % interval", ("change_low", "change_high"), interval, "Of the change, paired by example, or of the "
          "level: by leaving out one cluster at a time; none with fewer than 20 clusters.", weight=3),
    _show("95 % interval", ("low", "high"), interval, weight=3),
    _show("noised", ("noised_gold_clean", "noised_gold", "noised_gold_low", "noised_gold_high"), _levels, "Gold spans "
          "that noise changed: their level in the clean answers > in the perturbed ones, with its 95 % interval."),
    _show("untouched", ("untouched_clean", "untouched", "untouched_low", "untouched_high"), _levels, "The other gold "
          "spans. Long spans are changed more often, so the two are not equally hard without noise either."),
    _show("right", ("right",), points, "Queries whose nearest candidate is right, in any language, in percent."),
    _show("in another language", ("elsewhere", "elsewhere_low", "elsewhere_high"), _level, "Of the queries whose "
          "nearest candidate is right those that find it in another language than their own, in percent, with its 95 % "
          "interval; no figure where none is right. Their own language has the same answer."),
    _show("share's change", ("elsewhere_change", "elsewhere_change_low", "elsewhere_change_high"), _signed_level,
          "Of the share in another language, perturbed minus clean, with its 95 % interval: above 0 more of the right "
          "answers are in another language. Under noise other queries are right, of which the share is."),
    _show("lost (above chance)", ("relative", "relative_corrected"), _lost, "The drop in percent of the clean "
          "value, in brackets of what that has above chance; the bar is full at 100 %.", room=WIDE),
    _show("lost", ("lost_share",), lambda lost: NOTHING if lost is None else f"{points(lost)} %", "The drop in percent "
          "of the clean level: models of different levels have other points to lose.", weight=3),
    _show("p adj.", ("p_adjusted",), p_value, "Against no drop, corrected by Holm over the declared family of tests; "
          "none for cells outside of it.", room=WIDE, weight=1),
    _show("joint interval", ("joint_change_low", "joint_change_high"), interval, _JOINT, room=WIDEST),
    _show("joint interval", ("tested_change_low", "tested_change_high"), interval, _JOINT, weight=3),
    _show("n (clusters)", ("n", "clusters"), "{} ({})".format, "Items, and the clusters that they are in.",
          room=MEDIUM),
    _show("chance", ("chance", "chance_name"), _named, "The best constant on the split, which needs no text.",
          room=WIDE),
    _show("chance", ("chance",), points, room=WIDE),
    _show("above chance", ("above_chance",), signed, "The lower 97.5 % bound of the clean level minus chance, "
          "paired and clustered.", room=WIDE),
    _show("shallow", ("shallow", "shallow_noisy"), _levels, "The shallow predictor of the task, which reads only the "
          "surface: on the clean text > on the perturbed text.", room=WIDE),
    _show("shallow", ("shallow", "shallow_name"), _named, "The shallow predictor of the task, on the clean text.",
          room=WIDE),
    _show("marks", ("marks",), _text, "`not shown above chance`: the clean level's lower 97.5 % bound is not above "
          "chance. `no room`: it exceeds chance by less than mde. `constant`: one answer covers 95 % of the items. "
          "`cannot reject`: no drop is found, and too few clusters differ for Holm's first step to find one. Marked "
          "cells are tested and averaged as all others.", right=False, folds=True, room=MEDIUM, weight=4),
    _show("mde", ("mde",), points, "The smallest drop that is detected with 80 % power, at the corrected level.",
          room=WIDEST),
    _show("seed sd", ("seed_spread",), points, "Standard deviation of the perturbed value over noise seeds.",
          room=WIDEST),
    _show("worst of seeds", ("worst",), points, "The perturbed level if each item counts under its worst noise seed: "
          "the more seeds there are, the lower it is, so that only levels over as many seeds can be compared."),
    _show("seeds", ("seeds",), str, "Draws of the noise for each cell; the perturbed level is the mean over them."),
    _show("clean", ("clean_level", "clean_low", "clean_high"), _level, "The level on clean text; a 95 % interval."),
    _show("same edits", ("noise_level", "noise_low", "noise_high"), _level, "The level under one draw of the same "
          "moves that edits as many characters of each text as the attack on this model, with a 95 % interval."),
    _show("random", ("random_level", "random_low", "random_high"), _level, "The level where each item counts under the "
          "worst of what random search submitted by the same moves, with a 95 % interval."),
    _show("robust", ("robust_level", "robust_low", "robust_high"), _level, "The level where each item counts under the "
          "worst of all that the attack submitted, and of its clean text, with a 95 % interval: an upper bound of the "
          "worst case, but not in F1 of names, which is not a mean over items. Of several noise seeds the mean.",
          weight=2),
    _show("below random", BELOW_RANDOM, _level, "Random minus robust, paired on the same items, with its 95 % "
          "interval: above 0 the attack leaves less."),
    _show("success", ("success", "success_low", "success_high"), _level, "Of the items that are right when clean, "
          "those that a candidate changes to wrong, or to the target of an attack, in percent, with a 95 % interval. "
          "Whether the right answer to a changed text is still the same is not judged. Models and languages have other "
          "items that are right, so it is not comparable across them; robust is."),
    _show("queries", ("queries", "queries_to_success"), _queries, "Candidates that an item is asked about, and "
          "those until the first success, on average; answers from the cache count.", room=MEDIUM),
    _show("changed", ("words", "graphemes"), _both("{:.1f} / {:.1f}"),
          "Words and characters that the result of a success changes, on average.", room=MEDIUM),
    _show("no edit", ("no_edit",), percent, "Attacked items that are too short for an edit at this strength.",
          room=MEDIUM),
    _show("attacked", ("attacked", "n"), "{} of {}".format, "Items that are right when clean, but for those "
          "whose gold class is the target of an attack; others are skipped. Each noise seed counts."),
    _show("at risk", ("label_risk",), percent, "Items in which the noise edits a number or a word of negation, so that "
          "their label may have changed; negators are those of the bundled lists."),
    _show("change without", ("change_without_risk",), signed, "The change over the other items, clean and perturbed."),
    _show("interval without", ("without_risk_low", "without_risk_high"), interval, "Its 95 % interval, as that of the "
          "change; it is not tested."),
    _show("p", ("p",), p_value, "Of the average, against no drop, by leaving one cluster out of it; not corrected for "
          "other tests.", room=MEDIUM, weight=1),
    _show("with marks", ("marked",), percent, "Share of the averaged languages (of several tasks: of the tasks' "
          "languages) with a mark, such as not shown above chance; no figure where none has one and none is tested. An "
          "average drop is small where clean cells have little to lose, so models are not ranked by it."),
    _show("drop in", ("drops_at_least", "units"), "at least {} of {}".format, "In how many of the averaged languages "
          "(of several tasks: of the tasks' languages) there is a drop: one-sided at 95 %, by this row alone, marked "
          "or not, so that it can be 1 of 1 where no drop is shown.", room=WIDE),
    _show("spread", ("spread", "change_prediction_low", "change_prediction_high"), _level, "Standard deviation of the "
          "change over languages, and, as a description, where the change of another language like them would be.",
          room=WIDEST),
    _show("edits", ("grapheme_edit_rate",), percent, "Graphemes changed or inserted, as a share of those of the item's "
          "noised fields: the mean of the items' shares, in which each item counts alike, however long."),
    _show("words", ("word_edit_rate",), percent, "Words with an edit, as a share of those of the item's noised fields, "
          "averaged as edits are; a word is what is between blanks, so a whole phrase where words are not spaced.",
          room=WIDE),
    _show("tokens/word", ("tokens_per_word_clean", "tokens_per_word"), _both("{:.2f} > {:.2f}"),
          "Of the model's tokenizer, clean > perturbed; a word is what is between blanks.", room=WIDE),
    _show("drawn at", ("nominal",), _text, "The strength that the noise was drawn with: where a realised strength was "
          "asked for, it was solved for on the language's calibration text."),
    _show("unknown", ("unknown_clean", "unknown"), _shares, "The token for text that the vocabulary does not "
          "contain, in percent of the tokens, clean > perturbed."),
    _show("truncated", ("truncated_clean", "truncated"), _shares, "Items that do not fit into the model, in percent, "
          "clean > perturbed: a pair that was cut is scored as any other, a question none of whose answers fits into a "
          "window counts as wrong."),
    _show("tokens changed", ("tokens_changed",), percent, "Edited items with other token ids; 0 is inert."),
    _show("notes", ("unchanged", "not_applicable", "truncated", "inert", "overlap"), _notes, "Shares of items; "
          "`inert`: the tokenizer undid the noise in every edited text; `overlap`: the model was trained on text of "
          "this split.", right=False, room=MEDIUM, folds=True),
    _show("clean", ("clean",), points, weight=1),
    _show("clean", ("level",), points, weight=1),
    _show("perturbed", ("value",), points, weight=2),
    _show("noisy", ("noisy",), points, weight=2),
    _show("remarks", ("note",), _text, "`few clusters`: fewer than 20, so that there is no interval. `not shown above "
          "chance`: above chance is not above 0. `constant`: one answer covers 95 % of the items. `overlap`: the model "
          "was trained on text of this split. `own training data`: an intermediate stage learned the task's own "
          "training data.", right=False),
    _show("best change", ("least",), _text, "The averaged language with the least loss or most gain; edits: a "
          "strength edits less in some languages.", right=False, room=WIDE),
    _show("worst change", ("most",), _text, "The averaged language with the largest loss, its change, and edits.",
          right=False, room=WIDE),
    _show("languages", ("over",), _text, "Languages that are averaged, of those of the run (of several tasks: of the "
          "tasks' languages). In the others the noise does not apply, edits nothing or is inert, their files cannot be "
          "read, a cell failed, or a model has no cell of them.", right=False),
    _show("langs", ("langs",), _text, right=False),
    _show("averaged over", ("averaged_over",), _text, "The languages that an average is over, by their codes.",
          right=False, folds=True),
    _show("left out", ("left_out_named",), _text, right=False, folds=True),
    _show("noise", ("noise",), _text, right=False, named=True),
    _show("from split", ("splits",), _text, "The split of each task whose cells count.", right=False, folds=True),
    _show("setting", ("setting",), _text, "Whether the model's head was trained on the language (in_language) or "
          "not (zero_shot).", right=False),
    _show("script", ("script",), _text, "The script of a language's texts, by ISO 15924.", right=False),
    _show("language family", ("family",), _text, "The language family, as in the paper of XTREME-R.", right=False),
    _show("missing", ("absent",), _text, "Cells of an average that the run does not have, or that no noise reaches: "
          "the mean over the others is marked *.", right=False, folds=True),
    _show("languages", ("missing",), _text, right=False, folds=True),
    _show("", ("detail",), _text, right=False, folds=True),
    *(_show(name, (name,), _text, right=False, folds=name in _LONG, named=True) for name in _IN_TITLE),
    _show("realised", ("target_axis", "target"), _both("{1:.15g} of {0}"), "The realised strength that was asked for.",
          right=False),
    _show("edited only", ("edited_share",), percent, "Share of the clean split that a set of edited items alone has."),
    _show("packs", ("packs",), _text, "The identity of the user's packs that the noise was drawn with.", right=False),
    _show("pairs", ("pairs", "share"), lambda count, share: f"{count:,} ({percent(share)})", "Noisy items with a clean "
          "partner, and their share of the clean split."),
    _show("paired by", ("pairing",), _text, "`id`, `row`: the order of as many rows, or `alignment` of near texts, "
          "which leaves out what noise changed most.", right=False),
    _show("unpaired", ("clean_left", "noisy_left"), "{} / {}".format, "Items without a partner, clean / noisy.",
          room=MEDIUM),
    _show("realised edits", ("operators",), _operators, "Of the noise, by operator; those of a noisy set are the "
          "differences of the two texts, which need not be the keys that were struck.", right=False, folds=True,
          room=WIDE),
    _show("change of all", ("change_of_all", "only_edited"), lambda change, edited: signed(change if edited else None),
          "Of a set of edited items alone: the change times the share of the clean split that it has, as if the others "
          "did not change. The change beside it is conditional, of edited items."),
    _show("curve", ("curve",), _text, "Levels at rising strengths, from the clean one on, which is full.", right=False,
          weight=2),
    _show("up to", ("range",), percent, "The highest realised strength: characters edited, of all."),
    _show("area", ("area",), percent, "Under perturbed/clean by trapezoids, from strength 0 to the highest realised "
          "one, as a share of that range: 100 % where nothing is lost."),
    _show("by operator", ("mix",), _text, "The share of each operator in the accepted edits.", right=False, folds=True),
    _show("accepted edits", ("edits",), str, "Edits of the noise that were applied, by operator beside them."),
    _show("truncated", ("truncated",), lambda share: percent(share or None), "Items that do not fit into the model: a "
          "pair that was cut is scored as any other, a question none of whose answers fits into a window counts as "
          "wrong."),
)  # fmt: skip
"""Every column that a view can show, in the order in which they are looked for."""


def shown(columns: list[str]) -> list[Shown]:
    """The shown columns of a frame, in the order of its columns; each column is in one of them."""
    left, chosen = [name for name in columns if name != "section"], []
    while left:
        fitting = [column for column in CATALOGUE if column.takes[0] == left[0] and set(column.takes) <= set(left)]
        chosen.append(max(fitting, key=lambda column: len(column.takes), default=_plain(left[0])))
        left = [name for name in left if name not in chosen[-1].takes]
    return chosen


def _plain(name: str) -> Shown:
    if name.startswith(SCORE):
        return _show(name.removeprefix(SCORE), (name,), _text)
    if name.startswith(GROUPED):
        group, _, heading = name.removeprefix(GROUPED).partition("/")
        return _show(heading, (name,), _text, group=group)
    return _show(name.replace("_", " "), (name,), _text, right=False)


def tables(frame: pl.DataFrame) -> Iterator[Table]:
    """A table for each section of a view's frame, titled by it, without the columns that have no value in it."""
    columns = shown(frame.columns)
    for section in frame.partition_by(SECTION):
        inside = section.to_dict(as_series=False)
        texts = [[*map(column.form, *(inside[name] for name in column.takes))] for column in columns]
        filled = [index for index, column in enumerate(texts) if any(text not in ("", "-") for text in column)]
        heads = tuple(columns[index].column for index in filled)
        yield Table(heads, tuple(zip(*(texts[index] for index in filled), strict=True)), inside[SECTION][0])


def noted(table: Table, meanings: Mapping[str, str]) -> Table:
    """The table with a note for each sign that its numbers have, alone or, if it is not of ASCII, after a number."""
    cells = (pair for row in table.rows for pair in zip(row, table.columns, strict=True))
    texts = {text_of(cell) for cell, column in cells if column.right}
    every = "".join(texts)
    signs = [sign for sign in meanings if (sign in texts if sign.isascii() else sign in every)]
    return replace(table, notes=tuple((sign, meanings[sign]) for sign in signs))


def titled(table: Table) -> Table:
    """The table with the naming columns that have one value in its title."""
    shared = {
        index: text_of(table.rows[0][index])
        for index, column in enumerate(table.columns)
        if column.named and len({text_of(row[index]) for row in table.rows}) == 1
    }
    kept = [index for index in range(len(table.columns)) if index not in shared]
    title = ", ".join(filter(None, (table.title, *shared.values())))
    return replace(only(table, kept), title=title)


def narrow(table: Table, room: int) -> Table:
    """The table without the columns that only a wider terminal shows."""
    return only(table, [index for index, column in enumerate(table.columns) if column.room <= room])


def only(table: Table, kept: Sequence[int]) -> Table:
    """The table with some of its columns, by their positions."""
    columns = tuple(table.columns[index] for index in kept)
    return replace(table, columns=columns, rows=tuple(tuple(row[index] for index in kept) for row in table.rows))
