"""What errors make of words, as a model meets them: kinds of edited words, their length, tokens added (facts 11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from statistics import median
from typing import Any, Final

from tools.natural.lists import bare_word

from robust_xtreme.core.edits import span_table
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.case import lower
from robust_xtreme.noise.engine.noising import bound, noise_values

CLASSES: Final = ("real", "none", "case", "accent", "several")
"""What an edited word becomes: another real word, no word, itself in another case, or with other accents; several are
words that are joined, split, or edited side by side."""

_SIGNS: Final = ".,;:!?¿¡\"“”„«»()[]{}…–—'’‘`"
_TWICE: Final = 2


def vocabulary(code: str, data: Path) -> frozenset[str]:
    """The real words of a language: those that occur twice, in small letters, in XNLI and PAN-X."""
    counts: Counter[str] = Counter()
    for path in sorted((data / "xnli").glob(f"*-{code}.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines():
            counts.update(word for field in line.split("\t")[:2] for word in _words(lower(field, code)))
    for path in sorted((data / "panx").glob(f"*-{code}.tsv")):
        counts.update(lower(line.split("\t")[0], code) for line in path.read_text(encoding="utf-8").splitlines())
    return frozenset(word for word, count in counts.items() if count >= _TWICE)


def _words(text: str) -> list[str]:
    return [word for word in (token.strip(_SIGNS) for token in text.split()) if word]


def premises(code: str, data: Path, splits: Sequence[str] = ("test", "dev")) -> list[str]:
    """The sentences of XNLI in a language, each once, of the first split that is there."""
    path = next(path for name in splits if (path := data / "xnli" / f"{name}-{code}.tsv").is_file())
    lines = path.read_text(encoding="utf-8").splitlines()
    return list(dict.fromkeys(field for line in lines for field in line.split("\t")[:2]))


def edited(clean: str, noisy: str) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """The words that differ, block by block: those of the clean and those of the noisy text."""
    old, new = _words(clean), _words(noisy)
    for kind, low, high, first, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        if high - low == last - first:
            yield from (((a,), (b,)) for a, b in zip(old[low:high], new[first:last], strict=True))
        else:
            yield old[low:high], new[first:last]


def kind_of(old: Sequence[str], new: Sequence[str], code: str, known: frozenset[str]) -> str:
    """The class of a block of words."""
    if len(old) != 1 or len(new) != 1:
        return "several"
    small, other = lower(old[0], code), lower(new[0], code)
    if small == other:
        return "case"
    if bare_word(small) == bare_word(other):
        return "accent"
    return "real" if other in known else "none"


def judged(
    spec: str, code: str, values: Sequence[str], known: frozenset[str], counts: Mapping[str, Callable[[str], int]]
) -> dict[str, Any]:
    """The figures of a perturbation on texts; `counts` are the tokens of a text by tokenizer."""
    link, ids = bound(PerturbationSpec.parse(spec))[0], [str(number) for number in range(len(values))]
    noised = noise_values(values, ids, span_table([()] * len(values)), code, link, 0)
    blocks = [block for pair in zip(values, noised.moved.values, strict=True) for block in edited(*pair)]
    kinds = Counter(kind_of(*block, code, known) for block in blocks)
    single = [(old[0], new[0]) for old, new in blocks if len(old) == len(new) == 1]
    total = max(len(blocks), 1)
    before = {name: sum(map(count, values)) for name, count in counts.items()}
    return {
        "edits": round(float(100 * noised.counts.graphemes_edited.sum() / noised.counts.graphemes.sum()), 2),
        "words": round(100 * total / sum(len(_words(value)) for value in values), 1),
        **{name: round(100 * kinds[name] / total) for name in CLASSES},
        "length": median(len(old) for old, _ in single),
        "first": round(
            100 * sum(lower(old[:1], code) == lower(new[:1], code) for old, new in single) / max(len(single), 1)
        ),
        "tokens": {
            name: round(100 * (sum(map(count, noised.moved.values)) / before[name] - 1), 1)
            for name, count in counts.items()
        },
    }
