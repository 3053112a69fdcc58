"""Run one SQL statement and report how many rows it touched."""

from __future__ import annotations

from typing import Annotated, Any

from handlers.maintenance.statements import hopeless_errors, limited
from scheduler.handler import Context, Field, GiveUp, handler

READ_ONLY = "SET TRANSACTION READ ONLY"


@handler("sql_statement", timeout="30m", retries=1)
def run_statement(
    context: Context,
    statement: Annotated[str, Field(min_length=1, max_length=100_000, description="exactly one; no BEGIN or COMMIT")],
    max_rows: Annotated[int, Field(ge=0, description="more rows than this: undone, and the execution fails")] | None = None,
    read_only: bool = False,
) -> dict[str, Any]:
    """Run one SQL statement in a transaction of its own; the result is its row count."""
    with hopeless_errors(), limited(context) as connection:
        if read_only:
            connection.execute(READ_ONLY)
        # The extended protocol takes one statement only: what follows a semicolon is refused by the server.
        cursor = connection.execute(statement.encode(), binary=True)
        command, rows = (cursor.statusmessage or "").split(" ")[0], cursor.rowcount
        if max_rows is not None and rows > max_rows:
            raise GiveUp(f"{command} touched {rows} rows, more than max_rows {max_rows}; undone")
    context.log.info("sql.done", command=command, rows=max(rows, 0))
    return {"command": command, "rows": max(rows, 0)}
