-- 제한 시간을 60분으로 (한 유형 전체), 재시도를 5회로.
-- A timeout of 60 minutes for a whole type, and five retries.
UPDATE schedule_jobs SET timeout_minutes = 60 WHERE job_type = 'product_collection';
UPDATE schedule_jobs SET max_retries = 5 WHERE id = 1;
