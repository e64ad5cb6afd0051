"""Damaged footage through the product's own reading, and what it cost."""
