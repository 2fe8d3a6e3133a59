"""Attacks by a search: each has the moves of the perturbation that it names."""

from __future__ import annotations

from robust_xtreme.noise.engine.attack import attack

attack_casing = attack(
    "attack_casing", "Search for the words in other case with which a model answers worst.", moves=("casing",)
)
attack_keys = attack(
    "attack_keys",
    "Search for the typing errors on the language's keyboard with which a model answers worst.",
    moves=("keyboard_typo",),
)
attack_letters = attack(
    "attack_letters", "Search for the errors in letters with which a model answers worst.", moves=("char_noise",)
)
attack_lookalikes = attack(
    "attack_lookalikes", "Search for the look-alike letters with which a model answers worst.", moves=("confusables",)
)
attack_marks = attack(
    "attack_marks",
    "Search for the marks that are lost or wrong with which a model answers worst.",
    moves=("diacritics",),
)
attack_misspellings = attack(
    "attack_misspellings",
    "Search for the misspellings that people make with which a model answers worst.",
    moves=("natural_typo",),
)
attack_spacing = attack(
    "attack_spacing", "Search for the spaces lost or put in with which a model answers worst.", moves=("spacing",)
)
attack_transliteration = attack(
    "attack_transliteration",
    "Search for the transliterated words with which a model answers worst.",
    moves=("transliterate",),
)
attack_words = attack(
    "attack_words",
    "Search for words that a masked language model expects with which a model answers worst.",
    moves=("masked_words",),
)
