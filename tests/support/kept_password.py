"""A password, and a hash of it that people files hold: the cheapest that is taken, a fiftieth of what ours cost."""

from __future__ import annotations

PASSWORD = "four unrelated words"
# as hash_password would make it, had it that cost
HASH = "scrypt$16384$1$1$nEm+g8p6zXMykGo4J7av4A==$lwR4SEuV0LrLh6Y3yp0KWCJj33KxY6iIv+vQ2OP8Goo="
