-- 누가 언제 무엇을 바꿨는지.
-- Who changed what, and when.
SELECT revision, changed_at, actor, via, action, changed FROM job_revisions WHERE job_id = 1 ORDER BY revision DESC;

-- 마지막 변경 취소 (지운 작업도 이름이나 번호로 되살아납니다).
-- Undo the latest edit; a deleted job comes back by its name or id.
UPDATE schedule_jobs SET owner = '실수' WHERE id = 1;
SELECT schedule_restore(1);
