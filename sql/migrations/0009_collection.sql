-- Collecting from several markets: lines that are numbered within their order, the market's own time of a change, periods given
-- by hand, holes that fill themselves.

ALTER TABLE erp.order_boxes
    DROP CONSTRAINT order_boxes_pkey,
    ADD PRIMARY KEY (market_code, account, order_id, box_id, line_id),
    ADD COLUMN source_changed_at timestamptz;
ALTER TABLE erp.order_claims
    DROP CONSTRAINT order_claims_pkey,
    ADD PRIMARY KEY (market_code, account, order_id, claim_id, line_id),
    ADD COLUMN source_changed_at timestamptz;
DROP INDEX erp.order_boxes_order;
DROP INDEX erp.order_claims_order;

COMMENT ON COLUMN erp.order_boxes.source_changed_at IS '마켓이 말하는 마지막 변경 시각
When it last changed, as the market says';
COMMENT ON COLUMN erp.order_claims.source_changed_at IS '마켓이 말하는 마지막 변경 시각
When it last changed, as the market says';

ALTER TABLE erp.collection_windows
    DROP CONSTRAINT collection_windows_kind_check,
    ADD CONSTRAINT "collection_windows: kind" CHECK (kind IN ('orders', 'refresh', 'gap', 'backfill')),
    ADD COLUMN stale integer NOT NULL DEFAULT 0;

COMMENT ON COLUMN erp.collection_windows.kind IS 'orders: 새 구간, refresh: 오래된 주문의 상태를 다시 읽음, gap: 빠진 구간을 채움, backfill: 지정한 기간
orders for new time, refresh for states of older orders read again, gap for a hole that was filled, backfill for a given period';
COMMENT ON COLUMN erp.collection_windows.stale IS '이미 더 새로운 내용이 있어 덮어쓰지 않은 행
Rows that came older than what was known, and changed nothing';

-- The span that must be whole is that of collecting as time goes by; a hole in it is closed by reading that time on purpose.
CREATE OR REPLACE VIEW erp.collection_gaps AS
SELECT account_of.market_code, account_of.account, lower(gap) AS from_at, upper(gap) AS to_at
  FROM (SELECT market_code, account,
               tstzmultirange(tstzrange(min(from_at) FILTER (WHERE kind = 'orders'), max(to_at) FILTER (WHERE kind = 'orders')))
                   - range_agg(tstzrange(from_at, to_at)) AS missing
          FROM erp.collection_windows
         WHERE kind <> 'refresh'
         GROUP BY market_code, account
        HAVING count(*) FILTER (WHERE kind = 'orders') > 0) AS account_of
 CROSS JOIN LATERAL unnest(account_of.missing) AS gap;
