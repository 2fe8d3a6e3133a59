"""`robust-xtreme data`: lists or checks the files of each task and language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from robust_xtreme.cli import _completion
from robust_xtreme.cli._next import show_next
from robust_xtreme.cli._options import argument, check_word, option, several
from robust_xtreme.core.run_spec import HUB, MINI
from robust_xtreme.core.sinks import echo

if TYPE_CHECKING:
    from robust_xtreme.cli._data import DataSurvey

WHAT: Final = ("list", "check")
_ENCODER: Final = "FacebookAI/xlm-roberta-base"

What = Annotated[str, argument("list | check", "Default: list.", _completion.words(WHAT))]
Data = Annotated[
    str | None,
    option(
        "--data DIR | mini | hub", "What to list or check. Default: ROBUST_XTREME_DATA, else mini.", _completion.data
    ),
]
Tasks = Annotated[
    str | None,
    option("--tasks A,B", "Tasks or groups of them. Default: every task but intermediate.", _completion.data_tasks),
]
Languages = Annotated[
    str | None, option("--languages A,B", "MLQA also takes de@en. Default: all that exist.", _completion.languages)
]
Offline = Annotated[
    bool, option("--offline", "Open no connection; without it `check` fetches from the hub as a run does.")
]


def data(
    what: What = "list",
    data: Data = None,
    tasks: Tasks = None,
    languages: Languages = None,
    offline: Offline = False,
    as_json: Annotated[bool, option("--json", "Print one JSON object, with full sha256.")] = False,
) -> int | None:
    """List the files of each task and language, or check them; `check` exits with 2 where a file is malformed.

    `list` shows splits, rows, labels, candidates, licence, files and their sha256; it never opens a connection. `check`
    reads the same files and reports each that does not load, with the line of its first error, and what a run leaves
    out: why, which paths were tried, and how to get it. Both change nothing and need no model.

    Intermediate tasks are included only if --tasks names them, or all of them: --tasks intermediate.

    Examples: robust-xtreme data list --data DIR --tasks xtreme-r; robust-xtreme data check --data DIR --languages sw,yo
    """
    from robust_xtreme.cli import _data
    from robust_xtreme.cli._terminal import print_json

    check_word("data", what, WHAT)
    listed = what == "list"
    named = several("tasks", tasks) or (), several("languages", languages) or ()
    survey = _data.look(data, *named, offline=offline or listed)
    if as_json:
        print_json(_data.facts(survey))
    elif listed:
        _data.show_list(survey)
    else:
        _data.show_check(survey)
    if not as_json:
        if headless := () if listed else _data.without_head(survey, named[0]):
            what = f"mini, the model of a run that names none, has no head for {', '.join(headless)}"
            echo(f"{what}. Name a model that has one: --model {headless[0]}=NAME", error=True)
        show_next(*_following(survey, listed, tasks, languages))
    return None if listed else 2 if survey.malformed or survey.is_empty else 0


def _following(survey: DataSurvey, listed: bool, tasks: str | None, languages: str | None) -> tuple[str, ...]:
    """After a list the check, after malformed files the check again, else the plan of a run on these data.

    Where mini has no head for what the run evaluates: the plan of training one or, without training data, the tasks.
    """
    from robust_xtreme.cli import _data

    offline = ("--offline",) if survey.offline and survey.data.startswith(HUB) else ()
    named = [*(("--tasks", tasks) if tasks else ()), *(("--languages", languages) if languages else ())]
    same = ("--data", survey.data, *named, *offline)
    if listed or survey.malformed:
        return ("data", "check", *same)
    if not any(language.evaluated for language in survey.all):
        return ("data", "list", "--data", MINI)
    if headless := _data.without_head(survey, several("tasks", tasks) or ()):
        taught = [name for name in headless if survey.teaches(name)]
        learn = ("train", "--tasks", ",".join(taught), "--from", _ENCODER, "--data", survey.data, *offline, "--plan")
        return learn if taught else ("list", "tasks", "--long", "--data", survey.data)
    return ("eval", *same, "--plan")
