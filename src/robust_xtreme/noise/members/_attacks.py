"""Attacks by a search: each has the moves of the perturbation that it names."""

from __future__ import annotations

from robust_xtreme.noise.engine.attack import attack

attack_casing = attack("attack_casing", "the words in other case", "casing")
attack_keys = attack("attack_keys", "the typing errors on the language's keyboard", "keyboard_typo")
attack_letters = attack("attack_letters", "the errors in letters", "char_noise")
attack_lookalikes = attack("attack_lookalikes", "the look-alike letters", "confusables")
attack_marks = attack("attack_marks", "the marks that are lost or wrong", "diacritics")
attack_misspellings = attack("attack_misspellings", "the misspellings that people make", "natural_typo")
attack_spacing = attack("attack_spacing", "the spaces lost or put in", "spacing")
attack_transliteration = attack("attack_transliteration", "the transliterated words", "transliterate")
attack_words = attack("attack_words", "words that a masked language model expects", "masked_words")
