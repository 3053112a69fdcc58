"""`/api/v1/executions/{id}/files`: reports and backups that an execution made."""

from __future__ import annotations

import os
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from scheduler.errors import NotFound
from scheduler.queries.executions import execution
from scheduler.web.answers import Answer
from scheduler.web.audit import note
from scheduler.web.execution_files import FileAnswer, Left, files_of, open_file, size_of
from scheduler.web.inputs import Id, Responses
from scheduler.web.place import place_of
from scheduler.web.rights import Forbidden, viewer
from scheduler.words import say

router = APIRouter(tags=["executions"])
MEDIA = "application/octet-stream"
WHOLE: Responses = {200: {"description": "The file", "content": {MEDIA: {"schema": {"type": "string", "format": "binary"}}}}}


@router.get("/api/v1/executions/{execution_id}/files", dependencies=[viewer])
def list_files(request: Request, execution_id: Id) -> Answer:
    """List the files that the result names and that lie below the folders of reports and backups.

    ``bytes`` is null for a file that is on another machine, or there no more.
    """
    return Answer({"items": [
        {"name": left.name, "kind": "backup" if left.is_backup else "report", "bytes": size_of(left),
         "href": f"/api/v1/executions/{execution_id}/files/{quote(left.name, safe='')}"}
        for left in _files(request, execution_id)]})


@router.get("/api/v1/executions/{execution_id}/files/{name}", dependencies=[viewer], response_class=Response, responses=WHOLE)
def get_file(request: Request, execution_id: Id, name: Annotated[str, Path(max_length=255)]) -> Response:
    """Return one file. A backup holds the whole database, so only an admin may have it, and it is noted who had it."""
    left = next((each for each in _files(request, execution_id) if each.name == name), None)
    if left is None:
        raise NotFound(say("이 실행에는 그런 파일이 없습니다", "the execution has no such file"))
    if left.is_backup and request.state.person.role != "admin":
        raise Forbidden("admin")
    handle = open_file(left)
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(left.name, safe='')}",
               "Content-Length": str(os.fstat(handle).st_size)}
    answer = FileAnswer(handle, media_type=MEDIA, headers=headers)
    if left.is_backup:
        _note(request, execution_id, answer, left.name)
    return answer


def _note(request: Request, number: int, answer: FileAnswer, name: str) -> None:
    """Write down who has a backup; without that line nobody gets it."""
    try:
        with place_of(request).changing(request) as connection:
            note(connection, request, "file.read", f"execution:{number}", name)
    except BaseException:
        answer.file.close()
        raise


def _files(request: Request, number: int) -> list[Left]:
    place = place_of(request)
    with place.reading() as connection:
        found = execution(connection, number)
    return files_of(place.settings, found["result"])
