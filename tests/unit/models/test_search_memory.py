"""A corpus of 100,000 passages is served to a function that ranks in little memory beside the function's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Final

import pytest
from benchmarks._host_memory import peak_of

BAR: Final = 2048
"""MiB of all processes; the function keeps nothing."""

PASSAGES, QUERIES = 100_000, 1_000
RUN: Final = """
from robust_xtreme import evaluate

def search(queries, corpus):
    ids = list(corpus)
    return [ids[at : at + 100] for at in range(len(queries))]

run = evaluate(search=search, data="corpus", languages="en", perturb=["keyboard_typo:0.1,0.3", "char_noise:0.1"])
assert run.predictions.height == 4000
"""


def write(folder: Path) -> None:
    """Passages of 500 characters, and a query for one in a hundred of them."""
    random = Random(0)
    words = ["".join(random.choices("abcdefghiklmnoprstuvw", k=6)) for _ in range(20_000)]
    corpus, queries, qrels = list[str](), list[str](), list[str]()
    for number in range(PASSAGES):
        own = random.choices(words, k=72)
        corpus.append(json.dumps({"_id": f"p{number}", "text": " ".join(own)}))
        if number % (PASSAGES // QUERIES) == 0:
            queries.append(json.dumps({"_id": f"q{number}", "text": " ".join(own[:6])}))
            qrels.append(f"q{number}\tp{number}\t1")
    folder.mkdir()
    for name, lines in (("corpus.jsonl", corpus), ("queries.jsonl", queries), ("qrels.tsv", qrels)):
        (folder / name).write_text("\n".join(lines) + "\n", "utf-8")


@pytest.mark.long
@pytest.mark.process
def test_a_large_corpus_is_served_below_two_gib(tmp_path: Path) -> None:
    """1,000 queries, clean and under three conditions, search 100,000 passages."""
    write(tmp_path / "corpus")
    environment = {**os.environ, "ROBUST_XTREME_CACHE": str(tmp_path / "cache")}
    process = subprocess.Popen([sys.executable, "-c", RUN], cwd=tmp_path, env=environment)
    assert 0 < peak_of(process) < BAR
    assert process.returncode == 0
