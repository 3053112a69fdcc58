-- Who changed which job, when, through which door, from what to what; and the way back.

-- The functions below act for people who hold no rights on the tables: they find them here, and nowhere else.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

CREATE TABLE job_revisions (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id     bigint NOT NULL,
    job_name   text NOT NULL,
    revision   integer NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor      text NOT NULL,
    via        text NOT NULL,
    action     text NOT NULL,
    changed    text[] NOT NULL DEFAULT '{}',
    old        jsonb,
    new        jsonb,
    CONSTRAINT job_revisions_once UNIQUE (job_id, revision),
    CONSTRAINT "job_revisions: action is insert, update, delete or restore"
        CHECK (action IN ('insert', 'update', 'delete', 'restore'))
);

CREATE INDEX job_revisions_deleted ON job_revisions (job_name, id) WHERE action = 'delete';
CREATE INDEX job_revisions_changed_at ON job_revisions (changed_at);

-- What people edit is all but what the service keeps for itself, so that a column of a later release counts by itself.
CREATE FUNCTION schedule_job_edited(job schedule_jobs) RETURNS jsonb
LANGUAGE sql STABLE SET intervalstyle = 'postgres'
RETURN to_jsonb(job) - ARRAY['id', 'next_run_at', 'last_run_at', 'last_success_at', 'last_failure_at', 'last_status',
    'last_error', 'consecutive_failures', 'run_count', 'occurrence_count', 'anchor_at', 'spec_version', 'planned_version',
    'planned_at', 'fence', 'created_at', 'updated_at'];

-- The row of the job is locked by the edit itself, so its revisions are counted one after the other.
CREATE FUNCTION schedule_jobs_revise() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    former  jsonb := CASE WHEN TG_OP <> 'INSERT' THEN schedule_job_edited(OLD) END;
    latter  jsonb := CASE WHEN TG_OP <> 'DELETE' THEN schedule_job_edited(NEW) END;
    of_job  bigint := CASE WHEN TG_OP = 'DELETE' THEN OLD.id ELSE NEW.id END;
    named   text[];
    door    text := current_setting('erp_scheduler.via', true);
BEGIN
    IF former = latter THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(array_agg(each.key ORDER BY each.key), '{}') INTO named
      FROM jsonb_each(latter) AS each
     WHERE TG_OP = 'UPDATE' AND each.value IS DISTINCT FROM former -> each.key;
    INSERT INTO job_revisions (job_id, job_name, revision, actor, via, action, changed, old, new)
    VALUES (of_job, coalesce(latter, former) ->> 'name',
            coalesce((SELECT max(revision) FROM job_revisions WHERE job_id = of_job), 0) + 1,
            left(coalesce(nullif(current_setting('erp_scheduler.actor', true), ''), session_user), 200),
            CASE WHEN door IN ('cli', 'python', 'rest', 'web') THEN door ELSE 'sql' END,
            CASE WHEN current_setting('erp_scheduler.restoring', true) = of_job::text THEN 'restore' ELSE lower(TG_OP) END,
            named,
            -- The time that was planned then says later whether a pause has cost a run.
            former || jsonb_build_object('next_run_at', CASE WHEN TG_OP <> 'INSERT' THEN OLD.next_run_at END), latter);
    RETURN NULL;
END $$;

CREATE TRIGGER revise AFTER INSERT OR UPDATE OR DELETE ON schedule_jobs
    FOR EACH ROW WHEN (NOT erp_is_daemon())
    EXECUTE FUNCTION schedule_jobs_revise();

-- Never returns. Called in an assignment, so that the refusal's context is a line and not the whole statement.
CREATE FUNCTION schedule_refuse(code text, message text, ko text, en text) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message, HINT = erp_say(ko, en);
END $$;

-- A number is an id and nothing else; no job may be named so.
CREATE FUNCTION schedule_job_id(job text) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    refused boolean;
    found bigint;
BEGIN
    SELECT known.id INTO found
      FROM schedule_jobs AS known
     WHERE CASE WHEN $1 ~ '^[0-9]{1,18}$' THEN known.id = $1::bigint ELSE known.name = $1 END;
    IF found IS NULL THEN
        refused := schedule_refuse('no_data_found',
            CASE WHEN $1 ~ '^[0-9]+$' THEN format('no job with id %s', $1)
                 ELSE format('no job %s', quote_nullable(left($1, 200))) END,
            '작업 목록: SELECT id, name, status FROM schedule_jobs ORDER BY id;',
            'The jobs: SELECT id, name, status FROM schedule_jobs ORDER BY id;');
    END IF;
    RETURN found;
END $$;

CREATE FUNCTION schedule_lock_job(job text) RETURNS schedule_jobs
LANGUAGE plpgsql AS $$
DECLARE
    number bigint := schedule_job_id(job);
    locked schedule_jobs;
BEGIN
    SELECT * INTO locked FROM schedule_jobs AS known WHERE known.id = number FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM schedule_job_id(number::text);
    END IF;
    RETURN locked;
END $$;

CREATE FUNCTION schedule_restore(job text, revision integer DEFAULT NULL) RETURNS schedule_jobs
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '10s' SET intervalstyle = 'postgres' AS $$
DECLARE
    refused boolean;
    number  bigint;
    present schedule_jobs;
    kept    job_revisions;
    wanted  jsonb;
    columns text;
BEGIN
    SELECT known.id INTO number FROM schedule_jobs AS known
     WHERE CASE WHEN job ~ '^[0-9]{1,18}$' THEN known.id = job::bigint ELSE known.name = job END;
    IF number IS NULL THEN
        SELECT gone.job_id INTO number FROM job_revisions AS gone
         WHERE CASE WHEN job ~ '^[0-9]{1,18}$' THEN gone.job_id = job::bigint
                    ELSE gone.job_name = job AND gone.action = 'delete' END
         ORDER BY gone.id DESC LIMIT 1;
    END IF;
    IF number IS NULL THEN
        PERFORM schedule_job_id(job);
    END IF;
    SELECT * INTO present FROM schedule_jobs AS known WHERE known.id = number FOR NO KEY UPDATE;

    SELECT * INTO kept FROM job_revisions AS each
     WHERE each.job_id = number AND (schedule_restore.revision IS NULL OR each.revision = greatest(schedule_restore.revision, 1))
     ORDER BY each.revision DESC LIMIT 1;
    wanted := CASE WHEN coalesce(schedule_restore.revision, 0) = 0 THEN kept.old ELSE kept.new END;
    IF kept.id IS NULL THEN
        refused := schedule_refuse('no_data_found',
            format('job %s has no revision%s', number, coalesce(' ' || schedule_restore.revision, '')),
            format('남아 있는 이력: SELECT revision, changed_at, actor, action, changed FROM job_revisions WHERE job_id = %s;', number),
            format('What is kept: SELECT revision, changed_at, actor, action, changed FROM job_revisions WHERE job_id = %s;', number));
    ELSIF wanted IS NULL THEN
        refused := schedule_refuse('object_not_in_prerequisite_state',
            CASE WHEN kept.action = 'delete' THEN format('revision %s is the deletion of job %s', kept.revision, number)
                 ELSE format('before revision %s there was no job %s', kept.revision, number) END,
            CASE WHEN kept.action = 'delete' THEN format('지우기 전으로: SELECT schedule_restore(%s, %s);', number, kept.revision - 1)
                 ELSE format('지우려면: DELETE FROM schedule_jobs WHERE id = %s;', number) END,
            CASE WHEN kept.action = 'delete' THEN format('As it was before: SELECT schedule_restore(%s, %s);', number, kept.revision - 1)
                 ELSE format('To delete it: DELETE FROM schedule_jobs WHERE id = %s;', number) END);
    ELSIF EXISTS (SELECT FROM schedule_jobs AS other WHERE other.name = wanted ->> 'name' AND other.id <> number) THEN
        refused := schedule_refuse('unique_violation',
            format('another job is named %s now', quote_literal(wanted ->> 'name')),
            format('그 작업의 이름을 먼저 바꾸세요: UPDATE schedule_jobs SET name = ''…'' WHERE name = %s;', quote_literal(wanted ->> 'name')),
            format('Rename that one first: UPDATE schedule_jobs SET name = ''…'' WHERE name = %s;', quote_literal(wanted ->> 'name')));
    END IF;
    -- What could not be run then gets another chance.
    IF wanted ->> 'status' = 'invalid' THEN
        wanted := wanted || '{"status": "active"}';
    END IF;
    wanted := wanted - 'next_run_at';

    SELECT string_agg(quote_ident(each.attname), ', ' ORDER BY each.attnum) INTO columns
      FROM pg_attribute AS each
     WHERE each.attrelid = 'schedule_jobs'::regclass AND each.attnum > 0 AND NOT each.attisdropped AND wanted ? each.attname;
    PERFORM set_config('erp_scheduler.restoring', number::text, true);
    IF present.id IS NULL THEN
        EXECUTE format('INSERT INTO schedule_jobs (id, %1$s) SELECT $1, %1$s FROM jsonb_populate_record(NULL::schedule_jobs, $2)'
                       ' RETURNING *', columns) INTO present USING number, wanted;
    ELSE
        EXECUTE format('UPDATE schedule_jobs SET (%1$s) = (SELECT %1$s FROM jsonb_populate_record(NULL::schedule_jobs, $2))'
                       ' WHERE id = $1 RETURNING *', columns) INTO present USING number, wanted;
    END IF;
    PERFORM set_config('erp_scheduler.restoring', '', true);
    RETURN present;
END $$;

CREATE FUNCTION schedule_restore(job bigint, revision integer DEFAULT NULL) RETURNS schedule_jobs
LANGUAGE sql AS $$ SELECT schedule_restore($1::text, $2) $$;

REVOKE EXECUTE ON FUNCTION schedule_restore(text, integer), schedule_jobs_revise() FROM PUBLIC;

COMMENT ON TABLE job_revisions IS '작업의 변경 이력: 누가, 언제, 어느 문으로, 무엇을 무엇으로. 작업을 지워도 남습니다
Revisions of jobs: who changed what, when, through which door; kept when the job is deleted';
COMMENT ON COLUMN job_revisions.id IS '번호
Number';
COMMENT ON COLUMN job_revisions.job_id IS '작업 번호 (지워진 작업도)
Job, also one that was deleted';
COMMENT ON COLUMN job_revisions.job_name IS '그때의 작업 이름
Name of the job then';
COMMENT ON COLUMN job_revisions.revision IS '변경 번호: 작업마다 1부터
Revision, from 1 for each job';
COMMENT ON COLUMN job_revisions.changed_at IS '바꾼 시각
When it was changed';
COMMENT ON COLUMN job_revisions.actor IS '바꾼 사람: 설정 erp_scheduler.actor, 없으면 데이터베이스 사용자
Who changed it: the setting erp_scheduler.actor, else the user of the database';
COMMENT ON COLUMN job_revisions.via IS '어느 문으로: cli, python, rest, web, sql (설정 erp_scheduler.via)
Through which door: cli, python, rest, web or sql, by the setting erp_scheduler.via';
COMMENT ON COLUMN job_revisions.action IS 'insert 만듦, update 고침, delete 지움, restore 되돌림
insert, update, delete or restore';
COMMENT ON COLUMN job_revisions.changed IS '바뀐 열 (update)
Columns that changed';
COMMENT ON COLUMN job_revisions.old IS '바꾸기 전 (next_run_at은 그때의 다음 예정 시각)
The job before; next_run_at is the time that was planned next then';
COMMENT ON COLUMN job_revisions.new IS '바꾼 뒤
The job after';
COMMENT ON FUNCTION schedule_job_edited(schedule_jobs) IS '작업에서 사람이 고치는 열
The columns of a job that people edit';
COMMENT ON FUNCTION schedule_jobs_revise() IS '작업의 변경을 이력에 남깁니다
Writes each edit of a job to its history';
COMMENT ON FUNCTION schedule_refuse(text, text, text, text) IS '세션 언어의 도움말과 함께 거절합니다
Refuses, with a hint in the language of the session';
COMMENT ON FUNCTION schedule_job_id(text) IS '번호나 이름으로 작업 번호를 찾습니다
Finds the id of a job by id or name';
COMMENT ON FUNCTION schedule_lock_job(text) IS '작업 행을 잠그고 돌려줍니다
Locks the row of a job and returns it';
COMMENT ON FUNCTION schedule_restore(text, integer) IS '작업을 그 변경 직후로 되돌립니다. 번호가 없으면 마지막 변경을 취소합니다 (삭제도)
Sets a job back to what it was after that revision; without one, undoes the latest edit, also a deletion
SELECT schedule_restore(''주문 수집'')';
COMMENT ON FUNCTION schedule_restore(bigint, integer) IS '작업을 그 변경 직후로 되돌립니다. 번호가 없으면 마지막 변경을 취소합니다 (삭제도)
Sets a job back to what it was after that revision; without one, undoes the latest edit, also a deletion
SELECT schedule_restore(7, 3)';
