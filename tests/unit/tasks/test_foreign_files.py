"""Release files in another format than their name says: the line says so, and what is expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError
from robust_xtreme.tasks.formats import conll, iob2
from robust_xtreme.tasks.sources.source import load

TSV = "the river runs past stone houses\tpeople meet\tneutral\n"
JSON = '{"premise": "the river runs", "hypothesis": "people meet", "label": "neutral"}\n'
CONLL = "river O\nNile B-LOC\n\n"
FILES = {
    "xnli": ("sw", "xnli/test-sw.tsv"),
    "panx": ("sw", "panx/test-sw.tsv"),
    "masakhaner": ("ha", "masakhaner2/hau/test.txt"),
    "xquad": ("de", "xquad/xquad.de.json"),
    "tatoeba": ("de", "tatoeba/v1/tatoeba.deu-eng.deu"),
}
EXPECTED = {
    "xnli": "separated by tabs",
    "panx": "TAB tag",
    "masakhaner": "SPACE tag",
    "xquad": "SQuAD",
}


def _refused(folder: Path, task: str, text: str) -> str:
    """The line with which a file of a task is refused, without its folder."""
    language, name = FILES[task]
    path = folder / name
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    (path.parent / "tatoeba.deu-eng.eng").write_text(text, encoding="utf-8")
    spec = registry.load("task", task)
    with pytest.raises(DataError) as error:
        load(spec, folder, language, "test" if "test" in spec.files else "validation")
    return str(error.value).removeprefix(f"{path}:")


@pytest.mark.parametrize(
    ("task", "text"),
    [
        ("masakhaner", TSV * 20_000),
        ("masakhaner", TSV * 2),
        ("masakhaner", "people meet\tthe river runs\n"),
        ("masakhaner", "river\tNOUN\tO\n"),
        ("masakhaner", JSON),
        ("masakhaner", "the river runs past stone houses " * 60_000),
        ("masakhaner", f"{'r' * 50} O\n" * 21_000),
        ("panx", TSV * 20_000),
        ("panx", "the river runs\tpeople meet\n"),
        ("panx", JSON * 20_000),
        ("panx", "the river runs past stone houses " * 60_000),
        ("panx", f"{'r' * 50}\tO\n" * 21_000),
        ("xnli", CONLL),
        ("xnli", JSON),
        ("xquad", TSV),
    ],
)
def test_a_file_of_another_format_says_what_is_expected(tmp_path: Path, task: str, text: str) -> None:
    """However long its lines are, the line is named with the format and how that looks."""
    line = _refused(tmp_path, task, text)
    assert line.startswith("1: ")
    assert EXPECTED[task] in line
    assert len(line) < 300


@pytest.mark.parametrize("task", list(FILES))
@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
            "git lfs pull",
        ),
        ("\n<!DOCTYPE html>\n<html>404</html>\n", "web page"),
        ("<html><body></body></html>", "web page"),
    ],
    ids=["lfs", "page", "old-page"],
)
def test_what_a_download_left_instead_of_a_file_is_named(tmp_path: Path, task: str, text: str, line: str) -> None:
    """A pointer of Git LFS or a web page is refused in every task, and the cure is in the line."""
    assert line in _refused(tmp_path, task, text)


def test_a_mistake_in_a_later_line_is_that_line_alone(tmp_path: Path) -> None:
    """A file that begins in its format is not called foreign."""
    assert _refused(tmp_path, "xnli", "a\tb\tneutral\na\tb\n").startswith("2: has 2 columns")


def test_long_words_are_words() -> None:
    """Addresses, compounds and names of several syllables are read."""
    words = ("https://example.org/" + "a" * 200, "Cộng hoà xã hội chủ nghĩa Việt Nam", "San Francisco")
    (tagged,) = conll.read("".join(f"{word} O\n" for word in words), "f")
    (bare,) = iob2.read("".join(f"{word}\n" for word in words), "f")
    assert tagged.values["words"] == bare.values["words"] == words
