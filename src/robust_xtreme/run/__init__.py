"""Evaluation: a checkpoint answers every task clean and perturbed, and its predictions are stored."""
