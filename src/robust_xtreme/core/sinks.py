"""Text on its way out: what names and texts contain is shown where it is written, and cannot act there.

Each kind of sink has a function here, which all its writers use: CSV, log and messages, terminal and pipe, JSON and
TOML, Markdown, HTML. Parquet files, and the files that `perturb` writes, contain texts as they are.
"""

import html
import io
import json
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

HIDDEN: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
"""The categories of characters that are not seen."""

_ACTING: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
"""Control characters, line separators, marks of direction, what has no width, and halves of characters."""

_MARKDOWN: Final = re.compile(r"[\\`*<|&~$]|\](?=[(\[:])|(?<![^\W_])_|_(?![^\W_])|^[#>]|#(?=#*$)|^[-+](?=\s)")
_ENTITIES: Final = {"<": "&lt;", "&": "&amp;"}
_CODE: Final = re.compile("<U\\+([0-9A-F]{4}|10[0-9A-F]{4}|[1-9A-F][0-9A-F]{4})>")
_OPENING: Final = "<U+"
_QUOTE: Final = "'"
_FORMULA: Final = (*"=+-@", *"＝＋－＠", _QUOTE)
"""How a cell begins that a spreadsheet takes for a formula, in both widths, and the quote that marks a text."""

_COMMAND: Final = re.compile(r"^((?:\s|\x1b\[[\d;]*m)*):(?=:)|#(?=#\[)", re.MULTILINE)
ACTIONS: Final = "GITHUB_ACTIONS"
"""The variable that is `true` where a runner of GitHub reads what is printed, and does what `::name::` asks for."""

_LONGEST: Final = 2000


def visible(text: str) -> str:
    """Control, direction and zero-width characters as `<U+202E>`; everything else as it is."""
    if text.isprintable():
        return text
    return "".join(_code(point) if unicodedata.category(point) in HIDDEN else point for point in text)


def cut(text: str, longest: int) -> str:
    """A text, or the beginning of a longer one with an ellipsis."""
    return text if len(text) <= longest else f"{text[:longest]}\u2026"


def each_text(value: Any, shown: Callable[[str], str]) -> Any:
    """A value of mappings and lists, in which each text is `shown`."""
    match value:
        case str():
            return shown(value)
        case Mapping():
            return {key: each_text(part, shown) for key, part in value.items()}
        case list():
            return [each_text(part, shown) for part in value]
    return value


def inert(text: str) -> str:
    """As `visible`, but the joiners of letters stay, which some scripts and emoji need."""
    return _ACTING.sub(lambda match: _code(match[0]), text)


def terminal(text: str) -> str:
    """Text for a terminal or a pipe: as `inert`, but lines and tabs stay."""
    return _ACTING.sub(lambda match: match[0] if match[0] in "\n\t" else _code(match[0]), text)


def one_line(text: str) -> str:
    """Text for a log or a message: one line without control characters, cut to a screenful."""
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"
    return "".join(point if point.isprintable() else repr(point)[1:-1] for point in short)


def printed(text: str) -> str:
    """Text as it is printed: for a runner of GitHub no line of it is a command, be it `::name::` or `##[name]`."""
    is_read = os.environ.get(ACTIONS) == "true"
    return _COMMAND.sub(lambda match: f"{match[1] or ''}{_code(match[0][-1])}", text) if is_read else text


def echo(text: str = "", *, error: bool = False, end: str = "\n", command: bool = False) -> None:
    """Print text to stdout, or to stderr; as it is where it is our own command for a runner of GitHub."""
    shown, stream = terminal(text), sys.stderr if error else sys.stdout
    if stream is not None:  # closed by the parent process
        print(shown if command else printed(shown), file=stream, end=end)


class _Lossy(io.FileIO):
    """A file that takes everything: after the first error, which is `lost`, what is written is dropped."""

    lost: OSError | None = None
    is_gone: bool = False

    def write(self, data: Any, /) -> int:
        """Write bytes; return how many of them are not to be written again."""
        try:
            return len(data) if self.is_gone else io.FileIO.write(self, data)
        except OSError as error:
            self.lost, self.is_gone = error, True
            return len(data)


def lossy(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    """The stream as one that drops what its reader does not take, and escapes what its encoding does not have."""
    stream.reconfigure(errors="backslashreplace")
    try:
        file = _Lossy(stream.fileno(), "w", closefd=False)
    except OSError:  # a stream in memory
        return stream
    is_prompt = stream.line_buffering or stream.write_through
    return io.TextIOWrapper(io.BufferedWriter(file), stream.encoding, stream.errors, line_buffering=is_prompt)


def lost(stream: Any) -> OSError | None:
    """Why a stream of `lossy`, or its buffer, dropped something, when it is first asked; None where it did not."""
    file = getattr(getattr(stream, "buffer", stream), "raw", None)
    if not isinstance(file, _Lossy):
        return None
    error, file.lost = file.lost, None
    return error


def _code(point: str) -> str:
    return f"<U+{ord(point):04X}>"


def csv_cell(text: str, shown: Callable[[str], str] = visible) -> str:
    """A text as a cell of CSV: no formula, nothing hidden; `text_of_cell` gives the text again.

    `shown` is `visible` or, for readers of a text, `inert`. A quote before =, +, - and @ has a spreadsheet take the
    cell for text, as in https://owasp.org/www-community/attacks/CSV_Injection
    """
    coded = shown(text.replace(_OPENING, "<U+003C>U+"))
    return f"{_QUOTE}{coded}" if coded.startswith(_FORMULA) else coded


def text_of_cell(written: str) -> str:
    """The text of a cell that `csv_cell` made."""
    coded = written.removeprefix(_QUOTE)
    return _CODE.sub(lambda match: chr(int(match[1], 16)), coded) if _OPENING in coded else coded


class Trusted(str):
    """What may be written as it is: literals of the program, and texts that were escaped for where they are written.

    Renderers write nothing else, so that mypy finds a text that is not escaped; `filled` finds it where it has no type.
    """

    __slots__ = ()


def filled(literal: str, *parts: Trusted | int) -> Trusted:
    """A literal with parts in its braces. Raises TypeError for a text that is not escaped."""
    given: Sequence[object] = parts
    if plain := [part for part in given if not isinstance(part, Trusted | int)]:
        raise TypeError(f"not escaped: {plain[0]!r}")
    return Trusted(literal.format(*parts))


def between(literal: str, parts: Iterable[Trusted]) -> Trusted:
    """Parts with a literal between any two. Raises as `filled`."""
    return Trusted(literal.join([filled("{}", part) for part in parts]))


def encoded(text: str) -> bytes:
    """A text as the bytes of a file, halves of characters as escapes."""
    return text.encode("utf-8", "backslashreplace")


def json_text(value: Any, **options: Any) -> str:
    """A value as JSON in which characters that `inert` shows are escapes; reading it gives the value itself."""
    text = json.dumps(value, ensure_ascii=False, **options).replace("##[", r"#\u0023[")  # a runner's command
    return _ACTING.sub(lambda match: "\n" if match[0] == "\n" else json.dumps(match[0])[1:-1], text)


def html_text(text: str) -> Trusted:
    """The visible text with every character of HTML syntax escaped."""
    return Trusted(html.escape(visible(text)))


def markdown(text: str, shown: Callable[[str], str] = visible) -> Trusted:
    """The visible text with every character of markdown syntax escaped; `shown` is `visible` or `inert`.

    What could begin HTML is an entity, since not every renderer knows a backslash before it.
    """
    return Trusted(_MARKDOWN.sub(lambda match: _ENTITIES.get(match[0], "\\" + match[0]), shown(text)))


def code_block(lines: Sequence[str], language: str = "text") -> Trusted:
    """Lines as a code block, with a fence that no line can close."""
    body = [visible(line) for line in lines]
    longest = max((len(run) for line in body for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return Trusted("\n".join([f"{fence}{language if language.isalpha() else 'text'}", *body, fence]))
