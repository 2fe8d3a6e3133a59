"""The model of a task in memory: encoder and head, from safetensors, without the network and without pickles.

Of a checkpoint only the part that reads text is taken: an encoder, T5's encoder alone, CLIP's or SigLIP's text tower,
the body of a decoder. A text tower reads few tokens, and inputs are cut to that length. In CLIP's and in decoders each
token sees only those before it, so the last token represents a text.
Code of a model folder runs only with --trust-remote-code.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import torch
from torch import Tensor, nn

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.examples import CHOICE, kind_of
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.models import config as configured
from robust_xtreme.models import folder as stored
from robust_xtreme.models import tensors
from robust_xtreme.models.adapter import classes_of, kept, merged
from robust_xtreme.models.located import locate
from robust_xtreme.models.reading.windows import plain
from robust_xtreme.models.tokenizer import tokenizer_of

BACKEND: Final = "inductor"
"""The compiler of torch.compile."""

_OF_TWO: Final[Mapping[str, str]] = {"t5": "T5EncoderModel", "mt5": "MT5EncoderModel", "umt5": "UMT5EncoderModel"}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded model for one task: `labels` are the head's, in its order."""

    encoder: nn.Module
    head: nn.Module
    tokenizer: Any
    family: Any
    labels: tuple[str, ...]
    name: str
    pad_id: int
    device: torch.device
    hidden_size: int = 0


def load(
    located: stored.Located,
    task: TaskSpec,
    device: str,
    precision: str,
    shared: Checkpoint | None = None,
    representation: str = "",
    compiling: bool = False,
) -> Checkpoint:
    """Load a located model, or only its head where the encoder of `shared` is the same. Raises ModelError."""
    family = registry.load("family", located.family)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    tokenizer = tokenizer_of(located)
    native, encoder = located.origin.native and located.head, _shared(located, shared)
    if encoder is None:
        encoder = _read(located, precision)
    if getattr(encoder.config, "pad_token_id", None) in (None, -1):
        encoder.config.pad_token_id = int(tokenizer.pad_token_id)  # heads know the last token of a text by it
    facts = ("max_position_embeddings", "pad_token_id", "model_type")
    configured.check_length(located, task, {key: getattr(encoder.config, key, None) for key in facts})
    if native and shared is None:
        width = len(located.labels) or kind_of(located.family).width
        check_reads(encoder, int(tokenizer.pad_token_id), task.max_length, width, located.origin.shown)
    if located.head:
        head = _head(located, family, encoder)
    elif located.sentence:
        encoder, head = tensors.AtLayer(encoder), tensors.PooledModules(located.sentence)
    else:
        wanted = tensors.Representation.parse(representation) if representation else tensors.DEFAULT
        encoder, head = tensors.AtLayer(encoder, wanted.at(tensors.layer_count(encoder))), tensors.Pooled(wanted)
    target_device = torch.device(device)
    encoder = encoder.to(target_device, dtype).eval()
    if compiling:
        length = configured.longest(configured.fitted(task, located.config))
        compile_encoder(encoder, target_device, int(tokenizer.pad_token_id), length, located.origin.shown)
    return Checkpoint(
        encoder=encoder,
        head=head.to(target_device, dtype).eval(),
        tokenizer=tokenizer,
        family=family,
        labels=located.labels,
        name=located.name,
        pad_id=int(tokenizer.pad_token_id),
        device=target_device,
        hidden_size=located.sentence.width if located.sentence else int(getattr(encoder.config, "hidden_size", 0)),
    )


def _read(located: stored.Located, precision: str) -> Any:
    """The encoder of a model, in a checkpoint with its head; quantised where the precision says so."""
    folder, adapter, shown = located.folder, located.origin.adapter, located.origin.shown
    if located.origin.native and located.head:
        encoder = read_whole(folder, located.family, located.head, located.trust, shown, adapter)
    else:
        encoder = read_encoder(folder, adapter)
    if precision == "int8":
        tensors.quantise(encoder, shown)
    return encoder


def _shared(located: stored.Located, shared: Checkpoint | None) -> Any:
    """The encoder of another task's checkpoint, where both tasks use it, with or without its head; else None."""
    if shared is None:
        return None
    bare = isinstance(shared.encoder, tensors.AtLayer)
    if located.origin.native and bare == bool(located.head):
        return None
    return shared.encoder.encoder if isinstance(shared.encoder, tensors.AtLayer) else shared.encoder


def _head(located: stored.Located, family: Any, encoder: Any) -> nn.Module:
    """The head of a run; for a checkpoint with a head the identity."""
    from safetensors.torch import load_file

    if located.origin.native:
        return nn.Identity()
    head: nn.Module = family.head(int(encoder.config.hidden_size), located.labels)
    path = located.run / "heads" / f"{located.head}.safetensors"
    try:
        head.load_state_dict(load_file(str(path)))
    except Exception as error:
        raise ModelError(f"{path} does not fit the head of {located.family}: {configured.first_line(error)}") from error
    return head


class Models:
    """The checkpoints of a run, loaded on demand; the last two encoders stay in memory."""

    def __init__(self, device: str, precision: str, representation: str = "", compiling: bool = False) -> None:
        self._how = device, precision, representation, compiling
        self._loaded: dict[Path, dict[str, Checkpoint]] = {}

    def load(self, located: stored.Located, task: TaskSpec) -> Checkpoint:
        """The checkpoint of a task; tasks of one run share its encoder."""
        tasks = self._loaded.setdefault(located.run, {})
        if task.name not in tasks:
            shared, (device, precision, representation, compiling) = next(iter(tasks.values()), None), self._how
            tasks[task.name] = load(located, task, device, precision, shared, representation, compiling)
        for run in list(self._loaded)[:-2]:
            self._loaded.pop(run, None)
        return tasks[task.name]


def load_checkpoint(run: Path, task: TaskSpec, device: str = "cpu", precision: str = "fp32") -> Checkpoint:
    """Load the encoder, head and tokenizer that `task` needs, in evaluation mode. Raises ModelError."""
    return load(locate(run, task), task, device, precision)


def compile_encoder(encoder: nn.Module, device: torch.device, pad_id: int, length: int, called: str) -> None:
    """Compile an encoder in its place, for several rows of up to `length` tokens and for one row. Raises ModelError."""
    whole = encoder.encoder if isinstance(encoder, tensors.AtLayer) else encoder
    whole.compile(dynamic=True, backend=BACKEND)
    config: Any = encoder.config
    token = (pad_id + 1) % max(2, int(getattr(config, "vocab_size", 0) or 0))
    try:
        for rows in (32, 1):  # a compiler can choose its code by the sizes that it sees first
            with torch.inference_mode():  # tensors that are made in it, as in `start`, are another kind
                ids = torch.full((rows, min(length, 128)), token, device=device)
                encoder(**tensors.encoder_inputs(encoder, ids, torch.ones_like(ids), plain([()] * rows)))
    except Exception as error:
        if tensors.out_of_memory(error):
            raise
        what = f"{called} cannot be compiled ({configured.first_line(error)}): torch.compile needs a C++ compiler"
        raise ModelError(f"{what} on the CPU, Triton on CUDA. Leave compile out.") from error


def read_encoder(folder: Path, adapter: Path | None = None) -> Any:
    """The encoder of a transformers folder: float32, on the CPU, in evaluation mode. Raises ModelError.

    The pooler, which is not used here, is left out where the architecture allows it, and otherwise frozen. A weight
    that is missing, or has another shape than config.json gives it, is an error: transformers would draw it at random.
    """
    from robust_xtreme.models import mini

    called = str(folder)
    files = stored.weight_files(folder, called)
    stored.check_whole(folder, called)
    described = stored.object_of(folder / "config.json") or {}
    configured.check_config(described, called)
    with configured.reading(called, "config.json"):
        mini.register()
        architecture, config = _architecture(described, called)
    _check_kind(config, architecture, called)
    with configured.reading(called, "config.json"), torch.random.fork_rng(devices=()):
        takes = inspect.signature(architecture).parameters
        pooler = {"add_pooling_layer": False} if "add_pooling_layer" in takes else {}
        stored.check_size(parameters_of(architecture, config, **pooler), files)
        options = {"use_safetensors": True, "ignore_mismatched_sizes": True, "output_loading_info": True}
        encoder, report = architecture.from_pretrained(
            called, config=config, **options, **pooler, **configured.loading()
        )
    check_complete(called, report, unused="pooler")
    stored.check_described(called, report["unexpected_keys"], encoder, whole=False)
    if configured.is_tower(encoder.config.to_dict()):
        for name, parameter in encoder.named_parameters():
            parameter.requires_grad_("head" not in name.split("."))  # the pooler
    encoder = tensors.steady(merged(encoder.float(), adapter, str(adapter)).eval())
    check_finite(encoder, called)
    for name, value in stored.units_in(folder, described).items():
        setattr(encoder.config, name, value)
    if configured.is_causal(described) and not configured.is_tower(described):
        encoder.config.use_cache = False  # what it keeps to predict the next word
    return encoder


def _architecture(described: Mapping[str, Any], called: str) -> tuple[Any, Any]:
    """The class of a folder's text encoder and its configuration; the text model's, where there is an image part."""
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    name = {**configured.TOWERS, **_OF_TWO}.get(str(described.get("model_type")))
    if name is None:
        config = transformers.AutoConfig.from_pretrained(called, **configured.loading())
        return MODEL_MAPPING[type(config)], config
    text_class: Any = getattr(transformers, name, None)
    if text_class is None:
        raise ModelError(f"{called}: this version of transformers has no {name}. Install a newer one.")
    return text_class, text_class.config_class.from_pretrained(called, **configured.loading())


def parameters_of(make: Callable[..., Any], config: Any, **options: bool) -> int:
    """The number of parameters of the model that a configuration describes; no weights are allocated."""
    with torch.device("meta"):
        return sum(weights.numel() for weights in make(config, **options).parameters())


def check_complete(called: str, report: Mapping[str, Any], unused: str | None = None) -> None:
    """Raise ModelError where weights, unless they are named `unused`, are missing or misshapen by a loading info."""
    misshapen = sorted(name for name, *_ in report["mismatched_keys"])
    if misshapen:
        raise ModelError(f"{called}: {_counted(misshapen)} another shape in the weights than config.json says.")
    missing = sorted(name for name in report["missing_keys"] if unused is None or unused not in name)
    if missing:
        raise ModelError(f"{called}: {_counted(missing)} no weights, though config.json describes it.")


def check_finite(model: Any, called: str) -> None:
    """Raise ModelError where weights are not finite: losses and scores would not be either."""
    broken = next((name for name, weights in model.named_parameters() if not bool(torch.isfinite(weights).all())), None)
    if broken:
        raise ModelError(f"{called}: the weights of {broken} are not finite numbers (NaN or infinity). Get it again.")


def _counted(names: Sequence[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more have" if len(names) > 1 else f"{names[0]} has"


def _check_kind(config: Any, architecture: Any, called: str) -> None:
    """Raise ModelError where a model does not give states of a text: an encoder-decoder, or for images or sound."""
    kind = str(config.model_type)
    takes = inspect.signature(architecture.forward).parameters
    if kind not in _OF_TWO and getattr(config, "is_encoder_decoder", False):
        what = f"an encoder and a decoder in one ({kind}), of which only the encoders of T5, mT5 and UMT5 are read"
    elif "input_ids" not in takes:
        what = f"not an encoder of text ({kind})"
    elif "pixel_values" in takes:
        what = f"a model of text and images ({kind}), of which only the text towers of CLIP and SigLIP are read"
    else:
        return
    raise ModelError(f"{called} is {what}. Take an encoder such as FacebookAI/xlm-roberta-base.")


class Whole(nn.Module):
    """Encoder and head in one module, whose last hidden state are scores; `alone`: each input is a group of one."""

    def __init__(self, model: Any, alone: bool = False) -> None:
        nn.Module.__init__(self)
        self.model = model
        self.config = model.config
        self.alone = alone

    def forward(self, **inputs: Tensor) -> SimpleNamespace:
        """Scores (B, 1, classes) of texts, (B, L, classes) of tokens, or (B, L, 2) of an answer's start and end."""
        if self.alone:
            inputs = {name: values[:, None] for name, values in inputs.items()}
        output = self.model(**inputs)
        start, end = getattr(output, "start_logits", None), getattr(output, "end_logits", None)
        if start is not None and end is not None:
            return SimpleNamespace(last_hidden_state=torch.stack((start, end), dim=-1))
        scores = output.logits
        return SimpleNamespace(last_hidden_state=scores[:, None] if scores.ndim == 2 else scores)


def bare(encoder: nn.Module) -> Any:
    """What gives the states of tokens: the encoder, or that of a checkpoint with a head."""
    return encoder.model.base_model if isinstance(encoder, Whole) else encoder


def read_whole(
    folder: Path, family: str, architecture: str, trust: bool, called: str, adapter: Path | None = None
) -> Whole:
    """The checkpoint of a folder with its head: float32, on the CPU, in evaluation mode. Raises ModelError.

    With `trust`, code of the folder runs. An `adapter` is merged into the weights, and can contain the head.
    """
    import transformers

    auto: Any = getattr(transformers, f"AutoModel{stored.HEADS[family]}")
    options = {"use_safetensors": True, "ignore_mismatched_sizes": True, "output_loading_info": True}
    with configured.reading(called, "config.json"), torch.random.fork_rng(devices=()):
        if not trust:
            config = transformers.AutoConfig.from_pretrained(str(folder), **configured.loading())
            stored.check_size(parameters_of(auto.from_config, config), stored.weight_files(folder, called))
        more = {"num_labels": classes} if (classes := classes_of(adapter)) else {}
        model, report = auto.from_pretrained(str(folder), **more, **options, **configured.loading(trust))
    if type(model).__name__ != architecture:
        own = trust and not type(model).__module__.startswith("transformers.models.")
        what = "its own code does not give" if own else "transformers does not load"
        raise ModelError(f"{called} is a {architecture}, which {what} ({type(model).__name__}).")
    check_complete(called, {**report, "missing_keys": set(report["missing_keys"]) - kept(adapter)})
    stored.check_described(called, report["unexpected_keys"], model, whole=True)
    whole = Whole(merged(model.float(), adapter, called), alone=family == CHOICE.name).eval()
    tensors.steady(whole.model.base_model)
    check_finite(whole.model, called)
    return whole


def check_reads(whole: Whole, pad_id: int, length: int, width: int, called: str) -> None:
    """Raise ModelError unless the model reads an input of `length` tokens and gives `width` scores."""
    other = (pad_id + 1) % max(2, int(getattr(whole.config, "vocab_size", 0) or 0))
    ids = torch.full((1, length), other)
    try:
        with torch.inference_mode():
            inputs = tensors.encoder_inputs(whole, ids, torch.ones_like(ids), plain([()]))
            scores = whole(**inputs).last_hidden_state
    except (RuntimeError, IndexError, AttributeError, TypeError, ValueError) as error:
        raise ModelError(f"{called} does not read an input of {length} tokens: {error}".splitlines()[0]) from error
    if scores.shape[-1] != width:
        raise ModelError(f"{called} gives {scores.shape[-1]} scores, but its configuration has {width} classes.")
