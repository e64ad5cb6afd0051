"""A password, and the hash of it that people files hold: to make one takes a third of a second."""

from __future__ import annotations

PASSWORD = "four unrelated words"
# as hash_password made it once
HASH = "scrypt$32768$8$3$udIwEhaIpHq/0G/xf7zlEg==$wTT/Ptrx93b6PzeCSapiEB0bdxBE3R6eBTOeHatJRtw="
