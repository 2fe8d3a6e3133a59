"""A substitute for GitHub on this machine: comments of pull requests, and the steps of an action's file."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, final

import yaml
from tests import gh
from tests.gh import NUMBER, REPOSITORY, TOKEN
from tests.program import program

ACTION: Final = Path(__file__).parents[1] / "action.yml"
_GH: Final = f'#!/bin/sh\nexec "{sys.executable}" -IS "{gh.__file__}" "$@"\n'
_PROGRAM: Final = f'#!/bin/sh\nexec "{sys.executable}" -m robust_xtreme "$@"\n'
_ASKING: Final = """#!/bin/bash
asked="$(mktemp -d "$RUNNER_TEMP/asked.XXXXXX")"
printf '%s\\0' "$@" > "$asked/words"
env -0 > "$asked/env"
touch "$asked/ready"
while [ ! -e "$asked/code" ]; do sleep 0.01; done
cat "$asked/out"
cat "$asked/err" >&2
exit "$(cat "$asked/code")"
"""
"""A program that has this process run robust-xtreme, which has imported everything."""


class Comments:
    """The comments of one pull request, in a file that a substitute of `gh` reads and writes.

    `refuses` is whether writing is refused, `login` the user of the token.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / "comments.json"
        self.keep([], login="github-actions[bot]", refuses=False)

    def keep(self, rows: Sequence[Mapping[str, Any]], **facts: Any) -> None:
        """Replace the comments, and what is known of the token."""
        known = json.loads(self.file.read_text("utf-8")) if self.file.exists() else {}
        self.file.write_text(json.dumps({**known, **facts, "rows": [*rows]}), encoding="utf-8")

    def add(self, body: str | None, login: str | None) -> None:
        """A comment of a user, None: one that is deleted."""
        user = login and {"login": login}
        self.keep([*self.rows, {"id": len(self.rows) + 1, "body": body, "user": user}])

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The comments, in their order."""
        rows: list[dict[str, Any]] = json.loads(self.file.read_text("utf-8"))["rows"]
        return rows

    @property
    def bodies(self) -> list[str]:
        """The texts, in their order."""
        return [row["body"] for row in self.rows]


# -------------------------------------------------------------------------------------------------------------- the job


@final
@dataclass(frozen=True, slots=True)
class Job:
    """How an action ended: `ran` maps the names of its steps to exit codes, `used` to what other actions were given."""

    outputs: Mapping[str, str]
    ran: Mapping[str, int]
    used: Mapping[str, Mapping[str, str]]
    log: str
    summary: str
    steps: Mapping[str, Mapping[str, str]] = field(repr=False)

    @property
    def failed(self) -> bool:
        """Whether a step failed."""
        return any(self.ran.values())


def environment(folder: Path, comments: Comments | None = None, real: bool = False) -> dict[str, str]:
    """The variables of a workflow's job, with its files in a folder; the program and `gh` are first on PATH.

    With `real` the program is a process of its own.
    """
    for name in ("temp", "bin"):
        (folder / name).mkdir(exist_ok=True)
    program = folder / "bin" / "robust-xtreme"
    if not program.exists():
        program.write_text(_PROGRAM if real else _ASKING, encoding="utf-8")
        program.chmod(0o755)
    if comments:
        (folder / "bin" / "gh").write_text(_GH, encoding="utf-8")
        (folder / "bin" / "gh").chmod(0o755)
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith(("GITHUB_", "RUNNER_"))},
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "RUNNER_TEMP": str(folder / "temp"),
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION_PATH": str(ACTION.parent),
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": REPOSITORY,
        "COMMENTS": str(comments.file) if comments else "",
    }


def run_action(folder: Path, env: Mapping[str, str], *, pull: str = str(NUMBER), **inputs: str) -> Job:
    """Run the shell steps of action.yml as a runner does; steps that use an action record their inputs and succeed.

    A step of which the name is in `FAILS`, a variable of `env`, fails instead. `pull` is the number of the pull
    request, empty for another event.
    """
    action = yaml.safe_load(ACTION.read_text("utf-8"))
    known = {name: str(facts.get("default", "")) for name, facts in action["inputs"].items()}
    given = {name.replace("_", "-"): value for name, value in inputs.items()}
    assert given.keys() <= known.keys()
    event = {"event": {"pull_request": {"number": pull}}}
    context: dict[str, Any] = {"inputs": {**known, "token": TOKEN, **given}, "steps": {}, "github": event}
    ran: dict[str, int] = {}
    used: dict[str, dict[str, str]] = {}
    log = ""
    for number, step in enumerate(action["runs"]["steps"]):
        if not is_wanted(step.get("if", ""), context, failed=any(ran.values())):
            continue
        name = step["name"]
        if "uses" in step:
            used[name] = {key: filled(str(value), context) for key, value in step["with"].items()}
            ran[name] = int(name == env.get("FAILS"))
            continue
        files = {key: folder / f"{number}.{key}" for key in ("OUTPUT", "ENV", "STEP_SUMMARY")}
        variables = {f"GITHUB_{key}": str(path) for key, path in files.items()}
        passed = {key: filled(str(value), context) for key, value in step.get("env", {}).items()}
        assert "${{" not in step["run"], "the value of an expression in a script would be code"
        for path in files.values():
            path.write_bytes(b"")
        code, printed = run_script(step["run"], folder, {**env, **variables, **passed})
        log += printed
        ran[name] = code
        context["steps"][step.get("id", name)] = {"outputs": assigned(files["OUTPUT"].read_text("utf-8"))}
        context.setdefault("summary", []).append(files["STEP_SUMMARY"].read_text("utf-8"))
    outputs = {name: filled(facts["value"], context) for name, facts in action["outputs"].items()}
    steps = {name: facts["outputs"] for name, facts in context["steps"].items()}
    return Job(outputs, ran, used, log, "".join(context["summary"]), steps)


def run_script(script: str, folder: Path, env: Mapping[str, str]) -> tuple[int, str]:
    """Run a script as a runner does, and the programs that it asks for; return its exit code and what it prints."""
    words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    with (folder / "log").open("w+b") as log:
        process = subprocess.Popen(words, cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT)
        while process.poll() is None:
            for ready in (folder / "temp").glob("asked.*/ready"):
                ready.unlink()
                _answer(ready.parent, folder)
            time.sleep(0.01)
        log.seek(0)
        return process.returncode, log.read().decode()


def _answer(asked: Path, folder: Path) -> None:
    """Run `robust-xtreme` with the words and the environment that a program asked with."""
    words, pairs = ((asked / name).read_bytes().decode().split("\0")[:-1] for name in ("words", "env"))
    variables = dict(pair.split("=", 1) for pair in pairs)
    with contextlib.chdir(folder):
        ended = program(*words, **variables)
    (asked / "out").write_text(ended.out, encoding="utf-8")
    (asked / "err").write_text(ended.err, encoding="utf-8")
    (asked / "tmp").write_text(f"{ended.code or 0}\n", encoding="utf-8")
    (asked / "tmp").rename(asked / "code")


def assigned(text: str) -> dict[str, str]:
    """The outputs in a step's file: `NAME=VALUE`, or `NAME<<END`, lines of the value, `END`; the last one counts."""
    values: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        if match := re.fullmatch(r"([\w-]+)<<(.+)", line):
            value = []
            for more in lines:
                if more == match[2]:
                    break
                value.append(more)
            values[match[1]] = "\n".join(value)
        else:
            name, equals, value_of_line = line.partition("=")
            assert equals, f"not an output: {line}"
            values[name] = value_of_line
    return values


# ------------------------------------------------------------------------------------------------------- expressions


def filled(text: str, context: Mapping[str, Any]) -> str:
    """A text in which each `${{ A || 'B' }}` is its value."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda match: value_of(match[1], context), text)


def is_wanted(condition: str, context: Mapping[str, Any], failed: bool) -> bool:
    """Whether a step runs: all parts of its condition are true, and nothing failed, unless it asks for that itself."""
    parts = [part.strip() for part in condition.removeprefix("${{").removesuffix("}}").split("&&") if part.strip()]
    if "!cancelled()" not in parts and failed:
        return False
    return all(_is_true(part, context) for part in parts if part != "!cancelled()")


def _is_true(part: str, context: Mapping[str, Any]) -> bool:
    left, sign, right = re.split(r" (==|!=) ", part)
    return (value_of(left, context) == value_of(right, context)) == (sign == "==")


def value_of(expression: str, context: Mapping[str, Any]) -> str:
    """The first value that is not empty of `A || 'B'`."""
    return next(filter(None, (_term(term.strip(), context) for term in expression.split("||"))), "")


def _term(term: str, context: Mapping[str, Any]) -> str:
    if term.startswith("'"):
        return term.strip("'")
    value: Any = context
    for key in term.split("."):
        value = value.get(key, {})
    return value if isinstance(value, str) else ""
