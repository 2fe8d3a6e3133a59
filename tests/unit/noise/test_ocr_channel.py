"""Texts that are printed, made bad, and read: what is read becomes edits, is kept, and fails in one line.

Fonts and Tesseract itself are tested where they are installed (tests/misreading.py is in their place elsewhere).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests import misreading
from tests.conformance.texts import SENTENCES

from robust_xtreme import compare, evaluate, perturb
from robust_xtreme.core.errors import Mismatch, UserError
from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.languages import LANGUAGES
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.files import store
from robust_xtreme.noise.engine import ocr_channel
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.noise.engine.ocr_channel import compared, degraded, drawn, read, reader
from robust_xtreme.noise.members.ocr_noise import ocr_channel as member

FONTS = [found[1] for code in LANGUAGES if (found := reader(code))]
_needs_fonts = pytest.mark.skipif(
    not all(font.is_file() for font in FONTS), reason="needs fonts: apt-get install fonts-noto-core fonts-noto-cjk"
)
_needs_tesseract = pytest.mark.skipif(
    not shutil.which("tesseract"), reason="needs Tesseract: apt-get install tesseract-ocr-all"
)


def reading(monkeypatch: pytest.MonkeyPatch, *texts: str) -> list[Sequence[str]]:
    """The calls of a reader that reads these texts, whatever is printed."""
    calls: list[Sequence[str]] = []
    given = iter(texts)

    def fake(pages: Sequence[str], _: str) -> list[str]:
        calls.append(pages)
        return [next(given) for _ in pages]

    monkeypatch.setattr(ocr_channel, "read", fake)
    return calls


def channelled(value: str, *spans: Span, code: str = "en", strength: str = "1") -> Text:
    """A text after the channel."""
    cell = PerturbationSpec.parse(f"ocr_channel:{strength}")
    return next(iter(noise_texts([Text("one", code, value, spans)], cell, 0))).text


def test_every_language_but_wolof_has_a_reader() -> None:
    """Tesseract's data are there for 49 of the 50 languages; Tagalog's are those of Filipino."""
    assert [code for code in LANGUAGES if member.lacks(code)] == ["wo"]
    assert member.lacks("wo") == "Tesseract has no data for it"
    assert reader("tl") == ("fil", FONTS[0])


def test_what_is_read_becomes_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters replaced, put in and lost, spaces too; the realised strength is the character error rate."""
    reading(monkeypatch, "The chi1dren play . nearthe rver")
    noised = next(iter(noise_texts([Text("one", "en", "The children play near the river")],
                                   PerturbationSpec.parse("ocr_channel:1"), 0)))  # fmt: skip
    assert noised.text.value == "The chi1dren play . nearthe rver"
    assert (noised.graphemes_edited, noised.graphemes, noised.eligible) == (5, 32, 32)
    assert dict(noised.edits) == {"replace": 1, "insert": 1, "delete": 2}


def test_spans_stay_on_their_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit across an edge is left out, as is a space beside a span, and what would leave nothing of a span."""
    first, second, frozen = Span(0, 4, "A"), Span(5, 11, "B"), Span(12, 17, "C", frozen=True)
    reading(monkeypatch, "Rai$ Jul usNyero, abc", "am", "Ulmis")
    text = channelled("Rais Julius Nyere, abd", first, second, frozen)
    assert [text.value[span.start : span.stop] for span in text.spans] == ["Rai$", "Jul us", "Nyere"]
    assert text.value == "Rai$ Jul us Nyere, abc"
    assert channelled("Iam", Span(0, 1, "A")).value == "Iam"
    assert channelled("Ulm is", Span(0, 3, "A")).value == "Ulm is"


def test_nothing_is_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    """A print of which nothing is read stays as it is, and a span keeps what would be all lost."""
    reading(monkeypatch, "", "in  today")
    assert channelled("all lost") == Text("one", "en", "all lost")
    assert channelled("in Ulm today", Span(3, 6, "A"), strength="0.5").value == "in Ulm today"


def test_a_page_tells_no_normal_form() -> None:
    """What is read is composed as the text is; the vowel am of Thai is one letter; marks on nothing are not read."""
    assert compared("cafe\u0301", "caf\u00e9") == compared("caf\u00e9", "cafe\u0301") == []
    assert compared("\u0e19\u0e33", "\u0e19\u0e4d\u0e32", spaces=False) == []
    assert [change.form for change in compared("ab", "ab c")] == ["b c"]
    assert compared("ab", "ab \u0301") == []
    assert compared("ab kopo", "ab \u200d opo") == compared("ab kopo", "ab opo")
    assert compared("ab", "\u200eab") == []  # a mark of direction is not seen either


def test_spaces_are_no_change_where_none_are_written() -> None:
    """Line breaks and spaces that Tesseract puts between characters do not count, and those of the text stay."""
    assert compared("今天 iPhone 好", "今 天iPhone好", spaces=False) == []
    (change,) = compared("今天 好", "今大好", spaces=False)
    assert (change.start, change.stop, change.form, change.cost) == (1, 2, "大", 1)


def test_what_was_read_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text is read once for each strength and seed; what is kept needs neither Tesseract nor fonts."""
    calls = reading(monkeypatch, "one", "two", "three", "four")
    values = ["ono", "tvo"]
    assert perturb(values, "ocr_channel:1", language="en") == ["one", "two"]
    monkeypatch.setenv("PATH", "")
    assert perturb(values[::-1], "ocr_channel:1", language="en") == ["two", "one"]
    assert len(calls) == 1
    assert perturb(["ono"], "ocr_channel:0.5", language="en") == ["three"]
    assert perturb(["ono"], "ocr_channel:0.5", language="en", seed=1) == ["four"]


def test_half_of_a_surrogate_pair_is_printed_as_a_question_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    """No font can draw it, and no file contain it."""
    calls = reading(monkeypatch, "a?b")
    assert channelled("a\ud800b").value == "a?b"
    assert "\ud800" not in calls[0][0]


class _Page:
    """A print that is saved as an empty file."""

    def save(self, path: str) -> None:
        """Write it."""
        Path(path).write_bytes(b"")


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A program of the shell in the place of Tesseract."""
    path = folder / "tesseract"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_tesseract_reads_several_pages_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets a list of pages, the language's data and one thread; its text is divided by form feeds."""
    pages = r"""while read page; do printf "$next a \n b\n"; next='\f'; done < $1"""
    program(tmp_path, monkeypatch, f'echo "$@" $OMP_THREAD_LIMIT > "$(dirname "$0")/words"; {pages}')
    assert read([_Page(), _Page()], "chi_sim") == ["a b", "a b"]
    words = (tmp_path / "words").read_text().split()
    assert words[1:] == ["stdout", "-l", "chi_sim", "--psm", "6", "--dpi", "300", "1"]


@pytest.mark.parametrize(("script", "reason"), [
    ("printf one", "exit 0"), ("echo x >&2; echo no data >&2; exit 1", "no data"), ("sleep 20", "within 2 s: exit 124"),
    ("kill -9 $$", "exit -9"),
])  # fmt: skip
def test_a_broken_reader_is_one_line(script: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too few pages, an error, no end and a kill: the last line that it wrote, else how it ended, and its package."""
    monkeypatch.setattr(ocr_channel, "_SECONDS", 1)
    program(tmp_path, monkeypatch, script)
    with pytest.raises(UserError) as raised:
        read([_Page(), _Page()], "chi_sim")
    message = str(raised.value)
    assert "'chi_sim'" in message
    assert ("within" in message) == script.startswith("sleep")
    assert reason in message
    assert message.endswith("apt-get install tesseract-ocr tesseract-ocr-chi-sim")
    assert "\n" not in message


def test_memory_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program may take 2 GiB."""
    program(tmp_path, monkeypatch, "ulimit -v")
    assert read([_Page()], "eng") == [str((2 << 30) // 1024)]


def test_runs_that_were_read_differently_are_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of Tesseract leaves other texts; the manifest has its version, equal readings are compared."""

    def run(name: str, degree: float) -> Path:
        monkeypatch.setenv("ROBUST_XTREME_CACHE", str(tmp_path / f"cache-{name}"))
        monkeypatch.setattr(ocr_channel, "degraded", lambda page, _, key: misreading.degraded(page, degree, key))
        evaluate(tasks="xnli", languages="sw", perturb="ocr_channel:0.8", limit="3", out=tmp_path / name)
        return tmp_path / name

    first, other = run("first", 0.1), run("other", 0.9)
    assert {"pillow", "tesseract"} <= store.read_json(first / "manifest.json")["versions"].keys()
    assert compare(first, first).frame.height
    with pytest.raises(Mismatch, match="ocr_channel"):
        compare(first, other)


def test_what_is_missing_is_known_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data of languages, Tesseract and fonts, of what is asked for; and the version of what is there."""
    monkeypatch.setattr(ocr_channel, "reader", {"sw": ("swa", Path("/no/a.ttf")), "zh": ("chi_sim", _here())}.get)
    monkeypatch.setattr(ocr_channel, "_OTHERS", _here())
    monkeypatch.setenv("PATH", str(tmp_path))
    data = ["tesseract-ocr-chi-sim", "tesseract-ocr-swa"]
    assert ocr_channel.missing(["sw", "zh", "wo"]) == ["fonts-noto-core", "tesseract-ocr", *data]
    assert ocr_channel.versions()["tesseract"] == ""
    (tmp_path / "env").symlink_to(shutil.which("env", path=os.defpath) or "")
    told = tmp_path / "tesseract"
    told.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "tesseract 5.3.0" || echo "List of (1): swa"\n')
    told.chmod(0o755)
    assert ocr_channel.missing(["sw", "zh"]) == ["fonts-noto-core", "tesseract-ocr-chi-sim"]
    assert ocr_channel.missing(["wo"]) == []
    assert ocr_channel.versions()["tesseract"] == "5.3.0"


def _here() -> Path:
    return Path(__file__)


def test_a_missing_reader_or_font_is_named_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says what to install."""
    for name in ("env", "timeout", "prlimit"):
        (tmp_path / name).symlink_to(shutil.which(name) or "")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"tesseract-ocr-eng$"):
        read([], "eng")
    for name, package in (("NotoSans-None.ttf", "core"), ("NotoSansCJK-None.ttc", "cjk")):
        with pytest.raises(UserError, match=f"{name}: apt-get install fonts-noto-{package}$"):
            drawn("text", "en", tmp_path / name)


def test_a_reader_that_writes_without_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a limit for each text; where there is not even a program that limits it, that is the line."""
    program(tmp_path, monkeypatch, "yes | head -c 9000000")
    with pytest.raises(UserError, match="'eng'"):
        read([_Page()], "eng")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="util-linux"):
        read([], "eng")


@_needs_fonts
def test_long_words_and_texts_have_pages_of_their_limits() -> None:
    """A word without end is written in several lines; a text of more lines than a page has is refused in one."""
    _, font = reader("en") or ("", Path())
    assert drawn("W" * 3_000, "en", font).width < 44 * 60
    with pytest.raises(UserError, match="200 lines"):
        drawn("a" * 10_000, "en", font)


def printed(code: str, value: str) -> np.ndarray:
    """The ink of a clean print, from 0 to 1."""
    _, font = reader(code) or ("", Path())
    return 1 - np.asarray(drawn(value, code, font), np.float32) / 255


@_needs_fonts
@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "wo"])
def test_every_sentence_is_printed_within_its_page(code: str) -> None:
    """There is ink, and none on the margin."""
    ink = printed(code, SENTENCES[code])
    assert 0.01 < ink.mean() < 0.3
    assert max(ink[:8].max(), ink[-8:].max(), ink[:, :8].max(), ink[:, -8:].max()) == 0


@_needs_fonts
@pytest.mark.parametrize("code", ["ar", "he", "th", "ka", "my", "hi"])
def test_what_a_font_lacks_is_printed_in_another(code: str) -> None:
    """Digits and Latin letters are no boxes: different ones look different."""
    first, other = printed(code, "11:20 ab"), printed(code, "77:34 wk")
    assert first.shape != other.shape or np.abs(first - other).max() > 0.5


@_needs_fonts
def test_scripts_have_their_direction_and_lines() -> None:
    """Hebrew begins at the right; long texts have several lines, of whole words or clusters."""
    short, long = printed("he", "שלום " * 9 + "א"), printed("en", "word " * 40)
    assert short[:, -40:].sum() > 0
    assert long.shape[0] > 3 * printed("en", "word").shape[0]
    assert printed("zh", "孩" * 100).shape[0] > printed("zh", "孩").shape[0]


@_needs_fonts
def test_a_print_gets_worse_by_degrees() -> None:
    """At 0 it stays; it loses pixels and gets speckles by the degree; draws are those of the key."""
    _, font = reader("en") or ("", Path())
    page = drawn("a page", "en", font)
    assert np.array_equal(np.asarray(degraded(page, 0, 1)), np.asarray(page))
    grey = [np.asarray(degraded(page, degree, 1), np.float32) for degree in (0.2, 0.5, 1)]
    assert grey[0].size > grey[1].size > grey[2].size
    assert np.std(grey[0][:10]) < np.std(grey[1][:10]) < np.std(grey[2][:10])
    assert np.array_equal(degraded(page, 1, 1), degraded(page, 1, 1))
    assert not np.array_equal(degraded(page, 1, 1), degraded(page, 1, 2))


@_needs_fonts
@_needs_tesseract
@pytest.mark.parametrize("code", ["sw", "he", "hi", "zh"])
def test_a_good_print_is_read_well_and_a_bad_one_worse(code: str) -> None:
    """Of the real program: few errors at a low degree, more at the highest, and the same alone as among others."""
    data, font = reader(code) or ("", Path())
    clean = SENTENCES[code]
    page = drawn(clean, code, font)
    spaces = code != "zh"
    texts = read([degraded(page, 0.1, 3), *(degraded(page, 1, key) for key in range(4))], data)
    errors = [sum(change.cost for change in compared(clean, text, spaces)) for text in texts]
    assert errors[0] <= 0.15 * len(clean)
    assert sum(errors[1:]) > 0
    assert read([degraded(page, 1, 2)], data) == [texts[3]]
