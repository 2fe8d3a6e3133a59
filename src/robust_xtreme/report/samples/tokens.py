"""The subwords of a text before and after noise, where the tokenizer of the run's model is on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, takewhile
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core import resources
from robust_xtreme.core.errors import RobustXtremeError
from robust_xtreme.core.run_spec import MINI, RunSpec
from robust_xtreme.core.targets.kinds import kind_of
from robust_xtreme.core.token_offsets import exact_offsets
from robust_xtreme.report.samples.texts import Remade
from robust_xtreme.tasks.sources.hub import fetched, on_hub

Tokenize = Callable[[str], list[str]]
Sides = tuple[list[str], list[str]]
"""Tokens of a clean and of a noisy text."""

TOKENIZER: Final = "tokenizer.json"
SHOWN: Final = 12
"""The most tokens of an example that are shown on each side."""

_BESIDE: Final = 1


def tokenizers_of(spec: RunSpec, manifest: Mapping[str, Any]) -> dict[str, Tokenize]:
    """By task, the tokenizer of the run's model; without those that are not here, or misplace their tokens."""
    folders = dict(filter(None, (_named(name, spec) for name in spec.model)))
    by_path: dict[Path, Tokenize] = {}
    by_task: dict[str, Tokenize] = {}
    for model in manifest.get("models", ()):
        if path := folders.get(str(model["model"]).rpartition("@")[0]):
            if path not in by_path and (made := _loaded(path)):
                by_path[path] = made
            if path in by_path:
                by_task[model["task"]] = by_path[path]
    return by_task


def _named(asked: str, spec: RunSpec) -> tuple[str, Path] | None:
    """The name in tables of a model as it was asked for, and its tokenizer's file; None where that is not here."""
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
    try:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(path))
        exact = exact_offsets(tokenizer)
    except Exception:  # noqa: BLE001 - the library raises Exception itself, where it is installed and the file is not one
        return None

    def tokenize(text: str) -> list[str]:
        ((ids, ranges),) = exact([text.encode("utf-8", "replace").decode()])
        contents = ((exact.content(number), str(tokenizer.id_to_token(number))) for number in ids)
        return [
            *_as_read(text, [name if content is None else _in_bytes(content) for content, name in contents], ranges)
        ]

    return None if exact.fault else tokenize


def _as_read(text: str, names: Sequence[str], ranges: Sequence[tuple[int, int]]) -> Iterator[str]:
    """The part of the text that each token covers; of one that covers a part of a character its name."""
    for at, (name, (start, stop)) in enumerate(zip(names, ranges, strict=True)):
        beside = [other for other in (at - 1, at + 1) if 0 <= other < len(names) and names[other].strip()]
        partial = any(ranges[other][0] < stop and start < ranges[other][1] for other in beside)
        yield name if partial else text[start:stop] or name


def _in_bytes(content: bytes) -> str:
    """What a token reads as text, or as the bytes that it consists of, `<0xEB>` each."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return "".join(f"<0x{byte:02X}>" for byte in content)


def noised_texts(remade: Remade) -> list[str]:
    """The fields of the example itself that are noised."""
    return [name for name in remade.fields if name in remade.clean.texts]


def changed_subwords(remade: Remade, tokenize: Tokenize, counts: tuple[int, int]) -> dict[str, Sides]:
    """The tokens that noise changed, by field, each side with one unchanged beside them.

    Empty where none changed, and where the `counts` of clean and noisy tokens are not those of the run.
    """
    words = kind_of(remade.task.family).words
    fields: dict[str, Sides] = {}
    for name in noised_texts(remade):
        outcome = remade.outcome(name)
        before, after = (text.pieces(words) for text in (outcome.clean, outcome.text))
        fields[name] = [*chain.from_iterable(map(tokenize, before))], [*chain.from_iterable(map(tokenize, after))]
    if tuple(sum(len(sides[side]) for sides in fields.values()) for side in (0, 1)) != counts:
        return {}
    return {name: _changed(before, after) for name, (before, after) in fields.items() if before != after}


def _changed(before: Sequence[str], after: Sequence[str]) -> Sides:
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))
    start = max(0, same - _BESIDE)
    ends = zip(reversed(before[same:]), reversed(after[same:]), strict=False)
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    left = max(0, alike - _BESIDE)
    first, second = (list(side[start : len(side) - left]) for side in (before, after))
    return first, second
