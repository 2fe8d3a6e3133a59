"""Writes every generated page: `make generated`. With `--check` none is written, and stale ones are named."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

ROOT: Final = Path(__file__).parents[1]
VARIABLE: Final = "ROBUST_XTREME_DATA"

_TYPOS: Final = "reports/benchmarks/typos.json"
_NATURAL: Final = "reports/benchmarks/natural.json"
_NEAR: Final = "reports/benchmarks/near.json"


@final
@dataclass(frozen=True, slots=True)
class Page:
    """A generated file and the function that makes its text; `needs_release_files`: it reads ROBUST_XTREME_DATA."""

    path: str
    make_text: Callable[[], str]
    needs_release_files: bool = False


# --------------------------------------------------------------------------------------------------------------- pages


def _perturbations() -> str:
    from tools.gallery import page

    from robust_xtreme.core import registry

    return page(registry.names("perturbation"))


def _layouts() -> str:
    from tools.layouts import page

    return page()


def _scripts() -> str:
    from tools.scripts_page import page

    return page(_released())


def _tasks() -> str:
    from tools.tasks_page import page

    from robust_xtreme.core import registry

    tasks, learned = ([registry.load(kind, name) for name in registry.names(kind)] for kind in ("task", "intermediate"))
    return page(tasks, learned)


def _near() -> str:
    from tools.near import measured

    return json.dumps(measured(str(_released())), indent=1) + "\n"


def _pairs() -> str:
    from tools.packs.nlpaug_pairs import page

    return page(_released() / "keyboards" / "nlpaug" / "keyboard")


def _figures() -> str:
    from tools.yardstick.measure import measured

    return json.dumps(measured(_released() / "typos"), indent=1) + "\n"


def _typos() -> str:
    from tools.yardstick.page import page

    return page(_json(_TYPOS))


def _natural() -> str:
    from tools.natural.page import page

    return page(_json(_NATURAL))


def _training() -> str:
    from tools.training_page import PAGE, page

    return page(PAGE.read_text(encoding="utf-8"))


def _stub() -> str:
    from tools.stub import text

    return text()


def _schema(name: str) -> Page:
    """A JSON Schema."""

    def text() -> str:
        from tools.schemas import DOCUMENTS

        return DOCUMENTS[name]()

    return Page(f"docs/reference/schemas/{name}.schema.json", text)


def _sbom() -> str:
    from tools.sbom import document

    return document()


def _drawing() -> str:
    from tools.yardstick.figure import svg

    return svg(_json(_TYPOS))


def _run(name: str) -> Page:
    """The page of a run that is kept under reports/."""

    def text() -> str:
        from robust_xtreme.report.document import render

        return render(ROOT / "reports" / name)

    return Page(f"reports/{name}/report.md", text)


def _run_page(name: str) -> Page:
    """The page for the browser of a run that is kept under reports/, without examples."""

    def text() -> str:
        from robust_xtreme.report.document import results_of
        from robust_xtreme.report.outputs import written

        return written(results_of(ROOT / "reports" / name), ".html").decode()

    return Page(f"reports/{name}/report.html", text)


def _attacked() -> str:
    from tools.attacked_page import page

    return page()


def _success() -> str:
    from tools.attacked_page import curves

    return curves()


def _benchmark(name: str, module: str) -> Page:
    """The page of a benchmark's figures."""

    def text() -> str:
        import importlib

        page: Callable[[Any], str] = importlib.import_module(f"benchmarks.{module}").page
        return page(_json(f"reports/benchmarks/{name}.json"))

    return Page(f"reports/benchmarks/{name}.md", text)


def _json(path: str) -> Any:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def _released() -> Path:
    """The folder of release files."""
    return Path(os.environ[VARIABLE])


def _manual(name: str) -> Page:
    """A page of the manual that comes from the program."""

    def text() -> str:
        from tools import reference

        return reference.PAGES[name]()

    return Page(f"docs/{name}", text)


def _picture(name: str) -> Page:
    """A picture of the README."""

    def text() -> str:
        from tools.front_page import svg

        return svg(name)

    return Page(f"docs/figures/{name}.svg", text)


PAGES: Final = (
    Page("docs/perturbations.md", _perturbations),
    Page(_NEAR, _near, needs_release_files=True),
    Page("docs/tasks.md", _tasks),
    Page("docs/layouts.md", _layouts),
    Page("docs/scripts.md", _scripts, needs_release_files=True),
    Page("docs/nlpaug-pairs.md", _pairs, needs_release_files=True),
    Page(_TYPOS, _figures, needs_release_files=True),
    Page("docs/typos.md", _typos),
    Page("docs/natural.md", _natural),
    Page("docs/figures/typos.svg", _drawing),
    _run("mini"),
    _run_page("mini"),
    Page("reports/attacks/success.svg", _success),
    Page("reports/attacks/report.md", _attacked),
    Page("docs/training.md", _training),
    _manual("reference/options.md"),
    Page("src/robust_xtreme/__init__.pyi", _stub),
    _manual("reference/frames.md"),
    _manual("reference/exit-codes.md"),
    _manual("reference/glossary.md"),
    _manual("decisions/index.md"),
    *map(_schema, ("manifest", "frames", "gate", "compare", "suite", "study")),
    Page("locks/robust-xtreme.cdx.json", _sbom),
    *map(_picture, ("degradation-light", "degradation-dark", "languages")),
    _benchmark("evaluate-cpu", "evaluate"),
    _benchmark("host-cpu", "_host_page"),
    _benchmark("perturb", "_perturb_page"),
    _benchmark("textattack-cpu", "textattack"),
    _benchmark("train-cpu", "train"),
)
"""Every generated page; one that another is made of comes before it."""


# ------------------------------------------------------------------------------------------------------------- command


def is_stale(page: Page) -> bool:
    """Whether the committed page has other bytes than the ones that are made of its inputs now.

    A figure that another release of matplotlib drew is not compared.
    """
    committed = (ROOT / page.path).read_text(encoding="utf-8")
    if "Matplotlib v" in committed:
        import matplotlib as mpl

        if f"Matplotlib v{mpl.__version__}" not in committed:
            return False
    return page.make_text() != committed


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check pages; those that need release files only where ROBUST_XTREME_DATA names them."""
    command = argparse.ArgumentParser(
        prog="python -m tools.generated",
        description="Write generated pages, or name those that are stale.",
        epilog="pages:\n" + "\n".join(f"  {page.path}" for page in PAGES),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("pages", nargs="*", metavar="PAGE", help="the path of a page; without one all are meant")
    command.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page is stale")
    options = command.parse_args(arguments)
    if unknown := sorted(set(options.pages) - {page.path for page in PAGES}):
        command.error(f"{', '.join(unknown)}: not a generated page; --help lists them")
    stale = 0
    for page in PAGES:
        if options.pages and page.path not in options.pages:
            continue
        if page.needs_release_files and not os.environ.get(VARIABLE):
            print(f"{page.path}: left as it is, since {VARIABLE} names no release files")
        elif not options.check:
            (ROOT / page.path).write_text(page.make_text(), encoding="utf-8")
            print(page.path)
        elif is_stale(page):
            print(f"{page.path} is stale, or was edited by hand. Run: make generated")
            stale = 1
    return stale


if __name__ == "__main__":
    raise SystemExit(main())
