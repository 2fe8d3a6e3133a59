"""What stages say of a run: the languages of a head, the row of MODELS, and what the model has seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.tiny import pair_example, tagged_example

from robust_xtreme.core.contamination import unit
from robust_xtreme.core.errors import Contamination, ModelError
from robust_xtreme.models.config import base_kind
from robust_xtreme.models.folder import local
from robust_xtreme.models.stages import languages_of, model_facts, overlap, own_training, stage_flags


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of two stages."""
    stages = [
        {"kind": "masked_lm", "task": "", "languages": ["sw", "en"], "examples": 10, "seed": 1},
        {"kind": "target", "task": "panx", "languages": ["en"], "examples": 7, "seed": 3, "recipe": "xtreme"},
    ]
    (tmp_path / "stages").mkdir()
    for index, stage in enumerate(stages):
        (tmp_path / "stages" / f"{index:02d}-{stage['kind']}.json").write_text(json.dumps(stage))
    return tmp_path


def test_a_head_knows_its_languages(run: Path) -> None:
    """From the stage that trained it; without such a stage they are unknown."""
    assert languages_of(local(run), "panx") == ("en",)
    assert languages_of(local(run), "xnli") is None


def test_the_row_of_a_model_has_its_stages(run: Path) -> None:
    """Target, recipe, seed and languages of pretraining come from the records."""
    facts = model_facts(local(run), ["panx"])
    assert (facts["target"], facts["target_examples"], facts["train_seed"], facts["recipe"]) == ("panx", 7, 3, "xtreme")
    assert json.loads(facts["pretrain_languages"]) == ["en", "sw"]
    assert [stage["kind"] for stage in json.loads(facts["stages"])] == ["masked_lm", "target"]
    assert model_facts(local(run / "stages"), ["panx"]) == {}


_MIX = {
    "kind": "intermediate",
    "task": "squad,mnli",
    "languages": ["en"],
    "examples": 600,
    "seen": 1200,
    "per_task": {"mnli": {"examples": 400, "seen": 800, "share": 0.67}},
    "steps": 50,
    "seed": 4,
    "recipe": "scratch",
    "parent": "ab",
    "control": "",
    "diversity": {"formats": 2, "label_types": 2, "distance": 0.25},
    "flags": ["own training data: xnli"],
    "allowed": {"xquad/validation/en": 3},
}


def _add(run: Path, *stages: dict[str, object]) -> None:
    """Further stages of a run, in front of none."""
    for index, stage in enumerate(stages, 2):
        (run / "stages" / f"{index:02d}-{stage['kind']}.json").write_text(json.dumps(stage))


def test_the_row_of_a_model_has_its_intermediate_stage(run: Path) -> None:
    """Set, examples and distance come from the stage; its languages are none of pretraining; the seed is the last's."""
    _add(run, _MIX)
    facts = model_facts(local(run), ["mnli"])
    assert (facts["intermediate_set"], facts["intermediate_examples"], facts["diversity"]) == ("mnli+squad", 600, 0.25)
    assert (facts["train_seed"], facts["recipe"], facts.get("target")) == (4, "scratch", None)
    assert json.loads(facts["pretrain_languages"]) == ["en", "sw"]
    shown = json.loads(facts["stages"])[2]
    assert shown["per_task"]["mnli"]["seen"] == 800
    assert shown["diversity"]["label_types"] == 2
    assert "control" not in shown
    assert model_facts(local(run), ["panx"])["train_seed"] == 3


def test_a_representation_is_of_the_targets_too(run: Path) -> None:
    """Where no head is used, the row has what was trained last, also after an intermediate stage, beside that stage."""
    expected = {"target": "panx", "target_examples": 7, "train_seed": 3, "recipe": "xtreme", "selected_on": None}
    assert {key: model_facts(local(run), [])[key] for key in expected} == expected
    _add(run, _MIX)
    facts = model_facts(local(run), [])
    assert {key: facts[key] for key in expected} == expected
    assert facts["intermediate_set"] == "mnli+squad"
    assert "target" not in model_facts(local(run), ["mnli"])


def test_a_control_is_not_an_intermediate_task_of_that_name(run: Path) -> None:
    """Studies group by the column, so the control is in it; two stages have no single distance."""
    _add(run, {**_MIX, "control": "shuffled_labels"}, _MIX)
    facts = model_facts(local(run), [])
    assert facts["intermediate_set"] == "mnli+squad@shuffled_labels,mnli+squad"
    assert (facts["intermediate_examples"], facts["diversity"]) == (1200, None)


def test_masked_lm_beside_tasks_is_reported(run: Path) -> None:
    """The set has its share, so that studies distinguish it from the tasks alone; its languages are of pretraining."""
    _add(run, {**_MIX, "masked_lm": 0.5, "text_languages": ["sw", "yo"], "lr": 1e-5, "batch_size": 8, "limit": ""})
    facts = model_facts(local(run), [])
    assert facts["intermediate_set"] == "mnli+squad+masked_lm:0.5"
    assert json.loads(facts["pretrain_languages"]) == ["en", "sw", "yo"]
    shown = json.loads(facts["stages"])[2]
    assert (shown["text_languages"], shown["lr"], shown["batch_size"]) == (["sw", "yo"], 1e-5, 8)
    assert "limit" not in shown
    assert _base(run) == ("scratch", None, "multilingual")


def test_flags_name_allowed_splits_and_own_training_data(run: Path) -> None:
    """What was allowed and what is a target's own data are in one list, each once; the tasks themselves know too."""
    assert stage_flags(local(run)) == []
    _add(run, {**_MIX, "task": "a task of somebody else"}, _MIX)
    flags = [f"own training data: {task}" for task in ("lareqa", "mlqa", "xnli", "xquad")]
    assert stage_flags(local(run)) == [*flags, "xquad/validation/en"]


def test_a_task_whose_own_training_data_were_learned_before_is_distinguished(run: Path) -> None:
    """XNLI after MNLI is not transfer, PAN-X is; learned as a target it is what it should be."""
    assert own_training(local(run), "xnli") == ""
    _add(run, _MIX)
    assert "not transfer" in own_training(local(run), "xnli")
    assert own_training(local(run), "panx") == ""


def test_the_base_is_what_the_first_stage_started_from(run: Path) -> None:
    """From scratch the languages of the text tell the kind; else the record, else the type of the encoder."""
    assert _base(run) == ("scratch", None, "multilingual")
    first = run / "stages" / "00-masked_lm.json"
    first.write_text(json.dumps({"kind": "masked_lm", "languages": ["en"]}))
    assert _base(run) == ("scratch", None, "monolingual")
    first.write_text(json.dumps({"kind": "masked_lm"}))
    assert _base(run) == ("scratch", None, None)
    first.write_text(json.dumps({"kind": "masked_lm", "parent": "ab", "base": {"name": "a/b", "revision": "c0"}}))
    assert _base(run, {"model_type": "xlm-roberta"}) == ("a/b", "c0", "multilingual")
    first.write_text(json.dumps({"kind": "scratch", "base": {"name": "scratch small"}}))
    assert _base(run, {"model_type": "xlm-roberta"}) == ("scratch small", None, None)
    first.write_text(json.dumps({"kind": "masked_lm", "parent": "ab", "base": {"name": "/a/folder/of/models/mine"}}))
    assert _base(run) == ("mine", None, None)
    first.write_text(json.dumps({"kind": "masked_lm", "parent": "ab"}))
    assert _base(run, {"model_type": "bert", "vocab_size": 30522}) == (None, None, "monolingual")


def _base(run: Path, config: dict[str, object] | None = None) -> tuple[object, ...]:
    facts = model_facts(local(run), ["panx"], config)
    return tuple(facts.get(name) for name in ("base", "revision", "base_kind"))


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"model_type": "xlm-roberta", "vocab_size": 250002}, "multilingual"),
        ({"model_type": "bert", "vocab_size": 119547}, "multilingual"),
        ({"model_type": "bert", "vocab_size": 21128}, "monolingual"),
        ({"model_type": "deberta-v2", "vocab_size": 128100}, "monolingual"),
        ({"model_type": "deberta-v2", "vocab_size": 251000}, "multilingual"),
        ({"model_type": "modernbert", "vocab_size": 50368}, "monolingual"),
        ({"model_type": "modernbert", "vocab_size": 256000}, "multilingual"),
        ({"model_type": "mt5"}, "multilingual"),
        ({"model_type": "clip_text_model", "vocab_size": 49408}, "multimodal_text"),
        ({"model_type": "siglip_text_model"}, "multimodal_text"),
        ({"model_type": "bert"}, None),
        ({"model_type": "t5", "vocab_size": 384}, None),
        ({"model_type": ["bert"]}, None),
        ({}, None),
    ],
)
def test_the_kind_of_an_encoder_is_known_by_its_type_and_vocabulary(
    config: dict[str, object], kind: str | None
) -> None:
    """Types that are either are distinguished by how many entries the vocabulary has; what is not known stays open."""
    assert base_kind(config) == kind


@pytest.mark.parametrize(
    "wrong",
    [
        {"flags": "own training data: xnli"},
        {"flags": [1]},
        {"allowed": ["xquad"]},
        {"base": "a/b"},
        {"per_task": []},
        {"diversity": 0.25},
        {"examples": "many"},
        {"languages": "en"},
        {"seed": 1e30},
        {"seed": 10**30},
        {"seed": True},
        {"examples": 2**63},
        {"base": {"name": " "}},
        {"base": {"revision": "\ud800"}},
        {"recipe": "\ud800"},
        {"languages": ["\udfff"]},
    ],
)
def test_records_of_another_shape_are_one_line(run: Path, wrong: dict[str, object]) -> None:
    """A record that somebody else wrote is named, and no traceback."""
    _add(run, {**_MIX, **wrong})
    with pytest.raises(ModelError, match=r"02-intermediate\.json"):
        stage_flags(local(run))


def test_a_distance_that_is_not_a_number_is_not_known(run: Path) -> None:
    """The column is null rather than wrong."""
    _add(run, {**_MIX, "diversity": {"distance": "near"}})
    assert model_facts(local(run), [])["diversity"] is None


def test_a_broken_record_is_one_line(run: Path) -> None:
    """A stage that cannot be read is a model that cannot be trusted."""
    (run / "stages" / "00-masked_lm.json").write_text("{")
    with pytest.raises(ModelError, match=r"00-masked_lm\.json"):
        model_facts(local(run), ["panx"])


def test_few_shared_items_are_counted_and_many_are_refused(run: Path) -> None:
    """Up to 2 % of a split is noted; more is refused unless it is allowed."""
    examples = [pair_example(f"p{i}", f"premise {i}", "so") for i in range(100)]
    hashes = run / "stages" / "01-target.hashes"
    hashes.write_text("".join(f"{unit(example).key}\n" for example in examples[:2]))
    assert "2 of 100 pairs" in overlap(run, "xnli en", examples, allowed=False)
    hashes.write_text("".join(f"{unit(example).key}\n" for example in examples[:3]))
    with pytest.raises(Contamination, match="3 of 100 pairs"):
        overlap(run, "xnli en", examples, allowed=False)
    assert "3 of 100" in overlap(run, "xnli en", examples, allowed=True)
    assert overlap(run, "xnli en", examples[50:], allowed=False) == ""


def test_short_sentences_are_never_refused(run: Path) -> None:
    """Equal sentences below 8 words happen: they are counted only."""
    examples = [tagged_example(f"s{i}", ["short", f"n{i}"], ["O", "O"]) for i in range(10)]
    (run / "stages" / "01-target.hashes").write_text("".join(f"{unit(example).key}\n" for example in examples))
    assert "10 of 10 sentences" in overlap(run, "panx en", examples, allowed=False)
