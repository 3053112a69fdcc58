"""The bare SQL of a collection: the rows it left behind, copied into an empty database by COPY and one upsert a table."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from psycopg import sql

TABLES = {
    "orders": ("orders", "order_boxes", "order_items"),
    "products": ("products", "product_options"),
}
COLUMNS = """
SELECT attname FROM pg_attribute
 WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
KEY = """
SELECT array_agg(attribute.attname)
  FROM pg_index AS index JOIN pg_attribute AS attribute
    ON attribute.attrelid = index.indrelid AND attribute.attnum = ANY (index.indkey)
 WHERE index.indrelid = %(table)s::regclass AND index.indisprimary
"""


def copy_all(source: psycopg.Connection[Any], target: psycopg.Connection[Any], what: str) -> float:
    """Copy and upsert the rows of these tables, a transaction each; return the seconds that the target took."""
    return sum(_copy(source, target, table) for table in TABLES[what])


def _copy(source: psycopg.Connection[Any], target: psycopg.Connection[Any], name: str) -> float:
    table = sql.Identifier("erp", name)
    columns = [row[0] for row in source.execute(COLUMNS, {"table": f"erp.{name}"})]
    key = source.execute(KEY, {"table": f"erp.{name}"}).fetchone()
    assert key is not None
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    with source.cursor() as cursor, cursor.copy(sql.SQL("COPY {} ({}) TO STDOUT").format(table, listed)) as reading:
        data = b"".join(bytes(block) for block in reading)
    began = time.perf_counter()
    with target.transaction():
        target.execute(sql.SQL("CREATE TEMP TABLE incoming (LIKE {}) ON COMMIT DROP").format(table))
        with target.cursor() as cursor, cursor.copy(sql.SQL("COPY incoming ({}) FROM STDIN").format(listed)) as writing:
            writing.write(data)
        target.execute(sql.SQL(
            "INSERT INTO {table} ({columns}) SELECT {columns} FROM incoming ON CONFLICT ({key}) DO UPDATE SET {values}"
        ).format(
            table=table, columns=listed, key=sql.SQL(", ").join(map(sql.Identifier, key[0])),
            values=sql.SQL(", ").join(
                sql.SQL("{0} = excluded.{0}").format(sql.Identifier(column)) for column in columns if column not in key[0]
            ),
        ))
    return time.perf_counter() - began
