"""The page of a run: its parts in order, numbers as in the frames, and nothing in a name or a text that acts."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from tests.synthetic_run import averages, conditions, run

from robust_xtreme.core.errors import UserError
from robust_xtreme.report.averages import within_tasks
from robust_xtreme.report.blocks import (
    Diff,
    Mono,
    Paragraph,
    Prose,
    ReportPage,
    Table,
    TableColumn,
    grid,
    joined,
    named,
    text_of,
)
from robust_xtreme.report.cells import highest
from robust_xtreme.report.charts.figures import Plots, areas, levels
from robust_xtreme.report.columns import points, signed
from robust_xtreme.report.document import beside, names_of, results_of
from robust_xtreme.report.heat import heat
from robust_xtreme.report.outputs import CELLS, SUFFIXES, cells, written
from robust_xtreme.report.renderers import html, markdown, tex
from robust_xtreme.report.summary import headline_cells
from robust_xtreme.report.view import Results

ROOT: Final = Path(__file__).parents[3]
HOSTILE: Final = (
    " ".join(
        (
            "=HYPERLINK(1)",
            "</script><script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "\u202eevil\u2066",
            "nul\x00 and \x1b[31m",
            "half \ud800",
            "a" + "\u0301" * 500,
            r"\input{/etc/passwd} $x$ % & _ ^ ~ # {",
            "| `b` ~~~",
            "\"quoted\" 'single' [ unclosed",
        )
    )
    .encode("utf-8", "surrogatepass")
    .decode("utf-8", "backslashreplace")
)
"""A text that every format could take for something else."""


@pytest.fixture(scope="module")
def results() -> Results:
    """A small run made by hand."""
    return Results(*run(), averages(*run()), conditions())


class _Page(HTMLParser):
    """The ids, tags and rows of a page: for each row with an id the texts of its cells and of their headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: dict[str, list[str]] = {}
        self.heads: dict[str, list[str]] = {}
        self._row: list[str] = []
        self._heads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag; a cell of a table begins a text."""
        named = dict(attrs)
        self.tags.append((tag, named))
        if name := named.get("id"):
            self.ids.append(name)
        if tag == "tr":
            self._row = self.rows.setdefault(named.get("id") or "", [])
            self.heads[named.get("id") or ""] = self._heads
        if tag == "thead":
            self._heads = []
        if tag == "th":
            self._row = self._heads
        if tag in ("td", "th"):
            self._row.append("")

    def handle_data(self, data: str) -> None:
        """Add to the text of the cell."""
        if self._row:
            self._row[-1] += data.strip()


def _html(results: Results) -> str:
    return written(results, ".html").decode()


def test_the_parts_are_in_the_order_in_which_one_asks(results: Results) -> None:
    """The verdict is first, then tasks, where it breaks, charts, languages, and what was run."""
    ids = _Page(_html(results)).ids
    order = ("verdict", "tasks", "heat", "largest-losses", "strength-curves", "languages", "sw", "run", "legend")
    assert [name for name in ids if name in order] == list(order)


def test_every_address_is_there_once(results: Results) -> None:
    """No two elements share an id, and every link within the page leads to one."""
    page = _Page(_html(results))
    assert len(page.ids) == len(set(page.ids))
    links = [str(attributes["href"]) for tag, attributes in page.tags if tag == "a"]
    inside = [link.removeprefix("#") for link in links if link.startswith("#")]
    assert inside
    assert set(inside) <= {*page.ids, "main"}


_Numbers = dict[tuple[str, ...], tuple[str, ...]]
"""The shown clean level, perturbed level and change of a cell, by task, language, fields, perturbation, strength."""


def _named_fields(section: str) -> tuple[str, str]:
    """The task and the fields in the title of a view's table."""
    task, _, noised = section.replace("\\_", "_").partition(", ")
    fields = noised.partition("noise on ")[2].partition(", ")[0].removesuffix(" (headline)")
    return task, fields.replace(" and ", ",")


def _by_language(tables: list[tuple[str, list[str], list[list[str]]]]) -> _Numbers:
    """The numbers in the tables of the view by_language, each with its title, headings and rows."""
    read: _Numbers = {}
    for title, heads, rows in tables:
        for row in rows:
            cell = dict(zip(heads, row, strict=True))
            task, fields = _named_fields(title)
            named = title.split(", ")[-2:]  # where all rows share the perturbation, perhaps the strength
            cell.setdefault("perturbation", named[0] if "strength" not in cell else named[1])
            cell.setdefault("strength", named[1])
            key = (task, cell["language"], fields, cell["perturbation"], cell["strength"])
            read[key] = (cell["clean"], cell["perturbed"], cell["change"])
    return read


def _from_markdown(text: str) -> _Numbers:
    parts = text.partition("\n## By language\n")[2].partition("\n## ")[0].split("\n### ")[1:]
    tables = []
    for part in parts:
        title, *lines = part.splitlines()
        heads, _, *rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
        tables.append((title, heads, rows))
    return _by_language(tables)


def _from_tex(text: str) -> _Numbers:
    tables = []
    for part in text.split("\\begin{longtable}")[1:]:
        plain = part.replace("$-$", "-").replace("$+$", "+").replace("\\_", "_")
        title = re.search(r"\\caption\*?\{(.*)\}", plain)
        assert title
        heads, *rows = [line.removesuffix("\\\\").strip().split(" & ") for line in plain.splitlines() if " & " in line]
        tables.append((title[1], heads, [row for row in rows if row != heads]))
    return _by_language(tables)


def _from_rows(rows: list[dict[str, Any]]) -> _Numbers:
    """The numbers of the headline cells of data, to the digit that is shown."""
    read: _Numbers = {}
    for row in (row for row in rows if row["headline"] in (True, "true")):
        clean, value = (points(float(row[name])) for name in ("clean", "value"))
        change = row["no_claim"] or signed(float(row["change"]))
        read[row["task"], row["language"], row["fields"], *row["noise"].split(":")] = (clean, value, change)
    return read


def _from_html(text: str) -> _Numbers:
    """Of the rows that have an address, which names the fields where they are not those of the headline."""
    read: _Numbers = {}
    page = _Page(text)
    for address, row in page.rows.items():
        if address.count("/") >= 2:
            language, task, *_, noise = address.split("/")
            cell = dict(zip(page.heads[address], row, strict=True))
            fields = _FIELDS.get(cell["task"], _FIELDS[task])
            read[task, language, fields, *noise.split(":")] = (cell["clean"], cell["perturbed"], cell["change"])
    return read


_FIELDS: Final = {"xnli": "premise,hypothesis", "panx": "tokens", "xquad": "question", "xquad context": "context"}
_READERS: Final = {
    ".md": lambda results: _from_markdown(written(results, ".md").decode()),
    ".tex": lambda results: _from_tex(written(results, ".tex", ["by_language"]).decode()),
    ".csv": lambda results: _from_rows(list(csv.DictReader(io.StringIO(written(results, ".csv").decode())))),
    ".json": lambda results: _from_rows(json.loads(written(results, ".json"))["cells"]),
    ".html": lambda results: _from_html(_html(results)),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_has_the_numbers_of_the_frames(results: Results, suffix: str) -> None:
    """Clean and perturbed level and change of each headline cell, read back, are those of DELTAS as they are shown."""
    expected: _Numbers = {}
    for row in results.deltas.filter(pl.col("scope") == "all", pl.col("metric") != "token_accuracy").to_dicts():
        noise, _, fields = row["condition"].partition("@fields=")
        change = "inert" if row["inert"] else f"{row['value'] - row['clean']:+.1f}"
        shown = (f"{row['clean']:.1f}", f"{row['value']:.1f}", change)
        expected[row["task"], row["language"], fields, *noise.split(":")] = shown
    assert _READERS[suffix](results) == expected


def test_a_heat_cell_has_the_numbers_of_its_toggles(results: Results) -> None:
    """The relative change, the perturbed level and the edits of the cell that it leads to."""
    page = _Page(_html(results))
    at = next(index for index, (_, named) in enumerate(page.tags) if named.get("href") == "#sw/xnli/char_noise:0.2")
    shown = page.tags[at - 1][1]
    cell = headline_cells(results).filter(task="xnli", language="sw", strength="0.2").row(0, named=True)
    edits = f"{100 * cell['grapheme_edit_rate']:.1f} %"
    numbers = (f"{-cell['relative']:+.1f} %", points(cell["value"]), edits)
    assert (shown["data-relative"], shown["data-noisy"], shown["data-edits"]) == numbers


def test_the_means_of_the_heat_table_are_those_of_its_cells(results: Results) -> None:
    """Of a column as AVERAGES has it; of a row, and of all, over every cell that has a change."""
    (table,) = [block for part in heat(results) for block in part.blocks if isinstance(block, Table) and block.over]
    cells = highest(headline_cells(results)).filter(pl.col("change").is_not_null())
    mean, count = (dict(zip(map(_place, table.columns), map(text_of, row), strict=True)) for row in table.rows[:2])
    averaged = within_tasks(results, "languages").filter(
        metric="accuracy", task="xnli", strength="0.2", perturbation="char_noise"
    )
    assert mean["xnli", "char_noise:0.2"] == signed(averaged["change"].item())
    assert mean["all", "mean"] == signed(cells.select(pl.mean("change")).item())
    assert count["all", "mean"] == str(cells.height)
    row = next(row for row in table.rows if text_of(row[1]).endswith("(sw)"))
    assert text_of(row[-2]) == signed(cells.filter(language="sw").select(pl.mean("change")).item())
    assert text_of(row[-1]) == str(cells.filter(language="sw").height)


def _place(column: TableColumn) -> tuple[str, str]:
    return column.group, column.heading


def test_an_area_is_that_of_trapezoids_from_the_clean_level() -> None:
    """Half of the level is lost at 10 % and all at 20 %: half of the area is left."""
    points_of_curve = pl.DataFrame(
        {"perturbation": ["a"] * 3, "realised": [0.0, 10.0, 20.0], "clean": [80.0] * 3, "level": [80.0, 40.0, 0.0]}
    )
    ((name, highest, area),) = areas(points_of_curve)
    assert (name, highest, round(area, 9)) == ("a", 20.0, 50.0)
    assert not list(areas(points_of_curve.head(2)))  # of one strength
    over = dict(levels(Results(*run(), averages(*run()))))["xnli"]
    assert over.filter(nominal=0.0).select("level", "realised").rows() == [(over["clean"][0], 0.0)]


def test_a_page_asks_for_nothing(results: Results) -> None:
    """No address leaves the page: what it loads is in it, and its policy forbids the rest."""
    page = _Page(_html(results))
    loaded = [value for _, named in page.tags for key, value in named.items() if key in ("src", "href", "data")]
    assert [value for value in loaded if not str(value).startswith(("#", "data:"))] == []
    policy = next(named["content"] for tag, named in page.tags if tag == "meta" and "http-equiv" in named)
    assert str(policy).startswith("default-src 'none'")


def test_the_same_run_gives_the_same_bytes(results: Results) -> None:
    """Every format depends on its rows alone, not on their order."""
    scores, deltas = (frame.sample(fraction=1.0, shuffle=True, seed=3) for frame in (results.scores, results.deltas))
    shuffled = replace(results, scores=scores, deltas=deltas, conditions=results.conditions.reverse())
    for suffix in SUFFIXES:
        assert written(results, suffix) == written(shuffled, suffix)


@pytest.mark.parametrize("suffix", [".html", ".md"])
def test_the_committed_pages_are_small(suffix: str) -> None:
    """The page of the embedded suite has less than 2 MB, with all its charts."""
    assert len(written(results_of(ROOT / "reports" / "mini"), suffix)) < 2_000_000


def _hostile(text: str) -> Results:
    """The run with a text in the names of its model, a task, a language, a condition and in every note."""
    scores, deltas, manifest = run()
    renamed = {"model": pl.lit(text), "task": pl.lit(text), "language": pl.lit(text), "context_language": pl.lit(text)}
    of_panx = pl.col("task") == "panx"
    changed = [
        frame.with_columns(pl.when(of_panx).then(value).otherwise(name).alias(name) for name, value in renamed.items())
        for frame in (scores, deltas)
    ]
    renamed_one = (
        pl.when(pl.col("condition").str.starts_with("char_noise:0.2")).then(pl.lit(text)).otherwise("condition")
    )
    noisy = changed[1].with_columns(condition=renamed_one, chance_name=pl.lit(text), family=pl.lit(text))
    facts: dict[str, Any] = {**manifest, "notes": [text], "version": text, "commands": [f"robust-xtreme {text}"]}
    facts["tasks"] = {**facts["tasks"], text: facts["tasks"]["panx"]}
    facts["not_run"] = [{"task": text, "language": text, "split": text, "reason": text, "detail": text}]
    over = averages(*run())
    mean = over.with_columns(pl.when(pl.col("task") == "panx").then(pl.lit(text)).otherwise("task").alias("task"))
    other = {name: pl.lit(text) for name in ("name", "params", "unit", "target_axis", "packs", "constraints")}
    named = pl.when(pl.col("kind") == "external").then(pl.lit(text)).otherwise("condition")
    return Results(changed[0], noisy, facts, mean, conditions().with_columns(**other, condition=named))


@pytest.fixture(scope="module")
def hostile() -> Results:
    """A run with a hostile text wherever a text can be."""
    return _hostile(HOSTILE)


def test_no_text_acts_in_a_page(hostile: Results, results: Results) -> None:
    """A hostile text adds no script, no image, no handler and no hidden character."""
    text = _html(hostile)
    page = _Page(text)
    assert [tag for tag, _ in page.tags if tag in ("script", "img", "iframe", "object")] == ["script"]
    assert not any(key.startswith("on") for _, named in page.tags for key in named)
    assert re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text) is None


def test_no_text_acts_in_markdown_that_is_rendered(hostile: Results) -> None:
    """The renderer of mkdocs, which does not know every escape of others, makes no element of a text."""
    from markdown import markdown as rendered  # type: ignore[import-untyped]  # it has no types

    page = _Page(rendered(written(hostile, ".md").decode(), extensions=["tables", "fenced_code"]))
    assert not {"script", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert not any(key.startswith("on") for _, named in page.tags for key in named)


def test_no_text_acts_in_a_spreadsheet(hostile: Results) -> None:
    """A text that a spreadsheet would compute begins with a quote, and the rows stay whole."""
    rows = list(csv.DictReader(io.StringIO(written(hostile, ".csv").decode())))
    assert len(rows) == cells(hostile).height
    texts = [row[name] for row in rows for name in ("model", "task", "language", "noise")]
    assert not any(text.startswith(("=", "+", "-", "@")) for text in texts)


def test_data_are_read_back(hostile: Results) -> None:
    """The JSON has every cell, with its texts as they are."""
    made = json.loads(written(hostile, ".json"))
    assert len(made["cells"]) == cells(hostile).height
    assert set(made["cells"][0]) == set(CELLS)


@pytest.mark.skipif(shutil.which("chktex") is None, reason="chktex is not installed")
def test_tables_for_papers_are_tex(hostile: Results, tmp_path: Path) -> None:
    """A checker of LaTeX finds no error in them, whatever a name contains."""
    path = tmp_path / "tables.tex"
    path.write_bytes(written(hostile, ".tex"))
    command = ["chktex", "-q", "-n", "all", "-e", "16", "-e", "10", "-e", "15", "-e", "17", str(path)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_tables_for_papers_become_pages(tmp_path: Path) -> None:
    """LaTeX with the packages that the file names makes pages of it, whatever signs a name contains."""
    signs = "".join(map(chr, range(ord(" "), 0x7F))) + "\u2020\u00b0\u2026\x00\u202e"
    (tmp_path / "tables.tex").write_bytes(written(_hostile(signs), ".tex"))
    packages = r"\usepackage{booktabs,longtable}\usepackage[T1]{fontenc}\usepackage{textcomp}"
    page = rf"\documentclass{{article}}{packages}\begin{{document}}\input{{tables}}\end{{document}}"
    (tmp_path / "page.tex").write_text(page)
    command = ["pdflatex", "-halt-on-error", "-draftmode", "-no-shell-escape", "page"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-600:]


def test_a_name_with_a_backtick_is_not_code_in_markdown() -> None:
    """A name is code only where nothing in it could end it."""
    text = markdown.render(ReportPage("t", (Paragraph((Mono("a"), " ", Mono("`b"))),)))
    assert text == "# t\n\n`a` \\`b\n"


def test_a_diff_in_markdown_is_elements_in_which_no_text_acts() -> None:
    """Its direction and language are those of the text, and whatever a text contains stays text; joiners stay."""
    diff = Diff((("a*", "a*"), ("", "<b>|"), ("\u202e", "\u200c")), '"><script>', "rtl")
    opening = '<span dir="rtl" lang="&quot;&gt;&lt;script&gt;">'
    edits = r"a\*<ins>&lt;b>\|</ins><del>&lt;U+202E></del><ins>" + "\u200c</ins>"
    assert markdown.phrase(diff) == f"{opening}{edits}</span>"


def test_what_an_author_wrote_is_markdown_and_elsewhere_its_source() -> None:
    """Prose stays as it is in Markdown; HTML and TeX show it escaped."""
    document = ReportPage("t", (Prose("[a](b) & `c`\n\n- *d*\n"),))
    assert markdown.render(document) == "# t\n\n[a](b) & `c`\n\n- *d*\n"
    assert "<pre>[a](b) &amp; `c`\n\n- *d*</pre>" in html.page(document)
    assert r"(b) \& \textasciigrave{}c" in tex.render(document)


def test_a_grid_has_numbers_on_the_right_and_names_as_code() -> None:
    """Columns after the first `left` ones are on the right; phrases are joined, and names in backticks are code."""
    table = grid(("what", "n"), [(joined((named("by `x|y`"), Mono("z"))), "1")], 1)
    assert markdown.table(table) == "| what | n |\n| --- | ---: |\n| by x\\|y, `z` | 1 |"


def test_signs_of_tex_are_text() -> None:
    """Nothing in a text is a command, and a number has a minus."""
    assert tex.tex(r"50 % \x {y} -3.0 char_noise") == r"50 \% \textbackslash{}x \{y\} $-$3.0 char\_noise"


def test_two_runs_are_beside_each_other(results: Results) -> None:
    """Each task has a column for each run, every cell an address of its own, and a condition of both is there once."""
    both = beside({"before": results, "after": results})
    text = written(both, ".html").decode()
    page = _Page(text)
    assert len(page.ids) == len(set(page.ids))
    heads = re.findall('scope="colgroup"[^>]*>([^<]*)', text)
    assert {"xnli before", "xnli after"} <= set(heads)
    assert both.conditions.equals(results.conditions)


def test_runs_have_short_names() -> None:
    """As much of the end of their paths as tells them apart."""
    assert names_of(["runs/a/eval", "runs/b/eval/"]) == ["a/eval", "b/eval"]
    assert names_of(["x/one", "x/two"]) == ["one", "two"]
    assert len(set(names_of(["x", "x"]))) == 2


def test_a_notebook_draws_the_same_charts(results: Results, tmp_path: Path) -> None:
    """The charts of the page are Altair's in Python, in colours of their own; a wrong name is one line."""
    plots = Plots(results)
    assert plots.heat().chart.to_dict()["spec"]["layer"]
    assert plots.forest("xnli").chart.to_dict()["config"] == plots.curve("xnli").chart.to_dict()["config"]
    drawn = plots.heat()._repr_svg_()  # which an exported notebook shows without a network
    assert drawn.startswith("<svg")
    assert not re.search("<script|https?://(?!www.w3.org)", drawn)
    assert "currentColor" not in json.dumps(plots.heat().chart.to_dict())
    with pytest.raises(UserError, match="xcopa"):
        plots.forest("xcopa")
    with pytest.raises(UserError, match="'edits'"):
        plots.curve("xnli", "edits")
