"""Models in memory: each is saved to a temporary folder, which a run reads as it reads any checkpoint.

The object itself is not changed: its mode, device, types and configuration stay. Two objects with the same weights,
configuration, labels and tokenizer have the same name, so that a run of one continues, or answers from the cache of,
a run of the other.

Weights, configuration and tokenizer files do not describe everything that an object computes: an activation that was
replaced, a number in a layer, a buffer that is not saved, a configuration that was set after the model was made. So the
answers of the object and of its copy, saved and loaded, are compared, whatever the difference comes from.
"""

import copy
import math
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DiskError, ModelError, RobustXtremeError, SpecError, no_room, shown
from robust_xtreme.core.examples import CHOICE, kind_of
from robust_xtreme.files import store
from robust_xtreme.models.config import first_line, positions
from robust_xtreme.models.folder import IN_MEMORY, family_of_head, local, read_json
from robust_xtreme.models.labels import placed
from robust_xtreme.models.loading import Whole, read_encoder, read_whole
from robust_xtreme.models.reading.windows import plain
from robust_xtreme.models.tensors import collate, evaluating, out_of_memory
from robust_xtreme.models.tokenizer import check_tokenizer, read_tokenizer
from robust_xtreme.noise.engine.rewriter import quiet_transformers

_TAKES: Final = "evaluate takes a model of transformers, as AutoModelForSequenceClassification.from_pretrained gives"
_TOKENIZER: Final = "as in tokenizer=AutoTokenizer.from_pretrained(...)"
_INSIDE: Final[Mapping[str, str]] = {"module": "model.module", "_orig_mod": "model._orig_mod"}
"""The attribute in which a wrapper has its model (of DataParallel, of torch.compile), and how it is written."""

_LONGEST: Final = 160
"""The tokens of the longest input: more than the windows of local attention, 128 in ModernBERT."""

_TOLERANCE: Final = 1e-3
"""The difference that counts, as a share of the largest score: less than a rounding in float16 and bfloat16."""

_KERNELS: Final = ("eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention")
"""The implementations of attention that compute the same, but round otherwise."""

_WITHIN: Final = ("", "encoder.", "text_model.")
"""Where a copy has the weights of a part: by the same names, or those of a part of it."""

_TEXTS: Final = (
    "The quick brown Fox, 1984!",
    "Habari za asubuhi; é à ö ñ ß",
    "Москва́ не сразу строилась",
    "नमस्ते दुनिया",
    "مرحبا بالعالم",
    "今天天气很好。テスト",
    "ทดสอบภาษาไทย",
    " two  spaces\tand a line\n",
    "one two three four five six seven eight nine ten eleven twelve",
)
_CURE: Final = "Undo the change, or save it as a folder with its code and evaluate that with trust_remote_code=True."


@contextmanager
def named(values: Mapping[str, Any], tokenizer: Any) -> Iterator[tuple[dict[str, Any], dict[str, Path]]]:
    """The values of a RunSpec with names for its models and labels, and the folders of models in memory by their names.

    `model` may be paths, names or objects, alone, in a list, or by task; `labels` may be lists by task or, for a single
    object, its classes. `tokenizer` is that of the objects, or a dict with that of each task. The folders exist until
    the end of the context. Raises SpecError, DiskError.
    """
    given = {**values, **({"labels": _labels(values["labels"])} if isinstance(values.get("labels"), Mapping) else {})}
    by_task = _by_task(values["model"]) if "model" in values else []
    objects = {id(value): value for _, value in by_task if not isinstance(value, (str, Path))}
    if not objects and tokenizer is not None:
        raise SpecError("evaluate takes tokenizer= only with a model in memory: leave it out.")
    classes: tuple[str, ...] = ()
    if objects and _are_classes(given.get("labels", ())):
        classes = _classes(given.pop("labels"), len(objects))
    names: list[str] = []
    folders: dict[str, Path] = {}
    with tempfile.TemporaryDirectory(prefix="robust-xtreme-") if objects else nullcontext("") as parent:
        for number, (task, value) in enumerate(by_task):
            name = str(value)
            if id(value) in objects:
                reader = copy.deepcopy(_tokenizer(tokenizer, task))
                folder = _save(value, reader, classes, Path(parent) / str(number))
                name = f"{IN_MEMORY}:{local(folder).identity({})}"
                check_copy(value, reader, folder, name)
                folders[name] = folder
            names.append(f"{task}={name}" if task else name)
        yield ({**given, "model": names} if "model" in given else given), folders


def _by_task(model: Any) -> list[tuple[str, Any]]:
    """Pairs of a task ("": every task that the model has a head for) and a model."""
    several = model if isinstance(model, (list, tuple)) else [model]
    pairs = list(model.items()) if isinstance(model, Mapping) else [("", value) for value in several]
    for task, value in pairs:
        if not isinstance(task, str) or (isinstance(model, Mapping) and not task):
            raise SpecError(f"evaluate: model names the task {shown(task)}, which is not the name of a task.")
        if not isinstance(value, (str, Path)):
            _check_model(value)
    return pairs


def _labels(labels: Mapping[Any, Any]) -> tuple[str, ...]:
    """Labels by task as TASK=A,B,C. Raises SpecError."""
    for names in labels.values():
        if not isinstance(names, (list, tuple)):
            raise SpecError(f"evaluate: labels takes a list of names for each task, not {shown(names)}.")
    return tuple(f"{task}={','.join(map(str, names))}" for task, names in labels.items())


def _are_classes(labels: Any) -> bool:
    """Whether labels are names of classes, and do not name their tasks, as in TASK=A,B,C."""
    names, tasks = [labels] if isinstance(labels, str) else labels, registry.names("task")
    if not isinstance(names, (list, tuple)) or not names:
        return False
    return not all(isinstance(name, str) and "=" in name and name.partition("=")[0] in tasks for name in names)


def _classes(labels: Any, objects: int) -> tuple[str, ...]:
    """The classes of the only object, in its order. Raises SpecError."""
    names = tuple(part.strip() for part in labels.split(",")) if isinstance(labels, str) else tuple(labels)
    if objects > 1:
        raise SpecError("evaluate: labels of several models in memory name their tasks: labels={'xnli': [...]}.")
    if len(set(map(str, names))) < len(names) or not all(isinstance(name, str) and name for name in names):
        takes = "the name of each class once, in the model's order"
        raise SpecError(f"evaluate: labels takes {takes}, not {shown(labels)}.")
    return names


def _tokenizer(tokenizer: Any, task: str) -> Any:
    """The tokenizer of a task's model. Raises UserError where it is missing or not a fast one."""
    reader = tokenizer.get(task) if type(tokenizer) is dict else tokenizer
    if reader is None:
        raise SpecError(f"evaluate: a model in memory needs its tokenizer, {_TOKENIZER}.")
    if not getattr(reader, "is_fast", False) or not callable(getattr(reader, "save_pretrained", None)):
        raise SpecError(f"evaluate takes a fast tokenizer of transformers, {_TOKENIZER}, not {type(reader).__name__}.")
    return reader


def _check_model(model: Any) -> None:
    """Raise UserError where an object is not a model that transformers can load again from its weights."""
    import transformers

    kind = type(model)
    if not isinstance(model, nn.Module):
        takes = "a name, a path, a model of transformers, a list of these, or one for each task"
        raise SpecError(f"evaluate: model takes {takes}, not {shown(model)}.")
    for name, inside in _INSIDE.items():
        if isinstance(getattr(model, name, None), nn.Module):
            raise SpecError(f"{_TAKES}; this {kind.__name__} wraps one: evaluate({inside}).")
    if hasattr(model, "merge_and_unload"):
        raise SpecError(f"{_TAKES}; this {kind.__name__} has an adapter: evaluate(model.merge_and_unload()).")
    if getattr(transformers, kind.__name__, None) is not kind:
        raise SpecError(f"{_TAKES}; {kind.__name__} is another class, whose code is not part of its weights.")
    changed = next((name or kind.__name__ for name, part in model.named_modules() if _is_changed(part)), None)
    if changed:
        what = "has hooks, another forward or a max_norm, which are not part of the weights"
        raise SpecError(f"{changed} {what}. Remove them.")


def _is_changed(module: nn.Module) -> bool:
    """Whether a module computes other than its weights say."""
    replaced = "forward" in vars(module) and not hasattr(module, "_hf_hook")  # accelerate's only moves weights
    limited = isinstance(module, (nn.Embedding, nn.EmbeddingBag)) and module.max_norm is not None
    return replaced or limited or bool(module._forward_hooks or module._forward_pre_hooks)


def _save(model: Any, reader: Any, classes: tuple[str, ...], folder: Path) -> Path:
    """Write a model, which stays as it is, and a copy of its tokenizer to a folder. Raises UserError, DiskError."""
    saved = copy.copy(model)
    saved.config = copy.deepcopy(model.config)
    if classes:
        _check_classes(classes, model)
        saved.config.id2label = dict(enumerate(classes))
        saved.config.label2id = {name: index for index, name in enumerate(classes)}
    reader.backend_tokenizer.no_padding()  # what an earlier call set is not a part of the tokenizer
    reader.backend_tokenizer.no_truncation()
    try:
        with quiet_transformers():
            saved.save_pretrained(str(folder))
            reader.save_pretrained(str(folder))
        path, origin = folder / "tokenizer_config.json", ("is_local", "local_files_only", "name_or_path")
        store.write_json(path, {key: value for key, value in read_json(path).items() if key not in origin})
    except OSError as error:
        what = f"the model in memory cannot be saved: {error.strerror or error}"
        cure = no_room(error) or "Free some space"
        raise DiskError(f"{folder.parent}: {what}. {cure}, or name another folder in TMPDIR.") from error
    except Exception as error:  # of a part without weights, or of a kind that is not saved
        raise SpecError(f"evaluate: the model in memory cannot be saved: {first_line(error)}") from error
    return folder


def _check_classes(names: tuple[str, ...], model: Any) -> None:
    """Raise SpecError where names are not those of the head's classes: their number, or their order by the model."""
    architecture, config = type(model).__name__, model.config
    family = family_of_head(architecture)
    if family is None or not kind_of(family).classes:
        raise SpecError(f"evaluate: labels names classes, but the answers of {architecture} are not classes.")
    if len(names) != int(config.num_labels):
        raise SpecError(f"evaluate: labels names {len(names)} classes, but the model has {config.num_labels}.")
    known = tuple(str(config.id2label[index]) for index in range(len(names)))
    for task in (registry.load("task", name) for name in registry.names("task")):
        clear = placed(known, task) if task.family == family else None
        if clear is not None and clear != placed(names, task):
            what = f"labels contradicts the model, whose config.id2label calls its classes {', '.join(known)}"
            raise SpecError(f"evaluate: {what}. Leave labels out, or correct id2label.")


def check_copy(model: Any, tokenizer: Any, folder: Path, called: str) -> None:
    """Compare a model and its tokenizer with those that a run reads from the folder they were saved to.

    A tokenizer remembers how it was called, so give a copy. Raises SpecError where answers or ids differ, ModelError
    where the folder cannot be read, RobustXtremeError where there is too little memory.
    """
    try:
        reader = read_tokenizer(folder, called=called)
        _check_ids(tokenizer, reader)
        copied = _read(model, folder, called)
        check_tokenizer(reader, int(getattr(copied.config, "vocab_size", 0)), called)
    except ModelError as error:
        raise ModelError(str(error).replace(str(folder), called)) from error
    _check_answers(model, copied, len(reader), int(reader.pad_token_id))


def _check_ids(tokenizer: Any, reader: Any) -> None:
    kind = type(tokenizer)
    texts = (*_TEXTS, f"a {' '.join(reader.all_special_tokens)} b")
    for limit in (64, 8):  # most texts are shorter than the first
        for pair in (False, True):
            expected = _encoded(reader, texts, limit, pair)
            try:
                same = _encoded(tokenizer, texts, limit, pair) == expected
            except Exception as error:  # of code that transformers does not have
                raise SpecError(f"evaluate: the {kind.__name__} does not encode texts: {first_line(error)}") from error
            if not same:
                what = f"the {kind.__name__} encodes texts cut to {limit} tokens otherwise than its saved copy"
                raise SpecError(f"evaluate: {what}: its files do not describe a change of it. {_CURE}")


def _encoded(tokenizer: Any, texts: tuple[str, ...], limit: int, pair: bool) -> dict[str, Any]:
    """The ids of texts, alone or each with the next one, and their segments."""
    second = [[*texts[1:], texts[0]]] if pair else []
    with quiet_transformers():
        encoded = tokenizer(list(texts), *second, truncation=True, max_length=limit)
    return {part: encoded.get(part) for part in ("input_ids", "token_type_ids")}


def _read(model: Any, folder: Path, called: str) -> Any:
    """The copy as a run loads it: with its head, or the encoder alone where no task has this head."""
    family = family_of_head(type(model).__name__)
    if family is None:
        return read_encoder(folder)
    return read_whole(folder, family, type(model).__name__, trust=False, called=called)


def _check_answers(model: Any, copied: Any, size: int, pad_id: int) -> None:
    family, base = family_of_head(type(model).__name__), model.base_model
    if family is not None:
        part: Any = Whole(model, alone=family == CHOICE.name)
    elif getattr(base.config, "is_encoder_decoder", False):
        part = base.get_encoder()
    else:
        part = getattr(base, "text_model", base)
    with _in_memory("is not comparable with its copy"):
        _place_as(part, copied)
        changed = _changed_weight(part, copied)
    if changed:
        what = f"has other weights than its copy, saved and loaded, in {changed.removeprefix('model.')}"
        raise SpecError(f"evaluate: the {type(model).__name__} {what}. {_CURE}")
    answers = []
    for ids, mask in _inputs(copied.config, size, pad_id):
        with _in_memory(f"does not compute an input of {ids.shape[1]} tokens"):
            answers.append((_answers(copied, ids, mask), _answers(part, ids, mask)))
    largest = max(float(expected.abs().max()) for expected, _ in answers)
    same = all(given.shape == expected.shape for expected, given in answers)
    difference = max(float((given - expected).abs().max()) for expected, given in answers) if same else math.inf
    if difference > _TOLERANCE * largest:
        what = f"computes otherwise than its copy, saved and loaded (by {difference:.2g}, of scores to {largest:.2g})"
        why = "its weights and configuration do not describe a part, a number or a buffer that was changed"
        raise SpecError(f"evaluate: the {type(model).__name__} {what}: {why}. {_CURE}")


@contextmanager
def _in_memory(what: str) -> Iterator[None]:
    """Turn an error of a part that does not fit the others into SpecError, too little memory into RobustXtremeError."""
    try:
        yield
    except Exception as error:
        if out_of_memory(error):
            short = "too little memory to compare the model in memory with its copy, saved and loaded"
            raise RobustXtremeError(f"evaluate: {short}. Free some, or move the model to the CPU.") from error
        raise SpecError(f"evaluate: the model in memory {what}: {first_line(error)}") from error


def _place_as(part: nn.Module, copied: nn.Module) -> None:
    """Move the copy to the model's device, if it is one, types and kernels of attention, so that both round alike."""
    values = {**dict(part.named_parameters()), **dict(part.named_buffers())}
    devices = {value.device for value in part.parameters()}
    device = devices.pop() if len(devices) == 1 else torch.device("cpu")
    other = next(value.dtype for value in part.parameters() if value.is_floating_point())
    for name, value in (*copied.named_parameters(), *copied.named_buffers()):
        dtype = values[name].dtype if name in values else other
        value.data = value.data.to(device, dtype if value.is_floating_point() else value.dtype)
    kernel = getattr(part.config, "_attn_implementation", None)
    if kernel in _KERNELS and kernel != getattr(copied.config, "_attn_implementation", None):
        inner: Any = copied.model if isinstance(copied, Whole) else copied
        inner.set_attn_implementation(kernel)


def _changed_weight(part: nn.Module, copied: nn.Module) -> str:
    """The name of a weight of the model whose copy is another, bit by bit; "" where all that both have are equal."""
    saved = copied.state_dict()
    for name, value in part.state_dict().items():
        other = next((saved[prefix + name] for prefix in _WITHIN if prefix + name in saved), None)
        if other is None or value.is_meta:
            continue
        if value.dtype == torch.float64:  # the saved copy has the precision of float32
            value, other = value.float(), other.float()
        if not torch.equal(value.to(other.device), other):
            return name
    return ""


def _inputs(config: Any, size: int, pad_id: int) -> list[tuple[Tensor, Tensor]]:
    """Ids drawn from the whole vocabulary, with their masks: short rows together, and the longest one alone."""
    facts = {key: getattr(config, key, None) for key in ("max_position_embeddings", "pad_token_id", "model_type")}
    longest = max(1, min(positions(facts) or _LONGEST, _LONGEST))
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randint(size, (min(length, longest),), generator=generator) for length in (3, 9, 24, longest)]
    *short, long = [ids.tolist() for ids in drawn]
    return [collate(plain(short), pad_id), collate(plain([long]), pad_id)]


@torch.no_grad()
def _answers(model: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    """The scores or states of inputs, without those of padding: float32, on the CPU; NaN and infinity as numbers."""
    device = next(model.parameters()).device
    with evaluating(model), torch.random.fork_rng(devices=()):
        states = model(input_ids=ids.to(device), attention_mask=mask.to(device)).last_hidden_state
    kept = states.float().cpu()
    return torch.nan_to_num(kept * mask[..., None] if kept.shape[1] == mask.shape[1] else kept)
