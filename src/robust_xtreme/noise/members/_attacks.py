"""Attacks: by a search, each with the moves of the perturbation that it names, and by recipes of TextAttack."""

from functools import partial

from robust_xtreme.core import languages
from robust_xtreme.noise.engine.attack import attack, recipe

attack_casing = attack("attack_casing", "the words in other case", "casing")
attack_keys = attack("attack_keys", "the typing errors on the language's keyboard", "keyboard_typo")
attack_letters = attack("attack_letters", "the errors in letters", "char_noise")
attack_lookalikes = attack("attack_lookalikes", "the look-alike letters", "confusables")
attack_marks = attack("attack_marks", "the marks that are lost or wrong", "diacritics")
attack_misspellings = attack("attack_misspellings", "the misspellings that people make", "natural_typo")
attack_spacing = attack("attack_spacing", "the spaces lost or put in", "spacing")
attack_transliteration = attack("attack_transliteration", "the transliterated words", "transliterate")
attack_words = attack("attack_words", "words that a masked language model expects", "masked_words")


# BAE (arXiv 2004.01970), DeepWordBug (1801.04354), input reduction (1804.07781), the attack of Pruthi et al.
# (1905.11268), PWWS (ACL 2019, P19-1103), TextBugger (1812.05271) and TextFooler (1907.11932), by TextAttack.
#
# BAE, TextBugger and TextFooler need word vectors, a sentence encoder or a tagger, PWWS needs NLTK's WordNet. Input
# reduction keeps right answers right, so that its texts have no success.


def lacks(code: str) -> str:
    """Why recipes do not serve a language; "" where they do."""
    language = languages.language(code)
    if not language.spaces:
        return "TextAttack's tokenizer needs spaces between words, and the language is written without"
    if language.script != "Latn":
        return "TextAttack's tokenizer and the letters that it inserts are those of the Latin script"
    if any(len(letter) > 1 for letter in language.alphabet):
        return "TextAttack's tokenizer tears letters from their combining marks"
    return ""


_recipe = partial(recipe, lacks=lacks, beside="char_noise")

bae = _recipe("bae", "BAE: words that BERT expects for the most important words.")
deepwordbug = _recipe(
    "deepwordbug", "DeepWordBug: letters swapped, substituted, deleted and inserted in the most important words."
)
input_reduction = _recipe(
    "input_reduction",
    "Words left out, as many as the answer survives: what remains shows what it rests on.",
    beside="word_drop",
)
pruthi = _recipe("pruthi", "One typing error a word, by all words in turn.")
pwws = _recipe("pwws", "PWWS: synonyms of WordNet for the words with the most effect.")
textbugger = _recipe("textbugger", "TextBugger: letters changed, words split, and words with near vectors.")
textfooler = _recipe("textfooler", "TextFooler: words with near vectors for the most important words.")
