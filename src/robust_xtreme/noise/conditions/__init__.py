"""What a cell is measured under: clean text, noise, an attack, or noisy examples of other people."""
