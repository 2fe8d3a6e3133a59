"""One file a metric: per-example sums, and what they reduce to. Files with a leading underscore are not members."""
