"""Tasks that an encoder is trained on between its pretraining and its target; those that are alike share a file."""

from typing import Final

MEMBERS: Final = {
    "_choices": ("commonsense_qa", "cosmos_qa", "hellaswag", "siqa"),
    "_pairs": ("anli_plus", "mnli", "qqp"),
    "_squad": ("squad", "squad_v2"),
}
