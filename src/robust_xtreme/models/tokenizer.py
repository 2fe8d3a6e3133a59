"""The tokenizer of a model: read without its code or the network, checked, and the text that is unknown to it."""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import numpy as np

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.examples import Example, kind_of
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.models.config import STUMBLES, check_length, first_line, is_causal, is_tower, loading, reading
from robust_xtreme.models.folder import CONFIG, Located, object_of, units_in
from robust_xtreme.models.reading.tokens import CAUSAL, Lexicon, backend_of, misplaced, reads_units
from robust_xtreme.models.reading.units import UNITS

UNKNOWN_TOKENS: Final = "unknown_tokens"
MISPLACED: Final = "misplaced_tokens"
MOST: Final = 0.5
"""The largest share of characters in unknown tokens: above it, noise mostly changes what the model cannot read."""

_PADDED: Final = "padded_with"
"""The attribute of a tokenizer with the padding token that was set."""

_SAMPLE: Final = 256
_SPARE: Final = 0.1
"""The share of unknown characters that may be in the texts that are read first, before all are read."""


def read_tokenizer(folder: Path, trust: bool = False, called: str = "") -> Any:
    """The fast tokenizer of a folder, or ByT5's or CANINE's, which errors call `called`. Raises ModelError."""
    from transformers import AutoTokenizer

    from robust_xtreme.models import mini

    called = called or str(folder)
    patterns, config = ("tokenizer.json", "vocab.*", "*.model"), object_of(folder / CONFIG) or {}
    units = bool(units_in(folder, config))
    if not (trust or units) and not any(path for pattern in patterns for path in folder.glob(pattern)):
        cure = "Get them again, or save them with the tokenizer's save_pretrained."
        raise ModelError(f"{called}: the tokenizer cannot be loaded: its files (tokenizer.json) are missing. {cure}")
    for name in ("config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"):
        object_of(folder / name)
    with reading(called, "tokenizer.json"), _named_file(folder):
        mini.register()
        tokenizer = AutoTokenizer.from_pretrained(str(folder), **loading(trust))
        # of a causal encoder only the last token has seen the whole text
        setattr(tokenizer, CAUSAL, is_causal(config))
        for texts in (("a",), ("a", "b")):
            tokenizer(*texts)
    if not getattr(tokenizer, "is_fast", False) and not reads_units(tokenizer):
        what = f"{called} has no fast tokenizer (tokenizer.json): its {type(tokenizer).__name__} is written in Python"
        raise ModelError(f"{what}, of which only {' and '.join(UNITS)} are read. Save a fast one with transformers.")
    _set_padding(tokenizer, config, called)
    if tokenizer.truncation_side != "right":
        what = "keeps the end of a text that is too long (truncation_side), and here the beginning is read"
        raise ModelError(f'{called} {what}. Where that is meant, set it to "right" in tokenizer_config.json.')
    return tokenizer


def _set_padding(tokenizer: Any, config: Mapping[str, Any], called: str) -> None:
    """Set a missing padding token of a decoder: that of config.json, else one that ends no text. Raises ModelError.

    The heads of transformers know the last token of a text by what follows it: it must not be padding itself. Other
    encoders can count positions from it, so that none is made up.
    """
    if tokenizer.pad_token_id is not None:
        return
    ends, named = tokenizer("a")["input_ids"][-1:], config.get("pad_token_id")
    known = [getattr(tokenizer, f"{name}_token_id", None) for name in ("eos", "unk", "bos")]
    own = [named] if type(named) is int and 0 <= named < len(tokenizer) else []
    able = [*own, *(number for number in known if number not in (None, *ends))]
    if not able or not getattr(tokenizer, CAUSAL):
        raise ModelError(f"{called} has a tokenizer without a padding token: name its pad_token in it and save it.")
    tokenizer.pad_token = tokenizer.convert_ids_to_tokens(able[0])
    setattr(tokenizer, _PADDED, tokenizer.pad_token)


def padding_note(model: Located) -> str:
    """A sentence on the padding token of a model's tokenizer where it has none of its own; else empty."""
    token = getattr(tokenizer_of(model), _PADDED, "")
    return token and f"The tokenizer of {model.origin.typed} has no padding token: inputs are padded with {token}."


@contextmanager
def _named_file(folder: Path) -> Iterator[None]:
    """Where a tokenizer cannot be read because one of its files is not a JSON object, name that file."""
    try:
        yield
    except Exception as error:
        for path in (folder / "tokenizer.json", folder / "tokenizer_config.json"):
            if path.is_file() and object_of(path) is None:
                raise ModelError(f"{path.name} is damaged (not a JSON object). Get it again.") from error
        if (folder / CONFIG).is_file():
            _check_readable(folder)
        raise


def _check_readable(folder: Path) -> None:
    """Raise ModelError where a configuration cannot be read: a tokenizer is then not to blame."""
    from transformers import AutoConfig

    try:
        AutoConfig.from_pretrained(str(folder), **loading())
    except Exception as error:
        if isinstance(error, STUMBLES):
            raise ModelError(f"config.json is malformed ({first_line(error)}). Get it again.") from error


def check_special(tokenizer: Any, config: Mapping[str, Any], called: str) -> None:
    """Raise ModelError where tokenizer and configuration disagree on special tokens: it is another model's tokenizer.

    The padding token must agree, because some encoders count positions from it. Many configurations written by hand
    name another first and last token: a difference counts only where the tokenizer's size also differs from that of
    the embeddings, and not in decoders, whose embeddings have often more rows than are used.
    """
    if is_tower(config):  # most of their configurations name wrong ones, which are not used
        return
    roberta = "roberta" in str(config.get("model_type"))
    pad = config.get("pad_token_id", 1 if roberta else None)
    pairs = [("padding", pad, {tokenizer.pad_token_id})] if pad != -1 else []  # Llama's first had none
    if len(tokenizer) != config.get("vocab_size") and not is_causal(config):
        ends = (("bos", "cls"), ("eos", "sep"))
        first, last = ({getattr(tokenizer, f"{name}_token_id") for name in names} for names in ends)
        pairs += [("first", config.get("bos_token_id"), first), ("last", config.get("eos_token_id"), last)]
    for what, wanted, have in pairs:
        named = sorted(have - {None})
        if type(wanted) is int and named and wanted not in named:
            both = f"{named[0]} in the tokenizer, but {wanted} in config.json"
            raise ModelError(f"{called}: its {what} token is {both}: the tokenizer is another model's.")


def check_tokenizer(tokenizer: Any, vocabulary: int, called: str) -> None:
    """Raise ModelError where a tokenizer does not fit a model with `vocabulary` embeddings (0: unknown).

    Where files are missing, transformers can make a tokenizer of special tokens only, to which every word is unknown.
    """
    size = len(tokenizer)
    if vocabulary and size > vocabulary:
        raise ModelError(f"{called}: the tokenizer has {size} tokens, but the encoder only {vocabulary} embeddings.")
    if 2 * size < vocabulary:
        what = f"the tokenizer has {size} tokens for the encoder's {vocabulary} embeddings (vocab_size in config.json)"
        raise ModelError(f"{called}: {what}: it is another model's, or its files (tokenizer.json) are missing.")


def tokenizer_of(located: Located) -> Any:
    """The tokenizer of a located model, checked against it; the last two stay in memory. Raises ModelError."""
    tokenizer = _tokenizer(located.folder, located.origin.shown, located.identity, located.trust)
    size = located.config.get("vocab_size")
    check_tokenizer(tokenizer, size if isinstance(size, int) else 0, located.origin.shown)
    check_special(tokenizer, located.config, located.origin.shown)
    return tokenizer


@lru_cache(maxsize=2)
def _tokenizer(folder: Path, shown: str, _identity: str, trust: bool) -> Any:
    return read_tokenizer(folder, trust, shown)


def unreadable(model: Located, task: TaskSpec, examples: Sequence[Example], language: str) -> str:
    """A sentence where more than half of the characters of the first texts are unknown, else "". Raises ModelError."""
    if model.origin.function:
        return ""
    check_length(model, task)
    share = unknown_share(tokenizer_of(model), model.family, examples[:_SAMPLE], MOST)
    if share <= MOST:
        return ""
    return f"{model.task} {language}: {share:.0%} of the text is unknown to {model.name}, which cannot read it."


def leave_out_misplaced(models: dict[str, Located], asked: Collection[str]) -> dict[str, str]:
    """Remove models whose tokenizers have wrong offsets from tasks that need them; a sentence by name of the task.

    Raises ModelError where such a task is in `asked`, or no other is left.
    """
    left = {
        name: line
        for name, model in models.items()
        if not model.origin.function and registry.load("family", model.family).reading.offsets
        if (line := misplaced(tokenizer_of(model), model.origin.shown, f"Leave {name} out of --tasks"))
    }
    if left and (len(left) == len(models) or not left.keys().isdisjoint(asked)):
        raise ModelError(next(iter(left.values())))
    for name in left:
        del models[name]
    return left


def unknown_share(tokenizer: Any, family: str, examples: Sequence[Example], most: float = 0.0) -> float:
    """The share of characters that are in unknown tokens; a text without any token is unknown as a whole.

    Texts are read until it is certain that their share is at most `most`; then it is that of the texts that were read.
    """
    unknown = tokenizer.unk_token_id
    if unknown is None:
        return 0.0
    texts = [text for example in examples for text in example.texts.values()]
    words = kind_of(family).words
    read = [piece for text in texts for piece in text.pieces(words)]
    distinct = list(dict.fromkeys(read or [text.value for text in texts]))
    letters = list(accumulate((len("".join(text.split())) for text in distinct), initial=0))
    total = letters[-1]
    first = bisect_left(letters, min(1, 1 - most + _SPARE) * total)
    lost, rest = _lost(tokenizer, unknown, distinct[:first]), total - letters[first]
    if lost + rest <= most * total:
        return lost / letters[first] if lost else 0.0
    return (lost + _lost(tokenizer, unknown, distinct[first:])) / total


def _lost(tokenizer: Any, unknown: int, texts: Sequence[str]) -> int:
    """The characters of texts that are in unknown tokens, without white space."""
    lexicon, lost = Lexicon(backend_of(tokenizer)), 0
    lexicon.numbers(texts)
    strange = (lexicon.tokens.count(unknown) > 0) | (lexicon.tokens.lengths == 0)
    some = [texts[number] for number in np.flatnonzero(strange).tolist()]
    tokens = backend_of(tokenizer)(some, True)  # few texts need offsets, which cost as much as tokens
    for number, text in enumerate(some):
        first, last = tokens.bounds[number : number + 2].tolist()
        letters = ~np.array([letter.isspace() for letter in text], dtype=bool)
        unread = np.full(len(text), first == last)
        for start, stop in tokens.spans[first:last][tokens.ids[first:last] == unknown].tolist():
            unread[start:stop] = True
        lost += int((letters & unread).sum())
    return lost
