"""Makes the page of a run that people look at: one HTML file, part by part."""
