-- What is kept of old collections: products missed by a pass, folded windows, and indexes for clearing away what is past its time.

ALTER TABLE erp.products ADD COLUMN missed_since timestamptz;
COMMENT ON COLUMN erp.products.missed_since IS '전체 수집에서 처음 보이지 않은 회차의 시작. 다음 전체 수집에서도 없으면 사라진 것으로 봅니다
Start of the first complete pass that did not meet it; gone when the next complete pass does not meet it either';

COMMENT ON COLUMN erp.collection_windows.execution_id IS '수집한 실행 번호. NULL이면 이어진 오래된 구간들을 합친 행
Execution that collected it; NULL for old windows without a hole between them, folded into one row';

CREATE INDEX collection_windows_to_at ON erp.collection_windows (to_at);
CREATE INDEX stock_moves_at ON erp.stock_moves (at);
CREATE INDEX pushes_at ON erp.pushes (at);
CREATE INDEX events_cleared_at ON erp.events (cleared_at) WHERE cleared_at IS NOT NULL;

COMMENT ON INDEX erp.collection_windows_to_at IS '오래된 구간을 찾기 위한 색인
Finds the windows that are past their time';
COMMENT ON INDEX erp.stock_moves_at IS '오래된 재고 기록을 찾기 위한 색인
Finds the moves that are past their time';
COMMENT ON INDEX erp.pushes_at IS '오래된 전송 기록을 찾기 위한 색인
Finds the pushes that are past their time';
COMMENT ON INDEX erp.events_cleared_at IS '오래전에 끝난 일을 찾기 위한 색인
Finds the events that were over long ago';
