"""A Triton server: starting one, asking it, checking its answers."""
