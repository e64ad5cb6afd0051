"""Kill -9 at random moments, and count what was lost and what happened twice; see README.md."""
