"""What a config.json says: the kind of encoder, its sizes, the lengths that it reads; and what reading it raises."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, NoReturn

from robust_xtreme.core.errors import ModelError, counted
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.core.subprocesses import reports_memory
from robust_xtreme.models.folder import READ_AS, WHOLE, Located
from robust_xtreme.models.reading.units import PER_TOKEN, TOKENIZER_CLASS, UNITS
from robust_xtreme.noise.engine.rewriter import quiet_transformers

MULTILINGUAL: Final = "multilingual"
MONOLINGUAL: Final = "monolingual"
TOWER: Final = "multimodal_text"

_ALWAYS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("xlm-roberta", "xlm-roberta-xl", "mt5", "umt5", "rembert", "canine", "xmod"), MULTILINGUAL),
    **dict.fromkeys(("robust_xtreme_mini", "mluke"), MULTILINGUAL),
    **dict.fromkeys(("roberta", "camembert", "flaubert", "albert", "mpnet", "longformer", "big_bird"), MONOLINGUAL),
    **dict.fromkeys(("clip", "clip_text_model", "siglip", "siglip_text_model"), TOWER),
    **dict.fromkeys(("siglip2", "siglip2_text_model", "chinese_clip", "chinese_clip_text_model", "altclip"), TOWER),
}
"""The kind of models of these types, whatever their vocabulary."""

_BY_VOCABULARY: Final[Mapping[str, int]] = {
    **dict.fromkeys(("bert", "distilbert", "electra", "modernbert"), 100_000),
    "deberta-v2": 200_000,
}
"""Types of both kinds: a model with at least so many vocabulary entries is multilingual.

mBERT has 105,879 and 119,547, LaBSE 501,153, mmBERT 256,000, mDeBERTa 251,000; monolingual models of these types have
21,128 to 128,100 (DeBERTa-v3).
"""

_SIZES: Final[Mapping[str, tuple[int, int]]] = {
    **dict.fromkeys(("num_hidden_layers", "num_layers", "n_layers", "n_layer", "num_hidden_groups"), (1, 256)),
    **dict.fromkeys(("hidden_size", "d_model", "dim", "n_embd", "embedding_size", "intermediate_size"), (1, 10**6)),
    **dict.fromkeys(("num_attention_heads", "num_heads", "n_heads", "d_ff"), (1, 10**6)),
    "vocab_size": (1, 10**8),
    **dict.fromkeys(("max_position_embeddings", "type_vocab_size"), (0, 10**8)),
    "num_labels": (1, 10_000),
}
"""The smallest and largest value of keys of config.json; more layers or classes take minutes to read."""

_DTYPES: Final = ("float32", "float16", "bfloat16", "float64", "float", "half", "double", "auto")
"""The types of weights that a configuration may name; parts of a model can have theirs in an object."""

CANINE: Final = "canine"
CANINE_SPARE: Final = 8
"""The padding that CANINE reads after each input: two of the units that it makes of characters."""

STUMBLES: Final = (LookupError, TypeError, AttributeError, ArithmeticError, AssertionError)
TOWERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("clip", "clip_text_model"), "CLIPTextModel"),
    **dict.fromkeys(("siglip", "siglip_text_model"), "SiglipTextModel"),
    **dict.fromkeys(("siglip2", "siglip2_text_model"), "Siglip2TextModel"),
}

_SAME: Final[Mapping[str, tuple[str, ...]]] = {
    "hidden_size": ("d_model", "dim", "n_embd"),
    "num_hidden_layers": ("num_layers", "n_layers", "n_layer"),
    "max_position_embeddings": (),
    "vocab_size": (),
}
CUT: Final = "sentence_transformers.max_seq_length"
"""The key of a configuration under which the tokens are that a folder of sentence-transformers cuts texts to."""

TRUST_FLAG: Final = "--trust-remote-code"
"""The option without which the code of a checkpoint is not run."""


def base_kind(config: Mapping[str, Any]) -> str | None:
    """The kind of an encoder by its config.json; None where that is unknown.

    An encoder of a multilingual type can have been trained on one language: for one trained from scratch, the
    languages of its text are better evidence.
    """
    named, size = str(config.get("model_type")), config.get("vocab_size")
    fewest = _BY_VOCABULARY.get(named)
    if fewest is None or type(size) is not int:
        return _ALWAYS.get(named)
    return MULTILINGUAL if size >= fewest else MONOLINGUAL


def is_causal(config: Mapping[str, Any]) -> bool:
    """Whether each token of a model sees only those before it: CLIP's text model, decoders, what was made a decoder."""
    from transformers.models.auto import modeling_auto

    kind = str(config.get("model_type"))
    names = (getattr(modeling_auto, f"MODEL_FOR_{name}_MAPPING_NAMES") for name in ("CAUSAL_LM", "MASKED_LM"))
    decodes, masks = (kind in known for known in names)
    opened = config.get("is_causal") is False or config.get("use_bidirectional_attention") in (True, "all")
    both_ways = opened or masks or kind in ("bert-generation", "xlnet")  # which decode, too
    return kind in ("clip", "clip_text_model") or config.get("is_decoder") is True or (decodes and not both_ways)


def check_config(config: Mapping[str, Any], called: str) -> None:
    """Raise ModelError where a configuration has an impossible size or type of numbers, or names other weight files."""
    text_config = config.get("text_config")
    for part in (config, text_config if isinstance(text_config, dict) else {}):
        for key in _SIZES.keys() & part.keys():
            least, most = _SIZES[key]
            if part[key] is not None and (type(part[key]) is not int or not least <= part[key] <= most):
                _refuse(called, key, part[key], f"a size is a whole number from {least} to {most:,}")
        for key in ("dtype", "torch_dtype"):
            named = part.get(key)
            if not isinstance(named, dict | None) and str(named).removeprefix("torch.") not in _DTYPES:
                _refuse(called, key, named, f"weights are {READ_AS}")
    if config.get("quantization_config") is not None:
        what = f"describes quantised weights (quantization_config), but weights are {READ_AS}"
        raise ModelError(f"{called}: its config.json {what}. Save it again without quantisation.")
    other = config.get("transformers_weights")
    if other not in (None, WHOLE):
        what = f"names weights of its own ({str(other)[:80]!r})"
        raise ModelError(f"{called}: its config.json {what}; only {WHOLE} is read.")


def _refuse(called: str, key: str, value: Any, rule: str) -> NoReturn:
    what = f"says {key} {json.dumps(value)[:80]}, but {rule}"
    raise ModelError(f"{called}: its config.json {what}. Get it again.")


def known_type(config: Mapping[str, Any]) -> bool:
    """Whether transformers has the configuration's architecture, so that the checkpoint's code is not needed."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    return str(config.get("model_type")) in CONFIG_MAPPING or is_tower(config)


def loading(trust: bool = False) -> dict[str, bool]:
    """The options of from_pretrained: nothing is fetched, and a folder's code runs only with `trust`."""
    return {"local_files_only": True, "trust_remote_code": trust}


@contextmanager
def reading(called: str, file: str = "") -> Iterator[None]:
    """Turn any exception of a library that reads a folder into a ModelError of one line, which may name the `file`.

    Raises MemoryError where there is too little memory, which says nothing of the folder.
    """
    try:
        with quiet_transformers():
            yield
    except BaseException as error:  # a panic of tokenizers is no Exception
        if not (isinstance(error, Exception) or type(error).__name__ == "PanicException"):
            raise
        line = first_line(error)
        if reports_memory(str(error)):
            raise MemoryError(line) from error
        if "trust_remote_code" in str(error) or "custom code" in str(error):
            line = f"it contains code of its own, which runs only with {TRUST_FLAG}"
        elif file and (isinstance(error, STUMBLES) or not isinstance(error, Exception)):
            line = f"{file} is malformed ({line}). Get it again."
        raise ModelError(f"{called} cannot be loaded: {line}") from error


def first_line(error: BaseException) -> str:
    """The first line of an exception's message, with the next one after a colon; its name where that is empty."""
    first, *others = [*filter(None, map(str.strip, str(error).splitlines())), ""]
    return (f"{first} {others[0]}" if first.endswith(":") and others else first).strip() or type(error).__name__


def is_tower(config: Mapping[str, Any]) -> bool:
    """Whether a configuration is that of CLIP or SigLIP, whole or of the text model alone."""
    return str(config.get("model_type")) in TOWERS


def text_facts(config: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that config.json gives of the text encoder, under the names that most architectures use."""
    facts = dict(config)
    if is_tower(config):
        import transformers

        part = config.get("text_config", config)
        sizes = part if isinstance(part, dict) else {}
        defaults: Any = getattr(transformers, TOWERS[str(config["model_type"])].replace("Model", "Config"))()
        facts |= {name: sizes[name] if isinstance(sizes.get(name), int) else getattr(defaults, name) for name in _SAME}
    for name, others in _SAME.items():
        known = next((facts[synonym] for synonym in (name, *others) if isinstance(facts.get(synonym), int)), None)
        if known is not None:
            facts[name] = known
    return facts


def positions(config: Mapping[str, Any]) -> int | None:
    """The largest number of tokens that an encoder reads; None where its configuration gives no bound."""
    numbers = [config.get(key) for key in ("max_position_embeddings", "pad_token_id")]
    most, pad = (number if isinstance(number, int) else None for number in numbers)
    kind = str(config.get("model_type"))
    # RoBERTa's kind counts positions from the id of the padding token plus 1; CANINE needs some for padding
    reserved = (1 if pad is None else pad) + 1 if "roberta" in kind else CANINE_SPARE if kind == CANINE else 0
    return most - reserved if most else None


def longest(task: TaskSpec) -> int:
    """The number of tokens of a task's longest inputs."""
    return max(task.max_length, task.pool.max_length if task.pool else 0)


def cut_to(config: Mapping[str, Any]) -> int | None:
    """The tokens that longer inputs are cut to, by a text tower or sentence-transformers; None for other encoders."""
    return positions(config) if is_tower(config) else config.get(CUT)


def fitted(task: TaskSpec, config: Mapping[str, Any]) -> TaskSpec:
    """A task with its lengths cut to what a model reads that cuts its inputs; for any other the task itself."""
    most = cut_to(config)
    return task if most is None or most >= longest(task) else with_length(task, most)


def in_units(task: TaskSpec, config: Mapping[str, Any]) -> TaskSpec:
    """A task with PER_TOKEN times its lengths where the tokens of a model are bytes or characters."""
    if config.get(TOKENIZER_CLASS) not in UNITS:
        return task
    pool = replace(task.pool, max_length=PER_TOKEN * task.pool.max_length) if task.pool else None
    return replace(task, max_length=PER_TOKEN * task.max_length, stride=PER_TOKEN * task.stride, pool=pool)


def with_length(task: TaskSpec, most: int) -> TaskSpec:
    """A task whose longest inputs have `most` tokens; shorter ones are cut to it. Windows overlap by the same share."""
    before = longest(task)
    length, *of_pool = (
        most if length == before else min(length, most)
        for length in (task.max_length, *([task.pool.max_length] if task.pool else []))
    )
    pool = replace(task.pool, max_length=of_pool[0]) if task.pool else None
    return replace(task, max_length=length, stride=task.stride * length // task.max_length, pool=pool)


def too_long(task: TaskSpec, config: Mapping[str, Any]) -> int | None:
    """The tokens that an encoder reads, where a task has longer inputs that are not cut; else None."""
    most = positions(config)
    return most if most is not None and most < longest(fitted(task, config)) else None


def check_fits(task: TaskSpec, config: Mapping[str, Any], called: str, remedy: str) -> None:
    """Raise ModelError where a task's inputs have more tokens than the encoder reads; `remedy` says what to do."""
    most, wanted = positions(config), longest(task)
    if most is not None and most < wanted:
        if most < 1:
            named = ", ".join(f"{key} {config.get(key)}" for key in ("max_position_embeddings", "pad_token_id"))
            raise ModelError(f"{called}: config.json leaves no position for a token ({named}). Correct these numbers.")
        what = f"the encoder reads {counted(most, 'token')}, but {task.name} has inputs of {wanted}"
        raise ModelError(f"{called}: {what}. {remedy} take an encoder that reads {wanted} or more.")


def check_length(located: Located, task: TaskSpec, config: Mapping[str, Any] | None = None) -> None:
    """Raise ModelError where the task's inputs have more positions than the encoder, whose `config` may be loaded."""
    config = located.config if config is None else config
    cut = f'max_length = ["{task.name}={positions(config)}"] in a file for --config'
    remedy = f"Leave {task.name} out of --tasks, cut its inputs ({cut}), or"
    check_fits(fitted(task, config), config, located.origin.typed, remedy)
