"""The reader of treebanks: the words and tags of XTREME's conversion, and the location of each error."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.tiny import tiny_run

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, MissingData
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.core.specs import Origin, TaskSpec
from robust_xtreme.run.plan import make_plan
from robust_xtreme.tasks.formats import conllu
from robust_xtreme.tasks.sources.source import available, load, resolve

UDPOS: TaskSpec = registry.load("task", "udpos")

TREE = """# newdoc id = d1
# sent_id = d1-1
# text = Vámonos al mar del sur.
1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tVamos\tir\tVERB\t_\t_\t0\troot\t_\t_
2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_
3-4\tal\t_\t_\t_\t_\t_\t_\t_\t_
3\ta\ta\tADP\t_\t_\t5\tcase\t_\t_
4\tel\tel\tDET\t_\t_\t5\tdet\t_\t_
5\tmar\tmar\tNOUN\t_\t_\t1\tobl\t_\t_
5.1\tdado\tdar\tVERB\t_\t_\t_\t_\t5:dep\t_
6-7\tdel\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No
6\tde\tde\tADP\t_\t_\t8\tcase\t_\t_
7\tel\tel\tDET\t_\t_\t8\tdet\t_\t_
8\tsur\tsur\tNOUN\t_\t_\t5\tnmod\t_\tSpaceAfter=No
9\t.\t.\tPUNCT\t_\t_\t1\tpunct\t_\t_

# sent_id = d1-2
1\t10 000\t10 000\tNUM\t_\t_\t2\tnummod\t_\t_
2\tمی\u200cروم\tرفتن\tVERB\t_\t_\t0\troot\t_\t_

"""
FILE = """Vámonos\tVERB
al\tADP
mar\tNOUN
del\tADP
sur\tNOUN
.\tPUNCT

10000\tNUM
میروم\tVERB
"""
"""What XTREME's scripts write for that tree."""


def line(number: object, form: str, tag: str, head: object = 0, deps: str = "_") -> str:
    """One line of a treebank."""
    return f"{number}\t{form}\t_\t{tag}\t_\t_\t{head}\t_\t{deps}\t_\n"


def parsed(text: str, path: str = "ud/xx_test-ud-test.conllu") -> list[tuple[tuple[str, ...], tuple[str, ...] | None]]:
    """The words and tags of each sentence."""
    return [(row.values["words"], row.values["tags"]) for row in conllu.read(text, path)]


def folder(root: Path, files: Mapping[str, str]) -> Path:
    """A data folder with those files."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def test_multi_word_tokens_are_one_word_with_the_tag_of_their_head() -> None:
    """A verb with its pronoun is a verb; of equals, a preposition precedes its article; empty nodes are not words."""
    (words, tags), _ = parsed(TREE)
    assert words == ("Vámonos", "al", "mar", "del", "sur", ".")
    assert tags == ("VERB", "ADP", "NOUN", "ADP", "NOUN", "PUNCT")


def test_blanks_and_non_joiners_within_words_are_taken_out() -> None:
    """As XTREME's preprocessing does, so that a word is one word and no file needs a quote."""
    assert parsed(TREE)[1] == (("10000", "می" + "روم"), ("NUM", "VERB"))


@pytest.mark.parametrize(("split", "part", "code"), [("train", "train", "en"), ("validation", "dev", "es")])
def test_both_layouts_give_the_same_examples(tmp_path: Path, split: str, part: str, code: str) -> None:
    """A treebank, and what XTREME's scripts make of it, have the same ids, texts, tags and clusters."""
    raw = folder(tmp_path / "raw", {f"ud/UD_X/{code}_x-ud-{part}.conllu": TREE})
    made = folder(tmp_path / "made", {f"udpos/{part}-{code}.tsv": FILE})
    loaded = load(UDPOS, made, code, split).examples
    assert len(loaded) == 2
    assert load(UDPOS, raw, code, split).examples == loaded


@pytest.mark.parametrize(("path", "tag"), [("ud/xx_a-ud-test.conllu", "NOUN"), ("it_a-ud-test.conllu", "AUX")])
def test_equals_go_by_the_precedence_of_their_language(path: str, tag: str) -> None:
    """Where parts are equally near the root, the list of the language decides, and what it leaves out comes last."""
    text = line("1-2", "ab", "_", "_") + line(1, "a", "NOUN", 3) + line(2, "b", "AUX", 3) + line(3, "c", "VERB")
    assert parsed(text, path)[0][1] == (tag, "VERB")


def test_the_enhanced_tree_counts_for_what_is_nearest_the_root() -> None:
    """XTREME's conversion adds the edges of the column DEPS: a part with fewer words above it is the head."""
    rows = [line(1, "a", "NOUN", 3), line(2, "b", "PART", 3), line(3, "c", "VERB"), line(4, "d", "ADV", 3)]
    assert parsed(line("1-2", "ab", "_", "_") + "".join(rows))[0][1] == ("NOUN", "VERB", "ADV")
    rows[0] = line(1, "a", "NOUN", 3, "4:nsubj|8.1:obj|3:dep")
    assert parsed(line("1-2", "ab", "_", "_") + "".join(rows))[0][1] == ("PART", "VERB", "ADV")


def test_a_circle_of_heads_ends() -> None:
    """Enhanced trees may have circles, and a damaged file has them anyhow."""
    text = line("1-2", "ab", "_", "_") + line(1, "a", "ADP", 2, "2:x|1:y") + line(2, "b", "NOUN", 1)
    assert parsed(text) == [(("ab",), ("NOUN",))]


@pytest.mark.parametrize(
    ("forms", "kept"),
    [("_ _ _", False), ("_", False), ("a _", False), ("_ a _", False), ("a b _", True), ("a _ _ b", True), ("a", True)],
)
def test_sentences_whose_words_are_withheld_are_left_out(forms: str, kept: bool) -> None:
    """One with a `_` and at most one other word goes, as in XTREME's preprocessing; one `_` among words is a word."""
    text = "".join(line(index, form, "NOUN") for index, form in enumerate(forms.split(), start=1))
    assert bool(parsed(text)) == kept


@pytest.mark.parametrize(
    "text",
    [
        TREE.replace("\n", "\r\n"),
        "\n\n" + TREE.replace("\n\n", "\n\n\n"),
        TREE.rstrip("\n") + "\n",
        TREE.replace("# newdoc id = d1\n", "# newdoc id = d1\n\n"),
        TREE.replace("\tSpaceAfter=No", "\t_"),
    ],
)
def test_line_ends_comments_and_further_empty_lines_are_ignored(text: str) -> None:
    """CRLF, no empty line at the end, several in a row and comments by themselves give the same sentences."""
    assert parsed(text) == parsed(TREE)


def test_a_byte_order_mark_and_decomposed_letters(tmp_path: Path) -> None:
    """The mark goes, and letters stay as they are: their normalisation is a property of the data."""
    text = unicodedata.normalize("NFD", TREE)
    data = folder(tmp_path, {"ud/UD_X/es_x-ud-test.conllu": "\ufeff" + text})
    (first, _) = load(UDPOS, data, "es", "test").examples
    assert first.texts["tokens"].value.startswith(unicodedata.normalize("NFD", "Vámonos"))


def test_treebanks_of_a_language_go_one_after_the_other_by_file_name(tmp_path: Path) -> None:
    """As XTREME concatenates them: by the names of the files, not of the folders; other languages stay out."""
    files = {
        "ud/UD_English-PUD/en_pud-ud-test.conllu": line(1, "third", "ADJ"),
        "ud/UD_English-ParTUT/en_partut-ud-test.conllu": line(1, "second", "ADJ"),
        "ud/UD_English-EWT/en_ewt-ud-test.conllu": line(1, "first", "ADJ"),
        "ud/UD_English-EWT/en_ewt-ud-dev.conllu": line(1, "not", "ADV"),
        "ud/UD_Estonian-X/et_x-ud-test.conllu": line(1, "esimene", "ADJ"),
    }
    split = load(UDPOS, folder(tmp_path, files), "en", "test")
    assert [example.texts["tokens"].value for example in split.examples] == ["first", "second", "third"]
    assert [example.id for example in split.examples] == [f"udpos/test/en/{number}" for number in range(3)]
    assert [name.rpartition("/")[2] for name, _ in split.files] == [
        "en_ewt-ud-test.conllu",
        "en_partut-ud-test.conllu",
        "en_pud-ud-test.conllu",
    ]


def test_the_official_version_of_a_language_is_found(tmp_path: Path) -> None:
    """XTREME's languages are read from UD 2.5 and XTREME-R's five more from 2.7, where the releases are unpacked."""
    files = {
        f"ud-treebanks-v{version}/UD_X/{code}_x-ud-test.conllu": line(1, version, "NUM")
        for version in ("2.5", "2.7")
        for code in ("de", "lt")
    }
    data = folder(tmp_path, files)
    first_texts = {code: load(UDPOS, data, code, "test").examples[0].texts["tokens"].value for code in ("de", "lt")}
    assert first_texts == {"de": "2.5", "lt": "2.7"}


def test_files_without_tags_are_unlabelled(tmp_path: Path) -> None:
    """XTREME's test files have words only, a blind treebank has `_` for every tag; `auto` continues to validation."""
    assert parsed("a\nb\n\nc\n", "udpos/test-de.tsv") == [(("a", "b"), None), (("c",), None)]
    assert parsed(line(1, "a", "_") + "\n" + line(1, "b", "_")) == [(("a",), None), (("b",), None)]
    data = folder(tmp_path, {"udpos/test-de.tsv": "a\nb\n\nc\n", "udpos/dev-de.tsv": FILE})
    assert not load(UDPOS, data, "de", "test").labelled
    assert resolve(UDPOS, data, "auto", "de").split == "validation"


def test_tags_of_version_1_are_named_and_no_run_stops(tmp_path: Path) -> None:
    """CONJ is not a tag of version 2: the language is left out by name with the reason, the others are evaluated."""
    old = line(1, "و", "CONJ", 2) + line(2, "ب", "NOUN")
    data = folder(tmp_path, {"ud/UD_A/ar-ud-test.r1.2.conllu": old, "ud/UD_X/es_x-ud-test.conllu": TREE})
    with pytest.raises(MissingData, match=r"\(CONJ\)"):
        load(UDPOS, data, "ar", "test")
    assert available(UDPOS, data, "test") == ("ar", "es")
    model = tiny_run(tmp_path / "run", ["udpos"])
    plan = make_plan(RunSpec((str(model),), str(data), tasks=("udpos",), languages=("ar", "es"), device="cpu"))
    assert [task_run.language for task_run in plan.task_runs] == ["es"]
    (left,) = plan.not_run
    assert (left.task, left.language) == ("udpos", "ar")
    assert left.detail.startswith("ud/UD_A/ar-ud-test.r1.2.conllu has tags of Universal Dependencies 1 (CONJ)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (line(1, "a", "NOUN") + "2\tb\t_\tNOUN\n", "4 columns"),
        ("1 a _ NOUN _ _ 0 _ _ _\n", "1 column"),
        (
            line(1, "a", "NOUN") + line(3, "b", "NOUN"),
            "line is missing",
        ),
        (line(2, "a", "NOUN") + line(1, "b", "NOUN"), "'2', expected 1"),
        (line("x", "a", "NOUN"), "'x'"),
        (line(1, "a", "NOUN", 3) + line(2, "b", "VERB"), "names word 3"),
        (line(1, "a", "NOUN") + line("1-2", "ab", "_", "_"), "not before"),
        (line("2-1", "ab", "_", "_") + line(1, "a", "NOUN"), "2-1"),
        (
            line("1-2", "ab", "_") + line(1, "a", "X") + line("2-3", "bc", "_") + line(2, "b", "X") + line(3, "c", "X"),
            "overlaps",
        ),
        (
            "# sent_id = s\n" + line(1, "a", "X") + "\n# sent_id=s\n" + line(1, "b", "X"),
            "sent_id",
        ),
    ],
)
def test_what_is_not_a_treebank_is_named_with_its_line(text: str, message: str) -> None:
    """Lost, moved and cut lines, tokens out of their place and a sent_id that is twice are refused on one line."""
    with pytest.raises(DataError, match=message) as caught:
        conllu.read(text, "x_y")
    assert "\n" not in str(caught.value)


def test_both_places_of_a_sent_id_are_named() -> None:
    """A sentence that is twice in a file is a mistake; two treebanks may each have a sentence 1."""
    block = "# sent_id = s\n" + line(1, "a", "X") + "\n"
    with pytest.raises(DataError, match="not unique"):
        conllu.read(block + block, "f")


def test_a_file_cut_off_within_a_line_is_noticed() -> None:
    """Every piece of the sample whose last line has lost a column is refused."""
    for stop in range(TREE.index("1-2"), len(TREE)):
        piece = TREE[:stop]
        last = piece.rpartition("\n")[2]
        if last and not last.startswith("#") and last.count("\t") < 9:
            with pytest.raises(DataError, match=rf"f:{piece.count(chr(10)) + 1}: .*columns?"):
                conllu.read(piece, "f")


def test_a_last_line_without_its_end_is_cut_off() -> None:
    """CoNLL-U ends with a line break: without it the last word's last column may have lost letters."""
    whole = "# sent_id = s\n" + line(1, "a", "NOUN").removesuffix("_\n") + "SpaceAfter=No\n"
    for lost in ("\n", "=No\n", "paceAfter=No\n"):
        with pytest.raises(DataError, match="cut off"):
            conllu.read(whole.removesuffix(lost), "f")
    assert len(conllu.read(whole, "f")) == 1


def test_an_unknown_tag_is_named_with_the_tags_there_are(tmp_path: Path) -> None:
    """A misspelt tag is refused with the place of its sentence; `_` among tags is none."""
    for tag in ("NOM", "_"):
        data = folder(tmp_path, {"ud/UD_X/es_x-ud-test.conllu": line(1, "a", "X", 2) + line(2, "b", tag)})
        with pytest.raises(DataError, match=rf"es_x-ud-test\.conllu:1: .*'{tag}'"):
            load(UDPOS, data, "es", "test")


def test_rows_of_a_suite() -> None:
    """Tokens and tags, as of other taggings."""
    row = {"tokens": ["a", "b"], "tags": ["X", "NOUN"]}
    assert conllu.record(row, "f:1") == {"words": ("a", "b"), "tags": ("X", "NOUN")}
    with pytest.raises(DataError, match="2 tokens"):
        conllu.record({**row, "tags": ["X"]}, "f:1")


def test_seventeen_tags_in_the_groups_of_the_benchmarks() -> None:
    """XTREME-R has 38 languages, XTREME 33 of them; the score of the averages is the official F1."""
    assert len(UDPOS.labels) == 17
    assert len(UDPOS.groups["xtreme-r"]) == 38
    assert set(UDPOS.groups["xtreme-r"]) - set(UDPOS.groups["xtreme"]) == {"lt", "pl", "ro", "uk", "wo"}
    assert (UDPOS.metrics[0], UDPOS.score) == ("token_accuracy", ("span_f1",))


def test_sentences_of_the_parallel_treebanks_are_clusters_by_their_sent_id() -> None:
    """A sentence of a PUD treebank has the same cluster in every language; other treebanks name none."""
    (row, _) = conllu.read(TREE, "ud/UD_Spanish-PUD/es_pud-ud-test.conllu")
    assert row.cluster == "pud/d1-1"
    example, *_ = UDPOS.adapt((row,), Origin("udpos", "test", "es"))
    assert example.cluster == "pud/d1-1"
    assert {row.cluster for row in conllu.read(TREE, "ud/UD_Spanish-GSD/es_gsd-ud-test.conllu")} == {""}
