"""Goals, a file for each family of tasks."""
