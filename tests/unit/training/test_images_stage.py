"""The stage of images with captions: its losses, its batches, what it learns, and what stays of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.encoders import encoder_folder
from tests.lessons import lessons
from tests.pictures import COUNT, picture_folder
from tests.some import some
from tests.tiny import tiny_encoder_folder
from tests.trainings import Stopped, files, stop_at

from robust_xtreme import train
from robust_xtreme.core.errors import MissingData, ModelError, SpecError
from robust_xtreme.models.folder import local
from robust_xtreme.models.reading.windows import Windows
from robust_xtreme.models.stages import model_facts
from robust_xtreme.training import learn, stage
from robust_xtreme.training.chain import chain_of, find_start
from robust_xtreme.training.estimate import plan_of
from robust_xtreme.training.images import towers
from robust_xtreme.training.images.pairs import Pairs, read_pairs
from robust_xtreme.training.images.towers import ContrastHead, caption_of, clip_loss, contrast_part, siglip_loss
from robust_xtreme.training.loop import LoopInputs, Options, run_loop
from robust_xtreme.training.objective import HeadUnits, Taken
from robust_xtreme.training.resume import read_start
from robust_xtreme.training.spec import TrainSpec
from robust_xtreme.training.values import from_values

SHORT = {"steps": 6, "batch_size": 4, "lr": 1e-3, "limit": "40"}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random encoder, and `pictures` with captions beside it."""
    folder = tmp_path_factory.mktemp("start")
    picture_folder(folder / "pictures")
    return tiny_encoder_folder(folder / "encoder")


def _pictures(encoder: Path) -> str:
    return str(encoder.parent / "pictures")


def _spec(encoder: Path, out: Path, images: Mapping[str, Any] | None = None, **others: Any) -> TrainSpec:
    values = {"encoder": encoder, "out": out, "device": "cpu", "recipe": "scratch", **others}
    return from_values({**values, "images": {"pairs": _pictures(encoder), **SHORT, **(images or {})}})


def _record(run: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((run / "stages" / "00-images.json").read_text())
    return record


# -------------------------------------------------------------------------------------------------------------- losses


def _log_sum(values: Any, axis: int) -> Any:
    return np.log(np.exp(values).sum(axis=axis, keepdims=True))


def test_the_loss_of_clip_is_that_of_its_paper() -> None:
    """The mean over rows and over columns of minus the log of the softmax on the diagonal, in numpy."""
    scores = np.random.default_rng(0).normal(size=(5, 5)) * 3
    rows, columns = (np.diag(scores - _log_sum(scores, axis)) for axis in (1, 0))
    assert clip_loss(torch.tensor(scores)).item() == pytest.approx(-(rows.mean() + columns.mean()) / 2)


def test_the_loss_of_siglip_is_that_of_its_paper() -> None:
    """The sum over all pairs of log(1 + exp(-z s)), z being 1 on the diagonal and -1 elsewhere, divided by N."""
    scores = np.random.default_rng(1).normal(size=(4, 4)) * 3
    signs = 2 * np.eye(4) - 1
    assert siglip_loss(torch.tensor(scores)).item() == pytest.approx(np.log1p(np.exp(-signs * scores)).sum() / 4)


@pytest.mark.parametrize("kind", towers.CONTRASTS)
def test_a_batch_is_scored_by_hand(kind: str) -> None:
    """Mean over tokens without padding, projections, length 1, scale and bias: the scores of the head, in numpy."""
    torch.manual_seed(0)
    head = ContrastHead(towers.new_tower(), 16, kind).eval()
    hidden, mask = torch.randn(3, 5, 16), torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0]])
    pixels = torch.randint(0, 256, (3, 32, 32, 3), dtype=torch.uint8)
    with torch.no_grad():
        scores = head(hidden, mask, pixels).numpy()
        vectors = head.tower(pixels).numpy() @ head.of_image.weight.numpy().T
        means = np.stack([hidden[0].numpy().mean(0), hidden[1, :2].numpy().mean(0), hidden[2, :3].numpy().mean(0)])
        texts = means @ head.of_text.weight.numpy().T
    unit = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in (texts, vectors)]
    scale, bias = (10.0, -10.0) if kind == "siglip" else (1 / 0.07, 0.0)
    np.testing.assert_allclose(scores, scale * unit[0] @ unit[1].T + bias, rtol=1e-4, atol=1e-4)


# ------------------------------------------------------------------------------------------------------------- batches


def _part(encoder: Path, pairs: Pairs, seed: int = 0) -> Any:
    model, tokenizer = read_start(encoder)
    return contrast_part(model, tokenizer, pairs, "clip", seed, towers.new_tower), tokenizer


def test_a_unit_is_an_image_with_its_next_caption(encoder: Path) -> None:
    """Each pass takes another caption of an image until all were taken; ids and pixels are those of that unit."""
    pairs = read_pairs(_pictures(encoder), (), 40)
    part, tokenizer = _part(encoder, pairs)
    assert len(part.lengths) == len(pairs.pictures) == 10
    for cycle in (0, 1):
        turns = [[caption_of(pairs, unit, 4 * cycle + turn, 0) for turn in range(4)] for unit in range(10)]
        assert all(sorted(several) == [0, 1, 2, 3] for several in turns)
        assert len(set(map(tuple, turns))) > 2
    taken = part.take([(7, 2), (3, 0)])
    for row, (unit, turn) in enumerate([(7, 2), (3, 0)]):
        text = pairs.pictures[unit].captions[caption_of(pairs, unit, turn, 0)].text
        assert _ids(taken.windows, row) == tokenizer(text)["input_ids"]
        assert np.array_equal(taken.pixels[row], pairs.pictures[unit].pixels(32))


def _ids(windows: Windows, row: int) -> list[int]:
    ids: list[int] = windows.ids[windows.bounds[row] : windows.bounds[row + 1]].tolist()
    return ids


def test_no_batch_has_two_captions_of_an_image(encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All images of a batch differ, over several passes: two captions of one are never negatives of each other."""
    batches: list[Taken] = []

    def spied(*given: Any) -> HeadUnits:
        part = contrast_part(*given)

        def spy(head: Any, hidden: Any, mask: Any, taken: Taken) -> Any:
            batches.append(taken)
            return part.loss(head, hidden, mask, taken)

        return replace(part, loss=spy)

    monkeypatch.setattr(learn, "contrast_part", spied)
    stage.train(_spec(encoder, tmp_path / "run", {"steps": 12}))
    images = [[image.tobytes() for image in taken.pixels] for taken in batches if taken.pixels is not None]
    assert all(len(set(several)) == len(several) for several in images)
    assert sorted(map(len, images)) == [2] * 4 + [4] * 8


# ------------------------------------------------------------------------------------------------------------- learning


def _ranks(loop: LoopInputs, pairs: Pairs) -> Any:
    """The rank of each image among all for its first caption in English, by the encoder and head of a loop."""
    part = loop.parts[0]
    head: Any = part.head
    tokenizer = read_start(loop.run.parent / "start")[1]
    texts = [{each.language: each.text for each in picture.captions}["en"] for picture in pairs.pictures]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        hidden = loop.encoder(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
        pixels = torch.from_numpy(np.stack([picture.pixels(32) for picture in pairs.pictures]))
        scores = head(hidden, batch["attention_mask"], pixels)
    return (scores > scores.diagonal()[:, None]).sum(dim=1).numpy()


@pytest.mark.parametrize(("kind", "steps"), some([("clip", 30), ("siglip", 120)], 1))
def test_the_right_image_of_a_caption_is_learned(
    kind: str, steps: int, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a short training on 150 pictures, the image of 1 in 2 captions is among the first 4 of 66 others.

    By chance it is that of 1 in 16; before training it is so, too.
    """
    every, known = read_pairs(_pictures(encoder)), read_pairs(_pictures(encoder), (), 600)
    trained = {picture.identity for picture in known.pictures}
    others = Pairs("others", tuple(picture for picture in every.pictures if picture.identity not in trained))
    assert len(others.pictures) == COUNT - 150
    (tmp_path / "text.txt").write_text("\n".join(known.texts()))
    ranks: list[Any] = []
    run = run_loop

    def spy(loop: LoopInputs, options: Options) -> None:
        ranks.append(_ranks(loop, others))
        run(loop, options)
        ranks.append(_ranks(loop, others))

    monkeypatch.setattr(stage, "run_loop", spy)
    images = {
        "pairs": _pictures(encoder),
        "limit": "600",
        "steps": steps,
        "batch_size": 50,
        "lr": 2e-3,
        "contrast": kind,
    }
    start = {"scratch": "tiny", "text": tmp_path / "text.txt", "mlm_steps": 0, "device": "cpu"}
    spec = from_values({**start, "out": tmp_path / "run", "images": images})
    (tmp_path / "start").symlink_to(chain_of(spec.resolved(), lambda _: None).links[0].folder / "model")
    stage.train(spec)
    before, after = ((rank < 4).mean() for rank in ranks)
    assert before < 0.15
    assert after > 0.5


@pytest.mark.long
def test_a_stopped_stage_continues_to_the_same_bytes(encoder: Path, tmp_path: Path) -> None:
    """Stopped after a step and started again: weights, curve and record of an unbroken run, with either loss."""
    for kind in towers.CONTRASTS:
        out, changed = tmp_path / kind, {"contrast": kind}
        whole, broken = (_spec(encoder, out / name / "run", changed) for name in ("whole", "broken"))
        stage.train(whole)
        with pytest.raises(Stopped):
            stage.train(broken, Options(watch=stop_at(4, "images"), save_seconds=0.0))
        steps: list[int] = []
        stage.train(broken, Options(watch=lambda at, steps=steps: steps.append(at.step)))  # type: ignore[misc]  # a default
        assert steps == [4, 5, 6]
        assert files(tmp_path / kind / "whole") == files(tmp_path / kind / "broken")


def test_only_the_encoder_stays(encoder: Path, tmp_path: Path) -> None:
    """The run contains a plain encoder of the same names, whose weights changed, and neither tower nor projections."""
    run = stage.train(_spec(encoder, tmp_path / "run"))
    before, after = (load_file(folder / "model.safetensors") for folder in (encoder, run / "model"))
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert not (run / "heads").exists()
    assert find_start(str(run), tell=lambda _: None).encoder == run / "model"


# -------------------------------------------------------------------------------------------------------------- records


def test_the_record_has_the_data_and_the_kind_of_encoder(encoder: Path, tmp_path: Path) -> None:
    """Images, captions, their hash, languages and loss are recorded, and MODELS says multimodal_text."""
    run = stage.train(_spec(encoder, tmp_path / "run", {"languages": ["en", "sw"], "contrast": "siglip"}))
    record, pairs = _record(run), read_pairs(_pictures(encoder), ("en", "sw"), 40)
    wanted = {"kind": "images", "pairs": "pictures", "images": 20, "examples": 40, "contrast": "siglip", "vision": ""}
    assert {key: record[key] for key in wanted} == wanted
    assert (record["data"], record["languages"], record["steps"]) == (pairs.identity, ["en", "sw"], 6)
    facts = model_facts(local(run), ())
    assert facts["base_kind"] == "multimodal_text"
    (shown,) = json.loads(facts["stages"])
    assert (shown["kind"], shown["contrast"], shown["images"]) == ("images", "siglip", 20)


def test_the_control_reads_the_same_captions_without_images(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Masked LM on the same captions, as many steps of the same batch size; no image is drawn, and no tower made."""
    real = stage.train(_spec(encoder, tmp_path / "real"))
    monkeypatch.setattr(towers, "ContrastHead", None)
    run = stage.train(_spec(encoder, tmp_path / "run", {"control": "masked_lm"}))
    first, other = _record(real), _record(run)
    same = ("data", "examples", "images", "steps", "batch_size", "lr", "languages", "seed")
    assert {key: first[key] for key in same} == {key: other[key] for key in same}
    assert (other["control"], other["contrast"], list(other["per_task"])) == ("masked_lm", "", ["masked_lm"])
    assert model_facts(local(run), (), {"model_type": "xlm-roberta"})["base_kind"] == "multilingual"
    longer = {"control": "masked_lm", "steps": 0, "epochs": 3}
    plan = plan_of(_spec(encoder, tmp_path / "plan", longer), lambda _: None)
    assert plan[-1].steps == 9


def test_captions_of_other_images_are_a_control(encoder: Path, tmp_path: Path) -> None:
    """Shuffled labels exchange the captions of images: the same texts and images, other pairs, not a text tower."""
    run = stage.train(_spec(encoder, tmp_path / "run", {"control": "shuffled_labels"}))
    link = chain_of(_spec(encoder, tmp_path / "x", {"control": "shuffled_labels"}).resolved(), lambda _: None).links[0]
    pairs = read_pairs(_pictures(encoder), (), 40)
    assert link.pairs is not None
    captions = {picture.identity: picture.captions for picture in pairs.pictures}
    exchanged = {picture.identity: picture.captions for picture in link.pairs.pictures}
    assert captions.keys() == exchanged.keys()
    assert sum(captions[image] == exchanged[image] for image in captions) <= 3
    assert sorted(map(str, captions.values())) == sorted(map(str, exchanged.values()))
    assert _record(run)["data"] == link.pairs.identity != pairs.identity
    assert model_facts(local(run), (), {"model_type": "xlm-roberta"})["base_kind"] == "multilingual"


def test_a_stage_depends_on_its_pairs_and_loss(encoder: Path, tmp_path: Path) -> None:
    """Another loss, other captions or another seed is another stage; a stage without pairs has none of these keys."""
    changes: list[dict[str, Any]] = [{}, {"contrast": "siglip"}, {"languages": ["de"]}, {"limit": "80"}, {"seed": 5}]
    links = [
        chain_of(_spec(encoder, tmp_path / "run", changed).resolved(), lambda _: None).links[0] for changed in changes
    ]
    assert len({link.identity for link in links}) == len(changes)
    (tmp_path / "text.txt").write_text("a line\n")
    text = from_values({"encoder": encoder, "mlm": {"text": tmp_path / "text.txt"}, "out": tmp_path / "x"})
    facts = chain_of(text.resolved(), lambda _: None).links[0].facts
    assert not {"pairs", "contrast", "vision"} & facts.keys()


def test_stages_follow_each_other(encoder: Path, tmp_path: Path) -> None:
    """Text, then images, then a target: the plan and the run have them in this order, each from the one before."""
    (tmp_path / "text.txt").write_text("a red house\na blue house\n" * 8)
    data = lessons(tmp_path / "data")
    others: dict[str, Any] = {"mlm": {"text": tmp_path / "text.txt", "steps": 1, "batch_size": 2}, "data": data}
    target = {"tasks": ["xnli"], "steps": 1, "batch_size": 4}
    spec = _spec(encoder, tmp_path / "run", {"steps": 1}, **others, target=target)
    plan = plan_of(spec, lambda _: None)
    assert [(row.kind, row.steps) for row in plan] == [("masked_lm", 1), ("images", 1), ("target", 1)]
    assert plan[1].learns == ("clip",)
    assert (plan[1].examples, plan[1].counted, plan[1].languages) == (40, True, ("de", "en", "sw", "zh"))
    start: dict[str, Any] = {"encoder": encoder, "out": tmp_path / "run", "device": "cpu", "recipe": "scratch"}
    run = train(**start, **others, images={"pairs": _pictures(encoder), **SHORT, "steps": 1}, target=target)
    assert sorted(path.name for path in (run / "stages").glob("*.json")) == [
        "00-masked_lm.json", "01-images.json", "02-target.json",
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"images": {"steps": 2}}, r"\[images\] needs pairs"),
        ({"images": {"pairs": "p", "tasks": ["xnli"]}, "data": "mini"}, "not from tasks"),
        ({"images": {"pairs": "p", "text": "t"}}, "key text"),
        ({"images": {"pairs": "p", "limit": "xnli=4"}}, "not a task"),
        ({"mlm": {"text": "t", "pairs": "p"}}, "key pairs"),
        ({"target": {"tasks": ["xnli"], "vision": "v"}, "data": "mini"}, "key vision"),
        ({"mlm": {"text": "t", "control": "masked_lm"}}, "key control"),
        ({"mlm": {"text": "t", "limit": "5"}}, "key limit"),
        ({"target": {"tasks": ["xnli"], "control": "masked_lm", "select": "dev"}, "data": "mini"}, "key select"),
    ],
)
def test_keys_of_other_stages_are_refused(values: dict[str, Any], message: str) -> None:
    """Keys that a stage does not use are errors that name the stage and the key."""
    with pytest.raises(SpecError, match=message):
        from_values({"encoder": "e", **values})


def test_a_batch_is_not_divided(encoder: Path, tmp_path: Path) -> None:
    """Parts of a batch would have fewer negatives: refused, but for masked LM on the captions."""
    several: list[dict[str, Any]] = [{"accumulate": 2}, {"devices": 2}]
    for divided in several:
        with pytest.raises(SpecError, match="all pairs"):
            stage.train(_spec(encoder, tmp_path / "run", **divided))
    stage.train(_spec(encoder, tmp_path / "run", {"control": "masked_lm"}, accumulate=2))


def test_a_language_without_captions_is_named(encoder: Path, tmp_path: Path) -> None:
    """What is missing, and which languages there are."""
    with pytest.raises(MissingData, match="captions in fr"):
        stage.train(_spec(encoder, tmp_path / "run", {"languages": ["fr"]}))


# -------------------------------------------------------------------------------------------------------------- towers


@pytest.mark.parametrize("kind", some(["clip", "siglip"], 1))
def test_a_pretrained_image_tower_is_read(kind: str, encoder: Path, tmp_path: Path) -> None:
    """The image part of a checkpoint of CLIP or SigLIP starts with its weights, and its hash is part of the stage."""
    folder = encoder_folder(tmp_path / kind, kind)
    tower = towers.read_tower(folder)
    weights = load_file(folder / "model.safetensors")
    name, read = next((name, value) for name, value in tower.vision.state_dict().items() if "q_proj.weight" in name)
    assert torch.equal(read, weights[f"vision_model.{name.removeprefix('vision_model.')}"])
    pixels = torch.zeros(2, tower.size, tower.size, 3, dtype=torch.uint8)
    assert tower(pixels).shape == (2, tower.width)
    run = stage.train(_spec(encoder, tmp_path / "run", {"vision": str(folder)}))
    assert _record(run)["vision"] == kind
    facts = json.loads((run / "train.json").read_text())["spec"]
    other = encoder_folder(tmp_path / "other", kind, seed=3)
    again = chain_of(_spec(encoder, tmp_path / "x", {"vision": str(other)}).resolved(), lambda _: None).links[0].facts
    assert facts["vision"] != again["vision"]


def test_what_is_not_an_image_tower_is_refused(encoder: Path, tmp_path: Path) -> None:
    """An encoder of text, pickled weights and an absent folder are one line each."""
    with pytest.raises(ModelError, match="not a vision encoder"):
        towers.read_tower(encoder)
    with pytest.raises(ModelError, match=r"config\.json"):
        stage.train(_spec(encoder, tmp_path / "run", {"vision": str(tmp_path / "absent")}))
    folder = encoder_folder(tmp_path / "clip", "clip")
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="pickled"):
        towers.read_tower(folder)
