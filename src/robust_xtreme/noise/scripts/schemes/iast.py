"""ISO 15919 for the scripts of India, under the name of IAST, which it extends (docs/decisions/0118-iast.md).

It writes r̥, l̥, ē, ō and ṁ where IAST has ṛ, ḷ, e, o and ṃ, so that letters that IAST does not know stay apart.
"""

from robust_xtreme.noise.scripts.scheme import by_table

iast = by_table(
    "iast",
    summary=(
        "by ISO 15919, which extends IAST to all Indic scripts: a Latin letter or pair for each letter, and r̥, l̥, ē, ō "
        "and ṁ where IAST has ṛ, ḷ, e, o and ṃ"
    ),
    source="ISO 15919:2001",
    back=True,
    divider=":",
    loss=(
        "joiners, some final letters of Malayalam and Bengali in the middle of a word, and a vowel after the sign that "
        "there is none"
    ),
)
