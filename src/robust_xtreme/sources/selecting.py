"""Selection of examples: the identity of a set of examples, and a limit that takes whole clusters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from robust_xtreme.errors import SpecError
from robust_xtreme.examples import Corpus, Example, digest


def data_identity(examples: Sequence[Example]) -> str:
    """The hash of the sorted (id, fingerprint, cluster) of the examples; their order does not count."""
    rows = sorted((example.id, example.fingerprint, example.cluster) for example in examples)
    return digest(*(part for row in rows for part in row))


def identity_of(examples: Sequence[Example], corpus: Corpus | None) -> str:
    """The identity of the evaluated data: examples and candidates."""
    identity = data_identity(examples)
    return identity if corpus is None else digest(identity, corpus.identity)


def limited(examples: Sequence[Example], rows: int | None) -> tuple[Example, ...]:
    """The examples, or whole clusters of them up to a number of rows."""
    return tuple(examples) if rows is None else limit(examples, rows)


def limit(examples: Sequence[Example], n: int) -> tuple[Example, ...]:
    """The first whole clusters in hash order that contain at most `n` examples together, at least one cluster.

    The examples keep their order. A smaller limit takes a subset of a larger one, and languages whose clusters have
    the same names get the same items. Raises SpecError where `n` is below 1.
    """
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
