"""Shows chosen examples as blocks of a document: texts with their edits, gold, both answers, subwords."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, final

from robust_xtreme.core import registry
from robust_xtreme.core.errors import UnknownName
from robust_xtreme.core.examples import Answers, Span, Tags, digest
from robust_xtreme.core.languages import ALL_LANGUAGES, language
from robust_xtreme.noise.engine.noised import Noised, Piece, pieces
from robust_xtreme.report.blocks import Diff, Hyperlink, Inline, Mono, Phrase, Sample, inlines, joined
from robust_xtreme.report.columns import percent, points
from robust_xtreme.report.names import cell_name
from robust_xtreme.report.samples.ids import native, short
from robust_xtreme.report.samples.texts import Remade
from robust_xtreme.report.samples.tokens import SHOWN, Tokenize, changed_subwords, noised_texts
from robust_xtreme.report.samples.windows import CUT, WIDTH, Mark, marked, split_at, window

Row = Mapping[str, Any]
Fact = tuple[str, Phrase]

GOLD, CLEAN, NOISY = "gold", "clean", "noisy"
_WORDS: Final = 8
_ANSWER: Final = 120
_PASSAGE: Final = 60
_SIMPLE: Final = re.compile(r"[A-Za-z0-9._-]{1,48}")
_TOKEN: Final = 24
_FEWEST: Final = 3
_CONTEXT: Final = "context"


@final
@dataclass(frozen=True, slots=True)
class KnownExamples:
    """What is known of a run's examples beside their rows: their texts, the labels of its own tasks, tokenizers.

    `width` is about how many clusters of a text are shown.
    """

    remade: Mapping[tuple[str, int, str], Remade] = field(default_factory=dict)
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tokenizers: Mapping[str, Tokenize] = field(default_factory=dict)
    width: int = WIDTH


def sample(row: Row, known: KnownExamples) -> Sample:
    """A chosen example as a block."""
    remade = known.remade.get((row["address"], row["noise_seed"], row["example"]))
    address = _address(row)
    seed = f" (noise seed {row['noise_seed']})" if row["seeds"] > 1 else ""
    title: Phrase = (
        Hyperlink(cell_name(row), f"#{row['address']}"),
        " ",
        Hyperlink(short(row["example"]), f"#{address}"),
        f"{seed}: {row['metric']} {points(row['value_clean'])} to {points(row['value'])}{_selected(row)}",
    )
    labels = {"became": row["became"], "of": row["address"]}
    texts = tuple(_texts(row, remade, known.width)) if remade else ()
    facts = (*_answers(row, remade, known), _edits(row), *_subwords(row, remade, known))
    return Sample(title, address, labels, texts, facts)


def _selected(row: Row) -> str:
    """Why an example is shown; nothing where it is only among those that were asked for."""
    if row["drawn"]:
        return ", drawn at random"
    return ", among the largest losses" if row["loss"] > 0 else ""


def _address(row: Row) -> str:
    """The address of an example in the page: that of its cell, its own id, and the noise seed if there are several."""
    id = native(row["example"])
    item = id if _SIMPLE.fullmatch(id) else digest(row["example"])
    seed = f"/seed{row['noise_seed']}" if row["seeds"] > 1 else ""
    return f"{row['address']}/{item}{seed}"


# ---------------------------------------------------------------------------------------------------------------- texts


def _texts(row: Row, remade: Remade, width: int) -> Iterator[tuple[str, Diff]]:
    for name in remade.clean.texts:
        yield name, shown(remade.outcome(name), _marks(row, remade, name), width)


def shown(noised: Noised, marks: Sequence[Mark] = (), width: int = WIDTH) -> Diff:
    """A text with its edits and marks, cut to a window."""
    return _shown(list(pieces(noised)), marks, width, noised.text.language)


def _shown(parts: Sequence[Piece], marks: Sequence[Mark], width: int, code: str) -> Diff:
    return _diff(window(marked(parts, marks), width), code)


def _diff(parts: Sequence[tuple[str, str, str]], code: str) -> Diff:
    marks = tuple(mark for _, _, mark in parts)
    direction = language(code).direction if code in ALL_LANGUAGES else "ltr"
    return Diff(tuple((old, new) for old, new, _ in parts), code, direction, marks if any(marks) else ())


def _marks(row: Row, remade: Remade, name: str) -> list[Mark]:
    """What is marked in a field: spans of gold and predictions in a context, words whose prediction changed."""
    match remade.clean.target:
        case Answers(spans) if name == _CONTEXT:
            gold = [Mark(GOLD, span.start, span.stop) for span in spans[:1]]
            clean = [Mark(CLEAN, start, stop) for start, stop in _parsed(row["prediction_clean"])[:1]]
            noisy = [Mark(NOISY, start, stop, noisy=True) for start, stop in _parsed(row["prediction"])[:1]]
            return [mark for mark in (*gold, *clean, *noisy) if mark.start < mark.stop]
        case Tags() if spans := remade.clean.texts[name].spans:
            changed = _differing(_parsed(row["prediction_clean"]), _parsed(row["prediction"]))
            words = [spans[number] for number in changed if number < len(spans)]
            return [Mark("changed", word.start, word.stop) for word in words]
    return []


def _parsed(value: str | None) -> Any:
    """A prediction or a target of PREDICTIONS; an empty list where there is none."""
    return json.loads(value) if value else []


def _differing(*several: Sequence[Any]) -> list[int]:
    return [number for number, values in enumerate(zip(*several, strict=False)) if len(set(values)) > 1]


# ------------------------------------------------------------------------------------------------- gold and predictions


def _answers(row: Row, remade: Remade | None, known: KnownExamples) -> Iterator[Fact]:
    """Gold, and the predictions on the clean and on the noisy text."""
    values = {GOLD: row["gold"], CLEAN: row["prediction_clean"], NOISY: row["prediction"]}
    parsed = {name: None if value is None else json.loads(value) for name, value in values.items()}
    tagged = _tagged(parsed, remade)
    for name, value in parsed.items():
        yield name, tagged.get(name) or _answer(name, value, row, remade, known)


def _answer(name: str, value: Any, row: Row, remade: Remade | None, known: KnownExamples) -> Phrase:
    match value:
        case None:
            return "failed"
        case int():
            return (Mono(_label(value, row, known)),) if value >= 0 else "no label"
        case []:
            return "none"
        case [[int(start), int(stop)], *_]:
            return _span(name, Span(start, stop), row, remade)
        case [str(first), *_]:
            return _document(name, first, row, remade)
    return str(value)[:_ANSWER]


def _label(index: int, row: Row, known: KnownExamples) -> str:
    """The name of a label; of a choice among texts its field."""
    labels = known.labels.get(row["task"]) or _labels(row["task"])
    return labels[index] if index < len(labels) else f"choice{index + 1}"


def _labels(task: str) -> Sequence[str]:
    try:
        return tuple(registry.load("task", task).labels)
    except UnknownName:  # a task of the data, which are not read
        return ()


def _span(name: str, span: Span, row: Row, remade: Remade | None) -> Phrase:
    """Gold as text, or an answer: the text that was scored, and what the model read there if that differs."""
    if name == GOLD:
        return _gold_span(remade) or f"code points {span.start} to {span.stop}"
    code = row["cell_context_language"]
    scored = row["answer" if name == NOISY else "answer_clean"] or ""
    answer: Phrase = _plain(scored, code) if scored else "none"
    if remade is None:
        return answer
    read = (remade.noisy if name == NOISY else remade.clean).texts[_CONTEXT].at(span)
    return answer if read == scored else (*inlines(answer), f" (in the {name} text: ", *_plain(read, code), ")")


def _gold_span(remade: Remade | None) -> Phrase:
    """The first gold answer in the clean text; nothing where it is not known."""
    if remade is None or not isinstance(remade.clean.target, Answers):
        return ""
    context = remade.clean.texts[_CONTEXT]
    return _plain(context.at(remade.clean.target.spans[0]), context.language)


def _plain(text: str, code: str) -> tuple[Diff]:
    """A text of a language, cut."""
    return (_diff(window([(text, text, "")], _ANSWER), code),)


def _document(name: str, id: str, row: Row, remade: Remade | None) -> Phrase:
    """A document that was found, or is right."""
    gold = json.loads(row["gold"])
    if name != GOLD and [id] == gold[:1]:
        return "as gold"
    right = ("another right one: ",) if name != GOLD and id in gold else ()
    if remade is None or id not in remade.documents:
        return (*right, Mono(short(id)))
    return (*right, *_candidate(remade.documents[id], remade.passages.get(id)))


def _candidate(noised: Noised, begin: int | None) -> Iterator[Inline]:
    """A document; of a sentence that its passage follows both, by the position at which the passage begins."""
    code = noised.text.language
    if begin is None:
        yield shown(noised, width=_ANSWER)
        return
    sentence, passage = split_at(pieces(noised), begin)
    yield from (_shown(sentence, (), _ANSWER, code), " (in the passage: ", _shown(passage, (), _PASSAGE, code), ")")


def _tagged(parsed: Mapping[str, Any], remade: Remade | None) -> dict[str, Phrase]:
    """The tags of the words that gold and predictions do not agree on; empty for other targets."""
    gold = parsed[GOLD]
    if remade is not None and not isinstance(remade.clean.target, Tags):
        return {}
    if not isinstance(gold, list) or not gold or any("/" in str(tag) or isinstance(tag, list) for tag in gold):
        return {}
    sides = {name: value or [] for name, value in parsed.items()}
    differing = _differing(*sides.values())
    words = _words(remade)
    rest = f" {CUT} {len(differing) - _WORDS} more" if len(differing) > _WORDS else ""
    if not differing:
        return dict.fromkeys(sides, f"{len(gold)} tags, all as gold")
    return {name: _tags(tags, differing[:_WORDS], words, rest) for name, tags in sides.items()}


def _words(remade: Remade | None) -> tuple[list[str], str]:
    """The words of a tagged text, and its language."""
    text = next((text for text in remade.clean.texts.values() if text.spans), None) if remade else None
    return ([text.at(span) for span in text.spans], text.language) if text else ([], "")


def _tags(tags: Sequence[str], numbers: Sequence[int], words: tuple[list[str], str], rest: str) -> Phrase:
    parts: list[Inline] = []
    for number in numbers:
        if number < len(words[0]):
            word = words[0][number]
            parts += [_diff(window([(word, word, "")], _TOKEN), words[1]), " "]
        else:
            parts.append(f"word {number + 1} ")
        parts += [Mono(tags[number]), "; "]
    return (*parts[:-1], rest) if rest else tuple(parts[:-1])


# --------------------------------------------------------------------------------------------------- edits and subwords


def _edits(row: Row) -> Fact:
    """How many edits were made, by operator, and the share of characters and words that they changed."""
    operators = json.loads(row["operators"])
    made = ", ".join(f"{name} {many}" for name, many in operators.items())
    shares = f"{percent(row['grapheme_edit_rate'])} of characters, {percent(row['word_edit_rate'])} of words"
    return "edits", f"{made}; {shares}" if made else str(row["status"]).replace("_", " ")


def _subwords(row: Row, remade: Remade | None, known: KnownExamples) -> Iterator[Fact]:
    """The tokens of the model that noise changed, before and after, of each field; several noised fields are named."""
    tokenize = known.tokenizers.get(row["task"])
    if remade is None or tokenize is None:
        return
    changed = changed_subwords(remade, tokenize, (row["tokens_clean"], row["tokens"]))
    if not changed:
        return
    several, most = len(noised_texts(remade)) > 1, max(_FEWEST, SHOWN // len(changed))
    yield "subwords", joined((_changed(remade, name, it, several, most) for name, it in changed.items()), "; ")


def _changed(remade: Remade, name: str, sides: Sequence[Sequence[str]], named: bool, most: int) -> Phrase:
    code = remade.clean.texts[name].language
    before, after = (_diff([(text, text, "")], code) for text in (_spaced(side, most) for side in sides))
    return (*((f"{name}: ",) if named else ()), before, " \u2192 ", after)


def _spaced(tokens: Sequence[str], most: int) -> str:
    shown = [token if len(token) <= _TOKEN else token[:_TOKEN] + CUT for token in tokens[:most]]
    return " | ".join((*shown, CUT) if len(tokens) > most else shown)
