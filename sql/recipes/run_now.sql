-- 지금 실행: 대기열에 한 행을 넣습니다. 나머지 칸은 작업에서 채워지고, 일정은 그대로입니다.
-- Run now: one row in the queue; the rest is taken from the job, and the schedule stays as it is.
INSERT INTO job_executions (job_id) VALUES (1);

-- 실행 취소: 실행 중이면 곧 중단됩니다.
-- Cancel what is running: it is ended within a moment.
UPDATE job_executions SET cancel_requested = true WHERE job_id = 1 AND status = 'running';
