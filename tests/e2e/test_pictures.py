"""The pictures of README and manual in a browser: no two labels overlap, and nothing is cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.e2e.test_page_in_browser import CHROMIUM, FLAGS

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT: Final = Path(__file__).parents[2]
REFERENCE: Final = re.compile(r'(?:!\[[^\]]*\]\(|(?:src|srcset)=")([^)"\s]+\.svg)')
PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
PICTURES: Final = sorted(
    {(page.parent / name).resolve() for page in PAGES for name in REFERENCE.findall(page.read_text("utf-8"))}
)
FAULTS: Final = """() => {
  const slack = 1, shown = document.querySelector('svg'), edge = shown.getBoundingClientRect(), faults = [];
  const out = (box, of) => box.left < of.left - slack || box.right > of.right + slack
    || box.top < of.top - slack || box.bottom > of.bottom + slack;
  const name = (element) => element.textContent.trim() || element.closest('g[id]')?.id || element.tagName;
  const labels = [...shown.querySelectorAll('text')].filter((each) => each.textContent.trim())
    .map((each) => [name(each), each.getBoundingClientRect()]);
  labels.forEach(([one, a], index) => labels.slice(index + 1).forEach(([other, b]) => {
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > slack && high > 0.2 * Math.min(a.height, b.height)) faults.push(`${one} overlaps ${other}`);
  }));
  for (const each of shown.querySelectorAll('text, path, rect, use, circle, line')) {
    if (each.closest('defs, clipPath')) continue;
    const box = each.getBoundingClientRect();
    if (!box.width && !box.height) continue;
    if (out(box, edge)) faults.push(`${name(each)} is cut by the edge`);
    const clip = each.closest('[clip-path]')?.getAttribute('clip-path').match(/#([^")]+)/)[1];
    const held = clip && document.getElementById(clip).querySelector('rect');
    if (!held) continue;
    const [x, y, width, height] = ['x', 'y', 'width', 'height'].map((key) => held[key].baseVal.value);
    const at = (dx, dy) => new DOMPoint(x + dx, y + dy).matrixTransform(each.closest('[clip-path]').getScreenCTM());
    const [low, high] = [at(0, 0), at(width, height)];
    const inner = { left: low.x, top: low.y, right: high.x, bottom: high.y };
    if (out(box, inner)) faults.push(`${name(each)} is cut by its axes`);
  }
  return [...new Set(faults)];
}"""
BAD: Final = """<svg width="90" height="40" xmlns="http://www.w3.org/2000/svg">
<defs><clipPath id="c"><rect x="0" y="0" width="60" height="20"/></clipPath></defs>
<text x="5" y="12" font-size="10">one</text><text x="9" y="16" font-size="10">two</text>
<text x="5" y="36" font-size="10">three</text><g id="end"><rect x="80" y="4" width="20" height="9"/></g>
<g id="axes" clip-path="url(#c)"><rect x="50" y="4" width="20" height="9"/></g></svg>"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page of Chromium, started once."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser.new_page()
        browser.close()


def _faults(page: Page, svg: str) -> Any:
    page.set_content(f"<body style='margin: 20px'>{svg}")
    return page.evaluate(FAULTS)


def test_the_check_finds_what_overlaps_and_what_is_cut(page: Page) -> None:
    """Two labels four pixels apart, a bar over the edge, and one over the end of its axes."""
    assert _faults(page, BAD) == ["one overlaps two", "end is cut by the edge", "axes is cut by its axes"]


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_a_picture_has_no_overlapping_labels_and_nothing_is_cut(page: Page, path: Path) -> None:
    """Labels keep their distance, and all is within the picture and its axes."""
    assert _faults(page, path.read_text("utf-8")) == []


def test_the_pictures_are_found() -> None:
    """Those of the README in the light and in the dark, and those of the manual."""
    assert {"degradation-light", "degradation-dark", "languages", "typos"} <= {path.stem for path in PICTURES}
