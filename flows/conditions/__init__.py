"""Conditions of rules: one small module each, all with the interface of condition.py."""
