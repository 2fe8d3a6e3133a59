"""Says how a model turns a text into the vector that is searched, before the first batch and in what a run writes."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from robust_xtreme.core.specs import Pool
from robust_xtreme.models.reading.members.retrieval import Prompts
from robust_xtreme.models.tensors import DEFAULT, Representation
from robust_xtreme.run.task_run import TaskRun


@dataclass(frozen=True, slots=True)
class TextVector:
    """How a model turns a text of a task into a vector.

    `source` says what of the model is read. Of `width` numbers (0: not known before they are computed) those in `kept`
    are compared, each in cells of its own; without any, all are. `length_1` is false where dot products are compared of
    vectors as long as they are. `longest` are the tokens to which queries and candidates are cut; a function gets them
    whole.
    """

    source: str
    length_1: bool
    width: int
    kept: tuple[int, ...]
    prompts: Prompts
    longest: tuple[int, ...]

    def __str__(self) -> str:
        length = "length 1" if self.length_1 else "not scaled to length 1, compared by dot products"
        kept = f"the first {' and '.join(map(str, self.kept))} of" if self.kept else "all"
        numbers = f"{self.width} numbers" if self.width else "numbers"
        prompts = (str(self.prompts) or "no prompt") + (", all letters small" if self.prompts.lower else "")
        longest = "longest query {} tokens, candidate {}".format(*self.longest) if self.longest else "whole texts"
        return f"{self.source}; {length}; {kept} {numbers}; {prompts}; {longest}"


def text_vectors(task_runs: Iterable[TaskRun], representation: str) -> dict[str, dict[str, TextVector]]:
    """How each model of some task runs (by its name) makes the vectors of each task that compares vectors.

    Args:
        task_runs: Those of a run; languages of one task are read alike.
        representation: The run's key of that name, "" for the default.
    """
    wanted = Representation.parse(representation) if representation else DEFAULT
    vectors: defaultdict[str, dict[str, TextVector]] = defaultdict(dict)
    for run in task_runs:
        if run.task.pool is None:
            continue
        function = run.model.origin.function
        if not (function and function.ranks):  # a search of its own has no vectors
            vectors[run.model.name][run.task.name] = _text_vector(run, run.task.pool, wanted)
    return vectors


def _text_vector(run: TaskRun, pool: Pool, wanted: Representation) -> TextVector:
    model, layers = run.model, run.model.config.get("num_hidden_layers")
    layer = wanted.at(layers) if isinstance(layers, int) else wanted.layer
    source, length_1 = f"layer {layer} of {layers}, {wanted}", True
    longest: tuple[int, ...] = (run.task.max_length, pool.max_length)
    if model.origin.function:
        source, longest = "what the function returns", ()
    elif model.head:
        source = f"its head {model.head} on the token for the whole text"
    elif model.sentence:
        source = f"layer {layers} of {layers}, {model.sentence}"
        length_1 = model.sentence.cosine or (model.sentence.steps[-1:] == (None,) and not run.dims)
    return TextVector(source, length_1, model.width, run.dims, model.prompts or Prompts(), longest)
