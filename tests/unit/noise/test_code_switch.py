"""Words and fields are switched to those of the same item in another language, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
from datasets import Dataset
from tests.program import program

from robust_xtreme import perturb
from robust_xtreme.core.errors import DataError, SpecError, UserError
from robust_xtreme.core.examples import Span, Text, digest
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.datasets import perturb_dataset
from robust_xtreme.exchange.perturbing.files import PerturbJob, perturb_file
from robust_xtreme.noise import user_packs
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import bound, noise_texts
from robust_xtreme.noise.suites import SuiteCell, check_families, refusing, suite, unsupported

HEAD = "# source: mine\n# licence: CC0-1.0\n# standing: authored\ntext\tspans\n"
CATS = "Zwei Katzen schlafen seit 9 Uhr."
TRAIN = "The train is late."
LONG = " ".join(["oft", "nie"] * 20)


def row(code: str, text: str, words: int, partner: str, *spans: tuple[str, str]) -> str:
    """A row of a pack: spans are the text's words and what they become."""
    places = [(text.index(word), len(word), len(word.split()), form) for word, form in spans]
    return f"{digest(code, text)}\t{json.dumps([(0, len(text), words, partner), *places])}\n"


@pytest.fixture(autouse=True)
def aligned(tmp_path: Path) -> Iterator[Path]:
    """A folder of packs, in use: German with English, and English with Hindi."""
    (tmp_path / "parallel").mkdir()
    cats = row("de", CATS, 5, "Two cats have slept since nine.", ("Zwei", "Two"), ("Katzen", "cats"), ("seit", "since"))
    places = [[4 * number, 3, 1, "often"] for number in range(0, 40, 2)]
    often = f"{digest('de', LONG)}\t{json.dumps([[0, len(LONG), 40, 'often'], *places])}\n"
    train = row("en", TRAIN, 4, "ट्रेन लेट है।", ("train", "ट्रेन"), ("late", "देर"))
    (tmp_path / "parallel" / "de-en.tsv").write_text(HEAD + cats + often, encoding="utf-8")
    (tmp_path / "parallel" / "en-hi.tsv").write_text(HEAD + train, encoding="utf-8")
    with user_packs.using(tmp_path):
        yield tmp_path


def noised(value: str, spec: str, code: str = "de", spans: Sequence[Span] = (), name: str = "x") -> Noised:
    """A text after a perturbation."""
    return noise_texts([Text(name, code, value, tuple(spans))], PerturbationSpec.parse(spec), 0)[0]


def test_each_aligned_span_becomes_its_form() -> None:
    """At full strength all of them do; the words that are not aligned and the number stay."""
    done = noised(CATS, "code_switch:1@with=en")
    assert done.text.value == "Two cats schlafen since 9 Uhr."
    assert (done.edits["switch"], done.eligible) == (3, 5)


def test_a_text_without_a_partner_stays() -> None:
    """It has no unit, so that a report can say so."""
    done = noised("Zwei Hunde schlafen.", "code_switch:1@with=en")
    assert (done.status, done.eligible) == ("unchanged", 0)


def test_a_list_of_texts_without_partners_is_refused(aligned: Path) -> None:
    """Nothing would be switched; the line names what switches."""
    de = partial(perturb, language="de", packs=[str(aligned)])
    with pytest.raises(UserError, match="parallel data"):
        de(["Zwei Hunde schlafen."], "code_switch:0.3@with=en")
    assert de(["Zwei Hunde.", CATS], "code_switch:1@with=en")[1] == "Two cats schlafen since 9 Uhr."
    assert de([CATS], "code_switch:0@with=en") == [CATS]


def test_the_strength_is_a_share_of_all_words() -> None:
    """Where half of the words are aligned, a quarter of all words is half of these; more than all cannot be."""
    shares = {}
    for strength in ("0.25", "0.9"):
        done = [noised(LONG, f"code_switch:{strength}@with=en", name=str(number)) for number in range(60)]
        shares[strength] = sum(each.words_edited for each in done) / sum(each.words for each in done)
    assert shares["0.25"] == pytest.approx(0.25, abs=0.03)
    assert shares["0.9"] == 0.5


def test_a_gold_answer_is_not_touched() -> None:
    """Neither inside, nor where an aligned span is longer than it, and it moves with its text."""
    answer = Span(5, 11)
    done = noised(CATS, "code_switch:1@with=en", spans=[answer])
    assert done.text.value == "Two Katzen schlafen since 9 Uhr."
    assert done.text.at(done.text.spans[0]) == "Katzen"
    for part in (Span(6, 8), Span(7, 7)):  # within an aligned word
        done = noised(CATS, "code_switch:1@with=en", spans=[part])
        assert done.text.value == "Two Katzen schlafen since 9 Uhr."


def test_a_field_becomes_its_partner() -> None:
    """As a whole, if its draw is below the strength; with a gold answer in it it stays."""
    spec = "code_switch:1@with=en@switch=fields"
    done = noised(CATS, spec)
    assert (done.text.value, done.eligible, done.edits["switch"]) == ("Two cats have slept since nine.", 1, 1)
    assert noised(CATS, spec, spans=[Span(0, 4)]).status == "unchanged"
    half = [noised(CATS, spec.replace(":1", ":0.5"), name=str(number)).status for number in range(200)]
    assert half.count("ok") == pytest.approx(100, abs=30)


def test_words_are_typed_in_latin_letters() -> None:
    """Of a language that people type so; the same word is typed alike in every text."""
    value = noised(TRAIN, "code_switch:1@with=hi@script=latin", "en").text.value
    assert value.isascii()
    assert value != TRAIN
    assert "ट्रेन" in noised(TRAIN, "code_switch:1@with=hi", "en").text.value


def test_a_form_that_is_the_word_itself_is_no_edit(aligned: Path) -> None:
    """A loan may be typed as the word is written."""
    typed = noised(TRAIN, "code_switch:1@with=hi@script=latin", "en").text.value.split()[1]
    value = f"A {typed} stops."
    path = aligned / "parallel" / "en-hi.tsv"
    path.write_text(HEAD + row("en", value, 3, "ट्रेन", (typed, "ट्रेन")), encoding="utf-8")
    with user_packs.using(aligned, aligned):
        done = noised(value, "code_switch:1@with=hi@script=latin", "en")
    assert (done.status, done.edits["switch"]) == ("unchanged", 0)


@pytest.mark.parametrize(("spec", "code", "why"), [
    ("code_switch:0.3@with=de", "de", "already"),
    ("code_switch:0.3@with=fr", "de", "fr"),
    ("code_switch:0.3@with=en@script=latin", "de", "Latin"),
])  # fmt: skip
def test_what_it_does_not_serve_is_said(spec: str, code: str, why: str) -> None:
    """A language pair without a pack is not applicable, and not left clean in silence."""
    refused = unsupported(PerturbationSpec.parse(spec), code)
    assert refused is not None
    assert why in refused[1]
    assert noised(CATS, spec, code).status == "not_applicable"


def test_it_is_the_first_of_a_chain() -> None:
    """After another perturbation no text would be found; before one all are."""
    with pytest.raises(SpecError, match="write it first"):
        bound(PerturbationSpec.parse("char_noise:0.1+code_switch:0.3@with=en"))
    chain = "code_switch:1@with=en+casing:1@initial=0@second=0@inverted=0@lower=0"
    assert noised(CATS, chain).text.value == "TWO CATS SCHLAFEN SINCE 9 UHR."


def test_tatoeba_is_refused_and_lareqa_is_not() -> None:
    """What is put in is in the answer of Tatoeba and BUCC."""
    cell = PerturbationSpec.parse("code_switch:0.3@with=en")
    assert [refusing(cell, "retrieval", task) for task in ("tatoeba", "bucc", "lareqa")] == ["code_switch"] * 2 + [""]
    with pytest.raises(UserError, match="retrieval"):
        check_families(SuiteCell(cell), [("retrieval", "lareqa"), ("retrieval", "tatoeba"), ("tagging", "panx")])


@pytest.mark.parametrize("spans", [
    "", "[]", "{", "[" * 50_000, "[[0, 1, 1]]",
    '[[0, 9, 1, "a"], ["b", 1, 1, "c"]]', '[[0, 9, 1, "a"], [0, -1, 1, "c"]]', '[[0, 9, 1, "a"], [0, 1, 1, 2]]',
    '[[0, 9, 1, "a"], [4, 2, 1, "c"], [0, 2, 1, "c"]]', '[[0, 9, 1, "a"], [0, 3, 1, "c"], [2, 2, 1, "c"]]',
    '[[0, 9, 1, "a"], [8, 2, 1, "c"]]', '[[0, 9, 1, "a"], [1, 0, 1, "c"]]', '[[0, 9, 1e99, "a"]]',
    '[[0, 9, 1, "a"], [0, 1, 1, " "]]', '[[0, 9, 1, "a"], [0, 1, 1, "\\u0301c"]]', '[[0, 9, 1, "a\\u0000"]]',
    '[[0, 9, 1, "a"], [0, 1, 1, "\\ud800"]]', '[[3, 9, 1, "a"]]', '[[0, 9, 1, "a"], [0.9, 5, 1, "c"]]',
    '[[0, 9, 1, "a"], [0, true, 1, "c"]]', '[[0, 9, 1, "a"], [0, 1, 0, "c"]]', '[[0, 9, 1, "a"], [0, 3, 2, "c"]]',
    '[[0, 9, 10, "a"]]', '[[0, 9, NaN, "a"]]', '[[0, 9, 1, "a"], [0, 3, 1, "b\\nc"]]',
    '[[0, 9, 1, "a"], [0, 3, 1, "b\\n"]]', '[[0, 9, 1, "a\\u202eb"]]', '[[0, 9, 1, "a"], [0, 3, 1, " b"]]',
])  # fmt: skip
def test_a_row_that_is_none_is_refused(aligned: Path, spans: str) -> None:
    """With the file, before anything is computed."""
    (aligned / "parallel" / "sw-en.tsv").write_text(f"{HEAD}0123456789abcdef\t{spans}\n", encoding="utf-8")
    with pytest.raises(DataError, match="sw-en"), user_packs.using(aligned, aligned):
        pass


def test_a_text_has_one_row_of_its_own_length(aligned: Path) -> None:
    """No edit is beyond the text, in the next one of the batch, and no row is passed over for a later one."""
    path, cats = aligned / "other" / "parallel" / "de-en.tsv", row("de", CATS, 5, "Two cats.")
    path.parent.mkdir(parents=True)
    path.write_text(HEAD + cats + cats, encoding="utf-8")
    with pytest.raises(DataError, match="several rows"), user_packs.using(aligned / "other"):
        pass
    longer = cats.replace(f"[0, {len(CATS)},", f"[0, {len(CATS) + 9},")
    assert longer != cats
    path.write_text(HEAD + longer, encoding="utf-8")
    with pytest.raises(DataError, match="whole text"):
        perturb([CATS, CATS], "code_switch:1@with=en", language="de", packs=aligned / "other")


def test_a_pack_that_was_cut_or_changed_is_refused(aligned: Path) -> None:
    """By the digest of its rows, where it has one."""
    rows = [row("de", text, 1, "one") for text in ("eins", "uno")]
    head = HEAD.replace("text", f"# digest: {digest(*(each.rstrip() for each in rows))}\ntext", 1)
    path = aligned / "parallel" / "de-en.tsv"
    path.write_text(head + "".join(rows), encoding="utf-8")
    with user_packs.using(aligned, aligned):
        assert noised("eins", "code_switch:1@with=en@switch=fields").text.value == "one"
    path.write_text(head + rows[0], encoding="utf-8")
    with pytest.raises(DataError, match="digest"), user_packs.using(aligned, aligned):
        pass


def test_a_pack_of_another_pair_is_refused(aligned: Path) -> None:
    """It says which pair it is of, so that a file under another name is seen."""
    content = HEAD.replace("text", "# language: de-fr\ntext") + row("de", CATS, 5, "Two cats.")
    (aligned / "parallel" / "de-en.tsv").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match="de-fr"), user_packs.using(aligned, aligned):
        pass


def test_strings_of_python_are_switched(aligned: Path) -> None:
    """By the same packs, since a text is found by its language and value."""
    assert perturb([CATS], "code_switch:1@with=en", language="de", packs=aligned) == ["Two cats schlafen since 9 Uhr."]


def test_files_and_datasets_are_switched(aligned: Path) -> None:
    """As strings are; the gold answer stays, and moves with its text."""
    row = {"context": CATS, "answers": {"text": ["Katzen"], "answer_start": [5]}}
    file, out, spec = aligned / "rows.jsonl", aligned / "out.jsonl", "code_switch:1@with=en"
    file.write_text(json.dumps(row) + "\n", encoding="utf-8")
    perturb_file(PerturbJob(str(file), spec, str(out), language="de", fields=("context",)))
    (noisy,) = perturb_dataset(
        Dataset.from_list([row]), spec, language="de", column="context", spans="answers", packs=aligned
    )
    expected = {"context": "Two Katzen schlafen since 9 Uhr.", "answers": {"text": ["Katzen"], "answer_start": [4]}}
    assert json.loads(out.read_text("utf-8")) == noisy == expected


def test_a_file_of_other_texts_is_said_to_be_none_of_the_pack(aligned: Path) -> None:
    """They have nothing that may be switched, and the summary says why."""
    file = aligned / "rows.txt"
    file.write_text(f"{CATS}\nMeine Katze.\n9\n", encoding="utf-8")
    done = perturb_file(PerturbJob(str(file), "code_switch:1@with=en", str(aligned / "out.txt"), language="de"))
    assert "2 with nothing that it may change (code_switch knows only aligned texts)" in done.summary()


def test_whole_fields_are_named_where_a_task_has_several(aligned: Path) -> None:
    """Both sentences of XNLI would become English; the question of XQuAD is a field by itself."""
    spec = "code_switch:1@switch=fields@with=en"
    words = ("--languages", "de", "--perturb", spec, "--packs", str(aligned), "--limit", "3", "--plan")
    done = program("eval", "--tasks", "xnli", *words)
    what = f"{spec} replaces the whole premise and hypothesis of xnli. Name what it replaces"
    assert (done.code, done.err) == (2, f"robust-xtreme: {what}: {spec}@fields=hypothesis\n")
    assert program("eval", "--tasks", "xquad", *words).code == 0


def test_the_suite_mixed_has_words_and_fields() -> None:
    """Both are switched to English."""
    assert {str(spec) for spec in suite("@mixed").specs} >= {"code_switch:0.1,0.3@with=en"}
    assert any("@switch=fields" in str(spec) for spec in suite("@mixed").specs)
