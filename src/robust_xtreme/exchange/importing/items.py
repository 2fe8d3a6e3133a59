"""ITEMS: the rows that are imported, one for each example of a condition and noise seed, whatever they are read from.

A reader gives the keys of each row as strings, lists and objects as JSON text; what a row does not have is null. Here
they get their types, the keys that a caller gives once for all rows, and the checks that name an example; then their
identity: ids as `eval` writes them, clusters, fingerprints and that of the data; and whether they can be one run.

Raw rows, of JSON lines, have values by KEYS as strings, and what they were; what its key does not take is refused.
"""

import io
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl

from robust_xtreme.core import languages, strict_json
from robust_xtreme.core.errors import DataError, Mismatch, SpecError, UserError, counted, shown
from robust_xtreme.core.examples import digest
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.files.frames import SHARE, Frame, FrameColumn, beyond, columns, in_words, one_of
from robust_xtreme.files.schema import CELL, CHANCE, PREDICTIONS, SETTINGS, SHALLOW, STATUSES
from robust_xtreme.noise.conditions.condition import CLEAN, CLEAN_SEED
from robust_xtreme.tasks.formats import read_file
from robust_xtreme.tasks.sources.rows import identity_of_rows

REALISED: Final = (
    *("nominal", "eligible", "edits", "operators", "grapheme_edit_rate", "word_edit_rate", "words", "tokens_clean"),
    *("tokens", "tokens_changed", "truncated", "unknown_clean", "unknown", "queries", "success", "numbers_edited"),
    "negators_edited",
)
"""Columns of PREDICTIONS that say what noise did, and what became of the text in the model."""

SPLIT: Final = ("task", "split", "language", "context_language")
"""What the examples of one set of data share."""

GROUP: Final = tuple(name for name in CELL if name != "data")
"""The columns that a cell is known by before the identity of its data is."""

ITEMS: Final = Frame(
    "items",
    {
        **columns(pl.String, " ".join(GROUP)),
        "setting": one_of(*SETTINGS),
        "data": FrameColumn(pl.String, nullable=True),
        "noise_seed": FrameColumn(pl.Int64),
        "example": FrameColumn(pl.String),
        **columns(pl.String, "cluster fingerprint prediction gold answer", nullable=True),
        "status": FrameColumn(pl.String, nullable=True, allowed=STATUSES),
        **{name: FrameColumn(PREDICTIONS.columns[name].dtype, nullable=True) for name in REALISED},
        "overlap": FrameColumn(pl.Boolean, nullable=True),
        "confidence": FrameColumn(pl.Float64, nullable=True),
        **columns(pl.String, "scores sums", nullable=True),
    },
    (*GROUP, "noise_seed", "example"),
    {SHARE: "confidence"},
)
"""Rows of others. `prediction` and `gold` are as given, lists as JSON; `scores` is JSON, name to a score of the example
from 0 to 1; `sums` is JSON, metric to scope to the sums that the metric adds; `confidence` is PREDICTIONS' `score`."""

KEYS: Final = ("id", *(name for name in ITEMS.columns if name != "example"), "score")
"""The keys of a row, with `id` for the example; `score` is one score without a name."""

ANSWERS: Final = ("gold", "prediction")
TYPE: Final = "_type"
"""What the name of a column ends in that says what given answers are, a list or a number; null of a text."""

ID: Final = "id"
SCORE: Final = "score"
_DEFAULTS: Final = {"split": "test", "setting": "unknown", "inference": "imported", "model": "imported"}
_BOOLEANS: Final = {"true": True, "false": False, "True": True, "False": False}


def items_of(raw: pl.DataFrame, given: Mapping[str, str], path: str) -> pl.DataFrame:
    """Rows of ITEMS from raw rows, whose columns are strings named as KEYS; of REALISED they have what occurs.

    `given` are values of keys that a row does not have.

    Raises DataError or Mismatch, naming the example, and SpecError for a value that no row may have.
    """
    if raw.is_empty():
        raise DataError(path, "has no rows")
    if {"prediction", "score", "scores", "sums"}.isdisjoint(raw.columns):
        what = "has no prediction, score, scores or sums: there is nothing to score."
        raise DataError(path, f"{what} Other keys are named by --prediction-field and --score-field, or in columns=")
    if ID not in raw.columns:
        raise DataError(path, "has no key 'id'. Name the key that has it with --id-field KEY, or in columns=")
    empty = raw.get_column(ID).is_null() | (raw.get_column(ID) == "")
    if empty.any():
        raise DataError(path, f"row {int(empty.arg_true()[0]) + 1:,} has no id")
    rows = raw.rename({ID: "example"})
    filled = [_filled(rows, name, given, path) for name in (*GROUP, "noise_seed")]
    rows = rows.with_columns(filled).with_columns(_scores(rows, path))
    typed = {name: column for name, column in ITEMS.columns.items() if column.dtype != pl.String or column.allowed}
    known = [_cast(rows, name, column, path) for name, column in typed.items() if name in rows.columns]
    rows = rows.drop(name for name in (SCORE,) if name in rows.columns).with_columns(known)
    _check_noise(rows, path)
    return whole(_in_pairs(_named_as_here(rows)), tuple(name for name in ITEMS.columns if name not in REALISED))


def names_of(renamed: Mapping[str, str]) -> dict[str, str]:
    """The names that rows have for KEYS; `renamed` maps a key to another name, which is then no key itself."""
    taken = set(renamed.values())
    return {renamed.get(key, key): key for key in KEYS if key in renamed or key not in taken}


def option_of(key: str) -> str:
    """The option of `import` that names the file's own key."""
    return "--gold" if key == "gold" else f"--{key}-field"


def _filled(rows: pl.DataFrame, name: str, given: Mapping[str, str], path: str) -> pl.Expr:
    """A column of the key; where it is null, what is given for all rows, or its default."""
    value = given.get(name) or _DEFAULTS.get(name)
    column = pl.col(name).replace("", None) if name in rows.columns else pl.lit(None, pl.String)
    if value is not None:
        return column.fill_null(pl.lit(value)).alias(name)
    if name in ("task", "language", "condition") and rows.select(column.is_null().any()).item():
        first = rows.filter(column.is_null()).item(0, "example")
        raise DataError(path, f"the example {shown(first)} has no {name}. Give it for all rows with --{name}")
    return column.alias(name)


def _scores(rows: pl.DataFrame, path: str) -> list[pl.Expr]:
    """`score` as one of `scores`. Raises DataError naming the example whose score is not a number."""
    if SCORE not in rows.columns:
        return []
    score = rows.get_column(SCORE)
    wrong = score.is_not_null() & ~score.cast(pl.Float64, strict=False).is_finite().fill_null(False)
    wrong &= ~score.is_in([*_BOOLEANS]).fill_null(False)
    if wrong.any():
        first = rows.filter(wrong)
        what = f"the score of the example {shown(first.item(0, 'example'))} is {shown(first.item(0, SCORE))}"
        raise DataError(path, f"{what}; it takes a number from 0 to 1")
    for name in (name for name in ("scores", "sums") if name in rows.columns):
        for example in rows.drop_nulls([SCORE, name]).get_column("example"):
            what = f"the example {shown(example)} has both score and {name}. Give one"
            raise DataError(path, what + "; a probability is `confidence`" * (name == "sums"))
    named = pl.lit('{"score": ') + pl.col(SCORE).str.to_lowercase() + pl.lit("}")
    return [pl.coalesce("scores", named).alias("scores") if "scores" in rows.columns else named.alias("scores")]


def whole(items: pl.DataFrame, names: Sequence[str] = tuple(ITEMS.columns)) -> pl.DataFrame:
    """The items with some columns of ITEMS, by default all; those that they do not have are null."""
    missing = [name for name in names if name not in items.columns]
    return items.with_columns(pl.lit(None, ITEMS.columns[name].dtype).alias(name) for name in missing)


def _cast(rows: pl.DataFrame, name: str, column: FrameColumn, path: str) -> pl.Series:
    """A column with its type. Raises DataError naming the example whose value is of another one."""
    values, takes = rows.get_column(name), f"one of {', '.join(column.allowed)}"
    if column.dtype == pl.Boolean:
        typed, takes = values.replace_strict(_BOOLEANS, default=None, return_dtype=pl.Boolean), "true or false"
    else:
        typed = values.cast(column.dtype, strict=False)
    wrong = typed.is_null() & values.is_not_null()
    if column.allowed:
        wrong |= ~values.is_in(column.allowed).fill_null(True)
    elif column.dtype != pl.Boolean:
        wrong |= beyond(typed, ITEMS.range(name)).fill_null(False)
        takes = ("a whole number" if column.dtype == pl.Int64 else "a finite number") + in_words(ITEMS.range(name))
    if wrong.any():
        first = rows.filter(wrong)
        what = f"the {name} of the example {shown(first.item(0, 'example'))} is {shown(first.item(0, name))}"
        raise DataError(path, f"{what}; it takes {takes}")
    return typed.alias(name)


def _check_noise(rows: pl.DataFrame, path: str) -> None:
    """Raise DataError at an example with a status, or values of REALISED, that do not fit, or bad operators."""
    known = [name for name in REALISED if name in rows.columns]
    stated = [name for name in ("status", "prediction") if name in rows.columns]
    noise = whole(rows.select("example", "condition", *known, *stated), (*REALISED, "status", "prediction"))
    counted = [text for text in noise.get_column("operators").unique().drop_nulls() if _are_counts(text)]
    rates = pl.max_horizontal("grapheme_edit_rate", "word_edit_rate")
    fits = {
        "edits": ((pl.col("edits") > 0) | (rates == 0), "and a rate of its edits is above 0"),
        "condition": ((pl.col("condition") != CLEAN) | (pl.col("edits") == 0), "and it has edits"),
        "word_edit_rate": (pl.col("word_edit_rate") <= 1, "more than all of its words"),
        "unknown": (pl.col("unknown") <= pl.col("tokens"), "more than its tokens"),
        "unknown_clean": (pl.col("unknown_clean") <= pl.col("tokens_clean"), "more than its tokens_clean"),
        "success": (~pl.col("success") | pl.col("queries").is_not_null(), "and it has no queries"),
        "operators": (pl.col("operators").is_in(counted), "not operator to count"),
        "status": ((pl.col("status") != "unparsed") | pl.col("prediction").is_null(), "and it has a prediction"),
    }
    for name, (fit, what) in fits.items():
        for example, value in noise.filter(~fit).select("example", name).head(1).iter_rows():
            raise DataError(path, f"the {name} of the example {shown(example)} is {shown(value)}, {what}")


def _are_counts(text: str) -> bool:
    with suppress(ValueError, RecursionError):
        counts = strict_json.loads(text)
        return isinstance(counts, dict) and all(type(count) is int and count >= 0 for count in counts.values())
    return False


def _named_as_here(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with conditions in their canonical form, clean ones with the seed of clean text, others with a seed."""
    names = rows.get_column("condition").unique().to_list()
    canonical = {name: _canonical(name) for name in names}
    seed = pl.when(pl.col("condition") == CLEAN).then(CLEAN_SEED).otherwise(pl.col("noise_seed").fill_null(0))
    renamed = rows.with_columns(pl.col("condition").replace_strict(canonical, return_dtype=pl.String))
    return renamed.with_columns(seed.cast(pl.Int64).alias("noise_seed"))


def _canonical(condition: str) -> str:
    """The canonical form of a perturbation; another name stays, and takes no control characters."""
    if not condition.isprintable():
        raise SpecError(f"The condition {shown(condition)} is not a name.")
    if condition == CLEAN:
        return condition
    if condition.strip().lower() == CLEAN:
        raise SpecError(f"The condition {shown(condition)} is not {CLEAN!r}. Clean rows have the condition {CLEAN}.")
    try:
        spec = PerturbationSpec.parse(condition)
    except SpecError:
        return condition
    if len(spec.links[-1].strengths) > 1:
        raise SpecError(f"The condition {condition!r} lists several strengths. A row has one condition.")
    return str(spec)


def _in_pairs(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with the two languages of a pair, `de@en`, in their columns. Raises UnknownName for another language."""
    pairs = pl.concat([rows.get_column(name).unique().alias("") for name in ("language", "context_language")])
    for pair in pairs.drop_nulls().unique().sort():
        for code in pair.split("@", 1):
            languages.language(code)
    parts = pl.col("language").str.split("@")
    context = pl.coalesce("context_language", parts.list.last())
    return rows.with_columns(context_language=context, language=parts.list.first())


def identified(items: pl.DataFrame, path: str) -> pl.DataFrame:
    """The items with whole ids, `task/split/language/id`, and with clusters, fingerprints and data where they had none.

    A cluster is then the id itself, so that items with one id in several languages are one unit; a fingerprint is the
    hash of id and gold. Raises Mismatch, naming the example, where gold answers differ between conditions.
    """
    without, others = pl.col("cluster").is_null(), pl.col("cluster").is_not_null().any().over("task")
    for task, first in items.filter(without & others).select("task", "example").head(1).iter_rows():
        raise Mismatch(f"{path}: the example {shown(first)} of {task} has no cluster, and others have one")
    origin = pl.concat_str("task", "split", paired(), separator="/") + pl.lit("/")
    native = pl.col("example").str.strip_prefix(origin)
    named = items.with_columns(example=origin + native, cluster=pl.coalesce("cluster", native))
    _check_golds(named, path)
    return _with_data(_with_fingerprints(named))


def paired() -> pl.Expr:
    """The language of an example's id; of a pair `question@context`."""
    pair = pl.concat_str("language", "context_language", separator="@")
    return pl.when(pl.col("language") == pl.col("context_language")).then("language").otherwise(pair)


def _check_golds(items: pl.DataFrame, path: str) -> None:
    """Raise Mismatch at an example without a fingerprint whose gold answer is another one under noise."""
    without = items.filter(pl.col("fingerprint").is_null(), pl.col("gold").is_not_null())
    key = [*GROUP[:-1], "example"]
    clean = without.filter(pl.col("condition") == CLEAN).select(*key, clean="gold").unique(key)
    pairs = without.join(clean, on=key).filter(pl.col("gold") != pl.col("clean"))
    if pairs.height:
        row = pairs.row(0, named=True)
        golds = f"{shown(row['gold'])} under {row['condition']}, and {shown(row['clean'])} in clean text"
        raise Mismatch(f"{path}: the gold of the example {shown(row['example'])} is {golds}. Give the clean one.")


def _with_fingerprints(items: pl.DataFrame) -> pl.DataFrame:
    missing = items.filter(pl.col("fingerprint").is_null()).select("example", "gold").unique(maintain_order=True)
    if missing.is_empty():
        return items
    hashes = [digest(example, gold or "") for example, gold in missing.iter_rows()]
    # Noisy rows may leave out a gold that the clean row has.
    of_example = missing.with_columns(made=pl.Series(hashes)).sort("example", "gold", nulls_last=True)
    first = of_example.unique("example", keep="first").select("example", "made")
    joined = items.join(first, on="example", how="left", maintain_order="left")
    return joined.with_columns(fingerprint=pl.coalesce("fingerprint", "made")).drop("made")


def _with_data(items: pl.DataFrame) -> pl.DataFrame:
    """The items; of each set of data the identity is that given, or the hash of its examples."""
    given = pl.col("data").drop_nulls()
    known = items.group_by(SPLIT, maintain_order=True).agg(given=given.first(), several=given.n_unique())
    if (odd := known.filter(pl.col("several") > 1)).height:
        row = odd.row(0, named=True)
        raise Mismatch(f"The rows of {row['task']}/{row['language']} ({row['split']}) are of several sets of data.")
    clean = items.filter(pl.col("condition") == CLEAN).select(*SPLIT, "example", "fingerprint", "cluster").unique()
    parts = clean.partition_by(SPLIT, as_dict=True, include_key=False)
    hashes = {key: identity_of_rows(rows.iter_rows()) for key, rows in parts.items()}
    made = [stated or hashes.get(tuple(key), digest()) for *key, stated, _ in known.iter_rows()]
    of_split = known.select(SPLIT).with_columns(data=pl.Series(made, dtype=pl.String))
    return items.drop("data").join(of_split, on=SPLIT, how="left", maintain_order="left")


NO_MODEL: Final = f"^({CHANCE}|{SHALLOW})"


def answering(items: pl.DataFrame) -> pl.DataFrame:
    """The rows of a model, without those of constants and shallow predictors."""
    return items.filter(~pl.col("model").str.contains(NO_MODEL))


_TWIN: Final = GROUP[:-1]


def check_items(items: pl.DataFrame, path: str) -> None:
    """Raise Mismatch where rows cannot be one run.

    That is where a row occurs twice, several models answer, noise has no clean text beside it, or a condition has
    other examples than the clean one, or other fingerprints or clusters; the message names the example.
    """
    repeated = items.select(*GROUP, "noise_seed", "example").is_duplicated()
    if repeated.any():
        raise Mismatch(f"{path}: {_named(items.filter(repeated))} occurs twice")
    answers = answering(items)
    if answers.is_empty():
        raise Mismatch("The rows are of no model: all are those of constants or of shallow predictors.")
    for task, models in answers.group_by("task").agg(pl.col("model").unique().sort()).sort("task").iter_rows():
        if len(models) != 1:
            what = f"The rows of {task} are of {counted(len(models), 'model')}: {', '.join(map(shown, models[:5]))}"
            raise Mismatch(f"{what}. Choose one with --only-model NAME.")
    groups = answers.group_by(_TWIN, maintain_order=True).agg(pl.col("condition").unique().sort())
    for row in groups.filter(~pl.col("condition").list.contains(CLEAN)).iter_rows(named=True):
        cell = f"{row['task']}/{row['language']} ({row['split']}, {row['inference']})"
        noises = ", ".join(row["condition"][:3])
        raise Mismatch(f"{path}: {cell} has {noises}, and no rows of the condition clean to be compared with")
    _check_pairs(answers, path)


def _check_pairs(answers: pl.DataFrame, path: str) -> None:
    """Raise Mismatch at an example that a condition adds, or that is another one there."""
    key = [*_TWIN, "example"]
    clean = answers.filter(pl.col("condition") == CLEAN).select(*key, "fingerprint", "cluster", there=pl.lit(True))
    noisy = answers.filter(pl.col("condition") != CLEAN)
    joined = noisy.join(clean, on=key, how="left", suffix="_clean")
    if (new := joined.filter(pl.col("there").is_null())).height:
        raise Mismatch(f"{path}: {_named(new)} has no clean row")
    for name in ("fingerprint", "cluster"):
        if (other := joined.filter(pl.col(name) != pl.col(f"{name}_clean"))).height:
            pair = f"{shown(other.item(0, f'{name}_clean'))} in clean text"
            raise Mismatch(f"{path}: {_named(other)} has the {name} {shown(other.item(0, name))}, and {pair}")
    _check_complete(noisy, clean, path)


def _check_complete(noisy: pl.DataFrame, clean: pl.DataFrame, path: str) -> None:
    """Raise Mismatch at an example of the clean text that is not under a condition and noise seed."""
    counts = noisy.group_by(*GROUP, "noise_seed", maintain_order=True).len()
    wanted = clean.group_by(_TWIN).agg(wanted=pl.len())
    for row in counts.join(wanted, on=_TWIN).filter(pl.col("len") < pl.col("wanted")).iter_rows(named=True):
        there = noisy.filter(*(pl.col(name) == row[name] for name in (*GROUP, "noise_seed")))
        of_twin = clean.filter(*(pl.col(name) == row[name] for name in _TWIN))
        missing = of_twin.join(there, on="example", how="anti").item(0, "example")
        where = f"{row['task']}/{row['language']} {row['condition']} (noise seed {row['noise_seed']})"
        raise Mismatch(f"{path}: the example {shown(missing)} is missing in {where}")


def _named(rows: pl.DataFrame) -> str:
    """The first of some rows in words."""
    row = rows.row(0, named=True)
    seed = "" if row["noise_seed"] == CLEAN_SEED else f" (noise seed {row['noise_seed']})"
    return f"the example {shown(row['example'])} of {row['task']}/{row['language']} {row['condition']}{seed}"


TEXT, WHOLE, NUMBER, TRUTH = "a text", "a whole number", "a number", "true or false"
TEXTS, LIST, OBJECT = "a list of texts", "a list", "an object"
_GOLD, _PREDICTION = ANSWERS
_KINDS: Final = (WHOLE, NUMBER, TRUTH, TEXTS, LIST, OBJECT)
_TAKEN: Final = {
    **{name: (TEXT, WHOLE) for name, column in ITEMS.columns.items() if column.dtype == pl.String},
    **dict.fromkeys(("scores", "sums", "operators"), (TEXT, OBJECT)),
    **dict.fromkeys(ANSWERS, (TEXT, *_KINDS)),
    "id": (TEXT, WHOLE),
    "nominal": (TEXT, WHOLE, NUMBER),
}
"""The kinds of value that a key takes, where it is not a number: an answer any, since they depend on the task."""


class ImportedFile(NamedTuple):
    """A file or folder, its condition if given, and what is given for rows; `is_group`: its logs are one task here."""

    path: Path
    condition: str | None = None
    task: str = ""
    language: str = ""
    is_group: bool = False


def raw_frame(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """The rows as strings, with the keys that occur. Raises UserError naming the id of a row that is refused."""
    names = [key for key in KEYS if any(row.get(key) is not None for row in rows)]
    return frame_of(
        ((key, [row.get(key) for row in rows]) for key in names),
        lambda number, what: UserError(f"The row {shown(rows[number].get('id'))}: {what}."),
    )


def frame_of(columns: Iterable[tuple[str, Sequence[Any]]], refused: Callable[[int, str], UserError]) -> pl.DataFrame:
    """The values of keys as strings, and beside answers that are not all texts what they are (null: a text).

    Gold answers in the forms of SQuAD are their texts, and 1.0 is the whole number 1. `refused` makes the error about
    the value with a number, which is raised where a key does not take it.
    """
    return pl.DataFrame([each for key, values in columns for each in _series(key, values, refused)])


def _series(key: str, values: Sequence[Any], refused: Callable[[int, str], UserError]) -> Iterator[pl.Series]:
    takes, types = _TAKEN.get(key, (TEXT, WHOLE, NUMBER, TRUTH)), {*map(type, values)}
    kinds: Sequence[str] = ()
    if types == {int} and key not in ANSWERS:
        values = [*map(str, values)]
    elif not types <= {str, type(None)}:
        values = [_answer(key, value) for value in values] if key in ANSWERS else values
        values, kinds = zip(*map(_as_text, values), strict=True)
        for number, kind in enumerate(kinds):
            if kind not in takes:
                raise refused(number, f"{key} is {shown(values[number])}, {kind}; it takes {' or '.join(takes)}")
    try:
        yield pl.Series(key, values, dtype=pl.String)
    except UnicodeError:
        wrong = next(number for number, text in enumerate(values) if text and re.search("[\ud800-\udfff]", text))
        raise refused(wrong, f"{key} contains half of a surrogate pair, which is not a character") from None
    if kinds and key in ANSWERS:
        yield pl.Series(key + TYPE, [None if kind == TEXT else kind for kind in kinds], dtype=pl.Enum(_KINDS))


def _as_text(value: Any) -> tuple[str | None, str]:
    """A value as JSON has it, a string without its quotes, and its kind."""
    match value:
        case None | str():
            return value, TEXT
        case bool():
            return json.dumps(value), TRUTH
        case float() if value.is_integer() and abs(value) < 2**53:  # a larger one is not one whole number alone
            return str(int(value)), WHOLE
        case int() | float():
            return json.dumps(value), WHOLE if isinstance(value, int) else NUMBER
        case list():
            are_texts = all(isinstance(each, str) for each in value)
            return json.dumps(value, ensure_ascii=False, default=repr), TEXTS if are_texts else LIST
        case dict():
            return json.dumps(value, ensure_ascii=False, default=repr), OBJECT
    return repr(value), type(value).__name__


def _answer(key: str, value: Any) -> Any:
    """An answer; of the forms of SQuAD the texts of gold answers, or the text of a prediction."""
    match value:
        case {"prediction_text": str(text), **more} if key == _PREDICTION and more.keys() <= _BESIDE:
            return text
        case {"text": str(text), **more} if more.keys() <= _PLACES:
            return text if key == _PREDICTION else [text]
        case {"text": list(texts), **more} if more.keys() <= _PLACES and key == _GOLD:
            return texts
        case [dict(), *_] if key == _GOLD and all(
            isinstance(each, dict) and each.keys() - _PLACES == {"text"} for each in value
        ):
            return [each["text"] for each in value]
    return value


_BESIDE: Final = {"id", "no_answer_probability"}
_PLACES: Final = {"answer_start"}


def read(path: Path, renamed: Mapping[str, str]) -> pl.DataFrame:
    """The rows of a file as strings, with those of KEYS that occur in it; `renamed` maps them to the file's own.

    Raises DataError with the number of the line that is not an object, or has a value that is not finite, a key twice
    or a value that its key does not take.
    """
    content = read_file(path).text.encode()
    decoder = strict_json.decoder(parse_constant=_finite, parse_float=_finite)
    lines = objects(content, path, decoder)
    names, seen, frames = names_of(renamed), set[str](), [pl.DataFrame()]
    while rows := [*islice(lines, 10_000)]:  # so many are objects of Python at a time
        here = set[str]().union(*(row for _, row in rows))
        frames.append(_frame(rows, {name: key for name, key in names.items() if name in here or key == ID}, path))
        seen |= here
    for key, name in renamed.items():
        if seen and name not in seen:
            raise DataError(path, f"has no key {shown(name)}, which {option_of(key)} names")
    return pl.concat(frames, how="diagonal")


def _frame(rows: list[tuple[int, dict[str, Any]]], names: Mapping[str, str], path: Path) -> pl.DataFrame:
    columns = ((key, [row.get(name) for _, row in rows]) for name, key in names.items())
    return frame_of(columns, lambda number, what: DataError(path, what, rows[number][0]))


def objects(content: bytes, path: Path, decoder: json.JSONDecoder) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of the lines that are not blank, and their numbers. Raises DataError."""
    decode = decoder.raw_decode
    for number, line in enumerate(io.BytesIO(content), 1):
        try:
            text = line.decode().strip(" \t\r\n")
            row, stop = decode(text) if text else ({}, 0)
            if stop < len(text):
                raise json.JSONDecodeError("Extra data", text, stop)
        except (ValueError, RecursionError) as error:
            raise DataError(path, f"is not JSON: {error}", number) from error
        if not isinstance(row, dict):
            raise DataError(path, "is not a JSON object; of an array make lines: jq -c '.[]'", number)
        if text:
            yield number, row


def _finite(text: str) -> float:
    """The number that is written. Raises ValueError for NaN, infinity, and what is too large for a float."""
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text} is not a finite number")
    return value
