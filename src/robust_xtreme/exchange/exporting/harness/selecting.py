"""The sheets of an export with their conditions, and what is left out, with the reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from robust_xtreme.core import registry
from robust_xtreme.core.errors import UnknownName, UserError
from robust_xtreme.core.examples import CHOICE, CLASSIFICATION, SPAN_QA, Choice, Example, Span
from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Origin, Row, TaskSpec
from robust_xtreme.exchange.exporting.harness import their_tasks
from robust_xtreme.exchange.exporting.harness.job import LM_EVAL, ExportJob
from robust_xtreme.exchange.exporting.harness.sheet import ANSWERS, CONTEXT, AnswerSpans, TaskSheet
from robust_xtreme.exchange.exporting.harness.their_tasks import TaskFile, known_tasks, task_file
from robust_xtreme.noise.conditions.condition import Condition
from robust_xtreme.noise.engine.noising import at_nominal, bound, check_unasked
from robust_xtreme.noise.engine.realised import TOKENS
from robust_xtreme.noise.suites import SuiteCell, asked, check_families, refusing, unsupported
from robust_xtreme.tasks.adapters.own import own_tasks
from robust_xtreme.tasks.adapters.qa import inside
from robust_xtreme.tasks.groups import chosen, names
from robust_xtreme.tasks.sources import rows as selecting
from robust_xtreme.tasks.sources.source import Pools, Split, load, open_source
from robust_xtreme.tasks.sources.survey import LeftOut, evaluated, group_languages

FAMILIES: Final = (CLASSIFICATION.name, CHOICE.name, SPAN_QA.name)
"""The families whose rows a prompt can ask for."""

NAMES: Final = {
    "xnli": "xnli_{question}",
    "xcopa": "xcopa_{question}",
    "pawsx": "paws_{question}",
    "xquad": "xquad_{question}",
    "mlqa": "mlqa_{context}_{question}",
}
"""The tasks that lm-eval has, and their names there."""


def sheet_of(
    name: str, task: TaskSpec, language: str, split: str, pools: Pools, limit: int | None, shots: bool
) -> TaskSheet | LeftOut:
    """The rows of a task in a language, or why there are none. Raises DataError, UserError as `evaluated`."""
    read = evaluated(task, pools, split, language)
    if isinstance(read, LeftOut):
        return read
    examples = selecting.limit(read.examples, limit)
    rows, answers = _rows(task, read, examples, pools)
    return TaskSheet(
        name,
        Origin(task.name, read.split, language),
        examples,
        rows,
        fields=task.perturbed[0],
        known=task.fields,
        family=task.family,
        data=selecting.identity_of(examples, None),
        answers=answers,
        shots=_shots(task, read, pools) if shots else (),
        labels=task.labels,
    )


Rows = tuple[Mapping[str, Any], ...]


def _rows(
    task: TaskSpec, split: Split, examples: Sequence[Example], pools: Pools
) -> tuple[Rows, tuple[AnswerSpans, ...]]:
    """The row of each example and, in questions on passages, where its answers are."""
    indices = [example.target.index if isinstance(example.target, Choice) else -1 for example in examples]
    labelled = [
        {**{name: text.value for name, text in example.texts.items()}, "label": index}
        for example, index in zip(examples, indices, strict=True)
    ]
    if task.family == CLASSIFICATION.name:
        return tuple(labelled), ()
    origin = Origin(task.name, split.split, split.language)
    by_id = {origin.id(row.native): row for row in pools.source.read(task, split.language, split.split).rows}
    rows = [by_id[example.id] for example in examples]
    if task.family == CHOICE.name:
        return tuple({**of, "question": row.values["question"]} for of, row in zip(labelled, rows, strict=True)), ()
    spans = [tuple(Span(*inside(row.values[CONTEXT], *span)) for span in row.values[ANSWERS]) for row in rows]
    return tuple(map(_asked, rows)), tuple(spans)


def _asked(row: Row) -> dict[str, Any]:
    """A row of SQuAD: the texts as they are in the file, and the answers with their starts."""
    context, spans = row.values[CONTEXT], row.values[ANSWERS]
    answers = {"text": [context[a:b] for a, b in spans], "answer_start": [a for a, _ in spans]}
    return {"id": row.native, CONTEXT: context, "question": row.values["question"], ANSWERS: answers}


def _shots(task: TaskSpec, read: Split, pools: Pools) -> Rows:
    """Clean rows of another split in the same language, the first in order; none where there is no such split."""
    known = pools.source.splits(task)
    wanted = (name for name in ("validation", "test", "train") if name != read.split and name in known)
    for other in (name for name in wanted if pools.source.holds(task, read.language, name)):
        try:
            split = load(task, pools.source, read.language, other, pools)
            if split.labelled:
                return _rows(task, split, split.examples[: their_tasks.SHOTS], pools)[0]
        except UserError:  # what is exported does not need this split
            continue
    return ()


_AUTO: Final = "auto"


@dataclass(frozen=True, slots=True)
class Selected:
    """A sheet with its conditions, and the task file of lm-eval, if it is exported to lm-eval."""

    sheet: TaskSheet
    file: TaskFile | None
    conditions: tuple[Condition, ...] = ()

    @property
    def files(self) -> int:
        """How many files of rows it becomes."""
        return 1 + sum(len(condition.seeds) for condition in self.conditions)


def select(job: ExportJob) -> tuple[list[Selected], tuple[str, ...]]:
    """What is exported of what a job names, and a line for each part that is left out. Raises UserError."""
    codes(" ".join(code for name in job.languages for code in name.split("@")))
    cells = asked(job.perturb, job.keep_names)
    for cell in cells:
        links = bound(cell.cell)
        check_unasked(links)
        for link in links:
            if link.axis == TOKENS:  # raises that no task run has a tokenizer here
                at_nominal(link, "en")
    left: list[str] = []
    with own_tasks(job.data):
        sheets = _sheets(job, left)
    unserved: list[str] = []
    noised = (replace(each, conditions=_conditions(cells, each.sheet, job.seeds, unserved)) for each in sheets)
    selected = [each for each in noised if each.conditions]
    left = [*unserved, *left]
    if not selected:
        raise UserError(f"Nothing is left to export. {left[0] if left else ''}".rstrip())
    return selected, tuple(dict.fromkeys(left))


def _sheets(job: ExportJob, left: list[str]) -> list[Selected]:
    """The sheets that are named, without conditions yet; `left` gets a line for each that is left out."""
    known = {*registry.names("task"), *names()}
    theirs = list(dict.fromkeys(name for name in job.tasks if name not in known))
    _check_options(job, theirs)
    made = [_their_sheet(each, job) for name in theirs for each in _members(name, job)]
    if not (ours := chosen([name for name in job.tasks if name in known])):
        return made
    pools = Pools(open_source(job.data, offline=job.offline))
    for name, group in ours.items():
        task: TaskSpec = registry.load("task", name)
        if why := _unserved(task, job.what):
            if name in job.tasks:
                raise UserError(why)
            left.append(why)
            continue
        for code in job.languages or group_languages(task, pools.source, group):
            made += _our_sheet(task, code, job, pools, left)
    return made


def _check_options(job: ExportJob, theirs: Sequence[str]) -> None:
    """Raise UserError where others' tasks have no --fields, and where one of their options is passed without them."""
    unknown = [name for name in theirs if not their_tasks.known_fields(name)]
    if unknown and not job.fields:
        see = "robust-xtreme list tasks, or, for a task of lm-eval, name the columns to noise: --fields A,B"
        raise UnknownName("task", unknown[0], (*registry.names("task"), *names()), see)
    given = {"--fields": job.fields, "--rows": job.rows, "--cluster-field": job.cluster_field, "--fewshot": job.fewshot}
    for option, value in {**given, "--choices": job.choices, "--gold": job.gold}.items():
        if value and not theirs:
            hint = " Those of the others are part of the noise: --perturb NAME:0.1@fields=A"
            what = f"{option} is for tasks that robust-xtreme does not have, and none is named."
            raise UserError(f"{what}{hint if option == '--fields' else ''}")


def _unserved(task: TaskSpec, what: str) -> str:
    """Why one of our tasks is not exported; "" if it is."""
    if what == LM_EVAL and task.name not in NAMES:
        return f"lm-eval has no task of {task.name}. It has: {', '.join(NAMES)}."
    if task.family not in FAMILIES:
        return f"{task.name}: no prompt asks for {task.family}."
    return ""


def _our_sheet(task: TaskSpec, code: str, job: ExportJob, pools: Pools, left: list[str]) -> list[Selected]:
    file, name, split = None, f"{task.name}_{code.replace('@', '_')}", job.split
    if job.what == LM_EVAL:
        origin = Origin(task.name, "", code)
        name = NAMES[task.name].format(question=origin.question, context=origin.context)
        if name not in known_tasks():
            left.append(f"{task.name} {code}: lm-eval has no task {name}.")
            return []
        file = task_file(name)
        split = file.evaluated[1] if job.split == _AUTO else job.split
    sheet = sheet_of(name, task, code, split, pools, job.limit or None, job.what == LM_EVAL)
    if isinstance(sheet, LeftOut):
        hint = f" lm-eval evaluates {split}; another: --split NAME" if file and job.split == _AUTO else ""
        left.append(f"{sheet.detail}{hint}")
        return []
    return [Selected(sheet, file)]


def _members(name: str, job: ExportJob) -> list[str]:
    """The tasks of lm-eval that a name means: itself, or those of its languages. Raises UserError where it has none."""
    reads_lm_eval = job.what == LM_EVAL or not job.rows
    if not reads_lm_eval or name in known_tasks():
        return [name]
    several = their_tasks.members(name, job.languages, known_tasks())
    if not several and (every := their_tasks.members(name, (), known_tasks())):
        raise UserError(
            f"{name} of lm-eval has no task in {', '.join(job.languages)}. It has: {', '.join(every[:9])}..."
        )
    return several or [name]


def _their_sheet(name: str, job: ExportJob) -> Selected:
    if not job.fields and (known := their_tasks.known_fields(name)):
        job = replace(job, fields=known[0], cluster_field=job.cluster_field or known[1])
    file = task_file(name) if job.what == LM_EVAL or not job.rows else None
    return Selected(their_tasks.sheet_of(name, job, file), file)


def _conditions(cells: Sequence[SuiteCell], sheet: TaskSheet, seeds: int, left: list[str]) -> tuple[Condition, ...]:
    """The conditions that are applied to a sheet."""
    made = [_condition(each, sheet, seeds) for each in cells]
    left += [f"{sheet.name}: {why}" for why in made if isinstance(why, str)]
    return tuple(dict.fromkeys(condition for condition in made if not isinstance(condition, str)))


def _condition(each: SuiteCell, sheet: TaskSheet, seeds: int) -> Condition | str:
    """A perturbation on its fields of a sheet, or why it is not applied. Raises UserError as `check_families`."""
    cell = each.cell
    if not set(cell.fields) <= set(sheet.known):
        return f"no field {' and '.join(cell.fields)}: {cell} is not applied. Fields: {', '.join(sheet.known)}."
    family = sheet.family or (SPAN_QA.name if sheet.answers else "")
    check_families(each, [(family, sheet.origin.task)])
    if name := refusing(cell, family, sheet.origin.task):
        return f"{name} has no meaning in {family}: {cell} of {each.suite} is not applied."
    on = cell.on(*(name for name in sheet.known if name in (cell.fields or sheet.fields)))
    codes = dict.fromkeys(example.texts[name].language for example in sheet.examples for name in on.fields)
    reasons = [unsupported(on, code, bool(each.suite)) for code in codes]
    if reasons and reasons[0] and all(reasons):
        return f"{reasons[0][0]} does not serve the language {' and '.join(codes)}: {reasons[0][1]}."
    return Condition(str(on), on, tuple(range(seeds)), in_suite=bool(each.suite))
