"""The rows of a split as every source returns them, with the location that they were read from."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple

from robust_xtreme.core.errors import DataError, SpecError
from robust_xtreme.core.examples import LONGEST, Corpus, Example, digest
from robust_xtreme.core.specs import Row, TaskSpec

NUMBERED: Final = "numbered/"
"""How clusters of sentences with numbers begin since version 2 of the clusters; other data are as in version 1."""
_LARGE: Final = 1 / 20
_SECOND: Final = "-clusters2"


def data_identity(examples: Sequence[Example]) -> str:
    """The identity of examples, as `identity_of_rows`."""
    return identity_of_rows((example.id, example.fingerprint, example.cluster) for example in examples)


def identity_of_rows(rows: Iterable[tuple[str, ...]]) -> str:
    """The hash of (id, fingerprint, cluster) in any order, and the version of the clusters where it is not 1."""
    ordered = sorted(rows)
    version = _SECOND if any(row[-1].startswith(NUMBERED) for row in ordered) else ""
    return digest(*(part for row in ordered for part in row)) + version


def clusters_version(*identities: str) -> int:
    """The version of the rule by which clusters were made, from identities of data; the highest of several."""
    return 1 + any(identity.endswith(_SECOND) for identity in identities)


def identity_of(examples: Sequence[Example], corpus: Corpus | None) -> str:
    """The identity of the evaluated data: examples and candidates."""
    identity = data_identity(examples)
    return identity if corpus is None else digest(identity, corpus.identity)


def limit(examples: Sequence[Example], n: int | None) -> tuple[Example, ...]:
    """The first whole clusters in hash order that contain at most `n` examples together, at least one; None: all.

    The examples keep their order. A smaller limit takes a subset of a larger one, and languages whose clusters have
    the same names get the same items. Raises SpecError where `n` is below 1.
    """
    if n is not None and n < 1:
        raise SpecError(f"The limit {n} is below 1. Leave it out to take every example.")
    if n is None or n >= len(examples):
        return tuple(examples)
    sizes = Counter(example.cluster for example in examples)
    kept: set[str] = set()
    taken = 0
    for cluster in sorted(sizes, key=lambda name: (digest(name), name)):
        taken += sizes[cluster]
        if kept and taken > n:
            break
        kept.add(cluster)
    return tuple(example for example in examples if example.cluster in kept)


def limit_note(where: str, kept: Sequence[Example], examples: Sequence[Example]) -> str:
    """A sentence where whole clusters were kept of examples of which one cluster has more than 1 in 20; else ""."""
    cluster, size = Counter(example.cluster for example in examples).most_common(1)[0]
    if len(kept) == len(examples) or size <= _LARGE * len(examples):
        return ""
    there = sum(example.cluster == cluster for example in kept)
    shares = f"{size:,} of {len(examples):,} rows, and {there:,} of the {len(kept):,} that --limit keeps"
    rule = "A cluster is not divided, so that the level of all rows can be another."
    return f"{where}: one cluster has {shares}. {rule}"


SPLITS: Final = ("train", "validation", "test")


class SourceRows(NamedTuple):
    """Rows with final native ids, where they are from, (name, sha256) of files, and for errors their format."""

    rows: tuple[Row, ...]
    location: str
    files: tuple[tuple[str, str], ...]
    expected: str = ""


def is_language(task: TaskSpec, language: str, known: Collection[str]) -> bool:
    """Whether a code is known; in tasks with pairs also two different known codes, as in `de@en`."""
    codes = language.split("@")
    paired = task.pairs and len(codes) == 2 and codes[0] != codes[1]
    return (len(codes) == 1 or paired) and all(code in known for code in codes)


def check(source_rows: SourceRows) -> None:
    """Raise DataError where there are no rows, a text is too long, or an id is repeated, naming both locations."""
    if not source_rows.rows:
        raise DataError(source_rows.location, "contains no examples.")
    for row in source_rows.rows:
        for value in row.values.values():
            if (length := _length(value)) > LONGEST:
                what = f"has a text of {length:,} characters; a text has at most {LONGEST:,}."
                raise DataError(row.location, f"{what} {source_rows.expected}".rstrip(), foreign=True)
    seen: dict[str, Row] = {}
    for row in source_rows.rows:
        if (other := seen.setdefault(row.native, row)) is not row:
            raise DataError(row.location, f"the id {row.native!r} is not unique; it is at {other.location} too.")


def _length(value: Any) -> int:
    """The characters of a value: of a text, or of all texts of a tuple."""
    if isinstance(value, str):
        return len(value)
    if not isinstance(value, tuple):
        return 0
    try:
        return len("".join(value))
    except TypeError:  # other values are among the texts
        return len("".join([part for part in value if isinstance(part, str)]))
