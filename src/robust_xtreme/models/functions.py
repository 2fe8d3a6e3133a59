"""Functions in place of a model: found by name or given in Python, named by what they say of themselves, and called.

A function gets a list of inputs and returns a result for each. Where it is named, as `python:MODULE:FUNCTION`, its
module is imported, which runs code: that is done for names on the command line and in calls of Python alone.
"""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from robust_xtreme.core.errors import ModelError, SpecError, shown
from robust_xtreme.core.examples import digest
from robust_xtreme.core.run_spec import PYTHON
from robust_xtreme.core.targets.kinds import CHOICE, CLASSIFICATION, RETRIEVAL, SPAN_QA, TAGGING

GIVEN: Final = "function:"
"""What the name of a function begins with that a program has in memory; no file replays it."""

BATCH: Final = 128
"""The most inputs that a function gets at once, unless it has a `batch_size` of its own."""

FAMILIES: Final[Mapping[str, str]] = {
    "encode": RETRIEVAL.name,
    "classify": CLASSIFICATION.name,
    "tag": TAGGING.name,
    "answer": SPAN_QA.name,
    "choose": CHOICE.name,
}
"""What a function does, as arguments of `evaluate` and before `=` in a model's name, and the tasks it answers so."""

SIDES: Final[Mapping[str, str]] = {"query": "query", "document": "candidate"}
"""The sides of a search that a prompt is for, and their fields."""

NOT_KEPT: Final = "its answers are not kept in the cache"


@final
@dataclass(frozen=True, slots=True)
class Function:
    """A function that answers the tasks of a family; `prompts` are put in front of the texts of a field.

    Without a `version` its answers depend on what nobody can know; `source` is the hash of its code then, as far as it
    is known.
    """

    call: Callable[[Sequence[Any]], Any]
    name: str
    family: str
    version: str = ""
    prompts: tuple[tuple[str, str], ...] = ()
    batch_size: int = BATCH
    source: str = ""

    @property
    def identity(self) -> str:
        """The hash of its name with its version, or with its code, and of its prompts (16 hex digits)."""
        prompts = (part for pair in self.prompts for part in pair)
        return digest(self.name, self.family, "version" if self.version else "", self.version or self.source, *prompts)

    @property
    def note(self) -> str:
        """What is not known of it, and what it has to say for the cache."""
        what = "a function without a tokenizer: no tokens are counted, none are unknown, no strength is a share of them"
        return f"{self.name} is {what}."

    @property
    def not_kept(self) -> str:
        """A sentence where there is no cache for it; else empty."""
        how = "Set the attributes name and version of the function, and change version with what it calls"
        return "" if self.version else f"{self.name} has no name and version, so that {NOT_KEPT}. {how}."

    def parts(self, inputs: Sequence[Any], advance: Callable[[int], None]) -> Iterator[tuple[list[Any], Any]]:
        """Each batch of inputs and what the function returned for it, in order. Raises ModelError where it failed."""
        for start in range(0, len(inputs), self.batch_size):
            batch = list(inputs[start : start + self.batch_size])
            try:
                result = self.call(list(batch))
            except Exception as error:
                what = f"{self.name} raised {_line(error)}, asked for {len(batch)} of {len(inputs)} results"
                raise ModelError(f"{what}. log.txt has the traceback; the same command continues.") from error
            yield batch, result
            advance(len(batch))

    def wrong(self, what: str) -> ModelError:
        """The error of a result that is not what is needed."""
        return ModelError(f"{self.name} gave {what}")


def is_function(model: str) -> bool:
    """Whether the name of a model, with or without what it is for, is that of a function."""
    return model.rpartition("=")[2].startswith((PYTHON, GIVEN))


def of_arguments(
    given: Mapping[str, Callable[..., Any] | None], prompts: Mapping[str, str] | None
) -> dict[str, Function]:
    """The functions among arguments of `evaluate`, by what a run calls them. Raises SpecError."""
    made = [(kind, _made(call, FAMILIES[kind], prompts)) for kind, call in given.items() if call is not None]
    if prompts is not None and given.get("encode") is None:
        raise SpecError("evaluate: prompts are those of a function, encode=, which is not given.")
    return {f"{kind}={GIVEN}{each.name}@{each.version or each.identity}": each for kind, each in made}


def found(name: str, family: str) -> Function:
    """The function that `python:MODULE:FUNCTION` names, imported; modules of the current folder come last.

    Raises ModelError, one line, where there is none.
    """
    module, _, path = name.removeprefix(PYTHON).partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *path.split("."))):
        raise ModelError(f"{name[:200]!r} is not python:MODULE:FUNCTION, as in python:my_models:encode.")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        value: Any = importlib.import_module(module)
        for part in path.split("."):
            value = getattr(value, part)
    except (Exception, SystemExit) as error:
        raise ModelError(f"{name[:200]} cannot be imported: {_line(error)}") from error
    return _made(value, family, None, f"{module}.{path}", sys.modules[module])


def _made(call: Any, family: str, prompts: Mapping[str, str] | None, default: str = "", source: Any = None) -> Function:
    """A function as it describes itself by its attributes. Raises SpecError."""
    if not callable(call):
        raise SpecError(f"A function takes a list of inputs and returns a result for each; {shown(call)} is none.")
    where = f"{getattr(call, '__module__', '')}.{getattr(call, '__qualname__', type(call).__qualname__)}"
    named, version = (getattr(call, key, None) for key in ("name", "version"))
    prompts = getattr(call, "prompts", None) if prompts is None else prompts
    size = getattr(call, "batch_size", BATCH)
    if isinstance(named, str) and not re.fullmatch(r"[\w.+-]{1,60}", named):
        raise SpecError(f"The name {shown(named)} of a function is not of letters, digits, and the signs . + - _")
    if not isinstance(prompts or {}, Mapping) or not {*(prompts or {})} <= {*SIDES}:
        raise SpecError(f"The prompts of a function are {{'query': ..., 'document': ...}}, not {shown(prompts)}.")
    return Function(
        call=_of_pairs(call) if family in (SPAN_QA.name, CHOICE.name) and _takes_two(call) else call,
        name=named if isinstance(named, str) else re.sub(r"[^\w.]+", "", default or where),
        family=family,
        version=str(version) if isinstance(named, str) and isinstance(version, (str, int, float)) else "",
        prompts=tuple(sorted((SIDES[side], str(text)) for side, text in (prompts or {}).items())),
        batch_size=size if type(size) is int and size > 0 else BATCH,
        source=digest(_source(source or (call if inspect.isroutine(call) else type(call)))),
    )


def _takes_two(call: Any) -> bool:
    """Whether a function takes the two parts of an input as arguments."""
    try:
        every = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return False
    return (
        sum(
            each.default is each.empty and each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
            for each in every
        )
        == 2
    )


def _of_pairs(call: Callable[..., Any]) -> Callable[[Sequence[Any]], Any]:
    return lambda pairs: [call(*pair) for pair in pairs]


def _source(part: Any) -> str:
    """The source of a module, function or class; empty where it is not known."""
    try:
        return inspect.getsource(part)
    except (OSError, TypeError):
        return ""


def _line(error: BaseException) -> str:
    """An exception as the first line that Python prints of it."""
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')[:300]}".rstrip(": ")
