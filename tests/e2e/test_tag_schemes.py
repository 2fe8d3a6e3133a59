"""Schemes of tags: each that marks entities has the levels of IOB2, and a tag of no scheme is refused with its line."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from tests import imports
from tests.program import program

import robust_xtreme

pytestmark = pytest.mark.usefixtures("no_pages")


GOLD: Final = (
    ("B-ORG", "I-ORG", "O", "B-PER", "O"),
    ("B-PER", "B-PER", "I-PER", "I-PER", "O"),
    ("B-LOC", "O", "B-ORG", "B-LOC", "I-LOC"),
)
ANSWERS: Final = (
    ("B-ORG", "I-ORG", "O", "B-PER", "I-PER"),
    ("B-PER", "I-PER", "I-PER", "I-PER", "O"),
    ("B-LOC", "O", "B-ORG", "B-LOC", "I-LOC"),
)
SCHEMES: Final = {"IOB2": [*"BIIB"], "BILOU": [*"BILU"], "BIOES": [*"BIES"], "BMEWO": [*"BMEW"]}
"""The prefixes of the first, a further, the last and a single word of an entity."""

F1: Final = 100 * 2 * 4 / (7 + 6)
"""Four of seven gold entities are among six that are predicted."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder, in which rows are kept as a suite."""
    monkeypatch.chdir(tmp_path)


def in_scheme(tags: Sequence[str], name: str) -> list[str]:
    """Tags in IOB2 in another scheme."""
    first, inside, last, single = SCHEMES[name]
    written = []
    for tag, after in zip(tags, [*tags[1:], "O"], strict=True):
        ends = after != f"I-{tag[2:]}"
        prefix = (single if ends else first) if tag.startswith("B") else (last if ends else inside)
        written.append(tag if tag == "O" else f"{prefix}-{tag[2:]}")
    return written


def conll(path: Path, rows: Sequence[Sequence[str]]) -> str:
    """A file of words with their tags; each sentence has words of its own."""
    sentences = ("".join(f"w{row}x{at} {tag}\n" for at, tag in enumerate(tags)) for row, tags in enumerate(rows))
    path.write_text("\n".join(sentences), "utf-8")
    return str(path)


def levels(data: str, answers: Sequence[Sequence[str]], folder: Path) -> Mapping[str, float]:
    """The levels of answers, which a function gives, by metric, the headline first."""
    known = {f"w{row}x{at}": tag for row, tags in enumerate(answers) for at, tag in enumerate(tags)}
    module = types.ModuleType("tagger_of_schemes")
    vars(module)["tag"] = lambda rows: [[known[word] for word in words] for words in rows]
    sys.modules[module.__name__] = module
    words = ("--data", data, "-l", "en", "--model", "names=python:tagger_of_schemes:tag", "-q")
    ended = program("eval", *words, "-o", str(folder))
    assert ended.code == 0, ended.err
    run = robust_xtreme.load(folder)
    found = dict(run.scores.filter(~pl.col("model").str.contains("/"), scope="all").select("metric", "value").rows())
    return {metric: found[metric] for metric in next(iter(run.manifest["tasks"].values()))["metrics"]}


def rows(gold: Any, answers: Any) -> list[dict[str, Any]]:
    """Rows of a task of tags that is not one of ours."""
    return imports.labelled(gold, answers, task="names", language="en")


def imported(folder: Path, gold: Any, answers: Any) -> dict[str, float]:
    """The levels of imported rows of tags by metric."""
    folder.mkdir()
    run = robust_xtreme.load(imports.imported(folder, rows(gold, answers), "--family", "tagging"))
    return dict(run.scores.filter(scope="all", model="imported").select("metric", "value").rows())


@pytest.mark.parametrize(
    ("scheme", "other"), [("IOB2", "BILOU"), ("BILOU", "IOB2"), ("BIOES", "BIOES"), ("BMEWO", "BMEWO")]
)
def test_levels_do_not_depend_on_the_scheme_of_a_file_nor_on_that_of_the_answers(
    scheme: str, other: str, tmp_path: Path
) -> None:
    """The same entities have the F1 of IOB2, which is the headline, and the same accuracy, in `eval` and `import`."""
    gold, answers = ([in_scheme(tags, name) for tags in side] for side, name in ((GOLD, scheme), (ANSWERS, other)))
    level = levels(conll(tmp_path / "names.conll", gold), answers, tmp_path / "run")
    assert [*level] == ["span_f1", "token_accuracy"]
    assert [*level.values()] == pytest.approx([F1, 100 * 13 / 15])
    assert imported(tmp_path / "import", gold, answers) == pytest.approx(dict(level))


def test_a_suite_lists_its_tags_in_their_own_scheme(tmp_path: Path) -> None:
    """The levels are those of IOB2; a type that the suite does not list is refused as the file has it."""
    rows = [
        {"id": f"{row}", "tokens": [f"w{row}x{at}" for at in range(5)], "tags": in_scheme(tags, "BILOU")}
        for row, tags in enumerate(GOLD)
    ]
    labels = ["O", *(f"{prefix}-{kind}" for kind in ("PER", "ORG", "LOC") for prefix in "BILU")]
    (tmp_path / "names").mkdir()
    described = f'target = "tags"\nsplits = ["test"]\nlabels = {json.dumps(labels)}\n'
    facts = 'name = "own"\nversion = "1"\nsummary = "Names."\nlicence = "CC0"\nlanguages = ["en"]\n'
    (tmp_path / "suite.toml").write_text(f"{facts}\n[names]\n{described}", "utf-8")
    file = tmp_path / "names/test-en.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    assert levels(str(tmp_path), ANSWERS, tmp_path / "run")["span_f1"] == pytest.approx(F1)
    file.write_text(json.dumps({**rows[0], "tags": ["B-ORG", "L-ORG", "O", "U-DATE", "O"]}) + "\n", "utf-8")
    ended = program("data", "check", "--data", str(tmp_path))
    assert "'U-DATE'" in ended.out + ended.err
    (tmp_path / "suite.toml").write_text(f"{facts}\n[names]\n{described.replace('U-PER', 'PER-U')}", "utf-8")
    ended = program("eval", "--data", str(tmp_path), "--plan")
    assert (ended.code, len(ended.err.splitlines()), "'PER-U'" in ended.err) == (2, 1, True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("B-LOC", "LOC"),  # one slip
        ("B-LOC", "LOC-B"),
        ("B-LOC", "B_LOC"),
        ("B-LOC", "b-loc"),
    ],
)
def test_a_tag_without_a_prefix_among_tags_of_entities_is_refused(old: str, new: str, tmp_path: Path) -> None:
    """The headline does not become the accuracy of tags; the message names the tag and its line, or the example."""
    gold = [[*GOLD[0]], [*GOLD[1]], [new if tag == old and at else tag for at, tag in enumerate(GOLD[2])]]
    data = conll(tmp_path / "names.conll", gold)
    ended = program("eval", "--data", data, "-l", "en", "-o", str(tmp_path / "run"))
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    if new != "b-loc":  # which differs from another tag in case alone
        assert f"names.conll:16: the tag {new!r}" in ended.err
        (tmp_path / "import").mkdir()
        line = imports.refused(tmp_path / "import", rows(gold, gold), "--family", "tagging")
        assert f"{new!r} of the example" in line


@pytest.mark.parametrize("form", ["{1}-{0}", "{0}_{1}", "{0}"])
def test_a_scheme_that_is_not_read_is_refused(form: str, tmp_path: Path) -> None:
    """Suffixes, another separator, and positions without a type."""
    gold = [["O" if tag == "O" else form.format(*tag.split("-")) for tag in tags] for tags in GOLD]
    ended = program("eval", "--data", conll(tmp_path / "names.conll", gold), "-l", "en", "-o", str(tmp_path / "run"))
    assert (ended.code, len(ended.err.splitlines()), "BILOU" in ended.err) == (2, 1, True)
    (tmp_path / "import").mkdir()
    assert "BILOU" in imports.refused(tmp_path / "import", rows(gold, gold), "--family", "tagging")


def test_a_prediction_of_no_scheme_is_refused(tmp_path: Path) -> None:
    """A tag without its prefix would count as an entity."""
    answers = [*ANSWERS[:2], ("LOC", "O", "B-ORG", "B-LOC", "I-LOC")]
    assert "'LOC'" in imports.refused(tmp_path, rows(GOLD, answers), "--family", "tagging")


def test_a_word_after_the_last_one_of_an_entity_begins_another(tmp_path: Path) -> None:
    """Predictions need not follow their scheme: U and then L are two entities, of which one is right."""
    gold, answers = [["U-PER", "O", "B-LOC", "L-LOC"]], [["U-PER", "L-PER", "B-LOC", "L-LOC"]]
    assert imported(tmp_path / "import", gold, answers)["span_f1"] == pytest.approx(100 * 4 / 5)


@pytest.mark.parametrize(
    ("tags", "headline"),
    [
        (("NN", "PRP-S", "VB", "S-PRED", "X"), "token_accuracy"),  # hyphens among parts of speech
        (("INTJ", "BES", "O", "IN", "E"), "token_accuracy"),
        (("B-NP", "I-NP", "B-VP", "B-NP", "I-NP"), "span_f1"),  # chunks, and no word outside
    ],
)
def test_hyphens_alone_make_no_entities(tags: tuple[str, ...], headline: str, tmp_path: Path) -> None:
    """Parts of speech have an accuracy, and chunks that cover all words an F1."""
    data = conll(tmp_path / "names.conll", [tags, tags[::-1] if headline == "token_accuracy" else tags])
    answers = [tags, tags[::-1] if headline == "token_accuracy" else tags]
    assert next(iter(levels(data, answers, tmp_path / "run").items())) == (headline, 100.0)
