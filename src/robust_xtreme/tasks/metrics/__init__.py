"""Metrics: sums per example and their reduction; those of one kind share a file."""

from typing import Final

_TESTS: Final = ("pass_rate", "comparisons", "intensity", "properties", "professions", "animals", "animals_v2")
_RETRIEVAL: Final = ("bitext_f1", "bitext_f1_retuned", "own_language", "retrieval_accuracy")
_SQUAD: Final = ("squad_em", "squad_f1", "surface_f1_clean_gold", "surface_f1_noisy_gold")
_OF_STAGES: Final = ("retrieval_accuracy", "map_at_20", "ndcg_at_10")
MEMBERS: Final = {
    "_answers": (*_SQUAD, *(f"checklist_{test}" for test in _TESTS)),
    "_labels": ("accuracy", "span_f1", "token_accuracy", *_RETRIEVAL),
    "_rankings": ("map_at_20", "map_at_100", "mrr_at_100", "ndcg_at_10", "recall_at_10", "recall_at_100"),
    "_stages": tuple(f"{score}{part}" for score in _OF_STAGES for part in ("_found", "_ordered")),
    "_mlqa": ("mlqa_em", "mlqa_f1"),
}
