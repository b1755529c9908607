"""What can end a run, as sentences with the next step. Each class carries the exit code of the contract."""

from __future__ import annotations

from typing import Any


class ArrearsError(Exception):
    """A fault that a person can act on; str() is the whole message, ending with what to do next."""

    exit_code = 1
    status = "failed"

    def __init__(self, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = details or {}  # what --json says beside the message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.details)


class UsageError(ArrearsError):
    """Wrong usage or configuration: which option or file and line, what was given, what is allowed."""

    exit_code = 2
    status = "refused"


class ValidationFailed(ArrearsError):
    """A gate failed: nothing was published, and what was published before still stands."""

    exit_code = 3
    status = "validation_failed"


class Differs(ArrearsError):
    """`verify`: something is not as it was written down, or not reproduced."""

    exit_code = 3
    status = "differs"


class DeliveryRefused(ArrearsError):
    """A delivery that cannot be taken: nothing of it was loaded."""

    exit_code = 4
    status = "refused"


class HomeInUse(ArrearsError):
    """Another process holds HOME: which one, which run, since when."""

    exit_code = 5
    status = "refused"
