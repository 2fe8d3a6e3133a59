"""The files of a language: filled-in placeholders of paths, and which of the files exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from robust_xtreme.languages import language as language_of
from robust_xtreme.specs import Files, Origin

Option = str | tuple[str, ...]
_ANY: Final = "*"


@final
@dataclass(frozen=True, slots=True)
class Group:
    """Files that contain a split: each has rows of its own or, where `joint`, all of them make the rows together."""

    paths: tuple[str, ...]
    joint: bool = False


def expand(text: str, language: str, codes: Mapping[str, str]) -> str:
    """Fill in `{language}`, `{code}`, `{question}`, `{context}`, and `{name}`, its English name in lower case."""
    if "{name}" in text:
        text = text.replace("{name}", language_of(language).name.lower())
    origin = Origin("", "", language)
    given = {"language": language, "code": codes.get(language, language)}
    for key, value in {**given, "question": origin.question, "context": origin.context}.items():
        text = text.replace(f"{{{key}}}", value)
    return text


def options(files: Files, language: str, *, everywhere: bool = True) -> tuple[Option, ...]:
    """The paths that may contain a language; paths without a placeholder only if `everywhere`."""
    wanted = (option for option in files.paths if everywhere or any("{" in part for part in parts(option)))
    return tuple(_expanded(option, language, files.codes) for option in wanted)


def _expanded(option: Option, language: str, codes: Mapping[str, str]) -> Option:
    if isinstance(option, str):
        return expand(option, language, codes)
    return tuple(expand(path, language, codes) for path in option)


def parts(option: Option) -> tuple[str, ...]:
    """The paths of one option: a single path, or several that make the rows together."""
    return (option,) if isinstance(option, str) else option


def find(folder: Path, wanted: Sequence[Option]) -> Group | None:
    """The first option whose files all exist."""
    for option in wanted:
        if isinstance(option, str) and _ANY in option:
            paths = _matches(folder, option)
        else:
            paths = tuple(path for path in parts(option) if (folder / path).is_file())
            paths = paths if len(paths) == len(parts(option)) else ()
        if paths:
            return Group(paths, joint=not isinstance(option, str))
    return None


def _matches(folder: Path, pattern: str) -> tuple[str, ...]:
    """The files that match, sorted by name and then folder; hidden ones, as other systems' archives have, do not."""
    matches = (path for path in folder.glob(pattern) if path.is_file() and not path.name.startswith("."))
    return tuple(path.relative_to(folder).as_posix() for path in sorted(matches, key=lambda path: (path.name, path)))


def listed(wanted: Sequence[Option]) -> str:
    """The options as an error lists them."""
    return ", ".join(" with ".join(parts(option)) for option in wanted)


def halved(folder: Path, wanted: Sequence[Option]) -> str:
    """A sentence about an option with some of its files missing; empty where there is none."""
    for option in wanted:
        there = [path for path in parts(option) if (folder / path).is_file()]
        absent = [path for path in parts(option) if path not in there]
        if there and absent:
            return f"{' and '.join(there)} is there without {' and '.join(absent)}; all of them are needed."
    return ""


def odd(folder: Path, wanted: Sequence[Option]) -> str:
    """A sentence about a path that exists but is not a regular file; empty where there is none."""
    for part in (part for option in wanted for part in parts(option) if _ANY not in part):
        path = folder / part
        if path.is_symlink() and not path.exists():
            return f"{part} is a link to nothing."
        if path.exists() and not path.is_file():
            return f"{part} is not a regular file, but a folder, a pipe, a socket or a device."
    return ""
