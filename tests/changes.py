"""Changes of files that keep their form: a value of JSON, TOML or parquet, the head of weights, an entry of a zip."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, Final

import polars as pl
from tests.unit.tasks.test_mutated_files import mutated

_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1, 2, 3.5, 10**9, 10**20, 1e308, float("nan"), [], {}, [[]], {"a": 1}),
    *("", "x", "1", "../x", "/etc/passwd", "OWNER/NAME", "https://example.org/x", "\x00", "É" * 3000),
)
_OF_TOML: Final = (
    *(
        '""',
        '"x"',
        '"../x"',
        "true",
        "0",
        "-1",
        "1",
        "3",
        "0.25",
        "1e300",
        "nan",
        "9" * 25,
        "[]",
        '["x"]',
        "{}",
        "[[]]",
    ),
    *("2027-01-01", '"OWNER/NAME"', '"fail"', '"sw"', '["sw"]', '"xnli"', '["xnli"]', "{ a = 1 }", "10000000"),
)
_HEAD: Final = struct.Struct("<Q")


def changed(suffix: str, data: bytes, draw: random.Random) -> bytes:
    """The content of a file changed: every second time as `mutated`, else one value or more within its form."""
    change = _CHANGES.get(suffix)
    if change is None or draw.random() < 0.4:
        return mutated(data, draw)
    for _ in range(draw.choice((1, 1, 2))):
        data = change(data, draw)
    return data


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every value within one of JSON: what contains it, and where."""
    found: list[tuple[Any, Any]] = []
    left = [value]
    while left:
        node = left.pop()
        inner = list(node.items()) if isinstance(node, dict) else list(enumerate(node))
        found += [(node, key) for key, _ in inner]
        left += [each for _, each in inner if isinstance(each, (dict, list))]
    return found


def _near(value: Any, draw: random.Random) -> Any:
    """A value like another one."""
    match value:
        case bool():
            return not value
        case int():
            return draw.choice((value + 1, value - 1, -value, value * 2, value * 10**6, float(value), str(value)))
        case float():
            return draw.choice((value / 2, -value, value + 1, value * 1e300, 1 - value))
        case str() if value.startswith("{"):
            return _json(value.encode(), draw).decode("utf-8", "replace")
        case str():
            return draw.choice((value.upper(), value[:-1], value + "x", value[::-1], f" {value}", value + value))
        case list() if value:
            return draw.choice((value[1:], value[::-1], [*value, value[0]]))
    return None


def _json(data: bytes, draw: random.Random) -> bytes:
    """JSON with one value replaced, removed, renamed or put at another place."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return mutated(data, draw)
    if not isinstance(value, (dict, list)) or not (places := _places(value)):
        return mutated(data, draw)
    node, key = draw.choice(places)
    match draw.randrange(6):
        case 0 | 1:
            node[key] = _near(node[key], draw)
        case 2 | 3:
            node[key] = draw.choice(_VALUES)
        case 4:
            del node[key]
        case _ if isinstance(node, dict):
            name = draw.choice((f"{key}x", *node))
            node[name] = node.pop(key)
        case _:
            node.insert(0, node[key])
    return json.dumps(value).encode()


def _json_line(data: bytes, draw: random.Random) -> bytes:
    lines = data.split(b"\n")
    at = draw.randrange(len(lines))
    lines[at] = _json(lines[at], draw) if lines[at] else b""
    return b"\n".join(lines)


def _toml(data: bytes, draw: random.Random) -> bytes:
    """TOML with the value of a line replaced, or a line removed, moved or there twice."""
    lines = data.split(b"\n")
    at = draw.randrange(len(lines))
    key, equals, value = lines[at].partition(b" = ")
    match draw.randrange(6):
        case 0 | 1 | 2 if equals:
            lines[at] = key + equals + draw.choice(_OF_TOML).encode()
        case 3 if equals:
            lines[at] = key + equals + mutated(value, draw)
        case 4:
            del lines[at]
        case _:
            lines.insert(draw.randrange(len(lines)), lines[at])
    return b"\n".join(lines)


def _weights(data: bytes, draw: random.Random) -> bytes:
    """Weights of safetensors with another head, whose length is mostly the one that they state."""
    if len(data) < _HEAD.size or (length := _HEAD.unpack(data[: _HEAD.size])[0]) > len(data):
        return mutated(data, draw)
    head, rest = data[_HEAD.size : _HEAD.size + length], data[_HEAD.size + length :]
    match draw.randrange(4):
        case 0:
            head = mutated(head, draw)
        case 1:
            length = draw.choice((0, max(0, length - 1), length + 8, len(data), 1 << 40, 2**64 - 1))
            return _HEAD.pack(length) + head + rest
        case 2:
            at = draw.randrange(max(1, len(rest)))
            rest = rest[:at] + draw.randbytes(4) + rest[at + 4 :]
        case _:
            head = _json(head, draw)
    return _HEAD.pack(len(head)) + head + rest


def _zip(data: bytes, draw: random.Random) -> bytes:
    """A zip file one of whose entries is changed, removed, renamed or there twice."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            entries = {name: packed.read(name) for name in packed.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError):
        return mutated(data, draw)
    name = draw.choice(["header.json", *entries]) if "header.json" in entries else draw.choice([*entries])
    match draw.randrange(5):
        case 0:
            del entries[name]
        case 1:
            entries[draw.choice((f"../{name}", f"{name}x", "samples/x.json", "reductions.json"))] = entries[name]
        case 2:
            entries[name] = mutated(entries[name], draw)
        case _:
            entries[name] = _json(entries[name], draw)
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as packed:
        for entry, content in entries.items():
            packed.writestr(entry, content)
    return written.getvalue()


def _parquet(data: bytes, draw: random.Random) -> bytes:
    """Parquet that is valid, in which rows were removed, turned or doubled, or a column has values of other rows."""
    try:
        rows = pl.read_parquet(io.BytesIO(data))
        metadata = pl.read_parquet_metadata(io.BytesIO(data))
    except BaseException:  # noqa: BLE001 - changed before; polars raises its panics as one
        return mutated(data, draw)
    at, name = draw.randrange(max(1, rows.height)), draw.choice(rows.columns)
    match draw.randrange(5):
        case 0:
            rows = pl.concat([rows[:at], rows[at + 1 :]])
        case 1:
            rows = pl.concat([rows, rows[at : at + 1]])
        case 2:
            rows = rows.with_columns(pl.col(name).reverse())
        case 3:
            rows = rows.drop(name)
        case _:
            rows = rows.with_columns(pl.lit(None, rows.schema[name]).alias(name))
    written = io.BytesIO()
    rows.write_parquet(written, metadata={key: value for key, value in metadata.items() if key != "ARROW:schema"})
    return written.getvalue()


_CHANGES: Final[Mapping[str, Callable[[bytes, random.Random], bytes]]] = {
    ".json": _json,
    ".jsonl": _json_line,
    ".toml": _toml,
    ".safetensors": _weights,
    ".eval": _zip,
    ".parquet": _parquet,
}
