"""What stages say of a run: the languages of a head, the row of MODELS, and what the model has seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.tiny import pair_example, tagged_example

from robust_xtreme.errors import ModelError, Overlap
from robust_xtreme.evaluation.trained import languages_of, model_facts, overlap
from robust_xtreme.families._overlap import unit


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of two stages."""
    stages = [
        {"kind": "masked_lm", "task": "", "languages": ["sw", "en"], "examples": 10, "seed": 1},
        {"kind": "target", "task": "panx", "languages": ["en"], "examples": 7, "seed": 3, "recipe": "xtreme"},
    ]
    (tmp_path / "stages").mkdir()
    for place, stage in enumerate(stages):
        (tmp_path / "stages" / f"{place:02d}-{stage['kind']}.json").write_text(json.dumps(stage))
    return tmp_path


def test_a_head_knows_its_languages(run: Path) -> None:
    """From the stage that trained it, else from the task."""
    assert languages_of(run, "panx", ("de",)) == ("en",)
    assert languages_of(run, "xnli", ("de",)) == ("de",)


def test_the_row_of_a_model_tells_its_stages(run: Path) -> None:
    """Target, recipe, seed and languages of pretraining come from the records."""
    facts = model_facts(run, ["panx"])
    assert (facts["target"], facts["target_examples"], facts["train_seed"], facts["recipe"]) == ("panx", 7, 3, "xtreme")
    assert json.loads(facts["pretrain_languages"]) == ["en", "sw"]
    assert [one["kind"] for one in json.loads(facts["stages"])] == ["masked_lm", "target"]
    assert model_facts(run / "stages", ["panx"]) == {}


def test_a_broken_record_is_one_line(run: Path) -> None:
    """A stage that cannot be read is a model that cannot be trusted."""
    (run / "stages" / "00-masked_lm.json").write_text("{")
    with pytest.raises(ModelError, match=r"00-masked_lm\.json"):
        model_facts(run, ["panx"])


def test_few_shared_items_are_counted_and_many_are_refused(run: Path) -> None:
    """Up to 2 % of a split is a remark; more is refused unless it is allowed."""
    examples = [pair_example(f"p{i}", f"premise {i}", "so") for i in range(100)]
    hashes = run / "stages" / "01-target.hashes"
    hashes.write_text("".join(f"{unit(one).key}\n" for one in examples[:2]))
    assert overlap(run, "xnli en", examples, allowed=False) == (
        "xnli en: 2 of 100 pairs are in the model's training data."
    )
    hashes.write_text("".join(f"{unit(one).key}\n" for one in examples[:3]))
    with pytest.raises(Overlap, match="3 of 100 pairs"):
        overlap(run, "xnli en", examples, allowed=False)
    assert "3 of 100" in overlap(run, "xnli en", examples, allowed=True)
    assert overlap(run, "xnli en", examples[50:], allowed=False) == ""


def test_short_sentences_are_never_refused(run: Path) -> None:
    """Equal sentences below 8 words happen: they are counted only."""
    examples = [tagged_example(f"s{i}", ["short", f"n{i}"], ["O", "O"]) for i in range(10)]
    (run / "stages" / "01-target.hashes").write_text("".join(f"{unit(one).key}\n" for one in examples))
    assert "10 of 10 sentences" in overlap(run, "panx en", examples, allowed=False)
