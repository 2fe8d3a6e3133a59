"""benchmarks/perturb.py: the peers, and the bars that its page reports as missed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from benchmarks import _perturb_mixtures, _perturb_page, _perturb_peers, _perturb_strings, perturb

from robust_xtreme.core.edits import span_table
from robust_xtreme.core.examples import Text
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import bound

TEXTS = ["The people of the town have received their new library, which, they say, is 'open', every day!"] * 20


def _loop(name: str) -> _perturb_peers.Loop:
    return _perturb_peers.loop(name, "en", TEXTS, bound(PerturbationSpec.parse(f"{name}:1"))[0])


@pytest.mark.parametrize("name", _perturb_page.NAMES)
def test_a_plain_loop_makes_noise_of_the_same_strength(name: str) -> None:
    """Each loop changes texts, and the same texts alike with the same seed."""
    loop = _loop(name)
    noisy = [loop(text, random.Random(number)) for number, text in enumerate(TEXTS)]
    assert noisy == [loop(text, random.Random(number)) for number, text in enumerate(TEXTS)]
    assert sum(text != clean for text, clean in zip(noisy, TEXTS, strict=True)) >= 3
    assert abs(sum(map(len, noisy)) / sum(map(len, TEXTS)) - 1) < 0.3


def test_texts_are_repeated_and_cut_to_a_measurable_size() -> None:
    """Few texts are repeated under other ids, many are sampled."""
    few = perturb.enough([Text("a", "en", "x" * 1000)])
    assert len({text.id for text in few}) == len(few) == perturb.ENOUGH // 1000
    many = perturb.enough([Text(str(number), "en", "x" * 1000) for number in range(1000)])
    assert sum(len(text.value) for text in many) <= perturb.MOST


def test_ours_is_timed_over_all_languages() -> None:
    """A speed is a positive number of millions of characters a second."""
    link = bound(PerturbationSpec.parse("keyboard_typo:0.1"))[0]
    columns = (TEXTS, [str(number) for number in range(len(TEXTS))], span_table([()] * len(TEXTS)))
    assert perturb.ours({"en": columns, "sw": columns}, link, 1) > 0


def test_strings_are_timed_beside_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeated sentences are left out, so that only distinct ones are timed."""
    monkeypatch.setattr(_perturb_peers, "nlpaug", lambda *_: {})
    record = _perturb_strings.measure({"en": [*TEXTS, "Another one."]}, {}, 1)
    rows = _perturb_strings.rows_of({"strings": record})
    assert [(row.perturbation, row.texts) for row in rows] == [("char_noise", 2), ("keyboard_typo", 2)]
    assert all(row.share > 0 and row.times is None for row in rows)


def test_mixtures_are_timed_by_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member that does not serve a language has no figure; code_switch is timed with a pack that is made for it."""
    texts = [Text(str(number), "de", text) for number, text in enumerate(TEXTS)]
    pack = b'# source: a\n# licence: b\n# standing: derived\n# language: de-en\ntext\tspans\n0\t[[0, 4, 1, "Haus"]]\n'
    monkeypatch.setattr("robust_xtreme.tasks.aligning.align", lambda *_: (pack, ""))
    (tmp_path / "notes.txt").touch()
    record = _perturb_mixtures.measure({"xnli": {"de": texts}}, tmp_path, {}, 1)
    (row,) = record["rows"]
    assert row["switched"] > 0
    assert all((*row["speeds"].values(), *row["parts"].values()))
    assert _perturb_mixtures.speed("natural_typo:0.1", "th", texts, 1) is None
