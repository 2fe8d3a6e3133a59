"""Files with random changes: every reader either reads them, or refuses them in one line."""

from __future__ import annotations

import gzip
import io
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl
import pytest
from tests.measured_reads import refused
from tests.mini_suite import mini_files, mini_lines
from tests.perturbed import FIELDS, SAMPLES, SPEC
from tests.sample_files import FOLDER, sample, samples

from robust_xtreme.core import registry, resources, run_spec
from robust_xtreme.exchange.perturbing.files import PerturbJob, perturb_file
from robust_xtreme.noise.user_packs import using
from robust_xtreme.tasks import formats
from robust_xtreme.tasks.formats import read_file, reader
from robust_xtreme.tasks.sources.release import options
from robust_xtreme.tasks.sources.source import load, open_source
from robust_xtreme.training.spec import recipe
from robust_xtreme.training.values import spec_of

FILES: Final = 5_000
SETTINGS: Final = 1_000
TOKENS: Final = (
    *(b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r", b"\n\n", b"\t", b'"', b"\\", b",", b"{", b"]", b"= "),
    *(b"null", b"true", b"-1", b"1e999", b"NaN", b"9" * 25, b"9" * 5000, b"[" * 3000, b"\\ud800", b"\xe2\x80\xae"),
)
KINDS: Final = {
    "alphabets": "sw.toml",
    "keyboards": "us.toml",
    "suites": "ci.toml",
    "misspellings": "tr.tsv",
    "lookalikes": "Thai.tsv",
    "natural": "en.toml",
    "realwords": "ur.tsv",
    "input": "vi-telex.tsv",
    "diacritics": "kk.tsv",
    "confusables": "Taml.tsv",
    "normalisation": "fa.tsv",
}


CANDIDATES: Final = {"mewslix/candidate_set_entities.jsonl": sample("mewsli_entities").encode()}
"""What the mentions of Mewsli-X refer to."""


class Case(NamedTuple):
    """A file by its path in a folder, its content, other files beside it, and what reads the folder."""

    name: str
    data: bytes
    read: Callable[[Path], object]
    beside: Mapping[str, bytes] = {}


def mutated(data: bytes, draw: random.Random) -> bytes:
    """The content with one to four changes: of bytes, of a range, of lines, or a cut."""
    changed = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        at, length = draw.randrange(len(changed) + 1), draw.choice((1, 2, 8, 60))
        match draw.randrange(7):
            case 0 if at < len(changed):
                changed[at] ^= 1 << draw.randrange(8)
            case 1:
                changed[at : at + length] = draw.randbytes(length)
            case 2:
                del changed[at : at + length]
            case 3:
                changed[at:at] = changed[at : at + length] * draw.choice((1, 3))
            case 4:
                del changed[at:]
            case 5:
                changed[at : at + draw.choice((0, 1, 4))] = draw.choice(TOKENS)
            case _:
                lines = changed.split(b"\n")
                draw.shuffle(lines)
                changed = bytearray(b"\n".join(lines))
    return bytes(changed)


def _perturbed(format: str, folder: Path) -> None:
    fields = FIELDS.get(format, ("text",) if format == "parquet" else ())
    files = str(folder / "in"), SPEC, str(folder / "out")
    header = False if format == "tsv" else None
    perturb_file(PerturbJob(*files, language="sw", format=format, fields=fields, header=header, force=True))


def _rows(name: str, files: tuple[str, ...], folder: Path) -> None:
    module = reader(name)
    texts = [read_file(folder / file).text for file in files]
    if len(files) > 1:
        module.read_parts([(text, file) for text, file in zip(texts, files, strict=True)])
    else:
        module.read(texts[0], files[0])


def _examples(task: str, language: str, split: str, folder: Path) -> None:
    load(registry.load("task", task), open_source(str(folder)), language, split)


def _read_file(read: Callable[[Path], object], folder: Path) -> None:
    read(folder / "file.toml")


def _use_packs(folder: Path) -> None:
    with using(folder):
        pass


def perturbed_files() -> Iterator[Case]:
    """The formats that `perturb` reads, two of them compressed too."""
    table = io.BytesIO()
    pl.DataFrame({"text": ["Habari ya asubuhi", "x"], "n": [1, 2]}).write_parquet(table)
    contents = {**{name: text.encode() for name, text in SAMPLES.items()}, "parquet": table.getvalue()}
    for format in formats.FORMATS:
        yield Case("in", contents[format], partial(_perturbed, format))
    for format in ("jsonl", "parquet"):
        yield Case("in", gzip.compress(contents[format], mtime=0), partial(_perturbed, format))


def release_files() -> Iterator[Case]:
    """Each split of each task that has a sample, read as `eval` and `train` read it."""
    for name in registry.names("task"):
        task = registry.load("task", name)
        for split, files in task.files.items():
            known = (*task.languages, *(task.train_languages if split == "train" else ()))
            language = "en" if "en" in known else known[0]
            paths = [path.replace("*", "sample") for path in options(files, language)[0]]
            texts = dict(zip(paths, (text.encode() for text in samples(files.reader)), strict=True))
            for path, data in texts.items():
                yield Case(path, data, partial(_examples, name, language, split), {**CANDIDATES, **texts})


def reader_files() -> Iterator[Case]:
    """A file of each reader, those of intermediate tasks too."""
    for name in dict.fromkeys(path.name.partition("-")[0] for path in sorted(FOLDER.iterdir())):
        parts = {f"{number}.txt": text.encode() for number, text in enumerate(samples(name))}
        for path, data in parts.items():
            yield Case(path, data, partial(_rows, name, tuple(parts)), parts)


def suite_files() -> Iterator[Case]:
    """The description of a suite, and its rows of each task."""
    folder = resources.mini("suite")
    facts = (folder / "suite.toml").read_bytes()
    rows = {
        path: "".join(mini_lines(path)[:6]).encode() for path in mini_files() if Path(path).stem in ("test-sw", "pool")
    }
    every = {"suite.toml": facts, **rows}
    yield Case("suite.toml", facts, partial(_examples, "xnli", "sw", "test"), every)
    for path, data in rows.items():
        yield Case(path, data, partial(_examples, path.partition("/")[0], "sw", "test"), every)


def settings() -> Iterator[Case]:
    """Files of runs and recipes, and a pack of each kind."""
    readers: Mapping[str, Callable[[Path], object]] = {
        "runs": run_spec.from_toml,
        "recipes": lambda path: recipe.__wrapped__(str(path)),  # every file has the same name, which the cache knows
        "train": lambda path: spec_of(str(path), {"data": "mini"}),
    }
    for kind, read in readers.items():
        for path in sorted((resources.folder("configs") / kind).glob("*.toml")):
            yield Case("file.toml", path.read_bytes(), partial(_read_file, read))
    for kind, name in KINDS.items():
        data = (resources.folder("perturbations") / kind / name).read_bytes()
        yield Case(f"{kind}/{name}", data, _use_packs)


def written(case: Case, data: bytes, folder: Path) -> None:
    """Make the folder of a case, with that content of its file."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in {**case.beside, case.name: data}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def outcome(case: Case, folder: Path, seed: str) -> str:
    """`read` or `refused` for the file with the changes of a seed; anything else fails with the seed."""
    written(case, mutated(case.data, random.Random(seed)), folder)
    try:
        return "refused" if refused(partial(case.read, folder), folder) else "read"
    except AssertionError as error:
        raise AssertionError(f"{seed}: {error}") from error


SOURCES: Final[Mapping[str, tuple[Callable[[], Iterator[Case]], int]]] = {
    "perturbed": (perturbed_files, FILES * 4 // 10),
    "release": (release_files, FILES * 3 // 10),
    "readers": (reader_files, FILES // 10),
    "suite": (suite_files, FILES * 2 // 10),
    "settings": (settings, SETTINGS),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("many", [4, pytest.param(0, marks=pytest.mark.long)], ids=["some", "all"])
def test_a_changed_file_is_read_or_refused(source: str, many: int, tmp_path: Path) -> None:
    """With nothing written, in little time and memory; `all` are 5,000 files, and 1,000 settings and packs."""
    make, every = SOURCES[source]
    cases = list(make())
    counts: Counter[str] = Counter()
    for number in range(many or every):
        case = cases[number * len(cases) // many if many else number % len(cases)]
        if number < len(cases):
            written(case, case.data, tmp_path / "files")
            case.read(tmp_path / "files")
        counts[outcome(case, tmp_path / "files", f"{source}/{case.name}/{number}")] += 1
    assert counts["refused"] > 0
