-- 작업 추가: 30분마다 쿠팡과 네이버의 상품을 수집합니다. 1초 안에 데몬이 알아챕니다.
-- Add a job: collect products from Coupang and Naver every 30 minutes. The daemon sees it within a second.
INSERT INTO schedule_jobs (name, job_type, status, interval, market_codes, parameters)
VALUES ('새 작업 이름', 'product_collection', 'active', '30m', ARRAY['coupang', 'naver'], '{"batch_size": 100}'::jsonb);
