"""Refusals in the shape of Databricks' REST API."""

STATUS = {
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "BAD_REQUEST": 400,
    "CATALOG_DOES_NOT_EXIST": 404,
    "ENDPOINT_NOT_FOUND": 404,
    "INVALID_PARAMETER_VALUE": 400,
    "INVALID_STATE": 400,
    "INTERNAL_ERROR": 500,
    "MALFORMED_REQUEST": 400,
    "NOT_FOUND": 404,
    "NOT_IMPLEMENTED": 501,
    "PERMISSION_DENIED": 403,
    "REQUEST_LIMIT_EXCEEDED": 429,
    "RESOURCE_ALREADY_EXISTS": 400,
    "RESOURCE_DOES_NOT_EXIST": 404,
    "SCHEMA_ALREADY_EXISTS": 400,
    "SCHEMA_DOES_NOT_EXIST": 404,
    "TEMPORARILY_UNAVAILABLE": 503,
    "UNAUTHENTICATED": 401,
    "VOLUME_DOES_NOT_EXIST": 404,
}


class ApiError(Exception):
    """A request that the workspace refuses, with the code and the words of its answer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = STATUS[code]
        self.message = message

    def body(self) -> dict[str, str]:
        """Give the answer's body."""
        return {"error_code": self.code, "message": self.message}
