"""The kind of encoder that a configuration describes: multilingual, monolingual, or a text tower."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

MULTILINGUAL: Final = "multilingual"
MONOLINGUAL: Final = "monolingual"
TOWER: Final = "multimodal_text"

_ALWAYS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("xlm-roberta", "xlm-roberta-xl", "mt5", "umt5", "rembert", "canine", "xmod"), MULTILINGUAL),
    **dict.fromkeys(("robust_xtreme_mini", "mluke"), MULTILINGUAL),
    **dict.fromkeys(("roberta", "camembert", "flaubert", "albert", "mpnet", "longformer", "big_bird"), MONOLINGUAL),
    **dict.fromkeys(("clip", "clip_text_model", "siglip", "siglip_text_model"), TOWER),
    **dict.fromkeys(("siglip2", "siglip2_text_model", "chinese_clip", "chinese_clip_text_model", "altclip"), TOWER),
}
"""The kind of models of these types, whatever their vocabulary."""

_BY_VOCABULARY: Final[Mapping[str, int]] = {
    **dict.fromkeys(("bert", "distilbert", "electra", "modernbert"), 100_000),
    "deberta-v2": 200_000,
}
"""Types of both kinds: a model with at least so many vocabulary entries is multilingual.

mBERT has 105,879 and 119,547, LaBSE 501,153, mmBERT 256,000, mDeBERTa 251,000; monolingual models of these types have
21,128 to 128,100 (DeBERTa-v3).
"""


def base_kind(config: Mapping[str, Any]) -> str | None:
    """The kind of an encoder by its config.json; None where that is unknown.

    An encoder of a multilingual type can have been trained on one language: for one trained from scratch, the
    languages of its text are better evidence.
    """
    named, size = str(config.get("model_type")), config.get("vocab_size")
    fewest = _BY_VOCABULARY.get(named)
    if fewest is None or type(size) is not int:
        return _ALWAYS.get(named)
    return MULTILINGUAL if size >= fewest else MONOLINGUAL
