"""`robust-xtreme export lm-eval` and `export inspect`: noisy data for harnesses of language models."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from robust_xtreme.commands._next import show_next
from robust_xtreme.commands._options import passed
from robust_xtreme.errors import SpecError, counted
from robust_xtreme.exporting.harness.job import LM_EVAL, Job
from robust_xtreme.sinks import echo, one_line

if TYPE_CHECKING:
    from robust_xtreme.exporting.harness.export import Exported

_NAMES: Final = ("tasks", "languages")
_COLUMNS: Final = ("fields", "choices")
_LOGS: Final = "logs"


def export_harness(what: str, output: str | None, force: bool, options: Mapping[str, Any]) -> None:
    """Write the folder for `lm-eval` or `inspect`, and print the commands that come next."""
    from robust_xtreme.exporting.harness.export import export

    if output is None:
        raise SpecError(f"export {what} needs a folder to write: -o DIR")
    values = {**passed(options, _NAMES), **{name: _columns(name, options[name]) for name in _COLUMNS}}
    lists: dict[str, Any] = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    values |= lists
    job = Job(what=what, output=output, force=force, **values)
    with _bar() as watch:
        exported = export(job, watch)
    for line in exported.left:
        echo(f"robust-xtreme: left out: {one_line(line)}", error=True)
    noun = "task" if what == LM_EVAL else "file"
    echo(f"{exported.path}: {counted(len(exported.names), noun)}, {counted(exported.rows, 'row')}")
    _show_commands(what, exported)


def _columns(name: str, text: str | None) -> tuple[str, ...]:
    """Names of columns, which may contain blanks. Raises SpecError where there are none."""
    columns = tuple(dict.fromkeys(filter(None, (word.strip() for word in (text or "").split(",")))))
    if text is not None and not columns:
        raise SpecError(f"--{name} names no column.")
    return columns


@contextmanager
def _bar() -> Iterator[Callable[[str, int], object]]:
    """A progress bar in files of rows on a terminal, nothing elsewhere."""
    from rich.progress import MofNCompleteColumn

    from robust_xtreme.commands._terminal import bar, messages

    console = messages()
    if not console.is_terminal:
        yield lambda _, __: None
        return
    with bar(console, MofNCompleteColumn()) as progress:
        task, done = progress.add_task("reading", total=None), 0

        def watch(name: str, left: int) -> None:
            nonlocal done
            done += left > 0 or done > 0
            progress.update(task, description=one_line(name), completed=done, total=done + left or None)

        yield watch


def _show_commands(what: str, exported: Exported) -> None:
    """The harness's command on the exported folder, and the one that reads its logs; a model is to be named."""
    folder = str(exported.path)
    if what == LM_EVAL:
        model = ["lm-eval", "run", "--model", "hf", "--model_args", "pretrained=MODEL"]
        words = [*model, "--include_path", f"{folder}/tasks", "--tasks", "rx", "--log_samples", "--output_path", _LOGS]
    else:
        task = ["inspect", "eval", f"{folder}/task.py@rx", "-T", f"data={exported.names[0]}"]
        words = [*task, "--model", "hf/MODEL", "--log-dir", _LOGS]
    echo(f"Next: {shlex.join(words)}", error=True)
    show_next("import", _LOGS)
