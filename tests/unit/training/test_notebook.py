"""Progress in a notebook: one output that is updated; elsewhere Python prints nothing."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from robust_xtreme.run.run import notebook_observer
from robust_xtreme.training.loop import Progress, notebook_options


@dataclass(slots=True)  # outputs are added while a test continues
class Page:
    """The outputs of a cell: what each contains now, and how often one was updated."""

    outputs: list[dict[str, str]] = field(default_factory=list)
    updates: int = 0

    def display(self, content: dict[str, str], *, raw: bool, display_id: bool) -> Any:
        """IPython's `display`, for content by its type."""
        assert raw
        assert display_id
        page, index = self, len(self.outputs)
        self.outputs.append(content)

        class Handle:
            def update(self, changed: dict[str, str], *, raw: bool) -> None:
                assert raw
                page.outputs[index] = changed
                page.updates += 1

        return Handle()


class ZMQInteractiveShell:
    """The class of the shell in a notebook's kernel, by its name."""


class Shell(ZMQInteractiveShell):
    """That of Colab."""


class TerminalInteractiveShell:
    """That of IPython on a terminal."""


@pytest.fixture(params=[ZMQInteractiveShell, Shell])
def page(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Page:
    """A cell of a notebook."""
    page = Page()
    _ipython(monkeypatch, request.param(), page)
    return page


def _ipython(monkeypatch: pytest.MonkeyPatch, shell: Any, page: Page) -> None:
    ipython: Any = ModuleType("IPython")
    module: Any = ModuleType("IPython.display")
    ipython.get_ipython, module.display = lambda: shell, page.display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", module)


def test_an_evaluation_is_one_output(page: Page) -> None:
    """A thousand steps and lines change one bar; warnings are shown below it, escaped, other lines are not."""
    observer = notebook_observer()
    assert observer
    observer.total(1000)
    for number in range(1000):
        observer.say(f"2 of 2 task runs to compute on cpu {number}")
        observer.task_run("xnli <sw>")
        observer.advance(1)
    observer.say("warning: the cache <b>\u202e</b> cannot be used")
    (output,) = page.outputs
    assert page.updates < 100
    assert '<progress value="1000" max="1000"></progress> xnli &lt;sw&gt; 1,000 of 1,000' in output["text/html"]
    assert "warning: the cache &lt;b&gt;&lt;U+202E&gt;&lt;/b&gt;" in output["text/html"]
    assert "task runs to compute" not in output["text/plain"]


def test_a_training_run_is_one_output(page: Page) -> None:
    """Stage, loss and step in one bar, with the last ten lines."""
    options = notebook_options()
    assert options
    for number in range(30):
        options.tell(f"line {number}")
    for step in range(1, 501):
        options.watch(Progress("masked_lm", step, 500, 1.5))
    (output,) = page.outputs
    assert page.updates < 100
    assert output["text/plain"].splitlines()[0] == "masked lm, loss 1.500 500 of 500"
    assert output["text/plain"].splitlines()[1:] == [f"line {number}" for number in range(20, 30)]


def test_a_complete_run_shows_no_bar(page: Page) -> None:
    """Where nothing is computed, nothing is displayed."""
    assert notebook_observer()
    assert page.outputs == []


def test_elsewhere_there_is_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in a program, and not in IPython on a terminal."""
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert notebook_observer() is None
    assert notebook_options() is None
    _ipython(monkeypatch, TerminalInteractiveShell(), Page())
    assert notebook_observer() is None
