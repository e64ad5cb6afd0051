"""What a rung of a ladder, or its end, can do."""

from __future__ import annotations

from typing import Literal

Request = Literal["notify", "open_case", "request_officer"]
Action = Literal["announce", "notify", "open_case", "request_officer"]
