"""Real English typos as the measure of keyboard_typo: `python -m tools.yardstick --data DIR`."""
