-- Edits that were taken and yet never read, or refused in words that are not ours.

-- Gathers every fault of the row before it speaks: MESSAGE is stable English, DETAIL lists all, HINT can be typed.
CREATE OR REPLACE FUNCTION schedule_jobs_validate() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    faults  text[] := '{}';
    hint    text;
    lowest  interval;
    highest interval;
    label   text;
BEGIN
    NEW.status          := coalesce(NEW.status, 'active');
    NEW.timezone        := coalesce(NEW.timezone, 'Asia/Seoul');
    NEW.misfire_policy  := coalesce(NEW.misfire_policy, 'run_once');
    NEW.misfire_grace   := coalesce(NEW.misfire_grace, '1 minute');
    NEW.overlap_policy  := coalesce(NEW.overlap_policy, 'skip');
    NEW.market_codes    := coalesce(NEW.market_codes, '{}');
    NEW.parameters      := coalesce(NEW.parameters, '{}');
    NEW.priority        := coalesce(NEW.priority, 0);
    NEW.timeout_minutes := coalesce(NEW.timeout_minutes, 30);
    NEW.max_retries     := coalesce(NEW.max_retries, 3);
    NEW.important       := coalesce(NEW.important, false);
    NEW.tags            := coalesce(NEW.tags, '{}');
    NEW.on_holiday      := coalesce(NEW.on_holiday, 'run');
    NEW.jitter_seconds  := coalesce(NEW.jitter_seconds, 0);
    NEW.max_instances   := coalesce(NEW.max_instances, 1);
    IF NEW.on_holiday <> 'run' AND NEW.calendar IS NULL THEN
        NEW.calendar := 'kr';
    END IF;
    -- A time to pause until is a pause, and what is no longer paused has no such time.
    IF NEW.paused_until IS NOT NULL AND NEW.status = 'active'
       AND (TG_OP = 'INSERT' OR NEW.paused_until IS DISTINCT FROM OLD.paused_until) THEN
        NEW.status := 'paused';
    ELSIF NEW.status <> 'paused' THEN
        NEW.paused_until := NULL;
        NEW.pause_reason := NULL;
    END IF;
    label := left(regexp_replace(coalesce(NEW.name, ''), '[[:cntrl:]]', ' ', 'g'), 80);

    IF coalesce(btrim(NEW.name), '') = '' THEN
        faults := faults || 'name is empty'::text;
    ELSIF length(NEW.name) > 200 THEN
        faults := faults || format('name has %s characters; at most 200', length(NEW.name));
    ELSIF NEW.name ~ '[[:cntrl:]]' THEN
        faults := faults || 'name contains a control character or a line break'::text;
    ELSIF NEW.name ~ '^[0-9]+$' THEN
        faults := faults || format('name %s is a number and would be taken for an id', quote_literal(NEW.name));
    END IF;
    IF coalesce(NEW.job_type, '') !~ '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$' THEN
        faults := faults || format('job_type %s: use letters, digits and _ . : - (at most 100)',
                                   quote_nullable(left(NEW.job_type, 80)));
    END IF;
    IF NEW.status NOT IN ('active', 'paused', 'completed', 'invalid') THEN
        faults := faults || format('status %s is not active, paused, completed or invalid', quote_literal(left(NEW.status, 80)));
        hint := 'UPDATE schedule_jobs SET status = ''paused'' WHERE name = ' || quote_literal(label) || ';';
    END IF;

    IF num_nonnulls(NEW.interval, NEW.specific_times, NEW.cron_expression, NEW.run_at) > 1 THEN
        faults := faults || format('at most one of interval, specific_times, cron_expression, run_at; %s are set',
                                   num_nonnulls(NEW.interval, NEW.specific_times, NEW.cron_expression, NEW.run_at));
        hint := 'UPDATE schedule_jobs SET interval = NULL, cron_expression = NULL, run_at = NULL, '
                'specific_times = ARRAY[''09:00:00''::time] WHERE name = ' || quote_literal(label) || ';';
    END IF;
    IF NEW.interval IS NOT NULL AND (TG_OP = 'INSERT' OR NEW.interval IS DISTINCT FROM OLD.interval) THEN
        SELECT max(value::interval) FILTER (WHERE name = 'minimum_interval'),
               max(value::interval) FILTER (WHERE name = 'maximum_interval')
          INTO lowest, highest FROM scheduler_settings;
        -- A program that registers its own jobs says so, and may go down to a second.
        lowest := coalesce(nullif(current_setting('erp_scheduler.minimum_interval', true), '')::interval, lowest, '5 minutes');
        lowest := greatest(lowest, '1 second');
        highest := coalesce(highest, '31 days');
        IF NEW.interval < lowest OR NEW.interval > highest THEN
            faults := faults || format('interval %s is not between %s and %s', NEW.interval, lowest, highest);
            hint := erp_say('''30''은 30초, ''1M''은 1분입니다. 30분은 ''30m'', 1시간은 ''1h'', 한 달은 ''1 month''로 씁니다.',
                            '''30'' means 30 seconds and ''1M'' one minute; write ''30m'', ''1h'', ''1d'' or ''1 month''.');
        END IF;
    END IF;
    IF NEW.specific_times IS NOT NULL THEN
        IF array_ndims(NEW.specific_times) > 1 THEN
            faults := faults || 'specific_times is a table, not a list; write {09:00,18:00}'::text;
        ELSIF cardinality(NEW.specific_times) = 0 OR array_position(NEW.specific_times, NULL) IS NOT NULL THEN
            faults := faults || 'specific_times is empty or contains NULL'::text;
        ELSIF cardinality(NEW.specific_times) > 288 THEN
            faults := faults || 'specific_times has more than 288 times of day'::text;
        ELSIF '24:00'::time = ANY (NEW.specific_times) THEN
            faults := faults || 'specific_times contains 24:00; midnight is 00:00'::text;
        END IF;
        IF hint IS NULL THEN
            hint := 'UPDATE schedule_jobs SET specific_times = ARRAY[''09:00:00''::time, ''18:00:00''::time] WHERE name = '
                    || quote_literal(label) || ';';
        END IF;
    END IF;
    IF NEW.cron_expression IS NOT NULL AND (btrim(NEW.cron_expression) = '' OR length(NEW.cron_expression) > 200) THEN
        faults := faults || 'cron_expression is empty or longer than 200 characters'::text;
    END IF;
    IF NEW.run_at IS NOT NULL AND NOT NEW.run_at BETWEEN '2000-01-01' AND '2200-01-01' THEN
        faults := faults || format('run_at %s is not between the years 2000 and 2200', NEW.run_at);
    END IF;
    IF NEW.next_run_at IS NOT NULL AND NOT NEW.next_run_at BETWEEN '2000-01-01' AND '2200-01-01' THEN
        faults := faults || format('next_run_at %s is not between the years 2000 and 2200', NEW.next_run_at);
    END IF;
    IF NEW.timezone NOT IN ('Asia/Seoul', 'UTC')
       AND (TG_OP = 'INSERT' OR NEW.timezone IS DISTINCT FROM OLD.timezone)
       AND NOT EXISTS (SELECT FROM pg_timezone_names WHERE name = NEW.timezone AND name LIKE '%/%') THEN
        faults := faults || format('timezone %s is not known; write a name such as Asia/Seoul or UTC',
                                   quote_literal(left(NEW.timezone, 80)));
    END IF;
    IF NEW.misfire_policy NOT IN ('run_once', 'skip', 'run_all') THEN
        faults := faults || format('misfire_policy %s is not run_once, skip or run_all', quote_literal(left(NEW.misfire_policy, 80)));
    END IF;
    IF NOT NEW.misfire_grace BETWEEN '0' AND '31 days' THEN
        faults := faults || format('misfire_grace %s is not between 0 and 31 days', NEW.misfire_grace);
    END IF;
    IF array_ndims(NEW.market_codes) > 1 OR array_ndims(NEW.tags) > 1 THEN
        faults := faults || 'market_codes and tags are lists, not tables; write {coupang,naver}'::text;
    ELSIF array_position(NEW.market_codes, NULL) IS NOT NULL
       OR EXISTS (SELECT FROM unnest(NEW.market_codes) AS code WHERE code !~ '^[a-z0-9][a-z0-9_]{0,39}$') THEN
        faults := faults || 'market_codes holds something that is not a market code such as coupang, naver or 11st'::text;
    ELSIF cardinality(NEW.market_codes) > (SELECT count(DISTINCT code) FROM unnest(NEW.market_codes) AS code) THEN
        faults := faults || 'market_codes names a market twice'::text;
    END IF;
    IF jsonb_typeof(NEW.parameters) <> 'object' THEN
        faults := faults || format('parameters is a JSON %s, not an object', jsonb_typeof(NEW.parameters));
        hint := 'UPDATE schedule_jobs SET parameters = ''{"batch_size": 100}'' WHERE name = ' || quote_literal(label) || ';';
    ELSIF octet_length(NEW.parameters::text) > 262144 THEN
        faults := faults || format('parameters takes %s bytes; at most 262144', octet_length(NEW.parameters::text));
    END IF;
    IF NOT NEW.priority BETWEEN -1000 AND 1000 THEN
        faults := faults || format('priority %s is not between -1000 and 1000', NEW.priority);
    END IF;
    IF NOT (NEW.timeout_minutes > 0 AND NEW.timeout_minutes <= 10080) THEN
        faults := faults || format('timeout_minutes %s is not between 0 and 10080 (a week)', NEW.timeout_minutes);
        hint := 'UPDATE schedule_jobs SET timeout_minutes = 30 WHERE name = ' || quote_literal(label) || ';';
    END IF;
    IF NOT NEW.max_retries BETWEEN 0 AND 100 THEN
        faults := faults || format('max_retries %s is not between 0 and 100', NEW.max_retries);
        hint := 'UPDATE schedule_jobs SET max_retries = 3 WHERE name = ' || quote_literal(label) || ';';
    END IF;

    faults := faults || schedule_rule_faults(NEW);

    IF cardinality(faults) > 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'check_violation',
            MESSAGE = format('job %s cannot be saved: %s', quote_literal(label), faults[1]),
            DETAIL  = array_to_string(faults, '; '),
            HINT    = coalesce(hint, erp_say('열의 뜻과 예: \d+ schedule_jobs', 'Columns with examples: \d+ schedule_jobs')),
            TABLE   = 'schedule_jobs';
    END IF;
    RETURN NEW;
END $$;

-- An edit plans anew, strictly after now: it never fires. The next edit of an invalid row gives it another chance.
CREATE OR REPLACE FUNCTION schedule_jobs_version() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.status := CASE NEW.status WHEN 'invalid' THEN 'active' ELSE NEW.status END;
        NEW.planned_version := 0;
        NEW.spec_version := 1;
        NEW.next_run_at := NULL;
        IF NEW.interval IS NOT NULL AND NEW.start_at IS NOT NULL THEN
            NEW.anchor_at := NEW.start_at;
        END IF;
        RETURN NEW;
    END IF;
    NEW.updated_at := now();
    IF NEW.next_run_at IS DISTINCT FROM OLD.next_run_at AND NEW.next_run_at < now() THEN
        NEW.next_run_at := now();           -- set by hand into the past: due now, once, whatever has been since
    END IF;
    IF OLD.status = 'invalid' AND NEW.status = 'invalid' THEN
        NEW.status := 'active';
        NEW.last_error := NULL;
    END IF;
    IF (NEW.interval, NEW.specific_times, NEW.cron_expression, NEW.run_at, NEW.timezone, NEW.days_of_week, NEW.start_at,
        NEW.end_at, NEW.max_runs, NEW.calendar, NEW.on_holiday)
       IS DISTINCT FROM (OLD.interval, OLD.specific_times, OLD.cron_expression, OLD.run_at, OLD.timezone, OLD.days_of_week,
        OLD.start_at, OLD.end_at, OLD.max_runs, OLD.calendar, OLD.on_holiday) THEN
        -- An end or a calendar is no new rhythm, and no new count.
        IF NEW.anchor_at IS NOT DISTINCT FROM OLD.anchor_at
           AND (NEW.interval IS DISTINCT FROM OLD.interval
                OR (NEW.start_at IS DISTINCT FROM OLD.start_at AND NEW.start_at IS NOT NULL)) THEN
            NEW.anchor_at := coalesce(NEW.start_at, now());
        END IF;
        IF (NEW.interval, NEW.specific_times, NEW.cron_expression, NEW.run_at, NEW.max_runs)
           IS DISTINCT FROM (OLD.interval, OLD.specific_times, OLD.cron_expression, OLD.run_at, OLD.max_runs) THEN
            NEW.occurrence_count := 0;
        END IF;
        IF OLD.status = 'completed' AND NEW.status = 'completed' THEN
            NEW.status := 'active';
        END IF;
        NEW.next_run_at := NULL;
        NEW.spec_version := OLD.spec_version + 1;
    ELSIF NEW.status IS DISTINCT FROM OLD.status THEN
        NEW.next_run_at := NULL;
        NEW.spec_version := OLD.spec_version + 1;
    ELSIF (NEW.job_type, NEW.parameters, NEW.market_codes, NEW.tags)
          IS DISTINCT FROM (OLD.job_type, OLD.parameters, OLD.market_codes, OLD.tags)
          OR (NEW.next_run_at IS NULL AND OLD.next_run_at IS NOT NULL) THEN
        NEW.spec_version := OLD.spec_version + 1;       -- judged again; a planned time stays, unless it was emptied
    END IF;
    RETURN NEW;
END $$;

DROP TRIGGER b_version ON schedule_jobs;
DROP TRIGGER notify_edit ON schedule_jobs;

CREATE TRIGGER b_version
    BEFORE INSERT OR UPDATE OF name, job_type, status, interval, specific_times, cron_expression, run_at, timezone,
        start_at, end_at, max_runs, days_of_week, calendar, on_holiday, jitter_seconds, max_instances, paused_until,
        pause_reason, misfire_policy, misfire_grace, overlap_policy, market_codes, parameters, priority, timeout_minutes, max_retries,
        important, owner, description, tags, next_run_at
    ON schedule_jobs FOR EACH ROW
    WHEN (NOT erp_is_daemon())
    EXECUTE FUNCTION schedule_jobs_version();

CREATE TRIGGER notify_edit
    AFTER INSERT OR DELETE OR UPDATE OF name, job_type, status, interval, specific_times, cron_expression, run_at,
        timezone, days_of_week, start_at, end_at, max_runs, calendar, on_holiday, jitter_seconds, max_instances, paused_until,
        overlap_policy, misfire_policy, market_codes, tags, parameters, priority, next_run_at
    ON schedule_jobs FOR EACH STATEMENT
    EXECUTE FUNCTION erp_notify();
