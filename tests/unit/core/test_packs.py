"""Users' packs: found first, taken back afterwards, known by what they contain, and refused in one line."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.some import some

from robust_xtreme.core import packs, resources
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.languages import language
from robust_xtreme.noise import user_packs

FACTS = 'source = "us"\nlicence = "CC0-1.0"\nstanding = "authored"\n'
SWAHILI = (
    'language = "sw"\nname = "Swahili"\nscript = "Latn"\nfamily = "Niger-Congo"\ndirection = "ltr"\nspaces = true\n'
    'letters = "a b"\n' + FACTS
)


def pack(folder: Path, name: str, text: str) -> Path:
    """A file in a folder of packs; the folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return folder


def test_users_packs_come_before_the_bundled_ones_while_a_context_lasts(tmp_path: Path) -> None:
    """What was remembered of a pack is forgotten when others are used, and when they are not any more."""
    bundled = language("sw").alphabet
    pack(tmp_path, "alphabets/sw.toml", SWAHILI)
    with packs.using(tmp_path):
        assert language("sw").alphabet == ("a", "b")
        assert packs.users() == (tmp_path,)
        assert packs.standings("alphabets/sw", "sw") == {"": "authored"}
        assert language("en").alphabet
    assert (language("sw").alphabet, packs.users(), packs.identity()) == (bundled, (), "")


def test_of_several_folders_the_first_that_contains_a_pack_gives_it(tmp_path: Path) -> None:
    """Folders are looked into in the order named."""
    first = pack(tmp_path / "a", "alphabets/sw.toml", SWAHILI)
    second = pack(tmp_path / "b", "alphabets/sw.toml", SWAHILI.replace("a b", "c d e"))
    with packs.using(first, second):
        assert language("sw").alphabet == ("a", "b")
    with packs.using(str(second), str(first)):
        assert language("sw").alphabet == ("c", "d", "e")


def test_parts_of_a_pack_have_standings_of_their_own(tmp_path: Path) -> None:
    """Keys of a file, rows of a table, and the choice of a keyboard are listed beside the standing of the whole."""
    attested = SWAHILI.replace("authored", "attested") + 'added = "x"\nstandings = { added = "authored" }\n'
    pack(tmp_path, "alphabets/sw.toml", attested)
    head = "# source: us\n# licence: CC0-1.0\n# standing: attested\n"
    pack(tmp_path, "misspellings/sw.tsv", head + "wrong\tright\tstanding\nab\tba\t\nba\tab\tauthored\n")
    with packs.using(tmp_path):
        assert packs.standings("alphabets/sw", "sw") == {"": "attested", "added": "authored"}
        assert packs.standings("misspellings/sw", "sw") == {"": "attested", "rows authored": "authored"}
    assert packs.standings("keyboards/fr", "ht") == {"": "attested", packs.CHOICE: "authored"}
    assert packs.standings("keyboards/fr", "fr") == packs.standings("alphabets/sw", "sw") == {"": "attested"}


def test_the_identity_is_that_of_the_contents(tmp_path: Path) -> None:
    """The same files elsewhere are the same packs; another byte or another name makes others."""
    identities = []
    for name, text in (("a", SWAHILI), ("b", SWAHILI), ("c", SWAHILI + "\n")):
        with packs.using(pack(tmp_path / name, "alphabets/sw.toml", text)):
            identities.append(packs.identity())
    assert identities[0]
    assert identities[0] == identities[1] != identities[2]


def test_a_context_that_fails_to_begin_changes_nothing(tmp_path: Path) -> None:
    """A folder that is refused is not looked into afterwards."""
    with packs.using(pack(tmp_path / "a", "alphabets/sw.toml", SWAHILI)):
        with pytest.raises(UserError), packs.using(tmp_path / "none"):
            raise AssertionError
        assert language("sw").alphabet == ("a", "b")


def test_notes_and_hidden_files_may_be_beside_packs(tmp_path: Path) -> None:
    """A licence, a README and what an editor leaves are not packs."""
    pack(tmp_path, "alphabets/sw.toml", SWAHILI)
    for name in ("README.md", "LICENSE", "alphabets/LICENSE.txt", "alphabets/.sw.toml.swp", ".git/config"):
        pack(tmp_path, name, "x")
    with packs.using(tmp_path):
        assert packs.names("alphabets") != ()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("alphabets/sw.toml", "letters = [", "toml"),
        ("alphabets/sw.toml", "letters = 'a'", "source"),
        ("alphabets/sw.toml", SWAHILI.replace("authored", "good"), "'good' is none"),
        ("alphabets/sw.toml", SWAHILI + "standings = 3", "'standings' is a table"),
        ("alphabets/sw.toml", SWAHILI + "standings = { ad = 'authored' }", "'ad'"),
        ("alphabets/sw.toml", SWAHILI + "standings = { name = 'good' }", "name is 'good'"),
        ("alphabets/sw.toml", "x = '" + "a" * 1_000_001 + "'", "1 MB"),
        ("misspellings/sw.tsv", "a" * 8_000_001, "8 MB"),
        ("misspellings/sw.tsv", "a\tb\n", "source"),
        ("alphabet/sw.toml", SWAHILI, "alphabets"),
        ("sw.toml", SWAHILI, "kind of pack"),
        ("alphabets/sw.json", "{}", "pack's file"),
        ("alphabets/a b.toml", SWAHILI, "pack's file"),
        ("alphabets/more/sw.toml", SWAHILI, "pack's file"),
        ("README.md", "", "contains no packs"),
    ],
)
def test_a_folder_that_is_none_of_packs_is_one_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    """Broken, oversized and misplaced files are reported with their location before anything is computed."""
    with pytest.raises(UserError) as caught:
        packs.use(pack(tmp_path, name, text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_what_is_not_a_plain_file_is_refused(tmp_path: Path) -> None:
    """A link out of the folder, one to itself, and a pipe, which would never end."""
    elsewhere = pack(tmp_path / "elsewhere", "sw.toml", SWAHILI) / "sw.toml"
    for name, message in (
        ("out", "outside"),
        ("loop", "plain file"),
        ("pipe", "plain file"),
    ):
        folder = tmp_path / name / "alphabets"
        folder.mkdir(parents=True)
        if name == "pipe":
            os.mkfifo(folder / "sw.toml")
        else:
            (folder / "sw.toml").symlink_to(elsewhere if name == "out" else folder / "sw.toml")
        with pytest.raises(UserError, match=message):
            packs.use(tmp_path / name)


@pytest.mark.parametrize("folder", ["none", "file", "nul\0"])
def test_no_folder_is_one_line(tmp_path: Path, folder: str) -> None:
    """A missing folder, a file, and an empty name are each one line."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="no folder"):
        packs.use(tmp_path / folder)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('letters = "a b"', "", "letters' is missing"),
        ('letters = "a b"', "letters = 3", "a string"),
        ("spaces = true", 'spaces = "yes"', "'spaces'"),
        ('language = "sw"', 'language = "en"', "'sw'"),
        ('"ltr"', '"up"', "ltr or rtl"),
    ],
)
def test_an_alphabet_of_a_user_is_checked(tmp_path: Path, old: str, new: str, message: str) -> None:
    """A key that is missing or of another type is named, with the file."""
    with (
        packs.using(pack(tmp_path, "alphabets/sw.toml", SWAHILI.replace(old, new))),
        pytest.raises(UserError, match=message),
    ):
        language("sw")


@pytest.mark.parametrize("largest", some([1_500, 100_000], 1))
def test_the_bundled_folder_can_be_named(tmp_path: Path, largest: int) -> None:
    """Each of its packs is valid in a user's folder, and its other files are not packs.

    Larger tables, and those of Vietnamese, take seconds each and are read by the tests of their own.
    """

    def slow(folder: str, names: list[str]) -> list[str]:
        files = [name for name in names if (Path(folder) / name).is_file()]
        return [name for name in files if name.startswith("vi") or (Path(folder) / name).stat().st_size > largest]

    folder = Path(shutil.copytree(resources.folder("perturbations"), tmp_path / "packs", ignore=slow))
    with user_packs.using(folder):
        assert packs.users() == (folder,)
