"""How an address names a job: its number, or ``name:`` and the whole name, percent-encoded."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from starlette.convertors import StringConvertor, register_url_convertor

PARTS = "run|pause|resume|reschedule|duplicate|backfill|next|stats|executions|revisions|why|snooze"


class JobConvertor(StringConvertor):
    """A name may hold slashes, and ends before the part of the address that says what is wanted of the job."""

    regex = rf"name:(?:(?!/(?:{PARTS})(?:/|$)).)+|[^/]+"


register_url_convertor("job", JobConvertor())

JobAddress = Annotated[str, Path(
    max_length=700, description="번호, 또는 name:이름 / Its number, or name: and its name, percent-encoded", examples=["17"])]
