-- 작업 멈춤: 새 실행이 시작되지 않습니다. 이미 실행 중인 것은 끝까지 갑니다.
-- Pause a job: nothing new starts; what is running goes on to its end.
UPDATE schedule_jobs SET status = 'paused' WHERE id = 1;

-- 다시 시작: 지금 이후의 시각부터 계획합니다. 고친다고 바로 실행되지 않습니다.
-- Resume: planned strictly after now; an edit never makes a job fire.
UPDATE schedule_jobs SET status = 'active' WHERE id = 1;
