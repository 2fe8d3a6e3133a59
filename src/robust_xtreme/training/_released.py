"""The machine translations of training data that XTREME published (translate-train), read into examples.

Their layout as TensorFlow Datasets reads it (`xtreme_xnli.py`, `xtreme_pawsx.py` and `tydi_qa.py` of
tensorflow/datasets) for NLI, PAWS-X and TyDiQA; the folder of SQuAD's is in google-research/xtreme, issue 37, and
`squad.translate.train.en-LANGUAGE.json` in the readers of those who trained on it.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from robust_xtreme.core import strict_json
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Choice, Example
from robust_xtreme.core.specs import Origin, Row, TaskSpec
from robust_xtreme.tasks.formats import numbered_lines, read_file, squad
from robust_xtreme.training.spec import Tell

_NLI: Final = "XNLI/translate-train/en-{language}-translated.tsv"
_PAIRS: Final = "PAWSX/translate-train/en-{language}-translated.tsv"
_SQUAD: Final = "SQuAD/translate-train/squad.translate.train.en-{language}.json"
_TYDIQA: Final = "TyDiQA-GoldP/translate-train/tydiqa.translate.train.en-{language}.json"
RELEASED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mnli": _NLI,
        "xnli": _NLI,
        "pawsx": _PAIRS,
        "squad": _SQUAD,
        "xquad": _SQUAD,
        "mlqa": _SQUAD,
        "tydiqa": _TYDIQA,
    }
)
"""The file of each task, under the folder that contains the release."""

_COLUMNS: Final = 5
_FIELDS: Final = (("premise", "hypothesis"), ("sentence1", "sentence2"))


def read_released(
    task: TaskSpec, path: Path, language: str, english: Sequence[Example], tell: Tell
) -> tuple[Example, ...]:
    """The translations of the English examples that a file of the release contains, under their ids.

    Malformed rows, and rows that translate no English example, are left out and counted. Questions without native ids
    cannot be matched to English ones: see `matches`. Raises DataError.
    """
    text = read_file(path).text
    if path.suffix == ".json":
        rows, total = _questions(text, path, Counter(map(native, english)) if matches(task) else None)
    else:
        rows, total = _pairs(task, text, path, english)
    if not rows:
        raise DataError(path, f"contains no translation of the {len(english):,} English examples of {task.name}.")
    of = f"of {len(english):,} examples from" if matches(task) else "questions have their answer in"
    tell(f"{task.name} {language}: {len(rows):,} {of} {path.name} ({total:,} rows)")
    return task.adapt(tuple(rows), Origin(task.name, "train", language))


def matches(task: TaskSpec) -> bool:
    """Whether rows of a release file can be matched to English examples: by their texts, or by their ids.

    The ids of TyDiQA's training files are ordinals, so they match nothing.
    """
    return RELEASED[task.name].endswith(".tsv") or task.files["train"].ids == "native"


def native(example: Example) -> str:
    """The native id of an example: the last part of its id."""
    return example.id.split("/", 3)[-1]


def _pairs(task: TaskSpec, text: str, path: Path, english: Sequence[Example]) -> tuple[list[Row], int]:
    """Rows of five columns: two English texts, their translations, the label; matched by texts and label."""
    wanted: defaultdict[tuple[str, str, int], list[str]] = defaultdict(list)
    for example in reversed(english):
        first, second = next(pair for pair in _FIELDS if pair[0] in example.texts)
        key = _key(example.texts[first].value, example.texts[second].value, _index(example))
        wanted[key].append(native(example))

    @cache
    def index_of(label: str) -> int | None:
        """The index that the task's adapter gives a label of the file; None for an unknown label."""
        row = Row("0", "", {"first": "a", "second": "b", "label": label})
        try:
            return _index(task.adapt((row,), Origin(task.name, "train", "en"))[0])
        except DataError:
            return None

    examples, total = [], 0
    for number, line in numbered_lines(text):
        total += 1
        cells = line.split("\t")
        index = index_of(cells[-1].strip()) if len(cells) == _COLUMNS else None
        natives = wanted.get(_key(cells[0], cells[1], index)) if index is not None else None
        if natives:
            values = {"first": cells[2].strip(), "second": cells[3].strip(), "label": cells[4].strip()}
            examples.append(Row(natives.pop(), f"{path}:{number}", values))
    return examples, total


def _key(first: str, second: str, label: int) -> tuple[str, str, int]:
    """Two texts with normalised white space, and a label."""
    return " ".join(first.split()), " ".join(second.split()), label


def _index(example: Example) -> int:
    return example.target.index if isinstance(example.target, Choice) else -1


def _questions(text: str, path: Path, wanted: Counter[str] | None) -> tuple[list[Row], int]:
    """The rows of a SQuAD file: the wanted questions (None: all, with ordinals as ids), and how many it contains.

    A question whose answer is not at its offset in the context, lost in translation, is left out.
    """
    total = 0

    def reduced(value: dict[str, Any]) -> dict[str, Any]:
        """A paragraph with its usable questions; other objects, and what is not SQuAD's format, as they are."""
        nonlocal total
        if isinstance(asked := value.get("qas"), list):
            total += len(asked)
            value["qas"] = [question for question in asked if _usable(question, value.get("context"), wanted)]
        return value

    try:
        document = strict_json.loads(text, hook=reduced)
    except (RecursionError, ValueError) as error:
        raise DataError(path, f"is not valid JSON: {error}.") from None
    rows = squad.read(json.dumps(document, ensure_ascii=False), str(path))
    if wanted is None:
        rows = tuple(replace(row, native=str(index)) for index, row in enumerate(rows))
    return list(rows), total


def _usable(question: Any, context: Any, wanted: Counter[str] | None) -> bool:
    """Whether a question is wanted, is not a duplicate, and has its answer in the context."""
    if not isinstance(question, dict) or not isinstance(context, str):
        return True
    key, answers = question.get("id"), question.get("answers")
    if not isinstance(key, str) or not isinstance(answers, list):
        return True
    if (
        not answers
        or not all(_is_at_offset(answer, context) for answer in answers)
        or (wanted is not None and not wanted[key])
    ):
        return False
    if wanted is not None:
        wanted[key] -= 1
    return True


def _is_at_offset(answer: Any, context: str) -> bool:
    text, start = (answer.get("text"), answer.get("answer_start")) if isinstance(answer, dict) else (None, None)
    if not isinstance(text, str) or type(start) is not int:
        return False
    return bool(text.strip()) and start >= 0 and context.startswith(text, start)
