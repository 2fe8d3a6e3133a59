"""Puts the examples of a run together: the part of its page, and the blocks that a terminal prints."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain, takewhile
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import polars as pl

from robust_xtreme.core import registry, resources, strict_json
from robust_xtreme.core.errors import RobustXtremeError, UnknownName, counted
from robust_xtreme.core.examples import Answers, Span, Tags, digest, kind_of
from robust_xtreme.core.languages import ALL_LANGUAGES, language
from robust_xtreme.core.run_spec import MINI, RunSpec
from robust_xtreme.core.sinks import cut
from robust_xtreme.core.token_offsets import exact_offsets
from robust_xtreme.files.manifest import IMPORTED, MANIFEST, read_manifest
from robust_xtreme.files.schema import CELL
from robust_xtreme.models.reading.units import TOKENIZER_CLASS, TOKENIZER_CONFIG, UNITS, units_of
from robust_xtreme.noise.engine.noised import Noised, pieces
from robust_xtreme.report import blocks as doc
from robust_xtreme.report.blocks import Diff, Hyperlink, Inline, Phrase, inlines, joined
from robust_xtreme.report.cells import anchor, cell_name, language_name, named_beside
from robust_xtreme.report.columns import percent, points
from robust_xtreme.report.samples.choosing import BECAME, PREDICTED, WRONG, ExampleChoice, SampleRows, chosen, rows_of
from robust_xtreme.report.samples.texts import Kept, Key, Remade, key_of, spec_of, texts_of
from robust_xtreme.report.samples.windows import CUT, WIDTH, Mark, marked, native, short, split_at, width_of, window
from robust_xtreme.report.view import Results
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
    """The name in tables of a model as it was asked for, and its tokenizer's folder; None where that is not here."""
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
    inside = [path for path in (folder / "model", folder) if (path / TOKENIZER).is_file() or _units(path)]
    return (called, inside[0]) if inside else None


def _units(folder: Path) -> str:
    """`bytes` or `characters` where these are the tokens of a folder's model; else empty."""
    try:
        facts = [strict_json.loads((folder / name).read_text("utf-8")) for name in ("config.json", TOKENIZER_CONFIG)]
    except (OSError, ValueError, RecursionError):
        return ""
    config, of_tokenizer = (fact if isinstance(fact, dict) else {} for fact in facts)
    return UNITS.get(units_of(config, of_tokenizer).get(TOKENIZER_CLASS, ""), "")


def _loaded(folder: Path) -> Tokenize | None:
    if units := _units(folder):
        return list if units == "characters" else lambda text: [_in_bytes(bytes([byte])) for byte in text.encode()]
    try:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        exact = exact_offsets(tokenizer)
    except Exception:  # noqa: BLE001 - the library raises Exception itself, where it is installed and the file is not one
        return None

    @cache  # words of the clean text are mostly those of the noisy one
    def tokenize(text: str) -> list[str]:
        ((ids, ranges),) = exact([text.encode("utf-8", "replace").decode()])
        contents = ((exact.content(number), str(tokenizer.id_to_token(number))) for number in ids)
        names = [name if content is None else _in_bytes(content) for content, name in contents]
        return [*_as_read(text, names, ranges)]

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
    return {name: _around_changes(before, after) for name, (before, after) in fields.items() if before != after}


def _around_changes(before: Sequence[str], after: Sequence[str]) -> Sides:
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))
    start = max(0, same - _BESIDE)
    ends = zip(reversed(before[same:]), reversed(after[same:]), strict=False)
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    left = max(0, alike - _BESIDE)
    first, second = (list(side[start : len(side) - left]) for side in (before, after))
    return first, second


Row = Mapping[str, Any]
Fact = tuple[str, Phrase]

GOLD, CLEAN, NOISY = "gold", "clean", "noisy"
_WORDS: Final = 8
_ANSWER: Final = 120
_SIMPLE: Final = re.compile(r"[A-Za-z0-9._-]{1,48}")
_TOKEN: Final = 24
_TO: Final = " \u2192 "
_CONTEXT: Final = "context"


@dataclass(frozen=True, slots=True)
class KnownExamples:
    """What is known of a run's examples beside their rows: their texts, the labels of its own tasks, tokenizers.

    `width` is about how many clusters of a text are shown.
    """

    remade: Mapping[Key, Remade] = field(default_factory=dict)
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tokenizers: Mapping[str, Tokenize] = field(default_factory=dict)
    width: int = WIDTH


def sample(row: Row, known: KnownExamples) -> doc.Sample:
    """A chosen example as a block: texts with their edits, gold, both answers, subwords."""
    remade = known.remade.get((row["address"], row["noise_seed"], row["example"]))
    id = native(row["example"])
    # That of its cell, its own id, and the noise seed if there are several.
    address = f"{row['address']}/{id if _SIMPLE.fullmatch(id) else digest(row['example'])}"
    address += f"/seed{row['noise_seed']}" if row["seeds"] > 1 else ""
    seed = f" (noise seed {row['noise_seed']})" if row["seeds"] > 1 else ""
    why = ", drawn at random" if row["drawn"] else ", among the largest losses" if row["loss"] > 0 else ""
    title: Phrase = (
        Hyperlink(cell_name(row), f"#{row['address']}"),
        " ",
        Hyperlink(short(row["example"]), f"#{address}"),
        f"{seed}: {row['metric']} {points(row['value_clean'])} to {points(row['value'])}{why}",
    )
    labels = {"became": row["became"], "of": row["address"]}
    texts: tuple[tuple[str, Diff], ...] = ()
    if remade:
        named = ((name, remade.outcome(name), _marks(row, remade, name)) for name in remade.clean.texts)
        texts = tuple((name, shown(outcome, marks, known.width)) for name, outcome, marks in named)
    facts = (_answers(row, remade, known), _edits(row), *_subwords(row, remade, known))
    return doc.Sample(title, address, labels, texts, facts)


def shown(noised: Noised, marks: Sequence[Mark] = (), width: int = WIDTH) -> Diff:
    """A text with its edits and marks, cut to a window."""
    return _diff(window(marked([*pieces(noised)], marks), width), noised.text.language)


def _diff(parts: Sequence[tuple[str, str, str]], code: str) -> Diff:
    marks = tuple(mark for _, _, mark in parts)
    pairs, marked = tuple((old, new) for old, new, _ in parts), marks if any(marks) else ()
    if code not in ALL_LANGUAGES:
        return Diff(pairs, code, marks=marked)
    known = language(code)
    return Diff(pairs, code, known.direction, marked, known.spaces)


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


def worse_part(folder: Path, rows: pl.DataFrame) -> Iterator[doc.Section]:
    """The part of a page with PREDICTIONS of a run that another run answers better (`gating/comparing.py`)."""
    if rows.is_empty():
        return
    run = _shown(folder, "", read_manifest(folder / MANIFEST))
    address = pl.concat_str([f"cell_{name}" for name in CELL], separator=" ")
    rows = rows.with_columns(address=address, task="cell_task", attack=pl.lit(None), changes=pl.lit(None))
    remade, problems = texts_of(rows, run.spec, run.manifest) if run.spec else ({}, run.problems)
    known = known_of(remade, None, run.manifest)
    about = doc.Paragraph(f"{counted(rows.height, 'answer')}, right in the baseline and not here, drawn by their ids.")
    samples = (_compared(f"worse/{at}", row, known) for at, row in enumerate(rows.iter_rows(named=True)))
    why: tuple[doc.Block, ...] = (doc.Bullets(problems),) if problems else ()
    yield doc.Section("Answers that changed for the worse", "worse", (about, *why, *samples), folded=True)


def _compared(address: str, row: Row, known: KnownExamples) -> doc.Sample:
    remade = known.remade.get(key_of(row))
    texts = tuple((name, shown(remade.outcome(name))) for name in remade.clean.texts) if remade else ()
    clean, noisy, gold = (json.loads(row[name] or "null") for name in ("prediction_clean", "prediction", "gold"))
    before = _answer(NOISY, clean, {**row, "answer": row["answer_clean"]}, remade, known)
    after, right = (_answer(name, value, row, remade, known) for name, value in ((NOISY, noisy), (GOLD, gold)))
    tags = _tagged({CLEAN: clean, NOISY: noisy, GOLD: gold}, remade)
    facts = [("answer", tags)] if tags else [("baseline", before), ("candidate", after), ("gold", right)]
    title = f"{row['task']}, {language_name(row['cell_language'])}, {row['cell_condition']}, {short(row['example'])}"
    return doc.Sample(title, address, {"became": WRONG}, texts, tuple(facts))


def _answers(row: Row, remade: Remade | None, known: KnownExamples) -> Fact:
    """The answers to the clean and to the noisy text, and the gold one; of tags those of the words that differ."""
    values = {CLEAN: row["prediction_clean"], NOISY: row["prediction"], GOLD: row["gold"]}
    parsed = {name: None if value is None else json.loads(value) for name, value in values.items()}
    if tags := _tagged(parsed, remade):
        return "answer", tags
    clean, noisy, gold = (inlines(_answer(name, value, row, remade, known)) for name, value in parsed.items())
    return "answer", (*clean, _TO, *noisy, "; gold: ", *gold)


def _answer(name: str, value: Any, row: Row, remade: Remade | None, known: KnownExamples) -> Phrase:
    match value:
        case None:
            return "failed"
        case int():
            return (doc.Mono(_label(value, row, known)),) if value >= 0 else "no label"
        case []:
            return "none"
        case [[int(start), int(stop)], *_]:
            return _span(name, Span(start, stop), row, remade)
        case [str(first), *_]:
            return _document(name, first, row, remade)
    return str(value)[:_ANSWER]


def _label(index: int, row: Row, known: KnownExamples) -> str:
    """The name of a label; of a choice among texts its field."""
    labels: Sequence[str] = known.labels.get(row["task"], ())
    if not labels:
        with suppress(UnknownName):  # a task of the data, which are not read
            labels = registry.load("task", row["task"]).labels
    return labels[index] if index < len(labels) else f"choice{index + 1}"


def _span(name: str, span: Span, row: Row, remade: Remade | None) -> Phrase:
    """Gold as text, or an answer: the text that was scored, and what the model read there if that differs."""
    if name == GOLD:
        if remade is None or not isinstance(target := remade.clean.target, Answers):
            return f"code points {span.start} to {span.stop}"
        context = remade.clean.texts[_CONTEXT]
        return _plain(context.at(target.spans[0]), context.language)
    code = row["cell_context_language"]
    scored = row["answer" if name == NOISY else "answer_clean"] or ""
    answer: Phrase = _plain(scored, code) if scored else "none"
    if remade is None:
        return answer
    read = (remade.noisy if name == NOISY else remade.clean).texts[_CONTEXT].at(span)
    return answer if read == scored else (*inlines(answer), f" (in the {name} text: ", *_plain(read, code), ")")


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
        return (*right, doc.Mono(short(id)))
    return (*right, *_candidate(remade.documents[id], remade.passages.get(id)))


def _candidate(noised: Noised, begin: int | None) -> Iterator[Inline]:
    """A document; of a sentence that its passage follows both, by the position at which the passage begins."""
    if begin is None:
        yield shown(noised, width=_ANSWER)
        return
    parts = zip(split_at(pieces(noised), begin), (_ANSWER, 60), strict=True)
    sentence, passage = (_diff(window(marked(part, ()), width), noised.text.language) for part, width in parts)
    yield from (sentence, " (in the passage: ", passage, ")")


def _tagged(parsed: Mapping[str, Any], remade: Remade | None) -> Phrase:
    """The tags of the words on which gold and answers do not agree; "" for other targets."""
    gold = parsed[GOLD]
    if remade is not None and not isinstance(remade.clean.target, Tags):
        return ""
    if not isinstance(gold, list) or not gold or any("/" in str(tag) or isinstance(tag, list) for tag in gold):
        return ""
    if None in parsed.values():
        return "failed"
    differing = _differing(*parsed.values())
    text = next((text for text in remade.clean.texts.values() if text.spans), None) if remade else None
    words = ([text.at(span) for span in text.spans], text.language) if text else ([], "")
    rest = f" {CUT} {len(differing) - _WORDS} more" if len(differing) > _WORDS else ""
    if not differing:
        return f"{len(gold)} tags, all as gold"
    each = (_tags([tags[number] for tags in parsed.values()], number, words) for number in differing[:_WORDS])
    return (*joined(each, "; "), rest) if rest else joined(each, "; ")


def _tags(tags: Sequence[str], number: int, words: tuple[list[str], str]) -> Phrase:
    """A word with its tag in the clean and in the noisy text, and the gold one where the clean one is another."""
    clean, noisy, gold = tags
    named: Inline = f"word {number + 1}"
    if number < len(words[0]):
        word = words[0][number]
        named = _diff(window([(word, word, "")], _TOKEN), words[1])
    changed = (_TO, doc.Mono(noisy)) if noisy != clean else (" in both",)
    return (named, " ", doc.Mono(clean), *changed, *((" (gold: ", doc.Mono(gold), ")") if gold != clean else ()))


def _edits(row: Row) -> Fact:
    """How many edits were made, by operator, and the share of characters and words that they changed."""
    operators = json.loads(row["operators"])
    made = ", ".join(f"{name} {many}" for name, many in operators.items())
    shares = f"{percent(row['grapheme_edit_rate'])} of characters"
    if (code := row["cell_context_language"]) not in ALL_LANGUAGES or language(code).spaces:
        shares += f", {percent(row['word_edit_rate'])} of words"
    return "edits", f"{made}; {shares}" if made else str(row["status"]).replace("_", " ")


def _subwords(row: Row, remade: Remade | None, known: KnownExamples) -> Iterator[Fact]:
    """The tokens of the model that noise changed, before and after, of each field; several noised fields are named."""
    tokenize = known.tokenizers.get(row["task"])
    if remade is None or tokenize is None:
        return
    changed = changed_subwords(remade, tokenize, (row["tokens_clean"], row["tokens"]))
    if not changed:
        return
    several, most = len(noised_texts(remade)) > 1, max(3, SHOWN // len(changed))
    yield "subwords", joined((_changed(remade, name, it, several, most) for name, it in changed.items()), "; ")


def _changed(remade: Remade, name: str, sides: Sequence[Sequence[str]], named: bool, most: int) -> Phrase:
    code = remade.clean.texts[name].language
    before, after = (_diff([(text, text, "")], code) for text in (_spaced(side, most) for side in sides))
    return (*((f"{name}: ",) if named else ()), before, _TO, after)


def _spaced(tokens: Sequence[str], most: int) -> str:
    shown = [cut(token, _TOKEN) for token in tokens[:most]]
    return " | ".join((*shown, CUT) if len(tokens) > most else shown)


ANCHOR: Final = "examples"
_ABOUT: Final = (
    "Of each task and language those that lose most at the highest strength of the noise, and some that are drawn at "
    "random, as their titles say. {} in all: {}. An answer became wrong where it scores lower than the answer to "
    "the clean text, and right where it scores higher. Changed words are underlined in the clean text, shaded in the "
    "noisy one; the right answer has a solid line, the model's a dotted one. Subwords are where its tokenizer splits."
)

Watch = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run whose examples are shown; `name` tells it from other runs of the page.

    Without a `spec` it has no texts; `problems` says why, a line each. `kept` are examples that are in memory.
    """

    rows: SampleRows
    spec: RunSpec | None
    manifest: Mapping[str, Any]
    name: str = ""
    problems: tuple[str, ...] = ()
    kept: Kept = field(default_factory=dict)


def samples_part(runs: Mapping[str, Path], results: Results) -> Iterator[doc.Section]:
    """The part of the page of finished runs, whose folders are named as `beside` names their models.

    A report that was kept without its predictions, and an imported run, have no examples. Raises DataError where a
    file is not the one that the run wrote.
    """
    several = len(runs) > 1
    manifests = {folder: read_manifest(folder / MANIFEST) for folder in runs.values()}
    shown = [
        _shown(folder, name if several else "", manifests[folder])
        for name, folder in runs.items()
        if (folder / PREDICTED).exists() or PREDICTED in manifests[folder].get("files", ())
        if IMPORTED not in manifests[folder]
    ]
    if shown:
        yield from samples_part_of(results, shown)


def _shown(folder: Path, name: str, manifest: Mapping[str, Any]) -> ShownRun:
    rows = rows_of(folder, manifest)
    if name:
        rows = rows.of_models(named_beside(name, _models(rows)))
    try:
        return ShownRun(rows, spec_of(folder, manifest), manifest, name)
    except RobustXtremeError as error:
        return ShownRun(rows, None, manifest, name, (f"No texts are shown. {error}",))


def samples_part_of(results: Results, runs: Sequence[ShownRun]) -> Iterator[doc.Section]:
    """The same of runs that are open."""
    predictions = pl.concat([run.rows.predictions for run in runs])
    stats = tuple(stats for run in runs for stats in run.rows.stats)
    attacked = tuple(attacked for run in runs for attacked in run.rows.attacked)
    divided = all(run.rows.divided for run in runs)
    shown = chosen(results, SampleRows(predictions, stats, attacked, divided), ExampleChoice())
    known: dict[str, KnownExamples] = {}
    lines: list[str] = []
    for run in runs:
        models = _models(run.rows)
        of_models = shown.filter(pl.col("cell_model").is_in(models))
        remade, problems = texts_of(of_models, run.spec, run.manifest, run.kept) if run.spec else ({}, ())
        of_run = replace(known_of(remade, run.spec, run.manifest), width=width_of(shown.height))
        known |= dict.fromkeys(models, of_run)
        lines += [f"{run.name}: {line}" if run.name else line for line in (*run.problems, *problems)]
    groups = [*_groups(shown, known)]
    if not groups:
        return
    became = shown.get_column("became").to_list()
    counts = (f"{became.count(name)} {name if name != 'same' else 'the same'}" for name in BECAME)
    about = doc.Paragraph(_ABOUT.format(counted(shown.height, "example"), ", ".join(counts)))
    why: tuple[doc.Block, ...] = (doc.Bullets(tuple(lines)),) if lines else ()
    words = doc.Terms(tuple(_words_of(doc.within(groups, doc.Sample))))
    yield doc.Section("Examples", ANCHOR, (about, *([words] if words.items else ()), *why, *groups))


def _words_of(shown: Iterable[doc.Sample]) -> Iterator[Fact]:
    """A word for each noise as it was and as it is, the first of at least four letters that it changed."""
    found: dict[str, Phrase] = {}
    for sample in shown:
        noise = unquote(sample.labels["of"].rpartition("/")[2])
        for diff in (diff for _, diff in sample.texts if noise not in found):
            words = (pieces for is_edited, pieces in diff.words() if is_edited)
            sides = (["".join(piece[side] for piece in pieces) for side in (0, 1)] for pieces in words)
            if word := next((word for word in sides if len(word[0]) >= 4), None):
                old, new = (_plain(side, diff.language) for side in word)
                found.setdefault(noise, (*old, _TO, *new, *_codes(*word)))
    yield from sorted(found.items(), key=lambda pair: pair[0])


def _codes(old: str, new: str) -> list[str]:
    """The code points that a reader cannot see: letters of another script amid those of the word, and marks."""
    scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in old}
    put = [letter for letter in dict.fromkeys(new) if letter not in old]
    odd = [letter for letter in put if unicodedata.name(letter, "").partition(" ")[0] not in scripts]
    return [f" ({', '.join(f'U+{ord(letter):04X}' for letter in odd)})"] if 0 < len(odd) <= len({*old} & {*new}) else []


def _models(rows: SampleRows) -> list[str]:
    return rows.predictions.select("model").unique().collect(engine="streaming").to_series().to_list()


def known_of(remade: Mapping[Key, Remade], spec: RunSpec | None, manifest: Mapping[str, Any]) -> KnownExamples:
    """What is known of examples beside their rows."""
    labels = {unit["task"]: unit["labels"] for unit in manifest.get("units", ()) if "labels" in unit}
    return KnownExamples(remade, labels, tokenizers_of(spec, manifest) if spec and remade else {})


def _groups(shown: pl.DataFrame, known: Mapping[str, KnownExamples]) -> Iterator[doc.Section]:
    """A folded part for each language, in it a part for each task; what is known is by model."""
    for (code,), of_language in shown.group_by("language", maintain_order=True):
        parts = []
        for (column,), of_task in of_language.group_by("column", maintain_order=True):
            samples = tuple(sample(row, known[row["cell_model"]]) for row in of_task.iter_rows(named=True))
            parts.append(doc.Section(str(column), f"{ANCHOR}/{anchor(str(code), str(column))}", samples, level=4))
        address = f"{ANCHOR}/{anchor(str(code))}"
        yield doc.Section(language_name(str(code)), address, tuple(parts), level=3, folded=True)


def samples(
    folder: Path, results: Results, wanted: ExampleChoice, watch: Watch
) -> tuple[list[doc.Sample], tuple[str, ...]]:
    """The wanted examples of a finished run, and why texts of some are missing. Raises DataError for changed files."""
    shown = chosen(results, rows_of(folder, results.manifest), wanted)
    if shown.is_empty():
        return [], ()
    spec = spec_of(folder, results.manifest)
    remade, problems = texts_of(shown, spec, results.manifest, watch=watch)
    known = known_of(remade, spec, results.manifest)
    return [sample(row, known) for row in shown.iter_rows(named=True)], problems
