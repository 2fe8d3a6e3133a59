"""Makes a folder of release files in which a small model can learn names and parts of speech in many languages.

`python tools/divided.py DATA OUT` writes, of the release files in DATA:

- `panx`: where a language has no training file, half of its validation sentences become one, and the other half stay.
  A sentence's half is a bit of the hash of its words, so that equal sentences are in the same half.
- `udpos`: the validation file of a treebank without a training file becomes its training file; the test file stays.
- the folders named by `--copy`, as they are.

What is evaluated is never trained on. Levels of such a model are those of training in the language.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
from pathlib import Path
from typing import Final

_TRAIN, _DEV = "train", "dev"
_TREEBANK: Final = "-ud-"


def halves(text: str) -> tuple[str, str]:
    """The sentences of a file of words and tags, divided into those to train on and those that stay."""
    parts: tuple[list[str], list[str]] = ([], [])
    for sentence in filter(None, (block.strip("\n") for block in text.split("\n\n"))):
        words = "\n".join(line.split("\t")[0] for line in sentence.split("\n"))
        parts[hashlib.sha256(words.encode()).digest()[0] & 1].append(sentence)
    trained, kept = ("".join(f"{sentence}\n\n" for sentence in part) for part in parts)
    return trained, kept


def divide_names(data: Path, out: Path) -> None:
    """Write `panx` with a training file for every language."""
    for path in sorted(data.glob(f"{_DEV}-*.tsv")):
        trained = path.with_name(path.name.replace(_DEV, _TRAIN, 1))
        texts = (
            (trained.read_text("utf-8"), path.read_text("utf-8"))
            if trained.exists()
            else halves(path.read_text("utf-8"))
        )
        for name, text in zip((trained.name, path.name), texts, strict=True):
            (out / name).write_text(text, "utf-8")


def divide_treebanks(data: Path, out: Path) -> None:
    """Write `ud` with the validation file of a treebank renamed as training file where there is none."""
    for folder in sorted(path for path in data.iterdir() if path.is_dir()):
        shutil.copytree(folder, out / folder.name, dirs_exist_ok=True)
        if not list(folder.glob(f"*{_TREEBANK}{_TRAIN}*")):
            for path in (out / folder.name).glob(f"*{_TREEBANK}{_DEV}*"):
                path.rename(path.with_name(path.name.replace(f"{_TREEBANK}{_DEV}", f"{_TREEBANK}{_TRAIN}")))


def main() -> None:
    """Make the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--copy", default="", help="folders that are copied, as in xnli,tatoeba")
    chosen = parser.parse_args()
    for name, divide in (("panx", divide_names), ("ud", divide_treebanks)):
        (chosen.out / name).mkdir(parents=True)
        divide(chosen.data / name, chosen.out / name)
    for name in filter(None, chosen.copy.split(",")):
        shutil.copytree(chosen.data / name, chosen.out / name)


if __name__ == "__main__":
    main()
