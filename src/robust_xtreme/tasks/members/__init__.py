"""One file a task: a TaskSpec named like its module. Files with a leading underscore are adapters of tasks."""
