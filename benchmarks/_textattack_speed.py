"""How fast TextAttack's augmenter is; run by benchmarks/perturb.py with the Python of another environment.

Standard input: JSON with `texts` (sentences of some number of words, by that number), `ways` (names of transformations)
and `runs`. Standard output, last line: JSON with the library's version and, by way and number of words, millions of
characters per second of processor time. TextAttack asks for NLTK's stop words when it is imported; it is given none,
and a constraint on stop words is not used.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import time
from collections.abc import Callable, Sequence


def speed(augment: Callable[[str], object], texts: Sequence[str], runs: int) -> float:
    """Millions of characters/s, the best of the runs."""
    taken = []
    for _ in range(runs):
        start = time.process_time()
        for text in texts:
            augment(text)
        taken.append(time.process_time() - start)
    return sum(map(len, texts)) / min(taken) / 1e6


def main() -> None:
    """Measure what standard input asks for."""
    from nltk.corpus import stopwords

    stopwords.words = lambda *_, **__: []
    from textattack.augmentation import Augmenter

    from textattack import transformations

    asked = json.load(sys.stdin)
    speeds = {}
    for way in asked["ways"]:
        augmenter = Augmenter(
            transformation=getattr(transformations, way)(), pct_words_to_swap=0.1, transformations_per_example=1
        )
        speeds[way] = {words: speed(augmenter.augment, texts, asked["runs"]) for words, texts in asked["texts"].items()}
    print(json.dumps({"version": importlib.metadata.version("textattack"), "ways": speeds}))


if __name__ == "__main__":
    main()
