"""`@names=keep`: words that are tagged as names stay as they are, in examples and in files."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.program import program

from robust_xtreme import registry
from robust_xtreme.adapters.tagging import tagging
from robust_xtreme.errors import SpecError
from robust_xtreme.examples import Example, Text
from robust_xtreme.noise.engine.noising import bound, noise_texts, perturb
from robust_xtreme.specs import Origin, PerturbationSpec, Row

_WORDS = ("Rais", "Julius", "Nyerere", "alizaliwa", "Butiama")
_TAGS = ("O", "B-PER", "I-PER", "O", "B-LOC")
_PARTS = ("NOUN", "PROPN", "PROPN", "VERB", "PROPN")


def _example(tags: tuple[str, ...]) -> Example:
    row = Row("1", "file: 1", {"words": _WORDS, "tags": tags})
    return tagging(tuple(sorted({*tags})))((row,), Origin("panx", "test", "sw"))[0]


def _words(example: Example) -> list[str]:
    return [example.texts["tokens"].at(span) for span in example.texts["tokens"].spans]


@pytest.mark.parametrize("tags", [_TAGS, _PARTS])
@pytest.mark.parametrize("name", ["confusables", "char_noise", "styled", "keyboard_typo"])
def test_tagged_names_stay(tags: tuple[str, ...], name: str) -> None:
    """Entities, or proper nouns, are untouched at strength 1; other words are edited as without the parameter."""
    example = _example(tags)
    (plain,), _ = perturb([example], PerturbationSpec.parse(f"{name}:1"), 0)
    (kept,), _ = perturb([example], PerturbationSpec.parse(f"{name}:1@names=keep"), 0)
    changed = [word for word, clean in zip(_words(kept), _WORDS, strict=True) if word != clean]
    assert changed
    assert [_words(kept)[index] for index in (1, 2, 4)] == [_WORDS[index] for index in (1, 2, 4)]
    assert [_words(kept)[index] for index in (0, 3)] == [_words(plain)[index] for index in (0, 3)]
    assert not any(span.frozen for span in kept.texts["tokens"].spans)


def test_a_link_of_a_chain_keeps_names_by_itself() -> None:
    """In a chain the parameter is that of its link: the other links edit names."""
    example = _example(_TAGS)
    (noisy,), _ = perturb([example], PerturbationSpec.parse("confusables:1@names=keep+styled:1"), 0)
    assert _words(noisy)[1] == "𝐉𝐮𝐥𝐢𝐮𝐬"
    (noisy,), _ = perturb([example], PerturbationSpec.parse("confusables:1+styled:1@names=keep"), 0)
    assert _words(noisy)[1] not in ("Julius", "𝐉𝐮𝐥𝐢𝐮𝐬")


def test_a_text_without_tags_keeps_nothing() -> None:
    """Where nothing is tagged as a name, the noise is that without the parameter."""
    text = Text("t", "sw", "Julius alizaliwa Butiama")
    specs = [PerturbationSpec.parse(f"confusables:0.5{option}") for option in ("", "@names=keep")]
    plain, kept = (noise_texts([text], spec, 0)[0] for spec in specs)
    assert plain == kept


def test_it_is_a_part_of_the_condition() -> None:
    """The name of a condition says that names are kept; its draws do not depend on it."""
    spec = PerturbationSpec.parse("char_noise:0.1@names=keep")
    assert str(spec) == "char_noise:0.1@names=keep"
    assert bound(spec)[0].shape() == bound(PerturbationSpec.parse("char_noise:0.1"))[0].shape()


def test_another_value_is_refused() -> None:
    """The only value is keep."""
    with pytest.raises(SpecError, match="knows no 'drop' in '@names='; it knows keep"):
        noise_texts([Text("t", "sw", "a")], PerturbationSpec.parse("char_noise:0.1@names=drop"), 0)
    assert "names" not in registry.load("perturbation", "char_noise").parameters


@pytest.mark.parametrize(("name", "line"), [("words.tsv", "{word}\t{tag}"), ("words.conll", "{word} {tag}")])
def test_names_of_a_file_stay(tmp_path: Path, name: str, line: str) -> None:
    """`perturb` leaves the words with a tag of an entity, in every format of tagged words."""
    path, out = tmp_path / name, tmp_path / f"noisy-{name}"
    lines = [line.format(word=word, tag=tag) for word, tag in zip(_WORDS, _TAGS, strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    form = ["--format", "iob2"] if name.endswith("tsv") else []
    spec = ["--perturb", "styled:1@names=keep", "--language", "sw"]
    assert program("perturb", str(path), *form, *spec, "-o", str(out)).code == 0
    noisy = out.read_text(encoding="utf-8").splitlines()
    assert [noisy[index] for index in (1, 2, 4)] == [lines[index] for index in (1, 2, 4)]
    assert noisy[0].startswith("𝐑𝐚𝐢𝐬")
