"""Turning a rung's text into sound, in a process apart."""
