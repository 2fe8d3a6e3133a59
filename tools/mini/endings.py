"""Two statements of a ring, and four that could come next: rows of sentence completion.

The ring is that of `causes`: of its four statements two are the text, the next one is the right ending, and the one
that came before the text is a wrong one about the same people and things. The two others are of other rings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Final, final

from tools.mini import causes, rows, split
from tools.mini.meaning import Clause
from tools.mini.rows import Row

CHOICES: Final = 4
_STRANGE: Final = 2


@final
@dataclass(frozen=True, slots=True)
class Continuation:
    """Two statements, and the four endings: the right one first."""

    template: str
    text: tuple[Clause, Clause]
    endings: tuple[Clause, ...]

    def all_clauses(self) -> tuple[Clause, ...]:
        """All clauses of the example."""
        return (*self.text, *self.endings)


def continuation(template: causes.Template, key: str) -> Continuation:
    """The continuation of a template of training that a key draws."""
    key = f"endings/{key}/{template.name}"
    return split.drawn(lambda source: _draw(template, source), Continuation.all_clauses, key, False)


def _draw(template: causes.Template, source: Random) -> Continuation:
    ring = causes.RINGS[template.ring]
    nodes = [ring[(template.step + offset) % len(ring)] for offset in range(len(ring))]
    strange = _strange(template.ring, nodes[1], source)
    cast = causes.cast_of((template.ring, *(name for name, _ in strange)), template.who, source)
    first, second, right, before = (causes.clause_of(node, cast) for node in nodes)
    others = [causes.clause_of(node, cast) for _, node in strange]
    return Continuation(template.name, (first, second), (right, before, *others))


def _strange(ring: str, node: str, source: Random) -> list[tuple[str, str]]:
    """Statements of other rings, each with its ring, that can be about one thing together with the ring's own."""
    while True:
        strange = [causes.strange_node(ring, node, source) for _ in range(_STRANGE)]
        names = (ring, *(name for name, _ in strange))
        if len({other for _, other in strange}) == _STRANGE and causes.things_of(names):
            return strange


def ending_rows(language: str, several: Iterable[Continuation]) -> Iterator[Row]:
    """One row of each continuation, its endings in an order of their own."""
    for index, drawn in enumerate(several):
        order = Random(f"endings/{drawn.template}/{drawn.text}/{index}").sample(range(CHOICES), CHOICES)
        yield {
            "id": f"{index:04d}",
            "cluster": drawn.template,
            "premise": rows.text(language, drawn.text),
            "choices": [rows.text(language, [drawn.endings[number]]) for number in order],
            "label": order.index(0),
        }
