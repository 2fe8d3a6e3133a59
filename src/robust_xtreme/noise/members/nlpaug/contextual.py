"""nlpaug's ContextualWordEmbsAug: a word becomes one of the 100 that a masked language model finds likeliest, or such a
word is put in before it.

The model is a folder of transformers (`@model=DIR`) of BERT's, DistilBERT's or RoBERTa's kind, the only ones whose
pieces nlpaug distinguishes, with weights as safetensors; nothing is downloaded. nlpaug's own code around models
(`use_custom_api`) calls `_convert_token_to_id` of tokenizers, which those of transformers 5 no longer have. So its
pipeline is used instead: it draws evenly from the 100 words.

nlpaug returns the text as the tokenizer changes it, lower case and white space included. Its output is compared with
the text by the tokenizer's pieces, and only the pieces that differ are put into the text, special pieces never. Texts
are passed to it in parts that fit into the model, and its cap of 10 words is lifted; it changes ceil(strength * words)
words of each part, so at least one. Languages written without spaces are refused: nlpaug writes words with spaces.
"""

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

from robust_xtreme.core import languages, strict_json
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.token_offsets import exact_offsets
from robust_xtreme.noise.engine.diff import hunks
from robust_xtreme.noise.engine.rewriter import checked, importing, masked_model, quiet_transformers, rewriter

_KINDS: Final = {"bert": "bert", "distilbert": "bert", "roberta": "roberta"}
_LACKS: Final = "nlpaug puts spaces around words, and the language has none"
_TOP: Final = 100
_CLOSE: Final = 1e-9


@rewriter(
    library="nlpaug",
    strength="share of words rewritten",
    lacks=lambda code: "" if languages.language(code).spaces else _LACKS,
    choices={"action": lambda: ("substitute", "insert")},
    free=("model",),
)
def contextual(language: str, strength: float, action: str, model: str) -> Callable[[str], str]:  # noqa: ARG001 - the model says which languages it knows
    """Substitute or insert words that a masked language model in a local folder finds likely there."""
    folder = str(checked(model, "model", "nlpaug.contextual", _KINDS))
    augmenter = _augmenter(folder, action)
    if fault := exact_offsets(augmenter.model.get_tokenizer().backend_tokenizer).fault:
        raise UserError(f"@model={model}: its tokenizer misplaces parts of a text ({fault}). Take another model.")
    return lambda text: "".join(_noised(augmenter, piece, strength) for piece in _parts(augmenter, text))


@lru_cache(maxsize=2)
def _augmenter(folder: str, action: str) -> Any:
    """nlpaug's augmenter on the model of a folder."""
    config = strict_json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    masked_model(folder)  # what nlpaug would fail by, or draw at random, is named
    with importing("nlpaug"):
        from nlpaug.augmenter.word import ContextualWordEmbsAug
    with quiet_transformers():
        augmenter = ContextualWordEmbsAug(
            model_path=folder,
            model_type=_KINDS[config["model_type"]],
            action=action,
            top_k=min(_TOP, int(config["vocab_size"])),
            aug_max=None,
            force_reload=True,
            use_custom_api=False,
        )
    augmenter.model.model = _Here(augmenter.model.model, augmenter.model.model.tokenizer, augmenter.model.model.model)
    return augmenter


@dataclass(frozen=True, slots=True)
class _Here:
    """A pipeline that runs in this process; nlpaug would start a process for every word."""

    pipeline: Callable[..., Any]
    tokenizer: Any
    model: Any

    def __call__(self, texts: list[str], num_workers: int) -> Any:  # noqa: ARG002 - nlpaug names it
        return self.pipeline(texts, num_workers=0)


class _Pieces(NamedTuple):
    """The pieces that the tokenizer makes of a text, and the range of each in the text."""

    names: list[str]
    ranges: list[tuple[int, int]]


def _pieces(augmenter: Any, text: str) -> _Pieces:
    tokenizer = augmenter.model.get_tokenizer()
    ((ids, given),) = exact_offsets(tokenizer.backend_tokenizer)([text])
    # The range of a piece is without the white space at its beginning.
    offsets = [(stop - len(text[start:stop].lstrip()), stop) for start, stop in given]
    return _Pieces(tokenizer.convert_ids_to_tokens(ids), offsets)


def _parts(augmenter: Any, text: str) -> Iterator[str]:
    """A text in parts of half as many pieces as the model reads, so that there is room for words put in."""
    size = max(1, augmenter.max_num_token // 2)
    starts, left = [0], size
    for start, _ in _pieces(augmenter, text).ranges:
        left -= 1
        if left < 0 and text[start - 1 : start].isspace():
            starts.append(start)
            left = size - 1
    yield from (text[start:stop] for start, stop in pairwise([*starts, len(text)]))


def _noised(augmenter: Any, text: str, strength: float) -> str:
    """A text with the words that nlpaug changes replaced."""
    clean = _pieces(augmenter, text)
    if not clean.names:
        return text
    wanted = math.ceil(strength * len(text.split()) - _CLOSE)
    augmenter.aug_p = (wanted - 0.5) / len(clean.names)
    (augmented,) = augmenter.augment(text)
    special = augmenter.model.get_tokenizer().all_special_tokens
    return _carried(text, clean, str(augmented), _pieces(augmenter, str(augmented)), special)


def _carried(text: str, clean: _Pieces, augmented: str, noisy: _Pieces, special: Collection[str]) -> str:
    """The text with the pieces of the augmented text that differ from its own and are not special."""
    parts, end = [], 0
    for a, b, c, d in hunks(clean.names, noisy.names):
        if not set(special).isdisjoint(noisy.names[c:d]):
            continue
        form = augmented[noisy.ranges[c][0] : noisy.ranges[d - 1][1]] if c < d else ""
        if a < b:
            start, stop = clean.ranges[a][0], clean.ranges[b - 1][1]
        elif a < len(clean.ranges):  # words are put in where the next piece begins, or after the last one
            start, stop, form = clean.ranges[a][0], clean.ranges[a][0], f"{form} "
        else:
            start, stop, form = clean.ranges[-1][1], clean.ranges[-1][1], f" {form}"
        parts += [text[end:start], form]
        end = stop
    return "".join([*parts, text[end:]])
