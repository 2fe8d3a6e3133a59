"""Says how a model turns a text into the vector that is searched, before the first batch and in what a run writes."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Final

from robust_xtreme.core.sinks import json_text
from robust_xtreme.models.folder import Located
from robust_xtreme.models.reading.members.retrieval import SentenceModel
from robust_xtreme.models.tensors import DEFAULT, Representation
from robust_xtreme.report.progress import VECTORS
from robust_xtreme.run.task_run import TaskRun

_WHOLE: Final = "the token for the whole text"
_POOLED: Final = {
    "mean": "the mean of the tokens",
    "cls": "the first token",
    "last": "the last token",
    "lasttoken": "the last token",
    "max": "the maximum of the tokens",
    "mean_sqrt_len_tokens": "the sum of the tokens by the root of their number",
    "weightedmean": "the mean of the tokens by their position",
}


@dataclass(frozen=True, slots=True)
class TextVector:
    """How a model turns a text of a task into a vector.

    `source` says what of the model is read. Of `width` numbers (None: not known before they are computed) those in
    `kept` are compared, each in cells of its own; without any, all are. `length_1` is false where products are compared
    of vectors as long as they are. Texts are cut to so many tokens, a function's are not (None).
    """

    source: str
    length_1: bool
    width: int | None
    kept: tuple[int, ...]
    query_prompt: str
    candidate_prompt: str
    lower_case: bool
    query_tokens: int | None
    candidate_tokens: int | None

    def __str__(self) -> str:
        length = "length 1" if self.length_1 else "not scaled to length 1, compared by dot products"
        width = "numbers" if self.width is None else f"{self.width} numbers"
        numbers = f"the first {' and '.join(map(str, self.kept))} of {width}" if self.kept else f"all {width}"
        named = (("queries", self.query_prompt), ("candidates", self.candidate_prompt))
        prompts = [f"{json_text(prompt)} before {texts}" for texts, prompt in named if prompt]
        letters = ["all letters small"] if self.lower_case else []
        tokens = f"longest query {self.query_tokens} tokens, candidate {self.candidate_tokens}"
        longest = "texts whole, as the function gets them" if self.query_tokens is None else tokens
        return "; ".join([self.source, length, numbers, " and ".join(prompts) or "no prompt", *letters, longest])


def text_vectors(task_runs: Iterable[TaskRun], representation: str) -> dict[tuple[str, str], TextVector]:
    """How each model (by its name) of some task runs makes the vectors of each task that compares vectors.

    Args:
        task_runs: Those of a run; languages of one task are read alike.
        representation: The run's key of that name, "" for the default.
    """
    wanted = Representation.parse(representation) if representation else DEFAULT
    searching = (run for run in task_runs if run.task.pool is not None)
    return {(run.model.name, run.task.name): _text_vector(run, wanted) for run in searching}


def vector_notes(vectors: Mapping[tuple[str, str], TextVector]) -> list[str]:
    """A sentence on the vectors of each model and task, which begins with VECTORS."""
    return [f"{VECTORS}{task}, {model}: {vector}." for (model, task), vector in vectors.items()]


def _text_vector(run: TaskRun, wanted: Representation) -> TextVector:
    model, pool = run.model, run.task.pool
    is_function = model.origin.function is not None
    has_length_1 = True
    if model.sentence and not model.sentence.cosine:
        has_length_1 = model.sentence.steps[-1:] == (None,) and not run.dims
    return TextVector(
        source="what the function returns" if is_function else _source(model, wanted),
        length_1=has_length_1,
        width=model.width or None,
        kept=run.dims,
        query_prompt=model.prompts.query if model.prompts else "",
        candidate_prompt=model.prompts.candidate if model.prompts else "",
        lower_case=model.prompts is not None and model.prompts.lower,
        query_tokens=None if is_function or pool is None else run.task.max_length,
        candidate_tokens=None if is_function or pool is None else pool.max_length,
    )


def _source(model: Located, wanted: Representation) -> str:
    """What of an encoder becomes a vector: a head, the modules of sentence-transformers, or a hidden state."""
    if model.head:
        return f"its head {model.head} on {_WHOLE}"
    layers = model.config.get("num_hidden_layers")
    if model.sentence:
        at = f"layer {layers} of {layers}" if isinstance(layers, int) else "the last layer"
        return f"{' and '.join(_POOLED[mode] for mode in model.sentence.modes)} after {at}{_steps(model.sentence)}"
    at = f"layer {wanted.at(layers)} of {layers}" if isinstance(layers, int) else f"layer {wanted.layer}"
    specials = "" if wanted.specials else " without special tokens"
    pooled = _WHOLE if wanted.pooling == "cls" else _POOLED[wanted.pooling]  # of a causal encoder the last one
    return f"{pooled}{specials} after {at} ({wanted})"


def _steps(sentence: SentenceModel) -> str:
    """The modules after pooling: `, then Dense to 256 (tanh), then Normalize`."""
    names = ("Normalize" if it is None else f"Dense to {it.gives} ({it.activation.lower()})" for it in sentence.steps)
    return "".join(f", then {name}" for name in names)


def vectors_json(vectors: Mapping[tuple[str, str], TextVector], model: str) -> str | None:
    """The vectors of a model by task, as JSON for the frame MODELS; None where it has none."""
    by_task = {task: asdict(vector) for (name, task), vector in vectors.items() if name == model}
    return json_text(by_task) if by_task else None
