"""`@names=keep`: words that are tagged as names stay as they are, in examples and in files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from tests.program import program

from robust_xtreme import api
from robust_xtreme.core import registry
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.examples import Example, Text
from robust_xtreme.core.run_spec import RunSpec, from_toml
from robust_xtreme.core.specs import Origin, PerturbationSpec, Row
from robust_xtreme.noise.conditions.condition import named
from robust_xtreme.noise.engine.noising import bound, noise_texts
from robust_xtreme.noise.suites import asked
from robust_xtreme.run.run import evaluate
from robust_xtreme.tasks.adapters.tagging import tagging

pytestmark = pytest.mark.usefixtures("unpaged")

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
    (plain,) = named(f"{name}:1").shown([example], 0)
    (kept,) = named(f"{name}:1@names=keep").shown([example], 0)
    changed = [word for word, clean in zip(_words(kept), _WORDS, strict=True) if word != clean]
    assert changed
    assert [_words(kept)[index] for index in (1, 2, 4)] == [_WORDS[index] for index in (1, 2, 4)]
    assert [_words(kept)[index] for index in (0, 3)] == [_words(plain)[index] for index in (0, 3)]
    assert not any(span.frozen for span in kept.texts["tokens"].spans)


def test_a_link_of_a_chain_keeps_names_by_itself() -> None:
    """In a chain the parameter is that of its link: the other links edit names."""
    example = _example(_TAGS)
    (noisy,) = named("confusables:1@names=keep+styled:1").shown([example], 0)
    assert _words(noisy)[1] == "𝐉𝐮𝐥𝐢𝐮𝐬"
    (noisy,) = named("confusables:1+styled:1@names=keep").shown([example], 0)
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
    with pytest.raises(SpecError, match="drop"):
        noise_texts([Text("t", "sw", "a")], PerturbationSpec.parse("char_noise:0.1@names=drop"), 0)
    assert "names" not in registry.load("perturbation", "char_noise").parameters


@pytest.mark.parametrize(("name", "line"), [("words.tsv", "{word}\t{tag}"), ("words.conll", "{word} {tag}")])
def test_names_of_a_file_stay(tmp_path: Path, name: str, line: str) -> None:
    """`perturb` leaves the words with a tag of an entity, in every format of tagged words."""
    path, out = tmp_path / name, tmp_path / f"noisy-{name}"
    lines = [line.format(word=word, tag=tag) for word, tag in zip(_WORDS, _TAGS, strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    form = ["--format", "iob2"] if name.endswith("tsv") else []
    spec = ["--perturb", "styled:1@names=keep", "--languages", "sw"]
    assert program("perturb", str(path), *form, *spec, "-o", str(out)).code == 0
    noisy = out.read_text(encoding="utf-8").splitlines()
    assert [noisy[index] for index in (1, 2, 4)] == [lines[index] for index in (1, 2, 4)]
    assert noisy[0].startswith("𝐑𝐚𝐢𝐬")


# --------------------------------------------------------------------------------------------------------- keep_names


_RUSSIAN: Final = ("Говорит", "Юлия", "Петрова", "из", "Рязани")


def test_entities_stay_in_their_script() -> None:
    """With `keep_names` another script leaves entities byte by byte, and changes all other words."""
    row = Row("1", "file: 1", {"words": _RUSSIAN, "tags": _TAGS})
    example = tagging(tuple(sorted({*_TAGS})))((row,), Origin("panx", "test", "ru"))[0]
    (kept,) = api.perturb([example], "transliterate:1", keep_names=True)
    assert kept == api.perturb([example], "transliterate:1@names=keep")[0]
    assert [_words(kept)[index] for index in (1, 2, 4)] == ["Юлия", "Петрова", "Рязани"]
    assert all(_words(kept)[index].isascii() for index in (0, 3))


def test_every_link_that_does_not_say_so_keeps_names() -> None:
    """The parameter is written with each link of a chain and of a suite, once; suites stay suites."""
    specs = asked(["confusables:0.1@names=keep+styled:1@fields=tokens", "@smoke"], keep_names=True)
    assert str(specs[0].cell) == "confusables:0.1@names=keep+styled:1@names=keep@fields=tokens"
    assert {suite for _, suite in specs} == {"", "@smoke"}
    assert all(("names", "keep") in link.params for cell, _ in specs for link in cell.links)


def test_a_file_with_keep_names(tmp_path: Path) -> None:
    """`perturb --keep-names` writes what `@names=keep` does."""
    path = tmp_path / "words.conll"
    path.write_text("".join(f"{word} {tag}\n" for word, tag in zip(_RUSSIAN, _TAGS, strict=True)), encoding="utf-8")
    options = (["transliterate:1", "--keep-names"], ["transliterate:1@names=keep"], ["transliterate:1"])
    outs = [tmp_path / f"noisy-{number}.conll" for number in range(len(options))]
    for words, out in zip(options, outs, strict=True):
        assert program("perturb", str(path), "--languages", "ru", "-o", str(out), "--perturb", *words).code == 0
    kept, same, plain = (out.read_bytes() for out in outs)
    assert kept == same != plain


def test_a_run_with_keep_names(tmp_path: Path) -> None:
    """`eval --keep-names` has the conditions and the results of `@names=keep`, and an identity of its own."""
    spec = RunSpec(tasks=("panx",), languages=("ru",), perturb=("transliterate:1",), limit="20", offline=True)
    kept = evaluate(replace(spec, keep_names=True, out=str(tmp_path / "kept")))
    same = evaluate(replace(spec, perturb=("transliterate:1@names=keep",), out=str(tmp_path / "same")))
    for name in ("scores.csv", "deltas.csv"):
        assert (kept.folder / name).read_bytes() == (same.folder / name).read_bytes()
    assert "transliterate:1@names=keep" in (kept.folder / "deltas.csv").read_text("utf-8")
    assert from_toml(kept.folder / "run.toml").keep_names
    assert replace(spec, keep_names=True).identity() != spec.identity()
