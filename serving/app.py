"""The API over gold: an app for Airflow's API server, which brings the login.

Importing it is cheap; what reads tables is imported with the first request.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar
from urllib.parse import urlencode

import anyio
from anyio.to_thread import run_sync
from fastapi import Depends, FastAPI, Path, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from serving import documents as doc
from serving.problems import Problem, add_handlers
from serving.readable import readable
from serving.safe_headers import add_safe_headers

if TYPE_CHECKING:
    from serving.answers import Lake

PREFIX = "/lakehouse/v1"
MOST_ROWS = 10_000
SECONDS = 30.0
# Airflow's own requests need the server's threads, too.
READERS = 4
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

T = TypeVar("T")
Name = Annotated[str, Path(description="A table.", json_schema_extra={"enum": list(readable())})]
AsOf = Annotated[str, Query(description=doc.AS_OF, max_length=20)]
PARAMETERS = {"columns", "where", "order", "limit", "as_of", "cursor", "format"}


class Reading:
    """Reads a lake in threads: a few at a time, and none for longer than a limit."""

    def __init__(self, lake: Callable[[], Lake], seconds: float = SECONDS) -> None:
        self.lake = lake
        self.seconds = seconds
        self._limiter = anyio.CapacityLimiter(READERS)

    async def __call__(self, read: Callable[[Lake], T]) -> T:
        """Return what `read` does with the lake. Raises Problem when that, or its turn, takes too long."""
        try:
            with anyio.fail_after(self.seconds):
                return await run_sync(
                    lambda: read(self.lake()), abandon_on_cancel=True, limiter=self._limiter
                )
        except TimeoutError:
            detail = f"no answer within {self.seconds:.0f} s; ask for fewer rows, or again in a while"
            raise Problem(503, "Took too long", detail) from None


def create_app(login: Callable[..., Any], lake: Callable[[], Lake], seconds: float = SECONDS) -> FastAPI:
    """Return the app; `login` is a dependency that lets nobody in who is not logged in."""
    app = FastAPI(
        title=doc.TITLE,
        version="1",
        description=doc.ABOUT,
        dependencies=[Depends(login)],
        responses=doc.PROBLEMS,
        # Theirs would be open to anyone, and their page asks others for scripts.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    _add_documents(app, reading := Reading(lake, seconds))
    _add_tables(app, reading)
    add_handlers(app)
    add_safe_headers(app, POLICY)
    return app


def _add_documents(app: FastAPI, reading: Reading) -> None:
    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> HTMLResponse:
        from serving import answers, page

        found = await reading(answers.tables)
        return HTMLResponse(page.render(found, request.scope.get("root_path", "")))

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi(request: Request) -> JSONResponse:
        servers = [{"url": request.scope.get("root_path", "") or "/"}]
        return JSONResponse(app.openapi() | {"servers": servers})


def _add_tables(app: FastAPI, reading: Reading) -> None:
    @app.get("/tables", summary="Tables", response_model=doc.Tables)
    async def tables(request: Request) -> dict[str, Any]:
        from serving import answers

        _refuse_others(request, set())
        return {"tables": await reading(answers.tables)}

    @app.get("/tables/{name}", summary="One table", response_model=doc.TableDescription)
    async def table(request: Request, name: Name, as_of: AsOf = "") -> dict[str, Any]:
        from serving import answers

        _refuse_others(request, {"as_of"})
        return await reading(partial(answers.table, name=name, as_of=as_of))

    @app.get("/tables/{name}/rows", summary="Rows", response_model=doc.Rows, responses={200: doc.ROWS})
    async def rows(
        request: Request,
        name: Name,
        columns: Annotated[str, Query(description=doc.COLUMNS)] = "",
        where: Annotated[list[str], Query(description=doc.WHERE)] = [],  # noqa: B006
        order: Annotated[str, Query(description=doc.ORDER)] = "",
        limit: Annotated[int, Query(ge=1, le=MOST_ROWS, description="Rows of a page.")] = 1000,
        as_of: AsOf = "",
        cursor: Annotated[str, Query(description=doc.CURSOR, max_length=200)] = "",
        format: Annotated[Literal["json", "csv", "arrow"] | None, Query(description=doc.FORMAT)] = None,
    ) -> Response:
        from serving import answers, formats

        _refuse_others(request, PARAMETERS)
        chosen = formats.chosen(format, request.headers.get("accept", ""))
        more = _address_without(request, "cursor")
        asked = answers.Request(name, columns, where, order, as_of, cursor, limit, chosen)
        page = await reading(partial(answers.page, asked=asked, more=more, seconds=reading.seconds))
        headers = {"Lakehouse-Version": str(page.version)}
        if page.cursor:
            headers["Link"] = f'<{more}{page.cursor}>; rel="next"'
        return Response(page.body, headers=headers, media_type=formats.MEDIA[chosen])


def _refuse_others(request: Request, known: set[str]) -> None:
    """Raise Problem for a parameter that is not known, or given twice where it has one value."""
    given = [name for name, _ in request.query_params.multi_items()]
    if unknown := [name for name in given if name not in known]:
        there = f"there are {', '.join(sorted(known))}" if known else "there is none"
        raise Problem(422, "No such parameter", f"no parameter {unknown[0][:80]!r}; {there}")
    if twice := [name for name in given if name != "where" and given.count(name) > 1]:
        raise Problem(
            422, "Not a parameter", f"{twice[0]} is given {given.count(twice[0])} times; give it once"
        )


def _address_without(request: Request, last: str) -> str:
    """The path of a request with its parameters, up to the value of one that comes last."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != last]
    return f"{request.url.path}?{urlencode([*kept, (last, '')])}"
