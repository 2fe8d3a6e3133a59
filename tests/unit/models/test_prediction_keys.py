"""What the key of a kept prediction depends on: what the model reads, and not the gold answer."""

from __future__ import annotations

from robust_xtreme.core.examples import Answers, Choice, Example, Span, Tags, Target, Text
from robust_xtreme.models.predictors.cache import keys_of
from robust_xtreme.models.reading.reading import contents_of


def _key(name: str, spans: tuple[Span, ...], target: Target, settings: str = "settings") -> bytes:
    """The key of the prediction on one text."""
    example = Example("a", {name: Text("a", "en", "New York City", spans)}, target, "a")
    (key,) = keys_of(contents_of([example]), settings)
    return key


def test_keys_of_one_model_and_task_are_neighbours() -> None:
    """Keys for equal settings begin with the same bytes, so that the cache reads and writes few pages of its table."""
    choice = Choice(0)
    first, second = _key("premise", (), choice), _key("hypothesis", (), choice)
    other = _key("premise", (), choice, "others")
    assert first != second
    assert first[:4] == second[:4] != other[:4]
    assert first[4:] != other[4:]


def test_long_texts_have_keys_of_their_own() -> None:
    """Texts that differ at the end, and one that two inputs have."""
    values = ["a" * 500 + "b", "a" * 500 + "c", "a" * 500 + "b", "a" * 64, "a" * 65]
    examples = [
        Example(str(at), {"text": Text(str(at), "en", value)}, Choice(0), "a") for at, value in enumerate(values)
    ]
    keys = [*keys_of(contents_of(examples), "settings")]
    assert keys[0] == keys[2]
    assert len({*keys}) == 4


def test_languages_are_stored_apart() -> None:
    """Keys of inputs of other languages begin otherwise, so that those of a task run are in pages of their own."""
    contents = contents_of([Example("a", {"text": Text("a", "en", "No")}, Choice(0), "a")])
    (first,), (second,) = (keys_of(contents, "settings", (language, language)) for language in ("en", "de"))
    assert first[:4] != second[:4]
    assert first[4:] == second[4:]


def test_the_bounds_of_words_are_part_of_a_key() -> None:
    """The same text with other words is another input of a tagger."""
    tags = Tags(("O", "O"))
    assert _key("tokens", (Span(0, 3), Span(4, 13)), tags) != _key("tokens", (Span(0, 8), Span(9, 13)), tags)


def test_where_the_answers_are_is_not_part_of_a_key() -> None:
    """The spans of a context are its gold answers, which the model does not read."""
    first, second = (Span(0, 3),), (Span(4, 8),)
    assert _key("context", first, Answers(first)) == _key("context", second, Answers(second))
