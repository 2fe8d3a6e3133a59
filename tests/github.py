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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final, final
from urllib.parse import parse_qs, urlsplit

import yaml
from tests.program import program

TOKEN: Final = "not-a-secret-7f3a"
REPOSITORY: Final = "o/r"
NUMBER: Final = 7
ACTION: Final = Path(__file__).parents[1] / "action.yml"
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
    """The comments of one pull request and an API for them, as a context manager.

    `refuses` is a status with which writing is refused, `login` the user of the token, empty for that of an app, whose
    bot is `viewer` where GraphQL names it; else it is a workflow's. `sent` is what each answer is instead, in pieces
    that are 10 ms apart, and `length` a length that it has not.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.refuses = 0
        self.login = self.viewer = ""
        self.sent: Sequence[bytes] = ()
        self.length = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"comments": self}))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Comments:
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def add(self, body: str, login: str = "github-actions[bot]", kind: str = "Bot") -> dict[str, Any]:
        """A comment of a user."""
        self.rows.append({"id": len(self.rows) + 1, "body": body, "user": {"login": login, "type": kind}})
        return self.rows[-1]

    @property
    def bodies(self) -> list[str]:
        """The texts, in their order."""
        return [row["body"] for row in self.rows]


class _Handler(BaseHTTPRequestHandler):
    comments: Comments

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def _answer(self) -> None:
        url, ours = urlsplit(self.path), self.comments
        sent = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        ours.asked.append(f"{self.command} {self.path}")
        of_pull = f"/repos/{REPOSITORY}/issues/{NUMBER}/comments"
        edited = re.fullmatch(rf"/repos/{REPOSITORY}/issues/comments/([0-9]+)", url.path)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._send(401, {})
        elif self.command != "GET" and ours.refuses:
            self._send(ours.refuses, {"message": "Resource not accessible by integration"})
        elif self.command == "GET" and url.path == "/user":
            self._send(200 if ours.login else 403, {"login": ours.login})
        elif self.command == "POST" and url.path == "/graphql" and ours.viewer:
            self._send(200, {"data": {"viewer": {"login": ours.viewer}}})
        elif self.command == "GET" and url.path == of_pull:
            asked = {key: int(values[0]) for key, values in parse_qs(url.query).items()}
            start = (asked.get("page", 1) - 1) * asked.get("per_page", 30)
            self._send(200, ours.rows[start : start + asked.get("per_page", 30)])
        elif self.command == "POST" and url.path == of_pull:
            writer = (ours.login, "User") if ours.login else (ours.viewer, "Bot") if ours.viewer else ()
            self._send(201, ours.add(sent["body"], *writer))
        elif self.command == "PATCH" and edited:
            ours.rows[int(edited[1]) - 1]["body"] = sent["body"]
            self._send(200, ours.rows[int(edited[1]) - 1])
        else:
            self._send(404, {})

    def _send(self, status: int, value: Any) -> None:
        pieces = self.comments.sent or [json.dumps(value).encode()]
        self.send_response(status)
        self.send_header("Content-Length", str(self.comments.length or sum(map(len, pieces))))
        if status in (301, 302, 307):
            self.send_header("Location", f"{self.comments.url}/elsewhere")
        self.end_headers()
        with contextlib.suppress(OSError):  # the reader has given up
            for piece in pieces:
                self.wfile.write(piece)
                time.sleep(0.01 * (len(pieces) > 1))


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


def environment(folder: Path, url: str, event: Mapping[str, Any] | None = None, real: bool = False) -> dict[str, str]:
    """The variables of a workflow's job, with its files in a folder; the program is first on PATH.

    With `real` it is a process of its own.
    """
    for name in ("temp", "bin"):
        (folder / name).mkdir(exist_ok=True)
    program = folder / "bin" / "robust-xtreme"
    if not program.exists():
        program.write_text(_PROGRAM if real else _ASKING, encoding="utf-8")
        program.chmod(0o755)
    event_file = folder / "event.json"
    event_file.write_text(
        json.dumps({"pull_request": {"number": NUMBER}} if event is None else event), encoding="utf-8"
    )
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith(("GITHUB_", "RUNNER_"))},
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "RUNNER_TEMP": str(folder / "temp"),
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION_PATH": str(ACTION.parent),
        "GITHUB_API_URL": url,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_EVENT_PATH": str(event_file),
    }


def run_action(folder: Path, env: Mapping[str, str], **inputs: str) -> Job:
    """Run the shell steps of action.yml as a runner does; steps that use an action record their inputs and succeed.

    A step of which the name is in `FAILS`, a variable of `env`, fails instead.
    """
    action = yaml.safe_load(ACTION.read_text("utf-8"))
    known = {name: str(facts.get("default", "")) for name, facts in action["inputs"].items()}
    given = {name.replace("_", "-"): value for name, value in inputs.items()}
    assert given.keys() <= known.keys()
    context: dict[str, Any] = {"inputs": {**known, "token": TOKEN, **given}, "steps": {}}
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
