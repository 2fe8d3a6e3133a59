"""Scenes of the embedded world: drawn to the same bytes everywhere, different where their captions differ."""

from __future__ import annotations

import hashlib
import json
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tools.mini import scenes, split
from tools.mini.grammar import sentence, written

from robust_xtreme.core import resources
from robust_xtreme.core.errors import DataError
from robust_xtreme.training.images import world
from robust_xtreme.training.images.world import Figure, Scene, drawn, scene_of

_SCENES = resources.mini("world") / world.FILE
PERSON = Figure("person", ("anna", "smith"))
CAR = Figure("thing", ("car",), "vehicle", "red")
SCENE = Scene("give", (PERSON, CAR, Figure("role", ("doctor",))), "paris")


def _row(**changed: Any) -> str:
    row = {
        "id": "0",
        "scene": {"verb": "buy", "figures": [{"sort": "role", "names": ["cook"]}]},
        "captions": {"en": "A."},
    }
    return json.dumps({**row, **changed})


def test_a_drawing_has_the_same_bytes_everywhere() -> None:
    """The pixels of a scene, and of all scenes that ship with the program, are those of this hash."""
    pixels = drawn(SCENE)
    assert pixels.shape == (32, 32, 3)
    assert pixels.dtype == np.uint8
    assert hashlib.sha256(pixels.tobytes()).hexdigest()[:16] == "71eca599a409d6cc"
    every = b"".join(picture.pixels(32).tobytes() for picture in world.read_scenes(_SCENES).pictures)
    assert hashlib.sha256(every).hexdigest()[:16] == "0bf536b21d2776dd"


@pytest.mark.parametrize(
    "other",
    [
        Scene("send", SCENE.figures, "paris"),
        Scene("give", SCENE.figures, "rome"),
        Scene("give", SCENE.figures),
        Scene("give", (Figure("person", ("anna",)), *SCENE.figures[1:]), "paris"),
        Scene("give", (Figure("person", ("maria", "smith")), *SCENE.figures[1:]), "paris"),
        Scene("give", (PERSON, Figure("thing", ("bus",), "vehicle", "red"), SCENE.figures[2]), "paris"),
        Scene("give", (PERSON, Figure("thing", ("car",), "vehicle", "blue"), SCENE.figures[2]), "paris"),
        Scene("give", (PERSON, Figure("thing", ("car",), "vehicle", "big"), SCENE.figures[2]), "paris"),
        Scene("give", (PERSON, Figure("thing", ("car",), "vehicle", "old"), SCENE.figures[2]), "paris"),
        Scene("give", (SCENE.figures[2], CAR, PERSON), "paris"),
    ],
)
def test_every_part_of_a_scene_is_seen(other: Scene) -> None:
    """Another verb, place, name, noun, colour, size or mark, or an exchange of two figures, changes pixels."""
    assert not np.array_equal(drawn(SCENE), drawn(other))


def test_the_bundled_scenes_are_those_of_the_generator() -> None:
    """The first scenes are drawn again to the same lines; more scenes begin with the fewer."""
    lines = _SCENES.read_text("utf-8").splitlines()
    assert len(lines) == scenes.COUNT
    again = [json.dumps(scene, ensure_ascii=False) for scene in islice(scenes.scenes(0), 40)]
    assert lines[:40] == again


def test_captions_say_what_is_drawn() -> None:
    """A scene's English caption has its nouns; captions have every language and word order, and no held-out pair."""
    clause = scenes._clause("give", "scenes/0/15")
    described = scenes.description(clause)
    assert described["verb"] == "give"
    assert [figure and figure["sort"] for figure in described["figures"]][1] == "thing"
    assert described["figures"][1]["names"][0] in written("en", sentence("en", clause))
    assert (clause.day, clause.year, clause.negated) == ("", 0, False)
    assert not split.held_out(clause)
    languages = {caption.language for caption in world.read_scenes(_SCENES).pictures[0].captions}
    assert languages == set(scenes.LANGUAGES)


def test_a_larger_image_has_the_same_pixels() -> None:
    """For a tower that reads 64 x 64, each pixel is four."""
    large = world.scaled(SCENE, 64)
    assert large.shape == (64, 64, 3)
    assert np.array_equal(large[::2, ::2], drawn(SCENE))
    assert np.array_equal(large[1::2, 1::2], drawn(SCENE))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[]", "is not a JSON object"),
        (_row(scene={"verb": "buy"}), "is not a scene"),
        (_row(scene={"verb": "buy", "figures": []}), "1 to 3 figures"),
        (_row(scene={"verb": "buy", "figures": [{"sort": "dragon", "names": []}]}), "is not a scene"),
        (_row(captions={}), "no captions by language"),
        (_row(captions={"en": " "}), "no captions by language"),
        (f"{_row()}\n{_row(id='1')}", "the same image as scene 0"),
    ],
)
def test_a_damaged_line_is_named(line: str, message: str, tmp_path: Path) -> None:
    """A line that is not a scene with captions is one error with the file and the line."""
    path = tmp_path / "scenes.jsonl"
    path.write_text(line)
    with pytest.raises(DataError, match=rf"scenes\.jsonl:\d: .*{message}"):
        world.read_scenes(path)


def test_a_scene_is_read_as_it_is_written() -> None:
    """The description of a clause is a scene with the same figures."""
    described = scenes.description(scenes._clause("be_adjective", "scenes/0/0"))
    (figure,) = scene_of(described, "here").figures
    assert figure is not None
    assert figure.quality == described["figures"][0]["quality"] != ""
