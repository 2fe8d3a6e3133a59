"""Files are made by `new_files.py` alone: a random name, never through a link, in their places when they are whole."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

SOURCE: Final = Path(__file__).parents[2] / "src" / "robust_xtreme"

WRITES: Final = frozenset(
    {"write_text", "write_bytes", "touch", "mkstemp", "mkdtemp", "NamedTemporaryFile", "symlink_to", "hardlink_to"}
    | {"mkfifo", "mknod", "os.link", "os.symlink", "shutil.copy", "shutil.move", "copyfile", "copy2", "copytree"}
    | {"save_file", "save_pretrained", "save_checkpoint", "torch.save", "np.save", "savez", "tofile", "memmap"}
    | {"write_parquet", "sink_parquet", "write_csv", "sink_csv", "write_ipc", "sqlite3.connect", "FileHandler"}
)
"""Functions of Python and of libraries that make or fill a file, beside `open` with a mode or flag to write."""

ALLOWED: Final = {
    "files/new_files.py": ({"open"}, "what makes the files"),
    "tasks/formats/parquet.py": ({"write_parquet"}, "into memory"),
    "models/retrieval/embeddings.py": ({"memmap"}, "a file without a name"),
    "files/store.py": ({"sink_parquet"}, "into memory, or into a file of `created`"),
    "exchange/perturbing/output.py": ({"open"}, "a pipe or a device that is there"),
    "files/cache.py": ({"touch", "connect"}, "the time of use in a row; sqlite's file, never one that is a link"),
    "workers/channel.py": ({"open"}, "memory that has no name"),
    "training/resume.py": (
        {"save", "save_checkpoint", "save_file", "save_pretrained"},
        "in a folder of `written_folder`, or safetensors names it",
    ),
    "training/stage.py": ({"save_file"}, "in a folder of `written_folder`"),
    "models/in_memory.py": ({"save_pretrained"}, "in a TemporaryDirectory, which nobody else may write"),
    "models/mini.py": ({"save_pretrained"}, "the method itself"),
    "noise/engine/ocr_channel.py": ({"write_text"}, "in a TemporaryDirectory, which nobody else may write"),
}
"""The functions that other files of `src` use, and why another user cannot foretell what they write."""


def _calls(code: str) -> Iterator[str]:
    """The functions by which code makes or fills a file; our own of the same name, in `store`, are none."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call):
            whole = ast.unparse(node.func)
            name = whole.rpartition(".")[2]
            if (name == "open" and _writes(node)) or ({whole, name} & WRITES and not whole.startswith("store.")):
                yield name


def _writes(call: ast.Call) -> bool:
    """Whether a call of `open` has a mode or a flag to write, or a mode that is computed; not to the null device."""
    words = [ast.unparse(each) for each in (*call.args, *(keyword.value for keyword in call.keywords))]
    modes = [word.strip("'") for word in words if re.fullmatch("'[rwaxbt+]{1,3}'", word)]
    flags = re.search(r"O_(WRONLY|RDWR|CREAT|APPEND)", " ".join(words))
    return "os.devnull" not in words and ("mode" in words or bool(flags) or any({*mode} & {*"wax+"} for mode in modes))


@pytest.mark.parametrize(
    "line",
    [
        *('open(p, "w")', 'Path(p).open("ab")', 'p.open(mode="x")', 'open(p, "r+b")', 'io.open(p, "wt")'),
        *("p.write_text(t)", "p.write_bytes(b)", "p.touch()", "os.open(p, os.O_WRONLY | os.O_CREAT)", "open(p, mode)"),
        *("save_file(w, p)", "torch.save(s, p)", "frame.write_csv(p)", "shutil.copyfile(a, b)", "sqlite3.connect(p)"),
    ],
)
def test_each_way_to_write_is_found(line: str) -> None:
    """The check below sees it."""
    assert len([*_calls(line)]) == 1


@pytest.mark.parametrize(
    "line",
    [
        *(
            "open(p)",
            'p.open("rb")',
            "os.open(p, os.O_RDONLY)",
            "os.open(os.devnull, os.O_WRONLY)",
            "webbrowser.open(u)",
        ),
        *("store.write_text(p, t)", "row.copy()", "cell.rename(a)", 'zipped.open("rows.jsonl")'),
    ],
)
def test_what_only_reads_is_not_one(line: str) -> None:
    """Neither are our own functions."""
    assert [*_calls(line)] == []


def test_one_function_makes_files() -> None:
    """Elsewhere nothing opens a file to write, but what is listed, with the reason; nothing is listed in vain."""
    files = {path.relative_to(SOURCE).as_posix(): {*_calls(path.read_text("utf-8"))} for path in SOURCE.rglob("*.py")}
    assert {name: calls for name, calls in files.items() if calls} == {name: row[0] for name, row in ALLOWED.items()}
