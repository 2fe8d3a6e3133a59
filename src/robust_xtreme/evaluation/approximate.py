"""Approximate indexes of faiss, built in one thread from fixed seeds: only where one is chosen, and named with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from robust_xtreme.errors import SpecError

Array = np.ndarray[Any, Any]

EXACT: Final = "exact"
_DEFAULTS: Final = {"ivf": {"": 1024, "nprobe": 32}, "hnsw": {"": 32, "efconstruction": 40, "efsearch": 128}}
_LEAST_POINTS: Final = 39
_POINTS: Final = 64
_MOST: Final = 1 << 16


def parse_index(text: str) -> str:
    """The full name of an index: `exact`, `ivf1024,nprobe32`, `hnsw32,efconstruction40,efsearch128`. Raises SpecError.

    What is left out has those values: `ivf`, `ivf256` and `ivf,nprobe8` are names too. The lists of an inverted file
    are at most a 39th of the candidates, below which faiss finds too few to place them.
    """
    if text == EXACT:
        return text
    kind, values = _read(text)
    return ",".join(f"{name or kind}{value}" for name, value in values.items())


def _read(text: str) -> tuple[str, dict[str, int]]:
    head, *rest = text.strip().lower().split(",")
    found = re.fullmatch(r"(ivf|hnsw)(\d*)", head, re.ASCII)
    if not found:
        raise SpecError(_refused(text))
    values = dict(_DEFAULTS[found[1]])
    for name, number in (("", found[2]), *(_part(text, part) for part in rest)):
        if name not in values or (number and not 0 < int(number[:9]) <= _MOST):
            raise SpecError(_refused(text))
        values[name] = int(number or values[name])
    return found[1], values


def _part(text: str, part: str) -> tuple[str, str]:
    found = re.fullmatch(r"([a-z]+)(\d+)", part.strip(), re.ASCII)
    if not found:
        raise SpecError(_refused(text))
    return found[1], found[2]


def _refused(text: str) -> str:
    return f"There is no index {text[:80]!r}. Write exact, ivf1024,nprobe32 or hnsw32,efconstruction40,efsearch128."


def build(candidates: Array, name: str, rows: int) -> Any:
    """The index of a full name over candidates (n, D), by inner product; `rows` are added at a time."""
    kind, values = _read(name)
    with _one_thread():
        built = _inverted(candidates, values) if kind == "ivf" else _graph(candidates, values)
        for start in range(0, len(candidates), rows):
            built.add(np.ascontiguousarray(candidates[start : start + rows], np.float32))
    return built


def proposed(built: Any, queries: Array, k: int) -> Array:
    """The indices (q, k) that an index finds, -1 where it finds fewer."""
    found: Array = built.search(queries, k)[1]
    return found


@contextmanager
def _one_thread() -> Iterator[None]:
    """Faiss on one thread: with more, what is built depends on their order."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _inverted(candidates: Array, values: dict[str, int]) -> Any:
    """An inverted file, its lists placed by evenly spread candidates."""
    count = len(candidates)
    lists = max(1, min(values[""], count // _LEAST_POINTS))
    built = _made(candidates, f"IVF{lists},{_kept(candidates)}")
    built.train(np.ascontiguousarray(candidates[:: max(1, count // (lists * _POINTS))], np.float32))
    built.nprobe = min(values["nprobe"], lists)
    return built


def _graph(candidates: Array, values: dict[str, int]) -> Any:
    """A graph of near neighbours."""
    built = _made(candidates, f"HNSW{values['']},{_kept(candidates)}")
    built.hnsw.efConstruction, built.hnsw.efSearch = values["efconstruction"], values["efsearch"]
    if not built.is_trained:
        built.train(np.ascontiguousarray(candidates[:1], np.float32))
    return built


def _made(candidates: Array, factory: str) -> Any:
    import faiss

    return faiss.index_factory(candidates.shape[1], factory, faiss.METRIC_INNER_PRODUCT)


def _kept(candidates: Array) -> str:
    """How an index keeps its candidates: float16 ones stay float16."""
    return "SQfp16" if candidates.dtype == np.float16 else "Flat"
