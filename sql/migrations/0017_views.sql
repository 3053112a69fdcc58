-- The views that people, dashboards and programs read: the contract. None reads history without a bound on time or number.

CREATE VIEW schedule_nodes_live AS
SELECT node.instance_id, node.name, node.host, node.pid, node.version, node.state, node.workers,
       (SELECT count(*) FROM job_executions AS live
         WHERE live.status = 'running' AND live.instance_id = node.instance_id)::integer AS running,
       node.job_types, node.started_at, node.seen_at, now() - node.seen_at AS silent
  FROM scheduler_nodes AS node
 WHERE node.state <> 'stopped' AND node.seen_at > now() - make_interval(secs => node.lease_seconds * 2);

CREATE VIEW schedule_locks_live AS
SELECT held.job_id, job.name AS job_name, held.slot, held.execution_id, held.node, held.execution_id IS NULL AS by_hand,
       held.locked_at, held.heartbeat_at, held.expires_at, held.expires_at > now() AS living
  FROM schedule_locks AS held JOIN schedule_jobs AS job ON job.id = held.job_id;

-- The last runs of a job by its index, never the whole history; what was skipped is a result too.
CREATE VIEW schedule_job_health AS
SELECT job.id AS job_id, job.name, job.status, last.results, last.runs, ages.success_24h, ages.success_7d, ages.success_30d,
       last.p50_ms, last.p95_ms, job.consecutive_failures, first.failed_at AS first_failure_at, job.last_error, job.last_run_at,
       job.last_success_at
  FROM schedule_jobs AS job
  LEFT JOIN LATERAL (
       SELECT array_agg(run.status ORDER BY run.scheduled_for DESC, run.attempt DESC) AS results, count(*)::integer AS runs,
              percentile_cont(0.5) WITHIN GROUP (ORDER BY run.duration_ms) FILTER (WHERE run.status = 'success') AS p50_ms,
              percentile_cont(0.95) WITHIN GROUP (ORDER BY run.duration_ms) FILTER (WHERE run.status = 'success') AS p95_ms
         FROM (SELECT each.status, each.duration_ms, each.scheduled_for, each.attempt FROM job_executions AS each
                WHERE each.job_id = job.id AND each.finished_at IS NOT NULL
                ORDER BY each.scheduled_for DESC, each.attempt DESC LIMIT 50) AS run) AS last ON true
  LEFT JOIN LATERAL (
       SELECT round(100.0 * count(*) FILTER (WHERE run.ok AND run.started_at > now() - interval '24 hours')
                    / nullif(count(*) FILTER (WHERE run.started_at > now() - interval '24 hours'), 0), 1) AS success_24h,
              round(100.0 * count(*) FILTER (WHERE run.ok AND run.started_at > now() - interval '7 days')
                    / nullif(count(*) FILTER (WHERE run.started_at > now() - interval '7 days'), 0), 1) AS success_7d,
              round(100.0 * count(*) FILTER (WHERE run.ok) / nullif(count(*), 0), 1) AS success_30d
         FROM (SELECT each.started_at, each.status = 'success' AS ok FROM job_executions AS each
                WHERE each.job_id = job.id AND each.started_at > now() - interval '30 days'
                  AND each.status IN ('success', 'failed', 'timed_out', 'lost')
                ORDER BY each.started_at DESC LIMIT 10000) AS run) AS ages ON true
  LEFT JOIN LATERAL (
       SELECT min(run.finished_at) AS failed_at
         FROM (SELECT each.finished_at FROM job_executions AS each
                WHERE job.consecutive_failures > 0 AND each.job_id = job.id AND each.started_at IS NOT NULL
                  AND each.status IN ('failed', 'timed_out', 'lost')
                ORDER BY each.started_at DESC LIMIT least(job.consecutive_failures, 1000)) AS run) AS first ON true;

CREATE VIEW schedule_running AS
SELECT run.id AS execution_id, run.job_id, run.job_name, run.job_type, run.market_codes, run.trigger, run.attempt, run.node,
       run.started_at, now() - run.started_at AS elapsed, run.progress, usual.ms AS usual_ms,
       run.started_at + make_interval(secs => usual.ms / 1000.0) AS expected_end,
       run.started_at + make_interval(secs => job.timeout_minutes * 60) AS ends_at_latest, run.cancel_requested, run.lease_expires_at
  FROM job_executions AS run
  LEFT JOIN schedule_jobs AS job ON job.id = run.job_id
  LEFT JOIN LATERAL (
       SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY past.duration_ms) AS ms
         FROM (SELECT each.duration_ms FROM job_executions AS each
                WHERE each.job_id = run.job_id AND each.status = 'success' AND each.started_at IS NOT NULL
                ORDER BY each.started_at DESC LIMIT 20) AS past) AS usual ON true
 WHERE run.status = 'running';

CREATE VIEW schedule_recent AS
SELECT run.id AS execution_id, run.job_id, run.job_name, run.job_type, run.market_codes, run.trigger, run.status, run.scheduled_for,
       run.attempt, run.node, run.started_at, run.finished_at, run.duration_ms, run.result, run.error_class,
       left(run.error_message, 500) AS error_message, run.skip_reason, run.missed_count, run.cancel_reason
  FROM job_executions AS run
 WHERE run.finished_at > now() - interval '7 days'
 ORDER BY run.finished_at DESC;

CREATE VIEW schedule_upcoming_runs AS
SELECT each.job_id, job.name, job.job_type, job.market_codes, each.planned_at, each.run_at, each.reason, each.reason_ko, each.reason_en,
       each.computed_at
  FROM schedule_forecast AS each JOIN schedule_jobs AS job ON job.id = each.job_id
 WHERE coalesce(each.run_at, each.planned_at) > now();

CREATE VIEW schedule_overview AS
SELECT job.id, job.name, job.job_type, job.status, words.ko AS schedule_ko, words.en AS schedule_en, job.market_codes, job.tags,
       job.next_run_at, job.last_run_at, job.last_status, job.last_error, job.consecutive_failures,
       live.execution_id AS running_execution, live.started_at AS running_since, job.paused_until, job.pause_reason, job.important,
       job.owner
  FROM schedule_jobs AS job
  LEFT JOIN schedule_words AS words ON words.job_id = job.id
  LEFT JOIN LATERAL (SELECT run.id AS execution_id, run.started_at FROM job_executions AS run
                      WHERE run.job_id = job.id AND run.status = 'running' ORDER BY run.slot LIMIT 1) AS live ON true;

-- What needs somebody now: one row for each thing, the gravest first. A job counts by its latest state, not by its old failures.
CREATE VIEW schedule_problems AS
SELECT problem.severity, problem.kind, problem.job_id, problem.job_name, problem.since, problem.ko, problem.en, problem.fix
  FROM (SELECT 1, 'no_node', NULL::bigint, NULL::text, (SELECT max(seen_at) FROM scheduler_nodes), '실행 중인 데몬이 없습니다',
               'no daemon is running', 'erp-scheduler start -d'
         WHERE NOT EXISTS (SELECT FROM schedule_nodes_live)
         UNION ALL
        SELECT 2, 'invalid', job.id, job.name, job.planned_at, '설정 오류: ' || left(coalesce(job.last_error, ''), 300),
               'it cannot be run as written: ' || left(coalesce(job.last_error, ''), 300), format('SELECT * FROM schedule_why(%s)', job.id)
          FROM schedule_jobs AS job WHERE job.status = 'invalid'
         UNION ALL
        SELECT CASE WHEN job.important THEN 2 ELSE 3 END, 'failing', job.id, job.name, job.last_run_at,
               format('%s번 이어서 실패: %s', job.consecutive_failures, left(coalesce(job.last_error, ''), 300)),
               format('failed %s times in a row: %s', job.consecutive_failures, left(coalesce(job.last_error, ''), 300)),
               format('SELECT * FROM schedule_why(%s)', job.id)
          FROM schedule_jobs AS job WHERE job.status = 'active' AND job.consecutive_failures > 0
         UNION ALL
        SELECT 3, 'overdue', job.id, job.name, job.next_run_at, '예정 시각이 지났지만 대기열에 들어가지 않았습니다',
               'its planned time has passed and nobody has queued it', format('SELECT * FROM schedule_why(%s)', job.id)
          FROM schedule_jobs AS job WHERE job.status = 'active' AND job.next_run_at < now() - interval '2 minutes'
         UNION ALL
        SELECT 3, 'stuck', run.job_id, run.job_name, run.available_at, format('실행 %s이(가) 10분 넘게 대기하고 있습니다', run.id),
               format('execution %s has been waiting for more than ten minutes', run.id), format('SELECT * FROM schedule_why(%s)', run.job_id)
          FROM job_executions AS run
         WHERE run.status = 'queued' AND run.held_for IS NULL AND run.available_at < now() - interval '10 minutes'
         UNION ALL
        SELECT 4, 'lock_by_hand', held.job_id, held.job_name, held.locked_at, '사람이 잠갔습니다', 'a person has locked it',
               format('SELECT * FROM schedule_release_lock(%s, force => true)', held.job_id)
          FROM schedule_locks_live AS held WHERE held.by_hand AND held.living)
    AS problem (severity, kind, job_id, job_name, since, ko, en, fix)
 ORDER BY problem.severity, problem.since;

CREATE VIEW schedule_history_hourly AS
SELECT date_trunc('hour', run.finished_at) AS hour, run.job_type, count(*) AS ended,
       count(*) FILTER (WHERE run.status = 'success') AS succeeded,
       count(*) FILTER (WHERE run.status IN ('failed', 'timed_out', 'lost')) AS failed,
       count(*) FILTER (WHERE run.status = 'skipped') AS skipped, count(*) FILTER (WHERE run.status = 'cancelled') AS cancelled,
       round(avg(run.duration_ms) FILTER (WHERE run.status = 'success')) AS mean_ms, max(run.duration_ms) AS longest_ms
  FROM job_executions AS run
 WHERE run.finished_at > date_trunc('hour', now()) - interval '48 hours'
 GROUP BY 1, 2;

CREATE VIEW schedule_history_daily AS
SELECT (run.finished_at AT TIME ZONE 'Asia/Seoul')::date AS day, run.job_id, run.job_name, count(*) AS ended,
       count(*) FILTER (WHERE run.status = 'success') AS succeeded,
       count(*) FILTER (WHERE run.status IN ('failed', 'timed_out', 'lost')) AS failed,
       count(*) FILTER (WHERE run.status = 'skipped') AS skipped, count(*) FILTER (WHERE run.status = 'cancelled') AS cancelled,
       round(avg(run.duration_ms) FILTER (WHERE run.status = 'success')) AS mean_ms, max(run.duration_ms) AS longest_ms
  FROM job_executions AS run
 WHERE run.finished_at > (date_trunc('day', now() AT TIME ZONE 'Asia/Seoul') AT TIME ZONE 'Asia/Seoul') - interval '30 days'
 GROUP BY 1, 2, 3;

COMMENT ON VIEW schedule_nodes_live IS '살아 있는 데몬
Daemons that are alive
SELECT name, state, running, workers FROM schedule_nodes_live';
COMMENT ON VIEW schedule_locks_live IS '잠금과 잡은 사람이나 노드
Locks, and which node or person holds them
SELECT * FROM schedule_locks_live WHERE living';
COMMENT ON VIEW schedule_job_health IS '작업의 건강: 최근 50번의 결과, 성공률, 걸린 시간. 작업을 골라 읽으세요
Health of jobs: the last 50 results, success rates, durations; best read for some jobs at a time
SELECT * FROM schedule_job_health WHERE job_id = 7';
COMMENT ON VIEW schedule_running IS '실행 중인 것: 진행, 지난 시간, 예상 종료
What runs now: progress, time gone by, expected end
SELECT job_name, elapsed, progress, expected_end FROM schedule_running';
COMMENT ON VIEW schedule_recent IS '지난 7일에 끝난 실행, 최근 것부터
Executions that ended in the last seven days, newest first
SELECT * FROM schedule_recent LIMIT 20';
COMMENT ON VIEW schedule_upcoming_runs IS '다가오는 예정 시각과, 실행하지 않는 이유
Coming planned times, and why some will not run
SELECT name, run_at, reason_ko FROM schedule_upcoming_runs ORDER BY planned_at LIMIT 20';
COMMENT ON VIEW schedule_overview IS '작업 목록: 일정, 상태, 다음과 마지막 실행
The jobs: schedule in words, state, next and last run
SELECT id, name, status, schedule_ko, next_run_at, last_status FROM schedule_overview ORDER BY next_run_at';
COMMENT ON VIEW schedule_problems IS '지금 손봐야 할 것, 급한 것부터
What needs somebody now, the gravest first
SELECT ko, fix FROM schedule_problems';
COMMENT ON VIEW schedule_history_hourly IS '지난 48시간의 시간별 실행 수
Executions by hour and type, of the last 48 hours
SELECT hour, sum(ended), sum(failed) FROM schedule_history_hourly GROUP BY hour ORDER BY hour';
COMMENT ON VIEW schedule_history_daily IS '지난 30일의 날짜별 실행 수 (한국 날짜)
Executions by Korean day and job, of the last 30 days
SELECT day, sum(ended), sum(failed) FROM schedule_history_daily GROUP BY day ORDER BY day';
COMMENT ON COLUMN schedule_nodes_live.instance_id IS '데몬 인스턴스
Daemon instance';
COMMENT ON COLUMN schedule_nodes_live.name IS '노드 이름
Name of the node';
COMMENT ON COLUMN schedule_nodes_live.host IS '호스트
Host';
COMMENT ON COLUMN schedule_nodes_live.pid IS '프로세스 번호
Process id';
COMMENT ON COLUMN schedule_nodes_live.version IS '버전
Version';
COMMENT ON COLUMN schedule_nodes_live.state IS '상태: running, draining
running or draining';
COMMENT ON COLUMN schedule_nodes_live.workers IS '실행 자리 수
Slots';
COMMENT ON COLUMN schedule_nodes_live.running IS '실행 중인 수
Executions that run on it';
COMMENT ON COLUMN schedule_nodes_live.job_types IS '아는 작업 유형
Job types it knows';
COMMENT ON COLUMN schedule_nodes_live.started_at IS '시작 시각
Start';
COMMENT ON COLUMN schedule_nodes_live.seen_at IS '마지막 보고
Last report';
COMMENT ON COLUMN schedule_nodes_live.silent IS '마지막 보고 뒤 지난 시간
Time since the last report';
COMMENT ON COLUMN schedule_locks_live.job_id IS '작업 번호
Job';
COMMENT ON COLUMN schedule_locks_live.job_name IS '작업 이름
Name of the job';
COMMENT ON COLUMN schedule_locks_live.slot IS '동시 실행 자리
Place among simultaneous runs of one job';
COMMENT ON COLUMN schedule_locks_live.execution_id IS '실행 번호
Execution';
COMMENT ON COLUMN schedule_locks_live.node IS '노드
Node';
COMMENT ON COLUMN schedule_locks_live.by_hand IS '사람이 잠갔는지
Whether a person made it';
COMMENT ON COLUMN schedule_locks_live.locked_at IS '잠근 시각
When it was taken';
COMMENT ON COLUMN schedule_locks_live.heartbeat_at IS '마지막 하트비트
Last heartbeat';
COMMENT ON COLUMN schedule_locks_live.expires_at IS '풀리는 시각
When it lapses';
COMMENT ON COLUMN schedule_locks_live.living IS '살아 있는지
Whether it is in force';
COMMENT ON COLUMN schedule_job_health.job_id IS '작업 번호
Job';
COMMENT ON COLUMN schedule_job_health.name IS '작업 이름
Name of the job';
COMMENT ON COLUMN schedule_job_health.status IS '상태
Status';
COMMENT ON COLUMN schedule_job_health.results IS '최근 결과 (최근 것부터, 최대 50)
Latest results, newest first, at most 50';
COMMENT ON COLUMN schedule_job_health.runs IS 'results의 수
How many results';
COMMENT ON COLUMN schedule_job_health.success_24h IS '24시간 성공률(%)
Success rate of 24 hours, per cent';
COMMENT ON COLUMN schedule_job_health.success_7d IS '7일 성공률(%)
Success rate of 7 days, per cent';
COMMENT ON COLUMN schedule_job_health.success_30d IS '30일 성공률(%, 최근 1만 번까지)
Success rate of 30 days, per cent, of the latest 10,000 at most';
COMMENT ON COLUMN schedule_job_health.p50_ms IS '걸린 시간의 중앙값(밀리초)
Median duration in milliseconds';
COMMENT ON COLUMN schedule_job_health.p95_ms IS '걸린 시간 95%(밀리초)
95th percentile of the duration in milliseconds';
COMMENT ON COLUMN schedule_job_health.consecutive_failures IS '연속 실패 수
Failures in a row';
COMMENT ON COLUMN schedule_job_health.first_failure_at IS '이어진 실패의 처음
When the present failures began';
COMMENT ON COLUMN schedule_job_health.last_error IS '마지막 오류
Last error';
COMMENT ON COLUMN schedule_job_health.last_run_at IS '마지막 실행이 끝난 시각
When the last execution ended';
COMMENT ON COLUMN schedule_job_health.last_success_at IS '마지막 성공 시각
When it last succeeded';
COMMENT ON COLUMN schedule_running.execution_id IS '실행 번호
Execution';
COMMENT ON COLUMN schedule_running.job_id IS '작업 번호
Job';
COMMENT ON COLUMN schedule_running.job_name IS '작업 이름
Name of the job';
COMMENT ON COLUMN schedule_running.job_type IS '작업 유형
Job type';
COMMENT ON COLUMN schedule_running.market_codes IS '마켓
Markets';
COMMENT ON COLUMN schedule_running.trigger IS '실행 계기
Why it exists';
COMMENT ON COLUMN schedule_running.attempt IS '시도 번호
Attempt';
COMMENT ON COLUMN schedule_running.node IS '노드
Node';
COMMENT ON COLUMN schedule_running.started_at IS '시작 시각
Start';
COMMENT ON COLUMN schedule_running.elapsed IS '지난 시간
Time gone by';
COMMENT ON COLUMN schedule_running.progress IS '진행 상황
Progress';
COMMENT ON COLUMN schedule_running.usual_ms IS '보통 걸리는 시간(밀리초)
Usual duration in milliseconds';
COMMENT ON COLUMN schedule_running.expected_end IS '예상 종료
Expected end';
COMMENT ON COLUMN schedule_running.ends_at_latest IS '제한 시간이 되는 시각
When its timeout ends it';
COMMENT ON COLUMN schedule_running.cancel_requested IS '취소 요청됨
Whether it was asked to end';
COMMENT ON COLUMN schedule_running.lease_expires_at IS '하트비트가 없으면 유실로 보는 시각
When it is taken for lost without a heartbeat';
COMMENT ON COLUMN schedule_recent.execution_id IS '실행 번호
Execution';
COMMENT ON COLUMN schedule_recent.job_id IS '작업 번호
Job';
COMMENT ON COLUMN schedule_recent.job_name IS '작업 이름
Name of the job';
COMMENT ON COLUMN schedule_recent.job_type IS '작업 유형
Job type';
COMMENT ON COLUMN schedule_recent.market_codes IS '마켓
Markets';
COMMENT ON COLUMN schedule_recent.trigger IS '실행 계기
Why it exists';
COMMENT ON COLUMN schedule_recent.status IS '상태
Status';
COMMENT ON COLUMN schedule_recent.scheduled_for IS '예정 시각
Planned time';
COMMENT ON COLUMN schedule_recent.attempt IS '시도 번호
Attempt';
COMMENT ON COLUMN schedule_recent.node IS '노드
Node';
COMMENT ON COLUMN schedule_recent.started_at IS '시작 시각
Start';
COMMENT ON COLUMN schedule_recent.finished_at IS '끝난 시각
When it ended';
COMMENT ON COLUMN schedule_recent.duration_ms IS '걸린 시간(밀리초)
Duration in milliseconds';
COMMENT ON COLUMN schedule_recent.result IS '결과 수치
What the handler returned';
COMMENT ON COLUMN schedule_recent.error_class IS '오류 종류
Kind of error';
COMMENT ON COLUMN schedule_recent.error_message IS '오류 내용
Error message';
COMMENT ON COLUMN schedule_recent.skip_reason IS '건너뛴 이유
Why it was skipped';
COMMENT ON COLUMN schedule_recent.missed_count IS '대신한 다른 예정 시각의 수
Other planned times it stands for';
COMMENT ON COLUMN schedule_recent.cancel_reason IS '취소한 이유
Why it was cancelled';
COMMENT ON COLUMN schedule_upcoming_runs.job_id IS '작업 번호
Job';
COMMENT ON COLUMN schedule_upcoming_runs.name IS '작업 이름
Name of the job';
COMMENT ON COLUMN schedule_upcoming_runs.job_type IS '작업 유형
Job type';
COMMENT ON COLUMN schedule_upcoming_runs.market_codes IS '마켓
Markets';
COMMENT ON COLUMN schedule_upcoming_runs.planned_at IS '일정이 말하는 시각
Time that the plain schedule names';
COMMENT ON COLUMN schedule_upcoming_runs.run_at IS '실행할 시각. NULL이면 실행하지 않음
When it will run; NULL when it will not';
COMMENT ON COLUMN schedule_upcoming_runs.reason IS '옮기거나 빼는 이유
Why it moves or does not run';
COMMENT ON COLUMN schedule_upcoming_runs.reason_ko IS '이유 (한국어)
Reason in Korean';
COMMENT ON COLUMN schedule_upcoming_runs.reason_en IS '이유 (영어)
Reason in English';
COMMENT ON COLUMN schedule_upcoming_runs.computed_at IS '계산한 시각
When it was worked out';
COMMENT ON COLUMN schedule_overview.id IS '작업 번호
Job';
COMMENT ON COLUMN schedule_overview.name IS '작업 이름
Name of the job';
COMMENT ON COLUMN schedule_overview.job_type IS '작업 유형
Job type';
COMMENT ON COLUMN schedule_overview.status IS '상태
Status';
COMMENT ON COLUMN schedule_overview.schedule_ko IS '일정 (한국어)
Schedule in Korean';
COMMENT ON COLUMN schedule_overview.schedule_en IS '일정 (영어)
Schedule in English';
COMMENT ON COLUMN schedule_overview.market_codes IS '마켓
Markets';
COMMENT ON COLUMN schedule_overview.tags IS '꼬리표
Tags';
COMMENT ON COLUMN schedule_overview.next_run_at IS '다음 예정 시각
Next planned time';
COMMENT ON COLUMN schedule_overview.last_run_at IS '마지막 실행이 끝난 시각
When the last execution ended';
COMMENT ON COLUMN schedule_overview.last_status IS '마지막 실행 상태
Status of the last execution';
COMMENT ON COLUMN schedule_overview.last_error IS '마지막 오류
Last error';
COMMENT ON COLUMN schedule_overview.consecutive_failures IS '연속 실패 수
Failures in a row';
COMMENT ON COLUMN schedule_overview.running_execution IS '실행 중인 실행
Execution that runs now';
COMMENT ON COLUMN schedule_overview.running_since IS '실행을 시작한 시각
Since when it runs';
COMMENT ON COLUMN schedule_overview.paused_until IS '이 시각에 다시 시작
Paused until then';
COMMENT ON COLUMN schedule_overview.pause_reason IS '멈춘 이유
Why it is paused';
COMMENT ON COLUMN schedule_overview.important IS '중요 작업
Whether its failure alerts';
COMMENT ON COLUMN schedule_overview.owner IS '담당자
Who answers for it';
COMMENT ON COLUMN schedule_problems.severity IS '급한 정도: 1이 가장 급함
Severity, 1 is the gravest';
COMMENT ON COLUMN schedule_problems.kind IS '종류: no_node, invalid, failing, overdue, stuck, lock_by_hand
Kind: no_node, invalid, failing, overdue, stuck, lock_by_hand';
COMMENT ON COLUMN schedule_problems.job_id IS '작업 번호
Job';
COMMENT ON COLUMN schedule_problems.job_name IS '작업 이름
Name of the job';
COMMENT ON COLUMN schedule_problems.since IS '언제부터
Since when';
COMMENT ON COLUMN schedule_problems.ko IS '설명 (한국어)
What is wrong, in Korean';
COMMENT ON COLUMN schedule_problems.en IS '설명 (영어)
What is wrong, in English';
COMMENT ON COLUMN schedule_problems.fix IS '다음에 할 일
What to type next';
COMMENT ON COLUMN schedule_history_hourly.hour IS '시간
Hour';
COMMENT ON COLUMN schedule_history_hourly.job_type IS '작업 유형
Job type';
COMMENT ON COLUMN schedule_history_hourly.ended IS '끝난 실행 수
Executions that ended';
COMMENT ON COLUMN schedule_history_hourly.succeeded IS '성공
Succeeded';
COMMENT ON COLUMN schedule_history_hourly.failed IS '실패, 시간 초과, 유실
Failed, timed out or lost';
COMMENT ON COLUMN schedule_history_hourly.skipped IS '건너뜀
Skipped';
COMMENT ON COLUMN schedule_history_hourly.cancelled IS '취소
Cancelled';
COMMENT ON COLUMN schedule_history_hourly.mean_ms IS '성공한 실행의 평균 시간(밀리초)
Mean duration of successes in milliseconds';
COMMENT ON COLUMN schedule_history_hourly.longest_ms IS '가장 긴 시간(밀리초)
Longest duration in milliseconds';
COMMENT ON COLUMN schedule_history_daily.day IS '날짜 (한국)
Korean day';
COMMENT ON COLUMN schedule_history_daily.job_id IS '작업 번호
Job';
COMMENT ON COLUMN schedule_history_daily.job_name IS '작업 이름
Name of the job';
COMMENT ON COLUMN schedule_history_daily.ended IS '끝난 실행 수
Executions that ended';
COMMENT ON COLUMN schedule_history_daily.succeeded IS '성공
Succeeded';
COMMENT ON COLUMN schedule_history_daily.failed IS '실패, 시간 초과, 유실
Failed, timed out or lost';
COMMENT ON COLUMN schedule_history_daily.skipped IS '건너뜀
Skipped';
COMMENT ON COLUMN schedule_history_daily.cancelled IS '취소
Cancelled';
COMMENT ON COLUMN schedule_history_daily.mean_ms IS '성공한 실행의 평균 시간(밀리초)
Mean duration of successes in milliseconds';
COMMENT ON COLUMN schedule_history_daily.longest_ms IS '가장 긴 시간(밀리초)
Longest duration in milliseconds';
