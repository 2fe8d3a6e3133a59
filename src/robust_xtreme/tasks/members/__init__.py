"""Tasks, each a TaskSpec; those of one kind share a file."""

from typing import Final

MEMBERS: Final = {
    "_pairs": ("americasnli", "pawsx", "xcopa", "xnli"),
    "_questions": ("mlqa", "tydiqa", "xquad"),
    "_retrieval": ("bucc", "lareqa", "mewsli_x", "tatoeba", "tatoeba@to=en"),
    "_tagging": ("masakhaner", "panx", "udpos"),
}
