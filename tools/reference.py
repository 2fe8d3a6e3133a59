"""Makes the generated part of the manual.

`docs/reference/options.md` comes from the commands, `docs/reference/frames.md` from the schema of results,
`docs/reference/exit-codes.md` from the errors, `docs/reference/glossary.md` from the words of reports, and
`docs/decisions/index.md` from the names of the pages beside it.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from typer.main import get_command

from robust_xtreme.cli import build
from robust_xtreme.core import errors
from robust_xtreme.core.keys import keys, lines_of_file_keys
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.files import schema
from robust_xtreme.report import columns
from robust_xtreme.report.blocks import (
    Block,
    Heading,
    Mono,
    Paragraph,
    Phrase,
    Prose,
    ReportPage,
    Terms,
    grid,
    joined,
    named,
)
from robust_xtreme.report.renderers import markdown
from robust_xtreme.report.summary import GLOSSARY

DOCS: Final = Path(__file__).parents[1] / "docs"

_CODES: Final = {
    0: "done",
    1: "`gate` failed; no other command ends with it, nor does `gate` with `--update` or `--self-test`",
    2: "a mistake of the user, inputs that do not fit together, `eval` with noise that edits no text of any cell, or a "
    "run that differs from what `verify` makes of it or has nothing but digests to compare",
    3: "a bug, or the environment: disk, memory, network",
    129: "ended by SIGHUP, as where its terminal is closed",
    130: "interrupted by Ctrl-C",
    143: "ended by SIGTERM, as by `kill`",
}


def _text(value: str | None) -> Phrase:
    """One line of text, with names in backticks."""
    return named(" ".join((value or "").split()))


def options() -> str:
    """Every command with its arguments and options, as `--help` prints them."""
    commands = get_command(build()).commands  # type: ignore[attr-defined]  # a program with commands is a group
    head = (
        "What `robust-xtreme COMMAND --help` prints. Every command also takes `--help`, and one that has `--tasks` or"
        " `--languages` also takes `--task` and `--language`."
    )
    blocks: list[Block] = [Prose(head), Heading("options by command")]
    by_option: dict[tuple[str, ...], list[str]] = {}
    for name in sorted(commands):
        for names in option_names(commands[name]):
            by_option.setdefault(names, []).append(name)
    rows = ((joined(map(Mono, names)), ", ".join(by_option[names])) for names in sorted(by_option))
    blocks.append(grid(("option", "commands"), rows))
    for name in sorted(commands):
        summary = Paragraph(_text((commands[name].help or "").partition("\n\n")[0]))
        blocks += [Heading(name), summary, grid(("option", "value", "what"), _params(commands[name]))]
    head = (
        "Keys of `eval` that have no option: a file for `--config` sets them. `robust-xtreme config keys` prints them."
    )
    lines = ((Mono(line), named(keys(RunSpec)[name][1].help)) for name, line in lines_of_file_keys(RunSpec).items())
    blocks += [Heading("keys of files alone"), Prose(head), grid(("line of a file", "what"), lines)]
    return markdown.render(ReportPage("Commands and options", tuple(blocks)))


def option_names(command: Any) -> Iterator[tuple[str, ...]]:
    """All names of each option of a command, its own first."""
    for param in command.params:
        if param.param_type_name == "option" and param.name != "help":
            yield (*param.opts, *param.secondary_opts)


def _params(command: Any) -> Iterator[tuple[Phrase, ...]]:
    for param in command.params:
        if param.name == "help":
            continue
        options = joined(map(Mono, (*param.opts, *param.secondary_opts)))
        yield (
            options if param.param_type_name == "option" else "argument",
            _text(param.metavar),
            _text(_unescaped(getattr(param, "help", ""))),
        )


def _unescaped(text: str | None) -> str:
    """The help of an option, which escapes what rich would read as a style."""
    return (text or "").replace("\\[", "[")


def frames() -> str:
    """Every frame with its columns: type, whether a value may be missing, and the values that it may take."""
    head = (
        f"The tables of a run's folder, schema version {schema.SCHEMA_VERSION}. Numbers of quality are points (0 to"
        " 100), rates and\nshares are between 0 and 1, and `relative` and `relative_corrected` are in percent: the drop"
        " as a share of the\nclean value, and of what that has above chance. A missing value is null; NaN and infinity"
        " never occur.\n\nThe version is the first column, `schema_version`, of every frame as CSV, also of those of"
        " `gate -o` and `compare -o`.\nA parquet file has it in its metadata, under that key, and a JSON file once,"
        " beside `rows`."
    )
    blocks: list[Block] = [Prose(head)]
    meanings = _meanings()
    for frame in (value for value in vars(schema).values() if isinstance(value, schema.Frame)):
        blocks += [Heading(frame.name), Paragraph(("A row is named by ", *joined(map(Mono, frame.key)), "."))]
        blocks += meanings.get(frame.name.upper(), ())
        blocks.append(grid(("column", "type", "empty", "values"), _columns(frame)))
    return markdown.render(ReportPage("Frames", tuple(blocks)))


def _meanings() -> dict[str, tuple[Block, ...]]:
    """What the schema says under each of its names."""
    body = ast.parse(inspect.getsource(schema)).body
    meanings: dict[str, tuple[Block, ...]] = {}
    for declared, text in pairwise(body):
        match declared, text:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(meaning))):
                meanings[name] = (Prose(meaning),)
    return meanings


def _columns(frame: schema.Frame) -> Iterator[tuple[Phrase, ...]]:
    for name, column in frame.columns.items():
        yield Mono(name), str(column.dtype), "may be" if column.nullable else "", _text(" ".join(column.allowed))


def exit_codes() -> str:
    """The exit codes, each with the errors that end with it."""
    kinds = [
        kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.RobustXtremeError)
    ]
    rows = ((str(code), named(meaning), _ending_with(code, kinds)) for code, meaning in _CODES.items())
    head = (
        "Every failure is one line on stderr; files of a run that cannot be read have one line each."
        " `ROBUST_XTREME_TRACEBACK=1` adds the traceback, as `-v` does for `train` and `eval`."
        " Text that stdout or stderr does not take is dropped, and the command continues. A code that is a verdict"
        " (`gate`, `baseline check`, `data check`, `doctor`) is then the same; of other commands 0 becomes 3 where a"
        " disk is full."
    )
    return markdown.render(ReportPage("Exit codes", (Prose(head), grid(("code", "meaning", "errors"), rows))))


def _ending_with(code: int, kinds: list[type[errors.RobustXtremeError]]) -> Phrase:
    return joined(Mono(kind.__name__) for kind in kinds if kind.exit_code == code)


def glossary() -> str:
    """The words of reports: those of sentences, and the columns of tables."""
    catalogue = [shown.column for shown in reversed(columns.CATALOGUE) if shown.column.legend]
    headings = {column.heading: column.legend for column in catalogue}
    terms = tuple((word, named(line)) for word, line in sorted({**headings, **GLOSSARY}.items()))
    head = "The words of reports and what they mean. On a page a dotted word shows its sentence where it stands."
    return markdown.render(ReportPage("Glossary", (Prose(head), Terms(terms))))


def decisions() -> str:
    """The pages of the decisions."""
    pages = sorted(path for path in (DOCS / "decisions").glob("*.md") if path.name != "index.md")
    head = "Where the design left room: what was chosen, why, and the figure that decided it. A page for each package."
    links = "\n".join(f"- [{path.stem}]({path.name})" for path in pages)
    return markdown.render(ReportPage("Decisions", (Prose(head), Prose(links))))


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "reference/options.md": options,
    "reference/frames.md": frames,
    "reference/exit-codes.md": exit_codes,
    "reference/glossary.md": glossary,
    "decisions/index.md": decisions,
}
"""Each generated page of the manual, and what makes it."""
