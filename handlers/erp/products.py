"""Save products and their options; mark what a market no longer shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from handlers.erp.rows import TAKE_TURN, Connection, Saved, as_json, as_row, key
from handlers.markets.base import Account, Product

SAVE_PRODUCTS = """
INSERT INTO erp.products AS known (market_code, account, product_id, name, brand, status, sale_from, sale_to,
                                   execution_id, seen_at)
SELECT %(market_code)s, %(account)s, product_id, name, brand, status, sale_from, sale_to, %(execution_id)s, read_at
  FROM jsonb_to_recordset(%(rows)s) AS row (product_id text, name text, brand text, status text, sale_from timestamptz,
                                            sale_to timestamptz, read_at timestamptz)
    ON CONFLICT (market_code, account, product_id) DO UPDATE
   SET name = excluded.name, brand = excluded.brand, status = excluded.status, sale_from = excluded.sale_from,
       sale_to = excluded.sale_to, execution_id = excluded.execution_id, seen_at = excluded.seen_at, missed_since = NULL,
       gone_at = NULL,
       changed_at = CASE WHEN (known.name, known.brand, known.status, known.sale_from, known.sale_to, known.gone_at)
                              IS DISTINCT FROM (excluded.name, excluded.brand, excluded.status, excluded.sale_from,
                                                excluded.sale_to, NULL::timestamptz)
                         THEN now() ELSE known.changed_at END
 WHERE known.seen_at <= excluded.seen_at
RETURNING product_id, (xmax = 0) AS is_new, changed_at = now() AS has_changed
"""

SAVE_OPTIONS = """
INSERT INTO erp.product_options AS known (market_code, account, item_id, product_id, sku, barcode, name, original_price,
                                          price, stock, on_sale, execution_id, seen_at)
SELECT %(market_code)s, %(account)s, item_id, product_id, sku, barcode, name, original_price, price, stock, on_sale,
       %(execution_id)s, read_at
  FROM jsonb_to_recordset(%(rows)s) AS row (item_id text, product_id text, sku text, barcode text, name text,
       original_price bigint, price bigint, stock bigint, on_sale boolean, read_at timestamptz)
    ON CONFLICT (market_code, account, item_id) DO UPDATE
   SET product_id = excluded.product_id, sku = excluded.sku, barcode = excluded.barcode, name = excluded.name,
       original_price = excluded.original_price, price = excluded.price, stock = excluded.stock,
       on_sale = excluded.on_sale, execution_id = excluded.execution_id, seen_at = excluded.seen_at, gone_at = NULL,
       changed_at = CASE WHEN (known.product_id, known.sku, known.barcode, known.name, known.original_price, known.price,
                               known.stock, known.on_sale, known.gone_at)
                              IS DISTINCT FROM (excluded.product_id, excluded.sku, excluded.barcode, excluded.name,
                                                excluded.original_price, excluded.price, excluded.stock,
                                                excluded.on_sale, NULL::timestamptz)
                         THEN now() ELSE known.changed_at END
 WHERE known.seen_at <= excluded.seen_at
RETURNING product_id, (xmax = 0) AS is_new, changed_at = now() AS has_changed
"""

DROP_MISSING_OPTIONS = """
UPDATE erp.product_options AS known
   SET gone_at = read.read_at
  FROM jsonb_to_recordset(%(rows)s) AS read (product_id text, item_ids text[], read_at timestamptz)
 WHERE known.market_code = %(market_code)s AND known.account = %(account)s AND known.product_id = read.product_id
   AND known.item_id <> ALL (read.item_ids) AND known.gone_at IS NULL AND known.seen_at <= read.read_at
"""

# A list that is sorted by change moves on while it is read: what slips to a page that was already read is missed by this
# pass, though it is on sale. The next one meets it, so only what two in a row have missed is gone.
DROP_MISSING_PRODUCTS = """
WITH missed AS (
    UPDATE erp.products
       SET missed_since = coalesce(missed_since, %(started)s),
           gone_at = CASE WHEN missed_since < %(started)s THEN now() END,
           changed_at = CASE WHEN missed_since < %(started)s THEN now() ELSE changed_at END
     WHERE market_code = %(market_code)s AND account = %(account)s AND gone_at IS NULL AND seen_at < %(started)s
 RETURNING gone_at
)
SELECT count(gone_at) FROM missed
"""


async def save_products(
    connection: Connection, account: Account, products: Sequence[Product], execution_id: int
) -> Saved:
    """Save products, and their options where they were read; a batch is saved whole or not at all."""
    by_id = {product.product_id: product for product in products}
    detailed = [product for product in by_id.values() if product.options is not None]
    options = {
        option.item_id: {**as_row(option), "product_id": product.product_id, "read_at": product.read_at}
        for product in detailed for option in product.options or ()
    }
    values = key(account, execution_id=execution_id)
    async with connection.transaction():
        await connection.execute(TAKE_TURN, key(account))
        rows = as_json(_without_options(product) for product in by_id.values())
        saved = await (await connection.execute(SAVE_PRODUCTS, {**values, "rows": rows})).fetchall()
        saved += await (await connection.execute(SAVE_OPTIONS, {**values, "rows": as_json(options.values())})).fetchall()
        seen = as_json(
            {"product_id": product.product_id, "item_ids": [option.item_id for option in product.options or ()],
             "read_at": product.read_at}
            for product in detailed
        )
        await connection.execute(DROP_MISSING_OPTIONS, {**values, "rows": seen})
    new = {row[0] for row in saved[: len(by_id)] if row[1]}
    changed = {row[0] for row in saved if row[1] or row[2]} - new
    return Saved(len(new), len(changed), len(by_id) - len(new) - len(changed))


def _without_options(product: Product) -> dict[str, Any]:
    row = as_row(product)
    del row["options"]
    return row


async def drop_missing_products(connection: Connection, account: Account, started: datetime) -> int:
    """Note what a complete pass since *started* has not met, and mark as gone what the one before had missed as well.

    Returns  how many are gone now; another attempt at the end of the same pass changes nothing
    """
    row = await (await connection.execute(DROP_MISSING_PRODUCTS, key(account, started=started))).fetchone()
    assert row is not None
    return int(row[0])
