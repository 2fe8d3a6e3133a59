"""Lists the versions of the manual in a folder: `python -m tools.manuals FOLDER`, after `make docs VERSION=X.Y`.

Each version is a folder, X.Y or X.Y.Z. `versions.json` is what the menu of a page reads, in the form of mike, and
`index.html` leads to the newest version.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Final

from packaging.version import Version

_NAME: Final = re.compile(r"\d+(\.\d+){1,2}")
_INDEX: Final = """<!doctype html>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url={0}/">
<a href="{0}/">The manual of version {0}</a>
"""


def write(folder: Path) -> list[str]:
    """Write both files; return the versions, the newest first."""
    found = (path.parent.name for path in folder.glob("*/index.html") if _NAME.fullmatch(path.parent.name))
    names = sorted(found, key=Version, reverse=True)
    if names:
        rows = [{"version": name, "title": name, "aliases": ["latest"] * (name == names[0])} for name in names]
        (folder / "versions.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        (folder / "index.html").write_text(_INDEX.format(names[0]), encoding="utf-8")
    return names


if __name__ == "__main__":
    print(*write(Path(sys.argv[1])))
