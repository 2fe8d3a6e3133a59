"""A hook of mkdocs: what a page of the manual links outside of docs/ is named by its path, as the site has only docs/.

On a page in the repository these are links. A link to what is not there stays one, and `mkdocs build --strict` fails.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
_LINK: Final = re.compile(r"\[([^\[\]]+)\]\(((?:\.\./)+)([^)#\s]+)(?:#[^)\s]*)?\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The text of a page, whose links that leave docs/ are the text of the link and the path of what is there."""
    depth = len(PurePosixPath(page.file.src_uri).parts)

    def named(link: re.Match[str]) -> str:
        text, up, path = link.groups()
        outside = up.count("../") == depth and (ROOT / path).exists()
        return f"{text} (`{path}`)" if outside else link[0]

    return _LINK.sub(named, markdown)
