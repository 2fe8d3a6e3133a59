"""The figures: operators of each half of a list, realised strengths on text, and what models see of edited words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from tokenizers import Tokenizer
from tools.natural.classes import TYPED, WRITTEN
from tools.natural.fit import realised
from tools.natural.judged import judged, premises, vocabulary
from tools.natural.texts import FLORES, XQUAD, questions, sentences

from robust_xtreme.core import packs
from robust_xtreme.core.edits import span_table
from robust_xtreme.core.languages import ALL_LANGUAGES
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import bound, noise_values
from robust_xtreme.noise.members.natural import KINDS, mix_of, natural, source_of

STRENGTHS: Final = ("0.02", "0.1")
_SENTENCES: Final = 250
_DRAWS: Final = 4
"""How often each of the few questions is drawn."""
TOKENIZERS: Final = {"xlm-r": "multilingual-e5-small", "bert": "all-minilm-l6-v2"}
"""Tokenizers, and their folders as `python -m tools.encoders` writes them; bytes are those of ByT5."""


def measured(fits: Mapping[str, Mapping[str, Any]], data: Path, encoders: Path) -> dict[str, Any]:
    """All figures, with the packs as they are now."""
    compared = {}
    for code, fit in fits.items():
        made = realised(code, data / "typos")
        held_out = fit["held_out"]
        near = {name: _variation(held_out, other) for name, other in (("fitted", fit["fitted"]), ("realised", made))}
        compared[code] = {**{name: fit[name] for name in ("pairs", "fitted", "held_out")}, "realised": made, "tv": near}
    return {
        "judged": dict(_judged(data, encoders)),
        "lists": compared,
        "sources": {code: source_of(code) for code in ALL_LANGUAGES if natural.serves(code)},
        "packs": {name: mix_of(name).shares for name in packs.bundled("natural")},
        "words": {name: len(packs.table("realwords", name).rows) for name in packs.bundled("realwords")},
        "slips": {code: _slips(code, sentences(code, data)) for code in ("en", "ar", "th", "ja")},
        "text": {code: on_text(code, sentences(code, data)[:_SENTENCES]) for code in FLORES},
    }


def _judged(data: Path, encoders: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """What each kind makes of words, at the edits of people: of XNLI's sentences, and of XQuAD's questions."""
    counts = tokens(encoders)
    for code, people in WRITTEN.items():
        spec, values = f"natural_writing:{people['edits'] / 100:g}", premises(code, data)
        yield f"writing {code}", judged(spec, code, values, vocabulary(code, data), counts)
    spec = f"natural_typing:{TYPED['edits'] / 100:g}"
    yield "typing en", judged(spec, "en", questions(data / XQUAD) * _DRAWS, vocabulary("en", data), counts)


def tokens(encoders: Path) -> dict[str, Callable[[str], int]]:
    """How many tokens a text has, by tokenizer."""
    made: dict[str, Callable[[str], int]] = {"bytes": lambda text: len(text.encode())}
    return made | {name: _counter(encoders / folder / "tokenizer.json") for name, folder in TOKENIZERS.items()}


def _counter(path: Path) -> Callable[[str], int]:
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()  # files of sentence encoders pad and cut each text
    tokenizer.no_truncation()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def _variation(shares: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Total variation distance: the share that would have to move."""
    return round(sum(abs(share - other[name]) for name, share in shares.items()) / 2, 3)


def on_text(code: str, values: list[str]) -> dict[str, Any]:
    """By kind the share of clusters that is edited at each strength, and the shares of the parts in edits."""
    return {kind: _of_kind(kind, code, values) for kind in KINDS}


def _slips(code: str, values: list[str]) -> int:
    """The percentage of slips in the edits of `natural`, in languages that have all of its parts, or few."""
    (link,), operators = bound(PerturbationSpec.parse(f"natural:{STRENGTHS[0]}")), np.zeros(len(KINDS))
    ids, spans = [str(number) for number in range(len(values))], span_table([()] * len(values))
    for seed in range(5):
        operators += noise_values(values, ids, spans, code, link, seed).counts.operators.sum(axis=0)
    return round(100 * float(operators[natural.operators.index("typing")] / operators.sum()))


def _of_kind(kind: str, code: str, values: list[str]) -> dict[str, Any]:
    edited, operators = [], np.zeros(len(KINDS[kind]))
    ids, spans = [str(number) for number in range(len(values))], span_table([()] * len(values))
    for strength in STRENGTHS:
        (link,) = bound(PerturbationSpec.parse(f"natural_{kind}:{strength}"))
        counts = noise_values(values, ids, spans, code, link, 0).counts
        edited.append(round(float(counts.graphemes_edited.sum() / counts.graphemes.sum()), 4))
        operators += counts.operators.sum(axis=0)
    shares = dict(zip(KINDS[kind], (operators / max(operators.sum(), 1)).round(3).tolist(), strict=True))
    return {"edited": edited, "shares": shares}
