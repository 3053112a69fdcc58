-- What else needs somebody: nodes that fell silent, series that are skipped, runs that take too long, a pool that is full, keys
-- that are about to expire. One line of an error is enough here; the whole stands on the page of the run.

SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- What was skipped against the will of people: closed days and a handler that had nothing to do are no trouble.
CREATE INDEX job_executions_passed_over ON job_executions (finished_at DESC) INCLUDE (job_id, skip_reason, missed_count)
 WHERE status = 'skipped' AND (skip_reason IN ('overlap', 'misfire', 'no_handler') OR skip_reason LIKE 'held: %');

CREATE OR REPLACE VIEW schedule_problems AS
WITH alive AS MATERIALIZED (SELECT * FROM schedule_nodes_live)
SELECT problem.severity, problem.kind, problem.job_id, problem.job_name, problem.since, problem.ko, problem.en, problem.fix,
       problem.cause, problem.execution_id
  FROM (SELECT 1, 'no_node', NULL::bigint, NULL::text, (SELECT max(seen_at) FROM scheduler_nodes), '실행 중인 데몬이 없습니다',
               'no daemon is running', 'erp-scheduler start -d', NULL::text, NULL::bigint
         WHERE NOT EXISTS (SELECT FROM alive)
         UNION ALL
        SELECT 1, 'drained', NULL, NULL, max(node.drained_since),
               '모든 노드를 비워 두어 새 작업이 시작되지 않습니다: ' || string_agg(DISTINCT node.name, ', '),
               'every node is drained, so nothing new starts: ' || string_agg(DISTINCT node.name, ', '),
               format('SELECT * FROM schedule_undrain(%L)', min(node.name)), NULL, NULL
          FROM alive AS node
        HAVING count(*) > 0 AND count(*) = count(node.drained_since)
         UNION ALL
        -- Alone it would say what no_node says; the locks it holds keep its jobs from running elsewhere.
        SELECT 2, 'dead_node', NULL, NULL, gone.seen_at,
               format('노드 %s에서 응답이 없습니다', gone.name)
               || CASE WHEN gone.locks > 0 THEN format(' (잠금 %s건 보유)', gone.locks) ELSE '' END,
               format('node %s does not answer', gone.name)
               || CASE WHEN gone.locks > 0 THEN format(' (it holds %s lock%s)', gone.locks, CASE WHEN gone.locks > 1 THEN 's' ELSE '' END)
                       ELSE '' END,
               format('SELECT * FROM schedule_locks_live WHERE node = %L', gone.name), NULL, NULL
          FROM (SELECT node.name, max(node.seen_at) AS seen_at,
                       (SELECT count(*) FROM schedule_locks AS held WHERE held.node = node.name) AS locks
                  FROM scheduler_nodes AS node
                 WHERE node.state <> 'stopped' AND node.seen_at > now() - interval '1 day'
                   AND node.seen_at <= now() - make_interval(secs => node.lease_seconds * 2)
                   AND node.name NOT IN (SELECT name FROM alive)
                 GROUP BY node.name) AS gone
         WHERE gone.locks > 0 OR EXISTS (SELECT FROM alive)
         UNION ALL
        SELECT 2, 'full_pool', NULL, NULL, queue.since,
               format('실행 자리 %s개가 모두 찼고, 차례가 된 실행이 5분 넘게 기다립니다', pool.slots),
               format('all %s slots are busy, and what is due has been waiting for more than five minutes', pool.slots),
               'SELECT * FROM schedule_running', NULL, NULL
          FROM (SELECT sum(node.workers) AS slots, sum(node.running) AS running FROM alive AS node
                 WHERE node.state = 'running' AND node.drained_since IS NULL) AS pool
         CROSS JOIN LATERAL (SELECT min(run.available_at) AS since FROM job_executions AS run
                              WHERE pool.slots > 0 AND pool.running >= pool.slots
                                AND run.status = 'queued' AND run.held_for IS NULL) AS queue
         WHERE queue.since < now() - interval '5 minutes'
         UNION ALL
        SELECT 2, 'invalid', job.id, job.name, job.planned_at, '설정 오류: ' || said.line, 'it cannot be run as written: ' || said.line,
               format('SELECT * FROM schedule_why(%s)', job.id), said.line, NULL
          FROM schedule_jobs AS job
         CROSS JOIN LATERAL (SELECT coalesce(rtrim(left(split_part(ltrim(job.last_error, E' \n\r\t'), E'\n', 1), 300), E' \r\t'), '')
                                    AS line) AS said
         WHERE NOT job.hidden AND job.status = 'invalid'
         UNION ALL
        SELECT CASE WHEN job.important THEN 2 ELSE 3 END, 'failing', job.id, job.name, job.last_run_at,
               format('%s번 이어서 실패: %s', job.consecutive_failures, said.line),
               format('failed %s times in a row: %s', job.consecutive_failures, said.line),
               format('SELECT * FROM schedule_why(%s)', job.id), said.line, NULL
          FROM schedule_jobs AS job
         CROSS JOIN LATERAL (SELECT coalesce(rtrim(left(split_part(ltrim(job.last_error, E' \n\r\t'), E'\n', 1), 300), E' \r\t'), '')
                                    AS line) AS said
         WHERE NOT job.hidden AND job.status = 'active' AND job.consecutive_failures > 0
         UNION ALL
        SELECT 3, 'overdue', job.id, job.name, job.next_run_at, '예정 시각이 지났지만 대기열에 들어가지 않았습니다',
               'its planned time has passed and nobody has queued it', format('SELECT * FROM schedule_why(%s)', job.id), NULL, NULL
          FROM schedule_jobs AS job WHERE NOT job.hidden AND job.status = 'active' AND job.next_run_at < now() - interval '2 minutes'
         UNION ALL
        -- One line a job, of the run whose turn is next, however many wait behind it.
        SELECT 3, 'stuck', job.id, run.job_name, run.available_at, format('실행 %s이(가) 10분 넘게 대기하고 있습니다', run.id),
               format('execution %s has been waiting for more than ten minutes', run.id),
               format('SELECT * FROM schedule_why(%s)', job.id), NULL, run.id
          FROM schedule_jobs AS job
         CROSS JOIN LATERAL (SELECT each.id, each.job_name, each.available_at FROM job_executions AS each
                              WHERE each.job_id = job.id AND each.status = 'queued' AND each.held_for IS NULL
                                AND each.available_at < now() - interval '10 minutes'
                              ORDER BY each.priority DESC, each.available_at, each.id LIMIT 1) AS run
         UNION ALL
        -- Longer than twice what nineteen of twenty take; where too few have ended to say, near its time limit.
        SELECT 3, 'slow', job.id, run.job_name, run.started_at,
               format('실행 %s이(가) %s분째 실행 중입니다 ', run.id, span.minutes)
               || CASE WHEN past.runs >= 5 THEN format('(보통 %s분 안에 끝남)', span.usual) ELSE format('(제한 시간 %s분)', span.most) END,
               format('execution %s has been running for %s min ', run.id, span.minutes)
               || CASE WHEN past.runs >= 5 THEN format('(it is mostly done within %s)', span.usual) ELSE format('(its limit is %s)', span.most) END,
               format('SELECT * FROM schedule_running WHERE execution_id = %s', run.id), NULL, run.id
          FROM job_executions AS run JOIN schedule_jobs AS job ON job.id = run.job_id
         CROSS JOIN LATERAL (SELECT count(*) AS runs, percentile_cont(0.95) WITHIN GROUP (ORDER BY latest.duration_ms) / 1000.0 AS p95
                               FROM (SELECT each.status, each.duration_ms FROM job_executions AS each
                                      WHERE each.job_id = job.id AND each.started_at < run.started_at
                                      ORDER BY each.started_at DESC LIMIT 50) AS latest
                              WHERE latest.status = 'success' AND latest.duration_ms IS NOT NULL) AS past
         CROSS JOIN LATERAL (SELECT extract(epoch FROM now() - run.started_at) AS seconds,
                                    floor(extract(epoch FROM now() - run.started_at) / 60)::bigint AS minutes,
                                    greatest(1, ceil(past.p95 / 60))::bigint AS usual, round(job.timeout_minutes::numeric, 1)::float8 AS most) AS span
         WHERE run.status = 'running' AND run.started_at < now() - interval '5 minutes'
           AND span.seconds > CASE WHEN past.runs >= 5 THEN 2 * past.p95 ELSE 0.8 * 60 * job.timeout_minutes END
         UNION ALL
        SELECT 3, 'skipping', job.id, job.name, passed.since,
               format('지난 24시간에 예정 %s회 중 %s회 건너뜀: %s', planned.times, passed.times,
                      CASE passed.reason WHEN 'overlap' THEN '앞 실행이 끝나지 않음' WHEN 'misfire' THEN '너무 늦음'
                                         WHEN 'no_handler' THEN '작업 유형을 아는 노드가 없음' ELSE '마켓이 받지 않음' END),
               format('%s of %s runs planned in the last 24 hours were skipped: %s', passed.times, planned.times,
                      CASE passed.reason WHEN 'overlap' THEN 'the former was not done' WHEN 'misfire' THEN 'too late'
                                         WHEN 'no_handler' THEN 'no node knows the job type' ELSE 'the market was closed' END),
               format('SELECT * FROM schedule_why(%s)', job.id), passed.reason, NULL
          FROM (SELECT each.job_id, sum(1 + each.missed_count) AS times, min(each.finished_at) AS since,
                       mode() WITHIN GROUP (ORDER BY CASE WHEN each.skip_reason LIKE 'held: %' THEN 'held' ELSE each.skip_reason END) AS reason
                  FROM job_executions AS each
                 WHERE each.status = 'skipped'
                   AND (each.skip_reason IN ('overlap', 'misfire', 'no_handler') OR each.skip_reason LIKE 'held: %')
                   AND each.finished_at > now() - interval '24 hours'
                 GROUP BY each.job_id HAVING sum(1 + each.missed_count) >= 3) AS passed
          JOIN schedule_jobs AS job ON job.id = passed.job_id AND NOT job.hidden AND job.status = 'active'
         CROSS JOIN LATERAL (SELECT sum(1 + each.missed_count) AS times FROM job_executions AS each
                              WHERE each.job_id = job.id AND each.scheduled_for > now() - interval '24 hours' AND each.attempt = 1
                                AND each.status <> 'queued' AND each.trigger IN ('schedule', 'catchup', 'dependency')) AS planned
         WHERE passed.times * 2 >= planned.times
         UNION ALL
        SELECT CASE WHEN account.key_expires_on < korea.today THEN 2 ELSE 3 END, 'expiring_key', NULL, NULL,
               account.key_expires_on::timestamp AT TIME ZONE 'Asia/Seoul',
               format('마켓 계정 %s/%s의 키가 %s에 만료', account.market_code, account.account, account.key_expires_on)
               || CASE WHEN account.key_expires_on < korea.today THEN '되었습니다' ELSE '됩니다' END,
               format('the key of market account %s/%s %s on %s', account.market_code, account.account,
                      CASE WHEN account.key_expires_on < korea.today THEN 'expired' ELSE 'expires' END, account.key_expires_on),
               format('UPDATE market_accounts SET key_expires_on = current_date + 180 WHERE id = %s', account.id), NULL, NULL
          FROM market_accounts AS account
         CROSS JOIN LATERAL (SELECT (now() AT TIME ZONE 'Asia/Seoul')::date AS today) AS korea
         WHERE account.enabled AND account.key_expires_on <= korea.today + 14
         UNION ALL
        SELECT 4, 'lock_by_hand', held.job_id, held.job_name, held.locked_at, '사람이 잠갔습니다', 'a person has locked it',
               format('SELECT * FROM schedule_release_lock(%s, force => true)', held.job_id), NULL, NULL
          FROM schedule_locks_live AS held WHERE held.by_hand AND held.living)
    AS problem (severity, kind, job_id, job_name, since, ko, en, fix, cause, execution_id)
 WHERE NOT EXISTS (SELECT FROM schedule_snoozes_live AS quiet WHERE quiet.job_id = problem.job_id)
 ORDER BY problem.severity, problem.since;

COMMENT ON COLUMN schedule_problems.kind IS '종류: no_node, drained, dead_node, full_pool, invalid, failing, overdue, stuck, slow, skipping, expiring_key, lock_by_hand
Kind: no_node, drained, dead_node, full_pool, invalid, failing, overdue, stuck, slow, skipping, expiring_key, lock_by_hand';
COMMENT ON COLUMN schedule_problems.cause IS '원인: 오류의 첫 줄, 또는 건너뛴 이유. 같은 원인끼리 묶을 때 씁니다 (없으면 NULL)
Cause: first line of the error, or why runs were skipped; to gather what has one cause. NULL without one';
COMMENT ON COLUMN schedule_problems.execution_id IS '기다리거나 오래 걸리는 실행의 번호 (없으면 NULL)
Execution that waits or takes long; NULL without one';
