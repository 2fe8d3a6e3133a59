"""Writing a language in another script: tables of letters, and the schemes that use them."""
