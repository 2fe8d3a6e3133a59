"""One file a metric: sums per example and their reduction. Files with a leading underscore are not members."""
