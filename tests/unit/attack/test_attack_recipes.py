"""The recipes of TextAttack where it is not installed: what they say, and which languages they serve."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from robust_xtreme.attack import recipes
from robust_xtreme.core import languages, registry
from robust_xtreme.core.errors import UnknownName, UserError

LACKS = registry.load("perturbation", "textattack.deepwordbug").lacks


@pytest.mark.skipif(find_spec("textattack") is not None, reason="TextAttack is installed")
def test_without_textattack_one_line_says_how_to_get_it() -> None:
    """A recipe is refused with the command that installs TextAttack."""
    with pytest.raises(UserError, match=r"robust-xtreme\[textattack\]"):
        recipes.load("deepwordbug", lambda inputs: np.zeros((len(inputs), 2)))


def test_unknown_recipes_are_named() -> None:
    """A wrong name is answered with the nearest one."""
    with pytest.raises(UnknownName, match="deepwordbug"):
        recipes.load("deepwordbugs", lambda inputs: np.zeros((len(inputs), 2)))


def test_recipes_that_lack_their_data_name_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data are looked for where TextAttack and its libraries keep them."""
    monkeypatch.setenv("TA_CACHE_DIR", str(tmp_path))
    before = recipes.missing("textbugger")
    (tmp_path / "word_embeddings" / "paragramcf").mkdir(parents=True)
    assert len(before) == 2
    assert recipes.missing("textbugger") == before[1:]
    assert not recipes.missing("deepwordbug")


def test_recipes_serve_languages_of_latin_letters_without_marks() -> None:
    """Other scripts, languages without spaces and letters with combining marks are refused, with a reason."""
    served = {code for code in languages.ALL_LANGUAGES if not LACKS(code)}
    assert {"en", "de", "sw", "tr", "vi", "zu"} <= served
    assert served.isdisjoint({"hi", "ta", "ar", "fa", "he", "th", "my", "zh", "ja", "ru", "el", "ko", "ka", "yo"})
    assert "combining marks" in LACKS("yo")
    assert "spaces" in LACKS("th")
    assert LACKS("xx") == "unknown language"


def test_the_stop_words_lie_where_nltk_looks_for_them() -> None:
    """One lower-case word a line, each once, sorted; names and other words that carry meaning are not among them."""
    words = (Path(recipes.__file__).with_name("_nltk") / "corpora" / "stopwords" / "english").read_text().splitlines()
    assert words == sorted(set(words))
    assert {"the", "of", "don't", "herself"} <= set(words)
    assert all(word.islower() and word.isascii() for word in words)
