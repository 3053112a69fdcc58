-- 권한 네 가지: 읽기, 운영, 관리, 데몬. 몇 번을 실행해도 같습니다. 스키마를 올린 뒤에 데이터베이스 소유자로 실행합니다.
-- Four roles: reader, operator, admin, daemon. Safe to run again; run it as the owner of the database after each migration.
--
--   psql "$DATABASE_URL" -f deploy/roles.sql
--   CREATE ROLE minji LOGIN PASSWORD '…' IN ROLE erp_scheduler_operator;
--
-- reader    reads everything but the tokens of the markets
-- operator  reads, calls the functions, edits the columns of jobs that people edit
-- admin     operator, and writes all tables: accounts, calendars, settings, users of the ERP's own tables
-- daemon    what `erp-scheduler start` needs; it does not migrate

DO $$
DECLARE
    each text;
BEGIN
    FOREACH each IN ARRAY ARRAY['erp_scheduler_reader', 'erp_scheduler_operator', 'erp_scheduler_admin', 'erp_scheduler_daemon'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = each) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', each);
        END IF;
    END LOOP;
END $$;

GRANT erp_scheduler_reader TO erp_scheduler_operator;
GRANT erp_scheduler_operator TO erp_scheduler_admin;
GRANT erp_scheduler_reader TO erp_scheduler_daemon;

DO $$
DECLARE
    place  text := (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'schedule_jobs'::regclass);
    edited text;
    each   regprocedure;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %s, erp TO erp_scheduler_reader', place);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %s, erp TO erp_scheduler_reader', place);
    REVOKE SELECT ON market_tokens FROM erp_scheduler_reader;

    -- What people edit of a job: all that its history keeps, and the next planned time. Columns of a later release by themselves.
    SELECT string_agg(quote_ident(known.attname), ', ' ORDER BY known.attnum) INTO edited
      FROM pg_attribute AS known
     WHERE known.attrelid = 'schedule_jobs'::regclass AND known.attnum > 0 AND NOT known.attisdropped
       AND known.attname NOT IN ('id', 'last_run_at', 'last_success_at', 'last_failure_at', 'last_status', 'last_error',
            'consecutive_failures', 'run_count', 'occurrence_count', 'anchor_at', 'spec_version', 'planned_version', 'planned_at',
            'fence', 'hidden', 'created_at', 'updated_at');
    EXECUTE format('GRANT INSERT (%1$s), UPDATE (%1$s), DELETE ON schedule_jobs TO erp_scheduler_operator', edited);
    GRANT INSERT (name, steps, schedule, status, description), UPDATE (name, steps, schedule, status, description), DELETE
        ON schedule_workflows TO erp_scheduler_operator;
    GRANT UPDATE (cancel_requested, cancel_reason, available_at, priority) ON job_executions TO erp_scheduler_operator;
    GRANT DELETE ON schedule_locks TO erp_scheduler_operator;
    GRANT INSERT, UPDATE, DELETE ON calendar_days, schedule_overlays, job_dependencies, market_windows TO erp_scheduler_operator;

    FOR each IN SELECT oid::regprocedure FROM pg_proc
                 WHERE pronamespace = place::regnamespace AND prosecdef AND prorettype <> 'trigger'::regtype
                   AND proname LIKE 'schedule\_%' LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO erp_scheduler_operator, erp_scheduler_daemon', each);
    END LOOP;

    EXECUTE format('GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %s, erp TO erp_scheduler_admin, erp_scheduler_daemon', place);
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %s, erp TO erp_scheduler_admin, erp_scheduler_daemon', place);
    REVOKE INSERT, UPDATE, DELETE ON schedule_migrations FROM erp_scheduler_admin, erp_scheduler_daemon;
    REVOKE INSERT, UPDATE, DELETE ON job_revisions FROM erp_scheduler_admin;
    GRANT SELECT ON market_tokens TO erp_scheduler_daemon;
    -- The daemon ends what its own executions have left behind in the server; it may do so for its own user only, without a grant.
END $$;
