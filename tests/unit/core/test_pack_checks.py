"""What users' packs may not contain, and that threads with packs of their own leave one another alone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from robust_xtreme import perturb
from robust_xtreme.cli._app import build
from robust_xtreme.cli.list import cell
from robust_xtreme.core import packs
from robust_xtreme.core.errors import DataError, UserError
from robust_xtreme.core.languages import ALL_LANGUAGES, language
from robust_xtreme.noise.engine._lexicon import Form, FormLexicon
from robust_xtreme.noise.engine.key_error_table import KeyingError, compiled
from robust_xtreme.noise.engine.key_errors import _outcomes

FACTS = 'source = "us"\nlicence = "CC0-1.0"\nstanding = "authored"\n'
HEAD = "# source: us\n# licence: CC0-1.0\n# standing: authored\n"
ENGLISH = (
    'language = "en"\nname = "English"\nscript = "Latn"\nfamily = "none"\ndirection = "ltr"\nspaces = true\n'
    'letters = "a-z"\n' + FACTS
)
SUITE = 'summary = "Mine."\nspecs = ["char_noise:0.1"]\n' + FACTS
WORLD = HEAD + "wrong\tright\nwrld\tworld\n"


def pack(folder: Path, name: str, content: str) -> Path:
    """A file in a folder of packs, byte for byte; the folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode())
    return folder


def test_threads_with_packs_of_their_own_leave_one_another_alone(tmp_path: Path) -> None:
    """Contexts that begin and end across one another give each thread its own packs, and leave none after."""
    folders = [
        (pack(tmp_path / letters, "alphabets/sw.toml", ENGLISH.replace('"en"', '"sw"').replace("a-z", letters)),)
        for letters in ("a b", "c d")
    ]
    both = Barrier(3)

    def seen(given: tuple[Path, ...]) -> tuple[str, ...]:
        both.wait(20)
        with packs.using(*given):
            both.wait(20)
            letters = language("sw").alphabet
            both.wait(20)
            assert language("sw").alphabet == letters
        assert packs.users() == ()
        return letters

    bundled = language("sw").alphabet
    with ThreadPoolExecutor(3) as pool:
        values = list(pool.map(seen, [*folders, ()]))
    assert values == [("a", "b"), ("c", "d"), bundled]
    assert (packs.users(), language("sw").alphabet) == ((), bundled)


def test_a_thread_may_share_the_packs_of_another(tmp_path: Path) -> None:
    """What `share` gives, called in a thread, looks into the same folders there."""
    with (
        packs.using(pack(tmp_path, "alphabets/en.toml", ENGLISH.replace("a-z", "x y"))),
        ThreadPoolExecutor(1, initializer=packs.share()) as pool,
    ):
        assert pool.submit(lambda: language("en").alphabet).result() == ("x", "y")


def test_what_was_found_of_clusters_is_remembered_by_packs(tmp_path: Path) -> None:
    """Whether an edit is sound depends on the alphabet, so that other packs begin again."""
    bundled = _outcomes()
    with packs.using(pack(tmp_path, "alphabets/en.toml", ENGLISH)):
        assert _outcomes() is not bundled
    assert _outcomes() is bundled


def test_threads_that_learn_words_give_each_its_own_row() -> None:
    """Two threads that meet new words at the same time do not take the same row for them."""

    def author(word: str) -> Iterator[Form]:
        time.sleep(0.05)
        yield Form(word + "x", "k")

    lexicon = FormLexicon(author, ("k",))
    with ThreadPoolExecutor(4) as pool:
        rows = [int(row[0]) for row, _ in pool.map(lexicon.find, [["ab"], ["cd"], ["ef"], ["gh"]])]
    assert sorted(rows) == [1, 2, 3, 4]
    assert len(lexicon.table.masks) == 5


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("a-z", "a \\u0007", "0007"),
        ("a-z", "a \\u202e", "202E"),
        ("a-z", "a \\u200b", "200B"),
        ("a-z", "a \\u0378", "0378"),
        ("a-z", "", "contains no letters"),
        ("a-z", "z-a", "z-a"),
        ("a-z", "a ж", "'ж'"),
        ("a-z", "a \u0301", "not a letter"),
        ("a-z", "a 😀", "not a letter"),
        ("a-z", "a 1", "'1'"),
        ("Latn", "Xxxx", "Xxxx"),
        ("spaces = true", 'spaces = true\nmarks = "a"', "marks: 'a'"),
        ("spaces = true", 'spaces = true\npunctuation = "! a"', "punctuation: 'a'"),
        ("spaces = true", 'spaces = true\npunctuation = "! \\u0000"', "0000"),
    ],
)
def test_letters_of_a_users_alphabet_are_letters(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Characters of a wrong script or category are refused by name, in one line with the file."""
    folder = pack(tmp_path, "alphabets/en.toml", ENGLISH.replace(old, new))
    with pytest.raises(UserError, match=message) as caught:
        perturb(["hello, world"], "repetition:1", language="en", packs=folder)
    assert "en.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("code", ALL_LANGUAGES)
def test_bundled_alphabets_could_be_a_users(tmp_path: Path, code: str) -> None:
    """The rule for users' letters is valid for every bundled pack."""
    bundled = packs.find("alphabets", code)
    assert bundled is not None
    with packs.using(pack(tmp_path, f"alphabets/{code}.toml", bundled.read_text(encoding="utf-8"))):
        assert language(code).alphabet


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("misspellings/en.toml", FACTS, r"\.tsv"),
        ("suites/my.tsv", HEAD, r"\.toml"),
        ("alphabets/xx.toml", ENGLISH, "'xx'"),
        ("parallel/en-en.tsv", "", "en-en"),
        ("misspellings/eng.tsv", WORLD, "'en'"),
        ("lookalikes/Xxxx.tsv", HEAD, "'Xxxx' names none"),
        ("input/zh.tsv", HEAD, "ja-words"),
    ],
)
def test_a_pack_that_nothing_would_use_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    """A wrong suffix and an unknown language, script or method are reported as soon as the folder is named."""
    with pytest.raises(DataError, match=message):
        packs.use(pack(tmp_path, name, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WORLD + "m\u202ey\tmy\n", "202E"),
        (WORLD + "e\rx\tdear\n", "000D"),
        (WORLD + "w\u2028x\tmy\n", "2028"),
        (WORLD + "w\x1bx\tmy\n", "001B"),
        (HEAD + "wrong\tright\tright\na\tb\tc\n", "named twice"),
        (HEAD + "wrong\tright\tstanding\na\tb\tbest\n", "'best'"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused_at_its_line(tmp_path: Path, text: str, message: str) -> None:
    """Characters that cannot be seen, columns named twice, and rows of an unknown standing."""
    with pytest.raises(DataError, match=message):
        perturb(["my world"], "natural_typo:1", language="en", packs=pack(tmp_path, "misspellings/en.tsv", text))


def test_packs_saved_on_windows_are_read(tmp_path: Path) -> None:
    """A byte order mark and CRLF change nothing, in tables and in TOML."""
    pack(tmp_path, "misspellings/sw.tsv", "\ufeff" + WORLD.replace("\n", "\r\n"))
    pack(tmp_path, "alphabets/sw.toml", "\ufeff" + ENGLISH.replace('"en"', '"sw"').replace("\n", "\r\n"))
    assert perturb(["my world"], "natural_typo:1", language="sw", packs=tmp_path) == ["my wrld"]


def test_misspellings_may_weigh_as_much_as_a_list_says(tmp_path: Path) -> None:
    """Weights add up without limit, and forms are drawn in their proportions."""
    rows = "".join(f"{form}\tworld\t99999\n" for form in ("wrld",) * 30_000 + ("wolrd",) * 10_000)
    folder = pack(tmp_path, "misspellings/sw.tsv", HEAD + "wrong\tright\tweight\n" + rows)
    noised = perturb([f"{number} world" for number in range(2000)], "natural_typo:1", language="sw", packs=folder)
    assert sum(text.endswith("wrld") for text in noised) / 2000 == pytest.approx(0.75, abs=0.04)


def test_a_table_of_key_errors_never_contains_what_separates_texts() -> None:
    """U+0000, which separates the texts of a batch, is neither a point nor a form of a key error."""
    table = compiled(
        ("k",), [KeyingError("\0", "k", "x"), KeyingError("a", "k", "b\0"), KeyingError("c", "k", "d")], "en"
    )
    assert table.slots[0] == table.slots[ord("a")] == 0 < table.slots[ord("c")]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("char_noise:0.1@fields=foo", "'foo'"),
        ("nlpaug.contextual:0.1@model=http://x", "@model="),
    ],
)
def test_a_suite_names_known_fields_and_folders(tmp_path: Path, spec: str, message: str) -> None:
    """A field that no task has, and an address where a folder goes, are refused with the suite's file."""
    folder = pack(tmp_path, "suites/mine.toml", SUITE.replace("char_noise:0.1", spec))
    ended = CliRunner().invoke(build(), ["list", "suites", "--packs", str(folder)])
    assert (ended.exit_code, message in ended.stderr, "mine.toml" in ended.stderr) == (2, True, True)


def test_nothing_unseen_is_printed_in_a_list(tmp_path: Path) -> None:
    """A pack with control characters is refused; a cell shows them otherwise; a good one is listed."""
    folder = pack(tmp_path, "suites/mine.toml", SUITE.replace("Mine.", "a\\u001b[31mb\\u202e"))
    ended = CliRunner().invoke(build(), ["list", "suites", "--packs", str(folder)])
    assert ended.exit_code == 2
    assert not {"\x1b", "\u202e"} & set(ended.output)
    assert cell({"a\x1b": ["b\u202e"]}) == "a<U+001B>: b<U+202E>"
    pack(tmp_path, "suites/mine.toml", SUITE)
    listed = CliRunner().invoke(build(), ["list", "suites", "--packs", str(folder), "--json"])
    assert "@mine" in {row["name"] for row in json.loads(listed.stdout)}


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        *(({"packs": value}, "takes packs=DIR") for value in (5, None, True, 3.5, [5], [None], b"x", {"a": 1})),
        *(({"spec": value}, "one spec") for value in (5, None, ["char_noise:1"], b"char_noise:1")),
        *(({"language": value}, "one language") for value in (5, ["en"])),
        *(({"texts": value}, "list of texts") for value in (None, 5, iter(["a"]), b"abc")),
        *(({"seed": value}, "seed") for value in (1.0, True, None, "1")),
    ],
)
def test_arguments_of_other_types_are_one_line(odd: dict[str, Any], message: str) -> None:
    """An argument of a wrong type is named before anything is read."""
    call: dict[str, Any] = {"texts": ["abc"], "spec": "char_noise:1", "language": "en", **odd}
    with pytest.raises(UserError, match=message) as caught:
        perturb(**call)
    assert "\n" not in str(caught.value)


def test_numbers_and_strings_of_numpy_are_taken() -> None:
    """A seed of numpy's is the number that it is, and so are its strings."""
    plain = perturb(["hello", "abc"], "char_noise:1", language="en", seed=3)
    numpys: Any = np.array(["hello", "abc"])
    assert perturb(numpys, "char_noise:1", language="en", seed=np.int64(3)) == plain  # type: ignore[arg-type]  # a seed is typed as int


KEYBOARD = 'title = "Mine"\nlanguages = ["sw"]\noffsets = [0.0]\nplain = "a b"\n' + FACTS
ALIKE = "# script: Latn\n" + HEAD + "letter\tforms\tlikeness\n"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("misspellings/sw.tsv", HEAD + "wrong\tcorrect\nhabri\thabari\n", "right"),
        ("misspellings/sw.tsv", HEAD + "wrong\tright\tweight\nhabri\thabari\t-3\n", "row 1"),
        (
            "misspellings/sw.tsv",
            HEAD + "wrong\tright\nasu buhi\tasubuhi\n",
            "single words",
        ),
        (
            "misspellings/sw.tsv",
            WORLD.replace("right\nwrld\tworld", "right\twieght\nwrld\tworld\t1"),
            "wieght",
        ),
        (
            "misspellings/sw.tsv",
            "# langauge: sw\n" + WORLD,
            "langauge",
        ),
        ("lookalikes/Latn.tsv", "# licnse: x\n" + ALIKE + "a\to\t95\n", "licnse"),
        ("alphabets/en.toml", ENGLISH + 'signes = "a"\n', "signes"),
        ("alphabets/en.toml", ENGLISH + "[extra]\nletters = 1\n", "no key 'extra'"),
        ("misspellings/sw.tsv", "# language: hi\n" + WORLD, "its language is 'hi'"),
        ("lookalikes/Latn.tsv", ALIKE + "a\to\t9500\n", "likeness"),
        ("lookalikes/Latn.tsv", ALIKE + "\u0434\tl\t-5\n", "likeness"),
        ("lookalikes/Cyrl.tsv", ALIKE + "a\to\t95\n", "its script is 'Latn'"),
        ("suites/mine.toml", SUITE.replace("char_noise", "no_noise"), "no_noise"),
        ("suites/mine.toml", SUITE.replace("char_noise:0.1", "@mine"), "'@mine'"),
        ("suites/mine.toml", SUITE.replace("specs =", "spec ="), "'spec'"),
        ("keyboards/mine.toml", KEYBOARD.replace("offsets", "offset"), "'offset'"),
        ("keyboards/auto.toml", KEYBOARD, "'auto'"),
        ("keyboards/mine.toml", KEYBOARD.replace('"Mine"', '"Mine'), "KIND/NAME"),
        ("alphabets/sw.toml", ENGLISH, "its language"),
        ("input/vi-telex.tsv", HEAD + "key\tmark\tletters\n", "no rows"),
        ("input/vi-vni.tsv", HEAD + "key\tmark\tletters\n1\tx\t\n", "tone"),
        ("input/ja-romaji.tsv", HEAD + "key\tkana\na\t\u3042\n", "'keys'"),
        ("input/ja-words.tsv", HEAD + "word\treading\tweight\n\u65e5\t\u3072\tmany\n", "many"),
        ("input/zh-words.tsv", HEAD + "word\treading\tfrequency\n\u65e5\tri\t-1\n", "'-1'"),
    ],
)
def test_every_file_is_read_whole_before_anything_is_computed(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    """A wrong row stops a command that would not need it, in one line that names the file."""
    folder = pack(tmp_path, name, text)
    with pytest.raises(UserError, match=message) as caught:
        perturb(["habari"], "char_noise:0", language="en", packs=[folder])
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_packs_of_every_kind_may_be_beside_each_other(tmp_path: Path) -> None:
    """A folder of sound packs is read whole, and what it contains is used."""
    pack(tmp_path, "misspellings/sw.tsv", HEAD + "wrong\tright\nhabri\thabari\n")
    pack(tmp_path, "lookalikes/Latn.tsv", ALIKE + "a\to\t95\n")
    pack(tmp_path, "suites/mine.toml", SUITE)
    pack(tmp_path, "keyboards/mine.toml", KEYBOARD)
    assert perturb(["habari"], "natural_typo:1", language="sw", packs=[tmp_path]) == ["habri"]
    assert perturb(["habari"], "ocr_noise:1", language="sw", packs=[tmp_path]) == ["hobori"]
