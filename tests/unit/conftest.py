"""The modules of this folder whose tests take seconds: `make check` leaves them to `make test`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

SLOW: Final = frozenset(
    {
        "test_chart_texts",
        "test_clear_words",
        "test_contamination",
        "test_by_name",
        "test_copied",
        "test_coverage",
        "test_coverage_averages",
        "test_data_command",
        "test_differences",
        "test_datasets",
        "test_datasets_streams",
        "test_doctor",
        "test_embeddings",
        "test_encoders",
        "test_epoch_callbacks",
        "test_every_eval_ever",
        "test_export",
        "test_export_harness",
        "test_false_drops",
        "test_family_choice",
        "test_family_retrieval",
        "test_gate_alarms",
        "test_hub",
        "test_hub_data",
        "test_hub_hostile",
        "test_hub_intermediate",
        "test_images_stage",
        "test_kana",
        "test_lora",
        "test_multichecklist",
        "test_mutated_files",
        "test_native",
        "test_next_command",
        "test_nlpaug",
        "test_noisy_collator",
        "test_pack_checks",
        "test_pairing",
        "test_perturb_files",
        "test_perturb_tables",
        "test_pinyin",
        "test_predictor",
        "test_program",
        "test_realised_runs",
        "test_samples_of_runs",
        "test_search_large",
        "test_start",
        "test_telex",
        "test_terminal_views",
        "test_text_towers",
        "test_train_attacked",
        "test_train_controls",
        "test_train_devices",
        "test_train_failures",
        "test_train_jointly",
        "test_train_mixed",
        "test_train_noise",
        "test_train_optimizer",
        "test_train_plan",
        "test_train_resumed",
        "test_train_rows",
        "test_train_runs",
        "test_train_sampling",
        "test_train_selection",
        "test_train_stages",
        "test_train_together",
        "test_translated_by_model",
        "test_translator",
        "test_transliterate",
        "test_units",
        "test_workers",
        "test_wrong_layout",
        "test_yardstick",
    }
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of these modules `slow`."""
    for item in items:
        if Path(__file__).parent in item.path.parents and item.path.stem in SLOW:
            item.add_marker(pytest.mark.slow)
