-- 함수로 작업 만들기: 같은 이름이 있으면 주어진 것만 고칩니다. 함수 목록: schedule_help()
-- Make a job with a function; where the name exists, only what is given changes. All functions: schedule_help()
SELECT schedule_add_job('야간 보고서', 'report_generation', at => '{06:00}', on_holiday => 'skip', after => '{주문 수집}');

-- 두 시간 멈추고, 놓친 것을 한 번 실행하며 다시 시작.
-- Pause for two hours; go on and make up once for what was missed.
SELECT schedule_pause('야간 보고서', until => now() + interval '2 hours', reason => '서버 점검');
SELECT * FROM schedule_resume('야간 보고서', run_missed => true);

-- 다음 24시간의 예정.
-- What runs in the next 24 hours.
SELECT * FROM schedule_upcoming(n => 20, within => '24 hours');
