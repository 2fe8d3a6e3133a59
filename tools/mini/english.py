"""Makes the word vectors and the tokenizer of monolingual encoders: from English clauses alone.

`python -m tools.mini.english OUT`: the clauses are those of mini's word vectors, only in English.
"""

from __future__ import annotations

import argparse
import string
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save_file
from tools.mini import encoder, parallel
from tools.mini.build import Recipe
from tools.mini.causes import QUESTIONS
from tools.mini.tokenizer import new_tokenizer

from robust_xtreme.training.scratch import EMBEDDINGS, VECTORS

_TOKENIZER: Final = ("tokenizer.json", "tokenizer_config.json")
_READABLE: Final = 0o644


def write(folder: Path, recipe: Recipe, seed: int = 0) -> Path:
    """Write the tokenizer and the word vectors, in half precision."""
    texts = parallel.translations(seed + 1, ("en",), recipe.texts)
    words = [*parallel.words_of(texts), *QUESTIONS]
    tokenizer = new_tokenizer(words, sorted(string.ascii_lowercase + string.digits), recipe.vocabulary)
    vectors = encoder.vectors(texts, tokenizer, seed)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    for path in folder.iterdir():
        if path.name not in _TOKENIZER:
            path.unlink()
    save_file({EMBEDDINGS: torch.tensor(vectors, dtype=torch.float16)}, folder / VECTORS)
    (folder / VECTORS).chmod(_READABLE)
    return folder


def main() -> None:
    """Make the word vectors of English."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    folder = write(arguments.folder, Recipe(), arguments.seed)
    print(f"{folder}: {sum(path.stat().st_size for path in folder.iterdir()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
