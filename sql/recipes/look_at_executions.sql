-- 작업과 최근 실행 10건, 마지막 오류.
-- The job, its last ten executions, its last error.
SELECT * FROM schedule_jobs WHERE id = 1;
SELECT * FROM job_executions WHERE job_id = 1 ORDER BY started_at DESC LIMIT 10;
SELECT last_error FROM schedule_jobs WHERE id = 1;

-- 실행 하나가 남긴 로그.
-- The lines that one execution wrote.
SELECT logged_at, level, message FROM execution_logs WHERE execution_id = 1 ORDER BY line;
