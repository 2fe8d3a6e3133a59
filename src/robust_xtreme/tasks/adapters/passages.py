"""The task of a folder in BEIR's form: queries, and the passages of one corpus that answer them.

The id of a passage is the file's own, which a search engine knows, and so its noise is the same in every split.
"""

from pathlib import Path
from typing import Final

from robust_xtreme.core import languages
from robust_xtreme.core.errors import DataError, UnknownName
from robust_xtreme.core.examples import Corpus, Document, Example, Text, digest
from robust_xtreme.core.specs import CANDIDATE, OWN, Files, Origin, Pool, Row, TaskSpec
from robust_xtreme.tasks.adapters.retrieval import QUERY, Rows
from robust_xtreme.tasks.formats import numbered_lines, parse, read_file
from robust_xtreme.tasks.formats.beir_queries import LANGUAGE, language_of

OWN_SEARCH: Final = "own_search"
QUERIES: Final = "queries.jsonl"
CORPUS: Final = "corpus.jsonl"
DEPTH: Final = 100
_LONGEST: Final = 512


_QRELS: Final = {"validation": ("qrels/dev.tsv", "qrels/validation.tsv"), "test": ("qrels/test.tsv", "qrels.tsv")}
"""The files, by split, that say which passages are right."""


def has_corpus(folder: Path) -> bool:
    """Whether a folder has a corpus in BEIR's form. Raises DataError where what belongs to it is missing."""
    if not (folder / CORPUS).is_file():
        return False
    if not (folder / QUERIES).is_file():
        raise DataError(folder, f"has {CORPUS} and no {QUERIES}, which has an object with _id and text on each line.")
    if not any((folder / path).is_file() for paths in _QRELS.values() for path in paths):
        raise DataError(folder, f"has {CORPUS} and no {_QRELS['test'][0]} or qrels.tsv, which say what is right.")
    return True


def own_search(folder: Path) -> TaskSpec:
    """The task of a folder in BEIR's form, in the languages that its queries name. Raises DataError.

    Where they name none, it is in every language, and the user says which one it is.
    """
    codes = _languages(folder / QUERIES)
    passages = Files("beir_corpus", (CORPUS,), ids="native")
    return TaskSpec(
        name=OWN_SEARCH,
        summary="The passages of your own corpus that answer a query.",
        family="retrieval",
        metrics=("ndcg_at_10", "recall_at_10", "recall_at_100", "mrr_at_100", "map_at_100", "retrieval_accuracy"),
        languages=codes or languages.ALL_LANGUAGES,
        train_languages=codes or languages.ALL_LANGUAGES,
        files={
            split: Files("beir_queries", tuple((QUERIES, path) for path in paths), ids="native")
            for split, paths in _QRELS.items()
        },
        perturbed=((QUERY,),),
        noisable=(CANDIDATE,) if _first_language(folder / CORPUS) else (),
        adapt=queries,
        cite="",
        max_length=_LONGEST,
        pool=Pool(passages_of, max_length=_LONGEST, files=dict.fromkeys(_QRELS, passages)),
        groups={OWN: ()},
        head=False,
        names_language=bool(codes),
    )


def queries(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
    """The queries in a language, or of unnamed language; the target names the right passages, by grade.

    The cluster is the row's own, or the query's text.
    """
    examples = []
    for row in rows:
        if row.values[LANGUAGE] in ("", origin.language):
            id, value = origin.id(row.native), row.values["query"]
            texts = {QUERY: Text(f"{id}/{QUERY}", origin.language, value)}
            examples.append(Example(id, texts, Document(row.values["right"]), row.cluster or f"query/{digest(value)}"))
    return tuple(examples)


def passages_of(rows: Rows, task: str, split: str) -> Corpus:
    """The passages, each of which is the answer that its id names."""
    (own_rows,) = rows.values()
    texts = tuple(Text(row.native, row.values[LANGUAGE], row.values["text"]) for row in own_rows)
    return Corpus(f"{task}/{split}", texts, {text.id: (text.id,) for text in texts}, depth=DEPTH)


def _first_language(path: Path) -> str:
    """The language that the first row of a file names, "" where it names none."""
    for number, line in numbered_lines(read_file(path).text):
        if line.strip():
            return language_of(parse(line, f"{path}:{number}"), f"{path}:{number}")
    return ""


def _languages(path: Path) -> tuple[str, ...]:
    """The languages that the rows of a file name, sorted. Raises DataError."""
    if not _first_language(path):
        return ()
    lines = numbered_lines(read_file(path).text)
    located = ((line, f"{path}:{number}") for number, line in lines if line.strip())
    codes = dict.fromkeys(language_of(parse(line, location), location) for line, location in located)
    try:
        return tuple(sorted(languages.language(code).code for code in codes if code))
    except UnknownName as error:
        raise DataError(path, str(error)) from error
