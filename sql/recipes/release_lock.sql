-- 누가 잠갔는지 보기.
-- See who holds the lock.
SELECT * FROM schedule_locks WHERE job_id = 1;

-- 잠금 풀기: 실행 중이어도 안전합니다. 그 실행은 중단되고 결과는 저장되지 않습니다.
-- Release it, safe also while it runs: that execution is ended and its result is not kept.
DELETE FROM schedule_locks WHERE job_id = 1;
