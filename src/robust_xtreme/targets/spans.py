"""Tasks whose target is a span of a passage."""

from __future__ import annotations

from typing import Final

from robust_xtreme.examples import NO_ANSWER
from robust_xtreme.targets.kind import Kind

SPAN_QA: Final = Kind(
    name="span_qa",
    answer=lambda labels: "a span or none" if NO_ANSWER in labels else "a span",
    unit="passage",
    spans=True,
    classes=False,
    width=2,
)
