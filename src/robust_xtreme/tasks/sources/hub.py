"""Files of a repository on the hub, at one commit: in the hub's own cache, or fetched into it within a deadline.

Of a checkpoint, which is one by its name, some of the files are fetched.
"""

import contextlib
import fnmatch
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

import robust_xtreme
from robust_xtreme.core import resources
from robust_xtreme.core.errors import MissingData, ModelError, RobustXtremeError, SpecError, UserError, plain
from robust_xtreme.core.examples import digest
from robust_xtreme.core.run_paths import exists, like_hub
from robust_xtreme.files.new_files import write_all

VARIABLE: Final = "HF_ENDPOINT"
_REFUSED: Final[list[str]] = []
"""The value of the variable before `settle` removed it."""


def settle() -> None:
    """Remove a malformed address from the environment: the hub's client parses it on import, needed or not.

    `refusal` still reports it where the hub is needed. An empty variable counts as unset.
    """
    value = os.environ.get(VARIABLE)
    if value is not None and not _is_address(value):
        _REFUSED[:] = [value] if value else []
        del os.environ[VARIABLE]


def refusal() -> str:
    """What is wrong with the address, on one line; empty where it is valid."""
    value = os.environ.get(VARIABLE) or next(iter(_REFUSED), "")
    if not value or _is_address(value):
        return ""
    shown = value.rpartition("@")[2][:80]
    what = f"{VARIABLE} is not an address of a hub: {shown!r}."
    return f"{what} It takes https://HOST; without it the hub is huggingface.co."


def public(text: str) -> str:
    """A text whose addresses show neither user nor password."""
    return re.sub(r"(?<=//)[^/\s]*@", "", text)


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # malformed brackets or port
        return False
    return valid and value.isprintable() and not any(character.isspace() for character in value)


Kind = Literal["dataset", "model"]

DEADLINE_VARIABLE: Final = "ROBUST_XTREME_HUB_DEADLINE"
DEADLINE: Final = 1800.0
"""Seconds that one call of `snapshot` may take, unless the variable sets another number."""

SHA: Final = re.compile(r"[0-9a-f]{40}")
_NONE: Final = ".none"
_LARGEST: Final = 100_000_000
_BOOT: Final = (
    "import json, sys; job = json.loads(sys.stdin.readline()); sys.path[:] = job['path']; "
    "from robust_xtreme.tasks.sources._fetch import main; main(job)"
)


class Snapshot(NamedTuple):
    """The folder of a repository's files at one commit, and that commit."""

    folder: Path
    revision: str


def snapshot(kind: Kind, repo: str, revision: str, patterns: Sequence[str], *, offline: bool = False) -> Snapshot:
    """The files of a repository that match any of `patterns`, at a commit, branch or tag.

    A commit whose files are in the cache is not requested again. `offline` opens no connection: only the cache is
    read, and never another revision. Otherwise a child process fetches what is missing, within a deadline. Raises
    UserError (ModelError for models) where the repository, the revision or the files do not exist, are gated or are not
    in the cache, RobustXtremeError where the hub fails.
    """
    job = _Job(kind, repo, revision, tuple(patterns), cache_folder() / f"{kind}s--{repo.replace('/', '--')}")
    # Malformed names are refused before any path is made of them.
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", repo) or ".." in repo or "--" in repo:
        raise job.wrong("cannot be: a name on the hub is OWNER/NAME, of letters, digits, '.', '-' and '_'.")
    if not re.fullmatch(r"[A-Za-z0-9][\w./-]*", revision) or ".." in revision:
        raise job.wrong("cannot be: a revision is a commit of 40 hexadecimal digits, a branch or a tag.")
    offline = is_offline(offline)
    if copy := cached(job, offline):
        return copy
    if offline:
        include = " ".join(f"--include '{pattern}'" for pattern in patterns)
        command = f"hf download {repo} --repo-type {kind} --revision {revision} {include}"
        raise job.wrong(f"is not in the hub's cache {cache_folder()}. Get it with a connection: {command}")
    return _fetched(job)


def is_offline(asked: bool) -> bool:
    """Whether no connection may be opened: by the argument, or by the variable of the hub's own clients."""
    return asked or os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


@dataclass(frozen=True, slots=True)
class _Job:
    """What to fetch, and the folder of the repository in the cache."""

    kind: Kind
    repo: str
    revision: str
    patterns: tuple[str, ...]
    folder: Path

    def __str__(self) -> str:
        at = self.revision[:8] if SHA.fullmatch(self.revision) else self.revision
        return f"the {self.kind} {self.repo}@{at}"

    def record(self, sha: str, pattern: str) -> Path:
        """The list of the files that match a pattern at that commit, all of them fetched."""
        return self.folder / ".robust-xtreme" / f"{sha}-{digest(pattern)}.json"

    def wrong(self, what: str) -> UserError:
        """The error to raise where this job cannot be done, a mistake of the user."""
        line = f"{self} {what}"
        return (ModelError if self.kind == "model" else UserError)(line[0].upper() + line[1:])


@plain()
def cache_folder() -> Path:
    """The cache folder of the hub's clients. Raises NotInstalled where there are none."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _deadline() -> float:
    value = os.environ.get(DEADLINE_VARIABLE, "")
    try:
        seconds = float(value) if value else DEADLINE
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise SpecError(f"{DEADLINE_VARIABLE}={value!r} is not a number of seconds above 0.")
    return seconds


def cached(job: _Job, offline: bool) -> Snapshot | None:
    """The snapshot in the cache: all that an earlier call fetched or, `offline`, whatever matches at that commit.

    Raises UserError where an earlier call found that no file of the commit matches.
    """
    sha = _known(job, offline)
    if sha is None:
        return None
    copy = Snapshot(job.folder / "snapshots" / sha, sha)
    names = [name for pattern in job.patterns for name in _recorded(job.record(sha, pattern))]
    if not names:
        raise _nothing(job, ())
    if all((copy.folder / name).is_file() for name in names):
        return copy
    return copy if offline and any(matching(files(copy.folder), job.patterns)) else None


def _recorded(path: Path) -> list[str]:
    """The names in a record; a name that no file has where there is no record."""
    try:
        names = json.loads(resources.content(path, _LARGEST).decode("utf-8"))
    except (OSError, ValueError):
        return [_NONE]
    return [str(name) for name in names] if isinstance(names, list) else [_NONE]


def _known(job: _Job, offline: bool) -> str | None:
    """The wanted commit, None where only the hub knows it; offline, a branch is looked up in the cache."""
    if SHA.fullmatch(job.revision):
        return job.revision
    if not offline:
        return None
    try:
        sha = resources.content(job.folder / "refs" / job.revision, _LARGEST).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return sha if SHA.fullmatch(sha) else None


def files(folder: Path) -> list[str]:
    """The paths of all files in a snapshot, sorted."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def matching(names: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """The names that match any pattern, as the hub's own client understands them."""
    wanted = tuple(patterns)
    return [name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted)]


def _write(path: Path, text: str) -> None:
    with contextlib.suppress(OSError):  # what a read-only cache does not record is fetched again
        path.parent.mkdir(parents=True, exist_ok=True)
        write_all({path: text.encode()})


def _fetched(job: _Job) -> Snapshot:
    if malformed := refusal():
        raise SpecError(malformed)
    answer = _child(job, _deadline())
    if "error" in answer:
        raise _translated(job, answer)
    copy = Snapshot(Path(answer["folder"]), answer["revision"])
    names = answer["files"]
    if not SHA.fullmatch(copy.revision) or copy.folder.name != copy.revision:
        raise RobustXtremeError(f"{_hub()} gave another revision of {job}: {copy.revision!r:.80}")
    if SHA.fullmatch(job.revision) and copy.revision != job.revision:
        raise RobustXtremeError(f"{_hub()} gave the commit {copy.revision[:8]} instead of {job}.")
    wrong = None if names else _nothing(job, answer["others"])
    if wrong is None or isinstance(wrong, MissingData):
        # Record what was fetched, and where a branch points, so that both are known without a connection.
        for pattern in job.patterns:
            _write(job.record(copy.revision, pattern), json.dumps(matching(names, [pattern])))
        if not SHA.fullmatch(job.revision):
            _write(job.folder / "refs" / job.revision, copy.revision)
    if wrong is not None:
        raise wrong
    return copy


def _nothing(job: _Job, others: Sequence[str]) -> UserError:
    """Why no file of the repository matches."""
    what = f"contains no file {' or '.join(job.patterns)}"
    if job.kind == "model":
        return job.wrong(f"{what}.")
    if any(name.endswith(".py") for name in others):
        return job.wrong(f"{what}: it is a loading script, which is never run. Name release files with --data DIR.")
    return MissingData(f"The dataset {job.repo} {what} at {job.revision[:8]}.")


def _child(job: _Job, deadline: float) -> dict[str, Any]:
    """Fetch in a child process; return the object that it prints. Raises RobustXtremeError where none comes in time."""
    order = {"kind": job.kind, "repo": job.repo, "revision": job.revision, "patterns": job.patterns}
    path = [str(Path(robust_xtreme.__file__).parents[1]), *filter(None, sys.path)]  # never the current folder
    # No empty address of the hub, and no progress bars that nobody sees.
    environment = {name: value for name, value in os.environ.items() if value or name != VARIABLE}
    environment |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_VERBOSITY": "error"}
    environment |= {} if _watched() else {"HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _BOOT],
            input=json.dumps({**order, "path": path, "parent": os.getpid()}).encode() + b"\n",
            stdout=subprocess.PIPE,
            stderr=None if _watched() else subprocess.PIPE,
            env=environment,
            timeout=deadline,
            check=False,
        )
    except subprocess.TimeoutExpired:
        what = f"{_hub()} did not deliver {job} within {deadline:g} seconds."
        raise RobustXtremeError(f"{what} What arrived is kept; set {DEADLINE_VARIABLE} to allow more.") from None
    try:
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = ((done.stderr or b"").decode("utf-8", "replace").strip().splitlines() or ["no message"])[-1]
        raise RobustXtremeError(f"Fetching {job} ended with the code {done.returncode}: {public(last)[:300]}") from None
    return answer


def _watched() -> bool:
    """Whether someone sees the progress bars of a download."""
    try:
        return sys.stderr.isatty() and sys.stderr.fileno() >= 0
    except (AttributeError, OSError, ValueError):
        return False


def _hub() -> str:
    from huggingface_hub import constants

    return f"The hub at {public(constants.ENDPOINT)}"


def _translated(job: _Job, answer: Mapping[str, Any]) -> RobustXtremeError:
    """The error for the child's answer, one line: a mistake of the user, or a failure of the hub."""
    kind, detail = answer["error"], public(answer["detail"])
    if kind in _WRONG:
        return job.wrong(_WRONG[kind])
    if kind == "status":
        return RobustXtremeError(f"{_hub()} answers {detail}, fetching {job}. Try again later.")
    if kind in _FAILED:
        what, step = _FAILED[kind]
        return RobustXtremeError(f"{_hub()} {what}, fetching {job}: {detail.rstrip('.')}. {step}")
    return RobustXtremeError(f"{_hub()} did not deliver {job}: {detail}")


_WRONG: Final = {
    "gated": "is gated: accept its terms on its page of the hub, and name your token in HF_TOKEN.",
    "revision": "does not exist: the repository is on the hub, but that revision is not. Name one of its commits.",
    "unknown": "does not exist on the hub, or is private. Check the name; a token in HF_TOKEN opens private ones.",
    "disabled": "is disabled by the hub.",
    "denied": "is refused to you. Check the token in HF_TOKEN.",
    "name": "cannot be: the hub's client does not take that name.",
}
_FAILED: Final = {
    "strange": ("does not answer as a hub", "Check HF_ENDPOINT."),
    "down": ("cannot be reached", "Check the network, or name a local folder instead."),
    "cut": ("broke off", "The same command continues."),
    "disk": ("sent more than this disk can store", "Free some space, or name another disk in HF_HOME."),
    "limit": ("sent a file that is larger than files may be", "Raise the limit on the size of files (ulimit -f)."),
}


FILES: Final = (
    *("config.json", "adapter_config.json"),
    *("adapter_model.safetensors", "model.safetensors", "model-*-of-*.safetensors", "model.safetensors.index.json"),
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.json", "vocab.txt", "merges.txt", "*.model"),
)
"""The files of a transformers checkpoint that are fetched and that its identity is computed from."""

SENTENCE: Final = (
    *("modules.json", "config_sentence_transformers.json", "sentence_*_config.json"),
    *("*_Pooling/config.json", "*_Dense/config.json", "*_Dense/model.safetensors"),
)
"""What a folder of sentence-transformers has besides; part of the identity where there is a modules.json."""

IN_A_MODULE: Final = (*FILES, "sentence_*_config.json")
"""The files of a module of sentence-transformers in its own folder; the first module is a transformers checkpoint."""

CARD: Final = "README.md"
"""The model card; it is fetched too, but is not part of the identity."""

CODE: Final = ("*.py",)


def on_hub(name: str) -> bool:
    """Whether a name means a repository on the hub: OWNER/NAME, and no such path exists here."""
    return like_hub(name) and not exists(name)


def fetched(name: str, revision: str, *, offline: bool, code: bool = False, inside: Iterable[str] = ()) -> Snapshot:
    """The files of a checkpoint at a commit (or main's), its code only if asked. Raises what `snapshot` does.

    `inside` are the folders of its modules.
    """
    try:
        of_modules = [f"{path}/{pattern}" for path in inside for pattern in IN_A_MODULE]
        patterns = (*FILES, *SENTENCE, CARD, *(CODE if code else ()), *of_modules)
        return snapshot("model", name, revision or "main", patterns, offline=offline)
    except RobustXtremeError as error:  # a path may have been meant
        kind = UserError if isinstance(error, UserError) else RobustXtremeError
        raise kind(f"There is no folder {name!r} here, and on the hub: {error}") from error
