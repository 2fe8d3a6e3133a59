"""Folders of release files by which small models are trained above chance in many languages, and attacked.

    python -m benchmarks.attacked_data --data DIR --out FOLDER

The public release has too few labelled files to train on, and the encoders are too small to transfer, so that here
files of another split are training data in every language that has them; what is attacked is not among them.

- PAN-X: of each language's validation file the sentences in turn are one to train on, one to attack, unless another
  language's to train on has the same words.
- XNLI: trained on the test files of nine languages, attacked on the validation files of fifteen.
- TyDi QA, whose model answers XQuAD: trained on the training and validation files.
- Universal Dependencies: trained on the training files, and the validation files where there is no other.

FOLDER/train is for `train --data`, FOLDER/attacked for `python -m benchmarks.attacks --data`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path


def write(data: Path, out: Path) -> None:
    """Write both folders: halves of files, and links to whole ones."""
    train, attacked = out / "train", out / "attacked"
    panx = {path.name: path.read_text(encoding="utf-8").split("\n\n") for path in (data / "panx").glob("dev-*.tsv")}
    learned = {_words(sentence) for sentences in panx.values() for sentence in sentences[::2]}
    for name, sentences in panx.items():
        _file(train / "panx" / name.replace("dev", "train"), sentences[::2])
        _file(attacked / "panx" / name, [each for each in sentences[1::2] if _words(each) not in learned])
    for new, old in _links(data):
        path = out / new
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(old.resolve())


def _links(data: Path) -> Iterator[tuple[Path, Path]]:
    """The new path of each file that is taken whole."""
    for path in sorted((data / "xnli").glob("test-*.tsv")):
        yield Path("train", "xnli", path.name.replace("test", "train")), path
    for path in sorted((data / "xnli").glob("dev-*.tsv")):
        yield Path("attacked", "xnli", path.name), path
    for path in sorted((data / "tydiqa_goldp").glob("*.json")):
        whole = path.with_name(path.name.replace("dev", "train")).exists() and "dev" in path.name
        if not whole:
            yield Path("train", "tydiqa_goldp", path.name.replace("dev", "train")), path
    for path in sorted((data / "xquad").glob("*.json")):
        yield Path("attacked", "xquad", path.name), path
    for path in sorted((data / "ud").glob("*/*.conllu")):
        bank = Path("ud", path.parent.name)
        if "-test." in path.name:
            yield "attacked" / bank / path.name, path
        elif "-train." in path.name:
            yield "train" / bank / path.name, path
        elif not any(path.parent.glob("*-train.*")):
            yield "train" / bank / path.name.replace("-dev.", "-train."), path


def _words(sentence: str) -> str:
    """The letters and digits of a sentence without its tags: what sentences are compared by."""
    words = "".join(line.partition("\t")[0] for line in sentence.splitlines())
    return "".join(filter(str.isalnum, words.casefold()))


def _file(path: Path, sentences: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(each for each in sentences if each.strip()) + "\n\n", encoding="utf-8")


def main() -> None:
    """Write the folders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    write(given.data, given.out)


if __name__ == "__main__":
    main()
