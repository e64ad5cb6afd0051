"""Pages for people: the live page and the search page. Start at serve.py."""
