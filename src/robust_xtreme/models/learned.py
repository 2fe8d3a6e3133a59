"""The languages that a checkpoint's head was trained on, as the user or the model card names them.

A run of `train` records them; of other checkpoints they are unknown unless they are named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from robust_xtreme.core import registry
from robust_xtreme.core.errors import SpecError, UnknownName
from robust_xtreme.core.languages import ALL_LANGUAGES
from robust_xtreme.tasks.sources.checkpoints import CARD

OPTION: Final = "--trained-on"
BY_CARD: Final = "model card"
NONE: Final = "none"
_FORM: Final = "as in --trained-on en,de or --trained-on xnli=en"
_CODE: Final = re.compile(r"[a-z]{2,3}")
_ISO: Final = """
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en
    eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv
    ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne
    ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st
    su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""
_KNOWN: Final = frozenset((*_ISO.split(), *ALL_LANGUAGES))
"""The codes of languages: those of ISO 639-1, and those of three letters that the tasks use."""

_SEE: Final = "robust-xtreme list languages. Other languages have the two letters of ISO 639-1, or are left out"
_FENCE: Final = "---"
_LONGEST: Final = 1 << 16
_KEY: Final = "language:"


@final
@dataclass(frozen=True, slots=True)
class Learned:
    """The languages of a head's training data, None where they are unknown, and who names them.

    `by` is `--trained-on`, `model card`, or empty for the record of a run of `train`.
    """

    languages: tuple[str, ...] | None = None
    by: str = ""

    def setting(self, language: str) -> str:
        """The setting of a language: `in_language` or `zero_shot`; `unknown` where the languages are unknown."""
        if self.languages is None:
            return "unknown"
        return "in_language" if language in self.languages else "zero_shot"


def parse_trained_on(given: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """`en`, `de` and `xnli=en` as {"": ("en", "de"), "xnli": ("en",)}; `none` gives no language.

    Raises SpecError where a part is malformed or a task is named twice, UnknownName for an unknown task or language.
    """
    by_task: dict[str, tuple[str, ...]] = {}
    for assignment in given:
        task, named, listed = assignment.rpartition("=")
        codes = tuple(code.strip() for code in listed.split(","))
        if (named and not task) or not (codes == (NONE,) or all(map(_CODE.fullmatch, codes))):
            raise SpecError(f"The value {assignment[:80]!r} of trained_on is not en,de or TASK=en,de, {_FORM}")
        unknown = next((code for code in codes if code not in (NONE, *_KNOWN)), None)
        if unknown is not None:
            raise UnknownName("language", unknown, ALL_LANGUAGES, _SEE)
        if named:
            registry.load("task", task)
        if task and task in by_task:
            raise SpecError(f"The value of trained_on names {task} twice, {_FORM}")
        by_task[task] = (*by_task.get(task, ()), *(() if codes == (NONE,) else codes))
    return by_task


def of_checkpoint(folder: Path, task: str, named: Mapping[str, tuple[str, ...]], head: bool = True) -> Learned:
    """What is known of a checkpoint that is not a run of `train`: the user's word counts before the model card.

    The card describes a head; without one, its languages are those of pretraining and do not count.
    """
    if task in named or "" in named:
        return Learned(named.get(task, named.get("")), OPTION)
    languages = card_languages(folder) if head else None
    return Learned() if languages is None else Learned(languages, BY_CARD)


def card_languages(folder: Path) -> tuple[str, ...] | None:
    """The languages that the metadata of a folder's model card name.

    None where there are none, and where an entry is not the code of one language: `multilingual`, say, leaves open
    which languages the head was trained on. Only the first 64 KiB are read, and nothing in them is evaluated.
    """
    try:
        if not (folder / CARD).is_file():
            return None
        with (folder / CARD).open("rb") as file:
            lines = file.read(_LONGEST).decode("utf-8", "replace").splitlines()
    except OSError:
        return None
    if not lines or lines[0].strip() != _FENCE:
        return None
    stop = next((index for index, line in enumerate(lines) if index and line.rstrip() == _FENCE), 0)
    codes = [_code(entry) for entry in _entries(lines[1:stop])]
    known = tuple(dict.fromkeys(code for code in codes if code))
    return known if known and all(codes) else None


def _entries(header: Sequence[str]) -> list[str]:
    """The entries under `language`: one on its line, a list in brackets, or a line with a dash for each."""
    starts = [index for index, line in enumerate(header) if line.startswith(_KEY)]
    if len(starts) != 1:
        return []
    value = header[starts[0]].removeprefix(_KEY).partition(" #")[0].strip()
    if value:
        return value[1:-1].split(",") if value[0] == "[" and value[-1] == "]" else [value]
    entries = []
    for line in header[starts[0] + 1 :]:
        if not line.lstrip().startswith("- "):
            break
        entries.append(line.partition(" #")[0].lstrip().removeprefix("- "))
    return entries


def _code(entry: str) -> str:
    """The code of a language: `en`, `"no"`, `zh-CN` as zh; empty for anything else.

    Of the codes of three letters only those that the tasks use count: others can name the same language twice.
    """
    code = re.split("[-_]", entry.strip().strip("\"'").lower())[0]
    return code if code in _KNOWN else ""
