"""The report of a run: views, the document that shows them, and how they are rendered."""
