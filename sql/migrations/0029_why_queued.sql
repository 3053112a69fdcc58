-- Why a queued execution waits: since when, and what really holds it up. What has only just become due is about to start.

SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- A clock of another zone looks like a Korean one, hours away: its name stands behind it.
CREATE OR REPLACE FUNCTION schedule_local(moment timestamptz, zone text DEFAULT 'Asia/Seoul') RETURNS text
LANGUAGE sql STABLE
RETURN to_char(moment AT TIME ZONE zone, 'YYYY-MM-DD HH24:MI') || CASE WHEN zone = 'Asia/Seoul' THEN '' ELSE ' (' || zone || ')' END;

COMMENT ON FUNCTION schedule_local(timestamptz, text) IS '그 시간대의 날짜와 시각, 한국이 아니면 시간대 이름과 함께
Date and time in a zone, with its name where that is not the Korean one';

CREATE OR REPLACE FUNCTION schedule_why_waiting(waiting job_executions, of_job schedule_jobs)
RETURNS TABLE (cause text, ko text, en text, fix text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    other    record;
    zone     text := coalesce(of_job.timezone, 'Asia/Seoul');
    since_ko text := '';
    since_en text := '';
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
            format('실행 %s: %s에 시작합니다', waiting.id, schedule_local(waiting.available_at, zone))
            || CASE WHEN other.id IS NULL THEN '' ELSE format(' (실행 %s 실패 뒤 재시도 %s: %s)', other.id, waiting.attempt, other.reason) END,
            format('execution %s starts at %s', waiting.id, schedule_local(waiting.available_at, zone))
            || CASE WHEN other.id IS NULL THEN '' ELSE format(' (attempt %s after execution %s: %s)', waiting.attempt, other.id, other.reason) END,
            format('UPDATE job_executions SET available_at = now() WHERE id = %s;', waiting.id);
        RETURN;
    END IF;
    IF waiting.available_at <= now() - interval '1 minute' THEN
        since_ko := format(' (실행 %s, %s부터 대기)', waiting.id, schedule_local(waiting.available_at, zone));
        since_en := format(' (execution %s, waiting since %s)', waiting.id, schedule_local(waiting.available_at, zone));
    END IF;
    IF of_job.status IN ('paused', 'invalid')
       OR (of_job.status = 'completed' AND waiting.trigger NOT IN ('manual', 'retry', 'backfill')) THEN
        RETURN QUERY SELECT state.cause, state.ko || since_ko, state.en || since_en, state.fix FROM schedule_why_state(of_job) AS state;
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    SELECT held.* INTO other FROM schedule_locks AS held
     WHERE held.job_id = of_job.id AND held.execution_id IS NULL AND held.expires_at > now() LIMIT 1;
    IF FOUND THEN
        RETURN QUERY SELECT 'lock_by_hand',
            format('사람이 %s까지 잠갔습니다', schedule_local(other.expires_at, zone)) || since_ko,
            format('a person has locked it until %s', schedule_local(other.expires_at, zone)) || since_en,
            format('SELECT * FROM schedule_release_lock(%s, force => true);', of_job.id);
        RETURN;
    END IF;
    SELECT live.*, count(*) OVER () AS number INTO other FROM job_executions AS live
     WHERE live.job_id = of_job.id AND live.status = 'running' ORDER BY live.started_at LIMIT 1;
    IF FOUND AND other.number >= coalesce(of_job.max_instances, 1) THEN
        RETURN QUERY SELECT 'overlap',
            format('앞 실행 %s: %s부터 노드 %s에서 실행 중이라 기다립니다', other.id, schedule_local(other.started_at, zone), other.node)
            || since_ko,
            format('it waits for execution %s, which runs on node %s since %s', other.id, other.node,
                   schedule_local(other.started_at, zone)) || since_en,
            format('SELECT schedule_cancel(%s);', other.id);
        RETURN;
    END IF;
    -- The lock of a run that is gone stands until its lease is over; the others of the job wait for that as well.
    SELECT held.*, count(*) OVER () AS number INTO other FROM schedule_locks AS held
     WHERE held.job_id = of_job.id AND held.expires_at > now() ORDER BY held.expires_at LIMIT 1;
    IF FOUND AND other.number >= coalesce(of_job.max_instances, 1) THEN
        RETURN QUERY SELECT 'lock',
            format('실행 %s의 잠금이 %s까지 남아 있어 기다립니다', other.execution_id, schedule_local(other.expires_at, zone)) || since_ko,
            format('it waits for the lock of execution %s, which lasts until %s', other.execution_id,
                   schedule_local(other.expires_at, zone)) || since_en,
            format('SELECT * FROM schedule_release_lock(%s, force => true);', of_job.id);
        RETURN;
    END IF;
    RETURN QUERY SELECT node.cause, node.ko || since_ko, node.en || since_en, node.fix
                   FROM schedule_why_nodes(waiting.job_type) AS node;
    IF FOUND THEN
        RETURN;
    END IF;
    -- One execution of a job is taken at a time: whatever is due earlier or more urgent goes first.
    SELECT ahead.id INTO other FROM job_executions AS ahead
     WHERE ahead.job_id = of_job.id AND ahead.status = 'queued' AND ahead.available_at <= now()
     ORDER BY ahead.priority DESC, ahead.available_at, ahead.id LIMIT 1;
    IF FOUND AND other.id <> waiting.id THEN
        RETURN QUERY SELECT 'ahead', format('같은 작업의 실행 %s 다음 차례입니다', other.id) || since_ko,
                            format('execution %s of the same job goes first', other.id) || since_en,
                            format('SELECT * FROM job_executions WHERE job_id = %s AND status = ''queued'';', of_job.id);
    ELSIF since_ko = '' THEN
        RETURN QUERY SELECT 'queued', format('실행 %s: 곧 시작합니다', waiting.id),
                            format('execution %s is about to start', waiting.id), NULL::text;
    ELSE
        SELECT string_agg(node.name, ', ' ORDER BY node.name) AS names INTO other FROM (
            SELECT live.name FROM schedule_nodes_live AS live
             WHERE waiting.job_type = ANY (live.job_types) AND live.state = 'running' AND live.drained_since IS NULL
             GROUP BY live.name ORDER BY live.name LIMIT 5) AS node;
        RETURN QUERY SELECT 'not_taken',
            format('자리가 비어 있는데 아직 가져가지 않았습니다. 노드 %s의 로그를 보세요', coalesce(other.names, '?')) || since_ko,
            format('a slot is free, yet nobody has taken it; look into the log of node %s', coalesce(other.names, '?')) || since_en,
            'erp-scheduler status'::text;
    END IF;
END $$;

COMMENT ON FUNCTION schedule_why_waiting(job_executions, schedule_jobs) IS '대기 중인 실행이 언제부터, 왜 기다리는지
Since when and why a queued execution waits';
