"""Adapt rows of retrieval tasks as queries, and as the pools of candidates that are searched for them.

An example has one text, `query`, and its target names a key; the corpus maps the key to the texts that are right.
In `train` an example also has the right `candidate`, where the row contains it: a dual encoder learns from both.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Corpus, Document, Example, Span, Text, digest
from robust_xtreme.core.specs import CANDIDATE, Origin, Row
from robust_xtreme.tasks.adapters.qa import by_question
from robust_xtreme.tasks.formats.mewsli_entities import flat

QUERY: Final = "query"
ENGLISH: Final = "en"
_TAUGHT: Final = "train"

Rows = Mapping[str, tuple[Row, ...]]


def _query(row: Row, origin: Origin, language: str, value: str, spans: tuple[Span, ...] = ()) -> Text:
    return Text(f"{origin.id(row.native)}/{QUERY}", language, value, spans)


def _candidate(origin: Origin, native: str, language: str, value: str) -> Text:
    return Text(origin.shared(CANDIDATE, native), language, value)


def _origins(rows: Rows, task: str, split: str) -> Iterator[tuple[Origin, tuple[Row, ...]]]:
    return ((Origin(task, split, language), row_list) for language, row_list in rows.items())


def translations(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
    """English queries, whose translations are the answers; equal English sentences are one cluster in all languages."""
    return tuple(_asked(row, origin, ENGLISH, "translation") for row in rows)


def sentences(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
    """Queries in the language of the rows, whose English translations are the answers; clusters are the same."""
    return tuple(_asked(row, origin, origin.language, "sentence") for row in rows)


def _asked(row: Row, origin: Origin, language: str, side: str) -> Example:
    """The query that is one side of a row; the English side names its cluster."""
    query = _query(row, origin, language, row.values[side])
    cluster = row.cluster or _sentence(row.values["translation"])
    return Example(origin.id(row.native), {QUERY: query}, Document((row.native,)), cluster)


def _sentence(text: str) -> str:
    return f"sentence/{digest(text)}"


def translated(rows: Rows, task: str, split: str) -> Corpus:
    """The sentences of the one language of the rows; equal sentences keep their own ids, as in the official file.

    So a query whose translation is on two lines is right only with its own line, as in the official script.
    """
    (language,) = rows
    return _pool_of_side(rows, task, split, language, "sentence")


def english(rows: Rows, task: str, split: str) -> Corpus:
    """The English sentences of the one language of the rows; equal sentences keep their own ids, as in `translated`."""
    return _pool_of_side(rows, task, split, ENGLISH, "translation")


def _pool_of_side(rows: Rows, task: str, split: str, language: str, side: str) -> Corpus:
    """One side of each row of one language, each the answer to the other side of its row."""
    ((origin, origin_rows),) = _origins(rows, task, split)
    texts = tuple(_candidate(origin, row.native, language, row.values[side]) for row in origin_rows)
    answers = {row.native: (text.id,) for row, text in zip(origin_rows, texts, strict=True)}
    return Corpus(f"{task}/{split}/{origin.language}", texts, answers)


def mined(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
    """One query for each distinct sentence in the language, with the gold pairs of all its lines; many have none.

    The official script (google-research/xtreme, third_party/utils_retrieve.py) searches among distinct sentences
    (`text_load_unify`, `unique_embeddings`): a sentence on several lines of a side is searched once. When the mined
    pairs are mapped to ids (`read_sent2id`), a repeated sentence has no id. So no pair with it is ever mined, right or
    wrong, while its gold pairs count as missed (`bucc_eval` compares with every line of the gold file). The same
    applies here: such a sentence is one query or one candidate, has the id of its first line, and is listed in
    `unscored` of the corpus. Sentences are compared without the white space around them.
    """
    examples = []
    for lines in _distinct(rows, QUERY):
        gold = tuple(key for line in lines for key in line.values["gold"])
        query = _query(lines[0], origin, origin.language, lines[0].values[QUERY])
        cluster = lines[0].cluster or _sentence(query.value.strip())
        examples.append(Example(origin.id(lines[0].native), {QUERY: query}, Document(gold), cluster))
    return tuple(examples)


def _distinct(rows: Sequence[Row], side: str) -> list[list[Row]]:
    """The lines of each sentence of a side, sentences in the order of their first line."""
    lines: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.values[side].strip():
            lines[row.values[side].strip()].append(row)
    return list(lines.values())


def minable(rows: Rows, task: str, split: str) -> Corpus:
    """The distinct English sentences of one language pair; see `mined` for repeated sentences."""
    ((origin, origin_rows),) = _origins(rows, task, split)
    sentences = _distinct(origin_rows, CANDIDATE)
    texts = tuple(_candidate(origin, lines[0].native, ENGLISH, lines[0].values[CANDIDATE]) for lines in sentences)
    answers = {row.native: (text.id,) for lines, text in zip(sentences, texts, strict=True) for row in lines}
    repeated = {text.id for lines, text in zip(sentences, texts, strict=True) if len(lines) > 1}
    asked = {_query(lines[0], origin, "", "").id for lines in _distinct(origin_rows, QUERY) if len(lines) > 1}
    return Corpus(f"{task}/{split}/{origin.language}", texts, answers, frozenset(repeated | asked))


@dataclass(frozen=True, slots=True)
class _Passage:
    """The questions on one context, and its sentences; the id of a candidate is `name` and its number."""

    rows: tuple[Row, ...]
    name: str
    cluster: str
    context: str
    sentences: tuple[tuple[int, int], ...]

    def candidates(self, origin: Origin) -> tuple[Text, ...]:
        """Each sentence with the whole context after it, without newlines, as evaluate_retrieval.py joins them."""
        values = [(self.context[start:stop] + self.context).replace("\n", "") for start, stop in self.sentences]
        return tuple(_candidate(origin, f"{self.name}/{at}", origin.language, value) for at, value in enumerate(values))

    @property
    def begins(self) -> list[int]:
        """The position in each candidate at which the context begins."""
        return [len(self.context[start:stop].replace("\n", "")) for start, stop in self.sentences]

    def taught(self, origin: Origin) -> tuple[Text, ...]:
        """The candidates to learn from; a span marks the passage in each of them, for the contamination rule."""
        return tuple(
            replace(text, spans=(Span(begin, len(text.value), "context"),))
            for text, begin in zip(self.candidates(origin), self.begins, strict=True)
        )

    def right(self, row: Row) -> tuple[int, ...]:
        """The sentences that answer a question: the one in which the answer begins, and equal ones.

        Empty where the question has no answer, or it begins between sentences. Only the first answer counts, and of it
        only the sentence in which it begins.
        """
        for begin, _ in row.values["answers"][:1]:
            for start, stop in self.sentences:
                if start <= begin < stop:
                    same = [self.context[first:other] == self.context[start:stop] for first, other in self.sentences]
                    return tuple(index for index, is_same in enumerate(same) if is_same)
        return ()


def _passages(rows: Sequence[Row]) -> list[_Passage]:
    passages: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        passages[row.values["context"]].append(row)
    named = []
    for context, group in passages.items():
        for row in group:
            if (row.cluster, row.values["sentences"]) != (group[0].cluster, group[0].values["sentences"]):
                what = f"the context has another cluster, or other sentences, than at {group[0].location}."
                raise DataError(row.location, what)
        name = digest(context) if group[0].cluster else min(row.native for row in group)
        cluster = group[0].cluster or by_question(group)
        named.append(_Passage(tuple(group), name, cluster, context, group[0].values["sentences"]))
    return named


def answer_sentences(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
    """Questions whose answer is a sentence; the key is the question's id, which is the same in every language.

    A question whose answer does not begin in a sentence is left out of train, and refused elsewhere: the official
    script (third_party/utils_lareqa.py) leaves it out, and the official files have no such question. In train an
    example has two texts, `query` and `candidate`: the sentence with its context. The cluster is the row's own, or the
    passage, named as in XQuAD.
    """
    for row in rows if any(row.values["answers"] for row in rows) else ():
        if not row.values["answers"]:
            raise DataError(row.location, "has no answer, and other questions of the file have one.")
    _check_sentences(rows, origin.split)
    examples = {}
    for passage in _passages(rows):
        candidates = passage.taught(origin) if origin.split == _TAUGHT else ()
        for row in passage.rows:
            right = passage.right(row)
            texts = {QUERY: _query(row, origin, origin.language, row.values["question"])}
            if candidates and right:
                texts[CANDIDATE] = candidates[right[0]]
            if right or not row.values["answers"]:
                id = origin.id(row.native)
                examples[row.native] = Example(id, texts, Document((row.native,)), passage.cluster)
    return tuple(examples[row.native] for row in rows if row.native in examples)


def _check_sentences(rows: Sequence[Row], split: str) -> None:
    """Outside of train, refuse files without sentence breaks, and answers that do not begin in a sentence."""
    for row in rows if split != _TAUGHT else ():
        if row.values.get("ruled"):
            what = "the key 'sentence_breaks' is missing from its paragraph; only training data may be without it."
            raise DataError(row.location, what)
        begins = [begin for begin, _ in row.values["answers"][:1]]
        if any(not any(start <= begin < stop for start, stop in row.values["sentences"]) for begin in begins):
            raise DataError(row.location, f"the answer at {begins[0]} begins in no sentence of its context.")


def all_sentences(rows: Rows, task: str, split: str) -> Corpus:
    """The sentences of all passages in all languages; a question has an answer in every language that has it."""
    texts: list[Text] = []
    begins: list[int] = []
    answers: defaultdict[str, list[str]] = defaultdict(list)
    for origin, origin_rows in _origins(rows, task, split):
        _check_sentences(origin_rows, split)
        for passage in _passages(origin_rows):
            candidates = passage.candidates(origin)
            texts += candidates
            begins += passage.begins
            for row in passage.rows:
                answers[row.native] += [candidates[index].id for index in passage.right(row)]
    passages = {text.id: begin for text, begin in zip(texts, begins, strict=True)}
    right = {key: tuple(ids) for key, ids in answers.items()}
    return Corpus(f"{task}/{split}", tuple(texts), right, passages=passages)


def mentions(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
    """Mentions in their sentences; the key is the entity's id, if the row contains it.

    The cluster is the article where the file names one, else the mention. In train the entity's description, where the
    row contains it, is the `candidate`.
    """
    examples = []
    for row in rows:
        values = row.values
        text, spans = marked(values["mention"], values["left"], values["right"])
        texts = {QUERY: _query(row, origin, origin.language, text, spans)}
        if origin.split == _TAUGHT and values.get("text"):
            texts[CANDIDATE] = _entity(row, origin)
        document = values.get("document")
        cluster = row.cluster or (f"document/{document}" if document else f"mention/{row.native}")
        keys = (values["entity"],) if values["entity"] else ()
        examples.append(Example(origin.id(row.native), texts, Document(keys), cluster))
    return tuple(examples)


def marked(mention: str, left: str, right: str) -> tuple[str, tuple[Span, ...]]:
    """The query's text, `{mention}: {left} {{ {mention} }} {right}` on one line, and the spans of the mention in it.

    This is the official text (third_party/utils_mewslix.py, `preprocess_mention`): the mention, then the sentence with
    the mention in braces; other braces in the sentence become parentheses.
    """
    left, right = (re.sub(r"{(.*?)}", r"(\1)", part) for part in (left, right))
    text, name = flat(f"{mention}: {left} {{ {mention} }} {right}"), flat(mention)
    braced = text.find(f"{{ {name} }}", len(name))
    starts = (text.find(name), braced + 2 if braced >= 0 else -1)
    return text, tuple(Span(start, start + len(name)) for start in starts if start >= 0)


def _entity(row: Row, origin: Origin) -> Text:
    """The candidate that a pair of training data contains, in the language of the description."""
    described = Origin(origin.task, origin.split, row.values["described"])
    return _candidate(described, row.values["entity"], described.language, row.values["text"])


def entities(rows: Rows, task: str, split: str) -> Corpus:
    """The descriptions of all entities, from separate files (under the language "") or from the pairs of train."""
    texts: dict[str, Text] = {}
    for origin, several in _origins(rows, task, split):
        for row in several:
            if "described" in row.values:
                texts.setdefault(row.values["entity"], _entity(row, origin))
            elif "text" in row.values:
                row_origin = Origin(task, split, row.values["language"])
                texts[row.native] = _candidate(row_origin, row.native, row_origin.language, row.values["text"])
    return Corpus(f"{task}/{split}", tuple(texts.values()), {key: (text.id,) for key, text in texts.items()})
