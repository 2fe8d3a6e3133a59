"""The schemas of Every Eval Ever, and what they say of a record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # it has no types

_FOLDER = Path(__file__).parent / "every_eval_ever"


@cache
def _validator(name: str) -> Any:
    return Draft7Validator(json.loads((_FOLDER / f"{name}.schema.json").read_text("utf-8")))


def invalid(record: Path) -> Iterator[str]:
    """What is wrong with a record, and with each line of its answers."""
    yield from (error.message for error in _validator("eval").iter_errors(json.loads(record.read_text("utf-8"))))
    for line in record.with_name(f"{record.stem}_samples.jsonl").read_text("utf-8").splitlines():
        yield from (error.message for error in _validator("instance_level_eval").iter_errors(json.loads(line)))
