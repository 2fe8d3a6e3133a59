"""The small changes that mutation testing makes: one operator, number or name of one expression each."""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from tools.faults.copies import ROOT

PACKAGE: Final = Path("src/robust_xtreme")
NUMBERS: Final = ("stats", "gating", "noise/engine", "tasks/metrics", "core/metric.py")
"""What computes numbers, within the package."""

_COMPARED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_COMPUTED: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
_CALLED: Final = {
    "min": "max", "max": "min", "any": "all", "all": "any", "head": "tail", "tail": "head", "first": "last",
    "last": "first", "floor": "ceil", "ceil": "floor", "mean": "median", "median": "mean", "minimum": "maximum",
    "maximum": "minimum",
}  # fmt: skip
_SILENT: Final = ("__repr__", "__str__")
"""Functions that no number depends on."""

_CHECKED: Final = ("frozen", "slots", "strict", "repr", "kw_only")
"""Words of dataclasses and `zip` that no number depends on."""


@final
@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: in the line `line` of `file` the code `old`, which begins at byte `start`, becomes `new`.

    `name` is a hash of the file, the line's text, the change and how often the file has it before, so that it stays
    where other lines come or go.
    """

    name: str
    file: str
    line: int
    start: int
    kind: str
    old: str
    new: str

    def planted(self, text: str) -> str:
        """The text of the file with the change in it. Raises ValueError where the code is not there."""
        data, old = text.encode(), self.old.encode()
        if data[self.start : self.start + len(old)] != old:
            raise ValueError(f"{self.file} has no {self.old!r:.80} at byte {self.start}")
        return (data[: self.start] + self.new.encode() + data[self.start + len(old) :]).decode()


def mutants(root: Path = ROOT, parts: Sequence[str] = NUMBERS) -> Iterator[Mutant]:
    """Every change of the files of some parts of the package, file by file."""
    for part in parts:
        path = root / PACKAGE / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            yield from of_text(file.read_text(encoding="utf-8"), file.relative_to(root).as_posix())


def sample(every: Sequence[Mutant], many: int, seed: int) -> list[Mutant]:
    """`many` changes, those with the lowest hashes of seed and name, so that a larger sample contains a smaller one."""
    return sorted(every, key=lambda mutant: _hash(str(seed), mutant.name))[:many]


def of_text(text: str, file: str) -> Iterator[Mutant]:
    """The changes of one file, in the order of its lines; none of annotations and texts."""
    lines = text.encode().splitlines(keepends=True)
    begins = [0]
    for line in lines:
        begins.append(begins[-1] + len(line))
    known: Counter[tuple[str, ...]] = Counter()
    for node, kind, changed in _changes(ast.parse(text)):
        start, end = (begins[at - 1] + column for at, column in _place(node))
        old, new = text.encode()[start:end].decode(), ast.unparse(changed)
        new = f"({new})" if isinstance(changed, ast.Compare | ast.BinOp | ast.BoolOp | ast.UnaryOp) else new
        key = (file, lines[node.lineno - 1].decode().strip(), old, new)
        known[key] += 1
        yield Mutant(_hash(*key, str(known[key]))[:12], file, node.lineno, start, kind, old, new)


def _place(node: ast.expr) -> tuple[tuple[int, int], tuple[int, int]]:
    return (node.lineno, node.col_offset), (node.end_lineno or node.lineno, node.end_col_offset or 0)


def _hash(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def _changes(node: ast.AST) -> Iterator[tuple[ast.expr, str, ast.expr]]:
    """Expressions with what each becomes, and the kind of change."""
    if (isinstance(node, ast.FunctionDef) and node.name in _SILENT) or isinstance(node, ast.Raise | ast.JoinedStr):
        return
    if isinstance(node, ast.keyword) and node.arg in _CHECKED:
        return
    if isinstance(node, ast.expr):
        yield from ((node, kind, changed) for kind, changed in _changed(node))
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns", "type_params", "type_comment"):
            for child in value if isinstance(value, list) else [value]:
                yield from _changes(child) if isinstance(child, ast.AST) else ()


def _changed(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.Compare(left, [operator], others) if type(operator) in _COMPARED:
            yield "comparison", ast.Compare(left, [_COMPARED[type(operator)]()], others)
        case ast.BinOp(left, operator, right) if type(operator) in _COMPUTED and not _is_text(left, right):
            yield "arithmetic", ast.BinOp(left, _COMPUTED[type(operator)](), right)
        case ast.BoolOp(operator, values):
            yield "and, or", ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
        case ast.UnaryOp(ast.Not() | ast.USub() | ast.Invert(), operand):
            yield "sign", operand
        case ast.IfExp(test, body, orelse):
            yield "condition", ast.IfExp(test, orelse, body)
        case ast.Constant(bool() | int() | float() as value):
            yield "constant", ast.Constant(_other(value))
        case ast.Call(ast.Name(name), words, named) if name in _CALLED:
            yield "call", ast.Call(ast.Name(_CALLED[name]), words, named)
        case ast.Call(ast.Attribute(of, name), words, named) if name in _CALLED:
            yield "call", ast.Call(ast.Attribute(of, _CALLED[name]), words, named)


def _other(value: float) -> float:
    """The other truth value, the next whole number, or a tenth more."""
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else 1.1 * value or 0.1


def _is_text(*sides: ast.expr) -> bool:
    """Whether an operator joins texts, or unites types."""
    return any(
        isinstance(side, ast.JoinedStr) or (isinstance(side, ast.Constant) and not isinstance(side.value, int | float))
        for side in sides
    )
