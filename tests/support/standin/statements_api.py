"""The API for SQL statements: what a SQL warehouse executes, its results inline as text."""

import json
import uuid
from collections.abc import Callable
from typing import Any

from databricks.sdk.service import sql
from fastapi import APIRouter, Request

from tests.support.standin.errors import ApiError
from tests.support.standin.shapes import checked, read_request

# Spark's name of a type -> that of the API.
NAMES = {"BIGINT": "LONG", "SMALLINT": "SHORT", "TINYINT": "BYTE"}


def routes(execute: Callable[[dict[str, Any]], dict[str, Any]]) -> APIRouter:
    """Give the routes below /api/2.0/sql/statements; `execute` is that of `Statements`."""
    router = APIRouter(prefix="/api/2.0/sql/statements")

    @router.post("/")
    def execute_statement(request: Request) -> dict[str, Any]:
        method = sql.StatementExecutionAPI.execute_statement
        body = read_request(method, json.loads(request.state.body or b"null"))
        if (body.get("disposition", "INLINE"), body.get("format", "JSON_ARRAY")) != ("INLINE", "JSON_ARRAY"):
            raise ApiError("NOT_IMPLEMENTED", "The stand-in gives INLINE results as JSON_ARRAY only.")
        found = execute({"statement": body["statement"], "parameters": body.get("parameters", [])})
        answer: dict[str, Any] = {"statement_id": str(uuid.uuid4())}
        if "error" in found:
            error = {"error_code": "BAD_REQUEST", "message": found["error"]}
            return checked(sql.StatementResponse, answer | {"status": {"state": "FAILED", "error": error}})
        columns = [
            {"name": name, "position": place, "type_text": kind, "type_name": _name(kind)}
            for place, (name, kind) in enumerate(found["columns"])
        ]
        count = len(found["rows"])
        # To the SDK's dataclass each value is a text; a null, which the API gives as null, is none.
        texts = [[value or "" for value in row] for row in found["rows"]]
        answer |= {
            "status": {"state": "SUCCEEDED"},
            "manifest": {
                "format": "JSON_ARRAY",
                "schema": {"column_count": len(columns), "columns": columns},
                "total_chunk_count": 1,
                "total_row_count": count,
                "truncated": False,
            },
            "result": {"chunk_index": 0, "row_offset": 0, "row_count": count, "data_array": texts},
        }
        checked(sql.StatementResponse, answer)
        return answer | {"result": answer["result"] | {"data_array": found["rows"]}}

    return router


def _name(kind: str) -> str:
    first = kind.partition("<")[0].partition("(")[0]
    return NAMES.get(first, first)
