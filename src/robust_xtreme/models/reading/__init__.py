"""What a model reads: contents, tokens, windows and the meaning of scores, for processes without torch."""
