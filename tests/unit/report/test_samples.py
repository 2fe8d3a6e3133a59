"""Examples that readers look at: how texts are cut, marked and shown, whatever is in them."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from rich.console import Console
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from robust_xtreme.core import registry
from robust_xtreme.core.errors import UnknownName
from robust_xtreme.core.examples import UNLABELLED, Answers, Example, Span, Tags, Target, Text
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noised import Noised, pieces
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.report.blocks import Diff, Phrase, ReportPage, Sample, inlines, text_of
from robust_xtreme.report.renderers import markdown, tex
from robust_xtreme.report.renderers.html import page
from robust_xtreme.report.renderers.terminal import print_sample
from robust_xtreme.report.samples.part import KnownExamples, Tokenize, _codes, sample, shown, tokenizers_of
from robust_xtreme.report.samples.texts import Remade
from robust_xtreme.report.samples.windows import CUT, WIDTH, Mark, marked, split_at, whole_ids, window

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
    html = page(ReportPage("title", (block,)))
    body = html[html.index("<article") : html.index("</article>")]
    assert "<script" not in body
    assert not any(point in body for point in "\0\u202e\u2066\ud800")
    assert len(html) < 60_000
    tags = re.findall(r"<(\w+)", body)
    assert set(tags) <= {"article", "p", "dl", "dt", "dd", "bdi", "ins", "del", "mark", "span"}
    assert "\0" not in markdown.render(ReportPage("title", (block,)))
    assert "\0" not in tex.render(ReportPage("title", (block,)))
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


# ---------------------------------------------------------------------------------------------------------------- facts

ROW: Final[Mapping[str, Any]] = {
    "address": "sw/xnli/noise",
    "column": "xnli",
    "task": "xnli",
    "language": "sw",
    "noise": "char_noise:0.3",
    "metric": "accuracy",
    "value_clean": 100.0,
    "value": 0.0,
    "loss": 100.0,
    "became": "wrong",
    "drawn": False,
    "example": "xnli/test/sw/0001",
    "noise_seed": 0,
    "seeds": 1,
    "cell_context_language": "sw",
    "status": "ok",
    "gold": "0",
    "prediction": "0",
    "prediction_clean": "0",
    "answer": None,
    "answer_clean": None,
    "operators": "{}",
    "grapheme_edit_rate": 0.0,
    "word_edit_rate": 0.0,
    "tokens_clean": 0,
    "tokens": 0,
}
WORDS: Final[KnownExamples] = KnownExamples(tokenizers={"xnli": str.split})


def remade(task: str, texts: Mapping[str, str], noisy: Mapping[str, str], target: Target = UNLABELLED) -> Remade:
    """An example whose noisy texts are known; those fields are noised."""
    outcomes = {name: outcome(name, value, noisy.get(name, value)) for name, value in texts.items()}
    clean, read = (
        Example(ROW["example"], {name: getattr(it, side) for name, it in outcomes.items()}, target, "cluster")
        for side in ("clean", "text")
    )
    return Remade(registry.load("task", task), clean, read, tuple(noisy), outcomes, {})


def outcome(id: str, clean: str, noisy: str) -> Noised:
    """What became of a text."""
    return Noised(Text(id, "sw", clean), Text(id, "sw", noisy), "ok", 1, {"swap": 1}, 9, 1, 2, 1)


def facts_of(made: Remade, changes: Mapping[str, Any]) -> dict[str, Phrase]:
    """The facts about an example."""
    row = {**ROW, **changes}
    key = (row["address"], row["noise_seed"], row["example"])
    return dict(sample(row, replace(WORDS, remade={key: made})).facts)


def test_a_title_says_why_an_example_is_shown_and_names_the_seed() -> None:
    """The seed only where a run has several; an example that was asked for, and lost nothing, has no reason."""

    def ending(**changes: Any) -> str:
        return text_of(sample({**ROW, **changes}, KnownExamples()).title).partition("char_noise:0.3 ")[2]

    assert ending() == "0001: accuracy 100.0 to 0.0, among the largest losses"
    assert ending(drawn=True) == "0001: accuracy 100.0 to 0.0, drawn at random"
    assert ending(loss=0.0, noise_seed=2, seeds=3) == "0001 (noise seed 2): accuracy 100.0 to 0.0"


def test_the_answers_that_are_shown_are_those_that_were_scored() -> None:
    """The text that the model read is beside the answer where both differ."""
    texts = {"question": "Where?", "context": "She lives in Havana."}
    made = remade("xquad", texts, {"context": "She lives in Hvaana."}, Answers((Span(13, 19),)))
    spans = dict.fromkeys(("gold", "prediction", "prediction_clean"), "[[13, 19]]")
    facts = facts_of(made, {**spans, "answer": "Havana", "answer_clean": "Havana"})
    assert text_of(facts["answer"]) == "Havana → Havana (in the noisy text: Hvaana); gold: Havana"
    truncated = facts_of(made, spans)
    unread = "none (in the clean text: Havana) → none (in the noisy text: Hvaana)"
    assert text_of(truncated["answer"]) == f"{unread}; gold: Havana"


def test_tags_of_a_failed_answer_are_not_shown_as_right() -> None:
    """Neither as tags nor as the name of a document."""
    tags = {"task": "panx", "gold": '["O", "B-LOC"]', "prediction_clean": '["O", "B-LOC"]', "prediction": None}
    made = remade("panx", {"tokens": "in Havana"}, {}, Tags(("O", "B-LOC")))
    assert facts_of(made, tags)["answer"] == "failed"


def test_subwords_are_of_every_noised_field_that_changed() -> None:
    """They are named where several are noised, and are not called as a field is."""
    texts = {"premise": "one two three", "hypothesis": "four five six"}
    both = remade("xnli", texts, {"premise": "one tw three", "hypothesis": "four five s ix"})
    premise, hypothesis = "one | two | three → one | tw | three", "five | six → five | s | ix"
    facts = facts_of(both, {"tokens_clean": 6, "tokens": 7})
    assert text_of(facts["subwords"]) == f"premise: {premise}; hypothesis: {hypothesis}"
    second = remade("xnli", texts, {"premise": "one two three", "hypothesis": "four five s ix"})
    facts = facts_of(second, {"tokens_clean": 6, "tokens": 7})
    assert text_of(facts["subwords"]) == f"hypothesis: {hypothesis}"
    alone = remade("xnli", texts, {"hypothesis": "four five s ix"})
    facts = facts_of(alone, {"tokens_clean": 3, "tokens": 4})
    assert text_of(facts["subwords"]) == hypothesis


def test_a_sentence_is_told_from_the_passage_that_follows_it() -> None:
    """Also where noise changed it; another document is shown whole."""
    clean, noisy = "It rained.It rained. We left.", "It arined.It rained. We lft."
    documents = {"a": outcome("a", clean, noisy), "b": outcome("b", "x", "x")}
    made = replace(remade("lareqa", {"query": "Why?"}, {}), documents=documents, passages={"a": 10})
    facts = facts_of(made, {"task": "lareqa", "gold": '["a"]', "prediction": '["b"]', "prediction_clean": '["a"]'})
    assert text_of(facts["answer"]) == "as gold → x; gold: It arined. (in the passage: It rained. We lft.)"
    assert "".join(sides(part)[0] for part in inlines(facts["answer"]) if isinstance(part, Diff)) == f"x{clean}"


@pytest.mark.parametrize("at", range(8))
def test_pieces_are_split_at_a_position_of_the_clean_text(at: int) -> None:
    """Both sides together are the text; an edit around the position is whole."""
    first, rest = split_at([("ab", "ab"), ("cd", "xyz"), ("", "new"), ("efg", "efg")], at)
    assert sides(Diff((*first, *rest))) == ("abcdefg", "abxyznewefg")
    assert len(sides(Diff(tuple(first)))[0]) == (4 if at == 3 else at)


# ------------------------------------------------------------------------------------------------------------- subwords


def tokenizer_of(model: str) -> Tokenize:
    """The tokenizer of a run's model."""
    manifest = {"models": [{"model": f"{Path(model).name}@0", "task": "xnli"}]}
    return tokenizers_of(RunSpec(model=(model,)), manifest)["xnli"]


def test_a_part_of_a_character_is_shown_as_the_token_that_it_is() -> None:
    """As the vocabulary names it; a token of whole characters is the part of the text that it covers."""
    tokenize = tokenizer_of("mini")
    assert tokenize("Anna 기자는") == ["Anna", "기자", "는"]
    assert tokenize("a\U0001f600b") == ["a", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>", "b"]


def test_byte_level_tokens_are_shown_as_bytes(tmp_path: Path) -> None:
    """Their letters represent bytes."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE({letter: at for at, letter in enumerate(letters)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    folder = tmp_path / "bytes"
    folder.mkdir()
    made.save(str(folder / "tokenizer.json"))
    assert tokenizer_of(str(folder))("hi é") == ["h", "i", " ", "<0xC3>", "<0xA9>"]


# ------------------------------------------------------------------------------------------------------------------ ids


def test_an_id_is_whole_native_or_as_it_is_printed() -> None:
    """One that several examples share means all of them."""
    long, hidden = "x" * 60, "own/test/sw/a\u202eb"
    rows = pl.LazyFrame({"example": ["xnli/test/sw/1", "xnli/test/tr/1", f"xquad/test/sw/{long}", hidden]})
    assert whole_ids(["xnli/test/sw/1"], rows) == ("xnli/test/sw/1",)
    assert whole_ids(["1"], rows) == ("xnli/test/sw/1", "xnli/test/tr/1")
    assert whole_ids([long], rows) == whole_ids([f"{long[:48]}…"], rows) == (f"xquad/test/sw/{long}",)
    assert whole_ids(["a<U+202E>b"], rows) == (hidden,)
    with pytest.raises(UnknownName, match="'xnli/test/sw/1'"):
        whole_ids(["1", "xnli/test/sw/2"], rows)


@pytest.mark.parametrize(
    ("old", "new", "codes"),
    [
        ("Leila", "L\u0435il\u0430", [" (U+0435, U+0430)"]),
        ("Laura", "La\u200bura", [" (U+200B)"]),
        ("m\u00e9dico", "medico", []),
        ("\u0420\u043e\u0431\u0435\u0440\u0442\u0443", "Hj,thne", []),
    ],
)
def test_letters_that_only_look_alike_have_their_code_points(old: str, new: str, codes: list[str]) -> None:
    """Of another script amid a word, or without width; not where the whole word is in another script."""
    assert _codes(old, new) == codes
