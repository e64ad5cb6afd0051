"""What rules look for: one small module a condition, all with the interface of condition.py."""
