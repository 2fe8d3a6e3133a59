"""Writes every generated page, and the hashes by which a stale one is seen: `make generated`."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

ROOT: Final = Path(__file__).parents[1]
RECORD: Final = ROOT / "docs" / "generated.json"
VARIABLE: Final = "ROBUST_XTREME_DATA"

_PACKAGE: Final = "src/robust_xtreme"
_NOISE: Final = (
    f"{_PACKAGE}/noise/**/*.py",
    *(f"{_PACKAGE}/core/{name}.py" for name in ("edits", "graphemes", "languages", "packs", "randomness", "specs")),
    "perturbations/**/*",
)
_MARKDOWN: Final = (
    *(f"{_PACKAGE}/report/{name}.py" for name in ("blocks", "renderers/markdown")),
    f"{_PACKAGE}/core/sinks.py",
)
_TYPOS: Final = "reports/benchmarks/typos.json"
_NATURAL: Final = "reports/benchmarks/natural.json"
_NEAR: Final = "reports/benchmarks/near.json"


@final
@dataclass(frozen=True, slots=True)
class Page:
    """A generated file: what it is made of, as patterns of files, and the function that makes its text.

    `released` says that the release files are an input, too, which are not in the project.
    """

    path: str
    inputs: tuple[str, ...]
    text: Callable[[], str]
    released: bool = False

    def facts(self) -> dict[str, str]:
        """The hashes of the inputs and of the page as they are now."""
        return {"inputs": _hash(self.files()), "page": _hash([ROOT / self.path])}

    def files(self) -> list[Path]:
        """The files that the page is made of, sorted; each pattern names at least one."""
        paths: set[Path] = set()
        for pattern in self.inputs:
            matched = [path for path in ROOT.glob(pattern) if path.is_file() and "__pycache__" not in path.parts]
            if not matched:
                raise FileNotFoundError(f"{self.path}: no file matches the input {pattern}")
            paths |= set(matched)
        return sorted(paths)


def _hash(paths: Iterable[Path]) -> str:
    whole = hashlib.sha256()
    for path in paths:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{path.relative_to(ROOT).as_posix()} {content}\n".encode())
    return whole.hexdigest()[:16]


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


def _schema(name: str, *inputs: str) -> Page:
    """A JSON Schema."""

    def text() -> str:
        from tools.schemas import DOCUMENTS

        return DOCUMENTS[name]()

    used = (f"{_PACKAGE}/{path}.py" for path in inputs)
    return Page(f"docs/reference/schemas/{name}.schema.json", (*used, "tools/schemas.py"), text)


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

    folder = f"reports/{name}"
    return Page(f"{folder}/report.md", (f"{folder}/*.csv", f"{folder}/*.json", f"{_PACKAGE}/report/**/*.py"), text)


def _run_page(name: str) -> Page:
    """The page for the browser of a run that is kept under reports/, without examples."""

    def text() -> str:
        from robust_xtreme.report.document import results_of
        from robust_xtreme.report.outputs import written

        return written(results_of(ROOT / "reports" / name), ".html").decode()

    folder = f"reports/{name}"
    inputs = (f"{folder}/*.csv", f"{folder}/*.json", f"{_PACKAGE}/report/**/*.*")
    return Page(f"{folder}/report.html", inputs, text)


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

    folder = "reports/benchmarks"
    return Page(f"{folder}/{name}.md", (f"{folder}/{name}.json", f"benchmarks/{module}.py", *_MARKDOWN), text)


def _json(path: str) -> Any:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def _released() -> Path:
    """The folder of release files."""
    return Path(os.environ[VARIABLE])


def _manual(name: str, *inputs: str) -> Page:
    """A page of the manual that comes from the program."""

    def text() -> str:
        from tools import reference

        return reference.PAGES[name]()

    return Page(f"docs/{name}", (*inputs, "tools/reference.py", *_MARKDOWN), text)


def _picture(name: str, *inputs: str) -> Page:
    """A picture of the README."""

    def text() -> str:
        from tools.front_page import svg

        return svg(name)

    return Page(f"docs/figures/{name}.svg", (*inputs, "tools/front_page.py"), text)


_ATTACKED: Final = ("tools/attacked_page.py", f"{_PACKAGE}/report/charts/*.py")

PAGES: Final = (
    Page(
        "docs/perturbations.md",
        (
            *(*_NOISE, *_MARKDOWN, "tools/gallery*.py"),
            *(f"{_PACKAGE}/tasks/{name}.py" for name in ("aligning", "catalogue")),
        ),
        _perturbations,
    ),
    Page(
        _NEAR,
        tuple(f"{_PACKAGE}/{name}.py" for name in ("tasks/sources/survey", "tasks/adapters/tagging")),
        _near,
        released=True,
    ),
    Page(
        "docs/tasks.md",
        (
            _NEAR,
            "tools/near.py",
            *(f"{_PACKAGE}/{pattern}.py" for pattern in ("tasks/members/*", "tasks/intermediate/*", "tasks/groups")),
            "tools/tasks_page.py",
            *_MARKDOWN,
        ),
        _tasks,
    ),
    Page("docs/layouts.md", (*_NOISE, "tools/layouts.py", "tools/gallery*.py", *_MARKDOWN), _layouts),
    Page(
        "docs/scripts.md",
        (
            *_NOISE,
            "benchmarks/transliterate.py",
            "tests/real/romanisation_*.tsv",
            *(f"tools/{name}.py" for name in ("round_trip", "scripts_page")),
            *_MARKDOWN,
        ),
        _scripts,
        released=True,
    ),
    Page(
        "docs/nlpaug-pairs.md",
        (*_NOISE, "tools/packs/nlpaug_pairs.py", "tools/gallery.py", *_MARKDOWN),
        _pairs,
        released=True,
    ),
    Page(_TYPOS, (*_NOISE, "tools/yardstick/*.py"), _figures, released=True),
    Page("docs/typos.md", (_TYPOS, "tools/yardstick/page.py", *_MARKDOWN), _typos),
    Page(
        "docs/natural.md",
        (_NATURAL, f"{_PACKAGE}/noise/members/natural.py", "tools/natural/page.py", *_MARKDOWN),
        _natural,
    ),
    Page("docs/figures/typos.svg", (_TYPOS, "tools/yardstick/figure.py"), _drawing),
    _run("mini"),
    _run_page("mini"),
    Page("reports/attacks/success.svg", ("reports/attacks/success.csv", *_ATTACKED), _success),
    Page("reports/attacks/report.md", ("reports/attacks/levels.csv", *_ATTACKED, *_MARKDOWN), _attacked),
    Page(
        "docs/training.md",
        (f"{_PACKAGE}/core/keys.py", f"{_PACKAGE}/training/spec.py", "tools/training_page.py", *_MARKDOWN),
        _training,
    ),
    _manual(
        "reference/options.md", f"{_PACKAGE}/cli/*.py", f"{_PACKAGE}/core/run_spec.py", f"{_PACKAGE}/training/spec.py"
    ),
    Page(
        f"{_PACKAGE}/__init__.pyi",
        (
            f"{_PACKAGE}/api.py",
            *(f"{_PACKAGE}/core/{name}.py" for name in ("keys", "run_spec")),
            *(f"{_PACKAGE}/training/{name}.py" for name in ("spec", "values")),
            "tools/stub.py",
        ),
        _stub,
    ),
    _manual("reference/frames.md", f"{_PACKAGE}/files/schema.py"),
    _manual("reference/exit-codes.md", f"{_PACKAGE}/core/errors.py"),
    _manual("reference/glossary.md", f"{_PACKAGE}/report/columns.py", f"{_PACKAGE}/report/summary.py"),
    _manual("decisions/index.md", "docs/decisions/[!i]*.md"),
    _schema("manifest", "stats/shapes", "files/schema"),
    _schema("frames", "files/schema", "files/frames"),
    _schema("gate", "gating/outputs", "files/schema", "files/frames"),
    _schema("compare", "gating/outputs", "files/schema", "files/frames"),
    _schema(
        "suite",
        *(f"tasks/{name}" for name in ("sources/suite", "sources/own", "sources/rows", "formats/labelled_jsonl")),
    ),
    _schema(
        "study",
        "studies/study_file",
        "studies/design",
        "studies/designs/*",
        "core/keys",
        "core/run_spec",
        "training/spec",
    ),
    Page(
        "locks/robust-xtreme.cdx.json",
        ("perturbations/**/*.t[os]*", f"{_PACKAGE}/__init__.py", "tools/sbom.py"),
        _sbom,
    ),
    _picture("degradation-light", "reports/real/tables/means.csv", "tools/real/*.py", f"{_PACKAGE}/report/charts/*.py"),
    _picture("degradation-dark", "reports/real/tables/means.csv", "tools/real/*.py", f"{_PACKAGE}/report/charts/*.py"),
    _picture("languages", *_NOISE, f"{_PACKAGE}/tasks/catalogue.py"),
    _benchmark("evaluate-cpu", "evaluate"),
    _benchmark("host-cpu", "_host_page"),
    _benchmark("perturb", "_perturb_page"),
    _benchmark("resampling", "resampling"),
    _benchmark("search", "search"),
    _benchmark("textattack-cpu", "textattack"),
    _benchmark("train-cpu", "train"),
)
"""Every generated page; one that another is made of comes before it."""


# ------------------------------------------------------------------------------------------------------------- command


def recorded() -> dict[str, dict[str, str]]:
    """The hashes of each page when it was written."""
    record: dict[str, dict[str, str]] = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {}
    return record


def parser() -> argparse.ArgumentParser:
    """The command line; its help lists the pages."""
    listed = "\n".join(f"  {page.path}" for page in PAGES)
    command = argparse.ArgumentParser(
        prog="python -m tools.generated",
        description="Write generated pages and record the hashes of their inputs in docs/generated.json.",
        epilog=f"pages:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("pages", nargs="*", metavar="PAGE", help="the path of a page; without one all are written")
    return command


def chosen(arguments: Sequence[str] | None) -> list[Page]:
    """The pages that the command line names, in their order; all if it names none."""
    command = parser()
    paths = command.parse_args(arguments).pages
    if unknown := sorted(set(paths) - {page.path for page in PAGES}):
        command.error(f"{', '.join(unknown)}: not a generated page; --help lists them")
    return [page for page in PAGES if not paths or page.path in paths]


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the pages and their hashes; those made of release files only where these are named."""
    pages, record = chosen(arguments), recorded()
    for page in pages:
        if page.released and not os.environ.get(VARIABLE):
            print(f"{page.path}: left as it is, since {VARIABLE} names no release files")
            continue
        (ROOT / page.path).write_text(page.text(), encoding="utf-8")
        record[page.path] = page.facts()
        print(page.path)
    kept = {page.path: record[page.path] for page in PAGES if page.path in record}
    RECORD.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
