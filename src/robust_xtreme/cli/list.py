"""`robust-xtreme list`: lists perturbations, suites, tasks, intermediate tasks, languages, metrics or studies."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated, Any, Final

from robust_xtreme.cli import _completion
from robust_xtreme.cli._next import again, show_next
from robust_xtreme.cli._options import Packs, argument, check_taken, option, using
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.sinks import visible
from robust_xtreme.tasks.adapters.own import own_tasks
from robust_xtreme.tasks.groups import chosen, names
from robust_xtreme.tasks.sources.source import open_source

_OF_A_LANGUAGE: Final = "perturbations of a language"
_ANY: Final = 1 << 20
SHORT: Final = ("name", "what")
COLUMNS: Final = {
    "perturbations": ("name", "summary", "unit", "kind", "strength", "parameters", "rates", "waives"),
    "suites": ("name", "summary", "specs"),
    "tasks": ("name", "summary", "family", "groups", "metrics", "languages"),
    "intermediate": ("name", "summary", "family", "rows", "trains"),
    "languages": ("code", "name", "script", "family", "spaces", "letters", "standing", "group"),
    "metrics": ("name", "summary", "columns", "cite"),
    _OF_A_LANGUAGE: ("name", "served", "why", "packs", "schemes", "summary"),
}
_NOTES: Final = {
    "perturbations": """
rates: how often a kind of error happens relative to the others, where a text allows it; @kind=0 turns it off. accent,
candidate and syllable apply only to layouts and input methods that have them (accent keys, candidates to choose).
Layouts, actions and other choices: robust-xtreme list perturbations --json""",
    _OF_A_LANGUAGE: """
packs: attested (in the source that the pack names), derived (computed from it), authored (ours, unreviewed). A keyboard
that no source names for the language is chosen, unreviewed. Unreviewed packs are not counted as serving a language.
Neither are those that are borrowed from other languages. A list is thin if ten pairs make more than half of its edits
on real text: suites leave natural_typo out there, and the rates and letters of natural members are from few words.
Other noise is thin where fewer than 1 in 200 characters of a text can change: suites leave it out there.
schemes: what transliterate takes for the language, also where the default, @scheme=typed, does not serve it; ID is the
name of a transform of ICU.""",
    "intermediate": """
trains: tasks whose own training data these are, so that their gain is not transfer.
Files, labels, licences, sources and the rest: robust-xtreme list intermediate --json
What a folder contains of them: robust-xtreme data list --tasks intermediate --data DIR""",
}
"""The notes below a list with --long."""
_NEXT: Final = {
    "perturbations": ("show", "char_noise:0.1", "--languages", "en", "The text to perturb."),
    "suites": ("eval", "--perturb", "@smoke"),
    "tasks": ("data", "list"),
    "intermediate": ("data", "list", "--tasks", "intermediate"),
    "languages": ("list", "perturbations", "--languages", "en"),
    "metrics": ("list", "tasks", "--long"),
}
"""The command after a list with --long."""


_STUDIES: Final = "studies"
LISTS: Final = _completion.words([*(what for what in COLUMNS if what != _OF_A_LANGUAGE), _STUDIES])


def list_(
    what: Annotated[
        str, argument("WHAT", "perturbations, suites, tasks, intermediate, languages, metrics or studies", LISTS)
    ],
    long: Annotated[bool, option("--long", "Print more columns than the name and what it is.")] = False,
    as_json: Annotated[bool, option("--json", "Print one JSON array with every column.")] = False,
    language: Annotated[
        str | None,
        option(
            "--languages CODE", "For perturbations: which serve it, by which packs, and why not.", _completion.language
        ),
    ] = None,
    packs: Packs = None,
    data: Annotated[
        str | None, option("--data DIR", "For tasks: those that a suite describes, too.", _completion.data)
    ] = None,
) -> None:
    """List the perturbations, suites of them, tasks, intermediate tasks, languages, metrics or studies.

    Examples: robust-xtreme list perturbations -l sw; robust-xtreme list tasks --long; robust-xtreme list suites
    --json
    """
    from robust_xtreme.cli._terminal import output, print_json

    if what == _STUDIES:
        from robust_xtreme.cli.study import list_studies

        taken = {"--long": long, "--json": as_json, "--languages": language, "--packs": packs, "--data": data}
        check_taken("list", what, taken, ())
        list_studies()
        return
    with using(packs), _knowing(what, data):
        members = _rows(what, language)
        if as_json:
            print_json(members)
            return
        shown = what if language is None else _OF_A_LANGUAGE
        if long:
            _table(COLUMNS[shown], [[_shown(shown, name, row[name]) for name in COLUMNS[shown]] for row in members])
            output().print(_NOTES.get(shown, ""), end="\n" if shown in _NOTES else "")
        else:
            _table(SHORT, [_short(shown, row) for row in members])
        if what == "tasks":
            _groups()
    if long:
        following = (language if language and word == "en" else word for word in _NEXT[what])
        show_next(*following, *(() if data is None else ("--data", data)))
    else:
        show_next(*again("--long"))


def _short(what: str, row: Mapping[str, Any]) -> tuple[str, str]:
    """The name of a member and what it is: a summary, a language's name, or whether one is served and what to know."""
    if what == "languages":
        return row["code"], cell(f"{row['name']}, {row['script']}")
    if what == _OF_A_LANGUAGE:
        served = ", ".join(("served", *row["notes"]))
        return row["name"], cell(served if row["served"] else f"not served: {row['why']}")
    return row["name"], cell(row["summary"])


def _knowing(what: str, data: str | None) -> AbstractContextManager[None]:
    """Know the tasks that a suite describes. Raises UserError for another list, or where there is no such folder."""
    if data is None:
        return nullcontext()
    if what != "tasks":
        raise UserError(f"--data is for tasks: robust-xtreme list tasks --data {data[:40]}")
    open_source(data, offline=True)
    return own_tasks(data)


def _rows(what: str, language: str | None) -> list[dict[str, Any]]:
    """The rows of a list, or of the perturbations for a language. Raises UserError for a language of another list."""
    from robust_xtreme.tasks.catalogue import rows, served

    if language is None:
        return rows(what)
    if what != "perturbations":
        again = f"robust-xtreme list perturbations --languages {language[:40]}"
        raise UserError(f"--languages is for perturbations: {again}")
    return served(language)


def _groups() -> None:
    """Print the names of groups of tasks."""
    from robust_xtreme.cli._terminal import output, print_entry

    console = output()
    taken = "names of tasks, benchmarks and families, separated by commas: --tasks xtreme-r,span_qa"
    console.print(f"\n--tasks takes {taken}")
    for name in names():
        print_entry(console, f"{name}: {' '.join(chosen([name]))}")
    console.print("Files, noised fields, licences, sources and the rest: robust-xtreme list tasks --json")


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; of more than two columns entries, where its lines are longer than those of the console."""
    from rich.table import Column

    from robust_xtreme.cli._terminal import fits, output, print_stacked, table_of

    console = output()
    columns = [Column(name, overflow="fold", no_wrap=name in ("name", "code", "waives")) for name in names]
    table = table_of(columns, rows)
    if len(names) > len(SHORT) and not fits(console, table, _ANY):
        print_stacked(console, names, rows)
    else:
        console.print(table)


def _shown(what: str, column: str, value: Any) -> str:
    """A cell of a table: the languages of a task with their number, each waived rule on its own line."""
    if column == "waives":
        return "\n".join(value)
    text = cell(value)
    return f"{len(value)}: {text}" if (what, column) == ("tasks", "languages") else text


def cell(value: Any) -> str:
    """A value as a cell: nested lists joined by plus signs and commas, mappings as `key: value`."""
    match value:
        case bool():
            return "yes" if value else "no"
        case Mapping():
            return "\n".join(f"{visible(str(key))}: {cell(item)}" for key, item in value.items())
        case [list(), *_]:
            return visible(", ".join("+".join(map(str, item)) for item in value))
        case list():
            return visible(" ".join(map(str, value)))
        case None:
            return ""
        case _:
            return visible(str(value))
