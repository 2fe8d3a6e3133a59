"""A spelling normaliser: unknown words become the likeliest known ones from which one error leads to them."""
