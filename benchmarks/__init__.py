"""What forewarn costs, measured beside what it could cost; see benchmarks/README.md."""
