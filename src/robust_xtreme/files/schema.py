"""The frames: their columns, with types and nullability, and their keys.

A frame is a polars DataFrame of exactly these columns, in this order. Measures of quality are points (0-100), rates and
shares are in [0, 1], within the ranges of `frames.py`. A frame has no NaN or infinity: unknown values are null. A
column states if it contains anything but plain values (JSON).
"""

from dataclasses import replace
from typing import Any, Final

import polars as pl

from robust_xtreme.files.frames import CHANGE, POINTS, SHARE, columns, one_of
from robust_xtreme.files.frames import Frame as Frame
from robust_xtreme.files.frames import FrameColumn as FrameColumn
from robust_xtreme.files.frames import assembled as assembled
from robust_xtreme.files.frames import build as build
from robust_xtreme.files.frames import empty as empty
from robust_xtreme.files.frames import validate as validate

SCHEMA_VERSION: Final = 5
"""Written into every stored file; raised when a column changes."""

STATUSES: Final = (
    *("ok", "unchanged", "not_applicable", "truncated_gold"),
    *("skipped_wrong", "skipped_target", "failed", "unparsed"),
)
SCOPES: Final = ("all", "noised_gold", "untouched", "noised_gold_clean", "untouched_clean")
"""The counted part of an item: all; the gold spans that noise changed, or left; the same spans in the clean answer."""
SETTINGS: Final = ("zero_shot", "in_language", "unknown", "translate_train", "translate_test")
PAIRINGS: Final = ("id", "row", "alignment")
"""How noisy examples of other people are joined with the clean ones."""

CHANCE: Final = "chance/"
SHALLOW: Final = "shallow/"
"""What the name of a model begins with in STATS, where the predictions are a constant's or a shallow predictor's."""

CELL: Final = ("model", "data", "task", "split", "language", "context_language", "setting", "inference", "condition")
"""The key of a cell. `context_language` is the language itself except for cross-lingual pairs.

`setting` is `in_language` where the model's head was trained on the language, `zero_shot` where it was not. A run of
`train` records the languages; of other checkpoints `--trained-on` or the model card names them, else it is `unknown`.
"""


def language_of(row: Any) -> str:
    """The language of a row with the columns of CELL; of a pair `question@context`."""
    question, context = str(row["language"]), str(row["context_language"])
    return question if question == context else f"{question}@{context}"


_CELL: Final = {**columns(pl.String, " ".join(CELL)), "setting": one_of(*SETTINGS)}

_REALISED: Final = {
    "nominal": FrameColumn(pl.String, nullable=True),
    **columns(pl.Float64, "grapheme_edit_rate word_edit_rate unchanged", nullable=True),
    "not_applicable": FrameColumn(pl.Float64),
    **columns(pl.Float64, "tokens_per_word_clean tokens_per_word tokens_changed unknown_clean unknown", nullable=True),
    "inert": FrameColumn(pl.Boolean, nullable=True),
    "truncated": FrameColumn(pl.Float64, nullable=True),
    "operators": FrameColumn(pl.String, nullable=True),
}
"""Means over the items of a cell: edit rates, shares of items; `operators` is JSON, operator to accepted edits.

What is not known of the noise, or of the model that read it, is null, as in cells that `import` takes from others.

`nominal` is the strength that the noise was drawn with, `unknown` a share of tokens, null where the tokenizer has none
for the unknown, `tokens_changed` of edited items. `inert`: items were edited, and the tokenizer undid that in all.
"""

_LEVELS: Final = {
    **columns(pl.Float64, "chance", nullable=True),
    **columns(pl.String, "chance_name", nullable=True),
    **columns(pl.Float64, "above_chance", nullable=True),
    "near_chance": FrameColumn(pl.Boolean, nullable=True),
    **columns(pl.Float64, "shallow shallow_noisy", nullable=True),
    **columns(pl.String, "shallow_name shallow_source", nullable=True),
}
"""Levels to compare a value with: `chance` is the best constant, `shallow` and `shallow_noisy` are what the shallow
predictor reaches on the clean and on the perturbed text, learned from `shallow_source`. `above_chance` is the lower
97.5 % bound, clustered and paired, of the value minus chance; `near_chance` is whether that is not above 0 (without an
interval: null)."""

_RISK: Final = columns(pl.Float64, "label_risk queries success", nullable=True)
"""The share of items in which noise edits a number or a negator, queries per item and successes of an attack."""

_STAMP: Final = {"overlap": FrameColumn(pl.Boolean)}
"""Whether the model was trained on text of the evaluated split (allowed by --allow-overlap)."""

_SIZE: Final = columns(pl.Int64, "n clusters seeds") | columns(pl.Float64, "seed_spread worst", nullable=True)
"""Items, clusters, noise seeds (clean: 1); of several the standard deviation of their values, and the worst case."""

_MEASURED: Final = {**_SIZE, **_LEVELS, "constant": FrameColumn(pl.Float64, nullable=True), **_REALISED, **_RISK}

_INTERVAL: Final = {**columns(pl.Float64, "se low high", nullable=True), "method": FrameColumn(pl.String)}

_MEASURE: Final = {"metric": FrameColumn(pl.String), "scope": one_of(*SCOPES)}

_ITEM: Final = {**_CELL, "noise_seed": FrameColumn(pl.Int64), **columns(pl.String, "example cluster fingerprint")}
_ITEM_KEY: Final = (*CELL, "noise_seed", "example")

MODELS: Final = Frame(
    "models",
    {
        **columns(pl.String, "model identity"),
        **columns(pl.String, "recipe base revision", nullable=True),
        "base_kind": one_of("multilingual", "monolingual", "multimodal_text", nullable=True),
        **columns(pl.Int64, "params params_nonembedding", nullable=True),
        **columns(pl.String, "pretrain_languages intermediate_set", nullable=True),
        "intermediate_examples": FrameColumn(pl.Int64, nullable=True),
        "diversity": FrameColumn(pl.Float64, nullable=True),
        "target": FrameColumn(pl.String, nullable=True),
        **columns(pl.Int64, "target_examples train_seed", nullable=True),
        **columns(pl.String, "overlap_flags selected_on stages", nullable=True),
        "vectors": FrameColumn(pl.String, nullable=True),
    },
    ("model",),
)
"""One row per model; lists (`pretrain_languages`, `overlap_flags`, `stages`) are JSON.

`vectors` is JSON, by task, of what makes the vector of a text that is searched: `source` (layer and pooling, a head or
a function), whether it has `length_1`, `width` and the numbers of it that are `kept` (none: all), `prompts`, and the
tokens of the `longest` query and candidate (none: texts are not cut). It is null where no task compares vectors.

`base` is the start of the first stage: a folder, a name on the hub, or `scratch`; `revision` is the commit of a model
from the hub, or of its base. `base_kind` is recognised by the type of the encoder and its vocabulary, from scratch by
the languages of its text. `intermediate_set` joins tasks learned together by `+`, stages by commas, and names the
share of masked LM beside them (`mnli+masked_lm:0.5`) and a control (`mnli+squad@shuffled_labels`); null: there was no
such stage. `intermediate_examples` are the tasks' examples; `pretrain_languages` includes the languages of that text.
`target` names the tasks of the heads that were used or, without one, all tasks that were trained as targets.
`diversity` is the mean embedding distance of the set's tasks. `overlap_flags` contains the splits
(`task/split/language`) whose text is in the training data, and `own training data: TASK` where the examples of an
intermediate task are those of the target.
"""

CONDITIONS: Final = Frame(
    "conditions",
    {
        "condition": FrameColumn(pl.String),
        "kind": one_of("clean", "noise", "transliteration", "attack", "frozen", "external", "chain"),
        **columns(pl.String, "name version params fields nominal unit target_axis", nullable=True),
        "target": FrameColumn(pl.Float64, nullable=True),
        **columns(pl.String, "calibration packs victim", nullable=True),
        "pairing": one_of(*PAIRINGS, nullable=True),
        "edited_share": FrameColumn(pl.Float64, nullable=True),
        "query_budget": FrameColumn(pl.Int64, nullable=True),
        **columns(pl.String, "search constraints", nullable=True),
    },
    ("condition",),
)
"""One row per condition; `params` is JSON, `fields` joined by commas, `nominal` a canonical decimal.

`target` is a strength on the realised axis `target_axis`, solved for on texts with the sha256 `calibration`. `pairing`
is how published noisy data are joined with the clean, `edited_share` the share of items in them, if only edited ones.
"""

PREDICTIONS: Final = Frame(
    "predictions",
    {
        **_ITEM,
        **columns(pl.String, "prediction answer nominal", nullable=True),
        "gold": FrameColumn(pl.String),
        "status": one_of(*STATUSES),
        **columns(pl.Int64, "eligible edits", nullable=True),
        "operators": FrameColumn(pl.String, nullable=True),
        **columns(pl.Float64, "grapheme_edit_rate word_edit_rate", nullable=True),
        **columns(pl.Int64, "words tokens_clean tokens", nullable=True),
        **columns(pl.Boolean, "tokens_changed truncated", nullable=True),
        **columns(pl.Int64, "unknown_clean unknown queries", nullable=True),
        "success": FrameColumn(pl.Boolean, nullable=True),
        **columns(pl.Int64, "numbers_edited negators_edited", nullable=True),
        "score": FrameColumn(pl.Float64, nullable=True),
    },
    _ITEM_KEY,
    {SHARE: "score"},
)
"""One row per item of a cell; `prediction` (null where it failed), `gold` and `operators` are JSON.

Spans in `prediction` and `gold` are positions in the text that the model read. `answer` is the text that is scored as
the answer of question answering: that of the clean context which the predicted span comes from. It is null where it is
empty (no answer, or the gold answer was truncated: official scripts take ''), and in other tasks.

`noise_seed` is -1 for the clean condition. `words` (of the clean text), `tokens_clean` and `tokens` count the fields
that the condition noises (clean: all fields), `numbers_edited` and `negators_edited` the numbers and listed negators
that noise edits there, the second null in a language without a list. In rows that `import` takes from others, what
is not known is null; `unparsed` ones have an answer in which no prediction was found, which counts as wrong.

`score` is the probability that the model gives to its answer, to four digits: with `--scores`, of labels and choices.
It is the one column that can depend on the size of batches and on the cache, in its last digit.
"""

ATTACKED: Final = Frame(
    "attacked",
    {
        **_ITEM,
        "edits": FrameColumn(pl.String),
        "skipped": FrameColumn(pl.Boolean),
        **columns(pl.Int64, "allowed queries first words graphemes"),
    },
    _ITEM_KEY,
)
"""One row per item under an attack: `edits` (JSON) are those of the result, each with field, start, stop (code points
of the clean text), value, operator and changed graphemes. An item that is wrong when clean is `skipped`, and one whose
gold class is the target. `allowed` counts the words that may change, 0 where no edit fits; `first` the queries up to
the first success, 0 without one."""

BELOW_RANDOM: Final = ("below_random", "below_random_low", "below_random_high")

ATTACKS: Final = Frame(
    "attacks",
    {
        **_CELL,
        **columns(pl.Int64, "n clusters attacked"),
        "no_edit": FrameColumn(pl.Float64),
        **columns(pl.Float64, "success success_low success_high", nullable=True),
        **columns(pl.Float64, "queries queries_to_success words graphemes", nullable=True),
        "curve": FrameColumn(pl.String),
        **columns(pl.Float64, " ".join(BELOW_RANDOM), nullable=True),
    },
    CELL,
    {POINTS: "success success_low success_high", CHANGE: " ".join(BELOW_RANDOM)},
)
"""One row per cell under an attack. `attacked` items of `n` are right when clean, of which a share `no_edit` is too
short for the strength; both count an item once for each noise seed. `success` (points, with its interval) is the share
of them that an attack changes to wrong, after `queries_to_success` queries. `queries` are those of all attacked items,
`words` and `graphemes` what a success changes: means over items. `curve` is JSON: success (points) by the number of
queries. `below_random` is by how many points the attack leaves less of the headline metric than random search, paired
by cluster as a drop, with its interval; null for random search itself, and for recipes, which have none.
"""

CALIBRATION: Final = Frame(
    "calibration",
    {
        **_CELL,
        "measure": one_of("ece", "brier", "auroc", "risk"),
        **columns(pl.Int64, "n clusters"),
        **columns(pl.Float64, "clean value change change_low change_high", nullable=True),
    },
    (*CELL, "measure"),
    {CHANGE: "clean value change change_low change_high"},
)
"""One row for each cell with noise and measure of `stats/calibration.py`, of answers with a score (`--scores`).

`clean` and `value`, on clean and on noisy text, are in points; `change` is value minus clean, with a 95 % interval. A
change above 0 is worse, of `auroc` below 0. An `ece` can be below 0."""

STATS: Final = Frame(
    "stats", {**_ITEM, **_MEASURE, "stats": FrameColumn(pl.List(pl.Float64))}, (*_ITEM_KEY, "metric", "scope")
)
"""One row per item, metric and scope; `stats` are the metric's sums, of one length within a metric.

A cell's value is computed from the sums of `stats` over its rows. F1 of entities and of pairs (`span_f1`, `bitext_f1`)
has (true positives, false positives, false negatives). Other metrics have (quality of the item from 0 to 1, 1), and
`token_accuracy` (right words, words); the value is 100 times the first sum over the second.

A `model` that begins with `chance/` is a constant (`chance/majority`), with rows of the clean condition alone, since
its answer needs no text. One that begins with `shallow/` is the shallow predictor of the task, with rows of all
conditions. `inference` then says what it learned from. Both have the items of the model and only the scope `all`.
"""

SCORES: Final = Frame(
    "scores",
    {**_CELL, **_MEASURE, "value": FrameColumn(pl.Float64), **_INTERVAL, **_MEASURED, **_STAMP},
    (*CELL, "metric", "scope"),
    {POINTS: "low high"},
)
"""One row per cell, metric and scope, over noise seeds; `low` and `high` bound `value` at 95 %.

`worst` is the value in which each item counts under the noise seed under which its own value is lowest (scope `all`).
`constant` is the share of items with the cell's most frequent answer; of tags an answer is one tag for every word.
"""

DELTAS: Final = Frame(
    "deltas",
    {
        **_CELL,
        **_MEASURE,
        **columns(pl.Float64, "value clean drop"),
        **columns(pl.Float64, "relative relative_corrected", nullable=True),
        **_INTERVAL,
        **columns(pl.Float64, "p p_adjusted", nullable=True),
        "family": FrameColumn(pl.String, nullable=True),
        "m": FrameColumn(pl.Int64, nullable=True),
        **columns(pl.Float64, "mde joint_low joint_high", nullable=True),
        "differing": FrameColumn(pl.Int64, nullable=True),
        "marks": FrameColumn(pl.String, nullable=True),
        **_MEASURED,
        **columns(pl.Float64, "drop_without_risk low_without_risk high_without_risk", nullable=True),
        **_STAMP,
    },
    (*CELL, "metric", "scope"),
)
"""One row per perturbed cell, metric and scope: drop = clean - value, `low` and `high` bound the drop at 95 %.

`se` is the standard error of the jackknife; interval, p and `mde` add one differing cluster to it (docs/method.md).
`method` names the interval, and does not say where it is stretched to contain 0 (`differing` at most 5) or cut at 100.
`family` names what differs among the `m` tests that `p_adjusted` is corrected over (null: not tested);
`joint_low` and `joint_high` bound the drops of a set all at once (null: fewer than 160 clusters). `differing` counts
clusters whose sums differ. `above_chance` and `near_chance` are those of the clean cell. `marks` (joined by commas):

- `not shown above chance`: `near_chance`.
- `no room`: the clean value exceeds chance by less than `mde`.
- `constant`: one answer covers 95 % of the items, clean or perturbed.
- `cannot reject`: not rejected, and so few clusters differ that Holm's first step could not, if all of them agreed.

They do not take a cell out of its set of tests. `drop_without_risk` is, with its bounds, of items without label risk.
"""

AVERAGES: Final = Frame(
    "averages",
    {
        "model": FrameColumn(pl.String),
        "kind": one_of("languages", "common", "script", "family", "tasks", "categories", "benchmark"),
        **columns(pl.String, "name task split setting inference condition metric languages cells"),
        "missing": FrameColumn(pl.String, nullable=True),
        "n": FrameColumn(pl.Int64),
        "clusters": FrameColumn(pl.Int64, nullable=True),
        **columns(pl.Float64, "clean value"),
        **columns(pl.Float64, "drop se widened_se low high p df", nullable=True),
        "method": FrameColumn(pl.String, nullable=True),
        **columns(pl.Float64, "marked spread prediction_low prediction_high", nullable=True),
        **columns(pl.Int64, "units drops_at_least", nullable=True),
        "grapheme_edit_rate": FrameColumn(pl.Float64, nullable=True),
    },
    ("model", "kind", "name", "task", "split", "setting", "inference", "condition", "metric"),
)
"""One row per average and noise: mean levels in points, clean and perturbed, over the same cells, and their drop.

`kind` is what it is over: the languages of a task (`name` is the task), those of them that all of its noises have in
common (`common`, where these are fewer), its languages of one script or family, or the tasks or categories of a
benchmark, or for rows of a suite those of the suite; with a `task` that task's part of it. `task` is empty where it is
over several tasks, and `metric` then `score`, the mean of the metrics that make each task's score. `setting` is that of
translated data. In a benchmark `condition` names no fields, as each task counts with its headline fields, and `clean`
has a row, whose drop is null. `cells` names the languages by task, `missing` those that it should be over, too.

`clusters` are the distinct clusters of all cells, `df` the degrees of freedom. `low` and `high` bound the drop at 95 %
for these languages and tasks alone. The `units` are the languages of each task. `marked` is the share of them with a
mark (null: none has one, and none is tested); of several metrics the headline metric has it. `spread` is the standard
deviation of the languages' drops; `prediction_low` and `prediction_high` describe where the drop of another language
like them would be. At least `drops_at_least` of the `units` have a drop, with 95 %. Over several tasks that is the drop
of the unit's score: in question answering of the mean of F1 and exact match, whereas DELTAS tests F1.
"""

SCALES: Final = ("clean", "perturbed", "change")

CONTRASTS: Final = Frame(
    "contrasts",
    {
        "kind": one_of("cell", "task", "language", "overall"),
        **columns(pl.String, " ".join(CELL[1:])),
        "metric": FrameColumn(pl.String),
        "scale": one_of(*SCALES),
        **columns(pl.Int64, "cells n clusters"),
        "differing": FrameColumn(pl.Int64, nullable=True),
        **columns(pl.Float64, "baseline candidate difference"),
        **columns(
            pl.Float64, "se widened_se df skewness unseen low high p p_adjusted joint_low joint_high mde", nullable=True
        ),
        "m": FrameColumn(pl.Int64, nullable=True),
        "method": FrameColumn(pl.String),
    },
    ("kind", *CELL[1:], "metric", "scale"),
    {CHANGE: "difference low high joint_low joint_high"},
)
"""One row per cell, task and language of two runs on the same items: difference = candidate - baseline, in points.

`kind` is what it is over: a cell, the languages of a task, the tasks of a language or both (each task with the same
weight), `cells` in number; columns that do not name it are empty, and the metric of several tasks is `score`. `scale`
is what is compared: the level of clean text, of perturbed text, or the change, perturbed minus clean. `low` and `high`
bound the difference at 95 %, `joint_low` and `joint_high` those of the `m` tests of a kind all at once (null: fewer
than 160 clusters); `p_adjusted` is Holm's. `skewness` is that of the difference as an estimate, `unseen` the loss in
points of which 5 % of samples of as many clusters of the size of the largest show nothing. `differing` counts the
clusters whose outcomes differ, null where only levels are known. `mde` is the smallest difference detected with 80 %
power at the corrected level.
"""

SIDES: Final = ("baseline", "anchor")
VERDICT_NAMES: Final = ("ok", "regressed", "better", "beyond margin", "undecided", "missing", "new")
_CHURN: Final = " ".join(f"{name} {name}_low {name}_high" for name in ("changed", "harmful", "beneficial"))
_DECIDED: Final = columns(pl.Float64, "margin bound upper p_gate p_equivalent items", nullable=True)

COMPARISONS: Final = Frame(
    "comparisons",
    {
        **CONTRASTS.columns,
        **columns(pl.Float64, _CHURN, nullable=True),
        "verdict": one_of("equivalent", "worse", "better", "undecided", nullable=True),
        "languages": FrameColumn(pl.String, nullable=True),
        **_DECIDED,
    },
    CONTRASTS.key,
    {**CONTRASTS.within, SHARE: _CHURN},
)
"""CONTRASTS with the shares of a cell's answers that changed, in all, from right to wrong (`harmful`) and the reverse.

With a margin `languages` is how many are equivalent (`all 12` or, by Holm, `9 of 12`); the others are as in VERDICTS.
"""

VERDICTS: Final = Frame(
    "verdicts",
    {
        "against": one_of(*SIDES),
        **{
            name: column if name in CONTRASTS.key else replace(column, nullable=True)
            for name, column in CONTRASTS.columns.items()
        },
        "verdict": one_of(*VERDICT_NAMES, nullable=True),
        **_DECIDED,
        **columns(pl.Boolean, "required accepted fails"),
        **columns(pl.String, "reason marks", nullable=True),
        "why": FrameColumn(pl.String),
    },
    ("against", *CONTRASTS.key),
    CONTRASTS.within,
)
"""CONTRASTS with the verdict of the gate, and a row for each cell that only one of the runs has.

`against` is what the candidate is compared with: the baseline, or its anchor, the first baseline. `verdict` is null
where a row is not gated (the tasks of a language, a scale that the policy does not name). `bound` and `upper` are the
one-sided 95 % bounds of the difference. `p_gate` is the one-sided p of no fall, corrected over the `m` rows that are
gated and tested of its kind, and compared with half of the policy's alpha; `mde` of a gated row is for these. For
equivalence it is twice the smaller one of no fall and of no rise; `p_equivalent` is the greater p of the two tests
against the margin, each of which has 80 % power with `items` if the models are equal. `accepted` is whether the policy
accepts what would else fail, for `reason`; `marks` are those of DELTAS, of the candidate; `why` says in a sentence how
the row was decided.
"""

FAILED: Final = "failed"
"""The reason in the manifest for a cell whose predictions are not complete."""

UNREADABLE: Final = "unreadable"
"""The reason in the manifest for a language of a task that is left out because a file of it cannot be read."""
