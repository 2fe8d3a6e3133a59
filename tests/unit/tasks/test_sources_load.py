"""Splits: which file, which rows, which of them, and the errors where there is none."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sample_files import sample

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, MissingData, SpecError, UnknownName, UserError
from robust_xtreme.core.examples import Answers, Choice, Example, Span, Tags, Target, Text
from robust_xtreme.core.specs import Files, TaskSpec
from robust_xtreme.tasks.sources.rows import data_identity, limit, limit_note
from robust_xtreme.tasks.sources.source import available, is_labelled, load, resolve

XNLI: TaskSpec = registry.load("task", "xnli")
PANX: TaskSpec = registry.load("task", "panx")
XQUAD: TaskSpec = registry.load("task", "xquad")
TYDIQA: TaskSpec = registry.load("task", "tydiqa")

PAIRS = [('Anna said "no".', f"Hypothesis {label}", label) for label in ("neutral", "entailment", "contradiction")]


def _write(folder: Path, path: str, text: str) -> Path:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
    return file


def _plain(rows: Sequence[tuple[str, ...]]) -> str:
    return "".join("\t".join(row) + "\n" for row in rows)


def _csv(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows as XTREME's preprocessing writes them: a CSV writer with tabs."""
    out = io.StringIO()
    csv.writer(out, delimiter="\t").writerows(rows)
    return out.getvalue()


def _squad(questions: list[tuple[str, str, str]], blank: bool = False) -> str:
    """SQuAD's JSON of (id, context, answer), a paragraph each; blank as XTREME leaves what it evaluates."""
    paragraphs = []
    for id, context, answer in questions:
        gold = {"text": "", "answer_start": 0} if blank else {"text": answer, "answer_start": context.index(answer)}
        paragraphs.append({"context": context, "qas": [{"id": id, "question": f"{id}?", "answers": [gold]}]})
    return json.dumps({"version": "1.1", "data": [{"paragraphs": paragraphs}]}, ensure_ascii=False)


def _example(id: str, cluster: str, target: Target = Choice(0)) -> Example:  # noqa: B008 - frozen
    return Example(id, {"premise": Text(id, "en", id)}, target, cluster)


def test_both_layouts_of_xnli_give_the_same_examples(tmp_path: Path) -> None:
    """Plain lines and the quoted CRLF lines of XTREME's preprocessing have the same ids and fingerprints."""
    _write(tmp_path / "plain", "xnli/dev-en.tsv", _plain(PAIRS))
    _write(tmp_path / "xtreme", "xnli/dev-en.tsv", _csv(PAIRS))
    plain, xtreme = (load(XNLI, tmp_path / layout, "en", "validation") for layout in ("plain", "xtreme"))
    assert plain.examples == xtreme.examples
    assert plain.examples[0].texts["premise"].value == PAIRS[0][0]
    assert plain.files != xtreme.files


def test_files_are_recorded_with_their_hash(tmp_path: Path) -> None:
    """A split names its file under the data folder and the sha256 of its bytes."""
    file = _write(tmp_path, "xnli/dev-en.tsv", "\ufeff" + _plain(PAIRS))
    assert load(XNLI, tmp_path, "en", "validation").files == (
        ("xnli/dev-en.tsv", hashlib.sha256(file.read_bytes()).hexdigest()),
    )


def test_both_layouts_of_english_training_pairs(tmp_path: Path) -> None:
    """XNLI trains on XTREME's MNLI file or on the sample with named columns; other languages have neither."""
    _write(tmp_path / "a", "xnli/train-en.tsv", _csv(PAIRS))
    _write(tmp_path / "b", "mnli/taxinli10k.tsv", "prem\thyp\tlabel\n" + _csv(PAIRS))
    ours, theirs = (load(XNLI, tmp_path / name, "en", "train") for name in "ab")
    assert [example.fingerprint for example in ours.examples] == [example.fingerprint for example in theirs.examples]
    assert len({example.cluster for example in ours.examples}) == 1
    assert available(XNLI, tmp_path / "b", "train") == ("en",)
    with pytest.raises(MissingData, match=r"train-sw\.tsv"):
        load(XNLI, tmp_path / "b", "sw", "train")


@pytest.mark.parametrize(
    "path", ["tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.sw.dev.json", "tydiqa_goldp/tydiqa.goldp.sw.dev.json"]
)
def test_both_layouts_of_tydiqa(tmp_path: Path, path: str) -> None:
    """TyDiQA is found in XTREME's folders and in one flat folder, and emptied answers are not labels."""
    _write(tmp_path, path, _squad([("q1", "Amezaliwa Butiama.", "Butiama")], blank=True))
    loaded = load(TYDIQA, tmp_path, "sw", "validation")
    assert (loaded.files[0][0], loaded.labelled) == (path, False)
    assert available(TYDIQA, tmp_path, "auto") == ("sw",)


def test_the_release_of_tydiqa_goes_before_the_emptied_copy(tmp_path: Path) -> None:
    """Where the release's own development file is beside XTREME's, its answers are read."""
    folder = "tydiqa/tydiqa-goldp-v1.1-dev/"
    questions = [("swahili-1-0", "Amezaliwa Butiama.", "Butiama")]
    _write(tmp_path, folder + "tydiqa.goldp.sw.dev.json", _squad(questions, blank=True))
    _write(tmp_path, folder + "tydiqa-goldp-dev-swahili.json", _squad(questions))
    resolved = resolve(TYDIQA, tmp_path, "auto", "sw")
    assert (resolved.labelled, resolved.split, resolved.examples[0].id) == (
        True,
        "validation",
        "tydiqa/validation/sw/swahili-1-0",
    )


def test_training_ids_of_tydiqa_are_ordinals(tmp_path: Path) -> None:
    """XTREME cuts the ids of TyDiQA's training files so that they repeat: rows are named by their place."""
    questions = [("0", "Amezaliwa Butiama.", "Butiama"), ("0", "Anaishi Dodoma.", "Dodoma")]
    _write(tmp_path, "tydiqa/tydiqa-goldp-v1.1-train/tydiqa.goldp.en.train.json", _squad(questions))
    assert [example.id for example in load(TYDIQA, tmp_path, "en", "train").examples] == [
        "tydiqa/train/en/0",
        "tydiqa/train/en/1",
    ]


def test_the_layouts_of_xquad_cluster_alike(tmp_path: Path) -> None:
    """XTREME's copy has a paragraph per question and no answers: clusters and ids are those of the release."""
    questions = [
        ("q2", "Amezaliwa Butiama.", "Butiama"),
        ("q1", "Amezaliwa Butiama.", "Amezaliwa"),
        ("q3", "Dodoma", "Dodoma"),
    ]
    _write(tmp_path / "release", "xquad/xquad.de.json", _squad(questions))
    _write(tmp_path / "xtreme", "xquad/xquad.de.json", _squad(questions, blank=True))
    release, xtreme = (load(XQUAD, tmp_path / name, "de", "validation") for name in ("release", "xtreme"))
    assert [(example.id, example.cluster) for example in release.examples] == [
        (example.id, example.cluster) for example in xtreme.examples
    ]
    assert [example.cluster for example in release.examples] == ["passage/q1", "passage/q1", "passage/q3"]
    assert (release.labelled, xtreme.labelled) == (True, False)


def test_squad_is_xquads_training_data(tmp_path: Path) -> None:
    """English SQuAD is where XTREME's script puts it; no other language trains."""
    _write(tmp_path, "squad/train-v1.1.json", sample("squad"))
    assert load(XQUAD, tmp_path, "en", "train").examples[0].id == "xquad/train/en/q1"
    with pytest.raises(MissingData, match="none in that language"):
        load(XQUAD, tmp_path, "de", "train")


def test_panx_has_one_layout(tmp_path: Path) -> None:
    """PAN-X has the same files in both layouts, and XTREME strips the tags of test."""
    _write(tmp_path, "panx/dev-sw.tsv", sample("iob2"))
    _write(tmp_path, "panx/test-sw.tsv", "Julius\nNyerere\n\nButiama\n\n")
    test = load(PANX, tmp_path, "sw", "test")
    assert (len(test.examples), test.labelled) == (2, False)
    assert load(PANX, tmp_path, "sw", "validation").labelled


def test_auto_takes_test_where_it_has_labels(tmp_path: Path) -> None:
    """The split `auto` is test, or validation where test is absent or has no labels, and says which it was."""
    _write(tmp_path, "xnli/dev-en.tsv", _plain(PAIRS))
    assert resolve(XNLI, tmp_path, "auto", "en").split == "validation"
    _write(tmp_path, "xnli/test-en.tsv", _plain([pair[:2] for pair in PAIRS]))
    assert resolve(XNLI, tmp_path, "auto", "en").split == "validation"
    _write(tmp_path, "xnli/test-en.tsv", _plain([(*pair[:2], "neutral") for pair in PAIRS]))
    assert resolve(XNLI, tmp_path, "auto", "en").split == "validation"
    _write(tmp_path, "xnli/test-en.tsv", _plain(PAIRS))
    assert resolve(XNLI, tmp_path, "auto", "en").split == "test"
    assert resolve(XNLI, tmp_path, "validation", "en").split == "validation"


def test_nothing_labelled_is_an_error_that_names_the_files(tmp_path: Path) -> None:
    """Where `auto` finds only unlabelled files, it names them and says why they are so."""
    _write(tmp_path, "panx/test-sw.tsv", "Julius\n")
    with pytest.raises(MissingData, match="no labels"):
        resolve(PANX, tmp_path, "auto", "sw")


def test_missing_files_are_named_with_every_path(tmp_path: Path) -> None:
    """The error names task, language, split, and all paths that were looked for."""
    with pytest.raises(MissingData, match="goldp-dev-korean"):
        load(TYDIQA, tmp_path, "ko", "validation")
    with pytest.raises(MissingData, match="no test or validation"):
        resolve(XNLI, tmp_path, "auto", "sw")
    with pytest.raises(MissingData, match="does not exist"):
        load(XNLI, tmp_path / "absent", "sw", "test")


@pytest.mark.parametrize("code", ["xx", "../../etc/passwd", "", "en/../en", "pl"])
def test_a_language_that_the_task_does_not_have_never_reaches_a_path(tmp_path: Path, code: str) -> None:
    """An unknown code is refused before any path is made of it."""
    with pytest.raises(UnknownName, match="language of xnli"):
        load(XNLI, tmp_path, code, "validation")


def test_unknown_splits_are_refused(tmp_path: Path) -> None:
    """A split that does not exist, and one that the task does not have, are two clear errors."""
    with pytest.raises(SpecError, match="'dev'"):
        resolve(XNLI, tmp_path, "dev", "en")
    with pytest.raises(MissingData, match="no test split"):
        resolve(XQUAD, tmp_path, "test", "en")


def test_a_reader_of_another_package_is_named_by_its_module(tmp_path: Path) -> None:
    """A third party's task may bring its own reader; one that does not exist is an error that names it."""
    _write(tmp_path, "words/en.tsv", sample("iob2"))
    theirs = dataclasses.replace(
        PANX, files={"test": Files("robust_xtreme.tasks.formats.iob2", ("words/{language}.tsv",))}
    )
    assert len(load(theirs, tmp_path, "en", "test").examples) == 2
    wrong = dataclasses.replace(PANX, files={"test": Files("nowhere.at_all", ("words/{language}.tsv",))})
    with pytest.raises(UserError, match=r"nowhere\.at_all"):
        load(wrong, tmp_path, "en", "test")


def test_links_are_followed(tmp_path: Path) -> None:
    """A file may be a link to elsewhere; a dangling link is not a file."""
    target = _write(tmp_path, "elsewhere.tsv", _plain(PAIRS))
    (tmp_path / "xnli").mkdir()
    (tmp_path / "xnli/dev-en.tsv").symlink_to(target)
    (tmp_path / "xnli/dev-de.tsv").symlink_to(tmp_path / "nowhere")
    assert available(XNLI, tmp_path, "validation") == ("en",)


def test_an_id_that_occurs_twice_is_named_with_both_places(tmp_path: Path) -> None:
    """Ids that are not unique are refused: nothing could be joined by them."""
    questions = [("q1", "Butiama", "Butiama"), ("q1", "Dodoma", "Dodoma")]
    _write(tmp_path, "xquad/xquad.en.json", _squad(questions))
    with pytest.raises(DataError, match="not unique"):
        load(XQUAD, tmp_path, "en", "validation")


@pytest.mark.parametrize(
    ("task", "path", "text", "message"),
    [
        (
            XNLI,
            "xnli/dev-en.tsv",
            "a\tb\tneutral\na\tb\tmaybe\n",
            "maybe",
        ),
        (PANX, "panx/dev-en.tsv", "a\tO\n\nb\tO\nc\tB-DATE\n", "B-DATE"),
        (XNLI, "xnli/dev-en.tsv", "", "no examples"),
        (PANX, "panx/dev-en.tsv", "\n\n", r"dev-en\.tsv: contains no examples"),
        (XQUAD, "xquad/xquad.en.json", '{"data": []}', "no examples"),
    ],
)
def test_malformed_content_is_named(tmp_path: Path, task: TaskSpec, path: str, text: str, message: str) -> None:
    """An unknown label or tag is refused with file and line, and so is a file without examples."""
    _write(tmp_path, path, text)
    with pytest.raises(DataError, match=message):
        load(task, tmp_path, "en", "validation")


@pytest.mark.parametrize(
    ("targets", "labelled"),
    [
        ([Choice(0), Choice(1)], True),
        ([Choice(0), Choice(0)], False),
        ([Choice(-1)], False),
        ([Choice(2)], True),
        ([Tags(("O", "B-PER")), Tags(("O",))], True),
        ([Tags(("O", "O")), Tags(("O",))], False),
        ([Tags(("O",))], False),
        ([Answers(()), Answers((Span(0, 1),))], True),
        ([Answers(()), Answers(())], False),
        ([], False),
    ],
)
def test_what_counts_as_labelled(targets: list[Target], labelled: bool) -> None:
    """No label, only empty answers, or one label on all rows of a split are not labels."""
    assert is_labelled([_example(str(index), "c", target) for index, target in enumerate(targets)]) is labelled


def test_a_limit_takes_whole_clusters_up_to_its_size() -> None:
    """At most that many examples, whole clusters, in the order of the split; at least one cluster."""
    examples = [_example(str(index), str(index // 3)) for index in range(30)]
    for size in range(1, 31):
        taken = limit(examples, size)
        assert len(taken) == max(3, size - size % 3)
        assert [example for example in examples if example.cluster in {two.cluster for two in taken}] == list(taken)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=40), st.integers(1, 45), st.integers(1, 45), st.randoms())
def test_limits_are_nested_and_blind_to_order(clusters: list[int], size: int, other: int, rng: random.Random) -> None:
    """A smaller limit's examples are among a larger one's, whatever the order of the rows."""
    examples = [_example(str(index), str(cluster)) for index, cluster in enumerate(clusters)]
    shuffled = rng.sample(examples, len(examples))
    small, large = sorted((size, other))
    assert {e.id for e in limit(examples, small)} <= {e.id for e in limit(examples, large)}
    assert {e.id for e in limit(examples, small)} == {e.id for e in limit(shuffled, small)}


def test_a_limit_takes_clusters_in_hash_order() -> None:
    """Which clusters a limit takes is a matter of their names alone, in every version."""
    examples = [_example(f"e{index}", str(index)) for index in range(100)]
    assert [example.cluster for example in limit(examples, 5)] == ["5", "61", "66", "73", "93"]


def test_a_limit_names_a_large_cluster_that_it_cannot_divide() -> None:
    """A note has the share of a cluster with more than 1 in 20 rows, with and without the limit; else there is none."""
    examples = [_example(f"e{index}", "large" if index < 10 else str(index)) for index in range(100)]
    assert limit_note("panx sw", limit(examples, 5), examples) == (
        "panx sw: one cluster has 10 of 100 rows, and 0 of the 5 that --limit keeps. "
        "A cluster is not divided, so that the level of all rows can be another."
    )
    assert limit_note("panx sw", examples, examples) == ""
    several = [_example(f"e{index}", str(index // 2)) for index in range(100)]
    assert limit_note("panx sw", limit(several, 5), several) == ""


def test_a_limit_below_one_is_refused() -> None:
    """A limit of no examples is a mistake, not an empty run."""
    with pytest.raises(SpecError, match="limit 0"):
        limit([_example("a", "c")], 0)


def test_a_limit_takes_the_same_items_in_every_language(tmp_path: Path) -> None:
    """Parallel tasks keep the same rows under the same limit, so that languages can be compared."""
    rows = [(f"premise {index // 3}", f"hypothesis {index}", PAIRS[index % 3][2]) for index in range(60)]
    ids = []
    for code in ("en", "sw"):
        _write(
            tmp_path, f"xnli/dev-{code}.tsv", _plain([(f"{code} {first}", two, label) for first, two, label in rows])
        )
        ids.append(
            [example.id.rpartition("/")[2] for example in limit(load(XNLI, tmp_path, code, "validation").examples, 20)]
        )
    assert ids[0] == ids[1]
    assert len(ids[0]) == 18


def test_the_data_identity_is_that_of_the_set() -> None:
    """Order is nothing; an id, a text, a target or a cluster that differs is another identity."""
    examples = [_example("a", "1"), _example("b", "2")]
    changed = [_example("c", "2"), dataclasses.replace(examples[1], cluster="1"), _example("b", "2", Choice(1))]
    assert data_identity(examples) == data_identity(examples[::-1])
    assert len({data_identity(examples), *(data_identity([examples[0], example]) for example in changed)}) == 4


def _cut(text: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(text))
    return text[:start] + text[start + rng.randrange(1, 8) :]


def _shuffle(text: bytes, rng: random.Random) -> bytes:
    lines = text.split(b"\n")
    return b"\n".join(rng.sample(lines, len(lines)))


def _insert(text: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(text))
    return text[:start] + rng.choice([b"\t", b"\n", b'"', b"\xff", b"\x00", b"\xf0\x9f", b"[", b"\\ud8"]) + text[start:]


@pytest.mark.parametrize(
    ("task", "path", "sample"),
    [
        (XNLI, "xnli/dev-en.tsv", sample("tsv") * 4),
        (PANX, "panx/dev-en.tsv", sample("iob2") * 3),
        (XQUAD, "xquad/xquad.en.json", sample("squad")),
    ],
)
@given(st.randoms(use_true_random=False), st.lists(st.sampled_from([_cut, _shuffle, _insert]), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_damaged_files_load_or_are_refused(
    tmp_path_factory: pytest.TempPathFactory,
    task: TaskSpec,
    path: str,
    sample: str,
    rng: random.Random,
    damages: list[Callable[[bytes, random.Random], bytes]],
) -> None:
    """Cut, shuffled or spoilt files raise an error of the user's kind or load whole; nothing else happens."""
    folder = tmp_path_factory.getbasetemp() / f"damaged-{task.name}"
    data = sample.encode()
    for damage in damages:
        data = damage(data, rng) or b"x"
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(data)
    try:
        loaded = load(task, folder, "en", "validation")
    except UserError as error:
        assert str(error).startswith(str(folder / path))  # noqa: PT017 - loading is as right as this error
    else:
        assert loaded.examples
