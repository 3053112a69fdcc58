-- The history of a job holds what it waits for, and the way back brings that too.

-- The functions below act for people who hold no rights on the tables: they find them here, and nowhere else.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

CREATE FUNCTION schedule_job_waits_for(of_job bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object(
                        'job_id', edge.depends_on, 'job', coalesce(former.name, edge.depends_on::text),
                        'condition', edge.condition, 'outcome', edge.outcome) ORDER BY coalesce(former.name, edge.depends_on::text), edge.depends_on), '[]')
      FROM job_dependencies AS edge
      LEFT JOIN schedule_jobs AS former ON former.id = edge.depends_on          -- gone already, when both are deleted at once
     WHERE edge.job_id = of_job
$$;

CREATE FUNCTION schedule_job_awaited_by(of_job bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('job_id', edge.job_id, 'condition', edge.condition, 'outcome', edge.outcome)
                              ORDER BY edge.job_id), '[]')
      FROM job_dependencies AS edge
     WHERE edge.depends_on = of_job
$$;

-- What one transaction does to the row of a job and then to its edges is one revision.
CREATE FUNCTION schedule_note_revision(of_job bigint, what text, named text[], former jsonb, latter jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    door  text := current_setting('erp_scheduler.via', true);
    place integer;
BEGIN
    IF named = '{depends_on}' AND current_setting('erp_scheduler.revised', true) LIKE of_job || ':%' THEN
        place := split_part(current_setting('erp_scheduler.revised', true), ':', 2)::integer;
        UPDATE job_revisions AS known
           SET new = latter,
               changed = CASE WHEN known.action = 'insert' THEN '{}'
                              ELSE ARRAY(SELECT DISTINCT each FROM unnest(known.changed || named) AS each ORDER BY each) END
         WHERE known.job_id = of_job AND known.revision = place AND known.action <> 'delete';
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    SELECT coalesce(max(revision), 0) + 1 INTO place FROM job_revisions WHERE job_id = of_job;
    INSERT INTO job_revisions (job_id, job_name, revision, actor, via, action, changed, old, new)
    VALUES (of_job, coalesce(latter, former) ->> 'name', place,
            left(coalesce(nullif(current_setting('erp_scheduler.actor', true), ''), session_user), 200),
            CASE WHEN door IN ('cli', 'python', 'rest', 'web') THEN door ELSE 'sql' END,
            CASE WHEN current_setting('erp_scheduler.restoring', true) = of_job::text THEN 'restore' ELSE what END,
            CASE WHEN what = 'update' THEN named ELSE '{}' END, former, latter);
    PERFORM set_config('erp_scheduler.revised', of_job || ':' || place, true);
END $$;

-- The edges of a job that is deleted go before its own history is written.
CREATE FUNCTION schedule_jobs_remember_edges() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM set_config('erp_scheduler.edges', (
        coalesce(nullif(current_setting('erp_scheduler.edges', true), ''), '{}')::jsonb
        || jsonb_build_object(OLD.id, jsonb_build_object('depends_on', schedule_job_waits_for(OLD.id),
                                                         'awaited_by', schedule_job_awaited_by(OLD.id))))::text, true);
    RETURN OLD;
END $$;

CREATE TRIGGER remember_edges BEFORE DELETE ON schedule_jobs
    FOR EACH ROW WHEN (NOT erp_is_daemon()) EXECUTE FUNCTION schedule_jobs_remember_edges();

CREATE OR REPLACE FUNCTION schedule_jobs_revise() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    former jsonb := CASE WHEN TG_OP <> 'INSERT' THEN schedule_job_edited(OLD) END;
    latter jsonb := CASE WHEN TG_OP <> 'DELETE' THEN schedule_job_edited(NEW) END;
    named  text[];
    edges  jsonb;
BEGIN
    IF former = latter THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(array_agg(each.key ORDER BY each.key), '{}') INTO named
      FROM jsonb_each(latter) AS each
     WHERE TG_OP = 'UPDATE' AND each.value IS DISTINCT FROM former -> each.key;
    edges := CASE WHEN TG_OP = 'DELETE' THEN current_setting('erp_scheduler.edges', true)::jsonb -> OLD.id::text
                  ELSE jsonb_build_object('depends_on', schedule_job_waits_for(NEW.id)) END;
    -- The time that was planned then says later whether a pause has cost a run.
    PERFORM schedule_note_revision(CASE TG_OP WHEN 'DELETE' THEN OLD.id ELSE NEW.id END, lower(TG_OP), named,
        former || edges || jsonb_build_object('next_run_at', CASE WHEN TG_OP <> 'INSERT' THEN OLD.next_run_at END,
                                              'anchor_at', CASE WHEN TG_OP <> 'INSERT' THEN OLD.anchor_at END),
        latter || edges || jsonb_build_object('anchor_at', CASE WHEN TG_OP <> 'DELETE' THEN NEW.anchor_at END));
    RETURN NULL;
END $$;

-- Only for columns that people edit: what the daemon writes all the time must not even ask whether it is a daemon's write.
DO $$
DECLARE
    edited text;
BEGIN
    SELECT string_agg(quote_ident(column_name), ', ' ORDER BY column_name) INTO edited
      FROM jsonb_object_keys(schedule_job_edited(jsonb_populate_record(NULL::schedule_jobs, '{}'))) AS column_name;
    DROP TRIGGER revise ON schedule_jobs;
    EXECUTE format('CREATE TRIGGER revise AFTER INSERT OR DELETE OR UPDATE OF %s ON schedule_jobs'
                   ' FOR EACH ROW WHEN (NOT erp_is_daemon()) EXECUTE FUNCTION schedule_jobs_revise()', edited);
END $$;

-- Statement by statement. What somebody else deletes of a job's edges, with the job that it waits for, is in its history too.
CREATE FUNCTION job_dependencies_revise() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    come   jsonb := '[]';
    gone   jsonb := '[]';
    of_job bigint;
    job    schedule_jobs;
    waits  jsonb;
    before jsonb;
BEGIN
    IF TG_OP <> 'DELETE' THEN
        SELECT coalesce(jsonb_agg(to_jsonb(latter)), '[]') INTO come FROM latter;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        SELECT coalesce(jsonb_agg(to_jsonb(former)), '[]') INTO gone FROM former;
    END IF;
    FOR of_job IN SELECT DISTINCT (edge ->> 'job_id')::bigint AS id FROM jsonb_array_elements(come || gone) AS edge ORDER BY id LOOP
        SELECT * INTO job FROM schedule_jobs AS known WHERE known.id = of_job;
        CONTINUE WHEN NOT FOUND;
        waits := schedule_job_waits_for(of_job);
        SELECT coalesce(jsonb_agg(edge.one ORDER BY edge.one ->> 'job', edge.one -> 'job_id'), '[]') INTO before
          FROM (SELECT one FROM jsonb_array_elements(waits) AS one
                 WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(come) AS made
                                    WHERE made -> 'job_id' = to_jsonb(of_job) AND made -> 'depends_on' = one -> 'job_id')
                 UNION ALL
                SELECT jsonb_build_object('job_id', lost -> 'depends_on', 'job', coalesce(known.name, lost ->> 'depends_on'),
                                          'condition', lost -> 'condition', 'outcome', lost -> 'outcome')
                  FROM jsonb_array_elements(gone) AS lost LEFT JOIN schedule_jobs AS known ON known.id = (lost ->> 'depends_on')::bigint
                 WHERE lost -> 'job_id' = to_jsonb(of_job)) AS edge;
        CONTINUE WHEN before = waits;
        PERFORM schedule_note_revision(of_job, 'update', '{depends_on}',
            schedule_job_edited(job) || jsonb_build_object('depends_on', before, 'next_run_at', job.next_run_at, 'anchor_at', job.anchor_at),
            schedule_job_edited(job) || jsonb_build_object('depends_on', waits, 'anchor_at', job.anchor_at));
    END LOOP;
    RETURN NULL;
END $$;

CREATE TRIGGER revise_insert AFTER INSERT ON job_dependencies REFERENCING NEW TABLE AS latter
    FOR EACH STATEMENT WHEN (NOT erp_is_daemon()) EXECUTE FUNCTION job_dependencies_revise();
CREATE TRIGGER revise_update AFTER UPDATE ON job_dependencies REFERENCING OLD TABLE AS former NEW TABLE AS latter
    FOR EACH STATEMENT WHEN (NOT erp_is_daemon()) EXECUTE FUNCTION job_dependencies_revise();
CREATE TRIGGER revise_delete AFTER DELETE ON job_dependencies REFERENCING OLD TABLE AS former
    FOR EACH STATEMENT WHEN (NOT erp_is_daemon()) EXECUTE FUNCTION job_dependencies_revise();

-- Jobs that are there no more are waited for no more; what waited for the job itself waits again, if it is there.
CREATE FUNCTION schedule_restore_edges(of_job bigint, wanted jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF wanted ? 'depends_on' THEN
        DELETE FROM job_dependencies AS edge
         WHERE edge.job_id = of_job
           AND NOT EXISTS (SELECT FROM jsonb_array_elements(wanted -> 'depends_on') AS one WHERE one -> 'job_id' = to_jsonb(edge.depends_on));
        INSERT INTO job_dependencies AS edge (job_id, depends_on, condition, outcome)
        SELECT of_job, known.id, one ->> 'condition', one ->> 'outcome'
          FROM jsonb_array_elements(wanted -> 'depends_on') AS one JOIN schedule_jobs AS known ON known.id = (one ->> 'job_id')::bigint
            ON CONFLICT (job_id, depends_on) DO UPDATE SET condition = excluded.condition, outcome = excluded.outcome
         WHERE (edge.condition, edge.outcome) IS DISTINCT FROM (excluded.condition, excluded.outcome);
    END IF;
    INSERT INTO job_dependencies (job_id, depends_on, condition, outcome)
    SELECT known.id, of_job, one ->> 'condition', one ->> 'outcome'
      FROM jsonb_array_elements(coalesce(wanted -> 'awaited_by', '[]')) AS one JOIN schedule_jobs AS known ON known.id = (one ->> 'job_id')::bigint
        ON CONFLICT DO NOTHING;
END $$;

CREATE OR REPLACE FUNCTION schedule_restore(job text, revision integer DEFAULT NULL) RETURNS schedule_jobs
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '10s' SET intervalstyle = 'postgres' AS $$
DECLARE
    refused boolean;
    number  bigint;
    present schedule_jobs;
    kept    job_revisions;
    wanted  jsonb;
    columns text;
    lowest  text := current_setting('erp_scheduler.minimum_interval', true);
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
    -- A step whose workflow is gone, or has another job for it by now, comes back as a job of its own.
    IF NOT EXISTS (SELECT FROM schedule_workflows AS flow WHERE flow.name = wanted ->> 'workflow')
       OR EXISTS (SELECT FROM schedule_jobs AS other WHERE other.workflow = wanted ->> 'workflow'
                     AND other.workflow_step = wanted ->> 'workflow_step' AND other.id <> number) THEN
        wanted := wanted || '{"workflow": null, "workflow_step": null}';
    END IF;
    wanted := wanted - 'next_run_at';

    SELECT string_agg(quote_ident(each.attname), ', ' ORDER BY each.attnum) INTO columns
      FROM pg_attribute AS each
     WHERE each.attrelid = 'schedule_jobs'::regclass AND each.attnum > 0 AND NOT each.attisdropped AND wanted ? each.attname;
    PERFORM set_config('erp_scheduler.restoring', number::text, true),
            set_config('erp_scheduler.minimum_interval', '1 second', true);     -- it was taken once
    IF present.id IS NULL THEN
        EXECUTE format('INSERT INTO schedule_jobs (id, %1$s) SELECT $1, %1$s FROM jsonb_populate_record(NULL::schedule_jobs, $2)'
                       ' RETURNING *', columns) INTO present USING number, wanted;
    ELSE
        EXECUTE format('UPDATE schedule_jobs SET (%1$s) = (SELECT %1$s FROM jsonb_populate_record(NULL::schedule_jobs, $2))'
                       ' WHERE id = $1 RETURNING *', columns) INTO present USING number, wanted;
    END IF;
    PERFORM schedule_restore_edges(number, wanted),
            set_config('erp_scheduler.restoring', '', true), set_config('erp_scheduler.minimum_interval', coalesce(lowest, ''), true);
    RETURN present;
END $$;

REVOKE EXECUTE ON FUNCTION schedule_note_revision(bigint, text, text[], jsonb, jsonb), schedule_restore_edges(bigint, jsonb),
    schedule_jobs_remember_edges(), job_dependencies_revise() FROM PUBLIC;

COMMENT ON COLUMN job_revisions.old IS '바꾸기 전. next_run_at은 그때의 다음 예정 시각, depends_on은 기다리던 작업
The job before; next_run_at is the time that was planned next then, depends_on what it waited for';
COMMENT ON FUNCTION schedule_job_waits_for(bigint) IS '이 작업이 기다리는 작업들
What a job waits for';
COMMENT ON FUNCTION schedule_job_awaited_by(bigint) IS '이 작업을 기다리는 작업들
What waits for a job';
COMMENT ON FUNCTION schedule_note_revision(bigint, text, text[], jsonb, jsonb) IS '변경 하나를 이력에 남깁니다
Writes one edit to the history';
COMMENT ON FUNCTION schedule_jobs_remember_edges() IS '작업을 지우기 전에 앞뒤 작업을 기억합니다
Remembers what a job waits for and what waits for it, before it is deleted';
COMMENT ON FUNCTION job_dependencies_revise() IS '앞 작업의 변경을 이력에 남깁니다
Writes each edit of dependencies to the history of the job that waits';
COMMENT ON FUNCTION schedule_restore_edges(bigint, jsonb) IS '되돌릴 때 앞뒤 작업도 되돌립니다
Brings back what a job waited for, and what waited for it';
