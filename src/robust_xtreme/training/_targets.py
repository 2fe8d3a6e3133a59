"""How each kind of translation model takes its target language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, final

from robust_xtreme.core.errors import ModelError

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


@final
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
