"""Adapters of peft: merged into their base as peft itself applies them, in the identity, and refused in one line."""

from __future__ import annotations

import builtins
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers
from tests.model_kinds import adapter_folder, decoder_folder, xlmr_folder

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError, UserError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.models.folder import Located, ModelFolder
from robust_xtreme.models.loading import Models, bare, load, read_encoder, read_whole
from robust_xtreme.models.located import locate_all, notes_of
from robust_xtreme.models.origin import given_models

_LIBRARY: Any = transformers
XNLI, TATOEBA = registry.load("task", "xnli"), registry.load("task", "tatoeba")
LABELS = "xnli=entailment,neutral,contradiction"
IDS = torch.tensor([[0, 70, 71, 72, 2], [0, 80, 81, 82, 2]])


def _found(folder: Path) -> ModelFolder:
    (model,) = given_models(RunSpec(model=(str(folder),), data="mini")).plain
    return model


def _located(folder: Path) -> Located:
    return locate_all(given_models(RunSpec(model=(str(folder),), data="mini", labels=(LABELS,))), [XNLI])["xnli"]


def _applied(model: Any, folder: Path) -> Any:
    """What peft itself makes of an adapter, not merged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return peft.PeftModel.from_pretrained(model, str(folder)).eval()


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (peft.LoraConfig, {"r": 2, "lora_alpha": 8}),
        (peft.LoraConfig, {"r": 2, "lora_alpha": 8, "use_rslora": True, "use_dora": True}),
        (peft.LoHaConfig, {"r": 2, "alpha": 8}),
        (peft.LoKrConfig, {"r": 2, "alpha": 8}),
        (peft.IA3Config, {"feedforward_modules": []}),
    ],
)
def test_an_encoder_has_the_states_of_the_adapted_one(kind: Any, more: dict[str, Any], tmp_path: Path) -> None:
    """Whatever the kind of the adapter; without it they are others."""
    base = xlmr_folder(tmp_path / "base")
    folder = adapter_folder(tmp_path / "adapter", base, "", "", kind=kind, **more)
    plain = _LIBRARY.AutoModel.from_pretrained(base, add_pooling_layer=False).eval()
    with torch.inference_mode():
        before = plain(IDS).last_hidden_state
        wanted = _applied(plain, folder)(IDS).last_hidden_state
        given = read_encoder(base, folder)(IDS).last_hidden_state
    torch.testing.assert_close(given, wanted, atol=1e-5, rtol=1e-4)
    assert (given - before).abs().max() > 1e-3


def test_a_head_of_an_adapter_scores_as_peft_has_it(tmp_path: Path) -> None:
    """Its base has no head; the notes of a run name both."""
    base = xlmr_folder(tmp_path / "base")
    folder = adapter_folder(tmp_path / "adapter", base, "ForSequenceClassification", "SEQ_CLS", num_labels=3)
    located = _located(folder)
    whole = _LIBRARY.AutoModelForSequenceClassification.from_pretrained(base, num_labels=3).eval()
    with torch.inference_mode():
        wanted = _applied(whole, folder)(IDS).logits
        given = load(located, XNLI, "cpu", "fp32").encoder(input_ids=IDS).last_hidden_state[:, 0]
    torch.testing.assert_close(given, wanted, atol=1e-5, rtol=1e-4)
    assert all(str(path) in notes_of(located)[0] for path in (folder, base))


def test_an_adapter_of_a_whole_decoder_changes_its_body(tmp_path: Path) -> None:
    """Its weights are called by the names of the model with a part that predicts words."""
    base = decoder_folder(tmp_path / "base", "llama", "ForCausalLM")
    folder = adapter_folder(tmp_path / "adapter", base, "ForCausalLM", "CAUSAL_LM", target_modules=["q_proj", "v_proj"])
    whole = _LIBRARY.AutoModelForCausalLM.from_pretrained(base).eval()
    with torch.inference_mode():
        wanted = _applied(whole, folder)(IDS, output_hidden_states=True).hidden_states[-1]
        given = read_encoder(_found(folder).folder, folder)(IDS).last_hidden_state
    torch.testing.assert_close(given, wanted, atol=1e-5, rtol=1e-4)


def test_the_identity_is_of_base_and_adapter_and_of_no_path(tmp_path: Path) -> None:
    """Two adapters of one base are two models, also in memory; copies elsewhere are the same one."""
    base = xlmr_folder(tmp_path / "base")
    one, two = (adapter_folder(tmp_path / f"a{seed}", base, "", "", seed) for seed in (1, 2))
    names = [_found(folder).identity({}) for folder in (one, two, base)]
    assert len(set(names)) == 3
    elsewhere = Path(shutil.copytree(base, tmp_path / "z" / "base"))
    moved = adapter_folder(tmp_path / "z" / "a1", elsewhere, "", "", 1)
    assert _found(moved).identity({}) == names[0]
    models = Models("cpu", "fp32")
    specs = [RunSpec(model=(str(each),), data="mini", representation="mean:1/1") for each in (one, two)]
    both = [locate_all(given_models(spec), [TATOEBA]) for spec in specs]
    first, second = (_queries(models.load(located["tatoeba"], TATOEBA).encoder) for located in both)
    assert not torch.equal(first, second)


def _queries(encoder: Any) -> torch.Tensor:
    weights: torch.Tensor = bare(encoder).get_submodule("encoder.encoder.layer.0.attention.self.query").weight
    return weights


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"peft_type": "PROMPT_TUNING"}, "'PROMPT_TUNING'"),
        ({"base_model_name_or_path": "no/such/base"}, "no model folder"),
        ({"layer_replication": [[0, 1], [0, 1]]}, r"layer_replication"),
        ({"base_model_name_or_path": None}, "names no base"),
        ({"base_model_name_or_path": "SELF"}, "of transformers|not at hand"),
    ],
)
def test_what_cannot_be_merged_is_refused(facts: dict[str, Any], line: str, tmp_path: Path) -> None:
    """In one line, before a weight is read."""
    folder = adapter_folder(tmp_path / "adapter", xlmr_folder(tmp_path / "base"), "", "")
    path = folder / "adapter_config.json"
    given = {name: str(folder) if value == "SELF" else value for name, value in facts.items()}
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **given}), encoding="utf-8")
    with pytest.raises(ModelError, match=line) as caught:
        _found(folder)
    assert "\n" not in str(caught.value)


def test_pickled_or_missing_weights_are_refused(tmp_path: Path) -> None:
    """The pickle is not opened."""
    folder = adapter_folder(tmp_path / "adapter", xlmr_folder(tmp_path / "base"), "", "")
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(ModelError, match=r"adapter_model\.bin"):
        _found(folder)
    (folder / "adapter_model.bin").unlink()
    with pytest.raises(ModelError, match="no weights"):
        _found(folder)


def test_an_adapter_of_another_model_is_refused(tmp_path: Path) -> None:
    """A weight that has no place would be left out."""
    other = xlmr_folder(tmp_path / "other", num_hidden_layers=3)
    folder = adapter_folder(tmp_path / "adapter", other, "", "")
    with pytest.raises(ModelError, match=r"layer\.2\..* no place"):
        read_encoder(xlmr_folder(tmp_path / "base"), folder)


def test_without_peft_the_line_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its code is needed where weights are merged."""
    base = xlmr_folder(tmp_path / "base")
    folder, original = adapter_folder(tmp_path / "adapter", base, "", ""), builtins.__import__

    def refused(name: str, *others: Any, **named: Any) -> Any:
        if name == "peft":
            raise ModuleNotFoundError("No module named 'peft'", name="peft")
        return original(name, *others, **named)

    monkeypatch.setattr(builtins, "__import__", refused)
    with pytest.raises(UserError, match="pip install"):
        read_encoder(base, folder)


@pytest.mark.parametrize(
    "more",
    [
        {"bias": "all", "modules_to_save": ["classifier"]},
        {"bias": "all"},
        {"bias": "lora_only"},
        {"alpha_pattern": {"roberta.encoder.layer.0.attention.self.query": 64}},
        {"rank_pattern": {"roberta.encoder.layer.1.attention.self.value": 2}},
        {"target_modules": r"roberta\.encoder\..*\.(query|dense)"},
        {"target_modules": "all-linear", "use_rslora": True},
        {"trainable_token_indices": [70, 81]},
    ],
    ids=lambda more: "-".join(more),
)
def test_settings_of_an_adapter_are_read_as_peft_reads_them(more: dict[str, Any], tmp_path: Path) -> None:
    """Biases, ranks and scales by the names of parts: of the model with its head, and of its encoder alone."""
    base = xlmr_folder(tmp_path / "base", "ForSequenceClassification")
    folder = adapter_folder(tmp_path / "adapter", base, "ForSequenceClassification", "", trained=True, r=3, **more)
    whole = _LIBRARY.AutoModelForSequenceClassification.from_pretrained(base).eval()
    with torch.no_grad():
        before = whole(IDS).logits
        applied = _applied(whole, folder)
        given = read_whole(base, "classification", "XLMRobertaForSequenceClassification", False, "it", folder)
        wanted = applied.base_model.model.roberta(IDS).last_hidden_state
        torch.testing.assert_close(read_encoder(base, folder)(IDS).last_hidden_state, wanted, atol=1e-5, rtol=1e-4)
        scores = applied(IDS).logits
        torch.testing.assert_close(given(input_ids=IDS).last_hidden_state[:, 0], scores)
    assert (scores - before).abs().max() > 1e-4
