"""Adapt rows of questions as examples of extractive question answering."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Answers, Example, Span, Text, digest
from robust_xtreme.core.specs import Adapt, Origin, Row, TaskSpec

span_task = partial(TaskSpec, family="span_qa", perturbed=(("question",), ("context",)), max_length=384, stride=128)


def span_qa(name: Callable[[Sequence[Row]], str]) -> Adapt:
    """An adapter with the fields `question` and `context`; the questions of a passage are one cluster.

    `name` names the cluster from the passage's rows where these do not name one. The context is one text for all
    questions of its passage, and its spans are the union of their answers. White space at the ends of questions,
    contexts and answers is removed, as in copies of the data.
    """

    def adapt(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
        _check_answers(rows)
        rows = tuple(map(_trimmed, rows))
        passages: defaultdict[str, list[Row]] = defaultdict(list)
        for row in rows:
            passages[row.values["context"]].append(row)
        clusters, contexts = {}, {}
        for value, group in passages.items():
            clusters[value] = _cluster(group) or name(group)
            id = origin.shared("context", digest(value) if group[0].cluster else clusters[value])
            answers = sorted({answer for row in group for answer in row.values["answers"]})
            contexts[value] = Text(id, origin.context, value, tuple(Span(*answer) for answer in answers))
        examples = []
        for row in rows:
            id, value = origin.id(row.native), row.values["context"]
            question = Text(f"{id}/question", origin.question, row.values["question"])
            target = Answers(tuple([Span(*answer) for answer in dict.fromkeys(row.values["answers"])]))
            examples.append(Example(id, {"question": question, "context": contexts[value]}, target, clusters[value]))
        return tuple(examples)

    return adapt


def _check_answers(rows: Sequence[Row]) -> None:
    """Refuse an answer of nothing but white space, and an unmarked question without an answer among others with one."""
    labelled = any(row.values["answers"] for row in rows)
    for row in rows:
        if labelled and not row.values["answers"] and not row.values.get("impossible"):
            raise DataError(row.location, "has no answer, and other questions of the file have one.")
        for start, stop in row.values["answers"]:
            if not row.values["context"][start:stop].strip():
                raise DataError(row.location, f"the answer at [{start}, {stop}] is only white space.")


def _trimmed(row: Row) -> Row:
    """The row without white space at the ends of its context, question and answers."""
    context, question = row.values["context"], row.values["question"]
    answers = tuple(inside(context, start, stop) for start, stop in row.values["answers"])
    values = {"context": context.strip(), "question": question.strip(), "answers": answers}
    return Row(row.native, row.location, {**row.values, **values}, row.cluster)


def inside(text: str, start: int, stop: int) -> tuple[int, int]:
    """A range of a text, without white space at its ends, in the text without such space."""
    part, lead = text[start:stop], len(text) - len(text.lstrip())
    return stop - len(part.lstrip()) - lead, start + len(part.rstrip()) - lead


def _cluster(rows: Sequence[Row]) -> str:
    """The cluster that the rows of a passage name; a passage is noised once, so it must be in one cluster."""
    for row in rows:
        if row.cluster != rows[0].cluster:
            what = f"the cluster {row.cluster!r} here, and in {rows[0].cluster!r} at {rows[0].location}."
            raise DataError(row.location, f"the passage is in {what}")
    return rows[0].cluster


def by_question(rows: Sequence[Row]) -> str:
    """Name a passage by its smallest question id: the same in all its translations and all data sets that have it.

    In MLQA a passage has different questions in different languages, so some of its clusters are in one language only.
    """
    return f"passage/{min(row.native for row in rows)}"


def by_text(rows: Sequence[Row]) -> str:
    """Name a passage by its hash."""
    return f"passage/{digest(rows[0].values['context'])}"
