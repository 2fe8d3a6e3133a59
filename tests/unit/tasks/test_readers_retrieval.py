"""Readers of the retrieval tasks' files: what they keep, what they refuse, and where they say it is."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from tests.sample_files import sample, samples

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, MissingData, NoRows
from robust_xtreme.core.examples import Document
from robust_xtreme.tasks.formats import line_pairs, mewsli_entities, mewsli_mentions, squad_sentences
from robust_xtreme.tasks.formats.squad_sentences import sentences
from robust_xtreme.tasks.sources.source import Split, load

BUCC = ("bucc2018/de-en/de-en.sample.de", "bucc2018/de-en/de-en.sample.en", "bucc2018/de-en/de-en.sample.gold")
TATOEBA = ("tatoeba/v1/tatoeba.deu-eng.deu", "tatoeba/v1/tatoeba.deu-eng.eng")


def _write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


def _load(folder: Path, task: str, split: str, language: str = "de") -> Split:
    return load(registry.load("task", task), folder, language, split)


def _tatoeba(folder: Path, german: str, english: str) -> Split:
    _write(folder, **dict(zip(TATOEBA, (german, english), strict=True)))
    return _load(folder, "tatoeba", "test")


def _bucc(folder: Path, *texts: str) -> Split:
    _write(folder, **dict(zip(BUCC, texts, strict=True)))
    return _load(folder, "bucc", "validation")


def _pool(split: Split) -> list[str]:
    assert split.corpus is not None
    return [text.value for text in split.corpus.texts]


def _queries(split: Split) -> list[str]:
    return [example.texts["query"].value for example in split.examples]


def _gold(split: Split) -> list[tuple[str, ...]]:
    return [example.target.ids for example in split.examples if isinstance(example.target, Document)]


# ------------------------------------------------------------------------------------------------------------- Tatoeba


def test_pairs_of_files_are_read_line_by_line(tmp_path: Path) -> None:
    """A byte order mark and CRLF are not text, letters keep their normalisation, and each line has its own id."""
    decomposed = unicodedata.normalize("NFD", "Schön.")
    split = _tatoeba(tmp_path, f"\ufeff{decomposed}\r\nSchön.\r\n", "Fine.\nGood.\n\n")
    assert _pool(split) == [decomposed, "Schön."]
    assert _queries(split) == ["Fine.", "Good."]
    assert _gold(split) == [
        ("tatoeba/test/de/candidate/0",),
        ("tatoeba/test/de/candidate/1",),
    ]


def test_pairs_in_another_order_are_the_same_pairs(tmp_path: Path) -> None:
    """Files whose lines are turned round together give the same clusters; ids are places in the file."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    first = _tatoeba(tmp_path / "one", "Eins.\nZwei.\n", "One.\nTwo.\n")
    two = _tatoeba(tmp_path / "two", "Zwei.\nEins.\n", "Two.\nOne.\n")
    assert [example.cluster for example in first.examples] == [example.cluster for example in two.examples][::-1]
    assert _queries(first) == _queries(two)[::-1]


def test_a_side_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    """Two sides of unequal length are named with their lines."""
    with pytest.raises(DataError, match="has 2; line"):
        _tatoeba(tmp_path, "Eins.\n", "One.\nTwo.\n")


@pytest.mark.parametrize(("german", "english", "file"), [("a\n \nc\n", "a\nb\nc\n", "deu"), ("a\nb\n", "\nb\n", "eng")])
def test_an_empty_line_of_a_pair_is_named(tmp_path: Path, german: str, english: str, file: str) -> None:
    """No sentence is empty: the file and the line are named."""
    with pytest.raises(DataError, match="is empty"):
        _tatoeba(tmp_path, german, english)


def test_line_ends_of_old_systems_are_refused(tmp_path: Path) -> None:
    """Lines that end in CR alone would be one sentence."""
    with pytest.raises(DataError, match="LF or CRLF"):
        _tatoeba(tmp_path, "Eins.\rZwei.\r", "One.\rTwo.\r")


def test_the_sorted_english_of_xtreme_is_refused(tmp_path: Path) -> None:
    """XTREME's script sorts the English side, so that line i of it belongs to no line i; the remedy is named."""
    lines = [f"Sentence {number:02}." for number in range(30)]
    _write(tmp_path, **{"tatoeba/de-en.de": "\n".join(reversed(lines)), "tatoeba/de-en.en": "\n".join(lines)})
    with pytest.raises(DataError, match="alphabetical"):
        _load(tmp_path, "tatoeba", "test")


def test_files_of_xtreme_in_the_order_of_laser_are_read(tmp_path: Path) -> None:
    """English in its own order is taken from XTREME's folder too; LASER's files come first where both are there."""
    lines = [f"Sentence {number}." for number in range(30)]
    _write(tmp_path, **{"tatoeba/de-en.de": "\n".join(lines), "tatoeba/de-en.en": "\n".join(lines)})
    assert len(_load(tmp_path, "tatoeba", "test").examples) == 30
    assert len(_tatoeba(tmp_path, "Eins.\n", "One.\n").examples) == 1


def test_half_a_pair_is_not_data(tmp_path: Path) -> None:
    """One of two files is missing data, and the error says which one is there."""
    _write(tmp_path, **{TATOEBA[0]: "Eins.\n"})
    with pytest.raises(MissingData, match="without"):
        _load(tmp_path, "tatoeba", "test")


# ---------------------------------------------------------------------------------------------------------------- BUCC


def test_bucc_has_queries_candidates_and_gold(tmp_path: Path) -> None:
    """Marks and line ends are not text, columns after the second are left out, gold pairs count once, in any order."""
    split = _bucc(
        tmp_path,
        "\ufeffde-1\tEins.\r\nde-2\tZwei.\tmore\r\n",
        "en-9\tNine.\nen-2\tTwo.\n",
        "\ufeffde-2\ten-2\r\nde-2\ten-2\r\n",
    )
    assert _queries(split) == ["Eins.", "Zwei."]
    assert _pool(split) == ["Nine.", "Two."]
    assert _gold(split) == [
        (),
        ("bucc/validation/de/candidate/en-2",),
    ]
    assert [example.id for example in split.examples] == ["bucc/validation/de/de-1", "bucc/validation/de/de-2"]


@pytest.mark.parametrize(
    ("index", "text", "message"),
    [
        (0, "de-1\tEins.\nde-2\n", "TAB sentence"),
        (0, "de-1\tEins.\nde-2\t \n", r"\.de:2: .*TAB"),
        (1, "en-1\tOne.\n\tTwo.\n", r"\.en:2: .*TAB"),
        (2, "de-1\n", "TAB id"),
        (2, "en-1\tde-1\n", "en-1"),
        (2, "de-1\ten-7\n", "en-7"),
        (0, "de-1\tEins.\nde-1\tZwei.\n", r"\.de:2: .*'de-1'"),
        (1, "en-1\tOne.\nen-1\tTwo.\n", r"\.en:2: .*'en-1' .*\.en:1 "),
    ],
)
def test_malformed_lines_of_bucc_are_named(tmp_path: Path, index: int, text: str, message: str) -> None:
    """A line that was cut, an unknown id of a gold pair and an id that is twice are refused with their place."""
    texts = ["de-1\tEins.\n", "en-1\tOne.\n", "de-1\ten-1\n"]
    texts[index] = text
    with pytest.raises(DataError, match=message):
        _bucc(tmp_path, *texts)


@pytest.mark.parametrize("base", ["de-en.training", "de-en.test", "de-en/de-en.training"])
def test_layouts_of_bucc(tmp_path: Path, base: str) -> None:
    """The test split is BUCC's training set: as its archive unpacks, in one folder, or as XTREME's script names it."""
    files = dict(zip(("de", "en", "gold"), samples("bucc_tsv"), strict=True))
    _write(tmp_path, **{f"bucc2018/{base}.{side}": text for side, text in files.items()})
    assert len(_load(tmp_path, "bucc", "test").examples) == 2


def test_bucc_without_gold_names_the_remedy(tmp_path: Path) -> None:
    """XTREME's script removes the gold pairs of test: the error says what is missing, and where it is available."""
    _write(tmp_path, **{"bucc2018/de-en.test.de": "de-1\ta\n", "bucc2018/de-en.test.en": "en-1\tb\n"})
    with pytest.raises(MissingData, match=r"de-en\.test\.gold") as error:
        _load(tmp_path, "bucc", "test")
    assert "\n" not in str(error.value)


# -------------------------------------------------------------------------------------------------------------- LAReQA


def _paragraph(context: str, start: int = 0, text: str = "a", native: str = "q1", **keys: Any) -> dict[str, Any]:
    asked = {"id": native, "question": f"{native}?", "answers": [{"text": text, "answer_start": start}]}
    return {"context": context, "qas": [asked], **keys}


def _squad(*paragraphs: dict[str, Any]) -> str:
    return json.dumps({"data": [{"paragraphs": list(paragraphs)}]}, ensure_ascii=False)


def test_sentences_are_the_files_own_or_found_by_rule() -> None:
    """Breaks of the file are kept as they are, white space and all; where it has none, a rule finds them."""
    given = _paragraph("a. b. c", sentence_breaks=[[0, 3], [3, 7]])
    rows = squad_sentences.read(_squad(given, _paragraph("a. b. c", native="q2")), "f")
    assert [row.values["sentences"] for row in rows] == [((0, 3), (3, 7)), ((0, 2), (3, 5), (6, 7))]


def test_breaks_count_code_points_of_decomposed_text(tmp_path: Path) -> None:
    """A mark at the start of a context and decomposed letters are counted, CRLF in the file is not text of its own."""
    context = "\ufeff" + unicodedata.normalize("NFD", "né là. Né ici.")
    first = context.index(".") + 1
    text = _squad(_paragraph(context, first + 1, "N", sentence_breaks=[[0, first], [first + 1, len(context)]]))
    _write(tmp_path, **{"lareqa/xquad-r/de.json": "\ufeff" + text.replace("{", "{\r\n")})
    split = _load(tmp_path, "lareqa", "validation")
    assert _pool(split) == [context[:first] + context, context[first + 1 :] + context]
    assert _gold(split) == [("lareqa/validation/de/candidate/q1/1",)]
    assert split.corpus is not None
    begins = {text.id: text.value.index("\ufeff", 1 if text.value[0] == "\ufeff" else 0) for text in split.corpus.texts}
    assert split.corpus.passages == begins


@pytest.mark.parametrize(
    ("breaks", "message"),
    [
        ([[0, 9]], r"\[0, 9\]"),
        ([[0, 4], [3, 7]], "the sentence at 3"),
        ([], "names no sentence"),
        ([[0]], "start, stop"),
        ("0-7", r"'sentence_breaks'"),
    ],
)
def test_malformed_breaks_are_named(breaks: object, message: str) -> None:
    """Sentences beyond the context, overlapping ones, none at all and what is not a list are refused by location."""
    with pytest.raises(DataError, match=message):
        squad_sentences.read(_squad(_paragraph("a. b. c", sentence_breaks=breaks)), "f")


def test_a_truncated_file_of_lareqa_is_named(tmp_path: Path) -> None:
    """Half a file is not JSON; the error has its line."""
    _write(tmp_path, **{"lareqa/xquad-r/de.json": sample("squad_sentences")[:100]})
    with pytest.raises(DataError, match="JSON"):
        _load(tmp_path, "lareqa", "validation")


def test_a_question_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    """The two places are named."""
    twice = _squad(_paragraph("a", sentence_breaks=[[0, 1]]), _paragraph("a b", sentence_breaks=[[0, 3]]))
    _write(tmp_path, **{"lareqa/xquad-r/de.json": twice})
    with pytest.raises(DataError, match="not unique"):
        _load(tmp_path, "lareqa", "validation")


def test_paragraphs_in_another_order_have_the_same_names(tmp_path: Path) -> None:
    """Candidates are called by their passage, so that a file in another order gives the same ids and fingerprints."""
    first = _paragraph("a. b.", sentence_breaks=[[0, 2], [3, 5]])
    two = _paragraph("a, c.", native="q2", sentence_breaks=[[0, 5]])
    identities = []
    for name, paragraphs in {"there": (first, two), "back": (two, first)}.items():
        _write(tmp_path / name, **{"lareqa/xquad-r/de.json": _squad(*paragraphs)})
        split = _load(tmp_path / name, "lareqa", "validation")
        assert split.corpus is not None
        identities.append(({example.fingerprint for example in split.examples}, set(split.corpus.texts)))
    assert identities[0] == identities[1]


def test_sentences_of_languages_are_found_by_their_marks() -> None:
    """Full stops before a space end a sentence, those of initials and numbers do not; Chinese ones need no space."""
    text = "It cost 3.5 million. J. Smith paid! 他来了。他走了。"
    assert [text[start:stop] for start, stop in sentences(text)] == [
        "It cost 3.5 million.",
        "J. Smith paid!",
        "他来了。",
        "他走了。",
    ]


# ------------------------------------------------------------------------------------------------------------ Mewsli-X

CONTEXT = "Strike\n\nIn Helsinki, drivers went on strike.  Helsinki\nstood still."


def _article(*mentions: dict[str, Any], **keys: Any) -> dict[str, Any]:
    spans = [{"start": 0, "end": 6}, {"start": 8, "end": 44}, {"start": 46, "end": 67}]
    context = {"document_id": "en-1", "language": "en", "text": CONTEXT, "sentence_spans": spans, **keys}
    return {"context": context, "mentions": list(mentions)}


def _mention(start: int = 11, text: str = "Helsinki", native: str = "m1", **keys: Any) -> dict[str, Any]:
    span = {"start": start, "end": start + len(text), "text": text}
    return {"example_id": native, "mention_span": span, "entity_id": "Q1757", **keys}


def _lines(*articles: dict[str, Any]) -> str:
    return "".join(json.dumps(article, ensure_ascii=False) + "\n" for article in articles)


def test_a_mention_is_read_with_its_sentence() -> None:
    """Each mention of an article is a row with what is around it in its own sentence."""
    mentions = mewsli_mentions.read(_lines(_article(_mention(), _mention(46, native="m2"))), "f")
    assert [(row.native, row.values["left"], row.values["right"]) for row in mentions] == [
        ("m1", "In ", ", drivers went on strike."),
        ("m2", "", "\nstood still."),
    ]
    assert {(row.values["entity"], row.values["document"], row.values["language"]) for row in mentions} == {
        ("Q1757", "en-1", "en")
    }


def test_a_pair_is_read_with_its_entity() -> None:
    """A line of the training data has one mention, and the description of its entity beside it."""
    (row,) = mewsli_mentions.read(sample("mewsli_mentions").splitlines()[1], "f")
    assert (row.native, row.values["text"], row.values["described"]) == ("d1", "Espoo is a city.", "en")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (_article(_mention(), text=""), r"get-mewsli-x\.sh"),
        (_article(_mention(12)), "Helsinki"),
        (_article(_mention(60)), "67 characters"),
        (_article(_mention(4, CONTEXT[4:12])), "in no sentence"),
        (_article(_mention(), sentence_spans=[[0, 6]]), "sentence_spans"),
        (_article({"example_id": "m1"}), "mention_span"),
        (_article(_mention(native="")), "example_id"),
        ({"mentions": []}, "'context'"),
        ({"title": "a"}, "contextual_mention"),
    ],
)
def test_malformed_mentions_are_named(line: dict[str, Any], message: str) -> None:
    """What is not Mewsli-X's format, or does not agree with itself, is refused with line and mention."""
    with pytest.raises(DataError, match=message):
        mewsli_mentions.read(_lines(line), "f")


def test_entities_are_their_sentences() -> None:
    """The text of an entity is the sentences of its description on one line, in the language of the description."""
    entity = {
        "entity_id": "Q1",
        "title": "T",
        "description": "One.\nTwo. (left out) Three.",
        "description_language": "sw",
    }
    spans = [{"start": 0, "end": 4}, {"start": 5, "end": 9}, {"start": 21, "end": 27}]
    (row,) = mewsli_entities.read(_lines({**entity, "sentence_spans": spans}), "f")
    assert (row.native, row.values) == ("Q1", {"language": "sw", "text": "One. Two. Three."})
    with pytest.raises(DataError, match="description"):
        mewsli_entities.read('{"entity_id": "Q1"}\n', "f")
    with pytest.raises(DataError, match="JSON"):
        mewsli_entities.read(_lines({**entity, "sentence_spans": spans}) + '{"entity_id": "Q2", "desc', "f")


def _mewsli(folder: Path, mentions: str, pool: str = sample("mewsli_entities"), language: str = "en") -> Split:
    _write(folder, **{"mewslix/wikinews_mentions-test.jsonl": mentions})
    _write(folder, **{"mewslix/candidate_set_entities.jsonl": pool})
    return _load(folder, "mewsli_x", "test", language)


def test_languages_of_a_mixed_file_are_distinguished(tmp_path: Path) -> None:
    """One file has the mentions of all languages, with a byte order mark and CRLF; each language has its own."""
    german = _article(_mention(native="m2"), language="de")
    text = "\ufeff" + _lines(_article(_mention()), german).replace("\n", "\r\n")
    for language, native in (("en", "m1"), ("de", "m2")):
        assert [example.id for example in _mewsli(tmp_path, text, language=language).examples] == [
            f"mewsli_x/test/{language}/{native}"
        ]
    with pytest.raises(NoRows, match="no rows in ta"):
        _mewsli(tmp_path, text, language="ta")


def test_entities_and_mentions_that_occur_twice_are_refused(tmp_path: Path) -> None:
    """The two places are named, of candidates too."""
    twice = _lines(_article(_mention()), _article(_mention()))
    with pytest.raises(DataError, match="not unique"):
        _mewsli(tmp_path, twice)
    with pytest.raises(DataError, match="not unique"):
        _mewsli(tmp_path, _lines(_article(_mention())), sample("mewsli_entities") * 2)


def test_mewsli_without_its_candidates_names_the_remedy(tmp_path: Path) -> None:
    """Mentions without the file of candidates are missing data."""
    _write(tmp_path, **{"mewslix/wikinews_mentions-test.jsonl": _lines(_article(_mention()))})
    with pytest.raises(MissingData, match="download_mewslix"):
        _load(tmp_path, "mewsli_x", "test", "en")


def test_samples_are_read() -> None:
    """What each reader shows as a sample is read by it."""
    parts = [(text, f"f{index}") for index, text in enumerate(samples("line_pairs"))]
    assert len(line_pairs.read_parts(parts)) == 2
    assert len(mewsli_mentions.read(sample("mewsli_mentions"), "f")) == 2
    assert [row.values["sentences"] for row in squad_sentences.read(sample("squad_sentences"), "f")] == [
        ((0, 22), (23, 46))
    ]
