"""Takes the screenshots of README and docs/how-to/report.md: `python -m tools.screenshots PAGE`.

`page-real` is of reports/real. The page of the others is that of `robust-xtreme eval --perturb char_noise:0.1`. It
needs chromium.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[1] / "docs" / "figures"
REAL: Final = Path(__file__).parents[1] / "reports" / "real" / "report.html"
SHOTS: Final = {
    "page-real": ("#heat", "light", 800),
    "page-heat": ("#heat", "light", 620),
    "page-language": ("#sw", "dark", 660),
    "page-examples": ("#examples/sw/xquad", "light", 480),
}
"""The address within the page, the colours, and the height in pixels of each picture, by its name."""

_WIDTH: Final = 1180
_FLAGS: Final = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def main() -> None:
    """Write the pictures."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    page = parser.parse_args().page.resolve().as_uri()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS)
        for name, (address, colours, height) in SHOTS.items():
            options: dict[str, Any] = {"viewport": {"width": _WIDTH, "height": height}, "color_scheme": colours}
            shown = browser.new_context(**options).new_page()
            shown.goto((REAL.as_uri() if name == "page-real" else page) + address)
            shown.screenshot(path=FOLDER / f"{name}.png")
            print(FOLDER / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
