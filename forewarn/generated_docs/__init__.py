"""Documentation that is printed from the code, so that the two cannot disagree (`make docs`)."""
