"""`perturb_dataset`: the same dataset with columns noised, cached by what it depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeVar

import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
from datasets import Dataset, DatasetDict, IterableDataset, IterableDatasetDict

from robust_xtreme import __version__
from robust_xtreme.core import resources
from robust_xtreme.core.errors import UserError, shown
from robust_xtreme.core.examples import digest
from robust_xtreme.core.registry import version_of
from robust_xtreme.core.resources import Folders
from robust_xtreme.datasets.condition import FIRST, DatasetCondition, check_column, condition
from robust_xtreme.models.folder import language_models
from robust_xtreme.noise.engine.noising import bound

_FORM: Final = "1"
"""Raised where the same arguments give other values."""


def fingerprint(dataset: str, condition: DatasetCondition) -> str:
    """The fingerprint (16 hex digits) of a dataset, by its own, under a condition. Raises ModelError."""
    return digest("perturb_dataset", _FORM, dataset, *_parts(condition))


def _parts(condition: DatasetCondition) -> Iterator[str]:
    yield from (__version__, _bundled(), str(condition.seed))
    yield from (f"column {name}" for name in condition.columns)
    yield from (f"language {condition.language}", f"languages {condition.language_column}", f"spans {condition.spans}")
    yield f"packs {condition.packs.identity}"
    for link in bound(condition.cell):
        # The shape has no folder of a language model: its content is what matters.
        yield "\n".join((*link.shape(), link.strength, link.axis, str(link.keeps_names)))
        yield _of_library(link.perturbation.name)
    yield from language_models([condition.cell])


def _of_library(name: str) -> str:
    """The version of the library whose function a perturbation is, as in `nlpaug.keyboard`; empty for our own."""
    library, dot, _ = name.partition(".")
    return (version_of(library) or "") if dot else ""


@cache
def _bundled() -> str:
    """The digest of all bundled linguistic data."""
    folder = resources.folder("perturbations")
    state = hashlib.blake2b(digest_size=8)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        for part in (path.relative_to(folder).as_posix().encode(), path.read_bytes()):
            state.update(len(part).to_bytes(8, "little") + part)
    return state.hexdigest()


D = TypeVar("D")
"""A Dataset, an IterableDataset, or a dictionary of them."""

_NAME: Final = "perturb_dataset"


def perturb_dataset(
    ds: D,
    spec: str,
    *,
    language: str | None = None,
    language_column: str | None = None,
    column: str | Sequence[str] | None = None,
    spans: str | None = None,
    seed: int = 0,
    keep_names: bool = False,
    packs: Folders = (),
    num_proc: int | None = None,
    batch_size: int = 1000,
    keep_in_memory: bool = False,
    load_from_cache_file: bool | None = None,
) -> D:
    """Perturb columns of a dataset; rows, their order, other columns, features, splits and format stay.

    `ds` is a Dataset, an IterableDataset (noised as it is read), or a DatasetDict or IterableDatasetDict, whose splits
    are all noised; the result has the same type. `spec` names one strength, as in `"keyboard_typo:0.1"`. `column` is
    the name of a column or a list of names, by default `text`, or those of the spec's `@fields=`. A column has texts or
    lists of words; a list keeps its number of words. None stays None. `language` is the code of all rows,
    `language_column` the column with the code of each.

    The noise of a text is that of `robust_xtreme.perturb`: it depends on seed, language and text alone, so that equal
    texts get equal noise. `spans="answers"` moves the positions of answers (`answer_start`) in the column `context`, or
    in the only one that is noised, and writes their new texts; an edit across the end of an answer is left out, so that
    a text with answers may have fewer edits. Positions that would be wrong are an error.
    `keep_names` is `@names=keep`, as in `perturb`: words tagged as names stay, and columns have no such tags.
    `packs` are folders of linguistic data that are searched before the bundled ones.

    A Dataset in files is noised once: `map` writes the result beside them, under a fingerprint of the dataset,
    perturbation, seed, language, columns, packs and version, and reads it from there afterwards, in any process.
    `batch_size` (rows), `num_proc`, `keep_in_memory` and `load_from_cache_file` are those of `map`; an IterableDataset
    uses `batch_size` alone. Raises SpecError, UnknownName, DataError, and UserError where a column is missing or has no
    texts, or a language is not served; of an IterableDataset without features, when it is read.
    """
    made = condition(_NAME, spec, language, language_column, column, spans, seed, keep_names, packs)
    options = {"num_proc": num_proc, "keep_in_memory": keep_in_memory, "load_from_cache_file": load_from_cache_file}
    noisy: D = _noised(ds, made, {**options, "batch_size": batch_size})
    return noisy


def _noised(ds: Any, made: DatasetCondition, options: Mapping[str, Any]) -> Any:
    """A dataset, or one of several splits, all of which are checked before the first is noised. Raises UserError."""
    match ds:
        case Dataset() | IterableDataset():
            _check(ds, made)
            return _part(ds, made, options)
        case DatasetDict() | IterableDatasetDict():
            for part in ds.values():
                _check(part, made)
            return type(ds)({name: _part(part, made, options) for name, part in ds.items()})
    kinds = "a Dataset, an IterableDataset, a DatasetDict or an IterableDatasetDict of datasets"
    raise UserError(f"{_NAME} takes {kinds}, not {type(ds).__name__}: {shown(ds)}")


def _part(ds: Any, made: DatasetCondition, options: Mapping[str, Any]) -> Any:
    return _dataset(ds, made, options) if isinstance(ds, Dataset) else _stream(ds, made, options["batch_size"])


def _check(ds: Any, made: DatasetCondition) -> None:
    """Raise UserError, UnknownName or SpecError where a dataset cannot be noised, as far as is known without rows."""
    if ds.features is not None:
        _check_features(ds.features, made)
    if isinstance(ds, Dataset):
        made.check_positions(_first(ds.with_format("arrow")[:FIRST]))
    if made.language_column and isinstance(ds, Dataset):
        for code in filter(None, ds.unique(made.language_column)):
            made.check_language(code)


@dataclass(frozen=True, slots=True)
class _OfTable:
    """Noises a batch of rows as a table of arrow, so that other columns are not read, but for their first rows."""

    condition: DatasetCondition

    def __call__(self, table: Any, numbers: list[int]) -> Any:
        self.condition.check_positions(_first(table))
        batch = {name: table[name].to_pylist() for name in self.condition.reads()}
        for name, values in self.condition.noised(batch, numbers).items():
            at = table.schema.get_field_index(name)
            field = table.schema.field(at)
            table = table.set_column(at, field, pa.array(values, type=field.type))
        return table


def _first(table: Any) -> dict[str, list[Any]]:
    """The first rows of a table, without the columns of bytes, as of images."""
    read = [field.name for field in table.schema if "binary" not in str(field.type)]
    rows: dict[str, list[Any]] = table.select(read).slice(0, FIRST).to_pydict()
    return rows


def _dataset(ds: Any, made: DatasetCondition, options: Mapping[str, Any]) -> Any:
    noisy = ds.with_format("arrow").map(
        _OfTable(made),
        batched=True,
        with_indices=True,
        features=ds.features,
        new_fingerprint=fingerprint(ds._fingerprint, made),
        desc=f"Perturb {', '.join(made.columns)}",
        **options,
    )
    shape = dict(ds.format)
    columns = None if shape["columns"] == ds.column_names else shape["columns"]
    return noisy.with_format(shape["type"], columns, shape["output_all_columns"], **shape["format_kwargs"])


def _check_features(features: Any, made: DatasetCondition) -> None:
    """Raise UserError where a column is missing, has no texts, or has positions that noise would make wrong."""
    schema = features.arrow_schema
    for name in made.reads():
        check_column(name, features)
    for name in made.columns:
        kind = schema.field(name).type
        is_list = any(of(kind) for of in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list))
        if is_list and _is_text(kind.value_type):
            made.check_words()
        elif not _is_text(kind):
            _refuse(name, features, schema)
    if made.language_column and not _is_text(schema.field(made.language_column).type):
        _refuse(made.language_column, features, schema)


def _refuse(name: str, features: Any, schema: Any) -> None:
    """Raise UserError about a column without texts."""
    known = ", ".join(other for other in features if _is_text(schema.field(other).type)) or "none"
    what = f"The column {name!r} has {shown(features[name])}, and no texts. Columns of texts are: {known}."
    raise UserError(f"{what} Name one of them, or cast it: ds.cast_column({name!r}, Value('string'))")


def _is_text(kind: Any) -> bool:
    """Whether values of a type of arrow are texts, or all null."""
    return any(of(kind) for of in (pa.types.is_string, pa.types.is_large_string, pa.types.is_null))


def _stream(ds: Any, made: DatasetCondition, batch_size: int) -> Any:
    """A stream of tables is noised as tables, so that a format of arrays finds the types that it would have found."""
    shape = ds._formatting  # neither this nor the kind of the source has a public name
    tables = shape is not None and ds.features is not None and getattr(ds._ex_iterable, "iter_arrow", None)
    plain = ds.with_format("arrow") if tables else ds.with_format(None) if shape else ds
    noise = _OfTable(made) if tables else made.noised
    noisy = plain.map(noise, batched=True, batch_size=batch_size, with_indices=True, features=ds.features)
    return noisy.with_format(shape.format_type) if shape else noisy
