"""Sort failed calls to Triton by what the caller can do: try again, or stop."""

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
    code, message = _code(error), str(error.message())[:300]
    where = f"Triton at {address}, model {model!r}"
    if code in _PASSING or any(words in message.lower() for words in _PASSING_WORDS):
        meaning = _PASSING.get(code, "the connection broke")
        return TryAgain(f"{where}: {meaning} ({code}, deadline {deadline_s:g} s): {message}")
    return Stop(
        f"{where} refused the request ({code}): {message}; does the server serve this release's "
        "triton_repo? See `forewarn triton status`"
    )


def late() -> InferenceServerException:
    """Make the error of a call that was not answered in time."""
    return InferenceServerException("no answer yet", status="StatusCode.DEADLINE_EXCEEDED")


def forgot_shared_memory(error: InferenceServerException) -> bool:
    """Tell whether the server does not know our block (any more): it was started again."""
    message = str(error.message()).lower()
    return "shared memory" in message and any(words in message for words in _UNKNOWN_REGION_WORDS)


def _code(error: InferenceServerException) -> str:
    return str(error.status() or "UNKNOWN").removeprefix("StatusCode.")
