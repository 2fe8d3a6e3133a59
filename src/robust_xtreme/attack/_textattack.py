"""Imports TextAttack and builds its recipes: nothing is downloaded, and what it changes in the process is restored.

An import of TextAttack 0.3.11 downloads data of NLTK unless an empty file in its cache says that this was done, needs
NLTK's list of English stop words, disables all loggers that exist, and sets variables that other libraries read. Here
the file exists while TextAttack is imported, and the stop words are always those of `_nltk`, so that a recipe does the
same on every machine.
"""

from __future__ import annotations

import logging
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any, Final

from robust_xtreme.files.new_files import created
from robust_xtreme.noise.engine.libraries import importing

_WORDS: Final = Path(__file__).with_name("_nltk") / "corpora" / "stopwords" / "english"
_DONE: Final = "post_install_check_3"
_BUILDING: Final = Lock()
"""What is changed in the process meanwhile is changed by one thread at a time."""

_LOGS: Final = ("textattack.shared.utils.install", "jieba")


def stop_words() -> tuple[str, ...]:
    """The English words that recipes do not change."""
    return tuple(_WORDS.read_text(encoding="utf-8").split())


def cache() -> Path:
    """The folder in which TextAttack keeps what it downloads."""
    return Path(os.environ.get("TA_CACHE_DIR") or "~/.cache/textattack").expanduser()


def built(recipe: str, model: Callable[..., Any]) -> Any:
    """An attack of TextAttack on a model, by the name of the class of its recipe.

    Raises UserError where TextAttack is not installed or cannot be imported.
    """
    with _BUILDING, importing("TextAttack"), _done(), _same_process(), _offline():
        from textattack import attack_recipes

        for name in _LOGS:
            logging.getLogger(name).setLevel(logging.ERROR)
        return getattr(attack_recipes, recipe).build(model)


def attacked_text(texts: Mapping[str, str]) -> Any:
    """Texts by field as TextAttack reads them, after a recipe was built."""
    from textattack.shared import AttackedText

    return AttackedText(OrderedDict(texts))


def most_words(count: int) -> Any:
    """The constraint that at most so many words change, at least one."""
    from textattack.constraints.overlap import MaxWordsPerturbed

    return MaxWordsPerturbed(max_num_words=count)


@contextmanager
def _done() -> Iterator[None]:
    """Nothing to download for TextAttack after its installation."""
    path = cache() / _DONE
    is_new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        created(path).close()
    try:
        yield
    finally:
        if is_new:
            path.unlink(missing_ok=True)


@contextmanager
def _offline() -> Iterator[None]:
    """NLTK with our English stop words, which downloads nothing."""
    import nltk
    from nltk import corpus

    download, stopwords = nltk.download, corpus.stopwords
    nltk.download = lambda *_, **__: False
    corpus.stopwords = SimpleNamespace(words=lambda *_: stop_words())
    try:
        yield
    finally:
        nltk.download, corpus.stopwords = download, stopwords


@contextmanager
def _same_process() -> Iterator[None]:
    """Loggers and variables of the process as they were."""
    loggers = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    disabled = [logger.disabled for logger in loggers]
    variables = dict(os.environ)
    try:
        yield
    finally:
        for logger, value in zip(loggers, disabled, strict=True):
            logger.disabled = value
        for name in os.environ.keys() - variables.keys():
            del os.environ[name]
        os.environ.update(variables)
