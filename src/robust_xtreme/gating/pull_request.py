"""Writes the comment of a gate on a pull request of GitHub: one comment, which later runs edit."""

import json
import os
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from http.client import HTTPException, IncompleteRead
from pathlib import Path
from threading import Thread
from typing import Any, Final, TypeGuard
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import polars as pl

from robust_xtreme.core import resources, strict_json
from robust_xtreme.core.errors import DataError, DiskError, RobustXtremeError, UserError, counted, no_room, shown
from robust_xtreme.core.sinks import encoded, visible
from robust_xtreme.files.new_files import appended
from robust_xtreme.gating.document import BEYOND, MISSING, NEW, OK, REGRESSED, UNDECIDED, Gate, fell, outcome, row_name
from robust_xtreme.gating.outputs import MARKER, facts, gate_written
from robust_xtreme.report.blocks import text_of

SUMMARY: Final = "GITHUB_STEP_SUMMARY"
OUTPUT: Final = "GITHUB_OUTPUT"
_MOST: Final = 10
"""The annotations of each kind that GitHub shows of a step."""

_PATHS: Final = {".md": "report-path", ".json": "json-path", ".xml": "junit-path"}
_DATA: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY: Final = {**_DATA, **str.maketrans({":": "%3A", ",": "%2C"})}


def workflow_commands(gate: Gate) -> Iterator[str]:
    """A command of the workflow for each failing row, the largest falls first, then one for each kind of others."""
    rows = gate.failing.sort("difference", nulls_last=True)
    for row in rows.head(_MOST - 1).iter_rows(named=True):
        title, text = visible(row_name(row)).translate(_PROPERTY), visible(fell(row)).translate(_DATA)
        yield f"::error title={title}::{text}"
    for warning in _not_ok(gate):
        yield f"::warning title=robust-xtreme gate::{visible(warning).translate(_DATA)}"


def _not_ok(gate: Gate) -> Iterator[str]:
    """What does not fail and is not ok either, in sentences: rows without a proof, missing and accepted ones."""
    if gate.counts[UNDECIDED] + gate.counts[BEYOND]:
        yield text_of(outcome(gate))
    passing = gate.verdicts.filter(~pl.col("fails"))
    named = {"Missing from the run": passing.filter(verdict=MISSING), "Accepted": passing.filter("accepted")}
    for what, rows in named.items():
        if rows.height:
            yield f"{what}: {counted(rows.height, 'row')}, such as {row_name(rows.row(0, named=True))}."


def summarise(gate: Gate, path: str) -> None:
    """Append the comment to the step's summary. Raises DiskError where it cannot be written, UserError at a pipe."""
    _append(path, gate_written(gate, ".md"), "summary")


def set_outputs(gate: Gate, files: Iterable[Path], path: str) -> None:
    """Append the facts of a gate, and the paths of its files, to the outputs of the step. Raises as `summarise`."""
    lines = [_assigned(name, value) for name, value in outputs_of(gate, files).items()]
    _append(path, encoded("".join(lines)), "outputs")


def outputs_of(gate: Gate, files: Iterable[Path]) -> dict[str, str]:
    """The outputs of the step by name; the change of the worst row is not rounded."""
    known, counts = facts(gate), Counter(gate.verdicts["verdict"])  # against baseline and anchor
    change = known["worst_change"]
    return {
        "passed": "true" if known["passed"] else "false",
        "outcome": known["outcome"],
        "regressions": str(counts[REGRESSED]),
        "undecided": str(counts[UNDECIDED] + counts[BEYOND]),
        "all-ok": "true" if counts.keys() <= {OK, NEW, None} else "false",
        "worst-cell": visible(known["worst_cell"]),
        "worst-change": "" if change is None else repr(change),
        **{_PATHS[file.suffix]: str(file) for file in files if file.suffix in _PATHS},
    }


def _assigned(name: str, value: str) -> str:
    """An output in lines; the line that ends it cannot be in the value, which may have several lines."""
    end = f"end-{secrets.token_hex(16)}"
    return f"{name}<<{end}\n{value}\n{end}\n"


def _append(path: str, data: bytes, what: str) -> None:
    if Path(path).is_fifo():
        raise UserError(f"The step's {what} {path} is a pipe, and nobody may read it. Name a file.")
    try:
        with appended(Path(os.path.realpath(path))) as file:
            file.write(data)
    except OSError as error:
        cure = no_room(error) or "Make it writable"
        raise DiskError(f"The step's {what} {path} cannot be written: {error.strerror}. {cure}.") from error


REPOSITORY, TOKEN, EVENT, API = "GITHUB_REPOSITORY", "GITHUB_TOKEN", "GITHUB_EVENT_PATH", "GITHUB_API_URL"
_OWNER_AND_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*/(?!\.{1,2}$)[A-Za-z0-9_.-]+")
_VISIBLE: Final = re.compile(r"[!-~]+")
_SECONDS: Final = 20.0
"""How long GitHub may be silent; a whole answer may take three times as long."""

_LARGEST_EVENT: Final = 25_000_000
_SUFFIX: Final = "[bot]"
_BOT: Final = f"github-actions{_SUFFIX}"
"""Who writes with the token of a workflow."""

LONGEST: Final = 65_536
"""The characters of a comment that GitHub takes."""

_PAGE, _PAGES = 100, 100
_BYTES: Final = 1 << 25
_CLOSED: Final = (401, 403, 404)
_CURE: Final = "Pass a token that may write comments (permissions: pull-requests: write); one of a fork may not."


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request: the address of the API without a slash at its end, `OWNER/NAME`, its number, and a token."""

    api: str
    repository: str
    number: int
    token: str = field(repr=False)

    @property
    def comments(self) -> str:
        """The path of its comments."""
        return f"/repos/{self.repository}/issues/{self.number}/comments"


class RefusedByGitHub(RobustXtremeError):
    """GitHub did not answer, or refused; `status` is 0 where there is no answer. The message has no token."""

    def __init__(self, what: str, status: int = 0) -> None:
        super().__init__(what)
        self.status = status


def of_workflow(environment: Mapping[str, str]) -> PullRequest | None:
    """The pull request that a workflow runs for, if any. Raises UserError for a variable, DataError for the event."""
    absent = [name for name in (REPOSITORY, TOKEN, EVENT) if not environment.get(name)]
    if absent:
        raise UserError(f"{', '.join(absent)} is not set. A workflow of GitHub sets them, apart from {TOKEN}: pass it.")
    api, repository = environment.get(API) or "https://api.github.com", environment[REPOSITORY]
    if not _is_safe(api):
        raise UserError(f"{API} {shown(api)} is not an address of https, or of this machine.")
    if not _OWNER_AND_NAME.fullmatch(repository):
        raise UserError(f"{REPOSITORY} {shown(repository)} is not OWNER/NAME.")
    if not _VISIBLE.fullmatch(environment[TOKEN]):
        raise UserError(f"{TOKEN} is blank, or has a blank, a line end or a letter that no token has. Pass it without.")
    number = _number(Path(environment[EVENT]))
    return None if number is None else PullRequest(api.rstrip("/"), repository, number, environment[TOKEN])


def _is_safe(api: str) -> bool:
    """Whether a token may be sent there."""
    try:
        parts = urlsplit(api)
        loopback = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
        return (parts.scheme == "https" or loopback) and bool(parts.hostname) and not parts.username
    except ValueError:
        return False


def _number(path: Path) -> int | None:
    try:
        event = strict_json.loads(resources.content(path, _LARGEST_EVENT).decode("utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{EVENT} names {path}, which does not exist. A workflow of GitHub sets it.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(path, "is not the event of a workflow, in JSON") from error
    pull = event.get("pull_request") if isinstance(event, dict) else None
    number = pull.get("number") if isinstance(pull, dict) else None
    return number if _is_id(number) else None


def _is_id(value: Any) -> TypeGuard[int]:
    return type(value) is int and value > 0


def put(pull: PullRequest, text: str, only_edit: bool = False) -> str:
    """Edit an earlier comment, or (not `only_edit`) write one; return a participle. Raises RefusedByGitHub."""
    marked = [each for each in _comments(pull) if str(each.get("body", "")).startswith(MARKER)]
    login = _login(pull) if marked else ""
    # Only one that the token's user wrote: others could change theirs afterwards.
    earlier = next((int(each["id"]) for each in marked if _author(each) == login), None)
    if earlier is None and only_edit:
        return "not needed"
    if earlier is None:
        _ask(pull, "POST", pull.comments, {"body": text})
        return "written"
    _ask(pull, "PATCH", f"/repos/{pull.repository}/issues/comments/{earlier}", {"body": text})
    return "edited"


def _author(comment: Mapping[str, Any]) -> object:
    user = comment.get("user")
    return user.get("login") if isinstance(user, dict) else None


def _comments(pull: PullRequest) -> Iterator[dict[str, Any]]:
    for page in range(1, _PAGES + 1):
        rows = _ask(pull, "GET", f"{pull.comments}?per_page={_PAGE}&page={page}")
        if not isinstance(rows, list) or not all(isinstance(row, dict) and _is_id(row.get("id")) for row in rows):
            raise RefusedByGitHub("The answer of GitHub is not a list of comments.")
        yield from rows
        if len(rows) < _PAGE:
            return


def _login(pull: PullRequest) -> str:
    """Who writes with the token: a user, or the bot of an app, which REST does not name; else the bot of workflows."""
    match _known(pull, "GET", "/user"):
        case {"login": str(login)} if login:
            return login
    of_graph = replace(pull, api=pull.api.removesuffix("/v3"))
    match _known(of_graph, "POST", "/graphql", {"query": "{viewer{login}}"}):
        case {"data": {"viewer": {"login": str(login)}}} if login:
            return f"{login.removesuffix(_SUFFIX)}{_SUFFIX}"
    return _BOT


def _known(pull: PullRequest, *asked: Any) -> Any:
    """What GitHub answers; None where the token may not ask. Raises RefusedByGitHub."""
    try:
        return _ask(pull, *asked)
    except RefusedByGitHub as refused:
        if refused.status in _CLOSED:
            return None
        raise


class _Staying(HTTPRedirectHandler):
    """Follows no redirection, which would receive the token."""

    def redirect_request(self, *_: Any) -> None:
        """None: the redirection is an error."""
        return


def _ask(pull: PullRequest, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
    """What GitHub answers, from JSON. Raises RefusedByGitHub."""
    headers = {
        "Authorization": f"Bearer {pull.token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
        "User-Agent": "robust-xtreme",
        "Content-Type": "application/json",
    }
    data = None if body is None else json.dumps(body).encode()
    try:
        return strict_json.loads(_answer(Request(pull.api + path, data, headers, method=method)))
    except HTTPError as error:
        error.close()
        cure = f" {_CURE}" if error.code in _CLOSED else ""
        raise RefusedByGitHub(f"GitHub refuses {method} {path}: status {error.code}.{cure}", error.code) from None
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        raise RefusedByGitHub(f"GitHub does not answer {method} {path}: {type(error).__name__}.") from None


def _answer(request: Request) -> bytes:
    """The whole answer. Raises TimeoutError where it takes longer than that, and as urllib."""
    future: Future[bytes] = Future()
    Thread(target=_receive, args=(request, future), daemon=True).start()  # a socket's timeout begins again at each byte
    return future.result(3 * _SECONDS)


def _receive(request: Request, future: Future[bytes]) -> None:
    proxies = ProxyHandler({}) if request.type == "http" else ProxyHandler()
    try:
        with build_opener(proxies, _Staying).open(request, timeout=_SECONDS) as answer:
            data = answer.read(_BYTES)
            if answer.length:
                raise IncompleteRead(data, answer.length)
        future.set_result(data)
    except Exception as error:  # noqa: BLE001 - raised again where the answer is awaited
        future.set_exception(error)
