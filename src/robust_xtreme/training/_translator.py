"""A translation model that the user names: loaded like other models; one best translation of each text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, final

import torch

from robust_xtreme.core.errors import ModelError, RobustXtremeError
from robust_xtreme.core.examples import digest
from robust_xtreme.files import store
from robust_xtreme.models.config import check_config, loading, reading
from robust_xtreme.models.folder import check_weights, weight_files
from robust_xtreme.models.loading import check_complete
from robust_xtreme.models.tensors import out_of_memory
from robust_xtreme.noise.engine.libraries import quiet_transformers
from robust_xtreme.training._targets import KINDS, Target, target_of
from robust_xtreme.training.encoder import config_of

FILES: Final = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "model-*-of-*.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "*.spm",
    "*.model",
)
"""The files of a model that are fetched and that its identity is computed from."""

_PIECES: Final = ("*.spm", "*.model")
_POSITIONS: Final = ("max_position_embeddings", "n_positions")
_LONGEST: Final = 512
_CHARACTERS: Final = 8192
_TEXTS: Final = 128
_MORE, _TIMES = 32, 2
SETTINGS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "version": 1,
        "beams": 1,
        "bound_more": _MORE,
        "bound_times": _TIMES,
        "batch_characters": _CHARACTERS,
        "batch_texts": _TEXTS,
    }
)
"""What translations depend on, apart from model and text."""

_HUB_NAME: Final = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@([\w./-]+))?")


@final
@dataclass(frozen=True, slots=True)
class Translation:
    """The translation of one text; `cut` where it reached the length bound, `long` where the text was truncated."""

    text: str
    cut: bool = False
    long: bool = False


@final
@dataclass(frozen=True, slots=True)
class Translator:
    """A model in memory with its tokenizer, and the most tokens that it reads."""

    model: Any
    tokenizer: Any
    called: str
    limit: int

    def target(self, language: str) -> Target:
        """The settings for a target language. Raises ModelError where the model does not know it."""
        return target_of(self.tokenizer, self.model.config, language, self.called)


def find_model(name: str, *, offline: bool) -> Path:
    """The folder of a model: a local folder, or the fetched files of `OWNER/NAME[@REVISION]` on the hub.

    Raises ModelError, and RobustXtremeError where the hub does not answer.
    """
    from robust_xtreme.tasks.sources.hub import snapshot

    if Path(name).is_dir():
        return Path(name)
    match = _HUB_NAME.fullmatch(name)
    if match is None:
        what = f"There is no folder {name[:200]!r}, and no model on the hub can have that name."
        raise ModelError(f"{what} Write seq2seq:FOLDER or seq2seq:OWNER/NAME.")
    return snapshot("model", match[1], match[2] or "main", FILES, offline=offline).folder


def model_identity(folder: Path) -> str:
    """The hash of a folder's weights, configuration and tokenizer files (16 hex digits)."""
    paths = sorted({path for pattern in FILES for path in folder.glob(pattern) if path.is_file()})
    return digest(*(part for path in paths for part in (path.name, store.sha256(path))))


def check_model(folder: Path, called: str) -> None:
    """Raise ModelError, one line, where a folder does not contain a supported translation model."""
    config = config_of(folder, called)
    check_weights(folder)
    weight_files(folder, called)
    kind = config.get("model_type")
    if kind not in KINDS:
        what = f"{called} is of the kind {str(kind)[:40]!r}; translation takes one of: {', '.join(KINDS)}"
        raise ModelError(f"{what} (OPUS-MT, M2M100 and NLLB, mBART, T5).")
    check_config(config, called)
    pieces = next((path.name for pattern in _PIECES for path in sorted(folder.glob(pattern))), "")
    if pieces and not (folder / "tokenizer.json").is_file() and find_spec("sentencepiece") is None:
        what = f"{called} has its tokenizer in {pieces} alone, which the package sentencepiece reads"
        raise ModelError(f"{what}. Install it: pip install sentencepiece")


def open_translator(folder: Path, called: str, device: str) -> Translator:
    """Load a model: float32, safetensors only, without its code and without the network. Raises ModelError."""
    from transformers import AutoModelForSeq2SeqLM

    check_model(folder, called)
    tokenizer = _tokenizer(folder, called)
    with reading(called), torch.random.fork_rng(devices=()):
        options = {"use_safetensors": True, "ignore_mismatched_sizes": True, "output_loading_info": True}
        model, loaded = AutoModelForSeq2SeqLM.from_pretrained(str(folder), **options, **loading())
    check_complete(called, loaded)
    rows = int(model.get_input_embeddings().num_embeddings)
    if len(tokenizer) > rows:
        raise ModelError(f"{called}: the tokenizer has {len(tokenizer)} tokens, but the model only {rows} embeddings.")
    if tokenizer.pad_token_id is None:
        raise ModelError(f"{called} has a tokenizer without a padding token: name its pad_token in it and save it.")
    limits = [getattr(model.config, name, None) for name in _POSITIONS]
    limit = min([limit for limit in limits if isinstance(limit, int) and limit > 1], default=_LONGEST)
    return Translator(model.float().eval().to(device), tokenizer, called, limit)


def _tokenizer(folder: Path, called: str) -> Any:
    from transformers import AutoTokenizer

    with reading(called):
        return AutoTokenizer.from_pretrained(str(folder), **loading())


def check_languages(folder: Path, called: str, languages: Sequence[str]) -> None:
    """Raise ModelError where a folder's model does not translate from English into each of the languages."""
    from transformers import AutoConfig

    tokenizer = _tokenizer(folder, called)
    with reading(called):
        config = AutoConfig.from_pretrained(str(folder), **loading())
    targets = {target_of(tokenizer, config, language, called) for language in languages}
    if len(targets) < len(languages):
        what = f"{called} translates into one language, and {len(languages)} are named"
        raise ModelError(f"{what}: {', '.join(languages)}. Name one, or a model of many languages.")


def translate(translator: Translator, target: Target, texts: Sequence[str]) -> list[Translation]:
    """The best translation of each text, in batches in the given order; deterministic for the same texts.

    Raises RobustXtremeError where memory runs out.
    """
    translations: list[Translation] = []
    for batch in batches(texts):
        try:
            translations += _batch(translator, target, batch)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            what = f"{translator.called}: there is too little memory to translate {len(batch)} texts at once"
            raise RobustXtremeError(f"{what}. What was translated before is kept; take a smaller model.") from error
    return translations


def batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Consecutive texts in batches that stay below a number of characters when padded to the longest text."""
    start, longest = 0, 0
    for stop, text in enumerate(texts):
        longest = max(longest, len(text))
        if stop > start and (stop - start == _TEXTS or (stop + 1 - start) * longest > _CHARACTERS):
            yield texts[start:stop]
            start, longest = stop, len(text)
    if start < len(texts):
        yield texts[start:]


@torch.inference_mode()
def _batch(translator: Translator, target: Target, texts: Sequence[str]) -> list[Translation]:
    tokenizer, model = translator.tokenizer, translator.model
    with quiet_transformers():
        if target.source:
            tokenizer.src_lang = target.source
        asked = [target.prefix + text for text in texts]
        whole = [len(token_ids) for token_ids in tokenizer(asked)["input_ids"]]
        limits = {"truncation": True, "max_length": translator.limit}
        inputs = tokenizer(asked, padding=True, return_tensors="pt", **limits)
        ids, mask = inputs["input_ids"].to(model.device), inputs["attention_mask"].to(model.device)
        # A little more than twice the longest text of the batch.
        bound = max(1, min(_TIMES * ids.shape[1] + _MORE, translator.limit - 1))
        model.generation_config = _greedy(model, target, bound)
        rows = model.generate(input_ids=ids, attention_mask=mask)[:, 1:].tolist()
        decoded = tokenizer.batch_decode(rows, skip_special_tokens=True)
    eos = model.generation_config.eos_token_id
    ends = set(eos if isinstance(eos, list) else [eos])
    return [
        Translation(text.strip(), ends.isdisjoint(row), length > translator.limit)
        for text, row, length in zip(decoded, rows, whole, strict=True)
    ]


def _greedy(model: Any, target: Target, bound: int) -> Any:
    """A configuration for the most probable translation; the model's special and forbidden tokens are kept."""
    from transformers import GenerationConfig

    def setting(name: str) -> Any:
        """A setting of the model's generation, or of its configuration."""
        token = getattr(model.generation_config, name, None)
        return getattr(model.config, name, None) if token is None else token

    made: Any = GenerationConfig
    return made(
        do_sample=False,
        num_beams=SETTINGS["beams"],
        max_new_tokens=bound,
        decoder_start_token_id=setting("decoder_start_token_id") if target.start is None else target.start,
        eos_token_id=setting("eos_token_id"),
        pad_token_id=setting("pad_token_id"),
        bad_words_ids=setting("bad_words_ids"),
        forced_bos_token_id=target.first,
    )
