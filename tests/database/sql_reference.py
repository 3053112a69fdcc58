"""docs/sql.md, written from the catalogue: ``python -m tests.database.sql_reference``.

Tables, columns, views and functions with what COMMENT ON says of them: Korean line, English line, sometimes an example.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sql.md"

# A table of another program in the same schema is none of our business: ours are what the migrations made.
RELATIONS = """
SELECT class.oid, format('%s%s', CASE namespace.nspname WHEN 'erp' THEN 'erp.' ELSE '' END, class.relname) AS name,
       class.relkind::text AS kind, coalesce(obj_description(class.oid, 'pg_class'), '') AS comment
  FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
 WHERE class.relkind IN ('r', 'v', 'p') AND namespace.nspname IN ('public', 'erp')
 ORDER BY namespace.nspname <> 'public', class.relname
"""
COLUMNS = """
SELECT attribute.attname AS name, format_type(attribute.atttypid, attribute.atttypmod) AS type,
       coalesce(col_description(attribute.attrelid, attribute.attnum), '') AS comment
  FROM pg_attribute AS attribute
 WHERE attribute.attrelid = %(oid)s AND attribute.attnum > 0 AND NOT attribute.attisdropped
 ORDER BY attribute.attnum
"""
FUNCTIONS = """
SELECT known.proname AS name, pg_get_function_arguments(known.oid) AS arguments, pg_get_function_result(known.oid) AS result,
       coalesce(obj_description(known.oid, 'pg_proc'), '') AS comment
  FROM pg_proc AS known JOIN pg_namespace AS namespace ON namespace.oid = known.pronamespace
 WHERE namespace.nspname IN ('public', 'erp') AND known.prorettype <> 'trigger'::regtype
   AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = known.oid AND deptype = 'e')
 ORDER BY known.proname, known.oid
"""
SHORT = (("timestamp with time zone", "timestamptz"), ("time without time zone", "time"), ("double precision", "float8"))


def reference(connection: psycopg.Connection[Any]) -> str:
    """Write the page for the schema that *connection* sees."""
    return "\n".join(_lines(connection)) + "\n"


def _lines(connection: psycopg.Connection[Any]) -> Iterator[str]:
    yield from (
        "# SQL", "",
        "데이터베이스의 표, 뷰, 함수입니다. 이 문서는 COMMENT ON에서 만듭니다: `python -m tests.database.sql_reference`.",
        "Tables, views and functions of the database, written from their comments.", "",
        "함수와 뷰는 약속입니다: 판이 바뀌어도 이름과 열이 그대로입니다.",
        "Functions and views are the contract; they stay as they are.", "",
        "## Functions", "",
    )
    yield from _functions(connection)
    relations = connection.execute(RELATIONS).fetchall()
    chapters = (("Views", "v", False), ("Tables", "rp", False), ("Tables and views of the schema erp", "rvp", True))
    for title, kinds, in_erp in chapters:
        yield from (f"## {title}", "")
        for oid, name, kind, comment in relations:
            if kind in kinds and name.startswith("erp.") == in_erp:
                yield from _relation(connection, oid, name, comment)


def _functions(connection: psycopg.Connection[Any]) -> Iterator[str]:
    former = ""
    for name, arguments, result, comment in connection.execute(FUNCTIONS).fetchall():
        korean, english, *example = comment.split("\n")
        if not example:
            continue
        if name != former:
            yield from (f"### {name}", "", f"{korean}  ", english, "")
        former = name
        yield from ("```sql", f"{name}({_short(arguments)}) → {_short(result)}", f"{example[0]};", "```", "")


def _relation(connection: psycopg.Connection[Any], oid: int, name: str, comment: str) -> Iterator[str]:
    korean, english, *example = comment.split("\n")
    yield from (f"### {name}", "", f"{korean}  ", english, "")
    if example:
        yield from ("```sql", f"{example[0]};", "```", "")
    yield from ("| column | type | 뜻 | meaning |", "|---|---|---|---|")
    for column, kind, said in connection.execute(COLUMNS, {"oid": oid}).fetchall():
        first, second = [*said.split("\n"), "", ""][:2]
        yield f"| {column} | {_short(kind)} | {_cell(first)} | {_cell(second)} |"
    yield ""


def _short(text: str) -> str:
    for long, short in (*SHORT, *((f"DEFAULT NULL::{kind}", "DEFAULT NULL") for kind in _casts(text))):
        text = text.replace(long, short)
    return text


def _casts(text: str) -> list[str]:
    found = [part.partition(",")[0].partition(")")[0] for part in text.split("DEFAULT NULL::")[1:]]
    return sorted(found, key=len, reverse=True)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write the page from a throw-away database with all migrations applied."""
    from scheduler.database.migrate import migrate
    from tests.support.cluster import Cluster

    server = Cluster()
    try:
        server.start()
        with server.admin() as admin:
            admin.execute("CREATE DATABASE reference")
        with psycopg.connect(server.dsn("reference"), autocommit=True) as connection:
            migrate(connection)
            PAGE.write_text(reference(connection), encoding="utf-8")
    finally:
        server.remove()


if __name__ == "__main__":
    main()
