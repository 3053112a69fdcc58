-- An edit of calendars, overlays or dependencies costs nobody a wait: no job is locked by it, and circles are found at once.

-- The functions below act for people who hold no rights on the tables: they find them here, and nowhere else.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

CREATE TABLE schedule_replans (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source   text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at  timestamptz
);

CREATE OR REPLACE FUNCTION schedule_replan() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO schedule_replans (source) VALUES (TG_TABLE_NAME);
    PERFORM pg_notify('erp_scheduler', TG_TABLE_NAME);
    RETURN NULL;
END $$;

REVOKE EXECUTE ON FUNCTION schedule_replan() FROM PUBLIC;

-- Two edges that close a circle together must not pass each other: whoever adds one takes turns. Ids first, each once; the
-- way round is looked for only when there is one.
CREATE OR REPLACE FUNCTION job_dependencies_validate() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    closes boolean;
    circle text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('job_dependencies', 0));
    WITH RECURSIVE before AS (
        SELECT NEW.depends_on AS id
         UNION
        SELECT edge.depends_on FROM before JOIN job_dependencies AS edge ON edge.job_id = before.id
    )
    SELECT EXISTS (SELECT FROM before WHERE id = NEW.job_id) INTO closes;
    IF NOT closes THEN
        RETURN NEW;
    END IF;
    WITH RECURSIVE after AS (               -- what waits, directly or not, for the job itself: the circle lies within
        SELECT NEW.job_id AS id
         UNION
        SELECT edge.job_id FROM after JOIN job_dependencies AS edge ON edge.depends_on = after.id
    ), way AS (
        SELECT NEW.depends_on AS id, ARRAY[NEW.job_id, NEW.depends_on] AS path
         UNION ALL
        (SELECT DISTINCT ON (edge.depends_on) edge.depends_on, way.path || edge.depends_on
           FROM way JOIN job_dependencies AS edge ON edge.job_id = way.id JOIN after ON after.id = edge.depends_on
          WHERE way.id <> NEW.job_id AND cardinality(way.path) < 1000)
    )
    SELECT string_agg(coalesce(job.name, step.id::text), ' → ' ORDER BY step.place) INTO circle
      FROM (SELECT path FROM way WHERE id = NEW.job_id LIMIT 1) AS found
     CROSS JOIN unnest(found.path) WITH ORDINALITY AS step (id, place)
      LEFT JOIN schedule_jobs AS job ON job.id = step.id;
    RAISE EXCEPTION USING
        ERRCODE = 'check_violation',
        MESSAGE = 'a job would wait for itself: ' || circle,
        HINT    = erp_say('이 가운데 하나를 지우세요: SELECT * FROM job_dependencies;',
                          'Remove one of these edges: SELECT * FROM job_dependencies;'),
        TABLE   = 'job_dependencies';
END $$;

CREATE FUNCTION calendars_validate() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('calendars', 0));
    IF EXISTS (
        WITH RECURSIVE under AS (
            SELECT NEW.base AS name
             UNION
            SELECT known.base FROM under JOIN calendars AS known ON known.name = under.name
        )
        SELECT FROM under WHERE name = NEW.name
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'check_violation',
            MESSAGE = format('calendar %s would be its own base', quote_literal(NEW.name)),
            HINT    = erp_say('달력과 바탕: SELECT name, base FROM calendars;', 'The calendars: SELECT name, base FROM calendars;'),
            TABLE   = 'calendars';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER a_validate BEFORE INSERT OR UPDATE OF name, base ON calendars
    FOR EACH ROW WHEN (NEW.base IS NOT NULL) EXECUTE FUNCTION calendars_validate();

COMMENT ON TABLE schedule_replans IS '달력이나 기간 설정이 바뀌어 다시 계획할 것 (데몬이 지움)
What was edited of calendars and overlays and is to be planned anew; the daemon deletes it';
COMMENT ON COLUMN schedule_replans.id IS '번호
Number';
COMMENT ON COLUMN schedule_replans.source IS '바뀐 테이블
Table that was edited';
COMMENT ON COLUMN schedule_replans.asked_at IS '바뀐 시각
When it was edited';
COMMENT ON COLUMN schedule_replans.seen_at IS '데몬이 본 시각
When a daemon saw it';
COMMENT ON FUNCTION schedule_replan() IS '달력·기간 설정을 고치면 다시 계획하게 합니다
Has all that calendars and overlays concern planned anew after an edit';
COMMENT ON FUNCTION job_dependencies_validate() IS '서로 기다리는 고리를 거절합니다
Refuses edges that close a circle';
COMMENT ON FUNCTION calendars_validate() IS '스스로를 바탕으로 삼는 달력을 거절합니다
Refuses calendars that would be based on themselves';
COMMENT ON COLUMN schedule_jobs.next_run_at IS '다음 예정 시각. 데몬이 씁니다. 손으로 과거로 바꾸면 지금, NULL로 바꾸면 다시 계획합니다
Next planned time, written by the daemon. Set by hand: the past means now, NULL means plan anew';
COMMENT ON COLUMN schedule_jobs.anchor_at IS '간격을 세기 시작하는 시각: start_at, 없으면 간격을 정한 때
The moment from which intervals count: start_at, or when the interval was set';
