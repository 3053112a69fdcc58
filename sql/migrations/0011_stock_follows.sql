-- The stock follows orders whose time becomes right later; pushes that followed a sale are told apart; turns at a shop are rows.

ALTER TABLE erp.pushes ADD COLUMN sold boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN erp.pushes.sold IS '팔린 것을 따라 보낸 값인지. 되돌리지 않습니다
Whether it followed a sale; such a value is not undone';

-- Rows and not locks of a session: behind a pooler the lock and its release may reach different sessions.
CREATE TABLE erp.push_turns (
    market_code  text NOT NULL,
    account      text NOT NULL,
    holder       uuid NOT NULL,
    execution_id bigint,
    until        timestamptz NOT NULL,
    asked        boolean NOT NULL DEFAULT false,
    PRIMARY KEY (market_code, account)
) WITH (fillfactor = 50);

COMMENT ON TABLE erp.push_turns IS '지금 가게에 값을 보내는 차례: 한 가게에 한 행
Whose turn it is to set values at a shop, one row for each account';
COMMENT ON COLUMN erp.push_turns.market_code IS '마켓 코드
Market';
COMMENT ON COLUMN erp.push_turns.account IS '마켓 계정
Account at the market';
COMMENT ON COLUMN erp.push_turns.holder IS '차례를 가진 쪽
Who holds the turn';
COMMENT ON COLUMN erp.push_turns.execution_id IS '차례를 가진 실행 번호. 그 실행이 끝났으면 차례도 끝납니다
Execution that holds it; once that has ended, so has the turn';
COMMENT ON COLUMN erp.push_turns.until IS '이 시각까지. 지나면 누구나 가져갑니다
Until when; after that anybody may take it';
COMMENT ON COLUMN erp.push_turns.asked IS '기다리는 실행이 있는지
Whether somebody waits for it';

-- An order counts from the moment its time is known, and until then its lines have moved nothing. What it counts for now is
-- compared with what it counted for, over the lines as they stand: lines that change afterwards move their own difference.
CREATE FUNCTION erp.stock_follow_changed_orders() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM new_orders AS made JOIN old_orders AS former USING (market_code, account, order_id)
                    WHERE (made.ordered_at, made.known_by_claim) IS DISTINCT FROM (former.ordered_at, former.known_by_claim)) THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('erp.stock', 0));
    PERFORM erp.stock_take(sku, taken, market_code, account, order_id, line_id)
       FROM (SELECT line.sku, line.market_code, line.account, line.order_id, line.line_id,
                    (line.quantity - line.cancelled_quantity)
                    * ((made.ordered_at > stock.counted_at AND NOT made.known_by_claim)::integer
                       - (former.ordered_at > stock.counted_at AND NOT former.known_by_claim)::integer) AS taken
               FROM new_orders AS made
               JOIN old_orders AS former USING (market_code, account, order_id)
               JOIN erp.order_items AS line USING (market_code, account, order_id)
               JOIN erp.stock AS stock ON stock.sku = line.sku
              WHERE (made.ordered_at, made.known_by_claim) IS DISTINCT FROM (former.ordered_at, former.known_by_claim)
              ORDER BY line.sku, line.order_id, line.line_id) AS moved
      WHERE taken <> 0;
    RETURN NULL;
END $$;

CREATE TRIGGER stock_follow_changed_orders AFTER UPDATE ON erp.orders
    REFERENCING OLD TABLE AS old_orders NEW TABLE AS new_orders
    FOR EACH STATEMENT EXECUTE FUNCTION erp.stock_follow_changed_orders();

COMMENT ON FUNCTION erp.stock_follow_changed_orders() IS '주문 시각이 바로잡히면 그 주문의 품목만큼 재고를 옮깁니다
Moves the stock by the lines of orders whose time became right';
