"""Messages to people: what they say, how they go out, and what is remembered of each."""
