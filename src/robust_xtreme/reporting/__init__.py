"""Views of a run: which cells lost how much, per task and per language, on a page and on the terminal."""
