"""The console: live, search and audit pages for people. Start at serve.py."""
