"""Perturbations, and attacks that search for their edits: a file each, and files of several that are alike."""

from typing import Final

_MOVES: Final = "casing keys letters lookalikes marks misspellings spacing transliteration words"
_RECIPES: Final = "bae deepwordbug input_reduction pruthi pwws textbugger textfooler"
MEMBERS: Final = {
    "_attacks": (
        *(f"attack_{moves}" for moves in _MOVES.split()),
        *(f"textattack.{recipe}" for recipe in _RECIPES.split()),
    ),
    "ocr_noise": ("ocr_channel", "ocr_noise"),
    "_letters": ("casing", "char_noise", "punctuation", "repetition", "spacing", "zero_width"),
    "natural": ("natural", "natural_typing", "natural_typo", "natural_writing"),
    "recoded": ("confusables", "diacritics", "normalisation", "styled"),
    "scripts": ("code_switch", "transliterate"),
    "_words": ("masked_words", "word_drop", "word_order"),
}
