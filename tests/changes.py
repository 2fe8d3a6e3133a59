"""Changes of files that keep their form: a value of JSON or TOML, the head of weights, an entry of a zip."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from tests.unit.tasks.test_mutated_files import mutated

_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1, 2, 3.5, 10**9, 10**20, 1e308, float("nan"), [], {}, [[]], {"a": 1}, ["x"]),
    *("", "x", "1", "../x", "/etc/passwd", "OWNER/NAME", "https://example.org/x", "\x00", "É" * 3000),
)
_TOML_VALUES: Final = (
    *('""', '"x"', '"../x"', "true", "0", "-1", "3", "0.25", "1e300", "nan", "9" * 25, "[]", '["x"]', "{}", "[[]]"),
    *("2027-01-01", '"OWNER/NAME"', '"fail"', '"sw"', '["sw"]', '"xnli"', '["xnli"]', "{ a = 1 }", "10000000"),
)
_LENGTH: Final = struct.Struct("<Q")


def changed(suffix: str, data: bytes, draw: random.Random) -> bytes:
    """The content of a file changed: every second time as `mutated`, else one value within its form."""
    change = _CHANGES.get(suffix, mutated)
    return mutated(data, draw) if draw.random() < 0.5 else change(data, draw)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every value within one of JSON: what contains it, and its key or index."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(inner, (dict, list)):
            yield from _places(inner)


def _change_json(data: bytes, draw: random.Random) -> bytes:
    """JSON with one value replaced, removed, there twice or under another name."""
    value = json.loads(data)
    if not (places := [*_places(value)]):
        return mutated(data, draw)
    node, key = draw.choice(places)
    match draw.randrange(4):
        case 0 | 1:
            node[key] = draw.choice(_VALUES)
        case 2:
            del node[key]
        case _ if isinstance(node, dict):
            node[draw.choice((f"{key}x", *node))] = node.pop(key)
        case _:
            node.insert(0, node[key])
    return json.dumps(value).encode()


def _change_json_line(data: bytes, draw: random.Random) -> bytes:
    lines = data.splitlines()
    index = draw.randrange(len(lines))
    lines[index] = _change_json(lines[index], draw)
    return b"\n".join(lines)


def _change_toml(data: bytes, draw: random.Random) -> bytes:
    """TOML with the value of a line replaced, or a line removed or there twice."""
    lines = data.split(b"\n")
    index = draw.randrange(len(lines))
    key, equals, _ = lines[index].partition(b" = ")
    match draw.randrange(4):
        case 0 | 1 if equals:
            lines[index] = key + equals + draw.choice(_TOML_VALUES).encode()
        case 2:
            del lines[index]
        case _:
            lines.insert(draw.randrange(len(lines)), lines[index])
    return b"\n".join(lines)


def _change_weights(data: bytes, draw: random.Random) -> bytes:
    """Weights of safetensors with another head, or another length of it."""
    (length,) = _LENGTH.unpack(data[: _LENGTH.size])
    head, rest = data[_LENGTH.size : _LENGTH.size + length], data[_LENGTH.size + length :]
    if draw.random() < 0.3:
        return _LENGTH.pack(draw.choice((0, length - 1, length + 8, len(data), 1 << 40, 2**64 - 1))) + head + rest
    head = _change_json(head, draw)
    return _LENGTH.pack(len(head)) + head + rest


def _change_zip(data: bytes, draw: random.Random) -> bytes:
    """A zip file one of whose entries of JSON is changed, removed or there under another name, too."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        entries = {name: packed.read(name) for name in packed.namelist()}
    name = draw.choice([*entries])
    match draw.randrange(5):
        case 0:
            del entries[name]
        case 1:
            entries[draw.choice((f"../{name}", f"{name}x", "samples/x.json", "reductions.json"))] = entries[name]
        case _:
            entries[name] = _change_json(entries[name], draw)
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed:
        for entry, content in entries.items():
            packed.writestr(entry, content)
    return written.getvalue()


_CHANGES: Final[Mapping[str, Callable[[bytes, random.Random], bytes]]] = {
    ".json": _change_json,
    ".jsonl": _change_json_line,
    ".toml": _change_toml,
    ".safetensors": _change_weights,
    ".eval": _change_zip,
}
