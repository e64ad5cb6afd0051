"""Measure what forewarn costs beside what it could cost; see benchmarks/README.md."""
