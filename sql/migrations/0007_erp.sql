-- What the handlers collect: products and orders in our own words, and the proof of which time was collected.
-- No column holds anything about a buyer or a receiver: none of the job types needs it.

CREATE SCHEMA erp;

CREATE TABLE erp.products (
    market_code  text NOT NULL,
    account      text NOT NULL,
    product_id   text NOT NULL,
    name         text NOT NULL,
    brand        text,
    status       text,
    sale_from    timestamptz,
    sale_to      timestamptz,
    execution_id bigint,
    created_at   timestamptz NOT NULL DEFAULT now(),
    changed_at   timestamptz NOT NULL DEFAULT now(),
    seen_at      timestamptz NOT NULL,
    gone_at      timestamptz,
    PRIMARY KEY (market_code, account, product_id)
);

CREATE TABLE erp.product_options (
    market_code    text NOT NULL,
    account        text NOT NULL,
    item_id        text NOT NULL,
    product_id     text NOT NULL,
    sku            text,
    barcode        text,
    name           text NOT NULL,
    original_price bigint,
    price          bigint,
    stock          bigint,
    on_sale        boolean,
    execution_id   bigint,
    created_at     timestamptz NOT NULL DEFAULT now(),
    changed_at     timestamptz NOT NULL DEFAULT now(),
    seen_at        timestamptz NOT NULL,
    gone_at        timestamptz,
    PRIMARY KEY (market_code, account, item_id),
    FOREIGN KEY (market_code, account, product_id) REFERENCES erp.products ON DELETE CASCADE
);

CREATE INDEX product_options_product ON erp.product_options (market_code, account, product_id);
CREATE INDEX product_options_sku ON erp.product_options (sku);

CREATE TABLE erp.orders (
    market_code     text NOT NULL,
    account         text NOT NULL,
    order_id        text NOT NULL,
    ordered_at      timestamptz NOT NULL,
    paid_at         timestamptz,
    shipping_price  bigint,
    known_by_claim  boolean NOT NULL DEFAULT false,
    execution_id    bigint,
    created_at      timestamptz NOT NULL DEFAULT now(),
    seen_at         timestamptz NOT NULL,
    PRIMARY KEY (market_code, account, order_id)
);

CREATE INDEX orders_ordered_at ON erp.orders (ordered_at);

CREATE TABLE erp.order_boxes (
    market_code  text NOT NULL,
    account      text NOT NULL,
    box_id       text NOT NULL,
    line_id      text NOT NULL,
    order_id     text NOT NULL,
    product_id   text,
    sku          text,
    name         text,
    quantity     bigint NOT NULL,
    cancelled    bigint NOT NULL DEFAULT 0,
    held         bigint NOT NULL DEFAULT 0,
    unit_price   bigint,
    amount       bigint,
    state        text NOT NULL,
    market_state text,
    seen_at      timestamptz NOT NULL,
    retired_at   timestamptz,
    PRIMARY KEY (market_code, account, box_id, line_id),
    FOREIGN KEY (market_code, account, order_id) REFERENCES erp.orders ON DELETE CASCADE
);

CREATE INDEX order_boxes_order ON erp.order_boxes (market_code, account, order_id);

CREATE TABLE erp.order_claims (
    market_code text NOT NULL,
    account     text NOT NULL,
    claim_id    text NOT NULL,
    line_id     text NOT NULL,
    order_id    text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('cancel', 'return', 'exchange')),
    completed   boolean NOT NULL,
    ordered     bigint NOT NULL,
    quantity    bigint NOT NULL,
    name        text,
    market_state text,
    claimed_at  timestamptz NOT NULL,
    seen_at     timestamptz NOT NULL,
    PRIMARY KEY (market_code, account, claim_id, line_id),
    FOREIGN KEY (market_code, account, order_id) REFERENCES erp.orders ON DELETE CASCADE
);

CREATE INDEX order_claims_order ON erp.order_claims (market_code, account, order_id);
CREATE INDEX order_claims_open ON erp.order_claims (market_code, account, claimed_at) WHERE NOT completed;

CREATE TABLE erp.order_items (
    market_code        text NOT NULL,
    account            text NOT NULL,
    order_id           text NOT NULL,
    line_id            text NOT NULL,
    product_id         text,
    sku                text,
    name               text,
    quantity           bigint NOT NULL,
    cancelled_quantity bigint NOT NULL DEFAULT 0,
    held_quantity      bigint NOT NULL DEFAULT 0,
    returned_quantity  bigint NOT NULL DEFAULT 0,
    unit_price         bigint,
    amount             bigint,
    state              text NOT NULL,
    created_at         timestamptz NOT NULL DEFAULT now(),
    changed_at         timestamptz NOT NULL,
    PRIMARY KEY (market_code, account, order_id, line_id),
    FOREIGN KEY (market_code, account, order_id) REFERENCES erp.orders ON DELETE CASCADE,
    CONSTRAINT "order_items: state" CHECK (state IN ('paid', 'confirmed', 'shipping', 'delivered', 'completed',
                                                    'cancelled', 'returned', 'exchanged'))
);

CREATE INDEX order_items_open ON erp.order_items (market_code, account) WHERE state IN ('paid', 'confirmed', 'shipping');
CREATE INDEX order_items_sku ON erp.order_items (sku);

CREATE TABLE erp.collection_windows (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    market_code  text NOT NULL,
    account      text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('orders', 'refresh')),
    from_at      timestamptz NOT NULL,
    to_at        timestamptz NOT NULL,
    execution_id bigint,
    lines_read   integer NOT NULL,
    claims_read  integer NOT NULL,
    inserted     integer NOT NULL,
    updated      integer NOT NULL,
    unchanged    integer NOT NULL,
    collected_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT "collection_windows: from before to" CHECK (from_at < to_at)
);

CREATE INDEX collection_windows_of_account ON erp.collection_windows (market_code, account, kind, to_at);

CREATE TABLE erp.watermarks (
    market_code text NOT NULL,
    account     text NOT NULL,
    kind        text NOT NULL,
    reached_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (market_code, account, kind)
);

CREATE VIEW erp.order_lines AS
SELECT item.market_code, item.account, item.order_id, item.line_id, item.sku, item.quantity, item.cancelled_quantity,
       item.state, ordered.ordered_at, item.changed_at
  FROM erp.order_items AS item
  JOIN erp.orders AS ordered USING (market_code, account, order_id);

CREATE VIEW erp.market_items AS
SELECT item.market_code, item.account, item.item_id, item.product_id, item.sku,
       CASE WHEN item.name IN ('', product.name) THEN product.name ELSE product.name || ' ' || item.name END AS name,
       item.price, item.stock, item.seen_at
  FROM erp.product_options AS item
  JOIN erp.products AS product USING (market_code, account, product_id)
 WHERE item.gone_at IS NULL AND product.gone_at IS NULL;

-- What lies between the first and the last collected moment and in no window: an empty view is the proof.
CREATE VIEW erp.collection_gaps AS
SELECT account_of.market_code, account_of.account, lower(gap) AS from_at, upper(gap) AS to_at
  FROM (SELECT market_code, account,
               tstzmultirange(tstzrange(min(from_at), max(to_at))) - range_agg(tstzrange(from_at, to_at)) AS missing
          FROM erp.collection_windows
         WHERE kind = 'orders'
         GROUP BY market_code, account) AS account_of
 CROSS JOIN LATERAL unnest(account_of.missing) AS gap;

COMMENT ON SCHEMA erp IS '마켓에서 수집한 자료
What was collected from the markets';
COMMENT ON TABLE erp.products IS '상품 (마켓마다 한 행)
Products, one row per market';
COMMENT ON COLUMN erp.products.market_code IS '마켓 코드
Market';
COMMENT ON COLUMN erp.products.account IS '마켓 계정
Account at the market';
COMMENT ON COLUMN erp.products.product_id IS '마켓의 상품 번호
Number of the product at the market';
COMMENT ON COLUMN erp.products.name IS '상품 이름
Name';
COMMENT ON COLUMN erp.products.brand IS '브랜드
Brand';
COMMENT ON COLUMN erp.products.status IS '마켓이 말한 상태
Status in the words of the market';
COMMENT ON COLUMN erp.products.sale_from IS '판매 시작
Start of sale';
COMMENT ON COLUMN erp.products.sale_to IS '판매 종료
End of sale';
COMMENT ON COLUMN erp.products.execution_id IS '마지막으로 저장한 실행 번호
Execution that stored it last';
COMMENT ON COLUMN erp.products.created_at IS '처음 저장한 시각
When it was first stored';
COMMENT ON COLUMN erp.products.changed_at IS '내용이 마지막으로 바뀐 시각
When its content last changed, as we saw it';
COMMENT ON COLUMN erp.products.seen_at IS '마켓에서 마지막으로 읽은 시각. 더 오래된 응답은 덮어쓰지 못합니다
When it was last read at the market; an older answer never overwrites';
COMMENT ON COLUMN erp.products.gone_at IS '마켓에서 사라진 것을 안 시각
When it was found to be gone at the market';
COMMENT ON TABLE erp.product_options IS '판매 단위(옵션)
Sellable items (options) of products';
COMMENT ON COLUMN erp.product_options.market_code IS '마켓 코드
Market';
COMMENT ON COLUMN erp.product_options.account IS '마켓 계정
Account at the market';
COMMENT ON COLUMN erp.product_options.item_id IS '마켓의 옵션 번호 (쿠팡 vendorItemId)
Number of the item at the market (Coupang vendorItemId)';
COMMENT ON COLUMN erp.product_options.product_id IS '상품 번호
Product';
COMMENT ON COLUMN erp.product_options.sku IS '우리 품목 코드
Our own stock keeping unit';
COMMENT ON COLUMN erp.product_options.barcode IS '바코드
Barcode';
COMMENT ON COLUMN erp.product_options.name IS '옵션 이름
Name of the option';
COMMENT ON COLUMN erp.product_options.original_price IS '할인 전 가격(원)
Price before discount, whole won';
COMMENT ON COLUMN erp.product_options.price IS '판매가(원)
Price, whole won';
COMMENT ON COLUMN erp.product_options.stock IS '재고
Stock';
COMMENT ON COLUMN erp.product_options.on_sale IS '판매 중인지
Whether it is on sale';
COMMENT ON COLUMN erp.product_options.execution_id IS '마지막으로 저장한 실행 번호
Execution that stored it last';
COMMENT ON COLUMN erp.product_options.created_at IS '처음 저장한 시각
When it was first stored';
COMMENT ON COLUMN erp.product_options.changed_at IS '내용이 마지막으로 바뀐 시각
When its content last changed, as we saw it';
COMMENT ON COLUMN erp.product_options.seen_at IS '마켓에서 마지막으로 읽은 시각. 더 오래된 응답은 덮어쓰지 못합니다
When it was last read at the market; an older answer never overwrites';
COMMENT ON COLUMN erp.product_options.gone_at IS '마켓에서 사라진 것을 안 시각
When it was found to be gone at the market';
COMMENT ON TABLE erp.orders IS '주문. 구매자 정보는 저장하지 않습니다
Orders; nothing about the buyer is stored';
COMMENT ON COLUMN erp.orders.market_code IS '마켓 코드
Market';
COMMENT ON COLUMN erp.orders.account IS '마켓 계정
Account at the market';
COMMENT ON COLUMN erp.orders.order_id IS '주문 번호
Number of the order';
COMMENT ON COLUMN erp.orders.ordered_at IS '주문 시각
When it was ordered';
COMMENT ON COLUMN erp.orders.paid_at IS '결제 시각
When it was paid';
COMMENT ON COLUMN erp.orders.shipping_price IS '배송비(원)
Shipping price, whole won';
COMMENT ON COLUMN erp.orders.known_by_claim IS '취소 목록에서만 본 주문 (주문 시각은 취소 시각)
Seen in the list of cancels only; ordered_at is then the time of the cancel';
COMMENT ON COLUMN erp.orders.execution_id IS '마지막으로 저장한 실행 번호
Execution that stored it last';
COMMENT ON COLUMN erp.orders.created_at IS '처음 저장한 시각
When it was first stored';
COMMENT ON COLUMN erp.orders.seen_at IS '마켓에서 마지막으로 읽은 시각. 더 오래된 응답은 덮어쓰지 못합니다
When it was last read at the market; an older answer never overwrites';
COMMENT ON TABLE erp.order_boxes IS '배송 상자에 담긴 주문 품목. 상자는 나뉘거나 바뀔 수 있습니다
Lines of orders as packed in boxes; a box may be split or replaced';
COMMENT ON COLUMN erp.order_boxes.market_code IS '마켓 코드
Market';
COMMENT ON COLUMN erp.order_boxes.account IS '마켓 계정
Account at the market';
COMMENT ON COLUMN erp.order_boxes.box_id IS '상자 번호 (쿠팡 shipmentBoxId)
Number of the box (Coupang shipmentBoxId)';
COMMENT ON COLUMN erp.order_boxes.line_id IS '주문 품목 번호
Line of the order';
COMMENT ON COLUMN erp.order_boxes.order_id IS '주문 번호
Order';
COMMENT ON COLUMN erp.order_boxes.product_id IS '상품 번호
Product';
COMMENT ON COLUMN erp.order_boxes.sku IS '우리 품목 코드
Our own stock keeping unit';
COMMENT ON COLUMN erp.order_boxes.name IS '품목 이름
Name';
COMMENT ON COLUMN erp.order_boxes.quantity IS '수량
Quantity';
COMMENT ON COLUMN erp.order_boxes.cancelled IS '취소된 수량
Cancelled quantity';
COMMENT ON COLUMN erp.order_boxes.held IS '취소 요청으로 묶인 수량
Quantity held back for a cancel';
COMMENT ON COLUMN erp.order_boxes.unit_price IS '단가(원)
Price of one, whole won';
COMMENT ON COLUMN erp.order_boxes.amount IS '금액(원)
Amount, whole won';
COMMENT ON COLUMN erp.order_boxes.state IS '상태
State in our words';
COMMENT ON COLUMN erp.order_boxes.market_state IS '마켓이 말한 상태
State in the words of the market';
COMMENT ON COLUMN erp.order_boxes.seen_at IS '마켓에서 마지막으로 읽은 시각. 더 오래된 응답은 덮어쓰지 못합니다
When it was last read at the market; an older answer never overwrites';
COMMENT ON COLUMN erp.order_boxes.retired_at IS '다른 상자로 바뀐 것을 안 시각
When it was found to be replaced by other boxes';
COMMENT ON TABLE erp.order_claims IS '취소와 반품
Cancels and returns';
COMMENT ON COLUMN erp.order_claims.market_code IS '마켓 코드
Market';
COMMENT ON COLUMN erp.order_claims.account IS '마켓 계정
Account at the market';
COMMENT ON COLUMN erp.order_claims.claim_id IS '접수 번호
Number of the claim';
COMMENT ON COLUMN erp.order_claims.line_id IS '주문 품목 번호
Line of the order';
COMMENT ON COLUMN erp.order_claims.order_id IS '주문 번호
Order';
COMMENT ON COLUMN erp.order_claims.kind IS '종류: cancel, return, exchange
cancel, return or exchange';
COMMENT ON COLUMN erp.order_claims.completed IS '끝났는지
Whether it is settled';
COMMENT ON COLUMN erp.order_claims.ordered IS '주문 수량
Quantity that had been ordered';
COMMENT ON COLUMN erp.order_claims.quantity IS '취소 또는 반품 수량
Quantity cancelled or returned';
COMMENT ON COLUMN erp.order_claims.name IS '품목 이름
Name';
COMMENT ON COLUMN erp.order_claims.market_state IS '마켓이 말한 상태
State in the words of the market';
COMMENT ON COLUMN erp.order_claims.claimed_at IS '접수 시각
When it was claimed';
COMMENT ON COLUMN erp.order_claims.seen_at IS '마켓에서 마지막으로 읽은 시각. 더 오래된 응답은 덮어쓰지 못합니다
When it was last read at the market; an older answer never overwrites';
COMMENT ON TABLE erp.order_items IS '주문 품목: 상자와 취소를 합친 한 줄
Lines of orders: boxes and claims added up, one row per line a customer ordered';
COMMENT ON COLUMN erp.order_items.market_code IS '마켓 코드
Market';
COMMENT ON COLUMN erp.order_items.account IS '마켓 계정
Account at the market';
COMMENT ON COLUMN erp.order_items.order_id IS '주문 번호
Order';
COMMENT ON COLUMN erp.order_items.line_id IS '주문 품목 번호
Line of the order';
COMMENT ON COLUMN erp.order_items.product_id IS '상품 번호
Product';
COMMENT ON COLUMN erp.order_items.sku IS '우리 품목 코드
Our own stock keeping unit';
COMMENT ON COLUMN erp.order_items.name IS '품목 이름
Name';
COMMENT ON COLUMN erp.order_items.quantity IS '주문 수량
Quantity ordered';
COMMENT ON COLUMN erp.order_items.cancelled_quantity IS '취소 수량
Quantity cancelled';
COMMENT ON COLUMN erp.order_items.held_quantity IS '취소 요청으로 묶인 수량
Quantity held back for a cancel';
COMMENT ON COLUMN erp.order_items.returned_quantity IS '반품 수량
Quantity returned';
COMMENT ON COLUMN erp.order_items.unit_price IS '단가(원)
Price of one, whole won';
COMMENT ON COLUMN erp.order_items.amount IS '금액(원)
Amount, whole won';
COMMENT ON COLUMN erp.order_items.state IS '상태: paid, confirmed, shipping, delivered, completed, cancelled, returned, exchanged
paid, confirmed, shipping, delivered, completed, cancelled, returned or exchanged';
COMMENT ON COLUMN erp.order_items.created_at IS '처음 저장한 시각
When it was first stored';
COMMENT ON COLUMN erp.order_items.changed_at IS '내용이 마지막으로 바뀐 시각
When its content last changed, as we saw it';
COMMENT ON TABLE erp.collection_windows IS '수집 장부: 빠짐없이 모았다는 증거. 구간은 [from_at, to_at)
Ledger of what was collected: half-open windows [from_at, to_at), the proof that nothing is missing';
COMMENT ON COLUMN erp.collection_windows.id IS '번호
Number';
COMMENT ON COLUMN erp.collection_windows.market_code IS '마켓 코드
Market';
COMMENT ON COLUMN erp.collection_windows.account IS '마켓 계정
Account at the market';
COMMENT ON COLUMN erp.collection_windows.kind IS 'orders 새 구간, refresh 지난 구간의 상태를 다시 읽음
orders for new time, refresh for states of older orders read again';
COMMENT ON COLUMN erp.collection_windows.from_at IS '구간 시작 (포함)
Start, included';
COMMENT ON COLUMN erp.collection_windows.to_at IS '구간 끝 (미포함)
End, not included';
COMMENT ON COLUMN erp.collection_windows.execution_id IS '수집한 실행 번호
Execution that collected it';
COMMENT ON COLUMN erp.collection_windows.lines_read IS '읽은 품목 수
Lines read';
COMMENT ON COLUMN erp.collection_windows.claims_read IS '읽은 취소, 반품 수
Claims read';
COMMENT ON COLUMN erp.collection_windows.inserted IS '새 주문 수
New orders';
COMMENT ON COLUMN erp.collection_windows.updated IS '바뀐 주문 수
Changed orders';
COMMENT ON COLUMN erp.collection_windows.unchanged IS '그대로인 주문 수
Orders that stayed as they were';
COMMENT ON COLUMN erp.collection_windows.collected_at IS '수집한 시각
When it was collected';
COMMENT ON TABLE erp.watermarks IS '어디까지 모았는지
How far collecting has come';
COMMENT ON COLUMN erp.watermarks.market_code IS '마켓 코드
Market';
COMMENT ON COLUMN erp.watermarks.account IS '마켓 계정
Account at the market';
COMMENT ON COLUMN erp.watermarks.kind IS '종류: orders
What is collected: orders';
COMMENT ON COLUMN erp.watermarks.reached_at IS '이 시각 이전은 빠짐없이 모았음
All before this moment is collected';
COMMENT ON COLUMN erp.watermarks.updated_at IS '마지막으로 옮긴 시각
When it last moved';
COMMENT ON VIEW erp.order_lines IS '주문 품목 (보고서와 점검용)
Lines that customers ordered, for reports and checks';
COMMENT ON COLUMN erp.order_lines.market_code IS '마켓 코드
Market';
COMMENT ON COLUMN erp.order_lines.account IS '마켓 계정
Account at the market';
COMMENT ON COLUMN erp.order_lines.order_id IS '주문 번호
Order';
COMMENT ON COLUMN erp.order_lines.line_id IS '주문 품목 번호 (쿠팡 vendorItemId)
Line of the order (Coupang vendorItemId)';
COMMENT ON COLUMN erp.order_lines.sku IS '우리 품목 코드
Our own stock keeping unit';
COMMENT ON COLUMN erp.order_lines.quantity IS '주문 수량
Quantity ordered';
COMMENT ON COLUMN erp.order_lines.cancelled_quantity IS '취소 수량
Quantity cancelled';
COMMENT ON COLUMN erp.order_lines.state IS '상태
State';
COMMENT ON COLUMN erp.order_lines.ordered_at IS '주문 시각
When it was ordered';
COMMENT ON COLUMN erp.order_lines.changed_at IS '내용이 마지막으로 바뀐 시각
When its content last changed, as we saw it';
COMMENT ON VIEW erp.market_items IS '마켓에서 팔 수 있는 품목
Sellable items of the shops';
COMMENT ON COLUMN erp.market_items.market_code IS '마켓 코드
Market';
COMMENT ON COLUMN erp.market_items.account IS '마켓 계정
Account at the market';
COMMENT ON COLUMN erp.market_items.item_id IS '마켓의 옵션 번호
Number of the item at the market';
COMMENT ON COLUMN erp.market_items.product_id IS '상품 번호
Product';
COMMENT ON COLUMN erp.market_items.sku IS '우리 품목 코드
Our own stock keeping unit';
COMMENT ON COLUMN erp.market_items.name IS '상품과 옵션 이름
Name of product and option';
COMMENT ON COLUMN erp.market_items.price IS '판매가(원)
Price, whole won';
COMMENT ON COLUMN erp.market_items.stock IS '재고
Stock';
COMMENT ON COLUMN erp.market_items.seen_at IS '마켓에서 마지막으로 읽은 시각. 더 오래된 응답은 덮어쓰지 못합니다
When it was last read at the market; an older answer never overwrites';
COMMENT ON VIEW erp.collection_gaps IS '수집하지 못한 시간 (비어 있어야 정상)
Time that was not collected; must be empty';
COMMENT ON COLUMN erp.collection_gaps.market_code IS '마켓 코드
Market';
COMMENT ON COLUMN erp.collection_gaps.account IS '마켓 계정
Account at the market';
COMMENT ON COLUMN erp.collection_gaps.from_at IS '빈 구간 시작
Start of the gap';
COMMENT ON COLUMN erp.collection_gaps.to_at IS '빈 구간 끝
End of the gap';
