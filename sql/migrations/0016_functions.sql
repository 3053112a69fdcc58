-- What people ask for with plain SQL: SELECT * FROM schedule_help(); Lock order as everywhere: job row, lock row, execution row.

-- The functions act for people who hold no rights on the tables: they find them here, and nowhere else.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- What an edit entails is done for whoever may edit.
ALTER FUNCTION schedule_jobs_farewell() SECURITY DEFINER SET search_path FROM CURRENT;
ALTER FUNCTION schedule_jobs_resumed() SECURITY DEFINER SET search_path FROM CURRENT;
ALTER FUNCTION schedule_replan() SECURITY DEFINER SET search_path FROM CURRENT;
ALTER FUNCTION job_dependencies_replan() SECURITY DEFINER SET search_path FROM CURRENT;

ALTER TABLE job_executions ADD COLUMN cancel_reason text;

COMMENT ON COLUMN job_executions.cancel_reason IS '취소한 이유
Why it was cancelled';

CREATE FUNCTION schedule_local(moment timestamptz, zone text DEFAULT 'Asia/Seoul') RETURNS text
LANGUAGE sql STABLE
RETURN to_char(moment AT TIME ZONE zone, 'YYYY-MM-DD HH24:MI');

-- A request must not wait for ever: what nobody would claim is refused. A one-off that has run may be run again.
CREATE FUNCTION schedule_claimable(job schedule_jobs) RETURNS void
LANGUAGE plpgsql STABLE AS $$
DECLARE
    refused boolean;
BEGIN
    IF job.status = 'paused' THEN
        refused := schedule_refuse('object_not_in_prerequisite_state', format('job %s "%s" is paused', job.id, job.name),
            format('다시 시작: SELECT schedule_resume(%s);', job.id), format('To let it go on: SELECT schedule_resume(%s);', job.id));
    ELSIF job.status = 'invalid' THEN
        refused := schedule_refuse('object_not_in_prerequisite_state',
            format('job %s "%s" cannot be run: %s', job.id, job.name, left(job.last_error, 500)),
            format('고친 뒤 다시 하세요. 이유: SELECT last_error FROM schedule_jobs WHERE id = %s;', job.id),
            format('Correct it first; the reason: SELECT last_error FROM schedule_jobs WHERE id = %s;', job.id));
    END IF;
END $$;

CREATE FUNCTION schedule_parameters(parameters jsonb) RETURNS void
LANGUAGE plpgsql STABLE AS $$
DECLARE
    refused boolean;
BEGIN
    IF jsonb_typeof(parameters) <> 'object' OR octet_length(parameters::text) > 262144 THEN
        refused := schedule_refuse('check_violation', format('parameters is not a JSON object of at most 262144 bytes, but a JSON %s of %s',
                jsonb_typeof(parameters), octet_length(parameters::text)),
            '예: parameters => ''{"days": 1}''', 'Example: parameters => ''{"days": 1}''');
    END IF;
END $$;

-- A planned time may be this very microsecond; the clock has moved on at the next try.
CREATE FUNCTION schedule_queue(job schedule_jobs, parameters jsonb, markets text[], delay interval) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    refused boolean;
    queued bigint;
    moment timestamptz;
BEGIN
    PERFORM schedule_claimable(job);
    PERFORM schedule_parameters(parameters);
    IF NOT delay BETWEEN '0' AND '366 days' THEN
        refused := schedule_refuse('check_violation', format('delay %s is not between 0 and 366 days', delay),
            '예: SELECT schedule_run_in(7, ''10 minutes'');', 'Example: SELECT schedule_run_in(7, ''10 minutes'');');
    END IF;
    FOR attempt IN 1 .. 5 LOOP
        moment := clock_timestamp() + delay;
        INSERT INTO job_executions (job_id, job_name, job_type, trigger, status, scheduled_for, available_at, priority, parameters,
                                    market_codes)
        VALUES (job.id, job.name, job.job_type, 'manual', 'queued', moment, moment, job.priority,
                coalesce(schedule_queue.parameters, job.parameters), coalesce(markets, job.market_codes))
        ON CONFLICT ON CONSTRAINT job_executions_once DO NOTHING
        RETURNING id INTO queued;
        EXIT WHEN queued IS NOT NULL;
    END LOOP;
    RETURN queued;
END $$;

CREATE FUNCTION schedule_run_now(job text, parameters jsonb DEFAULT NULL, markets text[] DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '10s' AS $$
BEGIN
    RETURN schedule_queue(schedule_lock_job(job), parameters, markets, '0');
END $$;

CREATE FUNCTION schedule_run_now(job bigint, parameters jsonb DEFAULT NULL, markets text[] DEFAULT NULL) RETURNS bigint
LANGUAGE sql AS $$ SELECT schedule_run_now($1::text, $2, $3) $$;

CREATE FUNCTION schedule_run_in(job text, delay interval, parameters jsonb DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '10s' AS $$
BEGIN
    RETURN schedule_queue(schedule_lock_job(job), parameters, NULL, delay);
END $$;

CREATE FUNCTION schedule_run_in(job bigint, delay interval, parameters jsonb DEFAULT NULL) RETURNS bigint
LANGUAGE sql AS $$ SELECT schedule_run_in($1::text, $2, $3) $$;

-- One hidden job for each type carries what people run once. It was judged by what it was made with: what could not be run
-- then gets another chance with the parameters of now.
CREATE FUNCTION schedule_run_once(
    job_type text, parameters jsonb DEFAULT '{}', markets text[] DEFAULT '{}', delay interval DEFAULT '0'
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '10s' AS $$
DECLARE
    label  text := schedule_run_once.job_type || ' (one-off)';
    hidden schedule_jobs;
BEGIN
    PERFORM schedule_parameters(coalesce(parameters, '{}'));
    LOOP
        SELECT * INTO hidden FROM schedule_jobs AS known WHERE known.name = label FOR NO KEY UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO schedule_jobs (name, job_type, parameters, overlap_policy, max_instances, tags, description)
        VALUES (label, schedule_run_once.job_type, coalesce(schedule_run_once.parameters, '{}'), 'allow', 100, '{one-off}',
                '작업 없이 한 번씩 실행한 것 / Executions that were run once, without a job')
        ON CONFLICT (name) DO NOTHING;
    END LOOP;
    IF hidden.status = 'invalid' THEN
        UPDATE schedule_jobs SET parameters = coalesce(schedule_run_once.parameters, '{}') WHERE id = hidden.id RETURNING * INTO hidden;
    END IF;
    RETURN schedule_queue(hidden, coalesce(parameters, '{}'), coalesce(markets, '{}'), coalesce(delay, '0'));
END $$;

-- What is not given stays as it is; a new kind of schedule takes the place of the former one.
CREATE FUNCTION schedule_set_schedule(
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
           days_of_week    = coalesce(days, kept.days_of_week),
           start_at        = coalesce(starts, kept.start_at),
           end_at          = coalesce(ends, kept.end_at),
           max_runs        = coalesce(runs, kept.max_runs),
           calendar        = coalesce(schedule_set_schedule.calendar, kept.calendar),
           on_holiday      = coalesce(schedule_set_schedule.on_holiday, kept.on_holiday)
     WHERE kept.id = schedule_set_schedule.job_id;
END $$;

CREATE FUNCTION schedule_reschedule(
    job text, every interval DEFAULT NULL, at time[] DEFAULT NULL, cron text DEFAULT NULL, run_at timestamptz DEFAULT NULL,
    timezone text DEFAULT NULL, days text DEFAULT NULL, starts timestamptz DEFAULT NULL, ends timestamptz DEFAULT NULL,
    runs integer DEFAULT NULL, calendar text DEFAULT NULL, on_holiday text DEFAULT NULL
) RETURNS schedule_jobs
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '10s' AS $$
DECLARE
    saved schedule_jobs := schedule_lock_job(job);
BEGIN
    PERFORM schedule_set_schedule(saved.id, every, at, cron, run_at, timezone, days, starts, ends, runs, calendar, on_holiday);
    SELECT * INTO saved FROM schedule_jobs AS known WHERE known.id = saved.id;
    RETURN saved;
END $$;

CREATE FUNCTION schedule_reschedule(
    job bigint, every interval DEFAULT NULL, at time[] DEFAULT NULL, cron text DEFAULT NULL, run_at timestamptz DEFAULT NULL,
    timezone text DEFAULT NULL, days text DEFAULT NULL, starts timestamptz DEFAULT NULL, ends timestamptz DEFAULT NULL,
    runs integer DEFAULT NULL, calendar text DEFAULT NULL, on_holiday text DEFAULT NULL
) RETURNS schedule_jobs
LANGUAGE sql AS $$ SELECT schedule_reschedule($1::text, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) $$;

-- Waits for exactly these jobs from now on; an edge that stays keeps what it has seen.
CREATE FUNCTION schedule_set_after(of_job bigint, after text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    wanted bigint[] := ARRAY(SELECT schedule_job_id(each) FROM unnest(after) AS each);
BEGIN
    DELETE FROM job_dependencies AS edge WHERE edge.job_id = of_job AND edge.depends_on <> ALL (wanted);
    INSERT INTO job_dependencies (job_id, depends_on)
    SELECT DISTINCT of_job, each FROM unnest(wanted) AS each
    ON CONFLICT (job_id, depends_on) DO NOTHING;
END $$;

CREATE FUNCTION schedule_add_job(
    name text, job_type text DEFAULT NULL, every interval DEFAULT NULL, at time[] DEFAULT NULL, cron text DEFAULT NULL,
    run_at timestamptz DEFAULT NULL, markets text[] DEFAULT NULL, parameters jsonb DEFAULT NULL, timezone text DEFAULT NULL,
    timeout double precision DEFAULT NULL, retries integer DEFAULT NULL, after text[] DEFAULT NULL, days text DEFAULT NULL,
    starts timestamptz DEFAULT NULL, ends timestamptz DEFAULT NULL, runs integer DEFAULT NULL, calendar text DEFAULT NULL,
    on_holiday text DEFAULT NULL, tags text[] DEFAULT NULL, description text DEFAULT NULL
) RETURNS schedule_jobs
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '10s' AS $$
#variable_conflict use_column
DECLARE
    saved schedule_jobs;
BEGIN
    LOOP
        SELECT * INTO saved FROM schedule_jobs AS known WHERE known.name = schedule_add_job.name FOR NO KEY UPDATE;
        IF FOUND THEN
            UPDATE schedule_jobs AS kept
               SET job_type        = coalesce(schedule_add_job.job_type, kept.job_type),
                   market_codes    = coalesce(markets, kept.market_codes),
                   parameters      = coalesce(schedule_add_job.parameters, kept.parameters),
                   timeout_minutes = coalesce(timeout, kept.timeout_minutes),
                   max_retries     = coalesce(retries, kept.max_retries),
                   tags            = coalesce(schedule_add_job.tags, kept.tags),
                   description     = coalesce(schedule_add_job.description, kept.description)
             WHERE kept.id = saved.id;
            PERFORM schedule_set_schedule(saved.id, every, at, cron, schedule_add_job.run_at, schedule_add_job.timezone, days, starts,
                                          ends, runs, schedule_add_job.calendar, schedule_add_job.on_holiday);
            EXIT;
        END IF;
        INSERT INTO schedule_jobs (name, job_type, interval, specific_times, cron_expression, run_at, timezone, market_codes, parameters,
                                   timeout_minutes, max_retries, days_of_week, start_at, end_at, max_runs, calendar, on_holiday, tags,
                                   description)
        VALUES (schedule_add_job.name, schedule_add_job.job_type, every, at, cron, schedule_add_job.run_at, schedule_add_job.timezone,
                markets, schedule_add_job.parameters, timeout, retries, days, starts, ends, runs, schedule_add_job.calendar,
                schedule_add_job.on_holiday, schedule_add_job.tags, schedule_add_job.description)
        ON CONFLICT (name) DO NOTHING RETURNING * INTO saved;
        EXIT WHEN saved.id IS NOT NULL;
    END LOOP;
    IF after IS NOT NULL THEN
        PERFORM schedule_set_after(saved.id, after);
    END IF;
    SELECT * INTO saved FROM schedule_jobs AS known WHERE known.id = saved.id;
    RETURN saved;
END $$;

CREATE FUNCTION schedule_pause(job text, until timestamptz DEFAULT NULL, reason text DEFAULT NULL) RETURNS schedule_jobs
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '10s' AS $$
DECLARE
    refused boolean;
    saved schedule_jobs := schedule_lock_job(job);
BEGIN
    IF until <= now() THEN
        refused := schedule_refuse('check_violation', format('until %s has passed already', until),
            '예: until => now() + interval ''2 hours''', 'Example: until => now() + interval ''2 hours''');
    END IF;
    UPDATE schedule_jobs AS kept SET status = 'paused', paused_until = until, pause_reason = reason
     WHERE kept.id = saved.id RETURNING * INTO saved;
    RETURN saved;
END $$;

CREATE FUNCTION schedule_pause(job bigint, until timestamptz DEFAULT NULL, reason text DEFAULT NULL) RETURNS schedule_jobs
LANGUAGE sql AS $$ SELECT schedule_pause($1::text, $2, $3) $$;

-- Since when a job is paused, and the time that was planned next when it was.
CREATE FUNCTION schedule_pause_of(job schedule_jobs, OUT since timestamptz, OUT planned timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT each.changed_at, (each.old ->> 'next_run_at')::timestamptz
      FROM job_revisions AS each
     WHERE each.job_id = (job).id AND each.new ->> 'status' = 'paused' AND coalesce(each.old ->> 'status', '') <> 'paused'
     ORDER BY each.revision DESC LIMIT 1
$$;

CREATE FUNCTION schedule_missed(job schedule_jobs) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE
    pause  record := schedule_pause_of(job);
    latest timestamptz;
BEGIN
    SELECT max(each.planned_at) INTO latest
      FROM schedule_forecast AS each
     WHERE each.job_id = job.id AND each.planned_at > coalesce(pause.since, job.updated_at) AND each.planned_at <= now()
       AND (each.run_at IS NOT NULL OR each.reason = 'paused');
    RETURN greatest(latest, CASE WHEN pause.planned <= now() THEN pause.planned END);
END $$;

CREATE FUNCTION schedule_resume(job text, run_missed boolean DEFAULT false)
RETURNS TABLE (job_id bigint, status text, missed_at timestamptz, execution_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '10s' AS $$
#variable_conflict use_column
DECLARE
    refused boolean;
    saved schedule_jobs := schedule_lock_job(job);
BEGIN
    job_id := saved.id;
    IF saved.status = 'completed' THEN
        refused := schedule_refuse('object_not_in_prerequisite_state', format('job %s "%s" is completed', saved.id, saved.name),
            format('새 일정: SELECT schedule_reschedule(%s, every => ''1h'');', saved.id),
            format('Give it a new schedule: SELECT schedule_reschedule(%s, every => ''1h'');', saved.id));
    ELSIF saved.status = 'paused' THEN
        missed_at := schedule_missed(saved);
    END IF;
    UPDATE schedule_jobs SET status = 'active' WHERE id = saved.id AND status <> 'active';
    IF run_missed AND missed_at IS NOT NULL THEN
        INSERT INTO job_executions (job_id, job_name, job_type, trigger, status, scheduled_for, available_at, priority, parameters,
                                    market_codes)
        VALUES (saved.id, saved.name, saved.job_type, 'catchup', 'queued', missed_at, clock_timestamp(), saved.priority,
                saved.parameters, saved.market_codes)
        ON CONFLICT ON CONSTRAINT job_executions_once DO NOTHING
        RETURNING id INTO execution_id;
        UPDATE schedule_jobs SET occurrence_count = occurrence_count + 1
         WHERE id = saved.id AND max_runs IS NOT NULL AND execution_id IS NOT NULL;
    END IF;
    status := 'active';
    RETURN NEXT;
END $$;

CREATE FUNCTION schedule_resume(job bigint, run_missed boolean DEFAULT false)
RETURNS TABLE (job_id bigint, status text, missed_at timestamptz, execution_id bigint)
LANGUAGE sql AS $$ SELECT * FROM schedule_resume($1::text, $2) $$;

CREATE FUNCTION schedule_lock_execution(execution bigint) RETURNS job_executions
LANGUAGE plpgsql AS $$
DECLARE
    refused boolean;
    locked job_executions;
BEGIN
    PERFORM FROM schedule_jobs AS known
      WHERE known.id = (SELECT each.job_id FROM job_executions AS each WHERE each.id = execution) FOR NO KEY UPDATE;
    SELECT * INTO locked FROM job_executions AS each WHERE each.id = execution FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        refused := schedule_refuse('no_data_found', format('no execution %s', coalesce(execution::text, 'NULL')),
            '최근 실행: SELECT * FROM schedule_recent LIMIT 20;', 'The latest: SELECT * FROM schedule_recent LIMIT 20;');
    END IF;
    RETURN locked;
END $$;

CREATE FUNCTION schedule_retry(execution bigint, parameters jsonb DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '10s' AS $$
DECLARE
    refused boolean;
    former   job_executions := schedule_lock_execution(execution);
    of_job   schedule_jobs;
    attempts record;
    queued   bigint;
BEGIN
    IF former.job_id IS NULL THEN
        refused := schedule_refuse('object_not_in_prerequisite_state', format('job "%s" was deleted', former.job_name),
            format('되살리기: SELECT schedule_restore(%L);', former.job_name), format('To bring it back: SELECT schedule_restore(%L);', former.job_name));
    END IF;
    PERFORM schedule_parameters(parameters);
    of_job := schedule_lock_job(former.job_id::text);
    PERFORM schedule_claimable(of_job);
    SELECT max(each.attempt) AS last, max(each.id) FILTER (WHERE each.status IN ('queued', 'running')) AS live INTO attempts
      FROM job_executions AS each WHERE each.job_id = former.job_id AND each.scheduled_for = former.scheduled_for;
    IF attempts.live IS NOT NULL THEN
        refused := schedule_refuse('object_in_use', format('another attempt at this planned time waits or runs: execution %s', attempts.live),
            format('취소: SELECT schedule_cancel(%s);', attempts.live), format('To cancel it: SELECT schedule_cancel(%s);', attempts.live));
    END IF;
    INSERT INTO job_executions (job_id, job_name, job_type, trigger, status, scheduled_for, attempt, failed_attempts, available_at,
                                priority, parameters, market_codes, checkpoint, retry_of)
    VALUES (of_job.id, of_job.name, of_job.job_type, 'retry', 'queued', former.scheduled_for, attempts.last + 1, 0, clock_timestamp(),
            of_job.priority, coalesce(schedule_retry.parameters, former.parameters), former.market_codes,
            CASE WHEN schedule_retry.parameters IS NULL THEN former.checkpoint END, former.id)
    RETURNING id INTO queued;
    RETURN queued;
END $$;

CREATE FUNCTION schedule_cancel(execution bigint, reason text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '10s' AS $$
DECLARE
    refused boolean;
    found job_executions := schedule_lock_execution(execution);
BEGIN
    IF found.status NOT IN ('queued', 'running') THEN
        refused := schedule_refuse('object_not_in_prerequisite_state', format('execution %s has ended already (%s)', found.id, found.status),
            format('자세히: SELECT * FROM job_executions WHERE id = %s;', found.id), format('More: SELECT * FROM job_executions WHERE id = %s;', found.id));
    ELSIF found.status = 'queued' THEN
        UPDATE job_executions AS each
           SET status = 'cancelled', finished_at = now(), error_class = 'cancelled', cancel_reason = left(reason, 500),
               error_message = 'cancelled before it started' || coalesce(': ' || left(reason, 500), '')
         WHERE each.id = found.id;
        RETURN 'cancelled';
    END IF;
    UPDATE job_executions AS each SET cancel_requested = true, cancel_reason = left(reason, 500) WHERE each.id = found.id;
    RETURN 'cancel_requested';
END $$;

CREATE FUNCTION schedule_release_lock(job text, force boolean DEFAULT false)
RETURNS TABLE (slot integer, execution_id bigint, node text, living boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '10s' AS $$
#variable_conflict use_column
DECLARE
    refused boolean;
    of_job schedule_jobs := schedule_lock_job(job);
    held   schedule_locks;
BEGIN
    PERFORM FROM schedule_locks AS each WHERE each.job_id = of_job.id ORDER BY each.slot FOR UPDATE;
    IF NOT FOUND THEN
        refused := schedule_refuse('no_data_found', format('job %s "%s" has no lock', of_job.id, of_job.name),
            '잠금 목록: SELECT * FROM schedule_locks_live;', 'The locks: SELECT * FROM schedule_locks_live;');
    END IF;
    SELECT * INTO held FROM schedule_locks AS each WHERE each.job_id = of_job.id AND each.expires_at > now() ORDER BY each.slot LIMIT 1;
    IF FOUND AND NOT coalesce(force, false) THEN
        refused := schedule_refuse('object_in_use',
            CASE WHEN held.execution_id IS NULL THEN format('a person has locked job %s "%s"', of_job.id, of_job.name)
                 ELSE format('node %s is running job %s "%s" (execution %s); forcing the lock open cancels it', held.node, of_job.id,
                             of_job.name, held.execution_id) END,
            format('강제로 풀기: SELECT * FROM schedule_release_lock(%s, force => true);', of_job.id),
            format('By force: SELECT * FROM schedule_release_lock(%s, force => true);', of_job.id));
    END IF;
    RETURN QUERY
        DELETE FROM schedule_locks AS gone WHERE gone.job_id = of_job.id
        RETURNING gone.slot, gone.execution_id, gone.node, gone.expires_at > now();
END $$;

CREATE FUNCTION schedule_release_lock(job bigint, force boolean DEFAULT false)
RETURNS TABLE (slot integer, execution_id bigint, node text, living boolean)
LANGUAGE sql AS $$ SELECT * FROM schedule_release_lock($1::text, $2) $$;

CREATE FUNCTION schedule_upcoming(n integer DEFAULT 20, within interval DEFAULT '24 hours', job text DEFAULT NULL)
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
        SELECT each.job_id, known.name, each.planned_at, each.run_at, each.reason, each.reason_ko, each.reason_en
          FROM schedule_forecast AS each JOIN schedule_jobs AS known ON known.id = each.job_id
         WHERE each.run_at > now() AND each.run_at <= now() + within AND (only_job IS NULL OR each.job_id = only_job)
         ORDER BY each.run_at, each.job_id
         LIMIT n;
END $$;

CREATE FUNCTION schedule_upcoming(job bigint, n integer DEFAULT 20, within interval DEFAULT '24 hours')
RETURNS TABLE (job_id bigint, name text, planned_at timestamptz, run_at timestamptz, reason text, ko text, en text)
LANGUAGE sql STABLE AS $$ SELECT * FROM schedule_upcoming($2, $3, $1::text) $$;

CREATE FUNCTION schedule_describe(job text) RETURNS TABLE (job_id bigint, name text, status text, ko text, en text, next_run_at timestamptz)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    number bigint := schedule_job_id(job);
BEGIN
    RETURN QUERY
        SELECT known.id, known.name, known.status, coalesce(words.ko, plain.text, '손으로만 실행'),
               coalesce(words.en, plain.text, 'only by hand'), known.next_run_at
          FROM schedule_jobs AS known
          LEFT JOIN schedule_words AS words ON words.job_id = known.id
         CROSS JOIN LATERAL (SELECT coalesce('interval ' || known.interval, 'specific_times ' || known.specific_times::text,
                                             'cron_expression ' || known.cron_expression, 'run_at ' || known.run_at)) AS plain (text)
         WHERE known.id = number;
END $$;

CREATE FUNCTION schedule_describe(job bigint) RETURNS TABLE (job_id bigint, name text, status text, ko text, en text, next_run_at timestamptz)
LANGUAGE sql STABLE AS $$ SELECT * FROM schedule_describe($1::text) $$;

-- Names and plain types only: the daemon judges the whole schema within a second of an edit.
CREATE FUNCTION schedule_check(job_type text, parameters jsonb DEFAULT '{}')
RETURNS TABLE (parameter text, fault text, ko text, en text)
LANGUAGE sql STABLE AS $$
    WITH known AS (
        SELECT params_schema AS of_type, coalesce(params_schema -> 'properties', '{}') AS properties
          FROM job_types WHERE job_type = $1
    ), given AS (
        SELECT each.key, each.value, known.properties -> each.key AS rule, known.of_type
          FROM known, jsonb_each(CASE WHEN jsonb_typeof($2) = 'object' THEN $2 ELSE '{}' END) AS each
    ), typed AS (
        SELECT given.*, jsonb_typeof(given.value) AS kind,
               ARRAY(SELECT jsonb_array_elements_text(CASE jsonb_typeof(rule -> 'type') WHEN 'array' THEN rule -> 'type'
                                                      ELSE jsonb_build_array(rule -> 'type') END)) AS wanted
          FROM given WHERE rule ? 'type'
    )
    SELECT NULL, 'not_an_object', '매개변수는 JSON 객체여야 합니다', 'parameters must be a JSON object'
     WHERE jsonb_typeof($2) <> 'object'
     UNION ALL
    SELECT NULL, 'unknown_type', format('작업 유형 %s을(를) 아는 데몬이 없었습니다', quote_nullable($1)),
           format('no daemon has ever known job type %s', quote_nullable($1))
     WHERE NOT EXISTS (SELECT FROM known)
     UNION ALL
    SELECT key, 'unknown', format('매개변수 %s은(는) 없습니다. 있는 것: %s', key, names.listed),
           format('there is no parameter %s; there are: %s', key, names.listed)
      FROM given, LATERAL (SELECT coalesce(string_agg(name, ', ' ORDER BY name), '-')
                             FROM jsonb_object_keys(coalesce(of_type -> 'properties', '{}')) AS name) AS names (listed)
     WHERE rule IS NULL AND of_type -> 'additionalProperties' = 'false'
     UNION ALL
    SELECT name, 'missing', format('필수 매개변수 %s이(가) 없습니다', name), format('parameter %s is missing', name)
      FROM known, jsonb_array_elements_text(coalesce(of_type -> 'required', '[]')) AS name
     WHERE NOT coalesce($2, '{}') ? name
     UNION ALL
    SELECT key, 'type', format('%s: %s이(가) 아니라 %s입니다', key, array_to_string(wanted, ', '), kind),
           format('%s: is a JSON %s, not %s', key, kind, array_to_string(wanted, ', '))
      FROM typed
     WHERE kind <> ALL (wanted) AND NOT (kind = 'number' AND 'integer' = ANY (wanted) AND value::numeric = trunc(value::numeric))
     UNION ALL
    SELECT key, 'range', format('%s: %s은(는) %s과 %s 사이가 아닙니다', key, value, coalesce(rule ->> 'minimum', '-∞'), coalesce(rule ->> 'maximum', '∞')),
           format('%s: %s is not between %s and %s', key, value, coalesce(rule ->> 'minimum', '-∞'), coalesce(rule ->> 'maximum', '∞'))
      FROM typed
     WHERE kind = 'number' AND (value::numeric < (rule ->> 'minimum')::numeric OR value::numeric > (rule ->> 'maximum')::numeric)
$$;

CREATE FUNCTION schedule_status()
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
                   FROM schedule_jobs) AS jobs
     CROSS JOIN (SELECT count(*) FILTER (WHERE status = 'success') AS succeeded,
                        count(*) FILTER (WHERE status IN ('failed', 'timed_out', 'lost')) AS failed
                   FROM job_executions WHERE finished_at > now() - interval '24 hours') AS past
      LEFT JOIN LATERAL (SELECT soonest.next_run_at, soonest.name FROM schedule_jobs AS soonest
                          WHERE soonest.status = 'active' AND soonest.next_run_at IS NOT NULL
                          ORDER BY soonest.next_run_at LIMIT 1) AS coming ON true
$$;

-- Why did it not run? Each function below answers a part; schedule_why puts the answer first.

CREATE FUNCTION schedule_why_nodes(of_type text) RETURNS TABLE (cause text, ko text, en text, fix text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    alive  bigint;
    seen   timestamptz;
    known  bigint;
    slots  bigint;
    taken  bigint;
BEGIN
    SELECT count(*), count(*) FILTER (WHERE of_type = ANY (node.job_types)),
           coalesce(sum(node.workers) FILTER (WHERE of_type = ANY (node.job_types)), 0),
           coalesce(sum((SELECT count(*) FROM job_executions AS live
                          WHERE live.status = 'running' AND live.instance_id = node.instance_id))
                    FILTER (WHERE of_type = ANY (node.job_types)), 0)
      INTO alive, known, slots, taken
      FROM scheduler_nodes AS node
     WHERE node.state = 'running' AND node.seen_at > now() - make_interval(secs => node.lease_seconds * 2);
    IF alive = 0 THEN
        SELECT max(node.seen_at) INTO seen FROM scheduler_nodes AS node;
        cause := 'no_node';
        ko := '실행 중인 데몬이 없습니다' || coalesce(' (마지막 보고 ' || schedule_local(seen) || ')', '');
        en := 'no daemon is running' || coalesce(' (last heard of at ' || schedule_local(seen) || ')', '');
        fix := 'erp-scheduler start -d';
        RETURN NEXT;
    ELSIF known = 0 THEN
        cause := 'missing_handler';
        ko := format('작업 유형 %s을(를) 아는 데몬이 없습니다', of_type);
        en := format('no running daemon knows job type %s', of_type);
        fix := 'erp-scheduler handlers list';
        RETURN NEXT;
    ELSIF taken >= slots THEN
        cause := 'full_pool';
        ko := format('실행 자리 %s개가 모두 찼습니다. 자리가 나면 시작합니다', slots);
        en := format('all %s slots are busy; it starts when one is free', slots);
        fix := 'SELECT * FROM schedule_running;';
        RETURN NEXT;
    END IF;
END $$;

CREATE FUNCTION schedule_why_edges(of_job bigint) RETURNS TABLE (cause text, ko text, en text, fix text)
LANGUAGE sql STABLE AS $$
    SELECT 'dependency',
           format('앞 작업 %s "%s"이(가) %s 뒤로 아직 %s하지 않았습니다', former.id, former.name,
                  CASE edge.condition WHEN 'ever' THEN schedule_local(edge.created_at) ELSE schedule_local(edge.seen_at) END,
                  CASE edge.outcome WHEN 'success' THEN '성공' ELSE '실패' END),
           format('it waits for job %s "%s", which has not %s since %s', former.id, former.name,
                  CASE edge.outcome WHEN 'success' THEN 'succeeded' ELSE 'failed' END,
                  CASE edge.condition WHEN 'ever' THEN schedule_local(edge.created_at) ELSE schedule_local(edge.seen_at) END),
           format('SELECT * FROM schedule_why(%s);', former.id)
      FROM job_dependencies AS edge JOIN schedule_jobs AS former ON former.id = edge.depends_on
     WHERE edge.job_id = of_job
       AND CASE WHEN edge.condition = 'ever' THEN former.last_success_at IS NULL
                WHEN edge.outcome = 'failure' THEN coalesce(former.last_failure_at <= edge.seen_at, true)
                ELSE coalesce(former.last_success_at <= edge.seen_at, true) END
     ORDER BY former.id
$$;

-- What of the job's markets is closed or used up now; a job without markets is for all of them.
CREATE FUNCTION schedule_why_markets(markets text[]) RETURNS TABLE (cause text, ko text, en text, fix text)
LANGUAGE sql STABLE AS $$
    SELECT 'maintenance', format('마켓 %s(%s)은(는) %s까지 점검 중입니다', shop.market_code, shop.account, schedule_local(closed.until)),
           format('market %s (%s) is under maintenance until %s', shop.market_code, shop.account, schedule_local(closed.until)),
           'SELECT * FROM market_windows;'
      FROM market_accounts AS shop
     CROSS JOIN LATERAL market_closed_until(shop.market_code, shop.account, now()) AS closed (until)
     WHERE shop.enabled AND shop.market_code = ANY (markets) AND closed.until IS NOT NULL
     UNION ALL
    SELECT 'budget',
           CASE WHEN budget.paused_until > now()
                THEN format('마켓 %s(%s)의 호출이 %s까지 멈춰 있습니다', budget.market_code, budget.account, schedule_local(budget.paused_until))
                ELSE format('마켓 %s(%s)의 오늘 호출 %s번을 다 썼습니다', budget.market_code, budget.account, budget.daily_limit) END
           || coalesce(': ' || budget.pause_reason, ''),
           CASE WHEN budget.paused_until > now()
                THEN format('calls of market %s (%s) are paused until %s', budget.market_code, budget.account, schedule_local(budget.paused_until))
                ELSE format('all %s calls of today at market %s (%s) are used up', budget.daily_limit, budget.market_code, budget.account) END
           || coalesce(': ' || budget.pause_reason, ''),
           'SELECT * FROM market_budgets;'
      FROM market_budgets AS budget
     WHERE budget.market_code = ANY (markets)
       AND (budget.paused_until > now()
            OR (budget.day = (now() AT TIME ZONE 'Asia/Seoul')::date AND budget.used + budget.used_by_others >= budget.daily_limit))
$$;

CREATE FUNCTION schedule_why_waiting(waiting job_executions, of_job schedule_jobs)
RETURNS TABLE (cause text, ko text, en text, fix text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    other record;
BEGIN
    IF waiting.held_for IS NOT NULL THEN
        RETURN QUERY SELECT * FROM schedule_why_edges(of_job.id);
        IF NOT FOUND THEN
            RETURN QUERY SELECT waiting.held_for, format('실행 %s: 앞 작업을 기다립니다', waiting.id),
                                format('execution %s waits for other jobs', waiting.id), 'SELECT * FROM job_dependencies;';
        END IF;
        RETURN;
    END IF;
    IF waiting.available_at > now() THEN
        SELECT former.id, left(coalesce(former.error_message, former.status), 300) AS reason INTO other
          FROM job_executions AS former WHERE former.id = waiting.retry_of;
        RETURN QUERY SELECT
            CASE WHEN other.id IS NOT NULL THEN 'waiting_retry' ELSE 'waiting' END,
            format('실행 %s은(는) %s에 시작합니다', waiting.id, schedule_local(waiting.available_at, of_job.timezone))
            || CASE WHEN other.id IS NULL THEN '' ELSE format(' (실행 %s 실패 뒤 재시도 %s: %s)', other.id, waiting.attempt, other.reason) END,
            format('execution %s starts at %s', waiting.id, schedule_local(waiting.available_at, of_job.timezone))
            || CASE WHEN other.id IS NULL THEN '' ELSE format(' (attempt %s after execution %s: %s)', waiting.attempt, other.id, other.reason) END,
            format('UPDATE job_executions SET available_at = now() WHERE id = %s;', waiting.id);
        RETURN;
    END IF;
    SELECT held.* INTO other FROM schedule_locks AS held
     WHERE held.job_id = of_job.id AND held.execution_id IS NULL AND held.expires_at > now() LIMIT 1;
    IF FOUND THEN
        RETURN QUERY SELECT 'lock_by_hand',
            format('사람이 %s까지 잠갔습니다', schedule_local(other.expires_at, of_job.timezone)),
            format('a person has locked it until %s', schedule_local(other.expires_at, of_job.timezone)),
            format('SELECT * FROM schedule_release_lock(%s, force => true);', of_job.id);
        RETURN;
    END IF;
    SELECT live.* INTO other FROM job_executions AS live
     WHERE live.job_id = of_job.id AND live.status = 'running' ORDER BY live.started_at LIMIT 1;
    IF FOUND THEN
        RETURN QUERY SELECT 'overlap',
            format('앞 실행 %s이(가) %s부터 노드 %s에서 실행 중이라 기다립니다', other.id, schedule_local(other.started_at, of_job.timezone), other.node),
            format('it waits for execution %s, which runs on node %s since %s', other.id, other.node,
                   schedule_local(other.started_at, of_job.timezone)),
            format('SELECT schedule_cancel(%s);', other.id);
        RETURN;
    END IF;
    RETURN QUERY SELECT * FROM schedule_why_nodes(waiting.job_type);
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'queued', format('실행 %s은(는) 곧 시작합니다', waiting.id),
                            format('execution %s is about to start', waiting.id), NULL::text;
    END IF;
END $$;

CREATE FUNCTION schedule_why_skipped(skipped job_executions, zone text) RETURNS TABLE (cause text, ko text, en text, fix text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    other  record;
    planned text := schedule_local(skipped.scheduled_for, zone);
BEGIN
    IF skipped.skip_reason = 'overlap' THEN
        SELECT live.id, live.started_at INTO other
          FROM (SELECT each.* FROM job_executions AS each
                 WHERE each.job_id = skipped.job_id AND each.started_at <= skipped.finished_at
                 ORDER BY each.started_at DESC LIMIT 50) AS live
         WHERE coalesce(live.finished_at, 'infinity') >= skipped.scheduled_for
         ORDER BY live.started_at DESC LIMIT 1;
        RETURN QUERY SELECT 'overlap',
            format('%s 실행은 앞 실행%s이(가) 끝나지 않아 건너뛰었습니다', planned, coalesce(' ' || other.id, '')),
            format('the run of %s was skipped: execution%s was not over yet', planned, coalesce(' ' || other.id, '')),
            format('UPDATE schedule_jobs SET overlap_policy = ''queue_one'' WHERE id = %s;', skipped.job_id);
    ELSIF skipped.skip_reason = 'misfire' THEN
        RETURN QUERY SELECT 'misfire',
            format('%s에 실행할 데몬이 없었고, 늦은 실행은 하지 않는 작업입니다 (놓친 횟수 %s)', planned, skipped.missed_count + 1),
            format('nobody was there to run it at %s, and the job does not run late (missed: %s)', planned, skipped.missed_count + 1),
            format('UPDATE schedule_jobs SET misfire_policy = ''run_once'' WHERE id = %s;', skipped.job_id);
    ELSIF skipped.skip_reason = 'no_handler' THEN
        RETURN QUERY SELECT 'missing_handler', format('%s에 작업 유형 %s을(를) 아는 데몬이 없었습니다', planned, skipped.job_type),
            format('no daemon knew job type %s at %s', skipped.job_type, planned), 'erp-scheduler handlers list'::text;
    ELSIF skipped.skip_reason LIKE 'held: %' THEN
        RETURN QUERY SELECT CASE WHEN skipped.skip_reason LIKE '%maintenance%' THEN 'maintenance' ELSE 'budget' END,
            format('%s: 마켓이 받지 않아 보류했습니다: %s', planned, substr(skipped.skip_reason, 7, 500)),
            format('%s: held back by the market: %s', planned, substr(skipped.skip_reason, 7, 500)),
            'SELECT * FROM market_windows; SELECT * FROM market_budgets;'::text;
    ELSE
        RETURN QUERY SELECT 'skipped', format('%s 실행은 건너뛰었습니다: %s', planned, left(skipped.skip_reason, 500)),
            format('the run of %s was skipped: %s', planned, left(skipped.skip_reason, 500)),
            format('SELECT * FROM execution_logs WHERE execution_id = %s ORDER BY line;', skipped.id);
    END IF;
END $$;

CREATE FUNCTION schedule_why_execution(run job_executions, of_job schedule_jobs) RETURNS TABLE (cause text, ko text, en text, fix text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    planned text := schedule_local(run.scheduled_for, of_job.timezone);
    ended   text := schedule_local(run.finished_at, of_job.timezone);
    reason  text := left(coalesce(run.error_message, run.error_class, ''), 500);
    logs    text := format('SELECT * FROM execution_logs WHERE execution_id = %s ORDER BY line;', run.id);
BEGIN
    CASE run.status
    WHEN 'queued' THEN
        RETURN QUERY SELECT * FROM schedule_why_waiting(run, of_job);
    WHEN 'skipped' THEN
        RETURN QUERY SELECT * FROM schedule_why_skipped(run, of_job.timezone);
    WHEN 'running' THEN
        RETURN QUERY SELECT 'running',
            format('실행 중입니다: 실행 %s, 노드 %s, %s부터', run.id, run.node, schedule_local(run.started_at, of_job.timezone))
            || CASE WHEN run.cancel_requested THEN ' (취소 요청됨)' ELSE '' END,
            format('it is running: execution %s on node %s since %s', run.id, run.node, schedule_local(run.started_at, of_job.timezone))
            || CASE WHEN run.cancel_requested THEN ' (asked to end)' ELSE '' END,
            format('SELECT schedule_cancel(%s);', run.id);
    WHEN 'success' THEN
        RETURN QUERY SELECT 'ran',
            format('실행되었습니다: %s 예정, 실행 %s, %s에 성공', planned, run.id, ended),
            format('it did run: planned for %s, execution %s succeeded at %s', planned, run.id, ended), logs;
        RETURN QUERY SELECT CASE WHEN each.value ->> 'held' LIKE '%maintenance%' THEN 'maintenance' ELSE 'budget' END,
                            format('%s은(는) 보류했습니다: %s', each.key, left(each.value ->> 'held', 300)),
                            format('%s was held back: %s', each.key, left(each.value ->> 'held', 300)),
                            'SELECT * FROM market_windows; SELECT * FROM market_budgets;'::text
                       FROM jsonb_each(CASE WHEN jsonb_typeof(run.result) = 'object' THEN run.result ELSE '{}' END) AS each
                      WHERE jsonb_typeof(each.value) = 'object' AND each.value ? 'held';
    WHEN 'cancelled' THEN
        RETURN QUERY SELECT 'cancelled',
            format('%s 실행 %s은(는) %s에 취소되었습니다: %s', planned, run.id, ended, coalesce(run.cancel_reason, reason)),
            format('execution %s of %s was cancelled at %s: %s', run.id, planned, ended, coalesce(run.cancel_reason, reason)),
            format('SELECT schedule_retry(%s);', run.id);
    ELSE
        RETURN QUERY SELECT run.status,
            format('%s 실행 %s은(는) %s에 %s: %s', planned, run.id, ended,
                   CASE run.status WHEN 'timed_out' THEN '제한 시간을 넘겼습니다' WHEN 'lost' THEN '노드와 함께 사라졌습니다' ELSE '실패했습니다' END, reason),
            format('execution %s of %s %s at %s: %s', run.id, planned,
                   CASE run.status WHEN 'timed_out' THEN 'ran out of time' WHEN 'lost' THEN 'was lost with its node' ELSE 'failed' END, ended, reason),
            format('SELECT schedule_retry(%s);', run.id);
    END CASE;
END $$;

-- Whether the job was paused at a moment: of the past by its revisions, from now on by the row.
CREATE FUNCTION schedule_why_paused(of_job schedule_jobs, at timestamptz) RETURNS TABLE (cause text, ko text, en text, fix text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    since  job_revisions;
    until  timestamptz;
    reason text;
BEGIN
    SELECT each.* INTO since FROM job_revisions AS each
     WHERE each.job_id = of_job.id AND each.changed_at <= least(at, now()) ORDER BY each.revision DESC LIMIT 1;
    IF at >= now() OR (since.id IS NULL AND of_job.updated_at <= at) THEN
        IF of_job.status <> 'paused' OR of_job.paused_until <= at THEN
            RETURN;
        END IF;
        until := of_job.paused_until;
        reason := of_job.pause_reason;
    ELSE
        until := (since.new ->> 'paused_until')::timestamptz;
        reason := since.new ->> 'pause_reason';
        IF since.new ->> 'status' IS DISTINCT FROM 'paused' OR until <= at THEN
            RETURN;
        END IF;
    END IF;
    SELECT each.* INTO since FROM job_revisions AS each
     WHERE each.job_id = of_job.id AND each.changed_at <= least(at, now()) AND each.new ->> 'status' = 'paused'
       AND coalesce(each.old ->> 'status', '') <> 'paused' ORDER BY each.revision DESC LIMIT 1;
    RETURN QUERY SELECT 'paused',
        '일시 정지' || coalesce(' (' || schedule_local(since.changed_at, of_job.timezone) || '부터, ' || since.actor || ')', '')
        || coalesce(', ' || schedule_local(until, of_job.timezone) || '까지', '') || coalesce(': ' || reason, ''),
        'paused' || coalesce(' since ' || schedule_local(since.changed_at, of_job.timezone) || ' by ' || since.actor, '')
        || coalesce(' until ' || schedule_local(until, of_job.timezone), '') || coalesce(': ' || reason, ''),
        CASE WHEN of_job.status = 'paused' THEN format('SELECT * FROM schedule_resume(%s, run_missed => true);', of_job.id)
             ELSE format('SELECT schedule_run_now(%s);', of_job.id) END;
END $$;

-- What the calendar, the period and the overlays say of a moment: the forecast knows best; what it no longer holds is read here.
CREATE FUNCTION schedule_why_closed(of_job schedule_jobs, at timestamptz) RETURNS TABLE (cause text, ko text, en text, fix text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    told  record;
    local date := (at AT TIME ZONE of_job.timezone)::date;
    shown text := schedule_local(at, of_job.timezone);
BEGIN
    SELECT each.* INTO told FROM schedule_forecast AS each
     WHERE each.job_id = of_job.id AND each.reason IS NOT NULL AND each.reason <> 'paused'
       AND each.planned_at BETWEEN (local::timestamp AT TIME ZONE of_job.timezone) AND at + interval '1 minute'
       AND (each.planned_at >= at - interval '1 minute'
            OR (each.run_at IS NULL
                AND NOT EXISTS (SELECT FROM job_executions AS since
                                 WHERE since.job_id = of_job.id AND since.scheduled_for > each.planned_at AND since.scheduled_for <= at)))
     ORDER BY each.planned_at DESC LIMIT 1;
    IF FOUND THEN
        RETURN QUERY SELECT told.reason, format('%s: %s', schedule_local(told.planned_at, of_job.timezone), told.reason_ko),
                            format('%s: %s', schedule_local(told.planned_at, of_job.timezone), told.reason_en),
                            format('SELECT schedule_run_now(%s);', of_job.id);
        RETURN;
    END IF;
    IF of_job.start_at > at OR of_job.created_at > at THEN
        RETURN QUERY SELECT 'not_started_yet',
            format('이 작업은 %s부터입니다', schedule_local(greatest(of_job.start_at, of_job.created_at), of_job.timezone)),
            format('the job begins at %s', schedule_local(greatest(of_job.start_at, of_job.created_at), of_job.timezone)),
            format('SELECT schedule_run_now(%s);', of_job.id);
        RETURN;
    ELSIF of_job.end_at < at THEN
        RETURN QUERY SELECT 'ended', format('이 작업은 %s에 끝났습니다', schedule_local(of_job.end_at, of_job.timezone)),
            format('the job ended at %s', schedule_local(of_job.end_at, of_job.timezone)),
            format('UPDATE schedule_jobs SET end_at = NULL WHERE id = %s;', of_job.id);
        RETURN;
    END IF;
    SELECT each.* INTO told FROM schedule_overlays AS each
     WHERE each.enabled AND each.action = 'stop' AND each.starts_at <= at AND at < each.ends_at
       AND (each.job_types = '{}' OR of_job.job_type = ANY (each.job_types))
       AND (each.market_codes = '{}' OR each.market_codes && of_job.market_codes)
       AND (each.tags = '{}' OR each.tags && of_job.tags) ORDER BY each.id LIMIT 1;
    IF FOUND THEN
        RETURN QUERY SELECT 'overlay',
            format('기간 설정 "%s"이(가) %s까지 멈춥니다', told.name, schedule_local(told.ends_at, of_job.timezone)) || coalesce(': ' || told.reason, ''),
            format('overlay "%s" stops it until %s', told.name, schedule_local(told.ends_at, of_job.timezone)) || coalesce(': ' || told.reason, ''),
            format('UPDATE schedule_overlays SET enabled = false WHERE name = %L;', told.name);
        RETURN;
    END IF;
    IF of_job.on_holiday = 'run' THEN
        RETURN;
    END IF;
    WITH RECURSIVE chain AS (
        SELECT known.name, known.base, 1 AS depth FROM calendars AS known WHERE known.name = of_job.calendar
         UNION ALL
        SELECT known.name, known.base, chain.depth + 1 FROM chain JOIN calendars AS known ON known.name = chain.base WHERE chain.depth < 20
    )
    SELECT each.is_holiday, each.name INTO told
      FROM chain JOIN calendar_days AS each ON each.calendar = chain.name AND each.day = local ORDER BY chain.depth LIMIT 1;
    IF FOUND AND told.is_holiday THEN
        RETURN QUERY SELECT 'holiday', format('%s: 쉬는 날 %s', shown, told.name), format('%s: closed on %s', shown, told.name),
                            format('SELECT schedule_run_now(%s);', of_job.id);
    ELSIF NOT FOUND AND EXISTS (SELECT FROM calendars AS known WHERE known.name = of_job.calendar
                                   AND lower(to_char(local, 'dy')) = ANY (string_to_array(known.closed_weekdays, ','))) THEN
        RETURN QUERY SELECT 'day_off', format('%s: 달력 %s에서 쉬는 요일', shown, of_job.calendar),
                            format('%s: a weekday that calendar %s closes', shown, of_job.calendar),
                            format('SELECT schedule_run_now(%s);', of_job.id);
    END IF;
END $$;

CREATE FUNCTION schedule_why_unplanned(of_job schedule_jobs, at timestamptz) RETURNS TABLE (cause text, ko text, en text, fix text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    before_it timestamptz;
    after_it  timestamptz;
BEGIN
    IF num_nonnulls(of_job.interval, of_job.specific_times, of_job.cron_expression, of_job.run_at) = 0 THEN
        RETURN QUERY SELECT * FROM schedule_why_edges(of_job.id);
        IF NOT FOUND AND EXISTS (SELECT FROM job_dependencies AS edge WHERE edge.job_id = of_job.id) THEN
            RETURN QUERY SELECT * FROM schedule_why_nodes(of_job.job_type);
        END IF;
        IF NOT FOUND THEN
            RETURN QUERY SELECT 'no_such_moment', '일정이 없는 작업입니다: 손으로만 실행합니다', 'the job has no schedule: it is run by hand only',
                                format('SELECT schedule_run_now(%s);', of_job.id);
        END IF;
        RETURN;
    END IF;
    SELECT max(each.scheduled_for) INTO before_it FROM job_executions AS each WHERE each.job_id = of_job.id AND each.scheduled_for < at;
    SELECT min(each.run_at) INTO after_it FROM schedule_forecast AS each WHERE each.job_id = of_job.id AND each.run_at > at;
    after_it := coalesce(after_it, CASE WHEN of_job.next_run_at > at THEN of_job.next_run_at END);
    RETURN QUERY SELECT 'no_such_moment',
        format('%s은(는) 예정 시각이 아닙니다', schedule_local(at, of_job.timezone))
        || coalesce('. 그 전 ' || schedule_local(before_it, of_job.timezone), '')
        || coalesce('. 다음 ' || schedule_local(after_it, of_job.timezone), ''),
        format('nothing was planned for %s', schedule_local(at, of_job.timezone))
        || coalesce('; before it: ' || schedule_local(before_it, of_job.timezone), '')
        || coalesce('; next: ' || schedule_local(after_it, of_job.timezone), ''),
        format('SELECT * FROM schedule_describe(%s);', of_job.id);
END $$;

-- A planned time of the past or the future that no execution stands for by itself.
CREATE FUNCTION schedule_why_moment(of_job schedule_jobs, at timestamptz) RETURNS TABLE (cause text, ko text, en text, fix text)
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

CREATE FUNCTION schedule_why_state(of_job schedule_jobs) RETURNS TABLE (cause text, ko text, en text, fix text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    IF of_job.status = 'invalid' THEN
        RETURN QUERY SELECT 'invalid', '설정 오류: ' || left(coalesce(of_job.last_error, ''), 500),
            'it cannot be run as it is written: ' || left(coalesce(of_job.last_error, ''), 500),
            format('SELECT * FROM schedule_jobs WHERE id = %s;', of_job.id);
    ELSIF of_job.status = 'completed' THEN
        RETURN QUERY SELECT 'ended',
            CASE WHEN of_job.max_runs <= of_job.occurrence_count THEN format('정한 횟수 %s번을 다 실행해 끝났습니다', of_job.max_runs)
                 WHEN of_job.end_at < now() THEN format('%s에 끝났습니다', schedule_local(of_job.end_at, of_job.timezone))
                 ELSE '일정이 끝났습니다' END,
            CASE WHEN of_job.max_runs <= of_job.occurrence_count THEN format('it has run %s times, as often as it was to', of_job.max_runs)
                 WHEN of_job.end_at < now() THEN format('it ended at %s', schedule_local(of_job.end_at, of_job.timezone))
                 ELSE 'its schedule is over' END,
            format('SELECT schedule_run_now(%s);', of_job.id);
    ELSE
        RETURN QUERY SELECT * FROM schedule_why_paused(of_job, now());
    END IF;
END $$;

-- How things are now, the present before the past: what holds the next run up, then how the last one ended.
CREATE FUNCTION schedule_why_now(of_job schedule_jobs) RETURNS TABLE (cause text, ko text, en text, fix text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    run   job_executions;
    blank timestamptz;
    said  boolean;
BEGIN
    RETURN QUERY SELECT * FROM schedule_why_state(of_job);
    said := FOUND;
    FOR run IN SELECT each.* FROM job_executions AS each
                WHERE each.job_id = of_job.id AND each.status = 'running' ORDER BY each.started_at LIMIT 3 LOOP
        RETURN QUERY SELECT * FROM schedule_why_execution(run, of_job);
        said := true;
    END LOOP;
    SELECT each.* INTO run FROM job_executions AS each
     WHERE each.job_id = of_job.id AND each.status = 'queued' ORDER BY each.held_for IS NOT NULL, each.available_at, each.id LIMIT 1;
    IF FOUND THEN
        IF NOT said THEN
            RETURN QUERY SELECT * FROM schedule_why_waiting(run, of_job);
        END IF;
        said := true;
    ELSIF NOT said AND (of_job.next_run_at < now() - interval '5 seconds'
                        OR (of_job.planned_version <> of_job.spec_version AND of_job.updated_at < now() - interval '5 seconds'
                            AND num_nonnulls(of_job.interval, of_job.specific_times, of_job.cron_expression, of_job.run_at) > 0)) THEN
        RETURN QUERY SELECT * FROM schedule_why_nodes(of_job.job_type) AS node WHERE node.cause <> 'full_pool';
        said := FOUND;
    END IF;
    SELECT each.* INTO run FROM job_executions AS each
     WHERE each.job_id = of_job.id AND each.scheduled_for <= now() AND each.status NOT IN ('queued', 'running')
     ORDER BY each.scheduled_for DESC, each.attempt DESC LIMIT 1;
    IF NOT said THEN
        SELECT max(each.planned_at) INTO blank FROM schedule_forecast AS each
         WHERE each.job_id = of_job.id AND each.run_at IS NULL AND each.planned_at <= now()
           AND each.planned_at > coalesce(run.scheduled_for, '-infinity');
        IF blank IS NOT NULL OR run.id IS NULL THEN
            RETURN QUERY SELECT * FROM schedule_why_closed(of_job, coalesce(blank, now()));
            said := FOUND;
        END IF;
    END IF;
    IF run.id IS NOT NULL THEN
        RETURN QUERY SELECT * FROM schedule_why_execution(run, of_job);
    ELSIF NOT said THEN
        RETURN QUERY SELECT * FROM schedule_why_unplanned(of_job, now());
    END IF;
    RETURN QUERY SELECT * FROM schedule_why_markets(of_job.market_codes);
END $$;

CREATE FUNCTION schedule_causes(job text, at timestamptz) RETURNS TABLE (cause text, ko text, en text, fix text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    of_job schedule_jobs;
    run    job_executions;
    gone   job_revisions;
BEGIN
    SELECT known.* INTO of_job FROM schedule_jobs AS known
     WHERE CASE WHEN job ~ '^[0-9]{1,18}$' THEN known.id = job::bigint ELSE known.name = job END;
    IF NOT FOUND THEN
        SELECT each.* INTO gone FROM job_revisions AS each
         WHERE each.action = 'delete' AND CASE WHEN job ~ '^[0-9]{1,18}$' THEN each.job_id = job::bigint ELSE each.job_name = job END
         ORDER BY each.id DESC LIMIT 1;
        IF NOT FOUND THEN
            PERFORM schedule_job_id(job);
        END IF;
        RETURN QUERY SELECT 'deleted', format('작업은 %s에 %s이(가) 지웠습니다', schedule_local(gone.changed_at), gone.actor),
            format('the job was deleted at %s by %s', schedule_local(gone.changed_at), gone.actor),
            format('SELECT schedule_restore(%s);', gone.job_id);
    ELSIF at IS NULL OR at BETWEEN now() - interval '1 second' AND now() + interval '1 second' THEN
        RETURN QUERY SELECT * FROM schedule_why_now(of_job);
    ELSE
        SELECT each.* INTO run FROM job_executions AS each
         WHERE each.job_id = of_job.id AND each.scheduled_for BETWEEN at - interval '1 minute' AND at + interval '1 minute'
         ORDER BY abs(extract(epoch FROM each.scheduled_for - at)), each.attempt DESC LIMIT 1;
        IF FOUND THEN
            RETURN QUERY SELECT * FROM schedule_why_execution(run, of_job);
        ELSE
            RETURN QUERY SELECT * FROM schedule_why_moment(of_job, at);
        END IF;
        RETURN QUERY SELECT * FROM schedule_why_state(of_job) AS state WHERE state.cause = 'invalid';
    END IF;
END $$;

CREATE FUNCTION schedule_why(job text, at timestamptz DEFAULT now()) RETURNS TABLE (rank integer, cause text, ko text, en text, fix text)
LANGUAGE sql STABLE AS $$
    SELECT each.place::integer, each.cause, each.ko, each.en, each.fix
      FROM schedule_causes($1, $2) WITH ORDINALITY AS each (cause, ko, en, fix, place)
     ORDER BY each.place
$$;

CREATE FUNCTION schedule_why(job bigint, at timestamptz DEFAULT now()) RETURNS TABLE (rank integer, cause text, ko text, en text, fix text)
LANGUAGE sql STABLE AS $$ SELECT * FROM schedule_why($1::text, $2) $$;

COMMENT ON FUNCTION schedule_why_nodes(text) IS '이 유형을 실행할 데몬과 자리가 있는지
Whether a daemon with a free slot could run this type';
COMMENT ON FUNCTION schedule_why_edges(bigint) IS '아직 끝나지 않은 앞 작업
Jobs that this one still waits for';
COMMENT ON FUNCTION schedule_why_markets(text[]) IS '지금 점검 중이거나 호출이 막힌 마켓
Markets that are closed or used up now';
COMMENT ON FUNCTION schedule_why_waiting(job_executions, schedule_jobs) IS '대기 중인 실행이 왜 기다리는지
Why a queued execution waits';
COMMENT ON FUNCTION schedule_why_skipped(job_executions, text) IS '왜 건너뛰었는지
Why an execution was skipped';
COMMENT ON FUNCTION schedule_why_execution(job_executions, schedule_jobs) IS '실행이 어떻게 되었는지
What became of an execution';
COMMENT ON FUNCTION schedule_why_paused(schedule_jobs, timestamptz) IS '그 시각에 멈춰 있었는지
Whether the job was paused at that moment';
COMMENT ON FUNCTION schedule_why_closed(schedule_jobs, timestamptz) IS '그 시각에 달력, 기간, 기간 설정이 막았는지
Whether calendar, period or overlay kept it from running at that moment';
COMMENT ON FUNCTION schedule_why_unplanned(schedule_jobs, timestamptz) IS '예정되지 않은 시각이었다는 답
The answer for a moment that was not planned';
COMMENT ON FUNCTION schedule_why_moment(schedule_jobs, timestamptz) IS '실행 기록이 없는 시각에 대한 답
The answer for a moment without an execution';
COMMENT ON FUNCTION schedule_why_state(schedule_jobs) IS '멈춤, 끝남, 설정 오류
Paused, over or wrong';
COMMENT ON FUNCTION schedule_why_now(schedule_jobs) IS '지금에 대한 답
The answer for now';
COMMENT ON FUNCTION schedule_causes(text, timestamptz) IS '원인, 가장 중요한 것부터
The causes, the answer first';
COMMENT ON FUNCTION schedule_why(text, timestamptz) IS '왜 실행되지 않았는지 (시각이 없으면 지금). 답이 첫 행입니다
Why it did not run, at that moment or now; the answer is the first row
SELECT * FROM schedule_why(''주문 수집'', ''2026-11-21 09:00+09'')';
COMMENT ON FUNCTION schedule_why(bigint, timestamptz) IS '왜 실행되지 않았는지 (시각이 없으면 지금). 답이 첫 행입니다
Why it did not run, at that moment or now; the answer is the first row
SELECT * FROM schedule_why(7)';

-- A function is for people when its comment has a third line, the example.
CREATE FUNCTION schedule_help() RETURNS TABLE (name text, arguments text, ko text, en text, example text)
LANGUAGE sql STABLE AS $$
    SELECT known.proname::text, pg_get_function_arguments(known.oid), split_part(said.text, E'\n', 1), split_part(said.text, E'\n', 2),
           split_part(said.text, E'\n', 3)
      FROM pg_proc AS known
     CROSS JOIN LATERAL (SELECT obj_description(known.oid, 'pg_proc')) AS said (text)
     WHERE known.pronamespace = (SELECT pronamespace FROM pg_proc WHERE oid = 'schedule_help()'::regprocedure)
       AND split_part(said.text, E'\n', 3) LIKE 'SELECT %'
     ORDER BY known.proname, known.oid
$$;

DO $$
DECLARE
    each regprocedure;
BEGIN
    FOR each IN SELECT oid::regprocedure FROM pg_proc
                 WHERE pronamespace = current_schema()::regnamespace AND prosecdef AND proname LIKE 'schedule\_%' LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', each);
    END LOOP;
END $$;

COMMENT ON FUNCTION schedule_local(timestamptz, text) IS '그 시간대의 날짜와 시각
Date and time in a zone';
COMMENT ON FUNCTION schedule_claimable(schedule_jobs) IS '아무도 가져가지 않을 작업의 실행을 거절합니다
Refuses to queue what nobody would claim';
COMMENT ON FUNCTION schedule_parameters(jsonb) IS '매개변수가 JSON 객체가 아니면 거절합니다
Refuses parameters that are not a JSON object';
COMMENT ON FUNCTION schedule_queue(schedule_jobs, jsonb, text[], interval) IS '작업의 실행을 대기열에 넣습니다
Queues an execution of a job';
COMMENT ON FUNCTION schedule_run_now(text, jsonb, text[]) IS '지금 실행합니다. 일정은 그대로입니다. 실행 번호를 돌려줍니다
Runs a job now, beside its schedule; returns the execution
SELECT schedule_run_now(''주문 수집'', ''{"days": 3}'')';
COMMENT ON FUNCTION schedule_run_now(bigint, jsonb, text[]) IS '지금 실행합니다. 일정은 그대로입니다. 실행 번호를 돌려줍니다
Runs a job now, beside its schedule; returns the execution
SELECT schedule_run_now(7)';
COMMENT ON FUNCTION schedule_run_in(text, interval, jsonb) IS '조금 뒤에 한 번 실행합니다
Runs a job once, after a delay
SELECT schedule_run_in(''주문 수집'', ''10 minutes'')';
COMMENT ON FUNCTION schedule_run_in(bigint, interval, jsonb) IS '조금 뒤에 한 번 실행합니다
Runs a job once, after a delay
SELECT schedule_run_in(7, ''10 minutes'')';
COMMENT ON FUNCTION schedule_run_once(text, jsonb, text[], interval) IS '작업을 만들지 않고 한 유형을 한 번 실행합니다
Runs a job type once, without a job
SELECT schedule_run_once(''order_collection'', ''{"days": 1}'', ARRAY[''coupang''])';
COMMENT ON FUNCTION schedule_set_schedule(bigint, interval, time[], text, timestamptz, text, text, timestamptz, timestamptz, integer, text, text)
IS '주어진 것만 고쳐 일정을 바꿉니다
Changes a schedule where something is given';
COMMENT ON FUNCTION schedule_reschedule(text, interval, time[], text, timestamptz, text, text, timestamptz, timestamptz, integer, text, text)
IS '일정을 바꿉니다. 주지 않은 것은 그대로입니다
Changes when a job runs; what is not given stays
SELECT schedule_reschedule(''주문 수집'', at => ''{09:00,18:00}'', on_holiday => ''skip'')';
COMMENT ON FUNCTION schedule_reschedule(bigint, interval, time[], text, timestamptz, text, text, timestamptz, timestamptz, integer, text, text)
IS '일정을 바꿉니다. 주지 않은 것은 그대로입니다
Changes when a job runs; what is not given stays
SELECT schedule_reschedule(7, every => ''1h'')';
COMMENT ON FUNCTION schedule_set_after(bigint, text[]) IS '이 작업들 뒤에만 실행되게 합니다
Makes a job wait for exactly these jobs';
COMMENT ON FUNCTION schedule_add_job(text, text, interval, time[], text, timestamptz, text[], jsonb, text, double precision, integer, text[],
                                     text, timestamptz, timestamptz, integer, text, text, text[], text)
IS '작업을 만들거나, 같은 이름이 있으면 주어진 것만 고칩니다. timeout은 분, after는 먼저 끝나야 하는 작업
Makes a job, or changes the one of that name where something is given; timeout in minutes, after names jobs it waits for
SELECT schedule_add_job(''주문 수집'', ''order_collection'', every => ''30m'', markets => ''{coupang,naver}'', parameters => ''{"days": 1}'')';
COMMENT ON FUNCTION schedule_pause(text, timestamptz, text) IS '작업을 멈춥니다. 시각을 주면 그때 저절로 다시 시작합니다
Pauses a job, until then when a moment is given
SELECT schedule_pause(''주문 수집'', until => now() + interval ''2 hours'', reason => ''점검'')';
COMMENT ON FUNCTION schedule_pause(bigint, timestamptz, text) IS '작업을 멈춥니다. 시각을 주면 그때 저절로 다시 시작합니다
Pauses a job, until then when a moment is given
SELECT schedule_pause(7)';
COMMENT ON FUNCTION schedule_pause_of(schedule_jobs) IS '언제 멈췄고 그때 다음 예정 시각이 무엇이었는지
Since when a job is paused, and what was planned next then';
COMMENT ON FUNCTION schedule_missed(schedule_jobs) IS '멈춘 동안 지나간 마지막 예정 시각
The latest planned time that passed during the pause';
COMMENT ON FUNCTION schedule_resume(text, boolean) IS '다시 시작합니다. run_missed면 멈춘 동안 놓친 것을 한 번 실행합니다
Lets a paused job go on; with run_missed one execution makes up for what was missed
SELECT * FROM schedule_resume(''주문 수집'', run_missed => true)';
COMMENT ON FUNCTION schedule_resume(bigint, boolean) IS '다시 시작합니다. run_missed면 멈춘 동안 놓친 것을 한 번 실행합니다
Lets a paused job go on; with run_missed one execution makes up for what was missed
SELECT * FROM schedule_resume(7)';
COMMENT ON FUNCTION schedule_lock_execution(bigint) IS '작업과 실행 행을 차례로 잠급니다
Locks the job, then the execution, and returns it';
COMMENT ON FUNCTION schedule_retry(bigint, jsonb) IS '끝난 실행을 같은 예정 시각으로 다시 시도합니다
Queues another attempt of an execution that has ended
SELECT schedule_retry(42)';
COMMENT ON FUNCTION schedule_cancel(bigint, text) IS '실행을 취소합니다: 대기 중이면 바로, 실행 중이면 곧
Cancels an execution: at once when it waits, soon when it runs
SELECT schedule_cancel(42, reason => ''잘못된 기간'')';
COMMENT ON FUNCTION schedule_release_lock(text, boolean) IS '잠금을 풉니다. 살아 있는 잠금은 force일 때만 (그 실행은 취소됨)
Frees the locks of a job; living ones only with force, which cancels their executions
SELECT * FROM schedule_release_lock(''주문 수집'', force => true)';
COMMENT ON FUNCTION schedule_release_lock(bigint, boolean) IS '잠금을 풉니다. 살아 있는 잠금은 force일 때만 (그 실행은 취소됨)
Frees the locks of a job; living ones only with force, which cancels their executions
SELECT * FROM schedule_release_lock(7)';
COMMENT ON FUNCTION schedule_upcoming(integer, interval, text) IS '다가오는 실행
What runs next
SELECT * FROM schedule_upcoming(n => 20, within => ''24 hours'')';
COMMENT ON FUNCTION schedule_upcoming(bigint, integer, interval) IS '한 작업의 다가오는 실행
What runs next of one job
SELECT * FROM schedule_upcoming(job => 7)';
COMMENT ON FUNCTION schedule_describe(text) IS '작업의 일정을 말로
A job''s schedule in words
SELECT * FROM schedule_describe(''주문 수집'')';
COMMENT ON FUNCTION schedule_describe(bigint) IS '작업의 일정을 말로
A job''s schedule in words
SELECT * FROM schedule_describe(7)';
COMMENT ON FUNCTION schedule_check(text, jsonb) IS '매개변수의 잘못: 이름과 자료형. 없으면 행이 없습니다
Faults of parameters: names and types; no row when they fit
SELECT * FROM schedule_check(''order_collection'', ''{"days": "1"}'')';
COMMENT ON FUNCTION schedule_status() IS '지금 상태를 한 행으로
How things are, in one row
SELECT * FROM schedule_status()';
COMMENT ON FUNCTION schedule_help() IS '이 함수들의 목록과 예
These functions, with an example each
SELECT * FROM schedule_help()';
