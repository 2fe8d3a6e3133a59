"""One file a task: a TaskSpec, called like its module. Files with a leading underscore are adapters shared by tasks."""
