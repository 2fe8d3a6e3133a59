"""Words of parallel items are aligned with their translations, and items with the right ones."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from robust_xtreme.cli._app import build
from robust_xtreme.core import packs, registry
from robust_xtreme.core.errors import DataError, MissingData, UserError
from robust_xtreme.core.randomness import bare_ids
from robust_xtreme.noise.members.scripts import partners
from robust_xtreme.tasks import aligning
from robust_xtreme.tasks.aligning import blocks, cells, posteriors, tokens
from robust_xtreme.tasks.sources.source import open_source

WORDS = [f"w{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]


def made_up() -> tuple[list[str], list[str]]:
    """Sentences of a language whose words are those of the other backwards."""
    drawn = random.Random(0)
    left = [" ".join(drawn.sample(WORDS, 6)) for _ in range(300)]
    right = [" ".join(word[::-1] for word in text.split()) for text in left]
    return left, right


def linked(left: list[str], right: list[str]) -> list[tuple[str, str]]:
    """The linked words of sentences of English."""
    one, two = tokens(left, "en"), tokens(right, "en")
    grid = cells(one.text, two.text)
    ranges = blocks([one.word, two.word], grid, posteriors([one.forms, two.forms], grid))
    pairs = zip(*(each.tolist() for each in ranges), strict=True)
    return [(" ".join(one.forms[a : b + 1]), " ".join(two.forms[c : d + 1])) for (a, b), (c, d) in pairs]


def test_words_are_linked_with_their_translations() -> None:
    """Which are learnt from where they occur; nearly all are found, and nearly no other."""
    pairs = linked(*made_up())
    right = sum(word == other[::-1] for word, other in pairs)
    assert right / len(pairs) > 0.99
    assert right > 0.95 * 6 * 300


def test_words_of_another_order_are_linked() -> None:
    """The order of words is a hint, and no rule."""
    left, right = made_up()
    turned = [" ".join(text.split()[::-1]) for text in right]
    pairs = linked(left, turned)
    assert sum(word == other[::-1] for word, other in pairs) / len(pairs) > 0.95


def test_words_of_which_one_side_negates_are_not_switched() -> None:
    """Here `not` is written as a word that does not negate, `wa` as one that does; `not` as `nicht` is switched."""
    left, right = made_up()
    left = [f"{text} not none" for text in left]
    right = [f"{text} doch nicht".replace("aw", "kein") for text in right]
    pairs = list(zip(left, right, strict=True))
    found = list(aligning._spans(pairs, (tokens(left, "en"), tokens(right, "de")), ("en", "de")))
    switched = {(left[text][start : start + length], form) for text, (start, length, _, form) in found}
    assert ("none", "nicht") in switched
    assert ("wb", "bw") in switched
    assert not [pair for pair in switched if pair[0] in ("not", "wa")]


def test_the_neighbour_of_a_link_is_in_its_span() -> None:
    """Where it has no link of its own and one direction gives it to the same word; a sign is not."""
    grid = cells(np.zeros(4, np.int64), np.zeros(2, np.int64))
    left, right = np.zeros(8), np.zeros(8)
    for word, other in ((0, 0), (1, 0), (2, 1), (3, 1)):
        left[(grid[0] == word) & (grid[1] == other)] = 0.9
    for word, other in ((0, 0), (2, 1)):
        right[(grid[0] == word) & (grid[1] == other)] = 0.9
    words = [np.array([True, True, True, False]), np.array([True, True])]
    assert [each.tolist() for each in blocks(words, grid, [left, right])] == [[[0, 1], [2, 2]], [[0, 0], [1, 1]]]


def test_tokens_are_words_numbers_and_signs() -> None:
    """Each has its place; a word beside a digit, a number and a sign are none that may be switched."""
    side = tokens(["Don't pay 1912, B2!", "Ja."], "en")
    assert side.forms == ["don't", "pay", "1912", ",", "b", "2", "!", "ja", "."]
    assert side.word.tolist() == [True, True, False, False, False, False, False, True, False]
    assert (side.start[2], side.stop[2], side.text.tolist()[-2:]) == (10, 14, [1, 1])


def test_the_mini_suite_is_aligned() -> None:
    """The same data give the same bytes; every span is a place of words in its text, and its form is in the partner."""
    source = open_source("mini")
    content, size = aligning.align(source, "de", "en")
    assert aligning.align(source, "de", "en")[0] == content
    pairs = aligning.parallel(source, "de", "en")
    texts = dict(zip(bare_ids("de", [*pairs]), pairs.items(), strict=True))
    rows = [line.split("\t") for line in content.decode().splitlines() if not line.startswith("#")][1:]
    assert len(rows) == len(texts) > 500
    assert f"{len(rows):,} texts" in size
    for id, spans in rows:
        text, partner = texts[id]
        whole, *others = json.loads(spans)
        assert whole == [0, len(text), whole[2], partner]
        for start, length, _, form in others:
            assert text[start : start + length] != form
            assert not any(letter.isdigit() for letter in text[start : start + length] + form)
            assert form.lower() in " ".join(partner.lower().split())


def write(folder: Path, name: str, rows: list[tuple[str, ...]]) -> None:
    """A release file of tab-separated rows."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")


def test_a_form_has_the_case_of_its_place(tmp_path: Path) -> None:
    """That of the first word of a text is a capital, and that of another word is none where it began its own text."""
    left, right = made_up()
    turned = [" ".join((second, first, *others)).capitalize() for first, second, *others in map(str.split, right)]
    write(tmp_path, "pawsx/dev-de.tsv", [(text.capitalize(), f"{text} x", "0") for text in left])
    write(tmp_path, "pawsx/dev-en.tsv", [(text, f"{text} x", "0") for text in turned])
    lines = aligning.align(open_source(str(tmp_path)), "de", "en")[0].decode().splitlines()[6::2]
    spans = [span for line in lines for span in json.loads(line.split("\t")[1])[1:]]
    assert len(spans) > 1000
    assert all(form[0].isupper() == (start == 0) for start, _, _, form in spans)


def test_rows_of_other_labels_are_not_paired(tmp_path: Path) -> None:
    """The labels of PAWS-X differ between languages in some rows."""
    write(tmp_path, "pawsx/dev-de.tsv", [("Eins.", "Zwei.", "0"), ("Drei.", "Vier.", "1")])
    write(tmp_path, "pawsx/dev-en.tsv", [("One.", "Two.", "0"), ("Three.", "Four.", "0")])
    assert aligning.parallel(open_source(str(tmp_path)), "de", "en") == {"Eins.": "One.", "Zwei.": "Two."}


def test_choices_of_another_question_are_not_paired(tmp_path: Path) -> None:
    """XCOPA's items of an index may ask for the cause in one language and for the effect in another."""
    keys = ("premise", "choice1", "choice2", "question", "label", "idx")
    for code, asked in (("it", ("cause", "cause")), ("sw", ("cause", "effect"))):
        rows = [
            dict(zip(keys, (f"{code} {n}", f"{code} a{n}", f"{code} b{n}", asked[n], n, n), strict=True))
            for n in (0, 1)
        ]
        write(tmp_path, f"xcopa/data/{code}/val.{code}.jsonl", [(json.dumps(row),) for row in rows])
    pairs = aligning.parallel(open_source(str(tmp_path)), "it", "sw")
    assert pairs == {"it 0": "sw 0", "it a0": "sw a0", "it b0": "sw b0"}


@pytest.mark.parametrize("partner", ["One\x01.", "One\x7f.", "One " * 2_501])
def test_texts_that_a_pack_cannot_have_are_left_out(tmp_path: Path, partner: str) -> None:
    """Those with a control character in the partner, and very long ones: the pack of the others is read."""
    left, right = made_up()
    write(tmp_path, "pawsx/dev-de.tsv", [("Eins.", text, "0") for text in left])
    write(tmp_path, "pawsx/dev-en.tsv", [(partner, text, "0") for text in right])
    content, size = aligning.align(open_source(str(tmp_path)), "de", "en")
    assert f"{len(dict(zip(left, right, strict=True))):,} texts" in size
    assert size.endswith("; 1 left out: equal or empty, long, or with control characters")
    (tmp_path / "packs" / "parallel").mkdir(parents=True)
    (tmp_path / "packs" / "parallel" / "de-en.tsv").write_bytes(content)
    with packs.using(tmp_path / "packs"):
        assert partners("de-en").forms


def test_more_pairs_of_words_than_fit_into_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, before they are made."""
    monkeypatch.setattr(aligning, "_CELLS", 1_000)
    with pytest.raises(UserError, match="pairs of words"):
        aligning.align(open_source("mini"), "de", "en")


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    """As `eval` names it."""
    for code in ("de", "en"):
        write(tmp_path, f"pawsx/dev-{code}.tsv", [])
    with pytest.raises(DataError, match=r"dev-de\.tsv: contains no examples"):
        aligning.align(open_source(str(tmp_path)), "de", "en")


def test_questions_of_mlqa_are_paired_with_english_alone() -> None:
    """They are translations from English; its passages are of two encyclopedias, and are not paired."""
    source, asked = open_source("mini"), set()
    for example in aligning._items(registry.load("task", "mlqa"), source, "de", "test").values():
        asked.add((example["question"].value, example["context"].value))
    with_english, with_spanish = (aligning.parallel(source, "de", code) for code in ("en", "es"))
    assert all(question in with_english for question, _ in asked)
    assert not all(question in with_spanish for question, _ in asked)
    assert not any(context in with_english for _, context in asked)


def test_flores_is_read_where_both_languages_are(tmp_path: Path) -> None:
    """As parallel lines, by the names that it has."""
    for name, lines in (("deu_Latn", "Ja.\nNein.\n"), ("eng_Latn", "Yes.\nNo.\n")):
        write(tmp_path, f"flores200/{name}.dev", [(lines.rstrip(),)])
    assert aligning.flores(tmp_path, "de", "en") == {"Ja.": "Yes.", "Nein.": "No."}
    assert aligning.flores(tmp_path, "de", "fr") == {}


@pytest.mark.parametrize(("code", "name"), [("zh", "zho_Hans"), ("ar", "arb_Arab"), ("ko", "kor_Hang")])
def test_flores_is_read_in_the_script_of_a_language(tmp_path: Path, code: str, name: str) -> None:
    """It has some languages in several, as Chinese and Arabic."""
    (folder := tmp_path / "flores200").mkdir()
    for stem in ("eng_Latn", "zho_Hans", "zho_Hant", "arb_Arab", "arb_Latn", "kor_Hang"):
        (folder / f"{stem}.dev").write_text(f"{stem}\n", encoding="utf-8")
    assert aligning.flores(tmp_path, code, "en") == {name: "eng_Latn"}


def test_a_line_of_flores_ends_with_a_line_feed(tmp_path: Path) -> None:
    """Other separators are in a sentence; what is not UTF-8 is named with its line."""
    (folder := tmp_path / "flores200").mkdir()
    (folder / "deu_Latn.dev").write_text("Ja\u2028ja.\nNein.\n", encoding="utf-8")
    (folder / "eng_Latn.dev").write_text("Yes.\nNo.\n", encoding="utf-8")
    assert aligning.flores(tmp_path, "de", "en") == {"Ja\u2028ja.": "Yes.", "Nein.": "No."}
    (folder / "eng_Latn.dev").write_bytes(b"Yes.\n\xff\n")
    with pytest.raises(DataError, match=r"eng_Latn\.dev:2: "):
        aligning.flores(tmp_path, "de", "en")


def test_no_common_item_is_an_error(tmp_path: Path) -> None:
    """With the tasks that were looked for."""
    (tmp_path / "notes.txt").touch()
    with pytest.raises(MissingData, match="of: xnli"):
        aligning.align(open_source(str(tmp_path)), "de", "en")
    with pytest.raises(UserError, match="in en already"):
        aligning.align(open_source("mini"), "en", "en")


def test_a_pack_without_words_is_not_written(tmp_path: Path) -> None:
    """Where the other language's text has none, nothing is aligned."""
    (tmp_path / "xnli").mkdir()
    for code, text in (("de", "Ja 12"), ("en", "12")):
        (tmp_path / "xnli" / f"dev-{code}.tsv").write_text(f"{text}\t{text}\tneutral\n", encoding="utf-8")
    with pytest.raises(MissingData, match="could be aligned"):
        aligning.align(open_source(str(tmp_path)), "de", "en")


def test_the_command_writes_packs(tmp_path: Path) -> None:
    """Under the names that --packs reads, and says what may be switched and what comes next."""
    done = CliRunner().invoke(build(), ["align", "-l", "de,sw", "--with", "en", "-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (tmp_path / "parallel").iterdir()) == ["de-en.tsv", "sw-en.tsv"]
    assert "may be switched" in done.output
    assert f"--packs {tmp_path}" in done.stderr


def test_packs_are_kept_without_force(tmp_path: Path) -> None:
    """As every command keeps what is there: one line, and exit 2; nothing is aligned, or made, before."""
    words = ["align", "-l", "de", "--with", "en", "-o", str(tmp_path)]
    (tmp_path / "parallel").mkdir()
    (tmp_path / "parallel" / "de-en.tsv").write_text("mine", encoding="utf-8")
    done = CliRunner().invoke(build(), words)
    assert done.exit_code == 2
    assert "--force" in done.stderr
    assert (tmp_path / "parallel" / "de-en.tsv").read_text(encoding="utf-8") == "mine"
    assert CliRunner().invoke(build(), [*words, "--force"]).exit_code == 0
    for codes in ("de,xx", "wo"):
        assert CliRunner().invoke(build(), ["align", "-l", codes, "-o", str(tmp_path / "new")]).exit_code == 2
    assert not (tmp_path / "new").exists()


def test_a_partner_of_several_lines_is_read(tmp_path: Path) -> None:
    """Its lines are one in the pack, whose texts have no line breaks (\"O\\n2\" in passages of XQuAD)."""
    left, right = made_up()
    rows = [
        {"premise": a, "choice1": f"{a} x", "choice2": f"{a} y", "question": "cause", "label": 0, "idx": n}
        for n, a in enumerate(left)
    ]
    others = [
        {**row, "premise": b.replace(" ", "\n"), "choice1": b, "choice2": b} for row, b in zip(rows, right, strict=True)
    ]
    for code, items in (("it", rows), ("sw", others)):
        write(tmp_path / "data", f"xcopa/data/{code}/val.{code}.jsonl", [(json.dumps(item),) for item in items])
    content, _ = aligning.align(open_source(str(tmp_path / "data")), "it", "sw")
    (tmp_path / "packs" / "parallel").mkdir(parents=True)
    (tmp_path / "packs" / "parallel" / "it-sw.tsv").write_bytes(content)
    with packs.using(str(tmp_path / "packs")):
        assert len(partners("it-sw").texts) >= len(left)
