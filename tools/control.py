"""The control of `tools.endurance`: the same rounds without what three libraries keep of their work.

Polars 1.43 to 2.1 keep 16 bytes of each context of a query that could write to disk, until one does (`contexts` in its
crates/polars-ooc/src/memory_manager.rs), and 1.42.1 more; tokenizers 0.23 keeps about half a KiB of each that encoded
a text; safetensors two integers of each tensor that it reads for torch. Of the first two a control takes earlier
versions; of safetensors those of 0.4 to 0.8 are alike, so that it reads files whole. After the installation of a lock:

    pip install polars==1.39.3 tokenizers==0.22.2 transformers==4.57.6
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Self

KEEPS: Final = {"polars": (1, 40), "tokenizers": (0, 23)}
"""The first versions that a control does not take."""


class _Part:
    """A tensor of a file, and what `safe_open` says of it."""

    def __init__(self, said: Any, tensor: Any) -> None:
        self._said, self._tensor = said, tensor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._said, name)

    def __getitem__(self, index: Any) -> Any:
        return self._tensor[index]


class _Whole:
    """A file that `safe_open` has opened, with all its tensors in memory."""

    def __init__(self, file: Any, tensors: dict[str, Any]) -> None:
        self._file, self._tensors = file, tensors

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def get_tensor(self, name: str) -> Any:
        return self._tensors[name]

    def get_tensors(self) -> dict[str, Any]:
        return dict(self._tensors)

    def get_slice(self, name: str) -> _Part:
        return _Part(self._file.get_slice(name), self._tensors[name])


def keep_nothing() -> None:
    """Have safetensors read files whole from now on. Ends with a line where another library keeps something."""
    import safetensors.torch

    for library, first in KEEPS.items():
        found = version(library)
        if tuple(map(int, found.split(".")[:2])) >= first:
            sys.exit(f"{library} is {found}: a control needs one before {'.'.join(map(str, first))}.")
    safe_open = safetensors.safe_open

    def opened(path: str | Path, framework: str, *arguments: Any, **options: Any) -> Any:
        file = safe_open(path, framework, *arguments, **options)
        return _Whole(file, safetensors.torch.load(Path(path).read_bytes())) if framework == "pt" else file

    for module in (safetensors, safetensors.torch):
        vars(module)["safe_open"] = opened
