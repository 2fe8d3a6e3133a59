"""Writes the figures, the page and its drawing."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Final

from tools.yardstick.figure import svg
from tools.yardstick.measure import measured
from tools.yardstick.page import page

ROOT: Final = Path(__file__).parents[2]


def main() -> None:
    """Measure and write; with --page only write the page and the drawing from the figures that are there."""
    parser = argparse.ArgumentParser(description="Compares keyboard_typo with real typos.")
    parser.add_argument("--data", type=Path, default=os.environ.get("ROBUST_XTREME_DATA"), help="the release files")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page again")
    arguments = parser.parse_args()
    kept = ROOT / "reports" / "benchmarks" / "typos.json"
    if not arguments.page:
        if arguments.data is None:
            raise SystemExit("Name the folder of release files: --data DIR, or ROBUST_XTREME_DATA.")
        kept.write_text(json.dumps(measured(Path(arguments.data) / "typos"), indent=1) + "\n", encoding="utf-8")
    record = json.loads(kept.read_text(encoding="utf-8"))
    for name, text in (("typos.md", page(record)), ("figures/typos.svg", svg(record))):
        (ROOT / "docs" / "figures").mkdir(exist_ok=True)
        (ROOT / "docs" / name).write_text(text, encoding="utf-8")
        print(ROOT / "docs" / name)


if __name__ == "__main__":
    main()
