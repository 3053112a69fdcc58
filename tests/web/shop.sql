-- A shop's database as pages see it after some weeks: every kind of job, every end, every trouble.

INSERT INTO schedule_jobs (name, job_type, interval, specific_times, cron_expression, run_at, market_codes, tags, owner, description,
                           important, on_holiday, max_retries)
VALUES ('쿠팡 주문 수집', 'order_collection', '15 minutes', NULL, NULL, NULL, '{coupang}', '{orders}', '민지', '새 주문 / New orders', true, 'run', 3),
       ('네이버 상품 수집', 'product_collection', NULL, '{06:00,18:00}', NULL, NULL, '{naver}', '{products}', NULL, NULL, false, 'run', 3),
       ('11번가 상품 수집', 'product_collection', NULL, NULL, '*/30 8-20 * * mon-fri', NULL, '{11st}', '{products}', '도윤', NULL, false, 'skip', 3),
       ('재고 동기화', 'inventory_sync', '10 minutes', NULL, NULL, NULL, '{coupang,naver,11st}', '{stock}', '민지', NULL, true, 'run', 3),
       ('가격 변경', 'price_update', NULL, '{09:00}', NULL, NULL, '{coupang,naver}', '{}', NULL, NULL, false, 'next', 0),
       ('매일 백업', 'database_backup', NULL, '{03:00}', NULL, NULL, '{}', '{maintenance}', NULL, NULL, true, 'run', 1),
       ('한 번 보고서', 'report_generation', NULL, NULL, NULL, now() + interval '2 days', '{}', '{}', NULL, NULL, false, 'run', 3),
       ('손으로만', 'report_generation', NULL, NULL, NULL, NULL, '{}', '{}', NULL, NULL, false, 'run', 3),
       ('<img src=x onerror=alert(1)> & "따옴표"', 'health_check', '1 hour', NULL, NULL, NULL, '{}', '{}', NULL, NULL, false, 'run', 3),
       ('아직 실행 안 됨', 'health_check', '6 hours', NULL, NULL, NULL, '{}', '{}', NULL, NULL, false, 'run', 3);
INSERT INTO job_dependencies (job_id, depends_on) SELECT 4, 1;
UPDATE schedule_jobs SET paused_until = now() + interval '1 day', pause_reason = '점검' WHERE name = '가격 변경';
INSERT INTO calendar_days (day, name) VALUES ((now() AT TIME ZONE 'Asia/Seoul')::date + 3, '임시공휴일');
INSERT INTO schedule_overlays (name, starts_at, ends_at, action, factor, job_types)
VALUES ('블랙프라이데이', now() + interval '1 day', now() + interval '3 days', 'multiply', 3, '{order_collection}');

-- What the daemon would have written; so it is written as the daemon writes.
SET application_name = 'erp-scheduler daemon shop';

INSERT INTO job_executions (job_id, job_name, job_type, trigger, status, scheduled_for, available_at, started_at, finished_at,
                            duration_ms, market_codes, node, result, error_class, error_message, skip_reason, attempt)
SELECT job.id, job.name, job.job_type, CASE WHEN n % 17 = 0 THEN 'manual' ELSE 'schedule' END, ended.status,
       now() - n * interval '37 minutes', now() - n * interval '37 minutes',
       CASE WHEN ended.status <> 'skipped' THEN now() - n * interval '37 minutes' + interval '2 seconds' END,
       now() - n * interval '37 minutes' + interval '45 seconds', CASE WHEN ended.status <> 'skipped' THEN 20000 + (n * 7919) % 30000 END,
       job.market_codes, 'node-a', CASE WHEN ended.status = 'success' THEN jsonb_build_object('saved', n % 40) END,
       CASE ended.status WHEN 'failed' THEN 'MarketError' WHEN 'timed_out' THEN 'timeout' WHEN 'lost' THEN 'lost' END,
       CASE ended.status WHEN 'failed' THEN E'HTTP 401 <b>인증 만료</b>\nTraceback (most recent call last):\n  File "x.py", line 1'
            WHEN 'timed_out' THEN 'did not end within timeout_minutes = 30' WHEN 'lost' THEN 'lost on node node-b' END,
       CASE ended.status WHEN 'skipped' THEN 'overlap' END, 1
  FROM schedule_jobs AS job
 CROSS JOIN generate_series(1, 90) AS n
 CROSS JOIN LATERAL (SELECT CASE WHEN job.name LIKE '11번가%' AND n < 4 THEN 'failed' WHEN (n + job.id) % 23 = 0 THEN 'failed'
                                 WHEN (n + job.id) % 31 = 0 THEN 'timed_out' WHEN (n + job.id) % 43 = 0 THEN 'lost'
                                 WHEN (n + job.id) % 19 = 0 THEN 'skipped' WHEN (n + job.id) % 53 = 0 THEN 'cancelled'
                                 ELSE 'success' END AS status) AS ended
 WHERE job.name <> '아직 실행 안 됨';
UPDATE schedule_jobs AS job
   SET planned_version = spec_version, planned_at = now(), run_count = 90, last_run_at = last.finished_at, last_status = last.status,
       last_success_at = now() - interval '40 minutes', last_error = last.error_message,
       next_run_at = CASE WHEN job.status = 'active' AND num_nonnulls(interval, specific_times, cron_expression, run_at) > 0
                          THEN now() + job.id * interval '4 minutes' END
  FROM (SELECT DISTINCT ON (job_id) * FROM job_executions WHERE finished_at IS NOT NULL ORDER BY job_id, finished_at DESC) AS last
 WHERE last.job_id = job.id;
UPDATE schedule_jobs SET consecutive_failures = 3, last_status = 'failed' WHERE name LIKE '11번가%';
UPDATE schedule_jobs SET status = 'invalid', last_error = 'cron_expression cannot be read', next_run_at = NULL WHERE name LIKE '<img%';
INSERT INTO job_executions (job_id, job_name, job_type, trigger, status, scheduled_for, started_at, token, fence, node, lease_expires_at,
                            progress, market_codes)
SELECT id, name, job_type, 'schedule', 'running', now(), now() - interval '41 seconds', '00000000-0000-4000-8000-000000000001', 7,
       'node-a', now() + interval '1 minute', '{"done": 40, "total": 128}', market_codes FROM schedule_jobs WHERE id = 1;
INSERT INTO schedule_locks (job_id, execution_id, token, fence, node, expires_at)
SELECT 1, id, token, fence, node, now() + interval '1 minute' FROM job_executions WHERE status = 'running';
INSERT INTO job_executions (job_id, job_name, job_type, trigger) SELECT id, name, job_type, 'manual' FROM schedule_jobs WHERE id = 8;
INSERT INTO scheduler_nodes (instance_id, name, host, pid, version, workers, running, job_types, state, lease_seconds)
VALUES (gen_random_uuid(), 'node-a', 'shop-1', 4711, '0.1.0', 8, 1,
        '{order_collection,product_collection,inventory_sync,price_update,database_backup,report_generation,health_check}', 'running', 60);
INSERT INTO job_types (job_type, source, summary, params_schema)
VALUES ('order_collection', 'handlers.order_collection', 'Collect orders',
        '{"type": "object", "properties": {"days": {"type": "integer", "minimum": 1, "default": 1, "description": "Days to look back"},
          "statuses": {"type": "array", "items": {"type": "string"}}, "dry_run": {"type": "boolean"}}}')
    ON CONFLICT DO NOTHING;

INSERT INTO execution_logs (execution_id, line, logged_at, level, message)
SELECT id, n, now() - (60 - n) * interval '0.7 s', CASE n % 9 WHEN 0 THEN 'WARNING' WHEN 5 THEN 'ERROR' ELSE 'INFO' END,
       '주문 ' || n || '쪽을 읽었습니다 <script>' || chr(27) || '[31mred' || chr(27) || '[0m'
  FROM job_executions CROSS JOIN generate_series(1, 60) AS n WHERE status = 'running';
RESET application_name;
