"""A page of drawn clauses in a language, each below its English, for readers of that language.

`python -m tools.mini.sample de --n 60`
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from tools.mini import meaning
from tools.mini.draws import askable, drawn
from tools.mini.grammar import question, sentence, written
from tools.mini.meaning import Clause


def main() -> None:
    """Print statements and questions in a language, each below its English."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("language", choices=meaning.LANGUAGES)
    parser.add_argument("--n", type=int, default=62)
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    for clause in drawn(words.seed, words.n):
        _show(words.language, clause)


def _show(language: str, clause: Clause) -> None:
    for code in dict.fromkeys(("en", language)):
        print(f"{code:3}", written(code, sentence(code, clause)))
    for asked in askable(clause):
        for code in dict.fromkeys(("en", language)):
            print(f"   {code:3} {asked:9}", written(code, question(code, replace(clause, negated=False), asked)))
    print()


if __name__ == "__main__":
    main()
