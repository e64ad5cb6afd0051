"""Start a Triton server, ask it, and check its answers."""
