"""Examples that readers look at: how texts are cut, marked and shown, whatever is in them."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from robust_xtreme.examples import Text
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.noise.engine.pieces import pieces
from robust_xtreme.report.blocks import Diff, Document, Sample
from robust_xtreme.report.renderers import markdown, tex
from robust_xtreme.report.renderers.html import page
from robust_xtreme.report.renderers.samples import print_sample
from robust_xtreme.report.samples.showing import shown
from robust_xtreme.report.samples.windows import CUT, WIDTH, Mark, marked, window
from robust_xtreme.specs import PerturbationSpec

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><!--",
    "a\u202eb\u2066c",
    "x" + "\u0301" * 100_000,
    "nul\0and \ud800 half",
    "\\write18{rm} $x^2$ & % # _ ~",
    "`code` | **bold** [link](javascript:x)",
    "\u200b" * 5000,
)


def sides(diff: Diff) -> tuple[str, str]:
    """The text before and after."""
    return "".join(old for old, _ in diff.pieces), "".join(new for _, new in diff.pieces)


@pytest.mark.parametrize("spec", ["char_noise:0.3", "keyboard_typo:0.2+char_noise:0.2", "word_drop:0.5"])
def test_a_diff_is_the_clean_and_the_noisy_text(spec: str) -> None:
    """The pieces before edits make the clean text, those after them the noisy one, also after a chain."""
    text = Text("id", "en", " ".join(["The quick brown fox jumps over it"] * 3))
    (noised,) = noise_texts([text], PerturbationSpec.parse(spec), 0)
    assert noised.text.value != text.value
    assert sides(Diff(tuple(pieces(noised)))) == (text.value, noised.text.value)
    assert sides(shown(noised)) == (text.value, noised.text.value)


def test_edits_beside_each_other_are_one_piece() -> None:
    """A reader sees one change, and no empty pieces."""
    assert marked([("a", "b"), ("", ""), ("c", ""), ("d", "d")], []) == [("ac", "b", ""), ("d", "d", "")]


def test_a_mark_divides_what_stays_and_takes_whole_edits() -> None:
    """Marks of the clean and of the noisy text are in their own coordinates."""
    parts = marked([("ab", "ab"), ("c", "xyz"), ("def", "def")], [Mark("gold", 1, 3), Mark("noisy", 6, 7, noisy=True)])
    assert parts == [
        ("a", "a", ""),
        ("b", "b", "gold"),
        ("c", "xyz", "gold"),
        ("d", "d", ""),
        ("e", "e", "noisy"),
        ("f", "f", ""),
    ]


@pytest.mark.parametrize("at", [0, 1000, 1999])
def test_a_long_text_is_cut_around_edit_and_answer(at: int) -> None:
    """The first edit and the answer are in the window, and an ellipsis is where text is left out."""
    text = "".join(chr(0x4E00 + number) for number in range(2000))
    parts = [(text[:at], text[:at]), ("old", "new"), (text[at:], text[at:])]
    cut = window(marked(parts, [Mark("gold", 500, 510)]))
    assert ("old", "new", "") in cut
    assert "".join(old for old, _, mark in cut if mark == "gold") == (text[:at] + "old" + text[at:])[500:510]
    assert sum(len(old) for old, _, _ in cut) <= WIDTH + 20
    assert any(CUT in old for old, _, _ in cut)


def test_a_cluster_is_cut_whole() -> None:
    """No letter loses its marks at the end of a window."""
    text = "n\u0303" * 3000
    cut = window(marked([(text, text), ("x", "y"), (text, text)], []))
    assert all(old.strip(CUT).count("n") == old.count("\u0303") for old, _, _ in cut)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_shown_and_cannot_act(text: str) -> None:
    """In a title, a text, a fact and a label: HTML has no other elements, no hidden characters, and a bounded size."""
    diff = Diff(tuple((old, new) for old, new, _ in window([(text, text, ""), ("", text, "gold")])), "ar", "rtl")
    block = Sample(
        text[:50], "a/b", {"became": text[:50]}, (("text", diff),), (("gold", (diff,)), ("clean", text[:50]))
    )
    html = page(Document("title", (block,)))
    body = html[html.index("<article") : html.index("</article>")]
    assert "<script" not in body
    assert not any(point in body for point in "\0\u202e\u2066\ud800")
    assert len(html) < 60_000
    tags = re.findall(r"<(\w+)", body)
    assert set(tags) <= {"article", "p", "dl", "dt", "dd", "bdi", "ins", "del", "mark"}
    assert "\0" not in markdown.render(Document("title", (block,)))
    assert "\0" not in tex.render(Document("title", (block,)))
    out = io.StringIO()
    print_sample(Console(file=out, width=80), block)
    assert not any(point in out.getvalue() for point in "\0\u202e\u2066\ud800")
    assert max(map(len, out.getvalue().splitlines())) <= 80 + text.count("\u0301")


def test_a_text_has_its_language_and_direction() -> None:
    """A browser shapes and orders it by them."""
    context = Text("c", "ar", "مرحبا بكم")
    (noised,) = noise_texts([context], PerturbationSpec.parse("char_noise:0.9"), 0)
    diff = shown(noised, [Mark("gold", 0, 5)])
    assert (diff.language, diff.direction) == ("ar", "rtl")
    assert "gold" in diff.marks
