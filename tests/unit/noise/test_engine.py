"""The engine: texts with ids and spans in, noisy texts with edit counts out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.conformance.texts import SENTENCES, every_language, text, words

from robust_xtreme.core import edits
from robust_xtreme.core.edits import Array
from robust_xtreme.core.errors import Mismatch, SpecError, UnknownName
from robust_xtreme.core.examples import Answers, Choice, Example, Span, Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.letters import Letters, letters
from robust_xtreme.noise.engine.noised import Noised, noise_example
from robust_xtreme.noise.engine.noising import noise_texts, noise_with
from robust_xtreme.noise.engine.perturbation import Bound, Declared
from robust_xtreme.noise.engine.words import words as word_noise

_SW = SENTENCES["sw"]


def _noise(spec: str, *texts: Text, seed: int = 0) -> list[Noised]:
    return list(noise_texts(texts, PerturbationSpec.parse(spec), seed))


@letters(strength="share of letters e doubled")
def longer_e(page: Letters) -> Array:
    """Double each e."""
    return page.may("double", where=page.points == ord("e"))


def test_an_author_says_what_may_change_and_the_engine_does_the_rest() -> None:
    """At strength 1 each letter that may change does, and only those count as eligible."""
    assert longer_e.name == "longer_e"
    assert longer_e.summary == "Double each e."
    noised = noise_with([Bound(longer_e, "1", {})], [Text("a", "en", "a new ear, u", (Span(2, 5),))], 0)[0]
    assert noised.text.value == "a neew eear, u"
    assert noised.text.at(noised.text.spans[0]) == "neew"
    assert (noised.eligible, noised.edits["double"]) == (2, 2)


def test_a_member_declares_what_it_does_not_have_and_waives() -> None:
    """Members of letters and of words take the declarations that other kinds take, and both keep their defaults."""
    declared = Declared(
        version=2,
        lacks=lambda code: "" if code == "sw" else "not Swahili",
        packs=lambda code: (f"mine/{code}",),
        waives=frozenset({"rule_1_strength_is_a_share"}),
        refuses=("tagging",),
    )

    def idle(*_: object) -> Any:
        """Change nothing."""

    members = (
        letters(strength="share of letters", **declared)(idle),
        word_noise(strength="share of words", rates={"drop": "1"}, **declared)(idle),
    )
    for member in members:
        assert (member.version, member.waives, member.refuses) == (2, declared["waives"], ("tagging",))
        assert (member.serves("sw"), member.lacks("en"), member.packs("sw")) == (True, "not Swahili", ("mine/sw",))
    assert (longer_e.version, longer_e.waives, longer_e.packs("sw")) == (1, frozenset(), ("alphabets/sw",))


def test_a_text_shared_by_examples_is_noised_once() -> None:
    """The same id gives the same outcome, at any positions of the list."""
    source_text = text("sw", _SW, name="passage")
    noised = _noise("char_noise:0.3", source_text, text("sw", "Habari", name="other"), source_text)
    assert noised[0] == noised[2] != noised[1]


def test_two_texts_with_one_id_are_refused() -> None:
    """Noise follows the id, so an id that names two texts is an error that names it."""
    with pytest.raises(Mismatch, match="'passage'"):
        _noise("char_noise:0.1", text("sw", _SW, name="passage"), text("sw", "Habari", name="passage"))


def test_noise_follows_the_id_not_the_value() -> None:
    """Two texts of equal value are noised apart; the spans that travel with a text do not change its noise much."""
    first, second = _noise("char_noise:0.5", text("sw", _SW, name="a"), text("sw", _SW, name="b"))
    assert first.text.value != second.text.value


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """However texts are cut into chunks, the results are the same, edit counts and spans included."""
    texts = every_language()
    whole = _noise("char_noise:0.3", *texts)
    monkeypatch.setattr(edits, "_CHUNK", 60)
    assert _noise("char_noise:0.3", *texts) == whole


def test_an_empty_span_at_the_start_does_not_reach_into_other_texts() -> None:
    """A span of nothing protects nothing, in its own text or in the batch."""
    source_text = Text("a", "hi", "किताब नदी", (Span(0, 0),))
    others = [Text(f"{n}", "hi", "किताब नदी के पास", (Span(0, 0), Span(0, 5))) for n in range(40)]
    together = _noise("char_noise:1@ops=delete", source_text, *others)
    assert together == [noised for text in (source_text, *others) for noised in _noise("char_noise:1@ops=delete", text)]


def test_no_texts_give_no_texts() -> None:
    """An empty list is not an error, nor is a list of empty texts."""
    assert _noise("char_noise:0.1") == []
    assert [noised.status for noised in _noise("char_noise:1", text("sw", ""))] == ["unchanged"]


def test_a_chain_applies_its_links_in_order_and_maps_back_through_both() -> None:
    """The second link works on what the first one left; spans and ranges go through both."""
    source_text = text("sw", _SW, *words(_SW), name="chain")
    chained = _noise("char_noise:0.3@ops=delete+char_noise:0.2@ops=double", source_text)[0]
    first = _noise("char_noise:0.3@ops=delete", source_text)[0]
    again = noise_texts([first.text], PerturbationSpec.parse("char_noise:0.2@ops=double"), 0)[0]
    assert chained.text == again.text
    assert chained.edits == {"delete": first.edits["delete"], "double": again.edits["double"], "swap": 0, "replace": 0}
    assert chained.graphemes == len(_SW)
    assert chained.graphemes_edited == first.graphemes_edited + again.graphemes_edited
    for before, after in zip(source_text.spans, chained.text.spans, strict=True):
        assert chained.to_clean(after.start, after.stop) == (before.start, before.stop)
        assert chained.to_noisy(before.start, before.stop) == (after.start, after.stop)


def test_a_lost_word_at_an_end_takes_its_blank_with_it() -> None:
    """No text begins or ends with a blank that the clean one does not have; spans and ranges go through that step."""
    value = "a river b"
    spans = (Span(0, 7), Span(2, 7), Span(2, 9))
    noised = _noise("char_noise:0.3@ops=delete", *(Text(f"{n}", "en", value, spans) for n in range(200)))
    assert all(each.text.value == each.text.value.strip() for each in noised)
    cut = [each for each in noised if len(each.traces) > 1]
    assert {each.text.value.count(" ") for each in cut} == {0, 1}
    for each in cut:
        for before, after in zip(each.clean.spans, each.text.spans, strict=True):
            assert each.to_noisy(before.start, before.stop) == (after.start, after.stop)
            assert each.text.at(after) == each.text.at(after).strip()
    padded = _noise("char_noise:0.3@ops=delete", *(Text(f"{n}", "en", f" {value}\n") for n in range(50)))
    assert all((each.text.value[0], each.text.value[-1]) == (" ", "\n") for each in padded)


def test_the_same_perturbation_twice_draws_again() -> None:
    """A chain of a perturbation with itself does not hit the same places twice."""
    twice = _noise("char_noise:0.2@ops=replace+char_noise:0.2@ops=replace", text("sw", _SW * 20))[0]
    once = _noise("char_noise:0.2@ops=replace", text("sw", _SW * 20))[0]
    changed = sum(a != b for a, b in zip(twice.text.value, twice.clean.value, strict=True))
    assert changed > 1.4 * once.graphemes_edited


def test_a_language_that_nobody_knows_is_not_applicable() -> None:
    """A text of such a language keeps its value, with the reason in its status."""
    noised = _noise("char_noise:1", Text("x", "xx", "Habari ya leo"))[0]
    assert (noised.status, noised.text, noised.eligible, noised.words) == ("not_applicable", noised.clean, 0, 3)


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        ("char_nois:0.1", UnknownName, "Did you mean 'char_noise'"),
        ("char_noise", SpecError, "names no strength"),
        ("char_noise:0.1@ops=erase", SpecError, "knows no 'erase'"),
        ("char_noise:0.1@colour=red", SpecError, "no parameter 'colour'"),
        ("char_noise:0.1,0.2", SpecError, "exactly one strength"),
    ],
)
def test_a_spec_that_cannot_be_followed_is_refused(spec: str, error: type[Exception], words: str) -> None:
    """Unknown names, parameters and values are refused with what was probably meant."""
    with pytest.raises(error, match=words):
        _noise(spec, text("sw", _SW))


def test_naming_all_operators_is_naming_none() -> None:
    """The draw depends on what the parameters are, not on how they are written."""
    source_text = text("sw", _SW * 5)
    default = _noise("char_noise:0.2", source_text)
    assert _noise("char_noise:0.2@ops=swap,replace,double,delete", source_text) == default
    assert _noise("char_noise:0.20", source_text) == default


def test_parameters_change_the_draw() -> None:
    """Fewer operators are another perturbation, with draws of its own."""
    source_text = text("sw", _SW * 5)
    edited = [
        {move[0] for move in _noise(spec, source_text)[0].traces[0].moves}
        for spec in ("char_noise:0.2@ops=replace", "char_noise:0.2@ops=double")
    ]
    assert edited[0] != edited[1]


def _example(context: Text, *answers: Span) -> Example:
    return Example("q/1", {"question": text("sw", "Nani?", name="q"), "context": context}, Answers(answers), "c")


def test_an_example_keeps_its_identity_and_its_answers_move() -> None:
    """Only the named fields change; the answers are where the noisy context has them."""
    context = replace(text("sw", _SW, (0, 6), (15, 22), name="ctx"))
    example = _example(context, Span(15, 22))
    noised = {result.clean.id: result for result in _noise("char_noise:0.8", *example.texts.values())}
    changed = noise_example(example, noised, ("context",))
    assert (changed.id, changed.cluster, changed.fingerprint) == (example.id, example.cluster, example.fingerprint)
    assert changed.texts["question"] == example.texts["question"]
    moved = noised["ctx"].text.spans[1]
    assert changed.target == Answers((Span(moved.start, moved.stop),))


def test_answers_stay_where_the_question_is_noised() -> None:
    """Noise on another field than the context does not move the gold spans."""
    example = _example(text("sw", _SW, (0, 6), name="ctx"), Span(0, 6))
    noised = {result.clean.id: result for result in _noise("char_noise:0.8", *example.texts.values())}
    moved = noise_example(example, noised, ("question",))
    assert moved.target == example.target
    assert moved.texts["context"] == example.texts["context"]


def test_choices_pass_through() -> None:
    """A target that has no places in a text is left alone."""
    example = Example("n/1", {"premise": text("sw", _SW, name="p")}, Choice(2), "c")
    noised = {result.clean.id: result for result in _noise("char_noise:0.8", *example.texts.values())}
    assert noise_example(example, noised, ("premise",)).target == Choice(2)
