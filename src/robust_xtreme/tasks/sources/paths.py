"""The files of a language: filled-in placeholders of paths, and which of the files exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from robust_xtreme.core.languages import language as language_of
from robust_xtreme.core.specs import Files, Origin

Option = tuple[str, ...]
"""The files that make the rows together, mostly one; a single path with `*` is a pattern."""

_ANY: Final = "*"


class Group(NamedTuple):
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
    wanted = ((option,) if isinstance(option, str) else option for option in files.paths)
    return tuple(
        tuple(expand(path, language, files.codes) for path in option)
        for option in wanted
        if everywhere or any("{" in path for path in option)
    )


def find(folder: Path, wanted: Sequence[Option]) -> Group | None:
    """The first option whose files all exist."""
    for option in wanted:
        paths = option
        if _ANY in option[0]:  # sorted by name and then folder, without hidden files, as other systems' archives have
            matches = [path for path in folder.glob(option[0]) if not path.name.startswith(".")]
            matches.sort(key=lambda path: (path.name, path))
            paths = tuple(path.relative_to(folder).as_posix() for path in matches if path.is_file())
        if paths and all((folder / path).is_file() for path in paths):
            return Group(paths, joint=len(option) > 1)
    return None


def listed(wanted: Sequence[Option]) -> str:
    """The options as an error lists them."""
    return ", ".join(" with ".join(option) for option in wanted)


def halved(folder: Path, wanted: Sequence[Option]) -> str:
    """A sentence about an option with some of its files missing; empty where there is none."""
    for option in wanted:
        there = [path for path in option if (folder / path).is_file()]
        absent = [path for path in option if path not in there]
        if there and absent:
            return f"{' and '.join(there)} is there without {' and '.join(absent)}; all of them are needed."
    return ""


def odd(folder: Path, wanted: Sequence[Option]) -> str:
    """A sentence about a path that exists but is not a regular file; empty where there is none."""
    for part in (part for option in wanted for part in option if _ANY not in part):
        path = folder / part
        if path.is_symlink() and not path.exists():
            return f"{part} is a link to nothing."
        if path.exists() and not path.is_file():
            return f"{part} is not a regular file, but a folder, a pipe, a socket or a device."
    return ""


def misnamed(folder: Path, files: Files, language: str, languages: Sequence[str]) -> str:
    """A sentence about a file that no language of a task has, and whose code may be another one of this language.

    Codes of two and of three letters are compared: ay and aym, gn and grn, qu and quz. Empty where there is none.
    """
    paths = [path for path in files.paths if isinstance(path, str) and Path(path).stem in ("{code}", "{language}")]
    for path in paths:
        known = {expand(path, code, files.codes) for code in languages}
        wanted = Path(expand(path, language, files.codes))
        for other in sorted((folder / wanted.parent).glob(f"*{wanted.suffix}")):
            name = (wanted.parent / other.name).as_posix()
            if name not in known and _abbreviates(*sorted((language, other.stem), key=len)):
                return f"{name} is there and not read; the file of {language} is {wanted.name}."
    return ""


def _abbreviates(short: str, long: str) -> bool:
    """Whether a code is the first and a later letter, or all, of one with at most three."""
    return long[:1] == short[:1] and len(long) <= 3 and short[1:] in (long[1:2], long[2:], long[1:])
