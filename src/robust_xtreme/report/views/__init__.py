"""Views, alone or several alike in one file: a function from the results of a run to one frame."""

from typing import Final

MEMBERS: Final = {
    "_averaged": (
        *("by_task", "by_task_common", "averaged_languages", "languages_in_columns", "by_script", "by_family"),
        *("overall", "overall_drops", "strength_curves"),
        *("conditions", "external", "missing_cells", "not_run"),
    ),
    "_by_cell": (
        *("clean_scores", "by_language", "by_stage", "by_scope", "label_risk", "operator_mix", "tokenizer"),
        *("worst_cells", "worst_of_seeds", "largest_losses", "attacks", "defences", "calibration"),
        "answer_languages",
    ),
}
