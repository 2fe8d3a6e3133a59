"""Files of images with captions: every layout gives the same pairs, and a bad file is one line that names it."""

from __future__ import annotations

import builtins
import json
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from robust_xtreme.core.errors import DataError, MissingData, UserError
from robust_xtreme.training.images import pairs as files
from robust_xtreme.training.images.pairs import Pairs, exchanged, read_pairs

COLOURS = {"a.png": (200, 10, 20), "b.png": (10, 200, 20), "c.png": (20, 10, 200)}
CAPTIONS = {
    "en": ["a red square", "a green square", "a blue square"],
    "de": ["ein rotes Quadrat", "ein grünes Quadrat", "ein blaues Quadrat"],
}
WIT = ("language", "page_url", "image_url", "caption_reference_description")


def _images(folder: Path, where: str = "images") -> Path:
    (folder / where).mkdir(parents=True, exist_ok=True)
    for name, colour in COLOURS.items():
        Image.new("RGB", (40, 20), colour).save(folder / where / name)
    return folder


def _multi30k(folder: Path) -> Path:
    (folder / "train_images.txt").write_text("\n".join(COLOURS))
    for language, lines in CAPTIONS.items():
        (folder / f"train.{language}").write_text("\n".join(lines) + "\n")
    return folder


def _flickr(folder: Path) -> Path:
    for language, lines in CAPTIONS.items():
        rows = [f"{name}#0\t{line}\n" for name, line in zip(COLOURS, lines, strict=True)]
        (folder / f"captions.{language}.token").write_text("".join(rows))
    return folder


def _csv(folder: Path) -> Path:
    for language, lines in CAPTIONS.items():
        rows = [f'{name},"{line}"\n' for name, line in zip(COLOURS, lines, strict=True)]
        (folder / f"{language}.csv").write_text("image,caption\n" + "".join(rows))
    return folder


def _wit(folder: Path) -> Path:
    rows = ["\t".join(WIT)]
    for language, lines in CAPTIONS.items():
        for name, line in zip(COLOURS, lines, strict=True):
            rows.append(f"{language}\thttp://p\thttps://host/x/{name}\t{line}")
    rows += ["en\thttp://p\thttps://host/absent.jpg\tnot here", "en\thttp://p\thttps://host/a.png\t"]
    (folder / "wit_v1.train.tsv").write_text("\n".join(rows) + "\n")
    return folder


def _jsonl(folder: Path) -> Path:
    rows = [
        {"image": name, "caption": line, "language": language}
        for language, lines in CAPTIONS.items()
        for name, line in zip(COLOURS, lines, strict=True)
    ]
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def _content(pairs: Pairs) -> dict[str, set[tuple[str, str]]]:
    return {
        picture.name: {(caption.language, caption.text) for caption in picture.captions} for picture in pairs.pictures
    }


WANTED = {
    name: {(language, lines[index]) for language, lines in CAPTIONS.items()} for index, name in enumerate(COLOURS)
}


@pytest.mark.parametrize("layout", [_multi30k, _flickr, _csv, _wit, _jsonl])
@pytest.mark.parametrize("where", ["images", "."])
def test_every_layout_gives_the_same_pairs(layout: Callable[[Path], Path], where: str, tmp_path: Path) -> None:
    """Images in a folder of their own or beside the captions, captions in five layouts: the same pairs and pixels."""
    pairs = read_pairs(str(layout(_images(tmp_path, where))))
    assert _content(pairs) == WANTED
    assert pairs.languages == ("de", "en")
    assert pairs.count == 6
    red = next(picture for picture in pairs.pictures if picture.name == "a.png").pixels(8)
    assert red.shape == (8, 8, 3)
    assert tuple(red[3, 5].tolist()) == COLOURS["a.png"]


def test_several_captions_of_an_image_are_one_unit(tmp_path: Path) -> None:
    """Captions in numbered files, and files with the same bytes under two names, belong to one image."""
    folder = _multi30k(_images(tmp_path))
    (folder / "images" / "b.png").write_bytes((folder / "images" / "a.png").read_bytes())
    (folder / "train.2.en").write_text("red\nred again\nblue\n")
    pairs = read_pairs(str(folder), ("en",))
    texts = [[caption.text for caption in picture.captions] for picture in pairs.pictures]
    assert sorted(map(sorted, texts)) == [
        ["a blue square", "blue"],
        ["a green square", "a red square", "red", "red again"],
    ]


def test_an_index_names_the_files_of_urls(tmp_path: Path) -> None:
    """WIT's URLs are found by images.tsv, and never fetched."""
    folder = _images(tmp_path)
    (folder / "images.tsv").write_text("https://host/1.jpg\ta.png\n")
    (folder / "wit.tsv").write_text("\t".join(WIT) + "\nsw\tp\thttps://host/1.jpg\tmraba mwekundu\n")
    assert _content(read_pairs(str(folder))) == {"a.png": {("sw", "mraba mwekundu")}}


def test_rows_of_iglue_are_read(tmp_path: Path) -> None:
    """Its rows of WIT are JSON lines with WIT's keys; the file is the end of the URL, without its escapes."""
    folder = _images(tmp_path)
    (folder / "images" / "a.png").rename(folder / "images" / "a, b.png")
    row = {"image_url": "https://host/4/a%2C_b.png".replace("_", "%20"), "language": "ja", "wit_ix": "wit-test_0"}
    (folder / "test_ja.jsonl").write_text(json.dumps({**row, "caption_reference_description": "赤"}))
    assert _content(read_pairs(str(folder))) == {"a, b.png": {("ja", "赤")}}


def test_languages_and_limits_select_whole_images(tmp_path: Path) -> None:
    """A limit takes whole images, a smaller one a subset; a language that no caption has is named."""
    folder = str(_multi30k(_images(tmp_path)))
    assert _content(read_pairs(folder, ("de",))) == {
        name: {pair for pair in several if pair[0] == "de"} for name, several in WANTED.items()
    }
    fewer, more = (set(_content(read_pairs(folder, (), most))) for most in (2, 4))
    assert (len(fewer), len(more)) == (1, 2)
    assert fewer < more
    with pytest.raises(MissingData, match="no captions in sw"):
        read_pairs(folder, ("en", "sw"))


def test_the_identity_is_that_of_captions_and_images(tmp_path: Path) -> None:
    """Another caption, another byte of an image or another pairing is other data; a copied folder is the same."""
    first, copy = (read_pairs(str(_multi30k(_images(tmp_path / name)))) for name in ("first", "copy"))
    assert first.identity == copy.identity
    assert exchanged(first, 1).identity != first.identity
    assert sorted(exchanged(first, 1).texts()) == sorted(first.texts())
    Image.new("RGB", (40, 20), (200, 10, 21)).save(tmp_path / "copy" / "images" / "a.png")
    assert read_pairs(str(tmp_path / "copy")).identity != first.identity
    (tmp_path / "first" / "train.en").write_text("a red square\na green square\na blue cube\n")
    assert read_pairs(str(tmp_path / "first")).identity != first.identity


def _png(width: int, height: int) -> bytes:
    """A PNG whose header states a size that its few bytes do not contain."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"TRUNCATED", "cannot be read"),
        (_png(60_000, 60_000), ".* 50,000,000 pixels"),
        (_png(8_000, 8_000), ".* 50,000,000 pixels"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "cannot be read"),
    ],
)
def test_a_bad_image_is_one_line_that_names_it(content: bytes, message: str, tmp_path: Path) -> None:
    """Empty, cut, far too large, or of a format that starts another program: refused with the name of the file."""
    path = _images(tmp_path) / "images" / "a.png"
    path.write_bytes(path.read_bytes()[:60] if content == b"TRUNCATED" else content)
    with pytest.raises(DataError, match=rf"images/a\.png: {message}") as refused:
        files.decoded(path, 8)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "name", ["../outside.png", "/etc/hostname", "images/../../outside.png", "link.png", "x\\y.png", ""]
)
def test_an_image_outside_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    """A path that leaves the folder, by its parts or by a link, is not read."""
    folder = _images(tmp_path / "pairs")
    Image.new("RGB", (4, 4)).save(tmp_path / "outside.png")
    (folder / "images" / "link.png").symlink_to(tmp_path / "outside.png")
    (folder / "pairs.jsonl").write_text(json.dumps({"image": name, "caption": "a dog", "language": "en"}))
    with pytest.raises(DataError, match=r"pairs\.jsonl:1: "):
        read_pairs(str(folder))


@pytest.mark.parametrize(
    ("files", "kind", "message"),
    [
        ({}, MissingData, "no captions"),
        ({"train_images.txt": "a.png\n"}, MissingData, "but no captions"),
        ({"train_images.txt": "a.png\nb.png\n", "train.en": "one\n"}, DataError, "1 captions"),
        ({"en.tsv": "a.png\n"}, DataError, "en.tsv:1: has 1 columns"),
        ({"en.tsv": "a.png\t \n"}, DataError, "en.tsv:1: .* empty"),
        ({"en.tsv": "absent.png\ta dog\n"}, DataError, "en.tsv:1: .* 'absent.png'"),
        ({"en.tsv": "a.png\t" + "x" * 10_001}, DataError, "10,001 characters"),
        ({"wit.tsv": "language\tcaption_reference_description\n"}, DataError, "wit.tsv:1: .* 'image_url'"),
        ({"wit.tsv": "\t".join(WIT) + "\nen\tp\n"}, DataError, "wit.tsv:2: has 2 columns"),
        ({"wit.tsv": "\t".join(WIT) + "\nen\tp\thttps://h/z.jpg\tz\n"}, MissingData, "no image"),
        ({"p.jsonl": '{"image": "a.png"}'}, DataError, "p.jsonl:1: .* 'caption'"),
        ({"p.jsonl": '{"image": "a.png", "caption": 3}'}, DataError, "p.jsonl:1"),
    ],
)
def test_a_bad_file_of_captions_is_named(
    files: Mapping[str, str], kind: type[Exception], message: str, tmp_path: Path
) -> None:
    """Captions that are absent, too few, empty or without an image are one line that names the file."""
    folder = _images(tmp_path)
    for name, text in files.items():
        (folder / name).write_text(text)
    with pytest.raises(kind, match=message):
        read_pairs(str(folder))


def test_without_pillow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a folder of images is read."""
    monkeypatch.setattr(files, "find_spec", lambda _: None)
    load = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "PIL":
            raise ImportError(name)
        return load(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"pip install 'robust-xtreme\[images\]'"):
        read_pairs(str(tmp_path))
