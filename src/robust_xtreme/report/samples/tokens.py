"""The tokens of a text before and after noise, where the tokenizer of the run's model is on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from robust_xtreme import resources
from robust_xtreme.errors import RobustXtremeError
from robust_xtreme.report.samples.texts import Remade
from robust_xtreme.run_spec import MINI, RunSpec
from robust_xtreme.sources.checkpoints import fetched, on_hub
from robust_xtreme.targets.kinds import kind_of

Tokenize = Callable[[str], list[str]]

TOKENIZER: Final = "tokenizer.json"
SHOWN: Final = 12
"""The most tokens that are shown on each side."""

_BESIDE: Final = 1


def tokenizers_of(spec: RunSpec, manifest: Mapping[str, Any]) -> dict[str, Tokenize]:
    """By task, the tokenizer of the run's model; without those that are not here."""
    folders = dict(filter(None, map(_named, ((name, spec) for name in spec.model))))
    by_path: dict[Path, Tokenize] = {}
    by_task: dict[str, Tokenize] = {}
    for model in manifest.get("models", ()):
        if path := folders.get(str(model["model"]).rpartition("@")[0]):
            if path not in by_path and (made := _loaded(path)):
                by_path[path] = made
            if path in by_path:
                by_task[model["task"]] = by_path[path]
    return by_task


def _named(given: tuple[str, RunSpec]) -> tuple[str, Path] | None:
    """The name in tables of a model as it was asked for, and its tokenizer's file; None where that is not here."""
    asked, spec = given
    name = asked.partition("=")[2] if "=" in asked and not Path(asked).exists() else asked
    try:
        if name == MINI:
            called, folder = name, resources.mini("model")
        elif on_hub(name):
            revision = next((sha.rpartition("=")[2] for sha in spec.revision), "")
            called, folder = name, fetched(name, revision, offline=True).folder
        else:
            called, folder = Path(name).resolve().name, Path(name)
    except (RobustXtremeError, OSError, ValueError):
        return None
    files = [path for path in (folder / "model" / TOKENIZER, folder / TOKENIZER) if path.is_file()]
    return (called, files[0]) if files else None


def _loaded(path: Path) -> Tokenize | None:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception:  # noqa: BLE001 - the library raises Exception itself where the file is not one of its own
        return None

    def tokenize(text: str) -> list[str]:
        encoded = tokenizer.encode(text.encode("utf-8", "replace").decode(), add_special_tokens=False)
        pairs = zip(encoded.tokens, encoded.offsets, strict=True)
        return [text[start:stop] or token for token, (start, stop) in pairs]

    return tokenize


def changed_tokens(remade: Remade, tokenize: Tokenize, counts: tuple[int, int]) -> tuple[list[str], list[str]] | None:
    """The tokens that noise changed, of the first text with such, each side with one unchanged beside it.

    None where none changed, and where the `counts` of clean and noisy tokens are not those of the run.
    """
    names = [name for name in remade.fields if name in remade.clean.texts]
    words = kind_of(remade.task.family).words
    pairs = []
    for name in names:
        outcome = remade.outcome(name)
        sides = (text.pieces(words) for text in (outcome.clean, outcome.text))
        pairs.append(tuple([token for piece in side for token in tokenize(piece)] for side in sides))
    if not pairs or tuple(sum(len(pair[side]) for pair in pairs) for side in (0, 1)) != counts:
        return None
    return next((_changed(before, after) for before, after in pairs if before != after), None)


def _changed(before: Sequence[str], after: Sequence[str]) -> tuple[list[str], list[str]]:
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))
    start = max(0, same - _BESIDE)
    ends = zip(reversed(before[same:]), reversed(after[same:]), strict=False)
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    left = max(0, alike - _BESIDE)
    first, second = (list(side[start : len(side) - left]) for side in (before, after))
    return first, second
