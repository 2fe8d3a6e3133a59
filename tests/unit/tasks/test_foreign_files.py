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
    "xnli": "tsv. Expected: Columns separated by tabs, ",
    "panx": "iob2. Expected: Sentences of words, a word each line: word [TAB tag], an empty line between sentences.",
    "masakhaner": "conll. Expected: Sentences of words, a word each line: word SPACE tag, an empty line ",
    "xquad": "squad. Expected: SQuAD's JSON: paragraphs with a context, ",
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
    assert f"The file does not look like {EXPECTED[task]}" in line
    assert len(line) < 300


@pytest.mark.parametrize("task", list(FILES))
@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
            "1: is a pointer of Git LFS instead of the file. Get that: git lfs pull",
        ),
        ("\n<!DOCTYPE html>\n<html>404</html>\n", "1: is a web page instead of the file. Download the file itself."),
        ("<html><body></body></html>", "1: is a web page instead of the file. Download the file itself."),
    ],
    ids=["lfs", "page", "old-page"],
)
def test_what_a_download_left_instead_of_a_file_is_named(tmp_path: Path, task: str, text: str, line: str) -> None:
    """A pointer of Git LFS or a web page is refused in every task, and the cure is in the line."""
    assert _refused(tmp_path, task, text) == line


def test_a_mistake_in_a_later_line_is_that_line_alone(tmp_path: Path) -> None:
    """A file that begins in its format is not called foreign."""
    assert _refused(tmp_path, "xnli", "a\tb\tneutral\na\tb\n") == "2: has 2 columns, the lines before have 3."


def test_long_words_are_words() -> None:
    """Addresses, compounds and names of several syllables are read."""
    words = ("https://example.org/" + "a" * 200, "Cộng hoà xã hội chủ nghĩa Việt Nam", "San Francisco")
    (tagged,) = conll.read("".join(f"{word} O\n" for word in words), "f")
    (bare,) = iob2.read("".join(f"{word}\n" for word in words), "f")
    assert tagged.values["words"] == bare.values["words"] == words
