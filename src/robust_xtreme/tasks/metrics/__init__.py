"""One file a metric, or several alike: sums per example and their reduction."""

from __future__ import annotations

from typing import Final

_TESTS: Final = ("pass_rate", "comparisons", "intensity", "properties", "professions", "animals", "animals_v2")
MEMBERS: Final = {
    "_checklist": tuple(f"checklist_{test}" for test in _TESTS),
    "_squad": ("squad_em", "squad_f1", "surface_f1_clean_gold", "surface_f1_noisy_gold"),
    "_mlqa": ("mlqa_em", "mlqa_f1"),
}
