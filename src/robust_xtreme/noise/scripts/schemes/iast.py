"""ISO 15919 for the scripts of India, whose letters are IAST's but for r̥, l̥, ē, ō and ṁ, which keep others apart."""

from robust_xtreme.noise.scripts.scheme import by_table

iast = by_table(
    "iast",
    summary="by ISO 15919, a Latin letter or pair for each letter of an Indic script",
    source="ISO 15919:2001",
    back=True,
    loss=(
        "joiners, final letters of Malayalam and Bengali in the middle of a word, a vowel after the sign that there is "
        "none, and what a colon keeps apart, as in ka:i"
    ),
)
