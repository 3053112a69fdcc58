-- What is run once hides behind a job that nobody made and nobody sees; and no time is told that will not come.

-- The functions below act for people who hold no rights on the tables: they find them here, and nowhere else.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

ALTER TABLE schedule_jobs ADD COLUMN hidden boolean NOT NULL DEFAULT false;
UPDATE schedule_jobs SET hidden = true WHERE tags = '{one-off}' AND name = job_type || ' (one-off)';
CREATE UNIQUE INDEX schedule_jobs_hidden ON schedule_jobs (job_type) WHERE hidden;

CREATE OR REPLACE FUNCTION schedule_job_edited(job schedule_jobs) RETURNS jsonb
LANGUAGE sql STABLE SET intervalstyle = 'postgres'
RETURN to_jsonb(job) - ARRAY['id', 'next_run_at', 'last_run_at', 'last_success_at', 'last_failure_at', 'last_status',
    'last_error', 'consecutive_failures', 'run_count', 'occurrence_count', 'anchor_at', 'spec_version', 'planned_version',
    'planned_at', 'fence', 'hidden', 'created_at', 'updated_at'];

-- One hidden job for each type carries what people run once; the execution's own parameters are judged when it runs.
CREATE OR REPLACE FUNCTION schedule_run_once(
    job_type text, parameters jsonb DEFAULT '{}', markets text[] DEFAULT '{}', delay interval DEFAULT '0'
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '10s' AS $$
DECLARE
    label  text := schedule_run_once.job_type || ' (one-off)';
    hidden schedule_jobs;
    refused boolean;
BEGIN
    PERFORM schedule_parameters(coalesce(parameters, '{}'));
    LOOP
        SELECT * INTO hidden FROM schedule_jobs AS known
         WHERE known.hidden AND known.job_type = schedule_run_once.job_type FOR NO KEY UPDATE;
        EXIT WHEN FOUND;
        IF EXISTS (SELECT FROM schedule_jobs AS known WHERE known.name = label AND NOT known.hidden) THEN
            refused := schedule_refuse('unique_violation', format('a job is named %s', quote_literal(label)),
                '그 작업의 이름을 먼저 바꾸세요', 'Rename that job first');
        END IF;
        INSERT INTO schedule_jobs (name, job_type, overlap_policy, max_instances, tags, description, hidden)
        VALUES (label, schedule_run_once.job_type, 'allow', 100, '{one-off}',
                '작업 없이 한 번씩 실행한 것 / Executions that were run once, without a job', true)
        ON CONFLICT DO NOTHING;
    END LOOP;
    IF hidden.status <> 'active' THEN
        UPDATE schedule_jobs SET status = 'active' WHERE id = hidden.id RETURNING * INTO hidden;
    END IF;
    RETURN schedule_queue(hidden, coalesce(parameters, '{}'), coalesce(markets, '{}'), coalesce(delay, '0'));
END $$;

-- What is not given stays as it is; a new kind of schedule takes the place of the former one, and run_at that of what repeats.
CREATE OR REPLACE FUNCTION schedule_set_schedule(
    job_id bigint, every interval, at time[], cron text, run_at timestamptz, timezone text, days text, starts timestamptz,
    ends timestamptz, runs integer, calendar text, on_holiday text
) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    refused boolean;
    kinds integer := num_nonnulls(every, at, cron, schedule_set_schedule.run_at);
BEGIN
    IF kinds > 1 THEN
        refused := schedule_refuse('check_violation', format('at most one of every, at, cron, run_at; %s are given', kinds),
            '예: every => ''30m'' 또는 at => ''{09:00,18:00}''', 'Example: every => ''30m'', or at => ''{09:00,18:00}''');
    END IF;
    UPDATE schedule_jobs AS kept
       SET interval        = CASE WHEN kinds = 0 THEN kept.interval ELSE every END,
           specific_times  = CASE WHEN kinds = 0 THEN kept.specific_times ELSE at END,
           cron_expression = CASE WHEN kinds = 0 THEN kept.cron_expression ELSE cron END,
           run_at          = CASE WHEN kinds = 0 THEN kept.run_at ELSE schedule_set_schedule.run_at END,
           timezone        = coalesce(schedule_set_schedule.timezone, kept.timezone),
           days_of_week    = CASE WHEN schedule_set_schedule.run_at IS NULL THEN coalesce(days, kept.days_of_week) ELSE days END,
           start_at        = CASE WHEN schedule_set_schedule.run_at IS NULL THEN coalesce(starts, kept.start_at) ELSE starts END,
           end_at          = CASE WHEN schedule_set_schedule.run_at IS NULL THEN coalesce(ends, kept.end_at) ELSE ends END,
           max_runs        = CASE WHEN schedule_set_schedule.run_at IS NULL THEN coalesce(runs, kept.max_runs) ELSE runs END,
           calendar        = coalesce(schedule_set_schedule.calendar, kept.calendar),
           on_holiday      = coalesce(schedule_set_schedule.on_holiday, kept.on_holiday)
     WHERE kept.id = schedule_set_schedule.job_id;
END $$;

CREATE OR REPLACE VIEW schedule_upcoming_runs AS
SELECT each.job_id, job.name, job.job_type, job.market_codes, each.planned_at, each.run_at, each.reason, each.reason_ko, each.reason_en,
       each.computed_at
  FROM schedule_forecast AS each JOIN schedule_jobs AS job ON job.id = each.job_id
 WHERE coalesce(each.run_at, each.planned_at) > now() AND job.status IN ('active', 'paused')
 UNION ALL                                       -- the next time at least, of those that are not looked ahead for
SELECT job.id, job.name, job.job_type, job.market_codes, job.next_run_at, job.next_run_at, NULL, NULL, NULL, job.planned_at
  FROM schedule_jobs AS job
 WHERE job.status = 'active' AND job.next_run_at > now()
   AND NOT EXISTS (SELECT FROM schedule_forecast AS each WHERE each.job_id = job.id AND each.run_at > now());

CREATE OR REPLACE FUNCTION schedule_upcoming(n integer DEFAULT 20, within interval DEFAULT '24 hours', job text DEFAULT NULL)
RETURNS TABLE (job_id bigint, name text, planned_at timestamptz, run_at timestamptz, reason text, ko text, en text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    only_job bigint;
BEGIN
    IF job IS NOT NULL THEN
        only_job := schedule_job_id(job);
    END IF;
    RETURN QUERY
        SELECT each.job_id, each.name, each.planned_at, each.run_at, each.reason, each.reason_ko, each.reason_en
          FROM schedule_upcoming_runs AS each
         WHERE each.run_at > now() AND each.run_at <= now() + within AND (only_job IS NULL OR each.job_id = only_job)
         ORDER BY each.run_at, each.job_id
         LIMIT n;
END $$;

CREATE OR REPLACE FUNCTION schedule_status()
RETURNS TABLE (now timestamptz, nodes_alive bigint, slots bigint, running bigint, queued bigint, held bigint, overdue bigint,
               active_jobs bigint, paused_jobs bigint, invalid_jobs bigint, failing_jobs bigint, succeeded_24h bigint,
               failed_24h bigint, next_run_at timestamptz, next_job text)
LANGUAGE sql STABLE AS $$
    SELECT now(), nodes.alive, nodes.slots, live.running, live.queued, live.held, jobs.overdue, jobs.active, jobs.paused, jobs.invalid,
           jobs.failing, past.succeeded, past.failed, coming.next_run_at, coming.name
      FROM (SELECT count(*) AS alive, coalesce(sum(workers), 0) AS slots FROM scheduler_nodes
             WHERE state <> 'stopped' AND seen_at > now() - make_interval(secs => lease_seconds * 2)) AS nodes
     CROSS JOIN (SELECT (SELECT count(*) FROM job_executions WHERE status = 'running') AS running,
                        (SELECT count(*) FROM job_executions WHERE status = 'queued' AND held_for IS NULL) AS queued,
                        (SELECT count(*) FROM job_executions WHERE status = 'queued' AND held_for IS NOT NULL) AS held) AS live
     CROSS JOIN (SELECT count(*) FILTER (WHERE status = 'active') AS active, count(*) FILTER (WHERE status = 'paused') AS paused,
                        count(*) FILTER (WHERE status = 'invalid') AS invalid,
                        count(*) FILTER (WHERE status = 'active' AND consecutive_failures > 0) AS failing,
                        count(*) FILTER (WHERE status = 'active' AND next_run_at < now() - interval '1 minute') AS overdue
                   FROM schedule_jobs WHERE NOT hidden) AS jobs
     CROSS JOIN (SELECT count(*) FILTER (WHERE status = 'success') AS succeeded,
                        count(*) FILTER (WHERE status IN ('failed', 'timed_out', 'lost')) AS failed
                   FROM job_executions WHERE finished_at > now() - interval '24 hours') AS past
      LEFT JOIN LATERAL (SELECT soonest.next_run_at, soonest.name FROM schedule_jobs AS soonest
                          WHERE soonest.status = 'active' AND soonest.next_run_at IS NOT NULL
                          ORDER BY soonest.next_run_at LIMIT 1) AS coming ON true
$$;

CREATE OR REPLACE FUNCTION schedule_why_moment(of_job schedule_jobs, at timestamptz) RETURNS TABLE (cause text, ko text, en text, fix text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    later  job_executions;
    coming timestamptz;
BEGIN
    RETURN QUERY SELECT * FROM schedule_why_paused(of_job, at);
    IF FOUND THEN
        RETURN;
    END IF;
    IF at > now() AND of_job.status = 'active' AND of_job.next_run_at BETWEEN at - interval '1 minute' AND at + interval '1 minute' THEN
        RETURN QUERY SELECT 'planned', format('%s에 실행할 예정입니다', schedule_local(of_job.next_run_at, of_job.timezone)),
                            format('it will run at %s', schedule_local(of_job.next_run_at, of_job.timezone)), NULL::text;
        RETURN;
    END IF;
    IF at > now() AND of_job.status IN ('completed', 'invalid') THEN
        RETURN QUERY SELECT * FROM schedule_why_state(of_job) AS state WHERE state.cause <> 'invalid';  -- that one comes by itself
        RETURN;
    END IF;
    RETURN QUERY SELECT * FROM schedule_why_closed(of_job, at);
    IF FOUND THEN
        RETURN;
    END IF;
    IF at < now() THEN
        SELECT each.* INTO later FROM job_executions AS each
         WHERE each.job_id = of_job.id AND each.scheduled_for >= at ORDER BY each.scheduled_for, each.attempt LIMIT 1;
        IF later.missed_count > 0 THEN
            RETURN QUERY SELECT 'misfire',
                format('그때 실행할 데몬이 없었고, 놓친 %s번을 실행 %s(%s)이(가) 대신했습니다', later.missed_count + 1, later.id,
                       schedule_local(later.scheduled_for, of_job.timezone)),
                format('nobody was there to run it; execution %s (%s) stands for %s planned times', later.id,
                       schedule_local(later.scheduled_for, of_job.timezone), later.missed_count + 1),
                format('SELECT schedule_run_now(%s);', of_job.id);
            RETURN;
        END IF;
        IF of_job.status = 'active' AND of_job.next_run_at <= at + interval '1 minute' THEN
            RETURN QUERY SELECT * FROM schedule_why_nodes(of_job.job_type);
            IF FOUND THEN
                RETURN;
            END IF;
        END IF;
    ELSE
        SELECT each.run_at INTO coming FROM schedule_forecast AS each
         WHERE each.job_id = of_job.id AND each.run_at BETWEEN at - interval '1 minute' AND at + interval '1 minute' LIMIT 1;
        IF FOUND THEN
            RETURN QUERY SELECT 'planned', format('%s에 실행할 예정입니다', schedule_local(coming, of_job.timezone)),
                                format('it will run at %s', schedule_local(coming, of_job.timezone)), NULL::text;
            RETURN;
        END IF;
    END IF;
    RETURN QUERY SELECT * FROM schedule_why_unplanned(of_job, at);
END $$;

CREATE OR REPLACE VIEW schedule_overview AS
SELECT job.id, job.name, job.job_type, job.status, words.ko AS schedule_ko, words.en AS schedule_en, job.market_codes, job.tags,
       job.next_run_at, job.last_run_at, job.last_status, job.last_error, job.consecutive_failures,
       live.execution_id AS running_execution, live.started_at AS running_since, job.paused_until, job.pause_reason, job.important,
       job.owner
  FROM schedule_jobs AS job
  LEFT JOIN schedule_words AS words ON words.job_id = job.id
  LEFT JOIN LATERAL (SELECT run.id AS execution_id, run.started_at FROM job_executions AS run
                      WHERE run.job_id = job.id AND run.status = 'running' ORDER BY run.slot LIMIT 1) AS live ON true
 WHERE NOT job.hidden;

CREATE OR REPLACE VIEW schedule_job_health AS
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
                ORDER BY each.started_at DESC LIMIT least(job.consecutive_failures, 1000)) AS run) AS first ON true
 WHERE NOT job.hidden;

CREATE OR REPLACE VIEW schedule_problems AS
SELECT problem.severity, problem.kind, problem.job_id, problem.job_name, problem.since, problem.ko, problem.en, problem.fix
  FROM (SELECT 1, 'no_node', NULL::bigint, NULL::text, (SELECT max(seen_at) FROM scheduler_nodes), '실행 중인 데몬이 없습니다',
               'no daemon is running', 'erp-scheduler start -d'
         WHERE NOT EXISTS (SELECT FROM schedule_nodes_live)
         UNION ALL
        SELECT 2, 'invalid', job.id, job.name, job.planned_at, '설정 오류: ' || left(coalesce(job.last_error, ''), 300),
               'it cannot be run as written: ' || left(coalesce(job.last_error, ''), 300), format('SELECT * FROM schedule_why(%s)', job.id)
          FROM schedule_jobs AS job WHERE NOT job.hidden AND job.status = 'invalid'
         UNION ALL
        SELECT CASE WHEN job.important THEN 2 ELSE 3 END, 'failing', job.id, job.name, job.last_run_at,
               format('%s번 이어서 실패: %s', job.consecutive_failures, left(coalesce(job.last_error, ''), 300)),
               format('failed %s times in a row: %s', job.consecutive_failures, left(coalesce(job.last_error, ''), 300)),
               format('SELECT * FROM schedule_why(%s)', job.id)
          FROM schedule_jobs AS job WHERE NOT job.hidden AND job.status = 'active' AND job.consecutive_failures > 0
         UNION ALL
        SELECT 3, 'overdue', job.id, job.name, job.next_run_at, '예정 시각이 지났지만 대기열에 들어가지 않았습니다',
               'its planned time has passed and nobody has queued it', format('SELECT * FROM schedule_why(%s)', job.id)
          FROM schedule_jobs AS job WHERE NOT job.hidden AND job.status = 'active' AND job.next_run_at < now() - interval '2 minutes'
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

COMMENT ON COLUMN schedule_jobs.hidden IS '한 번 실행한 것을 담는 작업: 목록에 나오지 않음
Carries what people run once; no list shows it';
COMMENT ON VIEW schedule_upcoming_runs IS '앞으로의 예정 시각과 실행되지 않는 까닭. 가장 가까운 작업 5,000개는 14일치, 나머지는 다음 한 번
Coming planned times, and why some will not run; 14 days of the 5,000 jobs that come first, the next one of all others
SELECT name, run_at, reason_ko FROM schedule_upcoming_runs ORDER BY planned_at LIMIT 20';
