"""The systems of reports/search that are not encoders alone: two searches by words, and two rerankers.

`robust-xtreme eval --model search=python:tools.search.systems:bm25` evaluates the first, from a checkout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import bm25s
import numpy as np
import regex
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from transformers import AutoModel, AutoTokenizer

ENCODERS: Final = Path("runs/encoders")
_WORD: Final = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]|[\p{L}\p{M}\p{N}]+")
_MOST: Final = 100
"""Candidates that a search returns."""

_TOGETHER: Final = 128
"""Queries whose cosines are computed together."""

_FOUND: Final = 20
"""Candidates of BM25 that are reranked."""


def words_of(text: str) -> list[str]:
    """The words of a text in small letters; each character of Chinese and Japanese is one."""
    return list(_WORD.findall(text.lower()))


def bm25(queries: Sequence[str], corpus: Mapping[str, str]) -> Iterator[list[str]]:
    """The candidates that share a word with each query, by BM25 with the defaults of bm25s (k1 1.5, b 0.75)."""
    ids = np.array(list(corpus))
    index = bm25s.BM25()
    index.index([words_of(text) for text in corpus.values()], show_progress=False)
    for query in queries:
        known = [word for word in words_of(query) if word in index.vocab_dict]
        scores = index.get_scores(known) if known else np.zeros(len(ids))
        yield ids[_best(scores)].tolist()


def tfidf(queries: Sequence[str], corpus: Mapping[str, str]) -> Iterator[list[str]]:
    """The candidates nearest to each query by the cosine of TF-IDF of two to four characters within words."""
    ids = np.array(list(corpus))
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, dtype=np.float32)
    candidates = vectorizer.fit_transform(corpus.values()).T.tocsr()
    asked = vectorizer.transform(queries)
    for start in range(0, len(queries), _TOGETHER):
        cosines = (asked[start : start + _TOGETHER] @ candidates).toarray()
        yield from (ids[_best(scores)].tolist() for scores in cosines)


def _best(scores: Any) -> Any:
    """The positions of the best scores above 0, the best first; of equal ones the earliest."""
    order = np.argsort(-scores, kind="stable")[:_MOST]
    return order[scores[order] > 0]


class CosineReranker:
    """Scores pairs by the cosine of the mean vectors of an encoder; each text is read once."""

    def __init__(self, name: str, query: str = "", passage: str = "") -> None:
        self.name = name
        self.version = f"1 transformers {version('transformers')}"
        self.depth = _FOUND
        self._prompts = query, passage
        self._vectors: dict[str, Any] = {}
        self._loaded: tuple[Any, Any] | None = None

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """The cosine of each pair of a query and a passage."""
        query, passage = self._prompts
        prompted = [(query + first, passage + second) for first, second in pairs]
        self._read(list(dict.fromkeys(text for pair in prompted for text in pair if text not in self._vectors)))
        return [float(self._vectors[first] @ self._vectors[second]) for first, second in prompted]

    def _read(self, texts: Sequence[str]) -> None:
        if self._loaded is None:
            folder = str(ENCODERS / self.name)
            self._loaded = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
        tokenizer, model = self._loaded
        by_length = sorted(texts, key=len)
        for start in range(0, len(by_length), 32):
            batch = by_length[start : start + 32]
            inputs = tokenizer(batch, padding=True, truncation=True, max_length=256, return_tensors="pt")
            with torch.inference_mode():
                hidden = model(**inputs).last_hidden_state
            mask = inputs["attention_mask"].unsqueeze(-1)
            means = (hidden * mask).sum(1) / mask.sum(1)
            vectors = torch.nn.functional.normalize(means, dim=1).numpy()
            self._vectors.update(zip(batch, vectors, strict=True))


for _search, _library in ((bm25, "bm25s"), (tfidf, "scikit-learn")):
    _search.name, _search.version = _library, f"1 {version(_library)}"  # type: ignore[attr-defined]  # eval reads both

e5 = CosineReranker("multilingual-e5-small", "query: ", "passage: ")
minilm = CosineReranker("all-minilm-l6-v2")
