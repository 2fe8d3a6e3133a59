"""Reads the texts that attacks left from the folder of the run that has them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from robust_xtreme.core import strict_json
from robust_xtreme.core.edits import Edit
from robust_xtreme.core.errors import DataError, MissingData, SpecError
from robust_xtreme.core.examples import digest
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.files import store
from robust_xtreme.files.manifest import MANIFEST, read_manifest
from robust_xtreme.files.schema import ATTACKED, empty
from robust_xtreme.noise.conditions.condition import FROZEN, RANDOM, Frozen

_PARTS: Final = "parts"
_NAME: Final = re.compile(r"(?P<run>.+?)(=(?P<name>[a-z][a-z0-9_.]*(:[^/]+)?))?", re.DOTALL)

Key = tuple[str, str, str, str]
"""Task, split, language of the question and that of the context."""


def read_frozen(given: Sequence[str]) -> dict[Key, list[Frozen]]:
    """The sets that `RUN` or `RUN=NAME` name, by task run; without a name all attacks but random search.

    The name is that of the attack, or of its condition, with or without fields.

    Raises SpecError, MissingData where there is no such run or attack, DataError where its files are not its own.
    """
    sets: dict[Key, list[Frozen]] = {}
    for text in given:
        match = _NAME.fullmatch(text)
        if not match:
            raise SpecError(f"The frozen {text[:80]!r} is not RUN or RUN=NAME, as in runs/mine=attack_keys")
        for key, frozen in _sets(Path(match["run"]), match["name"] or ""):
            sets.setdefault(key, []).append(frozen)
    return sets


def _sets(run: Path, name: str) -> Iterator[tuple[Key, Frozen]]:
    rows = _rows(run)
    wanted = [condition for condition in rows.get_column("condition").unique().sort() if _is(condition, name)]
    if not wanted:
        known = sorted({PerturbationSpec.parse(condition).name for condition in rows.get_column("condition").unique()})
        what = f"{run} has no attack {name}" if name else f"{run} has no texts of attacks"
        raise MissingData(f"{what}. It has {', '.join(known) or 'none'}.")
    for condition in wanted:
        chosen = rows.filter(condition=condition)
        content = chosen.select("noise_seed", "example", "fingerprint", "edits").sort("noise_seed", "example")
        hashed = digest(*map(str, content.rows()))[:8]
        for key, of_run in chosen.partition_by("task", "split", "language", "context_language", as_dict=True).items():
            yield tuple(map(str, key)), _frozen(run, condition, hashed, of_run)  # type: ignore[misc]  # four names


def _frozen(run: Path, condition: str, hashed: str, rows: pl.DataFrame) -> Frozen:
    victim, spec = rows.item(0, "model"), PerturbationSpec.parse(condition)
    columns = (rows.get_column(name).to_list() for name in ("noise_seed", "example", "edits"))
    edits = {(seed, example): edits_of(run, example, text) for seed, example, text in zip(*columns, strict=True)}
    fingerprints = dict(zip(rows.get_column("example"), rows.get_column("fingerprint"), strict=True))
    name = f"{FROZEN}{condition.replace('@', '/')}/of={victim.replace('@', '-')}/{hashed}"
    return Frozen(name, condition, victim, spec.fields, edits, fingerprints)


def edits_of(run: Path, example: str, text: str) -> tuple[Edit, ...]:
    """The edits of an example from their JSON. Raises DataError where they are not those of an attack."""
    try:
        edits = tuple(Edit(*each) for each in strict_json.loads(text))
    except (ValueError, TypeError, RecursionError):
        raise DataError(run / _PARTS, f"has edits of {example} that are malformed") from None
    types = (str, int, int, str, str, int)
    if any(type(value) is not kind for edit in edits for value, kind in zip(edit, types, strict=True)):
        raise DataError(run / _PARTS, f"has edits of {example} with values of other types")
    return edits


def _rows(run: Path) -> pl.DataFrame:
    """ATTACKED of a run. Raises MissingData, and DataError where a file is not the one that the run wrote."""
    if not (run / MANIFEST).is_file():
        raise MissingData(f"frozen {run}: it is not the folder of a run of eval: it has no {MANIFEST}.")
    manifest: Mapping[str, Any] = read_manifest(run / MANIFEST, "Attack again, or name another run.")
    parts: list[pl.DataFrame] = []
    for name, sha256 in sorted(manifest.get("parts", {}).items()):
        path = run / _PARTS / Path(name).name
        if "-attacked-" not in name:
            continue
        if store.sha256(path) != sha256:
            raise DataError(path, "is not the file that the run wrote")
        parts.append(store.read_frame(path, ATTACKED))
    return pl.concat([empty(ATTACKED), *parts])


def _is(condition: str, name: str) -> bool:
    """Whether a condition is the attack of that name, and not the control of one."""
    spec = PerturbationSpec.parse(condition)
    whole = condition.rpartition("@fields=")[0] or condition
    named = name in ("", spec.name) and dict(spec.links[0].params).get("search") != RANDOM
    return named or name in (condition, whole)
