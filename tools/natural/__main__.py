"""Writes the packs of `natural`, the figures and the page."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Final

from tools.natural import real_words
from tools.natural.figures import TOKENIZERS, measured
from tools.natural.fit import fitted, sources
from tools.natural.mixes import write
from tools.natural.page import page

ROOT: Final = Path(__file__).parents[2]
FIGURES: Final = ROOT / "reports" / "benchmarks" / "natural.json"
PAGE: Final = ROOT / "docs" / "natural.md"


def main() -> None:
    """Fit, write the packs, and measure with them; with --page only write the page from the figures that are there."""
    parser = argparse.ArgumentParser(description="Fits natural_typing and natural_writing to lists and figures.")
    parser.add_argument("--data", type=Path, default=os.environ.get("ROBUST_XTREME_DATA"), help="the release files")
    parser.add_argument("--encoders", type=Path, default=ROOT / "runs" / "encoders", help="what tools.encoders writes")
    parser.add_argument("--page", action="store_true", help="fit and measure nothing, write the page again")
    arguments = parser.parse_args()
    if not arguments.page:
        if arguments.data is None:
            raise SystemExit("Name the folder of release files: --data DIR, or ROBUST_XTREME_DATA.")
        if lacks := [name for name in TOKENIZERS.values() if not (arguments.encoders / name).is_dir()]:
            raise SystemExit(f"{arguments.encoders / lacks[0]} is not there. Write it first: make encoders")
        data = Path(arguments.data)
        fits = {code: fitted(code, data / "typos") for code in sources(data / "typos")}
        real_words.write(data)
        write(fits, data)
        FIGURES.write_text(json.dumps(measured(fits, data, arguments.encoders), indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(json.loads(FIGURES.read_text(encoding="utf-8"))), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
