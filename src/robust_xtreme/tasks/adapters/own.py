"""The tasks that data describe themselves, as TaskSpecs that the program knows while these data are in use."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from robust_xtreme.core import registry
from robust_xtreme.core.examples import CLASSIFICATION, SPAN_QA, TAGGING, Example, Text, mark_entities
from robust_xtreme.core.specs import OWN, Adapt, Files, Origin, Row, TaskSpec
from robust_xtreme.tasks.adapters.pairs import labelled, labelled_task
from robust_xtreme.tasks.adapters.passages import has_corpus, own_search
from robust_xtreme.tasks.adapters.qa import by_text, span_qa, span_task
from robust_xtreme.tasks.adapters.tagging import tagging, tagging_task
from robust_xtreme.tasks.formats.labelled_jsonl import LABEL
from robust_xtreme.tasks.sources.own import CHOICE, READERS, ROW, SPANS, TAGS, OwnTask
from robust_xtreme.tasks.sources.source import open_source
from robust_xtreme.tasks.sources.suite import MANIFEST, Suite

_ENGLISH: Final = "en"


@contextmanager
def own_tasks(data: str) -> Iterator[None]:
    """Know the tasks that the suite `data` describes itself within a context. Raises DataError if it is malformed."""
    with registry.adding("task", tasks_in(data)):
        yield


def tasks_in(data: str) -> tuple[TaskSpec, ...]:
    """The tasks that `data` describes itself: those of a suite, or that of a corpus in BEIR's form; else none."""
    if not data or not (Path(data) / MANIFEST).exists():
        return (own_search(Path(data)),) if data and has_corpus(Path(data)) else ()
    suite = open_source(data)
    return tuple(_task(suite, task) for task in suite.own_tasks.values()) if isinstance(suite, Suite) else ()


def clusters_note(task: TaskSpec) -> str:
    """A sentence on what is resampled where the rows of a task name no cluster."""
    return f"{task.name}: the rows name no cluster, so {_CLUSTERS[task.family]}."


_CLUSTERS: Final = {
    CLASSIFICATION.name: "each example is a cluster, and examples of equal texts are one",
    TAGGING.name: "sentences that differ in numbers alone are a cluster",
    SPAN_QA.name: "the questions of a passage are a cluster",
}


def _task(suite: Suite, described: OwnTask) -> TaskSpec:
    """The task of a description; it learns from English where the suite has that, else from all that it has."""
    languages = suite.named.get(described.name, suite.codes)
    reader = READERS[described.target]
    made = {CHOICE: _choice, TAGS: _tags, SPANS: _spans}[described.target](described)
    task = made(
        name=described.name,
        languages=languages,
        files={
            split: Files(reader, (f"{described.name}/{split}-{{language}}.jsonl",))
            for split in suite.tasks[described.name]
        },
        cite="",
        labels=described.labels,
        groups={OWN: ()},
        licence=suite.licence,
    )
    taught = tuple(code for code in languages if suite.holds(task, code, "train"))
    return replace(task, train_languages=(_ENGLISH,) if _ENGLISH in taught or not taught else taught)


def _choice(described: OwnTask) -> partial[TaskSpec]:
    known = [other for other in _of_family(CLASSIFICATION.name) if len(other.perturbed[0]) == len(described.texts)]
    labels = sorted(map(str.casefold, described.labels))
    return partial(
        labelled_task,
        summary=f"One of {len(described.labels)} labels for {' and '.join(described.texts)}.",
        perturbed=(described.texts,),
        adapt=_of_file(_labelled(described)),
        accepts=_accepted(described, [other for other in known if sorted(map(str.casefold, other.labels)) == labels]),
    )


def _tags(described: OwnTask) -> partial[TaskSpec]:
    """Tags with prefixes, as in B-PER, are scored as entities; others, as parts of speech, word by word."""
    labels = {*described.labels}
    alike = [other for other in _of_family(TAGGING.name) if other.labels and {*other.labels} <= labels]
    return partial(
        tagging_task,
        summary=f"A tag per word, of {len(described.labels)}.",
        metrics=("span_f1", "token_accuracy") if mark_entities(labels) else ("token_accuracy",),
        adapt=_of_file(tagging(described.labels)),
        accepts=_accepted(described, alike),
    )


def _spans(described: OwnTask) -> partial[TaskSpec]:
    return partial(
        span_task,
        summary="The span of a context that answers a question.",
        metrics=("squad_f1", "squad_em", "surface_f1_noisy_gold", "surface_f1_clean_gold"),
        adapt=_of_file(span_qa(by_text)),
        # Heads for spans have no labels: each answers every task with spans.
        accepts=(described.name, "xquad", "mlqa", "tydiqa", "squad", "squad_v2"),
    )


def _of_family(family: str) -> list[TaskSpec]:
    tasks = (registry.load("task", name) for name in registry.installed("task"))
    return [task for task in tasks if task.family == family]


def _accepted(described: OwnTask, alike: list[TaskSpec]) -> tuple[str, ...]:
    """The heads that answer a task: its own, and those of tasks of the program with its labels."""
    return tuple(dict.fromkeys((described.name, *(name for other in alike for name in other.accepts))))


def _of_file(adapt: Adapt) -> Adapt:
    """An adapter that names texts and clusters of a file's rows without their task, which is called as the file."""

    def adapted(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
        if not all(row.native.startswith(ROW) for row in rows):
            return adapt(rows, origin)
        made = zip(rows, adapt(rows, replace(origin, task=OWN)), strict=True)
        return tuple(replace(example, id=origin.id(row.native), fingerprint="") for row, example in made)

    return adapted


def _labelled(described: OwnTask) -> Adapt:
    """An adapter whose fields are the texts; the cluster is the row's own, or the item: a row and those of its texts.

    Languages share items.
    """

    def adapt(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
        examples, items = [], dict[tuple[str, ...], str]()
        values = [tuple([row.values[key] for key in described.texts]) for row in rows]
        for row, value in zip(rows, values, strict=True):
            items[value] = min(row.native, items.get(value, row.native))
        for row, value in zip(rows, values, strict=True):
            id = origin.id(row.native)
            texts = {key: Text(f"{id}/{key}", origin.language, row.values[key]) for key in described.texts}
            target = labelled(row.values[LABEL], described.labels, row.location)
            examples.append(Example(id, texts, target, row.cluster or f"{origin.task}-{origin.split}/{items[value]}"))
        return tuple(examples)

    return adapt
