"""Adapt rows of tagged words: one text of words joined by spaces, with a span, labelled with its tag, per word."""

from functools import partial

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import (
    OUTSIDE,
    Example,
    Tags,
    Text,
    digest,
    mark_entities,
    tags_to_iob2,
    without_numbers,
)
from robust_xtreme.core.specs import Adapt, Origin, Row, TaskSpec
from robust_xtreme.tasks.adapters.pairs import none_of
from robust_xtreme.tasks.formats import word_spans
from robust_xtreme.tasks.sources.rows import NUMBERED

tagging_task = partial(TaskSpec, family="tagging", perturbed=(("tokens",),))


def tagging(labels: tuple[str, ...]) -> Adapt:
    """An adapter with the field `tokens`; words without a tag have the tag O, and entities are in IOB2.

    The cluster is the row's own, or the sentence: sentences that are equal but for their numbers are one cluster.
    """
    known = frozenset(labels)

    def adapt(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
        examples = []
        for row in rows:
            id, words = origin.id(row.native), row.values["words"]
            tags = row.values["tags"] or (OUTSIDE,) * len(words)
            if row.values["tags"] and not known.issuperset(tags):
                tags = tags_to_iob2(tags) if mark_entities(labels) else tags
                if not known.issuperset(tags):
                    raise _unknown_tag(row, tags, labels)
            text = Text(f"{id}/tokens", origin.language, " ".join(words), word_spans(words, tags))
            alike = [without_numbers(word) for word in words] if without_numbers(text.value) != text.value else [*words]
            cluster = row.cluster or f"{'sentence/' if alike == [*words] else NUMBERED}{digest(*alike)}"
            examples.append(Example(id, {"tokens": text}, Tags(tags), cluster))
        return tuple(examples)

    return adapt


def _unknown_tag(row: Row, tags: tuple[str, ...], labels: tuple[str, ...]) -> DataError:
    index = next(index for index, tag in enumerate(tags) if tag not in labels)
    what = f"the tag {row.values['tags'][index]!r:.80} {none_of(labels, tags[index])}"
    if "line" in row.values:  # a word each line
        return DataError(row.location.rpartition(":")[0], what, int(row.values["line"]) + index)
    return DataError(row.location, what)
