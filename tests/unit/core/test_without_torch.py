"""The list of libraries that reading and gating finished runs needs, and the message where a large one is missing."""

from __future__ import annotations

import sys

import pytest

from robust_xtreme.cli._errors import exit_code_of
from robust_xtreme.core import resources
from robust_xtreme.core.errors import NotInstalled, plain
from robust_xtreme.report.samples import part

LINE = "This needs torch, which is not installed. Install all that is missing: pip install robust-xtreme"


def test_a_large_library_that_is_missing_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The program and Python say which, and how to install it; any other module that is missing is an error in code."""

    def fails(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    assert exit_code_of(lambda: fails("torch.nn")) == 3
    assert capsys.readouterr().err == f"robust-xtreme: {LINE}\n"
    with pytest.raises(NotInstalled, match=LINE), plain():
        fails("torch")
    with pytest.raises(ModuleNotFoundError, match="theirs"), plain():
        fails("theirs")


def test_without_the_library_examples_have_no_subwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the tokenizer is not on this machine."""
    path = next(resources.mini("model").rglob(part.TOKENIZER)).parent
    made = part._loaded(path)
    assert made is not None
    assert made("Habari")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    assert part._loaded(path) is None
