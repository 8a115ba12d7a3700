"""A catalog of Iceberg tables behind the REST protocol, in front of a SQLite one: as much as a copy asks of it."""

from __future__ import annotations

import json
from http.server import HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from pyiceberg.schema import Schema
from pyiceberg.table import CommitTableRequest, Table

from tests.support.http_server import Handler

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog

TOKEN = "t0p-s3cret"


class RestCatalog(HTTPServer):
    """Answers who has the token; `asked` has the method and path of each request."""

    def __init__(self, home: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked: list[str] = []
        home.mkdir()
        self.folder, self.file = home, f"sqlite:///{home}/rest.db"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def tables(self) -> SqlCatalog:
        """The catalog behind it: SQLite wants one for each thread."""
        from pyiceberg.catalog.sql import SqlCatalog

        return SqlCatalog("rest", uri=self.file, warehouse=str(self.folder))


class _Answer(Handler):
    server: RestCatalog

    def handle_request(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._refuse(401, "NotAuthorizedException")
        given = self.body()
        try:
            self.answer(200, self._found(json.loads(given) if given else {}))
        except NoSuchTableError:
            self._refuse(404, "NoSuchTableException")
        except CommitFailedException:
            self._refuse(409, "CommitFailedException")

    do_GET = do_HEAD = do_POST = handle_request

    def _refuse(self, status: int, kind: str) -> None:
        self.answer(status, {"error": {"message": kind, "type": kind, "code": status}})

    def _found(self, given: dict[str, Any]) -> dict[str, Any]:
        tables = self.server.tables()
        match self.command, self.path.split("?")[0].split("/")[2:]:
            case "GET", ["config"]:
                return {"defaults": {}, "overrides": {}}
            case "POST", ["namespaces"]:
                tables.create_namespace_if_not_exists(".".join(given["namespace"]))
                return {"namespace": given["namespace"], "properties": {}}
            case "POST", ["namespaces", space, "tables"]:
                assert given["stage-create"]
                columns = Schema.model_validate(given["schema"])
                name = f"{space}.{given['name']}"
                table = tables._create_staged_table(name, columns, properties=given["properties"])
            case "POST", ["namespaces", space, "tables", name]:
                request = CommitTableRequest.model_validate(
                    {"identifier": {"namespace": [space], "name": name}, **given}
                )
                table = Table((space, name), None, "", None, tables)  # type: ignore[arg-type]
                made = tables.commit_table(table, request.requirements, request.updates)
                return made.model_dump(mode="json", by_alias=True)
            case _, ["namespaces", space, "tables", name]:
                table = tables.load_table(f"{space}.{name}")
        metadata = json.loads(table.metadata.model_dump_json(by_alias=True))
        return {"metadata-location": table.metadata_location, "metadata": metadata, "config": {}}
