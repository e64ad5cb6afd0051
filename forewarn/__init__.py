"""forewarn: see it, say it, see whether it stops, and only then send a person."""

__version__ = "0.1.0"
