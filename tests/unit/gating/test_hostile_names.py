"""No name acts in what is written of a run, a gate or a study: the same elements as with plain names, and the names."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import polars as pl
import pytest
from markdown import markdown as rendered  # type: ignore[import-untyped]  # it has no types
from markdown_it import MarkdownIt
from tests.studies import simulated
from tests.unit.core.test_sinks import commands_in
from tests.unit.gating.test_gate_files import row

import robust_xtreme
from robust_xtreme.cli._terminal import output
from robust_xtreme.core.sinks import markdown, text_of_cell, visible
from robust_xtreme.exchange.exporting.model_card import model_card
from robust_xtreme.files.schema import CONTRASTS, VERDICTS, build
from robust_xtreme.gating.comparing import Comparison, differences_part
from robust_xtreme.gating.document import BASELINE, UNDECIDED, Gate, comparison_blocks, explained, gate_blocks
from robust_xtreme.gating.outputs import _inactive, comparison_written, gate_written
from robust_xtreme.gating.policy import Policy
from robust_xtreme.report.blocks import ReportPage, grid
from robust_xtreme.report.document import finished, notebook, show
from robust_xtreme.report.outputs import written
from robust_xtreme.report.renderers import html
from robust_xtreme.report.renderers.terminal import print_blocks
from robust_xtreme.report.view import Results
from robust_xtreme.studies.folder import pages

HOSTILE: Final = (
    *("<img src=x onerror=alert(1)>", "</td></table><script>alert(1)</script>", "<!-- a", "a --> <b>b</b>"),
    *("&lt;b&gt; &#60;", "\"a' onclick='b\"", "javascript:alert(1)", "]]><failure/>", "<http://e/x>", "{0} {x} %s"),
    *("![x](http://e/x.png)", "[a](javascript:x)", "[a][b]", "[a]: http://e", "[x] box", "[^1]", "a|b", "| a | b |"),
    *("**b**", "*i*", "__b__ _i_", "~~s~~", "`c`", "``c` d", r"a\|b\\", "a\\", "==m==", "[red]a[/red]", "[/]"),
    *("# h", " # h", "h ##", "> q", "- l", "+ l", "* l", "1. l", "2) l", "-", "---", "- - -", "***", "===", "    code"),
    *("\tcode", "a\n# h", "a\r\n\r\n<b>b</b>", "a\n::stop-commands::b", "::add-mask::a", "##[error]a", " ::error a::b"),
    *(r"\input{x}", r"{\bf x}", r"$x$ $$y$$", "a_b^c~d", "100 %", "[1.0, 2.0]", "[-1.0, 2.0] x", "a--b---c,,d"),
    *("\u2581a\u2588", "\u202etxt.exe", "a\u200bb\ufeff", "\x1b[2J", "=1+1", "@SUM(1)", "model-1.2345", "a:0.005"),
)
"""Names that a reader of one of the formats could take for a part of it."""

REFERENCES: Final = (
    *("GH-1", "gh-12", "#12", "owner/repo#3", "@team", "@org/team", "a@b.example", "https://e.example/x"),
    "www.e.example",
    *("0123456789abcdef0123456789abcdef01234567", "abcdef0", "user@0123456", "owner/repo@abcdef012345", "1234567"),
    *("GHSA-aaaa-bbbb-cccc", "CVE-2021-44228", ":+1:", ":tada: x", "$x$", "$`x`$"),
)
"""Names that GitHub makes a link, a mention, a picture or a formula of, also where they are escaped."""

NAMES: Final = (*HOSTILE, *REFERENCES)
PLAIN: Final = {name: f"name{at:02}" for at, name in enumerate(sorted(NAMES))}
"""A plain name for each, in the same order."""


class Seen(HTMLParser):
    """The elements of a page with what could act in them, and its texts; what is in a chart is not of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.chart = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element with the names of its attributes."""
        self.chart |= tag == "svg"
        if not self.chart:
            self.elements.append(" ".join([tag, *sorted(name for name, _ in attrs)]))
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        """A chart ends."""
        self.chart &= tag != "svg"

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        """Keep what is not shown."""
        self.elements.append(f"<!--{data}-->")


def rows(right: int) -> pl.DataFrame:
    """Items of a task for each name, which is that of its model, its score, its split and its noise, too."""
    return pl.DataFrame(
        [
            {"id": number, "task": name, "language": "sw", "model": name, "split": name, "inference": name,
             "condition": condition, "scores": json.dumps({name: float(number % 10 < share)})}
            for name in NAMES
            for condition, share in (("clean", 9), (f"noise {visible(name)}", right))
            for number in range(20)
        ]
    )  # fmt: skip


Shown = tuple[Results, Gate, Comparison]


def of_names(shown: Shown, names: Mapping[str, str]) -> Shown:
    """The same with other names."""
    results, gate, comparison = shown
    other = {form.format(name): form.format(new) for name, new in names.items() for form in ("{}", "given/{}")}
    other |= {f"noise {visible(name)}": f"noise {new}" for name, new in names.items()}
    other |= {row(0, name)["why"]: row(0, new)["why"] for name, new in names.items()}

    def changed(value: Any) -> Any:
        match value:
            case pl.DataFrame():
                return value.with_columns(pl.col(pl.String).replace(other))
            case str():
                return other.get(value, value)
            case dict():
                return {changed(key): changed(each) for key, each in value.items()}
            case list() | tuple():
                return [changed(each) for each in value]
        return value

    frames = {
        name: changed(getattr(results, name)) for name in ("scores", "deltas", "averages", "conditions", "manifest")
    }
    return (
        replace(results, **frames),
        replace(gate, verdicts=changed(gate.verdicts)),
        replace(comparison, frame=changed(comparison.frame)),
    )


def files_of(shown: Shown) -> dict[str, str]:
    """Everything that is written of a run, a gate and a comparison, by the name of a file."""
    results, gate, comparison = shown
    files = {f"run{suffix}": written(results, suffix) for suffix in (".md", ".html", ".tex", ".csv", ".json")}
    every = ["by_language", "clean_scores", "largest_losses", "conditions"]
    files["views.tex"] = written(results, ".tex", every)
    files |= {f"gate{suffix}": gate_written(gate, suffix) for suffix in (".md", ".html", ".xml")}
    files |= {f"compare{suffix}": comparison_written(comparison, suffix) for suffix in (".md", ".tex")}
    page = html.page(ReportPage("", (differences_part(comparison),)))
    texts: dict[str, str] = {"card.md": model_card(results), "notebook.html": notebook(results), "compare.html": page}
    texts["repr.html"] = "\n".join(each._repr_html_() for each in (gate, comparison))
    return {name: content.decode() for name, content in files.items()} | texts


@pytest.fixture(scope="module")
def hostile(unpaged: None, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """A run that was imported with hostile names, and a gate and a comparison that fail and accept rows with them."""
    run = finished(robust_xtreme.from_frame(rows(2), tmp_path_factory.mktemp("hostile") / "run").folder)
    noises = [{"task": name, "language": name, "condition": f"noise {visible(name)}"} for name in NAMES]
    named = [{**row(at, noise["task"]), **noise} for at, noise in enumerate(noises)]
    undecided = [{**each, "condition": "noise", "verdict": UNDECIDED, "fails": False} for each in named]
    verdicts = build([{**each, "against": BASELINE} for each in (*named, *undecided)], VERDICTS).sort(VERDICTS.key)
    contrasts = verdicts.select(CONTRASTS.columns.keys())
    return run, Gate(verdicts, Policy(), ""), Comparison("old", "new", contrasts, "")


@pytest.fixture(scope="module")
def shown(hostile: Shown) -> dict[str, str]:
    """What is written of it."""
    return files_of(hostile)


@pytest.fixture(scope="module")
def expected(hostile: Shown) -> dict[str, str]:
    """The same with plain names."""
    return files_of(of_names(hostile, PLAIN))


def by_github(text: str) -> str:
    """The HTML of Markdown as GitHub makes it."""
    return str(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))


def by_mkdocs(text: str) -> str:
    """The HTML of Markdown as mkdocs makes it."""
    return str(rendered(text, extensions=["tables", "fenced_code"]))


def squeezed(text: str) -> str:
    """A text as a browser shows it, with one blank between words."""
    return " ".join(text.split())


def check(shown: str, expected: str) -> None:
    """The elements are those with plain names, in order, none acts or leads elsewhere; and each name is in a text."""
    page, other = Seen(shown), Seen(expected)
    assert page.elements == other.elements
    addresses = [str(value) for name, value in page.attributes if name in ("href", "src")]
    assert [address for address in addresses if not address.startswith(("#", "data:application/gzip;"))] == []
    assert [name for name, _ in page.attributes if name.startswith("on")] == []
    texts, plain = (squeezed(" ".join(each.texts)) for each in (page, other))
    names = [name for name, new in PLAIN.items() if new in plain]
    assert [name for name in names if squeezed(visible(name)) not in texts] == []
    assert names


@pytest.mark.parametrize("name", ["run.md", "card.md", "gate.md", "compare.md"])
def test_no_name_acts_in_markdown(shown: dict[str, str], expected: dict[str, str], name: str) -> None:
    """Rendered as GitHub does: the elements are those of plain names, and the text of each name is the name."""
    texts = [each[name].removeprefix("---").partition("\n---\n")[2] or each[name] for each in (shown, expected)]
    check(*(by_github(text).replace("<!-- -->", "") for text in texts))


def test_no_name_acts_in_a_manual(shown: dict[str, str], expected: dict[str, str]) -> None:
    """Rendered as mkdocs does, which knows other escapes, the page of a run has the elements of plain names, too."""
    check(by_mkdocs(shown["run.md"]), by_mkdocs(expected["run.md"]))


@pytest.mark.parametrize("name", ["run.html", "gate.html", "compare.html", "notebook.html", "repr.html"])
def test_no_name_acts_in_html(shown: dict[str, str], expected: dict[str, str], name: str) -> None:
    """The elements and attributes are those of plain names, and the text of each name is the name."""
    check(shown[name], expected[name])


REFERRING: Final = re.compile(
    r"(?<!\w)@\w|#\d|\bgh-\d|\b[0-9a-f]{7,40}\b|\w@[\w.]|https?://|www\.|\bGHSA-|\bCVE-|:[\w+-]+:|\$[^\s$]+\$",
    re.IGNORECASE,
)
"""A text that GitHub changes: a mention, a number, a commit, an address, an advisory, a picture, a formula."""


@pytest.mark.parametrize("name", ["gate.md", "compare.md"])
def test_github_links_no_name(shown: dict[str, str], name: str) -> None:
    """No text between two tags or comments is one that it changes."""
    nodes = [unescape(node) for node in re.split(r"<!--.*?-->|</?[a-z][^>]*>", by_github(shown[name]))]
    assert [node for node in nodes if REFERRING.search(re.sub(r"\d\d:\d\d:\d\d", "", node))] == []
    assert [reference for reference in REFERENCES if not REFERRING.search(reference)] == []


@pytest.mark.parametrize(
    "name", ["xnli", "char_noise-1.2", "facade", "dead_beef 123456", "a: b", "GH", "100 $", "12:30:45"]
)
def test_a_name_that_is_no_reference_stays(name: str) -> None:
    """Ordinary names have no comments in them."""
    assert _inactive(markdown(name)) == markdown(name)


@pytest.mark.parametrize("name", ["run.tex", "views.tex", "compare.tex"])
def test_no_name_acts_in_tex(shown: dict[str, str], expected: dict[str, str], name: str) -> None:
    """Commands are ours or those of signs, braces are in pairs, nothing begins with an option, columns are whole."""
    names = "backslash|ascii(?:tilde|circum|grave)|less|greater|bar|quotedbl|quotesingle|dagger|degree"
    signs = rf"\\(?:text(?:{names})|[lr]brack|ldots)\{{\}}|\\[&%$#_{{}}]|\$(?:-|\\to)\$"
    text, ours = (re.sub(signs, "", each[name].replace("\\\\[-2pt]", "\\\\ ")) for each in (shown, expected))
    known = {*re.findall(r"\\[a-zA-Z]+", ours), r"\allowbreak", r"\scriptsize"}
    assert set(re.findall(r"\\[a-zA-Z]+", text)) <= known
    assert text.count("{") == text.count("}")
    assert set("$#^~\"<>|`'") & set(text) == set()
    assert re.findall(r"\\\\\s*[\[*]|\\item \[|--|,,", text) == []
    for table in re.findall(r"(?s)\\toprule(.*?)\\end\{longtable\}", text):
        rows_of_it = [line for line in table.splitlines() if "&" in line and "multicolumn" not in line]
        assert len({line.count("&") for line in rows_of_it}) == 1


def test_names_are_values_in_data(shown: dict[str, str]) -> None:
    """CSV, JSON and JUnit give each name again, or what is visible of it; none is a formula."""
    cells = [*csv.DictReader(io.StringIO(shown["run.csv"]))]
    assert {text_of_cell(row["task"]) for row in cells} == set(NAMES)
    values = [value for row in cells for value in row.values()]
    assert [value for value in values if not value.isprintable() or value.startswith(("=", "+", "@"))] == []
    assert {row["task"] for row in json.loads(shown["run.json"])["cells"]} == set(NAMES)
    assert {suite.get("name") for suite in ET.fromstring(shown["gate.xml"])} == {visible(name) for name in NAMES}


@pytest.mark.parametrize("actions", ["true", ""])
def test_no_name_acts_on_a_terminal(
    hostile: Shown, actions: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Hidden characters are codes, and for a runner of GitHub no line is a command, which some are elsewhere."""
    monkeypatch.setenv("GITHUB_ACTIONS", actions)
    results, gate, comparison = hostile
    show(output(), results, ["by_language"])
    show(output(), results)
    for blocks in (gate_blocks(gate), explained(gate), comparison_blocks(comparison.frame, comparison.note)):
        print_blocks(output(), blocks)
    for name in NAMES:
        print_blocks(output(40), (grid(("task", "level"), [(name, "1")], 1),))
    printed = capsys.readouterr().out
    assert set(printed) & set("\x1b\u202e\u200b\ufeff\r\t") == set()
    assert bool(commands_in(printed)) == (not actions)


def test_no_name_acts_on_a_page_of_a_study(tmp_path: Path) -> None:
    """Arms, contrasts, what is missing and what the study is about are texts in both of its pages."""
    made = []
    for names in (sorted(NAMES), sorted(PLAIN.values())):
        outcome = simulated(tmp_path)
        columns = ("contrast", "arm", "reference", "target", "language", "condition")
        first = outcome.contrasts.head(1).with_columns(tier=pl.lit("primary"))
        named = [first.with_columns(**{column: pl.lit(name) for column in columns}) for name in names[:60]]
        facts = {"missing": [*names[30:]], "absent": [*names[:60]], "name": names[0], "version": names[1]}
        study = replace(outcome.study, about=names[2])
        changed = replace(outcome, study=study, contrasts=pl.concat(named), facts={**outcome.facts, **facts})
        made.append(pages(changed))
    check(*(each["report.html"] for each in made))
    check(*(by_github(each["report.md"]) for each in made))
