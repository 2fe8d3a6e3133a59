"""No writer goes around `sinks.py`, which shows what names and texts contain instead of letting it act."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from robust_xtreme.core.sinks import between, filled, html_text

SOURCE: Final = Path(__file__).parents[2] / "src" / "robust_xtreme"

WRITERS: Final = {
    r"(?<![.\w])print\(|typer\.echo\(|click\.echo\(|(?:stdout|stderr)(?:\.buffer)?\.write\(": {
        "core/sinks.py": "the sink itself",
        "tasks/sources/_fetch.py": "the answer of a child process, read by its parent",
        "cli/_check.py": "the answer of a child process, read by its parent",
    },
    r"(?<![.\w])Console\((?!\))|rich import print|(?<![.\w])Terminal\(": {"cli/_terminal.py": "the consoles"},
    r"csv\.writer\(|csv\.DictWriter\(|write_csv\(": {"files/csv.py": "the sink itself, whose cells are of `csv_cell`"},
    r"html\.escape\(|from html import": {"core/sinks.py": "the sink itself"},
    r"ensure_ascii=False": {
        "core/sinks.py": "the sink itself",
        "core/examples.py": "predictions, stored in parquet",
        "tasks/formats/_json.py": "rows of `perturb`, whose texts are data",
        "exchange/importing/items.py": "answers of imported rows, which are data",
        "training/translated.py": "translations, which are data, and a text that is read again at once",
        "models/stages.py": "a value of a frame",
        "stats/stages.py": "the bytes of a digest",
        "report/summary.py": "lines of a code block, which shows them",
    },
    r"(?<!def )\b(?:created|appended|write_all|write_synced|new_files\.temporary|store\.write)\(": {
        "files/new_files.py": "what makes files",
        "run/folder.py": "log.txt, each line by `one_line`",
        "run/scoring.py": "bytes of frames",
        "studies/run.py": "log.txt, each line by `one_line`",
        "gating/pull_request.py": "the summary of a step and its outputs, by `visible`",
        "gating/_files.py": "frames and JSON by `json_text`",
        "gating/baselines.py": "the same",
        "cli/align.py": "packs of numbers, and of texts as JSON in ASCII",
        "gating/outputs.py": "what the renderers made",
        "exchange/importing/run.py": "what the renderers made",
        "files/store.py": "bytes of the sinks",
        "files/journal.py": "names and hashes, as JSON in ASCII",
        "files/cache.py": "an empty file, whose bytes are locked",
        "exchange/perturbing/output.py": "files of `perturb`, whose texts are data",
        "training/resume.py": "numbers of a saved state",
        "tasks/sources/table.py": "rows of a user, and what a suite says of them, as JSON by `json_text`",
        "tasks/sources/hub.py": "names in the cache of the hub's client",
        "attack/recipes.py": "an empty file",
        "run/verifying.py": "an empty file, in a folder that is removed",
    },
    r"(?<![.\w])write\((?:path|key|target), ": {
        "exchange/exporting/harness/their_tasks.py": "lines of JSON by `json_text`, YAML, and a program",
        "files/store.py": "bytes of the sinks",
        "cli/export.py": "a model card, which its library writes as YAML and Markdown",
        "gating/outputs.py": "what the renderers made",
    },
    r"store\.write_text\(": {
        "cli/config.py": "a copy of a file",
        "run/folder.py": "run.toml, by `json_text`",
        "training/translated.py": "translations, which are data",
        "training/loop.py": "metrics.csv: names of tasks and numbers",
        "training/record.py": "a copy of a stage's record",
        "training/stage.py": "hashes",
        "studies/folder.py": "a copy of the study's file, and pages by the renderers",
    },
}
"""Ways to write, each with the files of `src` that use it and what they write."""


@pytest.mark.parametrize("way", WRITERS)
def test_writers_use_the_sinks(way: str) -> None:
    """What prints, writes CSV, JSON or a file directly is listed with what it writes; nothing else does."""
    users = {path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py") if _uses(path, way)}
    assert users - set(WRITERS[way]) == set()


def _uses(path: Path, way: str) -> bool:
    return any(re.search(way, line.partition("#")[0]) for line in path.read_text("utf-8").splitlines())


# ----------------------------------------------------------------------------------------------------- escaped by type

TRUSTED: Final = {
    "core/sinks.py": {
        "literal.format(*parts)": "a literal and parts that are trusted",
        "literal.join([filled('{}', part) for part in parts])": "the same",
        "html.escape(visible(text))": "the escape of HTML",
        "_MARKDOWN.sub(lambda match: _ENTITIES.get(match[0], '\\\\' + match[0]), shown(text))": "that of Markdown",
        "'\\n'.join([f\"{fence}{(language if language.isalpha() else 'text')}\", *body, fence])": "a block of code",
    },
    "report/renderers/markdown.py": {
        "block.markdown.strip()": "what an author of the project wrote; only tools make a Prose",
        "_OPENING.sub('\\\\1\\\\\\\\', phrase(parts).strip(' '))": "one more escape in a phrase",
        "visible(part.href).translate(_SAFE)": "an address, in which no sign ends it",
        "f'`{text}`'": "a code span, of a text without a backtick",
    },
    "report/renderers/tex.py": {
        "name": "a literal by its type",
        "f'p{{{_EM * width:.1f}em}}' if 0 < width < longest else 'l'": "a number",
        "_STACKED.sub(_INTERVAL_BELOW, _phrase(cell))": "commands around a phrase",
        "_BREAK.sub('\\\\g<0>\\\\\\\\allowbreak{}', text)": "commands in a phrase",
        "_INTERVAL.sub('[\\\\1]', _TWICE.sub('\\\\1{}', escaped).replace('−', '$-$'))": "the escape of TeX",
    },
    "report/renderers/html.py": {
        "template.render(parts)": "it escapes",
        "template.render(title=title, groups=groups, first=first)": "the same",
        "'\\n'": "a literal",
        "_asset(name)": "a file of the program",
        "text": "a chart, whose renderer escapes the texts of a specification",
    },
    "gating/outputs.py": {
        "_ACTIVE.sub('\\\\g<0><!-- -->', text)": "comments in Markdown that is trusted",
        "text[:text.rindex('\\n', 0, _LONGEST)]": "whole lines of it",
    },
    "exchange/exporting/model_card.py": {"metadata.strip()": "YAML of the hub's library"},
}
"""Each text that is trusted without an escape of `sinks.py`, by its file: how it is made, and why it may be written."""


def test_only_literals_and_escaped_texts_are_trusted() -> None:
    """Renderers return `Trusted`, as mypy checks; what makes one of another text is listed."""
    made: dict[str, set[str]] = {}
    for path, call in calls("Trusted", "Markup"):
        made.setdefault(path, set()).update(map(ast.unparse, call.args))
    assert made == {
        path: {ast.unparse(ast.parse(call, mode="eval")) for call in known} for path, known in TRUSTED.items()
    }


def test_what_is_filled_is_a_literal() -> None:
    """What parts are put in, or between, is written where it is used; a text of data could contain the braces."""
    users = {
        path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py") if _uses(path, r"sinks import.*filled")
    }
    assert len(users) > 5
    written = [(path, call) for path, call in calls("filled", "between") if path in users]
    others = {path: ast.unparse(call) for path, call in written if not literal(call.args[0])}
    assert others == {}


def test_only_tools_write_prose() -> None:
    """A block whose Markdown is not escaped is of pages of the project itself."""
    assert [*calls("Prose")] == []


def test_renderers_return_what_is_trusted() -> None:
    """No function that writes a page, or a part of one, returns a plain text."""
    plain = [
        f"{path}: {function.name}"
        for path in ("report/renderers/markdown.py", "report/renderers/tex.py")
        for function in ast.walk(ast.parse((SOURCE / path).read_text("utf-8")))
        if isinstance(function, ast.FunctionDef) and ast.unparse(function.returns or ast.Constant(None)) == "str"
    ]
    assert plain == ["report/renderers/tex.py: _longest"]  # a measure


def test_a_text_that_is_not_escaped_is_an_error() -> None:
    """Where it has no type, as a value of a frame has not, the text is refused when it is written."""
    row: dict[str, Any] = {"task": "<img>"}
    with pytest.raises(TypeError, match="<img>"):
        filled("<p>{}</p>", row["task"])
    with pytest.raises(TypeError, match="not escaped"):
        between(", ", [html_text("a"), row["task"]])
    assert filled("<p>{}{}</p>", html_text("{0}<"), 1) == "<p>{0}&lt;1</p>"


def calls(*names: str) -> Iterator[tuple[str, ast.Call]]:
    """The calls of functions of these names in `src`, each with its file."""
    wanted = re.compile(rf"\b(?:{'|'.join(names)})\(")
    for path in SOURCE.rglob("*.py"):
        text = path.read_text("utf-8")
        for node in ast.walk(ast.parse(text)) if wanted.search(text) else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                yield path.relative_to(SOURCE).as_posix(), node


def literal(node: ast.expr) -> bool:
    """Whether a text is written there, perhaps one of two."""
    if isinstance(node, ast.IfExp):
        return literal(node.body) and literal(node.orelse)
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
