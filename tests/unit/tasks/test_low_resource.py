"""MasakhaNER and AmericasNLI: their releases' files in any state, clusters, and heads without a type of names."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from tests.sample_files import sample
from typer.testing import CliRunner

from robust_xtreme.cli._app import build
from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, MissingData
from robust_xtreme.core.examples import Choice, Example, Tags, Text
from robust_xtreme.core.specs import Origin, Row, TaskSpec
from robust_xtreme.models.labels import label_sets, mapped, outside, placed, unsupported_labels, unsupported_note
from robust_xtreme.tasks import groups
from robust_xtreme.tasks.formats import americasnli_tsv, conll
from robust_xtreme.tasks.sources.dataset import open_hub
from robust_xtreme.tasks.sources.release import Release
from robust_xtreme.tasks.sources.source import available, load
from robust_xtreme.training import lessons

MASAKHANER: TaskSpec = registry.load("task", "masakhaner")
AMERICASNLI: TaskSpec = registry.load("task", "americasnli")
PANX: TaskSpec = registry.load("task", "panx")

SENTENCES = "Shehu B-PER\nGusau I-PER\nya O\nzo O\nKano B-LOC\n\nranar B-DATE\n14 I-DATE\nẹ̀ka O\n"
PAIRS = [
    ("25051", "hch", "mu hekwa.", "neuka tita.", "contradiction"),
    ("25052", "hch", "mu hekwa.", "kwinie p+re.", "entailment"),
    ("25053", "hch", "mu hekwa.", "aix+ te+ite.", "neutral"),
    ("25057", "hch", 'neureta "h+awarie" …', "atsí neuka.", "neutral"),
]
HEADER = ("id", "language", "premise", "hypothesis", "label")


def _tsv(*rows: tuple[str, ...], header: tuple[str, ...] = HEADER) -> str:
    return "".join("\t".join(row) + "\n" for row in (header, *rows))


def _written(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return folder


def _names(folder: Path, code: str = "ha", split: str = "test") -> list[tuple[str, tuple[str, ...]]]:
    examples = load(MASAKHANER, folder, code, split).examples
    return [
        (example.texts["tokens"].value, example.target.names)
        for example in examples
        if isinstance(example.target, Tags)
    ]


WHOLE = [
    ("Shehu Gusau ya zo Kano", ("B-PER", "I-PER", "O", "O", "B-LOC")),
    ("ranar 14 ẹ̀ka", ("B-DATE", "I-DATE", "O")),
]


@pytest.mark.parametrize(
    "text",
    [
        SENTENCES,
        "\ufeff" + SENTENCES,
        SENTENCES.replace("\n", "\r\n"),
        SENTENCES.replace(" ", "\t"),
        SENTENCES.replace("O\n", "O \n"),
        "-DOCSTART- O\n\n" + SENTENCES,
        "-DOCSTART- -X- -X- O\n" + SENTENCES.replace("\n\n", "\n-DOCSTART- O\n"),
        SENTENCES.rstrip("\n"),
        SENTENCES.replace("\n\n", "\n \n\n"),
    ],
    ids=["plain", "mark", "crlf", "tab", "blank-behind", "document", "documents", "no-end", "blank-lines"],
)
def test_sentences_of_masakhaner_are_read_however_they_are_saved(tmp_path: Path, text: str) -> None:
    """Byte order mark, CRLF, tabs, lines between documents and a missing last line end change no sentence."""
    assert _names(_written(tmp_path, "masakhaner2/hau/test.txt", text)) == WHOLE


def test_decomposed_sentences_stay_decomposed(tmp_path: Path) -> None:
    """NFD is read as it is: words keep their code points, and tags their words."""
    decomposed = unicodedata.normalize("NFD", SENTENCES)
    names = _names(_written(tmp_path, "masakhaner2/hau/test.txt", decomposed))
    assert names == [(unicodedata.normalize("NFD", value), tags) for value, tags in WHOLE]


def test_sentences_in_another_order_keep_their_clusters(tmp_path: Path) -> None:
    """The cluster of a sentence is its words, wherever it is."""
    first, second = SENTENCES.rstrip("\n").split("\n\n")
    loaded = load(MASAKHANER, _written(tmp_path / "a", "masakhaner2/hau/test.txt", SENTENCES), "ha", "test").examples
    other = _written(tmp_path / "b", "masakhaner2/hau/test.txt", f"{second}\n\n{first}\n")
    clusters = [example.cluster for example in load(MASAKHANER, other, "ha", "test").examples]
    assert clusters == [example.cluster for example in loaded][::-1]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Shehu B-PER\nGusau\n", "Gusau"),
        ("Shehu B-PER\n O\n", "' O'"),
        ("Shehu B-PER\nGusau I-MISC\n", "I-MISC"),
        ("Shehu B-PER\nGus", "'Gus'"),
        (SENTENCES.replace("\n", "\r"), "LF or CRLF"),
        ("", "no examples"),
    ],
)
def test_a_broken_line_of_masakhaner_is_named(tmp_path: Path, text: str, line: str) -> None:
    """A word without a tag, a tag of another scheme, a file cut off within a line: the place and what is wrong."""
    with pytest.raises(DataError, match=line):
        load(MASAKHANER, _written(tmp_path, "masakhaner2/hau/test.txt", text), "ha", "test")


@pytest.mark.parametrize("within", ["masakhaner2", "MasakhaNER2.0/data", "masakhane-ner/MasakhaNER2.0/data"])
def test_the_layouts_of_masakhaner(tmp_path: Path, within: str) -> None:
    """The folders of languages alone, and clones of the release; languages go by the release's codes."""
    folder = _written(tmp_path, f"{within}/twi/dev.txt", SENTENCES)
    assert available(MASAKHANER, folder, "validation") == ("tw",)
    assert _names(folder, "tw", "validation") == WHOLE


def test_a_word_with_a_space_keeps_it() -> None:
    """The tag is after the last space."""
    (row,) = conll.read("San Francisco B-LOC\n", "f")
    assert (row.values["words"], row.values["tags"]) == (("San Francisco",), ("B-LOC",))


def test_masakhaner_says_what_brings_it_here() -> None:
    """The hub has a loading script instead of its files: the line names the way by release files."""
    with pytest.raises(MissingData, match="masakhane-ner"):
        load(MASAKHANER, open_hub("", offline=True), "ha", "test")


@pytest.mark.parametrize(
    ("task", "line"),
    [
        (MASAKHANER, "masakhaner2/twi"),
        (
            AMERICASNLI,
            "americasnli/test/quy",
        ),
    ],
    ids=["masakhaner", "americasnli"],
)
def test_files_that_are_not_there_are_named_with_what_brings_them(tmp_path: Path, task: TaskSpec, line: str) -> None:
    """XTREME's scripts write neither release, so the line does not send there."""
    with pytest.raises(MissingData, match=line) as error:
        load(task, tmp_path, "tw" if task is MASAKHANER else "qu", "test")
    assert "XTREME" not in str(error.value)


# --------------------------------------------------------------------------------------------------------- americasnli


def _pairs(folder: Path, text: str, code: str = "hch", split: str = "test") -> tuple[Example, ...]:
    name = {"test": "test", "validation": "dev"}[split]
    return load(AMERICASNLI, _written(folder, f"americasnli/{name}/{code}.tsv", text), code, split).examples


@pytest.mark.parametrize(
    "text",
    [_tsv(*PAIRS), "\ufeff" + _tsv(*PAIRS), _tsv(*PAIRS).replace("\n", "\r\n"), _tsv(*PAIRS).rstrip("\n")],
    ids=["plain", "mark", "crlf", "no-end"],
)
def test_pairs_of_americasnli_are_read_however_they_are_saved(tmp_path: Path, text: str) -> None:
    """Rows are counted, labels are XNLI's, and three hypotheses share premise and cluster, quotation marks and all."""
    examples = _pairs(tmp_path, text)
    assert [example.id for example in examples] == [f"americasnli/test/hch/{index}" for index in range(4)]
    assert [example.target for example in examples] == [Choice(2), Choice(0), Choice(1), Choice(1)]
    assert [example.cluster for example in examples] == ["xnli-test/0"] * 3 + ["xnli-test/2"]
    assert len({example.texts["premise"].id for example in examples}) == 2
    assert examples[3].texts["premise"].value == 'neureta "h+awarie" …'


def test_rows_and_columns_in_another_order_are_the_same_examples(tmp_path: Path) -> None:
    """Ids say which row is which, the header which column."""
    plain = {example.id: example for example in _pairs(tmp_path / "a", _tsv(*PAIRS))}
    turned = _tsv(*(row[::-1] for row in PAIRS[::-1]), header=HEADER[::-1])
    assert {example.id: example for example in _pairs(tmp_path / "b", turned)} == plain


BARE = _tsv(*(row[1:] for row in PAIRS), header=HEADER[1:])
OTHER = ("tar", "a", "b", "neutral")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("americasnli/test/hch.tsv", BARE),
        ("AmericasNLI/test/hch.tsv", BARE.partition("\n")[2]),
        ("americasnli/test/hch.tsv", _tsv(*PAIRS).partition("\n")[2]),
        ("americasnli/test.tsv", _tsv(OTHER, *(row[1:] for row in PAIRS), OTHER, header=HEADER[1:])),
        ("AmericasNLI/test.tsv", _tsv(("25051", *OTHER), *PAIRS)),
    ],
    ids=["header", "no-header", "ids-without-header", "all-languages", "all-languages-with-ids"],
)
def test_every_published_layout_has_the_same_examples(tmp_path: Path, name: str, text: str) -> None:
    """Without ids, without a header, in one file of all languages: the texts, ids and targets of the copy with ids."""
    plain = _pairs(tmp_path / "ids", _tsv(*PAIRS))
    examples = load(AMERICASNLI, _written(tmp_path / "bare", name, text), "hch", "test").examples
    assert [(example.id, example.texts, example.target) for example in examples] == [
        (example.id, example.texts, example.target) for example in plain
    ]
    clusters = [example.cluster for example in examples]
    assert [clusters.index(cluster) for cluster in clusters] == [0, 0, 0, 3]


def test_a_language_that_a_file_of_all_languages_does_not_have_is_missing(tmp_path: Path) -> None:
    """The file has no rows in it, as where a file is absent; the message names the codes of its rows."""
    folder = _written(tmp_path, "americasnli/test.tsv", BARE)
    with pytest.raises(MissingData, match="no rows in tar"):
        load(AMERICASNLI, folder, "tar", "test")


@pytest.mark.parametrize(
    ("language", "wrong", "right"),
    [("ay", "ay", "aym"), ("ay", "ayr", "aym"), ("gn", "grn", "gn"), ("qu", "quz", "quy")],
)
def test_a_file_named_by_another_code_of_the_language_is_named(
    tmp_path: Path, language: str, wrong: str, right: str
) -> None:
    """The file is not read, and the message has its name and the right one; files of other languages are not named."""
    folder = _written(tmp_path, f"americasnli/test/{wrong}.tsv", BARE)
    what = "and not read"
    with pytest.raises(MissingData, match=what):
        load(AMERICASNLI, folder, language, "test")
    with pytest.raises(MissingData, match="Looked for"):
        load(AMERICASNLI, folder, "tar", "test")


def test_a_file_of_all_languages_with_other_codes_is_reported_once(tmp_path: Path) -> None:
    """`data check` has one reason for all languages of the task."""
    rows = (("que", "a", "b", "neutral"), ("xx", "a", "b", "entailment"))
    folder = _written(tmp_path, "americasnli/test.tsv", _tsv(*rows, header=HEADER[1:]))
    shown = CliRunner().invoke(build(), ["data", "check", "--data", str(folder), "--tasks", "americasnli"]).stdout
    (reason,) = [line for line in shown.splitlines() if "has no rows in" in line]
    assert reason.endswith("americasnli/test.tsv has no rows in {language}; its languages are que, xx.")


def test_decomposed_pairs_stay_decomposed(tmp_path: Path) -> None:
    """NFD is read as it is."""
    examples = _pairs(tmp_path, unicodedata.normalize("NFD", _tsv(*PAIRS)))
    assert examples[3].texts["hypothesis"].value == unicodedata.normalize("NFD", "atsí neuka.")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (_tsv(*PAIRS)[:-20], "4 columns"),
        (_tsv(*PAIRS, PAIRS[0]), "not unique"),
        (_tsv(*PAIRS, header=HEADER[:4]), "columns label"),
        (_tsv(PAIRS[0], ("25099", "tar", "a", "b", "neutral")), "'tar'"),
        (_tsv(("x1", "hch", "a", "b", "neutral")), "'x1'"),
        (_tsv(("9" * 5000, "hch", "a", "b", "neutral")), "9{40}"),
        (_tsv(("25051", "hch", "a", "b", "maybe")), "maybe"),
        (_tsv(), "no examples"),
        (
            "a\tb\tneutral\n",
            "3 columns without",
        ),
        ("a b\tc\td\tneutral\n", "4 columns without"),
        ("hch\ta\tb\tneutral\nhch\ta\tb\n", "3 columns, the first"),
    ],
    ids=[
        "cut",
        "twice",
        "column",
        "languages",
        "id",
        "long-id",
        "label",
        "empty",
        "foreign",
        "texts",
        "cut-without-header",
    ],
)
def test_a_broken_file_of_americasnli_is_named(tmp_path: Path, text: str, line: str) -> None:
    """A file cut off, ids that are twice, a missing column, two languages, odd ids, labels: one line, the place."""
    with pytest.raises(DataError, match=line):
        _pairs(tmp_path, text)


def test_translations_share_their_cluster_though_rows_are_missing(tmp_path: Path) -> None:
    """Rows missing in one language do not shift the clusters of the others, which are those of XNLI's Spanish rows."""
    rows = {
        code: _tsv(*((str(number), code, code, f"h{number}", "neutral") for number in numbers))
        for code, numbers in {"tar": (12451, 12452, 12475), "nah": (12452, 12475, 12476, 14940)}.items()
    }
    clusters = {
        code: [example.cluster for example in _pairs(tmp_path, text, code, "validation")] for code, text in rows.items()
    }
    assert clusters == {
        "tar": ["xnli-validation/0", "xnli-validation/0", "xnli-validation/8"],
        "nah": ["xnli-validation/0", "xnli-validation/8", "xnli-validation/8", "xnli-validation/829"],
    }


def test_a_row_without_an_id_is_clustered_by_its_premise() -> None:
    """The hub's rows have none: equal premises are one cluster, of that language alone."""
    rows = tuple(Row(str(at), f"f:{at}", {"first": p, "second": "h", "label": "neutral"}) for at, p in enumerate("aab"))
    first, second, third = AMERICASNLI.adapt(rows, Origin("americasnli", "test", "hch"))
    assert first.cluster == second.cluster != third.cluster
    assert first.cluster.startswith("premise/")


@pytest.mark.parametrize("within", ["americasnli", "AmericasNLI", "data/anli_final", "americasnli/data/anli_final"])
def test_the_layouts_of_americasnli(tmp_path: Path, within: str) -> None:
    """The folders of splits alone, and clones of the release; languages go by the release's codes."""
    _written(tmp_path, f"{within}/test/quy.tsv", _tsv(("25051", "quy", "a", "b", "neutral")))
    assert available(AMERICASNLI, tmp_path, "test") == ("qu",)


def test_samples_are_whole_files() -> None:
    """Both readers read their sample."""
    assert len(conll.read(sample("conll"), "f")) == 2
    assert len(americasnli_tsv.read(sample("americasnli_tsv"), "f")) == 2
    assert americasnli_tsv.read("", "f") == conll.read("", "f") == ()


def test_the_group_of_low_resource_tasks() -> None:
    """`low-resource` means both tasks in all of their languages: twenty and ten, as the papers list them."""
    languages = groups.chosen(["low-resource"])
    assert {name: len(codes) for name, codes in languages.items()} == {"americasnli": 10, "masakhaner": 20}
    assert all(languages[task.name] == task.languages for task in (AMERICASNLI, MASAKHANER))


def test_a_task_without_training_data_names_the_head_that_answers_it() -> None:
    """AmericasNLI is evaluated with heads of XNLI; training for it says so."""
    with pytest.raises(MissingData, match="--tasks xnli"):
        lessons.read(AMERICASNLI, Release(Path("nowhere")), AMERICASNLI.train_languages)


# --------------------------------------------------------------------------------------------------------- unsupported


def _tagged(*tags: str) -> Example:
    return Example("x", {"tokens": Text("x/tokens", "ha", "a b c")}, Tags(tags), "c")


def test_a_head_of_pan_x_has_no_dates() -> None:
    """What its classes do not name is gold O, with the data's fingerprint, and a sentence says so."""
    missing = unsupported_labels(PANX.labels, MASAKHANER)
    assert missing == ("B-DATE", "I-DATE")
    clean = _tagged("B-PER", "B-DATE", "I-DATE")
    (rewritten,) = outside([clean], missing)
    assert rewritten.target == Tags(("B-PER", "O", "O"))
    assert (rewritten.fingerprint, rewritten.cluster, rewritten.texts) == (
        clean.fingerprint,
        clean.cluster,
        clean.texts,
    )
    line = "masakhaner: the head has no class for DATE; gold DATE counts as O."
    assert unsupported_note(PANX.labels, MASAKHANER) == line


def test_a_head_of_its_own_has_everything() -> None:
    """MasakhaNER's own head, schemes without B-, and tasks whose tags are not names are scored on all tags."""
    example = _tagged("B-DATE", "I-DATE", "O")
    assert unsupported_labels(MASAKHANER.labels, MASAKHANER) == ()
    assert unsupported_labels(("O", "I-PER", "I-ORG", "I-LOC", "I-DATE"), MASAKHANER) == ()
    assert unsupported_labels(("NOUN", "VERB"), registry.load("task", "udpos")) == ()
    assert outside([example], ()) == (example,)
    assert unsupported_note(MASAKHANER.labels, MASAKHANER) == unsupported_note((), AMERICASNLI) == ""


def test_a_checkpoint_without_dates_is_taken_for_masakhaner() -> None:
    """A checkpoint's classes are those of the task, or of an accepted one; dates are found where it has them."""
    labels = ("O", "B-DATE", "I-DATE", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
    without = tuple(label for label in labels if not label.endswith("DATE"))
    assert placed(labels, MASAKHANER) == mapped(labels, MASAKHANER, "m") == labels
    assert placed(without, MASAKHANER) == without
    assert placed(("O", "B-PER", "I-PER"), MASAKHANER) is None
    assert label_sets(MASAKHANER) == (MASAKHANER.labels, PANX.labels)
    assert label_sets(PANX) == (PANX.labels,)
    assert label_sets(AMERICASNLI) == (AMERICASNLI.labels,)
