"""A translation model that the user names: loaded like other models; one best translation of each text."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import torch

from robust_xtreme.core.errors import ModelError, RobustXtremeError
from robust_xtreme.models.config import check_config, loading, reading
from robust_xtreme.models.folder import check_weights, weight_files
from robust_xtreme.models.loading import check_complete
from robust_xtreme.models.tensors import out_of_memory
from robust_xtreme.noise.engine.rewriter import quiet_transformers
from robust_xtreme.training.resume import config_of

KINDS: Final = ("marian", "m2m_100", "mbart", "t5")
"""The supported architectures, as config.json names them; NLLB's dense models are M2M100."""

ENGLISH: Final = "en"

_FLORES: Final = """
    af afr_Latn  ar arb_Arab  az azj_Latn  bg bul_Cyrl  bn ben_Beng  de deu_Latn  el ell_Grek  en eng_Latn  es spa_Latn
    et est_Latn  eu eus_Latn  fa pes_Arab  fi fin_Latn  fr fra_Latn  gu guj_Gujr  he heb_Hebr  hi hin_Deva  ht hat_Latn
    hu hun_Latn  id ind_Latn  it ita_Latn  ja jpn_Jpan  jv jav_Latn  ka kat_Geor  kk kaz_Cyrl  ko kor_Hang  lt lit_Latn
    ml mal_Mlym  mr mar_Deva  ms zsm_Latn  my mya_Mymr  nl nld_Latn  pa pan_Guru  pl pol_Latn  pt por_Latn  qu quy_Latn
    ro ron_Latn  ru rus_Cyrl  sw swh_Latn  ta tam_Taml  te tel_Telu  th tha_Thai  tl tgl_Latn  tr tur_Latn  uk ukr_Cyrl
    ur urd_Arab  vi vie_Latn  wo wol_Latn  yo yor_Latn  zh zho_Hans
    ay ayr_Latn  ee ewe_Latn  fon fon_Latn  gn grn_Latn  ha hau_Latn  ig ibo_Latn  lg lug_Latn  luo luo_Latn
    mos mos_Latn  ny nya_Latn  rw kin_Latn  sn sna_Latn  tn tsn_Latn  tw twi_Latn  xh xho_Latn  zu zul_Latn
"""
FLORES: Final[Mapping[str, str]] = MappingProxyType(dict(zip(_FLORES.split()[::2], _FLORES.split()[1::2], strict=True)))
"""Our codes as FLORES-200 and NLLB write them (facebookresearch/flores, flores200/README.md; for a macrolanguage the
member that is there: Iranian Persian, North Azerbaijani, Ayacucho Quechua, Chinese in simplified script)."""

_OPUS: Final[Mapping[str, str]] = MappingProxyType({"zh": "cmn_Hans", "fa": "fas", "ar": "ara"})
"""Codes of OPUS-MT's models (Helsinki-NLP) that differ from FLORES-200: from their lists of `valid language labels`."""


@dataclass(frozen=True, slots=True)
class Target:
    """What makes a model translate from English into one language.

    `prefix` goes before each text, `first` is the token that a translation begins with, `start` the token that the
    decoder starts from (None: the model's default), `source` the tokenizer's name for English ("": it has none).
    """

    prefix: str = ""
    first: int | None = None
    start: int | None = None
    source: str = ""


def target_of(tokenizer: Any, config: Any, language: str, called: str) -> Target:
    """The settings that make a model translate into a language.

    Raises ModelError where it does not know that language, or English.
    """
    vocabulary: Mapping[str, int] = tokenizer.get_vocab()
    match config.model_type:
        case "marian":
            return _marian(tokenizer, vocabulary, language, called)
        case "t5":
            return _t5(config, vocabulary, language, called)
        case _:
            return _many(tokenizer, vocabulary, language, called)


def _unknown(called: str, language: str, known: str) -> ModelError:
    return ModelError(f"{called} does not translate from English into {language}: {known}. Name another model.")


def _many(tokenizer: Any, vocabulary: Mapping[str, int], language: str, called: str) -> Target:
    """NLLB, M2M100 and mBART: the first token of a translation is its language."""
    token, source = _language_token(vocabulary, language), _language_token(vocabulary, ENGLISH)
    if not token or not source:
        raise _unknown(called, language, "its tokenizer has no token for that language or for English")
    named = source.strip("_") if hasattr(tokenizer, "src_lang") else ""
    if type(tokenizer).__name__.startswith("MBartTokenizer"):
        return Target(start=vocabulary[token], source=named)
    return Target(first=vocabulary[token], source=named)


def _language_token(vocabulary: Mapping[str, int], language: str) -> str:
    """`deu_Latn` of NLLB, `__de__` of M2M100, or `de_DE` of mBART; empty where the vocabulary has none."""
    for token in (FLORES.get(language, ""), f"__{language}__"):
        if token in vocabulary:
            return token
    pattern = re.compile(rf"{language}_[A-Z][A-Z]")
    return next((token for token in sorted(vocabulary) if pattern.fullmatch(token)), "")


def _marian(tokenizer: Any, vocabulary: Mapping[str, int], language: str, called: str) -> Target:
    """One language for each model, or a token such as `>>deu<<` before each text."""
    facts = getattr(tokenizer, "init_kwargs", {})
    for key, wanted in (("source_lang", ENGLISH), ("target_lang", language)):
        # Our code of the language that the tokenizer names; none where the name is unknown, such as a language family.
        named = next((code for code in FLORES if facts.get(key) in _names(code)), "")
        if named not in ("", wanted):
            raise _unknown(called, language, f"its tokenizer names {named} as {key}")
    tokens = {token for token in vocabulary if re.fullmatch(r">>\w+<<", token)}
    if not tokens:
        return Target()
    token = next((f">>{name}<<" for name in _names(language) if f">>{name}<<" in tokens), "")
    if not token:
        raise _unknown(called, language, f"it has tokens for {len(tokens)} languages and none for that one")
    return Target(prefix=f"{token} ")


def _names(language: str) -> tuple[str, ...]:
    """The names of a language: our code, three letters, and three letters with the script."""
    flores = FLORES.get(language, language)
    other = _OPUS.get(language, flores)
    return tuple(dict.fromkeys((language, flores.partition("_")[0], flores, other.partition("_")[0], other)))


def _t5(config: Any, vocabulary: Mapping[str, int], language: str, called: str) -> Target:
    """`<2de>` before each text, as MADLAD-400 takes it, or the words that config.json gives for the pair."""
    if f"<2{language}>" in vocabulary:
        return Target(prefix=f"<2{language}> ")
    tasks = getattr(config, "task_specific_params", None)
    pair = tasks.get(f"translation_{ENGLISH}_to_{language}") if isinstance(tasks, dict) else None
    prefix = pair.get("prefix") if isinstance(pair, dict) else None
    if not isinstance(prefix, str) or not prefix:
        what = f"neither a token <2{language}> nor task_specific_params.translation_en_to_{language} in config.json"
        raise _unknown(called, language, f"it has {what}")
    return Target(prefix=prefix)


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

SETTINGS: Final[Mapping[str, int]] = MappingProxyType(
    {"version": 1, "beams": 1, "bound_more": 32, "bound_times": 2, "batch_characters": 8192, "batch_texts": 128}
)
"""What translations depend on, apart from model and text."""


@dataclass(frozen=True, slots=True)
class Translation:
    """The translation of one text; `cut` where it reached the length bound, `long` where the text was truncated."""

    text: str
    cut: bool = False
    long: bool = False


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
    match = re.fullmatch(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@([\w./-]+))?", name)
    if match is None:
        what = f"There is no folder {name[:200]!r}, and no model on the hub can have that name."
        raise ModelError(f"{what} Write seq2seq:FOLDER or seq2seq:OWNER/NAME.")
    return snapshot("model", match[1], match[2] or "main", FILES, offline=offline).folder


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
    pieces = next((path.name for pattern in ("*.spm", "*.model") for path in sorted(folder.glob(pattern))), "")
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
    limits = [getattr(model.config, name, None) for name in ("max_position_embeddings", "n_positions")]
    limit = min([limit for limit in limits if isinstance(limit, int) and limit > 1], default=512)
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
    start, longest, most, room = 0, 0, SETTINGS["batch_texts"], SETTINGS["batch_characters"]
    for stop, text in enumerate(texts):
        longest = max(longest, len(text))
        if stop > start and (stop - start == most or (stop + 1 - start) * longest > room):
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
        bound = SETTINGS["bound_times"] * ids.shape[1] + SETTINGS["bound_more"]
        bound = max(1, min(bound, translator.limit - 1))
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
