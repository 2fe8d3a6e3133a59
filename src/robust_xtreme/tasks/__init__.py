"""What is asked: tasks and their metrics, adapters and groups, and how their files and noisy sets are read."""
