"""Programs that `forewarn run` starts, one process each; each chooses its real adapters."""
