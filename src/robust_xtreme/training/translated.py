"""Training data in languages other than English: from a folder, the hub, or a translation model."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from robust_xtreme.core import registry, strict_json
from robust_xtreme.core.errors import DataError, MissingData, SpecError, counted
from robust_xtreme.core.examples import LONGEST, Choice, Example, Text, digest, kind_of
from robust_xtreme.core.languages import language as language_of
from robust_xtreme.core.specs import Files, HubFiles, Origin, Row, TaskSpec
from robust_xtreme.files import store
from robust_xtreme.files.journal import JOURNAL, Journal, remove_below
from robust_xtreme.models.folder import encoder_identity
from robust_xtreme.models.predictors.loaded import device_of
from robust_xtreme.tasks.formats import numbered_lines, parse, read_file, squad, text_of
from robust_xtreme.tasks.sources.dataset import Hub, open_hub
from robust_xtreme.tasks.sources.hub import is_offline
from robust_xtreme.tasks.sources.release import Release, find, listed, options
from robust_xtreme.tasks.sources.rows import SourceRows, check
from robust_xtreme.training import _translator as translating
from robust_xtreme.training.spec import Tell

_SQUAD: Final = "SQuAD/translate-train/squad.translate.train.en-{language}.json"
RELEASED: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("mnli", "xnli"), "XNLI/translate-train/en-{language}-translated.tsv"),
        "pawsx": "PAWSX/translate-train/en-{language}-translated.tsv",
        **dict.fromkeys(("squad", "xquad", "mlqa"), _SQUAD),
        "tydiqa": "TyDiQA-GoldP/translate-train/tydiqa.translate.train.en-{language}.json",
    }
)
"""The translations of training data that XTREME published: the file of each task, under the folder of the release.

Their layout as TensorFlow Datasets reads it (`xtreme_xnli.py`, `xtreme_pawsx.py` and `tydi_qa.py` of
tensorflow/datasets) for NLI, PAWS-X and TyDiQA; the folder of SQuAD's is in google-research/xtreme, issue 37, and
`squad.translate.train.en-LANGUAGE.json` in the readers of those who trained on it.
"""


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
        of_nli = "premise" in example.texts
        first, second = ("premise", "hypothesis") if of_nli else ("sentence1", "sentence2")
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
        index = index_of(cells[-1].strip()) if len(cells) == 5 else None
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


PART: Final = 512
"""Texts of one part: the most that a killed run loses."""

_KEYS: Final = ("source", "target", "cut", "long")


@dataclass(frozen=True, slots=True)
class TranslationJob:
    """Texts to translate, in order, and the file that stores their translations.

    `facts` are in the file's first line: everything that the translations depend on.
    """

    path: Path
    name: str
    texts: tuple[str, ...]
    facts: Mapping[str, Any]

    @property
    def parts(self) -> Path:
        """The folder of the finished parts of an unfinished job."""
        return self.path.with_suffix(".parts")

    @property
    def header(self) -> dict[str, Any]:
        """The first line of the file."""
        return {**self.facts, "texts": len(self.texts)}


Translate = Callable[[Sequence[str]], list[translating.Translation]]


def translations(
    job: TranslationJob, translate: Callable[[], Translate], tell: Callable[[str], None]
) -> list[translating.Translation]:
    """The translations of the texts: read where they are stored, else made in parts; `translate()` only if needed.

    Raises DataError where a stored file was changed, DiskError, Locked.
    """
    if not job.path.is_file():
        with store.lock(job.parts):
            if not job.path.is_file():
                journal = Journal(job.parts, tell, gives=re.compile(r"\d{6}\.jsonl").fullmatch)
                journal.sweep()
                made = _made(job, translate, tell, journal)
                store.write_text(job.path, _line(job.header) + "".join(map(_row, job.texts, made)))
                # What was not written here stays in the folder of finished parts.
                parts = {path for path in journal.folder.iterdir() if journal.wrote(path)}
                ours = {*parts, journal.folder / JOURNAL, journal.folder / store.LOCK}
                with suppress(OSError):
                    remove_below(journal.folder, ours.__contains__)
    first, _, body = read_file(job.path).text.partition("\n")
    if parse(first, f"{job.path}:1") != job.header:
        raise DataError(job.path, f"was made for other texts or by another model. {_remedy(job.path)}", 1)
    return _rows(job.path, body, job.texts, first=2)


def _made(
    job: TranslationJob, translate: Callable[[], Translate], tell: Callable[[str], None], journal: Journal
) -> list[translating.Translation]:
    """The translations, part by part; parts that a killed run finished are read. Progress is reported ten times."""
    translations: list[translating.Translation] = []
    function: Translate | None = None
    every = max(PART, len(job.texts) // 10)
    for start in range(0, len(job.texts), PART):
        texts = job.texts[start : start + PART]
        path = job.parts / f"{start // PART:06d}.jsonl"
        if not path.is_file():
            function = function or translate()
            store.write_text(path, "".join(map(_row, texts, function(texts))), journal.write)
        translations += _rows(path, read_file(path).text, texts, first=1)
        done = len(translations)
        if done < len(job.texts) and start // every < done // every:
            tell(f"{job.name}: {done:,} of {len(job.texts):,} texts are translated")
    return translations


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n"


def _row(text: str, translation: translating.Translation) -> str:
    return _line({"source": text, "target": translation.text, "cut": translation.cut, "long": translation.long})


def _rows(path: Path, content: str, texts: Sequence[str], first: int) -> list[translating.Translation]:
    """The rows of a file, each checked: the translation of that text. Raises DataError."""
    lines = [line for _, line in numbered_lines(content)]
    if len(lines) != len(texts):
        raise DataError(path, f"has {counted(len(lines), 'row')}, expected {len(texts):,}. {_remedy(path)}")
    checked = enumerate(zip(lines, texts, strict=True), first)
    return [_translation(line, text, f"{path}:{number}", _remedy(path)) for number, (line, text) in checked]


def _translation(line: str, text: str, location: str, remedy: str) -> translating.Translation:
    row = parse(line, location)
    if set(row) != set(_KEYS) or type(row["cut"]) is not bool or type(row["long"]) is not bool:
        raise DataError(location, f"is not a row with {', '.join(_KEYS)}. {remedy}")
    if row["source"] != text:
        raise DataError(location, f"is the translation of another text. {remedy}")
    target = text_of(row, "target", location, empty=True)
    if len(target) > LONGEST:
        raise DataError(location, f"'target' is {len(target):,} characters long; a text has at most {LONGEST:,}.")
    return translating.Translation(target, row["cut"], row["long"])


def _remedy(path: Path) -> str:
    return f"Remove {path.name}, and it is made again."


HUB: Final = "hub"
SEQ2SEQ: Final = "seq2seq:"
TRAIN: Final = "train"

_OF_XNLI: Final = ("mnli", "xnli")


@dataclass(frozen=True, slots=True)
class Request:
    """The training examples of a task that are wanted in some languages, and where they come from.

    `value` is a folder with `LANGUAGE/` or XTREME's translations in it, `hub`, or `seq2seq:MODEL`, a folder or
    `OWNER/NAME[@REVISION]` on the hub, whose translations are stored in the folder `keep`.
    """

    task: TaskSpec
    value: str
    languages: tuple[str, ...]
    english: tuple[Example, ...]
    keep: Path
    offline: bool
    device: str
    tell: Tell


def translated_examples(request: Request) -> tuple[Example, ...]:
    """The task's training examples in every language but English, grouped by language.

    Where rows translate the `english` examples, only translations of these are returned, with their native ids and
    clusters. Raises SpecError, MissingData, DataError, ModelError, UnknownName, DiskError, Locked.
    """
    for code in request.languages:
        language_of(code)
    others = tuple(code for code in dict.fromkeys(request.languages) if code != translating.ENGLISH)
    return _examples(replace(request, languages=others)) if others else ()


def _examples(request: Request) -> tuple[Example, ...]:
    if request.task.parts:
        examples: list[Example] = []
        for part in request.task.parts:
            english = tuple(example for example in request.english if example.id.startswith(f"{part.name}/"))
            examples += _examples(replace(request, task=part, english=english))
        return tuple(examples)
    if not request.english:
        return ()
    if request.value.startswith(SEQ2SEQ):
        return _by_model(request)
    read = _from_hub if request.value == HUB else _from_folder
    return tuple(example for code in request.languages for example in read(request, code))


_XNLI: Final = Files("tsv", ("XNLI-MT-1.0/multinli/multinli.train.{language}.tsv",))
"""Translations that the authors of XNLI published, with the path of their archive."""


def _from_folder(request: Request, language: str) -> tuple[Example, ...]:
    """The training examples in a language. Raises MissingData where the folder contains none of the task."""
    task, folder = request.task, Path(request.value)
    if not folder.is_dir():
        what = f"There is no folder {str(folder)[:200]!r}"
        raise MissingData(f"{what}. Translated data are those of a folder, of hub, or of seq2seq:MODEL.")
    candidates = [(f"{language}/", named, task.files.get(TRAIN)) for named in (language, translating.ENGLISH)]
    looked = []
    for inside, named, files in [*candidates, ("", language, _XNLI if task.name in _OF_XNLI else None)]:
        wanted = options(files, named) if files else ()
        if files and find(folder / inside, wanted):
            rows = Release(folder / inside).read(_of_language(task, named, files={TRAIN: files}), named, TRAIN)
            return _aligned(request, rows, language)
        looked += [f"{inside}{listed([path])}" for path in wanted]
    released = RELEASED.get(task.name, "").format(language=language)
    if released and (folder / released).is_file():
        examples = read_released(task, folder / released, language, request.english, request.tell)
        return _clustered(examples, request.english) if matches(task) else _apart(request, examples, language)
    names = ", ".join(dict.fromkeys([*looked, *([released] if released else [])]))
    raise MissingData(f"{task.name} {language}: no training data under {folder}. Looked for {names}.")


def _of_language(task: TaskSpec, language: str, **data: Any) -> TaskSpec:
    """The task with training data in that language, whatever its languages are."""
    return replace(task, languages=(language,), train_languages=(language,), **data)


def _from_hub(request: Request, language: str) -> tuple[Example, ...]:
    task = _of_language(request.task, language, hub={TRAIN: _hub_files(request.task, language)})
    source: Hub = open_hub("", is_offline(request.offline))
    return _aligned(request, source.read(task, language, TRAIN), language)


def _hub_files(task: TaskSpec, language: str) -> HubFiles:
    """The files of a task's training data in a language on the hub. Raises SpecError, MissingData.

    XNLI's translation of MultiNLI, at the commit of XNLI's other files; or the task's, where each language has files.
    """
    if task.name in _OF_XNLI:
        xnli: TaskSpec = registry.load("task", "xnli")
        files = replace(xnli.hub["validation"], split=TRAIN, files="{language}/train-*.parquet")
        languages = xnli.languages
    elif TRAIN in task.hub and "{language}" in task.hub[TRAIN].files:
        languages, files = task.languages, task.hub[TRAIN]
    else:
        what = f"{task.name}: there is no translated set on the hub for it, as there is for {' and '.join(_OF_XNLI)}"
        raise SpecError(f"{what}. Name a folder of translated data, or a model: seq2seq:OWNER/NAME.")
    if language not in languages:
        raise MissingData(f"{task.name} {language}: {files.repo} only has translations into {' '.join(languages)}.")
    return files


def _aligned(request: Request, translated: SourceRows, language: str) -> tuple[Example, ...]:
    """The labelled examples of rows; where they translate the English examples row by row, with those' clusters."""
    task = request.task
    check(translated)
    examples = labelled(task.adapt(translated.rows, Origin(task.name, TRAIN, language)))
    if not examples:
        raise MissingData(f"{task.name} {language}: the rows of {translated.location} have no labels.")
    if _parallel(task, examples, request.english):
        return _clustered(examples, request.english)
    return _apart(request, examples, language)


def _apart(request: Request, examples: Sequence[Example], language: str) -> tuple[Example, ...]:
    """Examples that do not translate the English examples: all of them, in separate clusters."""
    what = f"the {len(examples):,} rows do not translate the English examples one by one"
    request.tell(f"{request.task.name} {language}: {what}; all of them are taken, in clusters of their own")
    return tuple(replace(example, cluster=f"{language}/{example.cluster}") for example in examples)


def labelled(examples: Iterable[Example]) -> tuple[Example, ...]:
    """The examples but choices without a label."""
    return tuple(each for each in examples if not (isinstance(each.target, Choice) and each.target.index < 0))


def _parallel(task: TaskSpec, examples: Sequence[Example], english: Sequence[Example]) -> bool:
    """Whether rows translate the English examples: same native ids, or same order and same labels.

    Ordinal ids only match if the labels of all rows match too.
    """
    by_id = {native(example): example for example in examples}
    shared = [(by_id[key], example) for example in english if (key := native(example)) in by_id]
    if TRAIN in task.files and task.files[TRAIN].ids == "native":
        return bool(shared)
    labels = all(isinstance(example.target, Choice) and example.target == other.target for example, other in shared)
    return bool(shared) and labels and len(shared) == len(english)


def _clustered(examples: Sequence[Example], english: Sequence[Example]) -> tuple[Example, ...]:
    """The examples that translate an English example, in its cluster."""
    clusters = {native(example): example.cluster for example in english}
    kept = [example for example in examples if native(example) in clusters]
    return tuple(replace(example, cluster=clusters[native(example)]) for example in kept)


def _by_model(request: Request) -> tuple[Example, ...]:
    """The examples by a translation model. Raises SpecError where the task's target would be lost."""
    task, name = request.task, request.value.removeprefix(SEQ2SEQ)
    if not kind_of(task.family).translates:
        what = f"{task.name}: seq2seq translates the texts alone, and the target of {task.family} does not survive that"
        raise SpecError(f"{what}. Name a folder of translated data instead, or train on its English data.")
    folder = translating.find_model(name, offline=request.offline)
    translating.check_model(folder, name)
    translating.check_languages(folder, name, request.languages)
    opened = cache(lambda: translating.open_translator(folder, name, device_of(request.device)))

    def translator(code: str) -> Translate:
        """The function that translates into a language; the model is read when it is first needed."""
        return partial(translating.translate, opened(), opened().target(code))

    texts = _texts(task, request.english)
    facts = {
        "model": encoder_identity(folder, translating.FILES),
        "task": task.name,
        "data": digest(*texts),
        **translating.SETTINGS,
    }
    examples: list[Example] = []
    for code in request.languages:
        of_job = {**facts, "language": code}
        identity = digest(*(f"{key}={of_job[key]}" for key in sorted(of_job)))
        path = request.keep / f"{task.name}-{code}-{identity}.jsonl"
        job = TranslationJob(path, f"{task.name} {code}", texts, of_job)
        made = translations(job, partial(translator, code), request.tell)
        _tell(job, made, request.tell)
        says = {text: translation.text for text, translation in zip(texts, made, strict=True)}
        examples += [_translated(task, example, code, says) for example in request.english]
    return tuple(examples)


def _tell(job: TranslationJob, made: Sequence[translating.Translation], tell: Tell) -> None:
    """Report the number of texts, and of translations with problems."""
    odd = {
        "empty": sum(not translation.text for translation in made),
        "not ended within its bound": sum(translation.cut for translation in made),
        "of a text longer than the model reads": sum(translation.long for translation in made),
    }
    notes = "".join(f", {count:,} {what}" for what, count in odd.items() if count)
    tell(f"{job.name}: {len(made):,} texts are translated{notes} ({job.path.name})")


def _fields(task: TaskSpec, example: Example) -> tuple[str, ...]:
    """The fields to translate: those that can be noised, with all choices.

    A question that a task asks of every item in English, as XCOPA does, stays English in its translations.
    """
    stems = {name.rstrip("0123456789") for name in task.fields}
    mine = (name for name, text in example.texts.items() if text.language == translating.ENGLISH and text.value.strip())
    return tuple(name for name in mine if not stems or name.rstrip("0123456789") in stems)


def _texts(task: TaskSpec, english: Sequence[Example]) -> tuple[str, ...]:
    """Every distinct text to translate, the longest first."""
    texts = {example.texts[name].value for example in english for name in _fields(task, example)}
    return tuple(sorted(texts, key=lambda text: (-len(text), text)))


def _translated(task: TaskSpec, example: Example, code: str, says: Mapping[str, str]) -> Example:
    """An example in another language: the same cluster and target, ids with that language instead of English."""
    texts = dict(example.texts)
    for name in _fields(task, example):
        text = texts[name]
        texts[name] = Text(_renamed(text.id, code), code, says[text.value])
    return Example(_renamed(example.id, code), texts, example.target, example.cluster)


def _renamed(id: str, code: str) -> str:
    """`task/split/en/rest` as `task/split/LANGUAGE/rest`; an id of another form with the language after it."""
    parts = id.split("/", 3)
    return (
        "/".join([*parts[:2], code, parts[3]]) if len(parts) > 3 and parts[2] == translating.ENGLISH else f"{id}@{code}"
    )
