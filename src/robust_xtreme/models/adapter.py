"""Adapters of peft: the model that one changes, what it says of a head, and its weights merged into those of the model.

The files that it names are read, never run: a configuration, and weights as safetensors.
"""

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NoReturn

from robust_xtreme.core.errors import ModelError, UserError
from robust_xtreme.core.examples import CLASSIFICATION, SPAN_QA, TAGGING
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.models.config import check_config, positions, reading, text_facts
from robust_xtreme.models.folder import (
    ADAPTED,
    ADAPTER,
    CONFIG,
    MODULES,
    UNUSED,
    WAYS,
    ModelFolder,
    check_types,
    headers,
    modules_in,
    read_json,
)
from robust_xtreme.models.reading.members.retrieval import Dense, Prompts, SentenceModel

_KINDS: Final = ("LORA", "LOHA", "LOKR", "IA3")
_HEADS: Final = {
    "SEQ_CLS": (CLASSIFICATION.name, "SEQUENCE_CLASSIFICATION"),
    "TOKEN_CLS": (TAGGING.name, "TOKEN_CLASSIFICATION"),
    "QUESTION_ANS": (SPAN_QA.name, "QUESTION_ANSWERING"),
}
"""The family of a task of peft, and the name of transformers' architectures for it."""

_CHANGE: Final = re.compile(r"\.(?:lora|hada|lokr|ia3)_")
"""What begins, in a weight's name, after the name of the layer that it changes."""

_LAST: Final = ("classifier", "score", "out_proj", "qa_outputs")
"""The names of the last layer of a head."""

_OUTSIDE: Final = "base_model.model."


def of_adapter(model: ModelFolder, find: Callable[[str, str], ModelFolder]) -> ModelFolder:
    """The base of an adapter's folder, with the adapter; any other model as it is.

    `find` gives the model of a name and a revision. Raises ModelError.
    """
    folder = model.folder
    if not (folder / ADAPTER).is_file() or (folder / CONFIG).is_file():
        return model
    config = read_json(folder / ADAPTER)
    if config.get("peft_type") not in _KINDS:
        what = f"is an adapter of the type {str(config.get('peft_type'))[:40]!r}; {', '.join(_KINDS)} are merged"
        raise ModelError(f"{model.typed} {what}. Merge it with peft's merge_and_unload, and save the model.")
    if config.get("layer_replication"):  # copies of a layer share its weights, which would get the changes of all
        raise ModelError(
            f"{model.typed} is an adapter that repeats layers (layer_replication), which cannot be merged."
        )
    if not (folder / ADAPTED).is_file():
        pickled = next((path.name for path in sorted(folder.glob("adapter_model.*"))), "")
        why = f"only pickled weights ({pickled}), which could run code when read" if pickled else "no weights"
        raise ModelError(f"{model.typed} is an adapter with {why}; {ADAPTED} is read. Save it again with peft.")
    check_types([folder / ADAPTED])
    name, revision = config.get("base_model_name_or_path"), config.get("revision")
    if not isinstance(name, str) or not name:
        raise ModelError(f"{model.typed} is an adapter that names no base (base_model_name_or_path in {ADAPTER}).")
    try:
        base = find(name, revision if isinstance(revision, str) else "")
    except UserError as error:
        what = f"{model.typed} is an adapter, whose base (base_model_name_or_path in {ADAPTER}) is not at hand"
        raise ModelError(f"{what}: {error}") from error
    if not base.native or (base.folder / ADAPTER).is_file():
        raise ModelError(f"{model.typed} is an adapter, but its base {name[:80]!r} is no checkpoint of transformers.")
    check_config(base.config, name)
    head = _head(folder, config, base)
    home = folder if (folder / MODULES).is_file() else base.modules
    return replace(model, folder=base.folder, adapter=folder, base=base.typed, head=head, modules=home)


def _head(folder: Path, config: dict[str, Any], base: ModelFolder) -> tuple[tuple[str, Any], ...]:
    """What config.json would say of the head that an adapter contains: architecture and unnamed classes."""
    from transformers.models.auto import modeling_auto

    family, name = _HEADS.get(str(config.get("task_type")), ("", ""))
    count = classes_of(folder)
    if not name or not count or family == base.family:
        return ()
    architectures = getattr(modeling_auto, f"MODEL_FOR_{name}_MAPPING_NAMES")
    architecture = str(architectures.get(base.config.get("model_type"), ""))
    classes = {str(index): f"LABEL_{index}" for index in range(count)}
    return ("architectures", [architecture]), ("id2label", classes), ("label2id", {}), ("num_labels", count)


def classes_of(adapter: Path | None) -> int:
    """The number of classes of the head that an adapter contains; 0 where it contains none."""
    given = headers(adapter / ADAPTED).items() if adapter else ()
    shapes = {name.removesuffix(".weight").rpartition(".")[2]: shape for name, (_, shape) in given}
    return next((shapes[name][0] for name in _LAST if name in shapes), 0)


def kept(adapter: Path | None) -> set[str]:
    """The weights of the model itself that an adapter contains, by their names there: those of a head."""
    names = headers(adapter / ADAPTED) if adapter else ()
    return {name.removeprefix(_OUTSIDE) for name in names if not _CHANGE.search(name)}


@contextmanager
def peft_for(what: str) -> Iterator[Any]:
    """The module peft, which `what` needs. Raises UserError where it is not installed."""
    try:
        import peft
    except ImportError as error:
        why = f"{what} needs peft, which is not installed" if error.name == "peft" else f"peft cannot be used: {error}"
        raise UserError(f"{why}. Install it: pip install 'robust-xtreme[lora]'") from error
    with warnings.catch_warnings():
        # peft uses an old name that newer releases of transformers warn about.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        yield peft


def merged(model: Any, adapter: Path | None, called: str) -> Any:
    """A model with an adapter's changes, if any, in its weights. Raises UserError without peft, ModelError."""
    if adapter is None:
        return model
    from safetensors.torch import load_file

    with peft_for(called) as peft, reading(called, ADAPTER):
        config, weights = peft.PeftConfig.from_pretrained(str(adapter)), load_file(str(adapter / ADAPTED))
        changed_model = _named_as_in(weights, model)
        saved = getattr(config, "modules_to_save", None) or ()
        present = {name.rpartition(".")[2] for name, _ in changed_model.named_modules()}
        config.task_type, config.inference_mode, config.base_model_name_or_path = None, True, None
        config.modules_to_save = [name for name in saved if name in present] or None
        changed = peft.get_peft_model(changed_model, config)
        report = peft.set_peft_model_state_dict(changed, weights)
    lost = sorted(
        name
        for name in report.unexpected_keys
        # Another part of the model that the adapter was trained on, such as its head, may not be read here.
        if hasattr(changed_model, name.split(".")[2])
        # Where peft keeps biases, it writes those of a head twice, and reads one of them.
        and not (".modules_to_save." in name and name.replace(".modules_to_save.", ".") in weights)
        and not UNUSED.fullmatch(name.removeprefix(_OUTSIDE))
    )
    lost += sorted(name for name in report.missing_keys if _CHANGE.search(name))
    if lost:
        raise ModelError(f"{called} is an adapter of another model than its base: {lost[0][:200]} has no place in it.")
    changed.merge_and_unload()
    return model


def _named_as_in(weights: Iterable[str], model: Any) -> Any:
    """A model whose parts have the names of an adapter's weights; settings of the adapter use these names, too.

    Where the adapter is of a model with a head, and this is its encoder alone, the encoder is put in a module.
    """
    from torch import nn

    prefix = str(model.base_model_prefix)
    if hasattr(model, prefix) or not any(name.startswith(f"{_OUTSIDE}{prefix}.") for name in weights):
        return model
    outer: Any = nn.ModuleDict({prefix: model})
    outer.config, outer.get_input_embeddings = model.config, model.get_input_embeddings
    return outer


MODES: Final = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""The modes of pooling by their keys in older files, in the order in which the vectors of several are joined."""

ACTIVATIONS: Final = (
    *("Identity", "Tanh", "ReLU", "GELU", "Sigmoid", "SiLU", "ELU", "SELU", "LeakyReLU", "Softplus", "Mish"),
    *("ReLU6", "Hardtanh", "Softsign"),
)
"""The activations of torch.nn that a Dense module may have."""

_TYPE: Final = re.compile(r"sentence_transformers\.(?:\w+\.)*(Transformer|Pooling|Dense|Normalize)")
_LONGEST: Final = 10**6
_KNOWN: Final = {
    "transformer_task": ("feature-extraction",),
    "module_output_name": ("token_embeddings",),
    "model_type": ("SentenceTransformer",),
    "similarity_fn_name": ("cosine", "dot", "dot_product"),
}
"""What settings of a folder may be, where they are there."""


def prompts_for(task: TaskSpec, given: Mapping[str, str], model: SentenceModel | None) -> Prompts:
    """The prompts of a task, as the user gives them, else the model's folder; for translations both are of queries."""
    own = model.prompts if model else {}

    def prompt(role: str, *names: str) -> str:
        known = [own[name] for name in names if name in own] or [own.get("")]
        return given.get(role, next(filter(None, known), ""))

    query, document = prompt("query", "query"), prompt("document", "document", "passage", "corpus")
    both_ask = task.pool is not None and task.pool.translations
    return Prompts(query, query if both_ask else document, bool(model and model.lower))


def with_encoder_inside(model: ModelFolder) -> ModelFolder:
    """A folder of sentence-transformers whose encoder is in a folder inside it, with that one; others as they are.

    Raises ModelError where modules.json is malformed, or nothing is known of the folder but modules of another kind.
    """
    home = model.folder
    if not (home / MODULES).is_file():
        return model
    list_modules = modules_in if (home / CONFIG).is_file() else _modules
    path = next((path for _, path in list_modules(home, model.typed)), "")
    return replace(model, folder=home / path, modules=home) if (home / path / CONFIG).is_file() else model


def sentence_model(model: ModelFolder) -> SentenceModel:
    """The modules of a folder and its settings. Raises ModelError, one line, for what is malformed or not known."""
    called, folder, facts = model.typed, model.home, text_facts(model.config)
    modules, hidden = _modules(folder, called), facts.get("hidden_size")
    if [kind for kind, _ in modules[:2]] != ["Transformer", "Pooling"]:
        _refuse(called, f"its {MODULES} does not begin with a Transformer and a Pooling")
    inner = folder / modules[0][1]
    if inner not in (model.folder, model.adapter):
        _refuse(called, f"its {MODULES} names the folder {modules[0][1]!r} of the encoder, where there is no {CONFIG}")
    modes = _modes(read_json(folder / modules[1][1] / "config.json"), called, hidden)
    width, steps = len(modes) * int(hidden or 0), list[Dense | None]()
    for kind, path in modules[2:]:
        if kind not in ("Dense", "Normalize"):
            _refuse(called, f"its {MODULES} has a second {kind}")
        steps.append(_dense(folder / path, called, width) if kind == "Dense" else None)
        width = step.gives if (step := steps[-1]) else width
    # older folders name the first file by the kind of their encoder
    older = next(iter(sorted(inner.glob("sentence_*_config.json"))), inner / "sentence_bert_config.json")
    paths = (older, folder / "config_sentence_transformers.json", inner / "tokenizer_config.json")
    read, settings, tokens = (read_json(path) if path.is_file() else {} for path in paths)
    for key, known in _KNOWN.items():
        value = {**settings, **read}.get(key)
        if value not in (None, *known):
            _refuse(called, f"its {key} is {str(value)[:80]!r}, not {' or '.join(known)}")
    dims, prompts = settings.get("truncate_dim"), settings.get("prompts") or {}
    if not isinstance(prompts, dict) or not all(isinstance(text, str | None) for text in prompts.values()):
        _refuse(called, "its prompts are not texts by name")
    if (name := settings.get("default_prompt_name")) is not None and name not in prompts:
        _refuse(called, f"its default_prompt_name {str(name)[:80]!r} is none of its prompts")
    for key, number in (("max_seq_length", read.get("max_seq_length")), ("truncate_dim", dims)):
        if number is not None and (type(number) is not int or number < 1):
            _refuse(called, f"its {key} is {str(number)[:80]!r}")
    bounds = (read.get("max_seq_length") or tokens.get("model_max_length"), positions(facts))
    return SentenceModel(
        modes,
        tuple(steps),
        width,
        min((most for most in bounds if type(most) is int and 0 < most < _LONGEST), default=None),
        cosine=settings.get("similarity_fn_name") in (None, "cosine"),
        dims=dims if dims and dims <= width else 0,
        lower=read.get("do_lower_case") is True,
        prompts={**prompts, "": prompts.get(str(settings.get("default_prompt_name")))},
    )


def _refuse(called: str, what: str) -> NoReturn:
    raise ModelError(f"{called}: {what}, which is not read. Its encoder alone: {WAYS}.")


def _modules(folder: Path, called: str) -> list[tuple[str, str]]:
    """The kind and the path of each module, in order."""
    entries = modules_in(folder, called)
    if unknown := [kind for kind, _ in entries if not _TYPE.fullmatch(kind)]:
        _refuse(called, f"its {MODULES} names a module of the type {unknown[0][:80]!r}")
    return [(kind.rpartition(".")[2], path) for kind, path in entries]


def _modes(config: Mapping[str, Any], called: str, hidden: Any) -> tuple[str, ...]:
    """The modes of a Pooling."""
    flags = [key for key in config if key.startswith("pooling_mode")]
    others = [key for key in flags if key not in MODES and key != "pooling_mode" and config[key]]
    named = config.get("pooling_mode") or [*(mode for key, mode in MODES.items() if config.get(key)), *others]
    if flags and not named:
        _refuse(called, "its Pooling has no mode")
    named = named or ["mean"]
    modes = tuple(named) if isinstance(named, list) else (named,)
    wrong = next((mode for mode in modes if mode not in MODES.values()), None)
    size = config.get("embedding_dimension", config.get("word_embedding_dimension"))
    if wrong is not None:
        _refuse(called, f"its Pooling has the mode {str(wrong)[:80]!r}")
    if size != hidden or type(hidden) is not int:
        _refuse(called, f"its Pooling reads {str(size)[:80]} numbers of a token, but the encoder gives {hidden}")
    if config.get("include_prompt", True) is not True:
        _refuse(called, "its Pooling leaves out the tokens of the prompt (include_prompt)")
    return modes


def _dense(folder: Path, called: str, width: int) -> Dense:
    """A Dense module, whose weights are checked by their header."""
    config, weights = read_json(folder / "config.json"), folder / "model.safetensors"
    reads, gives, bias = config.get("in_features"), config.get("out_features"), config.get("bias", True)
    named = str(config.get("activation_function", "torch.nn.Tanh") or "torch.nn.Identity")
    whole, _, activation = named.rpartition(".")
    names = {config.get(f"module_{side}_name") for side in ("input", "output")}
    if not re.fullmatch(r"torch\.nn(\.modules(\.\w+)?)?", whole) or activation not in ACTIVATIONS:
        _refuse(called, f"its {folder.name} has the activation {named[:80]!r}")
    if not names <= {None, "sentence_embedding"} or config.get("use_residual"):
        _refuse(called, f"its {folder.name} reads other than the vector of a text, or adds it again (use_residual)")
    if not weights.is_file():
        what = f"{folder.name} has no model.safetensors; pickled weights are not read, because they could run code"
        raise ModelError(f"{called}: its {what}. Save it again with sentence-transformers.")
    check_types((weights,))
    shapes = {name: shape for name, (_, shape) in headers(weights).items()}
    if reads != width or shapes != {"linear.weight": (gives, reads), **({"linear.bias": (gives,)} if bias else {})}:
        sizes = f"{str(reads)[:20]} to {str(gives)[:20]}"
        _refuse(called, f"its {folder.name} ({sizes}) does not fit its weights, or the {width} numbers before it")
    return Dense(weights, width, int(str(gives)), bool(bias), activation)
