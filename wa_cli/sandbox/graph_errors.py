"""Errors of the Graph API as data (Meta, Cloud API error codes)."""

from __future__ import annotations

import secrets
from typing import Any


class GraphError(Exception):
    """A refusal in Meta's shape."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        details: str | None = None,
        status: int = 400,
        subcode: int | None = None,
        kind: str = "OAuthException",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details
        self.status = status
        self.subcode = subcode
        self.kind = kind

    def body(self) -> dict[str, Any]:
        error: dict[str, Any] = {"message": self.message, "type": self.kind, "code": self.code}
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.subcode:
            error["error_subcode"] = self.subcode
        error["fbtrace_id"] = "A" + secrets.token_urlsafe(15)
        return {"error": error}


def missing(parameter: str) -> GraphError:
    return GraphError(100, f"(#100) The parameter {parameter} is required.")


def parameter_missing(details: str) -> GraphError:
    return GraphError(131008, "(#131008) Required parameter is missing", details=f"{details} is missing")


def invalid(details: str) -> GraphError:
    return GraphError(131009, "(#131009) Parameter value is not valid", details=details)


def too_long(parameter: str, limit: int) -> GraphError:
    return GraphError(100, f"(#100) Param {parameter} must be at most {limit} characters long.")


def unknown_object(identity: str) -> GraphError:
    return GraphError(
        100,
        f"Unsupported post request. Object with ID '{identity}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation. Please read the Graph API documentation at "
        "https://developers.facebook.com/docs/graph-api",
        subcode=33,
        kind="GraphMethodException",
    )


def bad_token() -> GraphError:
    return GraphError(190, "Invalid OAuth access token - Cannot parse access token", status=401)


def unknown_path(path: str) -> GraphError:
    return GraphError(2500, f"Unknown path components: {path}")


def no_template(name: str, language: str) -> GraphError:
    return GraphError(
        132001,
        "(#132001) Template name does not exist in the translation",
        details=f"template name ({name}) does not exist in {language}",
        status=404,
    )


def parameter_count(where: str, given: int, expected: int) -> GraphError:
    return GraphError(
        132000,
        "(#132000) Number of parameters does not match the expected number of params",
        details=f"{where}: number of localizable_params ({given}) does not match the expected number of params ({expected})",
    )


def window_closed() -> GraphError:
    return GraphError(
        131047,
        "(#131047) Re-engagement message",
        details="Message failed to send because more than 24 hours have passed since the customer last replied to this number.",
    )


def throttled() -> GraphError:
    return GraphError(
        130429,
        "(#130429) Rate limit hit",
        details="Message failed to send because there were too many messages sent from this phone number in a short period"
        " of time.",
    )


def out_of_order() -> GraphError:
    return GraphError(
        131000, "(#131000) Something went wrong", details="Message failed to send due to an unknown error.", status=500
    )
