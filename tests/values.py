"""Values by type, as a file has them, for tests of readers."""

from __future__ import annotations

import json
from typing import Final

TEXTS: Final = (
    "a",
    "b",
    "A",
    " ",
    "",
    "1",
    "01",
    "1.0",
    "True",
    "true",
    "None",
    "null",
    "NaN",
    "[1]",
    '["a"]',
    "{",
    "é",
)
VALUES: Final = (
    *("null", "true", "false", "0", "1", "2", "-1", "-0.0", "0.5", "1.0", "1e0", "2.0", "1e16", "1e999", "-1e999"),
    *("NaN", "Infinity", "9007199254740993", "1" + "0" * 400, "1" * 5000, "x", ""),
    *("[]", '["a"]', '["a", "b"]', "[1]", '["a", 1]', "[null]", '[["a"]]', "[[0, 1]]", "{}", '{"a": 1}', '{"a": 0.5}'),
    *('{"text": ["a"], "answer_start": [0]}', '{"text": [], "answer_start": []}', '{"text": "a", "answer_start": 0}'),
    *('[{"text": "a", "answer_start": 0}, {"text": "b", "answer_start": 4}]', '{"text": [1], "answer_start": [0]}'),
    *('{"prediction_text": "a", "id": "1"}', '{"a": 1, "a": 0}', '[{"a": 1, "\\u0061": 1}]', '"\\ud800"', '"a\\u0000"'),
    *('{"accuracy": {"all": [1, 1]}}', '{"accuracy": {"all": [5, 1]}}', '{"accuracy": {"all": [0, 0]}}'),
    *('{"accuracy": {"all": [-1, -1]}}', '{"accuracy": {"all": [1e999, 1]}}', '{"accuracy": {"all": [1]}}'),
    *('{"squad_f1": {"all": [0.5, 1]}}', '{"span_f1": {"all": [0, 0, 0]}}', '{"span_f1": {"all": [0.5, 0, 0]}}'),
    *map(json.dumps, (*TEXTS, '{"text": ["a"], "answer_start": [0]}', "{'text': ['a'], 'answer_start': [0]}")),
)
"""Values by type, as they are written; some are not JSON."""


def is_one_line(error: Exception, begin: str = "") -> bool:
    """Check that a message is one line with a beginning."""
    assert str(error).startswith(begin)
    assert "\n" not in str(error)
    return True
