"""The Files API over the folders that stand for Unity Catalog volumes."""

import secrets
from pathlib import Path
from typing import Any

from databricks.sdk.service import files
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from tests.support.standin.errors import ApiError
from tests.support.standin.shapes import checked

PAGE = 1000


def routes(volumes: Path) -> APIRouter:
    """Give the routes below /api/2.0/fs, and those of presigned downloads."""
    router = APIRouter()
    presigned: dict[str, Path] = {}

    def locate(path: str) -> Path:
        parts = path.strip("/").split("/")
        if parts[0] != "Volumes" or len(parts) < 4 or {"", ".", ".."} & set(parts):
            raise ApiError("INVALID_PARAMETER_VALUE", f"Invalid path: unsupported path: /{path.strip('/')}")
        if not volumes.joinpath(*parts[1:4]).is_dir():
            raise ApiError("NOT_FOUND", f"Volume '{'.'.join(parts[1:4])}' does not exist.")
        return volumes.joinpath(*parts[1:])

    def existing_file(path: str) -> Path:
        file = locate(path)
        if not file.is_file():
            raise ApiError("NOT_FOUND", f"The file being accessed is not found. Path: /{path}")
        return file

    def existing_folder(path: str) -> Path:
        folder = locate(path)
        if not folder.is_dir():
            raise ApiError("NOT_FOUND", f"The directory being accessed is not found. Path: /{path}")
        return folder

    @router.put("/api/2.0/fs/files/{path:path}", status_code=204)
    def upload(path: str, request: Request, overwrite: bool = True) -> None:
        file = locate(path)
        if file.is_dir() or (file.exists() and not overwrite):
            raise ApiError("ALREADY_EXISTS", f"The file being created already exists. Path: /{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        # Nobody sees half a file: an object store shows it when it is whole.
        part = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        part.write_bytes(request.state.body)
        part.replace(file)

    @router.post("/api/2.0/fs/files/{path:path}")
    def initiate_upload(path: str) -> None:
        raise ApiError("NOT_IMPLEMENTED", "The stand-in has no multipart uploads (files of 50 MiB and more).")

    @router.api_route("/api/2.0/fs/files/{path:path}", methods=["GET", "HEAD"])
    def download(path: str) -> Response:
        return FileResponse(existing_file(path), media_type="application/octet-stream")

    @router.delete("/api/2.0/fs/files/{path:path}", status_code=204)
    def delete(path: str) -> None:
        existing_file(path).unlink()

    @router.post("/api/2.0/fs/create-download-url")
    def create_download_url(path: str, request: Request) -> dict[str, Any]:
        key = secrets.token_urlsafe(16)
        presigned[key] = existing_file(path.strip("/"))
        return {"url": f"https://{request.url.netloc}/_presigned/{key}", "headers": []}

    @router.get("/_presigned/{key}")
    def presigned_download(key: str) -> Response:
        if key not in presigned:
            raise ApiError("PERMISSION_DENIED", "Invalid presigned URL.")
        return FileResponse(presigned[key], media_type="application/octet-stream")

    @router.put("/api/2.0/fs/directories/{path:path}", status_code=204)
    def create_directory(path: str) -> None:
        folder = locate(path)
        if folder.is_file():
            raise ApiError("ALREADY_EXISTS", f"The directory being created is a file. Path: /{path}")
        folder.mkdir(parents=True, exist_ok=True)

    @router.head("/api/2.0/fs/directories/{path:path}")
    def get_directory_metadata(path: str) -> Response:
        existing_folder(path)
        return Response()

    @router.get("/api/2.0/fs/directories/{path:path}")
    def list_directory(path: str, page_size: int = PAGE, page_token: str = "") -> dict[str, Any]:
        found = sorted(entry for entry in existing_folder(path).iterdir() if entry.name > page_token)
        page = found[: min(page_size or PAGE, PAGE)]
        answer: dict[str, Any] = {"contents": [_entry(path.strip("/"), entry) for entry in page]}
        if len(found) > len(page):
            answer["next_page_token"] = page[-1].name
        return checked(files.ListDirectoryResponse, answer)

    @router.delete("/api/2.0/fs/directories/{path:path}", status_code=204)
    def delete_directory(path: str) -> None:
        folder = existing_folder(path)
        if any(folder.iterdir()):
            raise ApiError("BAD_REQUEST", f"The directory is not empty. Path: /{path}")
        folder.rmdir()

    return router


def _entry(parent: str, entry: Path) -> dict[str, Any]:
    status = entry.stat()
    body: dict[str, Any] = {
        "path": f"/{parent}/{entry.name}",
        "name": entry.name,
        "is_directory": entry.is_dir(),
        "last_modified": int(status.st_mtime * 1000),
    }
    return body if entry.is_dir() else {**body, "file_size": status.st_size}
