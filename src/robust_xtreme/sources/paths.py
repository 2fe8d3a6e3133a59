"""The files of a language: what the placeholders of a path represent, and which of the files are there."""

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
    """Files that contain a split: each of them rows of its own or, where `joint`, only together."""

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
    """The paths that may contain a language, those that name none only where they contain rows `everywhere`."""
    wanted = (one for one in files.paths if everywhere or any("{" in part for part in parts(one)))
    return tuple(_expanded(one, language, files.codes) for one in wanted)


def _expanded(option: Option, language: str, codes: Mapping[str, str]) -> Option:
    if isinstance(option, str):
        return expand(option, language, codes)
    return tuple(expand(one, language, codes) for one in option)


def parts(option: Option) -> tuple[str, ...]:
    """The paths of one option: its own, or those that only together make the rows."""
    return (option,) if isinstance(option, str) else option


def find(folder: Path, wanted: Sequence[Option]) -> Group | None:
    """The first option whose files are all there."""
    for option in wanted:
        if isinstance(option, str) and _ANY in option:
            found = _matches(folder, option)
        else:
            found = tuple(one for one in parts(option) if (folder / one).is_file())
            found = found if len(found) == len(parts(option)) else ()
        if found:
            return Group(found, joint=not isinstance(option, str))
    return None


def _matches(folder: Path, pattern: str) -> tuple[str, ...]:
    """The files that match, sorted by name and then folder; hidden ones, as other systems' archives have, do not."""
    found = (path for path in folder.glob(pattern) if path.is_file() and not path.name.startswith("."))
    return tuple(path.relative_to(folder).as_posix() for path in sorted(found, key=lambda one: (one.name, one)))


def said(wanted: Sequence[Option]) -> str:
    """The options as an error lists them."""
    return ", ".join(" with ".join(parts(option)) for option in wanted)


def halved(folder: Path, wanted: Sequence[Option]) -> str:
    """A sentence about an option of several files of which some are there and others not; none: an empty one."""
    for option in wanted:
        there = [one for one in parts(option) if (folder / one).is_file()]
        absent = [one for one in parts(option) if one not in there]
        if there and absent:
            return f"{' and '.join(there)} is there without {' and '.join(absent)}; it takes all of them."
    return ""


def odd(folder: Path, wanted: Sequence[Option]) -> str:
    """A sentence about what is where a file is looked for and is none; none: an empty one."""
    for part in (part for option in wanted for part in parts(option) if _ANY not in part):
        path = folder / part
        if path.is_symlink() and not path.exists():
            return f"{part} is a link to nothing."
        if path.exists() and not path.is_file():
            return f"{part} is not a regular file, but a folder, a pipe, a socket or a device."
    return ""
