"""What a failed call to Triton means for the caller: try again, or stop."""

from __future__ import annotations

from tritonclient.utils import InferenceServerException

from domain.errors import ForewarnError, Stop, TryAgain

# A model is NOT_FOUND for a moment while it is loaded again, and while the server shuts down.
_PASSING = {
    "UNAVAILABLE": "it is away, starting, or has too many requests waiting",
    "DEADLINE_EXCEEDED": "it did not answer in time",
    "NOT_FOUND": "the model is not loaded (now)",
    "CANCELLED": "the call was cut off",
    "ABORTED": "the call was cut off",
    "RESOURCE_EXHAUSTED": "it has no room for the request",
    "UNKNOWN": "the connection broke",
}
_PASSING_WORDS = ("goaway", "rst_stream", "stub process", "connection reset", "shutting down")
_UNKNOWN_REGION_WORDS = ("unable to find", "not found", "not registered")


def as_forewarn_error(
    error: InferenceServerException, address: str, model: str, deadline_s: float
) -> ForewarnError:
    """Sort a failed call by what the caller can do about it."""
    code, said = _code(error), str(error.message())[:300]
    where = f"Triton at {address}, model {model!r}"
    if code in _PASSING or any(words in said.lower() for words in _PASSING_WORDS):
        meaning = _PASSING.get(code, "the connection broke")
        return TryAgain(f"{where}: {meaning} ({code}, deadline {deadline_s:g} s): {said}")
    return Stop(
        f"{where} refused the request ({code}): {said}; does the server serve this release's "
        "triton_repo? See `forewarn triton status`"
    )


def forgot_shared_memory(error: InferenceServerException) -> bool:
    """True where the server does not know our block (any more): it was started again."""
    said = str(error.message()).lower()
    return "shared memory" in said and any(words in said for words in _UNKNOWN_REGION_WORDS)


def _code(error: InferenceServerException) -> str:
    return str(error.status() or "UNKNOWN").removeprefix("StatusCode.")
