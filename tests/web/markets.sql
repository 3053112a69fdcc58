-- What the markets page can show: budgets, a pause, keys that run out, maintenance, a hole, stock that differs, a push undone.
INSERT INTO market_accounts (market_code, base_url, credentials, key_expires_on, description) VALUES
    ('coupang', 'https://api-gateway.coupang.com', '{"access_key": "secret://env/COUPANG_KEY"}', current_date + 9, NULL),
    ('naver', 'https://api.commerce.naver.com', '{}', NULL, 'main'), ('11st', 'https://api.11st.co.kr', '{}', current_date - 2, NULL);
INSERT INTO market_budgets (market_code, account, daily_limit, day, used, used_by_others, paused_until, pause_reason)
SELECT code, 'default', most, (now() AT TIME ZONE 'Asia/Seoul')::date, used, used / 3, paused, reason
  FROM (VALUES ('coupang', 5000, 4710, NULL, NULL), ('naver', NULL, 812, now() + interval '20 minutes', 'HTTP 429'),
               ('11st', 10000, 31, NULL, NULL)) AS of (code, most, used, paused, reason);
INSERT INTO market_windows (market_code, days_of_week, from_time, to_time) VALUES ('11st', 'sun,mon', '02:00', '05:30');
INSERT INTO market_windows (market_code, starts_at, ends_at, source, reason)
VALUES ('coupang', now() + interval '30 hours', now() + interval '33 hours', 'detected', '503 Service Unavailable');
INSERT INTO erp.collection_windows (market_code, account, kind, from_at, to_at, lines_read, claims_read, inserted, updated, unchanged)
SELECT code, 'default', 'orders', now() - began, now() - ended, 12, 1, 3, 2, 7
  FROM (VALUES ('coupang', interval '9 hours', interval '6 hours'), ('coupang', interval '5 hours', interval '4 minutes'),
               ('naver', interval '8 hours', interval '11 minutes')) AS seen (code, began, ended);
INSERT INTO erp.products (market_code, account, product_id, name, seen_at)
SELECT code, 'default', 'P1', 'Mug', now() FROM unnest(ARRAY['coupang', 'naver']) AS code;
INSERT INTO erp.product_options (market_code, account, item_id, product_id, sku, name, price, stock, seen_at)
SELECT code, 'default', code || '-' || sku, 'P1', sku, sku, 12900, stock, now()
  FROM (VALUES ('coupang', 'MUG-RED', 14), ('naver', 'MUG-RED', 9), ('coupang', 'MUG-BLUE', 30), ('naver', 'MUG-BLUE', 30))
    AS item (code, sku, stock);
INSERT INTO erp.stock (sku, quantity, buffer, counted_at) VALUES ('MUG-RED', 10, 1, now()), ('MUG-BLUE', 30, 0, now());
INSERT INTO erp.pushes (run, kind, market_code, account, item_id, product_id, sku, former, value, ok, execution_id)
SELECT ('c0ffee00-0000-4000-8000-00000000000' || run)::uuid, kind, 'coupang', 'default', 'coupang-MUG-RED', 'P1', 'MUG-RED', 20, 14, ok, 12
  FROM (VALUES (1, 'stock', true), (1, 'stock', true), (2, 'price', false)) AS push (run, kind, ok);
INSERT INTO erp.events (kind, market_code, account, subject, ko, en) VALUES
    ('stock.low', 'coupang', 'default', 'MUG-RED', 'MUG-RED의 재고가 10개입니다', '10 of MUG-RED are left');
