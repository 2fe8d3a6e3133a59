"""Functions in place of a model: given in Python, or found by a name; what they say of themselves, and a call of one.

A function gets a list and returns a result for each item. To import `python:MODULE:FUNCTION` runs code, so that it is
done only for names on the command line and in calls of Python.
"""

import copy
import importlib
import inspect
import re
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, MappingView, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Final

import numpy as np

from robust_xtreme.core.errors import ModelError, SpecError, shown
from robust_xtreme.core.examples import CHOICE, CLASSIFICATION, RETRIEVAL, SPAN_QA, TAGGING, digest
from robust_xtreme.core.run_spec import PYTHON

GIVEN: Final = "function:"
"""What the name of a function in memory begins with; no file replays it."""

UNVERSIONED: Final = "@unversioned-"
"""What is between the name of a function in memory that has no version, and what no other call has."""

SEARCH: Final = "search"
"""What a function does that ranks the texts of a corpus for each query."""

RERANK: Final = "rerank"
"""What a function does that scores what another model found."""

FAMILIES: Final[Mapping[str, str]] = {
    "encode": RETRIEVAL.name,
    SEARCH: RETRIEVAL.name,
    RERANK: RETRIEVAL.name,
    "classify": CLASSIFICATION.name,
    "tag": TAGGING.name,
    "answer": SPAN_QA.name,
    "choose": CHOICE.name,
}
"""What a function does, as in `evaluate(encode=...)` and `--model encode=...`, and the family of tasks it answers."""

NOT_KEPT: Final = "its answers are not kept in the cache, and the same command computes a finished run again"
_BATCH: Final = 128
_BATCHES: Final[Mapping[str, int]] = {SEARCH: sys.maxsize}
"""How many inputs a function gets at once by default, where it is not 128: an index is made for each call."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function that answers the tasks of a family.

    Where it has no `version`, the hash of its `source` is part of its identity: of its module's file, or of an object
    that no other call has. That does not tell whether a later function is the same one, because files, settings and
    other modules can have changed; it is asked again. A reranker gets the first `depth` candidates (0: all).
    """

    call: Callable[..., Any]
    name: str
    family: str
    version: str
    source: str
    batch_size: int
    does: str = ""
    depth: int = 0

    @property
    def identity(self) -> str:
        """The hash of name, and of version or source (16 hex digits)."""
        ranking = (self.does, str(self.depth)) if self.does in (SEARCH, RERANK) else ()
        return digest(self.name, self.family, self.version, "" if self.version else self.source, *ranking)

    @property
    def ranks(self) -> bool:
        """Whether it ranks the texts of a corpus itself, so that there are no vectors to compare."""
        return self.does == SEARCH

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what is not known of it."""
        what = f"{self.name} is a function without a tokenizer"
        how = "Give the function these attributes, and change the version with whatever it calls."
        kept = () if self.version else (f"{self.name} has no name and version: {NOT_KEPT}. {how}",)
        tokens = () if self.does == RERANK else (f"{what}: neither its tokens nor text unknown to it are counted.",)
        return (*tokens, *kept)

    @contextmanager
    def raising_one_line(self) -> Iterator[None]:
        """Turn what the user's code raises into a ModelError of one line; an interruption stays one."""
        try:
            yield
        except (KeyboardInterrupt, ModelError):
            raise
        except BaseException as error:  # of `sys.exit(0)`, too, which would end the run as if it had succeeded
            again = " The same call continues." if self.version else ""
            raise ModelError(f"{self.name} raised {_line(error)}. log.txt has the traceback.{again}") from error

    def results(self, batch: Sequence[Any], *beside: Any) -> list[Any]:
        """What it returns for each of some inputs; it gets what is `beside` them, too. Raises ModelError, one line."""
        with self.raising_one_line():
            result = self.call(copy.deepcopy(list(batch)), *beside)  # what it changes is its own
            values = list(result) if is_ordered(result) else None
        if values is None or len(values) != len(batch):
            what = shown(result) if values is None else f"{len(values)} results"
            raise ModelError(f"{self.name} gave {what} for {len(batch)} inputs, and not a list with one for each.")
        return values


def is_ordered(value: object) -> bool:
    """Whether a value has items in an order of their own: no text, set, mapping or table, and nothing masked."""
    return isinstance(value, Iterable) and not (
        isinstance(value, (str, bytes, bytearray, Set, Mapping, MappingView, np.ma.MaskedArray))
        or hasattr(value, "columns")
    )


def is_function(model: str) -> bool:
    """Whether the name of a model, with or without `TASK=`, is that of a function."""
    return model.rpartition("=")[2].startswith((PYTHON, GIVEN))


def of_arguments(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Function]]:
    """Arguments of `evaluate` without functions, and functions by what they are called in a run. Raises SpecError."""
    others = {name: value for name, value in values.items() if name not in FAMILIES}
    made = {does: _made(values[does], does) for does in FAMILIES if values.get(does) is not None}
    versions = {kind: f"@{it.version}" if it.version else UNVERSIONED + it.identity for kind, it in made.items()}
    return others, {f"{kind}={GIVEN}{it.name}{versions[kind]}": it for kind, it in made.items()}


def found(model: str, family: str) -> Function:
    """The function that `[KIND=]python:MODULE:FUNCTION` names, imported; modules of the current folder come last.

    `family` is that of its task, if one is named. Raises SpecError, ModelError.
    """
    kind, _, name = model.rpartition("=")
    if name.startswith(GIVEN):
        what = "was a function in memory, which only the Python program that had it can give again"
        raise ModelError(f"{model[:80]} {what}: evaluate({kind or 'encode'}=...). No file replays it.")
    answering = [does for does, answered in FAMILIES.items() if answered == family and not kind]
    does = kind if kind in FAMILIES else next(iter(answering), "")
    if not does:
        cure = f"Add it: TASK=, {'=, '.join(FAMILIES)}=, as in encode={PYTHON}..."
        raise SpecError(f"What {model[:200]} answers is not known. {cure}")
    module, _, path = name.removeprefix(PYTHON).partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *path.split("."))):
        form = f"{PYTHON}MODULE:FUNCTION, as in {PYTHON}my_models:encode"
        raise SpecError(f"The function {name[:200]} is not {form}, of an importable module.")
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        value: Any = importlib.import_module(module)
        for part in path.split("."):
            value = getattr(value, part)
    except (Exception, SystemExit) as error:
        what = f"is not {PYTHON}MODULE:FUNCTION of an importable module"
        raise ModelError(f"{name[:200]} {what}: {_line(error)}") from error
    return _made(value, does, f"{module}.{path}", sys.modules[module])


def _made(call: Any, does: str, default: str = "", source: Any = None) -> Function:
    """A function as its attributes describe it. Raises SpecError."""
    name, version, size = (getattr(call, key, None) for key in ("name", "version", "batch_size"))
    size = _BATCHES.get(does, _BATCH) if size is None else size
    family = FAMILIES[does]
    kind = call if inspect.isroutine(call) else type(call)
    if not callable(call) or (isinstance(name, str) and not re.fullmatch(r"[\w.+-]{1,60}", name)):
        had = name if callable(call) else call
        raise SpecError(f"{does} takes a function, whose name has letters, digits and .+-_ alone, not {shown(had)}.")
    depth = getattr(call, "depth", None) if does == RERANK else None
    for key, value in (("batch_size", size), ("depth", 1 if depth is None else depth)):
        if type(value) is not int or value < 1:
            raise SpecError(f"The {key} of a function is a whole number of at least 1, not {shown(value)}.")
    if not isinstance(version, (str, int, NoneType)) or isinstance(version, bool) or not str(version).strip():
        raise SpecError(f"The version of a function is a text or a whole number, not {shown(version)}.")
    if version is not None and version == getattr(getattr(call, "__wrapped__", None), "version", None):
        version = None  # functools.wraps copied it from the function that this one calls
    code, takes = uuid.uuid4().hex, 1
    with suppress(OSError, TypeError, ValueError):
        takes = sum(  # without *args of a decorator, which can be one argument or two
            each.default is each.empty and each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
            for each in inspect.signature(call).parameters.values()
        )
        code = inspect.getsource(source) if source else code
    if family in (SPAN_QA.name, CHOICE.name) and takes == 2:
        given, call = call, lambda pairs: [given(*pair) for pair in pairs]
    if not isinstance(name, str):
        name, version = re.sub(r"[^\w.]", "", default or f"{kind.__module__}.{kind.__qualname__}"), None
    return Function(call, name, family, "" if version is None else str(version), digest(code), size, does, depth or 0)


def _line(error: BaseException) -> str:
    """An exception as the first line that Python prints of it."""
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')[:300]}".rstrip(": ")
