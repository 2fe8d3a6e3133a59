"""benchmarks/perturb.py: the peers, and the bars that its page reports as missed."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

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


def _record(letters: float, words: float, peer: float, last: float) -> dict[str, Any]:
    shape = {"task": "xnli", "script": "Latn", "languages": 1, "texts": 1, "characters": 1, "spans": 0, "plain": 1.0}
    return {
        "about": {},
        "load_ms": 1.0,
        "figures": [
            {
                "perturbation": "char_noise",
                "level": "letters",
                "ours": letters,
                "nlpaug": {"KeyboardAug": peer},
                **shape,
            },
            {"perturbation": "word_drop", "level": "words", "ours": words, "nlpaug": {}, **shape},
        ],
        "curves": {"char_noise": [[5, 90.0], [100, 50.0], [5000, last]]},
        "textattack": None,
        "mixtures": {"about": {}, "rows": [_mixture(3.0, 1.0)]},
        "strings": {"about": {}, "rows": [_strings(0.7, 10.0)]},
    }


def _mixture(speed: float, switched: float) -> dict[str, Any]:
    speeds = {**dict.fromkeys(_perturb_mixtures.NAMES, speed), "keyboard_typo": 10.0}
    parts = dict.fromkeys(_perturb_mixtures.MIXTURES, 2.0)
    return {"task": "xnli", "language": "de", "characters": 1, "speeds": speeds, "parts": parts, "switched": switched}


def _strings(share: float, times: float) -> dict[str, Any]:
    sizes = {"perturbation": "char_noise", "language": "de", "texts": 1, "characters": 1}
    return {**sizes, "engine": 1 / share, "perturb": 1.0, "nlpaug": {"KeyboardAug": 1 / times}}


def test_bars_that_are_missed_are_named() -> None:
    """The page reports slow letters, slow words, a near peer and a steep curve, and nothing else."""
    kept = _record(15.0, 3.0, 1.5, 75.0)
    assert _perturb_page.missed(kept) == []
    assert _perturb_page.page(kept).rstrip().endswith("All bars are kept.")
    assert _perturb_page.missed(_record(14.9, 3.0, 1.0, 75.0)) == ["char_noise in 1 of 1 cells (14.9, xnli in Latn)"]
    assert _perturb_page.missed(_record(15.0, 2.9, 1.0, 75.0)) == ["word_drop in 1 of 1 cells (2.9, xnli in Latn)"]
    assert _perturb_page.missed(_record(15.0, 3.0, 1.6, 75.0)) == ["char_noise, xnli in Latn, 9.4 times nlpaug"]
    assert _perturb_page.missed(_record(15.0, 3.0, 1.0, 76.0)) == ["char_noise, not linear"]


def test_strings_far_from_the_engine_or_near_a_peer_are_named() -> None:
    """Less than seven tenths of the engine's rate is a bar missed, and so is less than ten times nlpaug."""
    slow = {**_record(15.0, 3.0, 1.5, 75.0), "strings": {"about": {}, "rows": [_strings(0.69, 9.9)]}}
    where = "perturb of strings, char_noise in de"
    assert _perturb_page.missed(slow) == [f"{where}, 0.69 of the engine", f"{where}, 9.9 times nlpaug"]
    assert "Strings: at least 0.69 of the engine (bar 0.7), 10 times nlpaug (bar 10)." in _perturb_page.page(slow)


def test_strings_are_timed_beside_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeated sentences are left out, so that only distinct ones are timed."""
    monkeypatch.setattr(_perturb_peers, "nlpaug", lambda *_: {})
    record = _perturb_strings.measure({"en": [*TEXTS, "Another one."]}, {}, 1)
    rows = _perturb_strings.rows_of({"strings": record})
    assert [(row.perturbation, row.texts) for row in rows] == [("char_noise", 2), ("keyboard_typo", 2)]
    assert all(row.share > 0 and row.times is None for row in rows)


def test_slow_mixtures_and_slow_switching_are_named() -> None:
    """Less than three million characters of natural errors is a bar missed, and so is one million of code_switch."""
    slow = {**_record(15.0, 3.0, 1.5, 75.0), "mixtures": {"about": {}, "rows": [_mixture(2.9, 0.9)]}}
    names = [f"{name} in 1 of 1 languages (from 2.9)" for name in _perturb_mixtures.MIXTURES]
    assert _perturb_page.missed(slow) == [*names, "code_switch in de (0.9)"]
    shares = "0.29 to 0.29 of keyboard_typo, at least 1.45 of their parts in turn"
    verdict = f"Natural members at least 2.9 (bar 3), {shares}; code_switch 0.9 (bar 1)."
    assert verdict in _perturb_page.page(slow)


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


@pytest.mark.process
def test_textattack_runs_in_another_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one it is not run; what another one prints last is read; one that fails is one line."""
    assert _perturb_peers.textattack("", ["a"] * 640, 1) is None
    fake = tmp_path / "python"
    lines = (
        f"#!{sys.executable}",
        "import json, sys",
        "asked = json.load(sys.stdin)",
        "print('noise')",
        "print(json.dumps({'version': '0', 'ways': sorted(asked['texts'])}))",
    )
    fake.write_text("\n".join(lines), encoding="utf-8")
    fake.chmod(0o755)
    speeds = _perturb_peers.textattack(str(fake), ["a"] * 640, 1)
    assert json.dumps(speeds) == json.dumps({"version": "0", "ways": ["16", "32", "64"]})
    failed = subprocess.CompletedProcess([], 1, "", "Traceback\nImportError: no textattack\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(SystemExit, match=r"python: ImportError: no textattack$"):
        _perturb_peers.textattack(str(fake), ["a"] * 640, 1)
