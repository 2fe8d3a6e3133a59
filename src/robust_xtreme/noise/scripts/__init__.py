"""Writing a language in another script: tables of letters, and the schemes that use them."""

from typing import Final

_NAMES: Final = "arab deva hant hepburn iast icu iso9 latn national revised rtgs typed uroman"
MEMBERS: Final = {"schemes": tuple(_NAMES.split())}
