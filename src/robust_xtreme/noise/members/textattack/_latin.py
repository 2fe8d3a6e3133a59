"""The languages whose words TextAttack's tokenizer leaves whole."""

from __future__ import annotations

from robust_xtreme import languages
from robust_xtreme.noise.engine.perturbation import known_language


def lacks(code: str) -> str:
    """Why recipes do not serve a language; "" where they do."""
    if reason := known_language(code):
        return reason
    language = languages.language(code)
    if not language.spaces:
        return "TextAttack's tokenizer needs spaces between words, and the language is written without"
    if language.script != "Latn":
        return "TextAttack's tokenizer and the letters that it inserts are those of the Latin script"
    if any(len(letter) > 1 for letter in language.alphabet):
        return "TextAttack's tokenizer tears letters from their combining marks"
    return ""
