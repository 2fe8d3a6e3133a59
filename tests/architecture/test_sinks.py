"""No writer goes around `sinks.py`, which shows what names and texts contain instead of letting it act."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

SOURCE: Final = Path(__file__).parents[2] / "src" / "robust_xtreme"

WRITERS: Final = {
    r"(?<![.\w])print\(|typer\.echo\(|click\.echo\(|(?:stdout|stderr)(?:\.buffer)?\.write\(": {
        "sinks.py": "the sink itself",
        "sources/_fetch.py": "the answer of a child process, read by its parent",
        "commands/_ready.py": "the answer of a child process, read by its parent",
        "commands/_check.py": "the answer of a child process, read by its parent",
    },
    r"(?<![.\w])Console\((?!\))|rich import print|(?<![.\w])Terminal\(": {"commands/_terminal.py": "the consoles"},
    r"csv\.writer\(|csv\.DictWriter\(|write_csv\(": {},
    r"html\.escape\(|from html import": {"sinks.py": "the sink itself"},
    r"ensure_ascii=False": {
        "sinks.py": "the sink itself",
        "examples.py": "predictions, stored in parquet",
        "formats/_json.py": "rows of `perturb`, whose texts are data",
        "importing/raw.py": "answers of imported rows, which are data",
        "training/_released.py": "a text that is read again at once",
        "training/_kept.py": "translations, which are data",
        "models/trained.py": "a value of a frame",
        "results/stages.py": "the bytes of a digest",
        "report/summary.py": "lines of a code block, which shows them",
    },
    r"""open\("(?:a|w)[bt]?",?|(?<!store)\.write_text\(|\.write_bytes\(""": {
        "evaluation/folder.py": "log.txt, each line by `one_line`",
        "studies/run.py": "log.txt, each line by `one_line`",
        "exporting/harness/folder.py": "lines of JSON by `json_text`, of YAML by its own escapes, and a program",
        "gating/github.py": "the summary of a step, the Markdown of the comment",
        "results/store.py": "bytes of the sinks",
        "perturbing/output.py": "files of `perturb`, whose texts are data",
        "training/resume.py": "numbers of a saved state",
        "sources/hub.py": "names in the cache of the hub's client",
    },
    r"store\.write_text\(": {
        "commands/config.py": "a copy of a file",
        "evaluation/folder.py": "run.toml, by `json_text`",
        "training/_kept.py": "translations, which are data",
        "training/loop.py": "metrics.csv: names of tasks and numbers",
        "training/record.py": "a copy of a stage's record",
        "training/stage.py": "hashes",
        "studies/folder.py": "a copy of the study's file, and pages by the renderers",
    },
}
"""Ways to write, each with the files of `src` that use it and what they write."""


@pytest.mark.parametrize("way", WRITERS)
def test_writers_use_the_sinks(way: str) -> None:
    """What prints, writes CSV, JSON or a file directly is listed with what it writes; nothing else does."""
    users = {path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py") if _uses(path, way)}
    assert users - set(WRITERS[way]) == set()


def _uses(path: Path, way: str) -> bool:
    return any(re.search(way, line.partition("#")[0]) for line in path.read_text("utf-8").splitlines())
