"""Prints examples of a document on a terminal: their texts with the edits, gold and predictions."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from robust_xtreme.core.sinks import inert, visible
from robust_xtreme.report.blocks import Diff, Phrase, Sample, inlines


def print_sample(console: Console, sample: Sample) -> None:
    """One example: its title, then a line for each text and fact, indented where it wraps."""
    coloured = console.color_system is not None and not console.no_color
    console.print()
    console.print(_text(sample.title, coloured).append_text(Text(_became(sample), "bold")), overflow="fold")
    for name, value in (*((name, (diff,)) for name, diff in sample.texts), *sample.facts):
        line = Text(f"{visible(name)}: ", "dim").append_text(_text(value, coloured))
        console.print(Padding(line, (0, 0, 0, 2), expand=False), overflow="fold")


def _became(sample: Sample) -> str:
    became = sample.labels.get("became", "")
    return f" ({visible(became)})" if became else ""


def _text(phrase: Phrase, coloured: bool) -> Text:
    """A phrase in one line; where the terminal has no colours, signs mark the edits."""
    line = Text(style="")
    for part in inlines(phrase):
        if isinstance(part, Diff):
            line.append_text(diff_text(part, coloured=coloured))
        else:
            line.append(visible(part if isinstance(part, str) else part.text))
    return line


def diff_text(diff: Diff, *, coloured: bool) -> Text:
    """The text with removed and added parts marked by colours or signs; invisible characters are shown."""
    line = Text()
    for removed, added, mark in diff.marked:
        style = "underline" if mark else ""
        if removed == added:
            line.append(inert(added), style)
        elif coloured:
            line.append(inert(removed), f"red strike {style}".rstrip())
            line.append(inert(added), f"bold green {style}".rstrip())
        else:
            line.append(f"[-{inert(removed)}-]" if removed else "").append(f"{{+{inert(added)}+}}" if added else "")
    return line
