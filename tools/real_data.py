"""Writes a folder of release files on which heads are trained and evaluated, without any that serves as both.

    python -m tools.real_data DIR OUT

DIR has release files; what `make real` needs of them is copied. Files of development and test data that no head is
evaluated on serve as training files under the names that `robust-xtreme train` reads:

- `squad/train-v1.1.json`: SQuAD's development set without the passages of XQuAD and LAReQA, 9,380 questions. They are
  on other passages of the same 48 articles.
- `siqa/socialIQa_v1.4_trn.jsonl`: Social IQa's development and test set.
- `pawsx/train-en.tsv`: the English development set of PAWS-X, which has no training file here. Only its labelled test
  files in German and Chinese are in the folder.
- `captions/each/LANGUAGE.txt`, the sentences of XVNLI's test set (captions and hypotheses of Flickr30k) and of the
  development set of PAWS-X, and `captions/mixed/LANGUAGE.txt`, of which each item is in one language: plain text for
  the study `multimodal`.

Left out: XCOPA in Thai, whose upstream file has one value in every row; UD_Arabic-PADT of version 1.2, whose tags are
not those of version 2; the unlabelled test files of PAWS-X; and SNLI's test set, since `train` reads SNLI only as a
part of ANLI+, for which it needs ANLI.

`OUT/real_data.json` has the sha256 of every file, and of files that serve as training data their source, its split, the
rows, and how many of them have a text that an evaluated file contains. The folder is written whole or not at all, and
is left as it is where it was made of the same files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, final

RECORD: Final = "real_data.json"
"""The file that says what the others are."""

COPIED: Final = (
    "panx/*.tsv",
    "xnli/*.tsv",
    "ud/*/*.conllu",
    "xquad/*.json",
    "mlqa/*/*.json",
    "tydiqa_goldp/*.train.json",
    "lareqa/xquad-r/*.json",
    "tatoeba/v1/tatoeba.*",
    "bucc2018/*",
    "xcopa/data/*/*.jsonl",
    "masakhaner2/*/*.txt",
    "mnli/taxinli10k.tsv",
    "commonsenseqa/*_rand_split.jsonl",
    "ud/*/LICENSE.txt",
)
_LEFT_OUT: Final = ("xcopa/data/th", "ud/UD_Arabic-PADT")
_EACH, _MIXED = "captions/each", "captions/mixed"
_CAPTIONED, _PARAPHRASED = ("ar", "es", "fr", "ru"), ("en", "es", "fr")
_LABELLED: Final = {f"pawsx/labelled/test-{code}.tsv": f"pawsx/test-{code}.tsv" for code in ("de", "zh")}

Articles = list[dict[str, Any]]


@final
@dataclass(frozen=True, slots=True)
class Training:
    """A training file that is made of files of another split.

    `write` gives its text and rows of the sources' texts; `overlap` counts the rows whose text evaluated files contain.
    """

    path: str
    sources: tuple[str, ...]
    split: str
    evaluated: tuple[str, ...]
    write: Callable[[Path, Training], tuple[str, int]]
    overlap: Callable[[str, Iterable[str]], int]


@final
@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """What OUT's record says of a training file."""

    path: str
    sources: Mapping[str, str]
    split: str
    rows: int
    sha256: str
    overlap: int
    evaluated: tuple[str, ...]


def normal(text: str) -> str:
    """The text in one form, so that copies of it are equal."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def passages(text: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each article of a file of SQuAD's format with each of its passages."""
    for article in json.loads(text)["data"]:
        for passage in article["paragraphs"]:
            yield article, passage


def without_passages(data: Path, made: Training) -> tuple[str, int]:
    """SQuAD without the passages of the evaluated files, and the questions that stay."""
    taken = {normal(passage["context"]) for text in _texts(data, made.evaluated) for _, passage in passages(text)}
    articles: Articles = []
    rows = 0
    for article, passage in passages((data / made.sources[0]).read_text("utf-8")):
        if normal(passage["context"]) in taken:
            continue
        if not articles or articles[-1]["title"] != article["title"]:
            articles.append({**article, "paragraphs": []})
        articles[-1]["paragraphs"].append(passage)
        rows += len(passage["qas"])
    return json.dumps({"version": "1.1", "data": articles}, ensure_ascii=False) + "\n", rows


def shared_passages(text: str, evaluated: Iterable[str]) -> int:
    """How many questions have a passage, or are a question, of the evaluated files."""
    known = {normal(passage["context"]) for other in evaluated for _, passage in passages(other)}
    asked = {normal(row["question"]) for other in evaluated for _, passage in passages(other) for row in passage["qas"]}
    return sum(
        normal(passage["context"]) in known or normal(row["question"]) in asked
        for _, passage in passages(text)
        for row in passage["qas"]
    )


def joined(data: Path, made: Training) -> tuple[str, int]:
    """The lines of the sources, one file after the other."""
    lines = [line for text in _texts(data, made.sources) for line in text.splitlines() if line.strip()]
    return "".join(f"{line}\n" for line in lines), len(lines)


def shared_premises(text: str, evaluated: Iterable[str]) -> int:
    """How many rows of Social IQa have the premise of an evaluated row of XCOPA as their context."""
    known = {normal(json.loads(line)["premise"]) for other in evaluated for line in other.splitlines() if line}
    return sum(normal(json.loads(line)["context"]) in known for line in text.splitlines())


def shared_pairs(text: str, evaluated: Iterable[str]) -> int:
    """How many pairs of sentences are in an evaluated file, in either order; a label of two languages may differ."""
    known = {frozenset(map(normal, _pair(line))) for other in evaluated for line in other.splitlines() if line}
    return sum(frozenset(map(normal, _pair(line))) in known for line in text.splitlines())


def _pair(line: str) -> tuple[str, str]:
    """The two sentences of a line of PAWS-X, with or without an id before them."""
    parts = line.split("\t")
    at = 1 if parts[0].isdecimal() and len(parts) > 3 else 0
    return parts[at], parts[at + 1]


def of_captions(data: Path, made: Training) -> tuple[str, int]:
    """The sentences of XVNLI and PAWS-X in the language of a path; of `mixed` those items that are its own."""
    code, own = Path(made.path).stem, made.path.startswith(_MIXED)
    kept: list[str] = []
    for source in made.sources:
        several = [other for other in _CAPTIONED if "XVNLI" in source or other in _PARAPHRASED]
        lines = [line for line in (data / source).read_text("utf-8").splitlines() if line.strip()]
        pairs = [_item(line) if source.endswith("jsonl") else ("", *_pair(line)) for line in lines]
        images = {image: number for number, image in enumerate(dict.fromkeys(image for image, *_ in pairs))}
        for number, (image, *texts) in enumerate(pairs):
            at = images[image] if image else number
            kept += texts if not own or several[at % len(several)] == code else []
    lines = [line for line in dict.fromkeys(" ".join(text.split()) for text in kept) if line]
    return "".join(f"{line}\n" for line in lines), len(lines)


def _item(line: str) -> tuple[str, str, str]:
    """The image of a line of XVNLI, its caption and its hypothesis."""
    row = json.loads(line)
    return row["Flikr30kID"], row["sentence1"], row["sentence2"]


def _captions() -> Iterator[Training]:
    """The files of captions."""
    for folder, codes in ((_EACH, ("en", *_CAPTIONED)), (_MIXED, _CAPTIONED)):
        for code in codes:
            sources = (f"iglue/XVNLI/{code}/test.jsonl", *([f"pawsx/dev-{code}.tsv"] if code in _PARAPHRASED else []))
            yield Training(f"{folder}/{code}.txt", sources, "test+validation", (), of_captions, lambda *_: 0)


TRAINING: Final = (
    Training(
        "squad/train-v1.1.json",
        ("squad/dev-v1.1.rebuilt.json",),
        "validation",
        ("xquad/xquad.en.json", "lareqa/xquad-r/en.json"),
        without_passages,
        shared_passages,
    ),
    Training(
        "siqa/socialIQa_v1.4_trn.jsonl",
        ("siqa/socialIQa_v1.4_dev.jsonl", "siqa/socialIQa_v1.4_tst.jsonl"),
        "validation+test",
        ("xcopa/data/en/val.en.jsonl", "xcopa/data/en/test.en.jsonl"),
        joined,
        shared_premises,
    ),
    Training(
        "pawsx/train-en.tsv",
        ("pawsx/dev-en.tsv",),
        "validation",
        tuple(_LABELLED),
        joined,
        shared_pairs,
    ),
    *_captions(),
)
"""The training files that are made of other splits."""


def _texts(data: Path, paths: Iterable[str]) -> Iterator[str]:
    """The texts of the files that are there."""
    for path in paths:
        if (data / path).is_file():
            yield (data / path).read_text("utf-8")


def sha256(path: Path) -> str:
    """The hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def copied(data: Path) -> dict[str, Path]:
    """The files that are copied, by their paths in the new folder."""
    found = {str(path.relative_to(data)): path for pattern in COPIED for path in data.glob(pattern) if path.is_file()}
    found |= {path: data / source for source, path in _LABELLED.items() if (data / source).is_file()}
    return {path: found[path] for path in sorted(found) if not path.startswith(_LEFT_OUT)}


def makeable(data: Path) -> list[Training]:
    """The training files of which all sources are there."""
    return [made for made in TRAINING if all((data / source).is_file() for source in made.sources)]


def sources(data: Path) -> dict[str, str]:
    """The hash of every file that is read, by its path."""
    read = {str(path.relative_to(data)): path for path in copied(data).values()}
    read |= {source: data / source for made in makeable(data) for source in made.sources}
    return {path: sha256(read[path]) for path in sorted(read)}


def is_made(data: Path, out: Path) -> bool:
    """Whether the folder was made of these files."""
    path = out / RECORD
    return path.is_file() and json.loads(path.read_text("utf-8"))["sources"] == sources(data)


def made_file(data: Path, folder: Path, made: Training) -> TrainingRecord:
    """Write a training file into the folder."""
    text, rows = made.write(data, made)
    path = folder / made.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    there = tuple(name for name in made.evaluated if (data / name).is_file())
    overlap = made.overlap(text, _texts(data, there))
    hashes = {source: sha256(data / source) for source in made.sources}
    return TrainingRecord(made.path, hashes, made.split, rows, sha256(path), overlap, there)


def make(data: Path, out: Path) -> bool:
    """Write the folder; False: it is there already."""
    if not data.is_dir() or not copied(data):
        raise SystemExit(f"{data} has no release files. Name the folder that has them: --data DIR")
    if is_made(data, out):
        return False
    if out.exists():
        raise SystemExit(f"{out} is there, and was not made of the files that {data} has now. Move it away first.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".real-data-") as temporary:
        folder = Path(temporary) / "made"
        for name, source in copied(data).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / name)
        training = [asdict(made_file(data, folder, made)) for made in makeable(data)]
        record = {"training": training, "sources": sources(data)}
        (folder / RECORD).write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", "utf-8")
        folder.rename(out)
    return True


def main() -> None:
    """Make the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    words = parser.parse_args()
    written = make(words.data, words.out)
    print(f"{words.out}: {'written' if written else 'there already'}")
    for row in json.loads((words.out / RECORD).read_text("utf-8"))["training"]:
        print(f"{row['path']}: {row['rows']:,} rows of {row['split']}, {row['overlap']:,} in evaluated files too")


if __name__ == "__main__":
    main()
