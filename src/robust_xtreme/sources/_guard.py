"""Checks of what a hub answers, for the child process of `hub`: bounded size, and well-formed hashes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from robust_xtreme import strict_json

LARGEST: Final = 32 << 20
"""The most bytes of an answer that is not a file: names and sizes of a thousand files take about 200,000."""

_MARK: Final = "robust_xtreme_answer"
_SHA: Final = re.compile(r"[0-9a-f]{40}")
_HASH: Final = re.compile(r"[0-9a-f]{40,64}")
_PAGE: Final = "a page came instead of data: a proxy's login page, or HF_ENDPOINT names no hub"
_ERROR: Final = 400
_MOVED: Final = 300


class Strange(Exception):
    """An answer that a hub would not give."""


def commit(sha: object) -> str:
    """The commit that a hub names. Raises Strange where it is malformed: folders are named by it."""
    if not isinstance(sha, str) or not _SHA.fullmatch(sha):
        raise Strange(f"the commit {str(sha)[:80]!r} is not 40 hexadecimal digits")
    return sha


def hooks(endpoint: str) -> dict[str, list[Any]]:
    """The hooks of a client of this hub, by event; a redirect keeps the mark of its request."""
    root = urlsplit(endpoint).path.rstrip("/") + "/api/"

    def mark(request: Any) -> None:
        if request.url.path.startswith(root):
            request.extensions[_MARK] = True

    return {"request": [mark], "response": [checked]}


def checked(response: Any) -> None:
    """Read an answer that is not a file up to a bound, and check its hashes and headers. Raises Strange."""
    _check_headers(response)
    is_answer = _MARK in response.request.extensions
    if response.request.method == "HEAD" or not (is_answer or response.status_code >= _ERROR):
        return
    content = bytearray()
    for part in response.iter_bytes():
        content += part
        if len(content) > LARGEST:
            raise Strange(f"an answer is longer than {LARGEST >> 20} MiB")
    response._content = bytes(content)  # the client would read it without a bound
    if is_answer and response.status_code < _MOVED:
        try:
            answer = strict_json.loads(bytes(content))
        except (ValueError, RecursionError):
            raise Strange(_PAGE) from None
        for value in _hashes(answer):
            if not isinstance(value, str) or not _HASH.fullmatch(value):
                raise Strange(f"{str(value)[:80]!r} is not 40 or more hexadecimal digits")


def _check_headers(response: Any) -> None:
    """Check the headers that files in the cache are named by."""
    if "x-repo-commit" in response.headers:
        commit(response.headers["x-repo-commit"])
    if response.request.method != "HEAD":
        return
    for name in ("etag", "x-linked-etag"):
        value = response.headers.get(name, "").removeprefix("W/").strip('"')
        if "/" in value or "\\" in value or value.startswith("."):
            raise Strange(f"the header {name} {value[:80]!r} leads elsewhere")


def _hashes(answer: Any) -> Iterator[object]:
    """The commit of a repository, or the hashes of listed files."""
    for entry in answer if isinstance(answer, list) else [answer]:
        if isinstance(entry, dict):
            yield from (entry[key] for key in ("sha", "oid") if entry.get(key) is not None)
            yield from _hashes(entry.get("lfs"))
