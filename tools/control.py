"""The control of `tools.endurance`: safetensors reads files of weights whole, as it keeps two integers otherwise.

They are of each tensor that it reads for torch from an open file, 64 bytes in versions 0.4 to 0.8.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self


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


def read_whole() -> None:
    """Have safetensors read files whole from now on."""
    import safetensors.torch

    safe_open = safetensors.safe_open

    def opened(path: str | Path, framework: str, *arguments: Any, **options: Any) -> Any:
        file = safe_open(path, framework, *arguments, **options)
        return _Whole(file, safetensors.torch.load(Path(path).read_bytes())) if framework == "pt" else file

    for module in (safetensors, safetensors.torch):
        vars(module)["safe_open"] = opened
