"""Print documentation from the code, so that the two cannot disagree (`make docs`)."""
