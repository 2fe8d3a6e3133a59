"""Selection of examples: the identity of a set of examples, and a limit that takes whole clusters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.examples import Corpus, Example, digest

NUMBERED: Final = "numbered/"
"""How clusters of sentences with numbers begin since version 2 of the clusters; other data are as in version 1."""
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
    if n is None:
        return tuple(examples)
    if n < 1:
        raise SpecError(f"The limit {n} is below 1. Leave it out to take every example.")
    if n >= len(examples):
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
