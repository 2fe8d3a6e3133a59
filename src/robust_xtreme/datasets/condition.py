"""What noise does to the columns of a batch of rows: which columns, in which language, and what moves with them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NoReturn

from robust_xtreme.core import languages
from robust_xtreme.core import packs as core_packs
from robust_xtreme.core.errors import DataError, SpecError, UserError, nearest, shown
from robust_xtreme.core.examples import SPAN_QA, TAGGING, Text
from robust_xtreme.core.randomness import bare_ids
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.exchange.perturbing import files
from robust_xtreme.exchange.perturbing.files import check_served
from robust_xtreme.exchange.perturbing.output import cell_of, folders_of, seed_of
from robust_xtreme.noise.engine.noising import at_nominal, bound, check_unasked, noise_strings
from robust_xtreme.noise.engine.perturbation import Bound
from robust_xtreme.noise.user_packs import using
from robust_xtreme.tasks.formats import ReadOptions, Record, jsonl, looks_placed, word_spans

CONTEXT: Final = "context"
"""The column that positions of answers belong to, by the name that datasets of questions give it."""

_ANSWERS: Final = "answers"


@dataclass(frozen=True, slots=True)
class RowNoise:
    """The links of a chain, the noise seed, the language of some rows, and their numbers (n,), for errors."""

    links: Sequence[Bound]
    seed: int
    language: str
    numbers: Sequence[int]

    def refuse(self, row: int, name: str, what: str) -> NoReturn:
        """Raise UserError about the value of a column in a row."""
        raise UserError(f"The column {name!r} has {what} in row {self.numbers[row]}.")


def strings(noise: RowNoise, name: str, values: Sequence[Any]) -> list[str | None]:
    """Texts (n,) after noise; None stays. Raises UserError at another value."""
    for row, value in enumerate(values):
        _check_text(noise, row, name, value)
    whole = [str(value) for value in values if value is not None]
    new = iter(noise_strings(noise.links, whole, noise.language, noise.seed))
    return [None if value is None else next(new) for value in values]


def _check_text(noise: RowNoise, row: int, name: str, value: Any) -> None:
    """Raise UserError where a value is neither a text nor None, or has half of a surrogate pair."""
    if value is None:
        return
    if not isinstance(value, str):
        noise.refuse(row, name, f"{shown(value)}, which is {type(value).__name__} and not a text,")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        noise.refuse(row, name, f"{error.object[error.start]!a}, half of a surrogate pair,")


def words(noise: RowNoise, name: str, values: Sequence[Any]) -> list[list[str] | None]:
    """Lists of words (n,) after noise, each with as many words as before; None stays. Raises UserError."""
    texts = [None if value is None else _sentence(noise, row, name, value) for row, value in enumerate(values)]
    done = files.noised_once(noise.links, filter(None, texts), noise.seed)
    new = [None if text is None else done[text].text for text in texts]
    return [None if text is None else text.pieces(words=True) for text in new]


def _sentence(noise: RowNoise, row: int, name: str, value: Any) -> Text:
    """The words of a row as one text, in which each word is a span."""
    if not isinstance(value, list):
        noise.refuse(row, name, f"{shown(value)} beside lists of words")
    for word in value:
        if word is None:
            noise.refuse(row, name, "None among its words")
        _check_text(noise, row, name, word)
    joined = " ".join(value)
    return Text(bare_ids(noise.language, [joined])[0], noise.language, joined, word_spans(value))


def moved(
    noise: RowNoise, name: str, values: Sequence[Any], spans: str, positions: Sequence[Any]
) -> tuple[list[str | None], list[Any]]:
    """Texts (n,) after noise and the positions (n,) in them, as in JSON lines; a None stays. Raises UserError."""
    rows = [row for row, value in enumerate(values) if value is not None]
    records = [_record(noise, row, name, spans, values[row], positions[row]) for row in rows]
    drawn = files.FileNoise(noise.links, noise.seed, noise.language).batch(records, name)
    texts, moves = list(values), list(positions)
    for row, record, done in zip(rows, records, drawn, strict=True):
        written = json.loads(record.write(done))
        texts[row], moves[row] = written[CONTEXT], written[_ANSWERS]
    return texts, moves


def _record(noise: RowNoise, row: int, name: str, spans: str, value: Any, position: Any) -> Record:
    """A text and the positions in it as a row of JSON lines."""
    _check_text(noise, row, name, value)
    try:
        return jsonl.of_row(noise.numbers[row], {CONTEXT: value, _ANSWERS: position}, name, ReadOptions((CONTEXT,)))
    except TypeError:
        noise.refuse(row, spans, f"{shown(position)}, which are not lists and numbers of Python,")
    except DataError as error:
        raise UserError(f"Row {noise.numbers[row]}, columns {name!r} and {spans!r}: {error.what}") from None


Columns = Mapping[str, Sequence[Any]]
"""Some rows by column: the values (n,) of each."""

FIRST: Final = 100
"""The rows whose values are looked at."""


@dataclass(frozen=True, slots=True)
class Packs:
    """Folders of linguistic data that are searched before the bundled ones, and the digest of what they contain."""

    folders: tuple[str, ...] = ()
    identity: str = ""

    def context(self) -> Context:
        """A context in which they are used, with the tables that were read in this process; another each time."""
        return _context(self).copy()


@lru_cache(maxsize=8)
def _context(used: Packs) -> Context:
    context = copy_context()
    context.run(core_packs.use, *map(Path, used.folders))
    return context


@dataclass(frozen=True, slots=True)
class DatasetCondition:
    """A perturbation at one strength, the columns that it noises, and the language of their texts.

    `language` is the code of all rows, or `language_column` names the column with the code of each. Positions in the
    column `spans` move with the text of `moved`.
    """

    cell: PerturbationSpec
    seed: int
    columns: tuple[str, ...]
    language: str
    language_column: str
    spans: str
    packs: Packs

    @property
    def moved(self) -> str:
        """The column whose text the positions in `spans` belong to."""
        return CONTEXT if CONTEXT in self.columns else self.columns[0]

    def reads(self) -> tuple[str, ...]:
        """The columns that are read: texts, positions, languages."""
        return tuple(filter(None, (*self.columns, self.spans, self.language_column)))

    def check_language(self, code: str) -> None:
        """Raise UserError, UnknownName or SpecError where a language is not served."""
        self.packs.context().run(self._check_language, code)

    def _check_language(self, code: str) -> None:
        languages.language(code)
        links = bound(self.cell)
        check_served(links, code, SPAN_QA.name if self.spans else "")
        for link in links:
            at_nominal(link, code)

    def check_words(self) -> None:
        """Raise UserError where the perturbation has no meaning on lists of words."""
        check_served(bound(self.cell), "", TAGGING.name)

    def noised(self, batch: Columns, numbers: Sequence[int]) -> dict[str, list[Any]]:
        """The new values of the columns that change; `numbers` (n,) are those of the rows. Raises UserError."""
        try:
            return self.packs.context().run(self._noised, batch, numbers)
        except UserError as error:
            raise UserError(str(error)) from None  # others of the tree cannot be sent between processes

    def _noised(self, batch: Columns, numbers: Sequence[int]) -> dict[str, list[Any]]:
        for name in self.reads():
            check_column(name, batch)
        self.check_positions(batch)
        changed = {name: list(batch[name]) for name in (*self.columns, *filter(None, [self.spans]))}
        for code, rows in self._by_language(batch, numbers).items():
            self._check_language(code)
            noise = RowNoise(bound(self.cell), self.seed, code, tuple(numbers[row] for row in rows))
            for name in self.columns:
                self._noise_column(noise, name, rows, changed)
        return changed

    def _noise_column(self, noise: RowNoise, name: str, rows: Sequence[int], changed: Mapping[str, list[Any]]) -> None:
        """Replace the rows of one language of a column by noisy ones."""
        values = [changed[name][row] for row in rows]
        if self.spans and name == self.moved:
            positions = [changed[self.spans][row] for row in rows]
            values, placed = moved(noise, name, values, self.spans, positions)
            _put(changed[self.spans], rows, placed)
        elif any(isinstance(value, list) for value in values):
            self.check_words()
            values = words(noise, name, values)
        else:
            values = strings(noise, name, values)
        _put(changed[name], rows, values)

    def _by_language(self, batch: Columns, numbers: Sequence[int]) -> dict[str, list[int]]:
        """The rows with texts by the language of them."""
        count = len(batch[self.columns[0]])
        if not self.language_column:
            return {self.language: list(range(count))}
        rows: dict[str, list[int]] = {}
        for row, code in enumerate(batch[self.language_column]):
            if isinstance(code, str):
                rows.setdefault(str(code), []).append(row)
            elif code is not None or any(batch[name][row] is not None for name in self.columns):
                what = f"The column {self.language_column!r} has {shown(code)} in row {numbers[row]}"
                raise UserError(f"{what}; it takes the code of a language for each text, as in 'sw'.")
        return rows

    def check_positions(self, known: Columns) -> None:
        """Raise UserError where a column with positions in a noised text stays as it is; `known` has all columns."""
        if self.spans and self.moved != CONTEXT and CONTEXT in known:
            what = f"The positions in {self.spans!r} are those of {CONTEXT!r}, which is not noised."
            raise UserError(f"{what} Leave spans= out.")
        texts = (value for name in self.columns for value in known[name][:FIRST] if isinstance(value, str))
        longest, others = max(map(len, texts), default=-1), known.keys() - {*self.columns, self.spans}
        left = [name for name in sorted(others) if any(looks_placed(name, it, longest) for it in known[name][:FIRST])]
        if left and (CONTEXT in self.columns or CONTEXT not in known):
            what = f"The column {left[0]!r} has positions in a text, which noise moves."
            cure = f'Move them with spans="{left[0]}", or' if not self.spans else "Only one column moves:"
            raise UserError(f'{what} {cure} leave the column out: ds.remove_columns("{left[0]}")')


def _put(column: list[Any], rows: Sequence[int], values: Sequence[Any]) -> None:
    for row, value in zip(rows, values, strict=True):
        column[row] = value


def check_column(name: str, known: Mapping[str, Any]) -> None:
    """Raise UserError naming a column that is missing, the nearest one and the others."""
    if name not in known:
        what = f"There is no column {name!r}.{nearest(name, known)} There are: {', '.join(known)[:200] or 'none'}."
        raise UserError(f"{what} Name it with column=.")


def condition(
    function: str,
    spec: str,
    language: str | None,
    language_column: str | None,
    column: str | Sequence[str] | None,
    spans: str | None,
    seed: int,
    keep_names: bool,
    packs: Any,
) -> DatasetCondition:
    """The condition that the arguments of a function describe, in its order.

    Raises SpecError, UnknownName, DataError, UserError.
    """
    if not isinstance(spec, str):
        raise UserError(f"{function} takes one spec as a string, as in 'char_noise:0.1', not {shown(spec)}")
    if not isinstance(keep_names, bool):
        raise UserError(f"{function}: keep_names takes True or False, not {shown(keep_names)}.")
    cell, columns = cell_of(function, spec, keep_names), _columns(function, column)
    if cell.fields and column is not None and cell.fields != columns:
        raise SpecError(f"column= and {str(cell)!r} name different columns. Leave one out.")
    columns = cell.fields or columns
    code, by = _languages(function, language, language_column)
    positions = _name(function, "spans", spans)
    every = tuple(str(Path(folder).absolute()) for folder in folders_of(function, packs))
    with using(*every):  # each file in them is read and checked
        used = Packs(every, core_packs.identity())
    made = DatasetCondition(cell.on(), seed_of(function, seed), columns, code, by, positions, used)
    _check_roles(function, made)
    check_unasked(bound(made.cell))
    if code:
        made.check_language(code)
    return made


def _check_roles(function: str, made: DatasetCondition) -> None:
    """Raise UserError where a column has two roles, or the text of positions is not known."""
    if len(set(made.reads())) < len(made.reads()):
        raise UserError(f"{function}: texts, spans and languages are different columns: {', '.join(made.reads())}.")
    if made.spans and made.moved != CONTEXT and len(made.columns) > 1:
        what = f"spans={made.spans!r} has positions in one text: call its column {CONTEXT!r},"
        raise UserError(f"{function}: {what} or noise it in a call of its own.")


def _columns(function: str, column: object) -> tuple[str, ...]:
    """The names of columns, one or several, each once."""
    names = ("text",) if column is None else (column,) if isinstance(column, str) else column
    if not isinstance(names, (list, tuple)) or not names or not all(isinstance(name, str) and name for name in names):
        raise UserError(f"{function}: column takes the name of a column or a list of names, not {shown(column)}.")
    return tuple(dict.fromkeys(names))


def _languages(function: str, language: object, column: object) -> tuple[str, str]:
    """The language of all rows, or the column with that of each; the other is empty."""
    code, by = _name(function, "language", language), _name(function, "language_column", column)
    if code and by:
        raise UserError(f"{function}: language is that of all rows, language_column has that of each; give one.")
    if not code and not by:
        raise UserError(f"{function} needs the language of the texts, as in language='sw', or language_column='lang'.")
    return code, by


def _name(function: str, argument: str, value: object) -> str:
    """A name, empty where it is None."""
    if value is None:
        return ""
    if not isinstance(value, str) or not value:
        raise UserError(f"{function}: {argument} takes a string, not {shown(value)}.")
    return value
