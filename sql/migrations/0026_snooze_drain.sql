-- What a person has put aside for a while: a job that is known to be ill, and a node that is to take no new work.

-- The functions below act for people who hold no rights on the tables: they find them here, and nowhere else.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

CREATE TABLE schedule_snoozes (
    job_id  bigint PRIMARY KEY REFERENCES schedule_jobs (id) ON DELETE CASCADE,
    until   timestamptz,
    since   timestamptz NOT NULL DEFAULT now(),
    by_whom text NOT NULL DEFAULT left(coalesce(nullif(current_setting('erp_scheduler.actor', true), ''), session_user), 200),
    reason  text,
    CONSTRAINT "schedule_snoozes: until is after since" CHECK (until > since),
    CONSTRAINT "schedule_snoozes: reason has at most 500 characters" CHECK (length(reason) <= 500)
);

CREATE TABLE schedule_drains (
    node    text PRIMARY KEY,
    since   timestamptz NOT NULL DEFAULT now(),
    by_whom text NOT NULL DEFAULT left(coalesce(nullif(current_setting('erp_scheduler.actor', true), ''), session_user), 200),
    reason  text,
    CONSTRAINT "schedule_drains: node has 1 to 100 characters" CHECK (length(node) BETWEEN 1 AND 100),
    CONSTRAINT "schedule_drains: reason has at most 500 characters" CHECK (length(reason) <= 500)
);

-- A snooze concerns people only; a drain is for the daemons to hear.
CREATE TRIGGER notify_pages AFTER INSERT OR UPDATE OR DELETE ON schedule_snoozes
    FOR EACH STATEMENT EXECUTE FUNCTION erp_notify_pages();
CREATE TRIGGER notify_edit AFTER INSERT OR UPDATE OR DELETE ON schedule_drains
    FOR EACH STATEMENT EXECUTE FUNCTION erp_notify();

-- The web and REST write lines of their own, which know the address and the request; every other door is noted here, and so
-- is whoever only says to be one of them.
CREATE FUNCTION schedule_note_aside() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    door   text := current_setting('erp_scheduler.via', true);
    former jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    latter jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    kept   jsonb := coalesce(latter, former);
    named  text := kept ->> 'node';
BEGIN
    IF erp_is_daemon() OR (door IN ('web', 'rest') AND has_table_privilege(session_user, 'audit_log', 'INSERT')) THEN
        RETURN NULL;
    END IF;
    IF TG_TABLE_NAME = 'schedule_snoozes' THEN
        SELECT job.name INTO named FROM schedule_jobs AS job WHERE job.id = (kept ->> 'job_id')::bigint;
        IF NOT FOUND THEN
            RETURN NULL;                -- it goes with its job, which has a history of its own
        END IF;
    END IF;
    INSERT INTO audit_log (actor, via, action, object, object_name, before, after)
    VALUES (left(coalesce(nullif(current_setting('erp_scheduler.actor', true), ''), session_user), 200),
            CASE WHEN door IN ('cli', 'python') THEN door ELSE 'sql' END,
            CASE TG_TABLE_NAME WHEN 'schedule_snoozes' THEN 'job.' ELSE 'node.' END
            || CASE WHEN latter IS NULL THEN 'un' ELSE '' END
            || CASE TG_TABLE_NAME WHEN 'schedule_snoozes' THEN 'snooze' ELSE 'drain' END,
            CASE TG_TABLE_NAME WHEN 'schedule_snoozes' THEN 'job:' || (kept ->> 'job_id') ELSE 'node:' || (kept ->> 'node') END,
            named, former, latter);
    RETURN NULL;
END $$;

CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON schedule_snoozes
    FOR EACH ROW EXECUTE FUNCTION schedule_note_aside();
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON schedule_drains
    FOR EACH ROW EXECUTE FUNCTION schedule_note_aside();

-- Until a moment, or until the first success after it was asked for: nobody has to remember to end it.
CREATE VIEW schedule_snoozes_live AS
SELECT quiet.job_id, job.name AS job_name, quiet.until, quiet.since, quiet.by_whom, quiet.reason, quiet.until IS NULL AS until_fixed
  FROM schedule_snoozes AS quiet JOIN schedule_jobs AS job ON job.id = quiet.job_id
 WHERE CASE WHEN quiet.until IS NULL THEN coalesce(job.last_success_at <= quiet.since, true) ELSE quiet.until > now() END;

CREATE FUNCTION schedule_snooze(
    job text, duration interval DEFAULT NULL, until timestamptz DEFAULT NULL, reason text DEFAULT NULL
) RETURNS schedule_snoozes
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '10s' AS $$
#variable_conflict use_column
DECLARE
    refused boolean;
    number bigint := schedule_job_id(job);
    moment timestamptz := coalesce(schedule_snooze.until, now() + duration);
    saved  schedule_snoozes;
BEGIN
    IF num_nonnulls(duration, schedule_snooze.until) > 1 THEN
        refused := schedule_refuse('check_violation', 'at most one of duration and until',
            '예: SELECT * FROM schedule_snooze(7, ''1 hour'');', 'Example: SELECT * FROM schedule_snooze(7, ''1 hour'');');
    ELSIF NOT moment BETWEEN now() + interval '1 millisecond' AND now() + interval '366 days' THEN
        refused := schedule_refuse('check_violation', format('until %s is not between now and 366 days from now', moment),
            '예: SELECT * FROM schedule_snooze(7, ''1 hour''); 고칠 때까지: SELECT * FROM schedule_snooze(7);',
            'Example: SELECT * FROM schedule_snooze(7, ''1 hour''); until it is fixed: SELECT * FROM schedule_snooze(7);');
    END IF;
    INSERT INTO schedule_snoozes AS kept (job_id, until, reason)
    VALUES (number, moment, left(nullif(btrim(schedule_snooze.reason), ''), 500))
    ON CONFLICT (job_id) DO UPDATE
       SET until = excluded.until, since = excluded.since, by_whom = excluded.by_whom, reason = excluded.reason
    RETURNING kept.* INTO saved;
    RETURN saved;
END $$;

CREATE FUNCTION schedule_snooze(
    job bigint, duration interval DEFAULT NULL, until timestamptz DEFAULT NULL, reason text DEFAULT NULL
) RETURNS schedule_snoozes
LANGUAGE sql AS $$ SELECT schedule_snooze($1::text, $2, $3, $4) $$;

CREATE FUNCTION schedule_unsnooze(job text) RETURNS schedule_snoozes
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '10s' AS $$
DECLARE
    refused boolean;
    number bigint := schedule_job_id(job);
    gone   schedule_snoozes;
BEGIN
    DELETE FROM schedule_snoozes AS kept WHERE kept.job_id = number RETURNING kept.* INTO gone;
    IF gone.job_id IS NULL THEN
        refused := schedule_refuse('no_data_found', format('job %s is not snoozed', number),
            '알림을 끈 작업: SELECT * FROM schedule_snoozes_live;', 'What is snoozed: SELECT * FROM schedule_snoozes_live;');
    END IF;
    RETURN gone;
END $$;

CREATE FUNCTION schedule_unsnooze(job bigint) RETURNS schedule_snoozes
LANGUAGE sql AS $$ SELECT schedule_unsnooze($1::text) $$;

-- A drain goes by the name of a node: it outlives a restart, and a second daemon of that name takes no work either.
CREATE FUNCTION schedule_drain(node text, reason text DEFAULT NULL) RETURNS schedule_drains
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '10s' AS $$
#variable_conflict use_column
DECLARE
    refused boolean;
    saved   schedule_drains;
BEGIN
    IF NOT EXISTS (SELECT FROM scheduler_nodes AS known WHERE known.name = schedule_drain.node)
       AND NOT EXISTS (SELECT FROM schedule_drains AS kept WHERE kept.node = schedule_drain.node) THEN
        refused := schedule_refuse('no_data_found', format('no node %s', quote_nullable(left(schedule_drain.node, 100))),
            '노드 목록: SELECT name, state FROM schedule_nodes_live;', 'The nodes: SELECT name, state FROM schedule_nodes_live;');
    END IF;
    INSERT INTO schedule_drains AS kept (node, reason)
    VALUES (schedule_drain.node, left(nullif(btrim(schedule_drain.reason), ''), 500))
    ON CONFLICT (node) DO UPDATE SET reason = coalesce(excluded.reason, kept.reason)
    RETURNING kept.* INTO saved;
    RETURN saved;
END $$;

CREATE FUNCTION schedule_undrain(node text) RETURNS schedule_drains
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '10s' AS $$
#variable_conflict use_column
DECLARE
    refused boolean;
    gone    schedule_drains;
BEGIN
    DELETE FROM schedule_drains AS kept WHERE kept.node = schedule_undrain.node RETURNING kept.* INTO gone;
    IF gone.node IS NULL THEN
        refused := schedule_refuse('no_data_found', format('node %s is not drained', quote_nullable(left(schedule_undrain.node, 100))),
            '비운 노드: SELECT * FROM schedule_drains;', 'What is drained: SELECT * FROM schedule_drains;');
    END IF;
    RETURN gone;
END $$;

ALTER TABLE scheduler_nodes DROP CONSTRAINT scheduler_nodes_state_check;
ALTER TABLE scheduler_nodes ADD CONSTRAINT "scheduler_nodes: state is running, draining, drained or stopped"
    CHECK (state IN ('running', 'draining', 'drained', 'stopped'));

CREATE OR REPLACE VIEW schedule_nodes_live AS
SELECT node.instance_id, node.name, node.host, node.pid, node.version, node.state, node.workers,
       (SELECT count(*) FROM job_executions AS live
         WHERE live.status = 'running' AND live.instance_id = node.instance_id)::integer AS running,
       node.job_types, node.started_at, node.seen_at, now() - node.seen_at AS silent,
       drain.since AS drained_since, drain.by_whom AS drained_by, drain.reason AS drain_reason
  FROM scheduler_nodes AS node LEFT JOIN schedule_drains AS drain ON drain.node = node.name
 WHERE node.state <> 'stopped' AND node.seen_at > now() - make_interval(secs => node.lease_seconds * 2);

-- A node that is stopping is as good as gone; one that is drained is there, and people can let it go on.
CREATE OR REPLACE FUNCTION schedule_why_nodes(of_type text) RETURNS TABLE (cause text, ko text, en text, fix text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    alive  bigint;
    seen   timestamptz;
    known  bigint;
    slots  bigint;
    taken  bigint;
    aside  text[];
    shown  text;
BEGIN
    SELECT count(*), count(*) FILTER (WHERE of_type = ANY (node.job_types) AND drain.node IS NULL),
           coalesce(sum(node.workers) FILTER (WHERE of_type = ANY (node.job_types) AND drain.node IS NULL), 0),
           coalesce(sum((SELECT count(*) FROM job_executions AS live
                          WHERE live.status = 'running' AND live.instance_id = node.instance_id))
                    FILTER (WHERE of_type = ANY (node.job_types) AND drain.node IS NULL), 0),
           array_agg(DISTINCT node.name) FILTER (WHERE of_type = ANY (node.job_types) AND drain.node IS NOT NULL)
      INTO alive, known, slots, taken, aside
      FROM scheduler_nodes AS node LEFT JOIN schedule_drains AS drain ON drain.node = node.name
     WHERE (node.state = 'running' OR (node.state <> 'stopped' AND drain.node IS NOT NULL))
       AND node.seen_at > now() - make_interval(secs => node.lease_seconds * 2);
    shown := array_to_string(aside[:5], ', ');
    IF alive = 0 THEN
        SELECT max(node.seen_at) INTO seen FROM scheduler_nodes AS node;
        cause := 'no_node';
        ko := '실행 중인 데몬이 없습니다' || coalesce(' (마지막 보고 ' || schedule_local(seen) || ')', '');
        en := 'no daemon is running' || coalesce(' (last heard of at ' || schedule_local(seen) || ')', '');
        fix := 'erp-scheduler start -d';
        RETURN NEXT;
    ELSIF known = 0 AND aside IS NOT NULL THEN
        cause := 'drained';
        ko := format('작업 유형 %s을(를) 아는 노드를 모두 비워 두어 새 작업을 받지 않습니다: %s', of_type, shown);
        en := format('every node that knows job type %s is drained and takes no new work: %s', of_type, shown);
        fix := format('SELECT * FROM schedule_undrain(%L);', aside[1]);
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

-- Of a node that takes no new work only the slots in use count.
DROP FUNCTION schedule_status();
CREATE FUNCTION schedule_status()
RETURNS TABLE (now timestamptz, nodes_alive bigint, slots bigint, running bigint, queued bigint, held bigint, overdue bigint,
               active_jobs bigint, paused_jobs bigint, invalid_jobs bigint, failing_jobs bigint, succeeded_24h bigint,
               failed_24h bigint, next_run_at timestamptz, next_job text, nodes_drained bigint, snoozed_jobs bigint)
LANGUAGE sql STABLE AS $$
    SELECT now(), nodes.alive, nodes.slots, live.running, live.queued, live.held, jobs.overdue, jobs.active, jobs.paused, jobs.invalid,
           jobs.failing, past.succeeded, past.failed, coming.next_run_at, coming.name, nodes.drained,
           (SELECT count(*) FROM schedule_snoozes_live)
      FROM (SELECT count(*) AS alive, count(drain.node) AS drained,
                   coalesce(sum(CASE WHEN drain.node IS NULL THEN node.workers ELSE node.running END), 0) AS slots
              FROM scheduler_nodes AS node LEFT JOIN schedule_drains AS drain ON drain.node = node.name
             WHERE node.state <> 'stopped' AND node.seen_at > now() - make_interval(secs => node.lease_seconds * 2)) AS nodes
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

-- What a snooze hides is the job's own trouble; that nothing can run at all is never hidden.
CREATE OR REPLACE VIEW schedule_problems AS
SELECT problem.severity, problem.kind, problem.job_id, problem.job_name, problem.since, problem.ko, problem.en, problem.fix
  FROM (SELECT 1, 'no_node', NULL::bigint, NULL::text, (SELECT max(seen_at) FROM scheduler_nodes), '실행 중인 데몬이 없습니다',
               'no daemon is running', 'erp-scheduler start -d'
         WHERE NOT EXISTS (SELECT FROM schedule_nodes_live)
         UNION ALL
        SELECT 1, 'drained', NULL, NULL, max(node.drained_since),
               '모든 노드를 비워 두어 새 작업이 시작되지 않습니다: ' || string_agg(DISTINCT node.name, ', '),
               'every node is drained, so nothing new starts: ' || string_agg(DISTINCT node.name, ', '),
               format('SELECT * FROM schedule_undrain(%L)', min(node.name))
          FROM schedule_nodes_live AS node
        HAVING count(*) > 0 AND count(*) = count(node.drained_since)
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
 WHERE NOT EXISTS (SELECT FROM schedule_snoozes_live AS quiet WHERE quiet.job_id = problem.job_id)
 ORDER BY problem.severity, problem.since;

REVOKE EXECUTE ON FUNCTION schedule_snooze(text, interval, timestamptz, text), schedule_unsnooze(text), schedule_drain(text, text),
    schedule_undrain(text), schedule_note_aside() FROM PUBLIC;

COMMENT ON TABLE schedule_snoozes IS '알림을 끈 작업. 행을 지우면 바로 다시 보입니다
Jobs whose trouble is known and not shown for a while; delete the row and it shows at once';
COMMENT ON COLUMN schedule_snoozes.job_id IS '작업 번호
Job';
COMMENT ON COLUMN schedule_snoozes.until IS '이 시각까지. NULL이면 다음에 성공할 때까지
Until then; NULL until the job succeeds again';
COMMENT ON COLUMN schedule_snoozes.since IS '알림을 끈 시각
Since when';
COMMENT ON COLUMN schedule_snoozes.by_whom IS '끈 사람
Who did it';
COMMENT ON COLUMN schedule_snoozes.reason IS '이유
Why';
COMMENT ON TABLE schedule_drains IS '비운 노드: 새 작업을 받지 않고, 실행 중인 것은 끝냅니다. 다시 시작해도 그대로이며, 행을 지우면 바로 다시 받습니다
Drained nodes: no new work, what runs ends by itself. It outlives a restart; delete the row and the node takes work at once';
COMMENT ON COLUMN schedule_drains.node IS '노드 이름
Name of the node';
COMMENT ON COLUMN schedule_drains.since IS '비우기 시작한 시각
Since when';
COMMENT ON COLUMN schedule_drains.by_whom IS '비운 사람
Who did it';
COMMENT ON COLUMN schedule_drains.reason IS '이유
Why';
COMMENT ON VIEW schedule_snoozes_live IS '지금 알림이 꺼져 있는 작업
Jobs that are snoozed now
SELECT job_name, until, by_whom, reason FROM schedule_snoozes_live';
COMMENT ON COLUMN schedule_snoozes_live.job_id IS '작업 번호
Job';
COMMENT ON COLUMN schedule_snoozes_live.job_name IS '작업 이름
Name of the job';
COMMENT ON COLUMN schedule_snoozes_live.until IS '이 시각까지
Until then';
COMMENT ON COLUMN schedule_snoozes_live.since IS '알림을 끈 시각
Since when';
COMMENT ON COLUMN schedule_snoozes_live.by_whom IS '끈 사람
Who did it';
COMMENT ON COLUMN schedule_snoozes_live.reason IS '이유
Why';
COMMENT ON COLUMN schedule_snoozes_live.until_fixed IS '다음에 성공할 때까지인지
Whether it ends with the next success';
COMMENT ON COLUMN schedule_nodes_live.state IS '상태: running, draining 비우거나 멈추는 중, drained 비움
running, draining (a drain or a stop is under way) or drained';
COMMENT ON COLUMN schedule_nodes_live.drained_since IS '비우기 시작한 시각 (NULL이면 새 작업을 받음)
Since when it is drained; NULL when it takes work';
COMMENT ON COLUMN schedule_nodes_live.drained_by IS '비운 사람
Who drained it';
COMMENT ON COLUMN schedule_nodes_live.drain_reason IS '비운 이유
Why it is drained';
COMMENT ON COLUMN scheduler_nodes.state IS '상태: running, draining 비우거나 멈추는 중, drained 비움, stopped
running, draining (a drain or a stop is under way), drained or stopped';
COMMENT ON COLUMN schedule_problems.kind IS '종류: no_node, drained, invalid, failing, overdue, stuck, lock_by_hand
Kind: no_node, drained, invalid, failing, overdue, stuck, lock_by_hand';
COMMENT ON VIEW schedule_problems IS '지금 손봐야 할 것, 급한 것부터. 알림을 끈 작업의 것은 빠집니다
What needs somebody now, the gravest first, without that of snoozed jobs
SELECT ko, fix FROM schedule_problems';
COMMENT ON COLUMN audit_log.via IS '어느 문으로: web, rest, cli, python, sql
Through which door: web, rest, cli, python or sql';
COMMENT ON TABLE audit_log IS '감사 기록: 누가 무엇을 했는지. 작업을 고친 것은 job_revisions에도 있습니다. 고칠 수 없습니다
Audit log: who did what; edits of jobs are in job_revisions, too. It cannot be changed';
COMMENT ON FUNCTION schedule_note_aside() IS '알림 끄기와 노드 비우기를 감사 기록에 남깁니다
Notes snoozes and drains in the audit log';
COMMENT ON FUNCTION schedule_snooze(text, interval, timestamptz, text) IS '작업의 문제를 한동안 보이지 않게 합니다. 기간도 시각도 없으면 다음에 성공할 때까지
Hides a job''s trouble for a while; without a duration or a moment until it succeeds again
SELECT * FROM schedule_snooze(''주문 수집'', ''2 hours'', reason => ''마켓에 문의함'')';
COMMENT ON FUNCTION schedule_snooze(bigint, interval, timestamptz, text) IS '작업의 문제를 한동안 보이지 않게 합니다. 기간도 시각도 없으면 다음에 성공할 때까지
Hides a job''s trouble for a while; without a duration or a moment until it succeeds again
SELECT * FROM schedule_snooze(7)';
COMMENT ON FUNCTION schedule_unsnooze(text) IS '작업의 알림을 다시 켭니다
Lets a job''s trouble be seen again
SELECT * FROM schedule_unsnooze(''주문 수집'')';
COMMENT ON FUNCTION schedule_unsnooze(bigint) IS '작업의 알림을 다시 켭니다
Lets a job''s trouble be seen again
SELECT * FROM schedule_unsnooze(7)';
COMMENT ON FUNCTION schedule_drain(text, text) IS '노드를 비웁니다: 새 작업을 받지 않고 실행 중인 것은 끝냅니다. 다시 시작해도 그대로입니다
Drains a node: it takes no new work and lets what runs end; a restart does not change that
SELECT * FROM schedule_drain(''node-a'', reason => ''점검'')';
COMMENT ON FUNCTION schedule_undrain(text) IS '비운 노드가 다시 작업을 받게 합니다
Lets a drained node take work again
SELECT * FROM schedule_undrain(''node-a'')';
COMMENT ON FUNCTION schedule_status() IS '지금 상태를 한 행으로
How things are, in one row
SELECT * FROM schedule_status()';
