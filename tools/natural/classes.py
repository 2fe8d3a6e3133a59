"""The shares of the parts, fitted until words are edited as people edit them: by the class of what each becomes."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tools.natural.judged import CLASSES, judged, premises, vocabulary
from tools.natural.texts import XQUAD, questions

from robust_xtreme.core import packs

PARTS: Final[Mapping[str, Mapping[str, str]]] = {
    kind: dict(zip(CLASSES, ("words", letters, "case", "marks", "spaces"), strict=True))
    for kind, letters in (("typing", "keys"), ("writing", "spelling"))
}
"""By kind the part of the mixture that makes each class of edited words."""

_FIGURES: Final = ("edits", "words", *CLASSES, "length", "first", "xlm-r")
WRITTEN: Final[Mapping[str, Mapping[str, float]]] = {
    code: dict(zip(_FIGURES, values, strict=True))
    for code, values in {
        "de": (2.2, 0, 60, 17, 16, 0, 7, 4, 89, 0),
        "en": (2.4, 9.3, 48, 23, 26, 0, 2, 4, 79, 1.7),
        "es": (1.9, 8.5, 57, 8, 20, 10, 4, 3, 73, 0.8),
        "fr": (2.3, 8.6, 55, 14, 19, 4, 8, 3, 80, 1.1),
        "tr": (2.2, 0, 20, 26, 23, 15, 16, 4, 85, 0),
    }.items()
}
"""What editors of Wikipedia mend in XNLI (Stickland et al. 2022): edits in a hundred characters, words edited in a
hundred, the share of each class, the median length of an edited word, first letters kept, tokens more. 0: not known;
of the edits of German and Turkish, which are not, the mean is taken."""

TYPED: Final = dict(zip(_FIGURES, (2.3, 6.0, 13, 66, 8, 0, 14, 6, 0, 0), strict=True))
"""The same of NoiseQA's typed questions (Ravichander et al. 2021): 733 of the 12,316 words of XQuAD's questions."""

_ROUNDS: Final = 10
"""After so many rounds the shares are taken of which no class is far from its goal, relative to it."""
_SEEN: Final = 5
"""The share of a class, in percent, that counts there."""
_TEXTS: Final = 2_500
_SQUAD: Final = "squad/dev-v1.1.rebuilt.json"


def fitted(
    code: str, kind: str, wanted: Mapping[str, float], data: Path, pack: str, fixed: Mapping[str, float]
) -> dict[str, float]:
    """The shares of the parts with which words become what is wanted: of XNLI's dev set, or of SQuAD's questions.

    Both are texts as those whose errors are published: of SQuAD's questions those that are not in XQuAD.

    `pack` is the language's pack without the table of this kind; parts that are `fixed` keep their share.
    """
    goal = {part: wanted[name] for name, part in PARTS[kind].items() if part not in fixed}
    left = 1 - sum(fixed.values())
    shares = _scaled(goal, left)
    texts, known = _like(code, kind, data), vocabulary(code, data)
    tried: list[tuple[float, int, dict[str, float]]] = []
    for _ in range(_ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "natural").mkdir()
            text = f"{pack}{kind} = {table({**shares, **fixed})}\n"
            (Path(folder) / "natural" / f"{code}.toml").write_text(text, encoding="utf-8")
            with packs.using(folder):
                made = judged(f"natural_{kind}:{wanted['edits'] / 100:g}", code, texts, known, {})
        off = max(abs(made[name] / wanted[name] - 1) for name in CLASSES if wanted[name] >= _SEEN)
        tried.append((off, len(tried), {**shares, **fixed}))
        near = {part: (wanted[name] / max(made[name], 0.5)) ** 0.5 for name, part in PARTS[kind].items()}
        shares = _scaled({part: share * near[part] for part, share in shares.items()}, left)
    return min(tried)[-1]


def _like(code: str, kind: str, data: Path) -> list[str]:
    """Texts as those whose errors are published, but others."""
    if kind == "writing":
        return premises(code, data, ("dev",))[:_TEXTS]
    asked = frozenset(questions(data / XQUAD))
    return [question for question in questions(data / _SQUAD) if question not in asked][:_TEXTS]


def _scaled(shares: Mapping[str, float], whole: float) -> dict[str, float]:
    return {part: share * whole / sum(shares.values()) for part, share in shares.items()}


def table(shares: Mapping[str, float]) -> str:
    """Shares as a table of a pack, which are 1 together."""
    rounded = {part: round(share, 3) for part, share in shares.items() if round(share, 3)}
    most = max(rounded, key=lambda part: rounded[part])
    rounded[most] = round(1 - sum(share for part, share in rounded.items() if part != most), 3)
    return "{ " + ", ".join(f'{part} = "{share:.3f}"' for part, share in rounded.items()) + " }"
