"""Files to be perturbed: a small one of each format, and what the command makes of a text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from robust_xtreme.exchange.perturbing.files import PerturbJob, perturb_file

SPEC = "char_noise:0.3"
TEXT = "Rais Julius Nyerere alizaliwa Butiama karibu na ziwa Viktoria"

CONLLU = (
    "# sent_id = s1\n"
    "# text = It's raining cats  in Zürich.\n"
    "1-2\tIt's\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "1\tIt\tit\tPRON\t_\t_\t3\tnsubj\t_\t_\n"
    "2\t's\tbe\tAUX\t_\t_\t3\tcop\t_\t_\n"
    "3\training\train\tVERB\t_\t_\t0\troot\t_\t_\n"
    "3.1\thidden\thide\tVERB\t_\t_\t_\t_\t0:root\t_\n"
    "4\tcats\tcat\tNOUN\t_\t_\t3\tobj\t_\tSpacesAfter=\\s\\s\n"
    "5\tin\tin\tADP\t_\t_\t6\tcase\t_\t_\n"
    "6\tZürich\tZürich\tPROPN\t_\t_\t3\tobl\t_\tSpaceAfter=No\n"
    "7\t.\t.\tPUNCT\t_\t_\t3\tpunct\t_\t_\n\n"
)
SQUAD: dict[str, Any] = {
    "version": 1.10,
    "data": [
        {
            "title": "Nyerere \u00e9",
            "paragraphs": [
                {
                    "context": "  Nyerere was a teacher. He was born in Butiama \U0001f600 near the lake Victoria. ",
                    "qas": [
                        {
                            "id": "q1",
                            "question": "Where was Nyerere born?",
                            "answers": [{"text": "Butiama", "answer_start": 40}, {"text": "", "answer_start": 0}],
                        },
                        {
                            "id": "q2",
                            "question": "What was he?",
                            "is_impossible": False,
                            "answers": [{"text": "a teacher", "answer_start": 14}],
                            "plausible_answers": [{"text": "teacher", "answer_start": 16}],
                        },
                    ],
                    "sentence_breaks": [[2, 24], [25, 74]],
                    "sentences": [
                        "Nyerere was a teacher.",
                        "He was born in Butiama \U0001f600 near the lake Victoria. ",
                    ],
                }
            ],
        },
        {
            "id": "r1",
            "context": "Sokoine was born in Monduli.",
            "question": "Where?",
            "answers": {"text": ["Monduli"], "answer_start": [20]},
        },
    ],
    "after": {"n": [1, 2.50, None]},
}
SAMPLES = {
    "conll": "-DOCSTART- O\n\nJulius B-PER\nNyerere  I-PER \nalizaliwa O\r\n\nButiama B-LOC\n",
    "conllu": CONLLU,
    "csv": 'id,text,"n ""1"""\r\n1,"Habari, ya ""asubuhi""\nrafiki yangu", x\r\n\n2,Nyerere alizaliwa,"1,5"',
    "iob2": "Julius\tB-PER\nNyerere\tI-PER\r\nalizaliwa\tO\n\n\nButiama\tB-LOC",
    "jsonl": '{"n": 1.5, "text" :"Habari ya asubuhi \\u00e9", "z": [1e3]}\r\n\n{"text": "Nyerere \\/ Butiama", "n": 2}',
    "lines": "Habari ya asubuhi\r\n\n  Nyerere alizaliwa Butiama  \n\u2028x\x0by\x00z",
    "squad": json.dumps(SQUAD, indent=1, ensure_ascii=False),
    "tsv": 'a "quoted\tHabari ya asubuhi\tneutral\r\nb\tNyerere alizaliwa\tx\n',
}
TEXTUAL = tuple(SAMPLES)
"""The formats that are texts; Parquet is not."""

FIELDS = {"jsonl": ("text",), "csv": ("text",), "tsv": ("2",), "squad": ("question", "context")}


def done(tmp_path: Path, text: str | bytes, kind: str, spec: str = SPEC, **options: Any) -> bytes:
    """What a file with that text becomes."""
    (tmp_path / "in").write_bytes(text if isinstance(text, bytes) else text.encode())
    chosen = {"fields": FIELDS.get(kind, ()), "language": "sw", "format": kind, "force": True, **options}
    if chosen["fields"] and all(name.isdigit() for name in chosen["fields"]):
        chosen = {"header": False, **chosen}
    perturb_file(PerturbJob(str(tmp_path / "in"), spec, str(tmp_path / "out"), **chosen))
    return (tmp_path / "out").read_bytes()
