"""The page in a browser: it asks for nothing, filters and keeps that in its address, and everybody can read it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.some import some

from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.report.document import results_of
from robust_xtreme.report.outputs import written
from robust_xtreme.run.run import evaluate

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM: Final = shutil.which("chromium")
FLAGS: Final = [
    f"--{flag}"
    for flag in (
        "no-sandbox",
        "disable-gpu",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
    )
]
MINI: Final = Path(__file__).parents[2] / "reports" / "mini"
CELL: Final = "sw/xnli/char_noise:0.1"
SERIOUS: Final = ("serious", "critical")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, started once."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of the embedded suite's committed run, as a file."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_bytes(written(results_of(MINI), ".html"))
    return path.as_uri()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page that a small run writes, with examples."""
    folder = tmp_path_factory.mktemp("small") / "run"
    tasks, languages = ("xnli", "xquad"), ("ar", "sw")
    spec = RunSpec(tasks=tasks, languages=languages, perturb=("char_noise:0.1,0.3",), limit="12", out=str(folder))
    evaluate(spec, cache=False)
    return (folder / "report.html").as_uri()


def _opened(browser: Browser, address: str, **options: Any) -> tuple[Page, list[str]]:
    """A page, and what it complains about or asks for."""
    page = browser.new_context(**options).new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: messages.append(request.url) if not request.url.startswith("file:") else None)
    page.goto(address)
    return page, messages


def _shown(page: Page, selector: str) -> int:
    return sum(element.is_visible() for element in page.query_selector_all(selector))


def test_a_click_filters_and_the_address_keeps_it(browser: Browser, address: str) -> None:
    """A cell of the heat table leads to its row; its address opens the same page again; nothing else is asked for."""
    page, messages = _opened(browser, address)
    assert _shown(page, "#languages > section") == 12
    page.click(f'table.heat a[href="#{CELL}"]')
    assert page.url.endswith(f"#{CELL}")
    assert page.locator(f'[id="{CELL}"]').is_visible()
    assert _shown(page, "#languages > section") == 1
    again, _ = _opened(browser, page.url)
    assert _shown(again, "#languages > section") == 1
    again.click("text=Reset")
    assert _shown(again, "#languages > section") == 12
    assert messages == []


def test_an_example_is_opened_by_its_address(browser: Browser, small: str) -> None:
    """Its fold opens; the filter leaves those that became wrong; its text runs from right to left."""
    page, messages = _opened(browser, small)
    sample = page.locator('article[data-of="ar/xquad/char_noise:0.3"]').first
    assert sample.is_hidden()
    opened, _ = _opened(browser, f"{small}#{sample.get_attribute('id')}")
    shown = opened.locator(f'[id="{sample.get_attribute("id")}"]')
    assert shown.is_visible()
    assert shown.locator("bdi[dir=rtl]").count() >= 1
    opened.click("text=Reset")
    opened.select_option("label:has-text('Examples') select", "wrong")
    left = opened.query_selector_all("article.sample:not([data-off])")
    assert {each.get_attribute("data-became") for each in left} == {"wrong"}
    assert "became=wrong" in opened.url
    assert messages == []


def test_a_toggle_shows_another_number(browser: Browser, address: str) -> None:
    """The heat table shows the noisy level of a cell, its caption says so, and the address keeps that."""
    page, _ = _opened(browser, address)
    assert page.locator("#heat > p").first.inner_text().startswith("Change in points")
    cell = page.locator("table.heat td[data-noisy]").first
    before, noisy = cell.inner_text(), cell.get_attribute("data-noisy")
    page.click("text=noisy level")
    assert cell.inner_text() == noisy != before
    assert page.locator("#heat > p").first.inner_text().startswith("Level under the noise")
    page.click("text=Reset")
    page.click("#tools button:has-text('change')")
    assert page.locator("#heat > p").first.inner_text().startswith("Change in points")
    page.click("text=noisy level")
    again, messages = _opened(browser, page.url)
    assert again.locator("table.heat td[data-noisy]").first.inner_text() == noisy
    assert messages == []


def test_two_languages_are_in_one_table(browser: Browser, address: str) -> None:
    """Chosen in the address, their changes are those of their rows, with the difference; nothing is cut at 1280."""
    page, _ = _opened(browser, f"{address}#?language=ar&beside=sw", viewport={"width": 1280, "height": 900})
    assert _shown(page, "#languages > section[id]:not(#beside)") == 2
    rows = [row.inner_text().split("\t") for row in page.query_selector_all("#beside tbody tr")]
    changes = {row[0]: [float(text) for text in row[2:]] for row in rows}
    of_task = [page.locator(f'[id="{code}/xnli/char_noise:0.1"] td').nth(2).inner_text() for code in ("ar", "sw")]
    assert changes["xnli"][:2] == [*map(float, of_task)]
    assert all(abs(second - first - difference) < 0.051 for first, second, difference in changes.values())
    box = page.locator("#beside .scroll")
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth")


def test_an_unknown_choice_is_said(browser: Browser, address: str) -> None:
    """A language that the page does not have is named, and everything is shown."""
    page, messages = _opened(browser, f"{address}#?language=zz")
    assert page.locator("#unknown").get_by_text('Not in this page: language "zz".').is_visible()
    assert _shown(page, "#languages > section") == 12
    assert messages == []


def test_the_heat_table_sorts_and_tells(browser: Browser, small: str) -> None:
    """A click on a column has its largest loss first; focus shows the row of a cell; a click leads to its examples."""
    page, messages = _opened(browser, small)
    column = page.locator('table.heat th[data-task="xnli"]').nth(1).evaluate("head => head.cellIndex + 2")
    page.locator('table.heat th.up[data-task="xnli"] button').first.click()
    body = page.locator("table.heat tbody").last
    values = [float(row.locator("td").nth(column).inner_text().strip("°†")) for row in body.locator("tr").all()]
    assert values == sorted(values)
    link = body.locator('a[href="#sw/xquad/char_noise:0.3"]')
    link.focus()
    row = page.locator('[id="sw/xquad/char_noise:0.3"] td').all_inner_texts()
    shown = page.locator("#tip").inner_text()
    assert all(text in shown for text in row[2:] if text not in ("", "-"))
    link.click()
    example = page.locator('article[data-of="sw/xquad/char_noise:0.3"]').first
    assert example.is_visible()
    example.locator("bdi.noisy").first.wait_for()
    assert example.locator("bdi.letters").first.is_hidden()
    assert messages == []


def test_the_heads_of_the_heat_table_cover_no_row(browser: Browser, address: str) -> None:
    """They are at the top of the table or below the filters, whichever is lower, also where a choice narrows it."""
    page, _ = _opened(browser, address, viewport={"width": 800, "height": 900})
    page.evaluate("document.querySelector('.heat').scrollIntoView(); scrollBy(0, 250)")
    for choice in ("", "#?task=lareqa", ""):
        page.evaluate(f"location.hash = '{choice}'")
        page.wait_for_timeout(200)
        where = "(part) => document.querySelector(part).getBoundingClientRect().toJSON()"
        head, table, tools = (page.evaluate(where, part) for part in (".heat thead", ".heat", "#tools"))
        under = tools["bottom"] if tools["top"] <= 0 else 0
        assert head["top"] == pytest.approx(max(table["top"], under), abs=2), choice


def test_a_term_says_its_sentence(browser: Browser, address: str) -> None:
    """At the keyboard, too: what the legend says of it is beside it."""
    page, _ = _opened(browser, address)
    page.locator("#verdict a.term", has_text="mde").focus()
    legend = page.locator('[id="term/mde"] + dd').inner_text()
    assert page.locator("#tip").inner_text() == legend
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()


def test_the_page_is_read_without_a_script(browser: Browser, address: str) -> None:
    """Without JavaScript all tables and charts are there, and no control that does nothing."""
    page, _ = _opened(browser, f"{address}#ar", java_script_enabled=False)
    assert page.locator("figure svg").count() > 10
    assert page.locator("#tools").is_hidden()
    assert _shown(page, "#languages > section") == 12
    assert page.locator("#ar").is_visible()


def test_a_phone_is_wide_enough(browser: Browser, address: str) -> None:
    """At 400 pixels only tables scroll sideways, not the page."""
    page, _ = _opened(browser, address, viewport={"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_the_page_is_printed(browser: Browser, address: str) -> None:
    """A PDF is made of it, without the controls."""
    page, _ = _opened(browser, address)
    assert page.pdf().startswith(b"%PDF")
    page.emulate_media(media="print")
    assert page.locator("#tools").is_hidden()


@pytest.mark.parametrize("scheme", some(["light", "dark"], ("dark",)))
def test_everybody_can_read_it(browser: Browser, small: str, scheme: str) -> None:
    """axe finds nothing serious, in the light and in the dark; the two have different colours."""
    from axe_playwright_python.sync_playwright import Axe

    page, _ = _opened(browser, small, color_scheme=scheme)
    for fold in page.query_selector_all("details"):
        fold.evaluate("fold => { fold.open = true; }")
    violations = Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:80]) for each in violations if each["impact"] in SERIOUS] == []
    paper = [int(part) for part in re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))]
    assert (sum(paper[:3]) < 300) == (scheme == "dark")
