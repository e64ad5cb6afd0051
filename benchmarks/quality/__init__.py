"""Measure how well people are followed, found, hidden, and told apart, on clips with a known truth."""
