-- 주기 대신 매일 정해진 시각에 (작업의 시간대, 기본 Asia/Seoul).
-- Times of day instead of an interval, in the job's own time zone (default Asia/Seoul).
UPDATE schedule_jobs SET interval = NULL, specific_times = ARRAY['09:00:00'::time, '18:00:00'::time] WHERE id = 1;

-- 다시 주기로: '30'은 30초, '1M'은 1분입니다. '30m', '1h', '1d', '1 month'로 씁니다.
-- Back to an interval: '30' is 30 seconds and '1M' one minute; write '30m', '1h', '1d' or '1 month'.
UPDATE schedule_jobs SET specific_times = NULL, interval = '1h' WHERE id = 1;
