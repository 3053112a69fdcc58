-- Who is a daemon is a matter of rights, not of a name; and who may write SQL for the daemon to run, too.

-- The functions below find the tables here, whoever calls them.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- A daemon may write what only daemons write. Whoever merely calls a session so is treated as anybody else.
CREATE OR REPLACE FUNCTION erp_is_daemon() RETURNS boolean
LANGUAGE sql STABLE
RETURN coalesce(current_setting('application_name', true), '') LIKE 'erp-scheduler daemon%'
       AND has_column_privilege(session_user, 'job_executions'::regclass::oid, 'token', 'UPDATE');

-- A statement runs with the daemon's own rights: whoever may not write what the daemon may, may run such a job, not write one.
CREATE FUNCTION schedule_guard_statement() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF erp_is_daemon() OR has_table_privilege(session_user, 'market_tokens', 'UPDATE') THEN
        RETURN NEW;
    END IF;
    IF TG_TABLE_NAME = 'job_executions' THEN
        IF EXISTS (SELECT FROM schedule_jobs AS job
                    WHERE job.id = NEW.job_id AND job.job_type = NEW.job_type AND job.parameters = NEW.parameters) THEN
            RETURN NEW;
        END IF;
    ELSIF TG_OP = 'UPDATE' THEN
        IF OLD.job_type = NEW.job_type AND OLD.parameters = NEW.parameters THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'insufficient_privilege',
        MESSAGE = format('only an admin writes the statement of a job of type %s', NEW.job_type),
        HINT    = erp_say('관리자(erp_scheduler_admin)에게 작업을 만들어 달라고 하세요. 만든 작업은 실행할 수 있습니다.',
                          'Ask an admin (erp_scheduler_admin) to make the job; you may run it then.'),
        TABLE   = TG_TABLE_NAME;
END $$;

CREATE TRIGGER b_guard_statement BEFORE INSERT OR UPDATE OF job_type, parameters ON schedule_jobs
    FOR EACH ROW WHEN (NEW.job_type = 'sql_statement')
    EXECUTE FUNCTION schedule_guard_statement();
CREATE TRIGGER b_guard_statement BEFORE INSERT OR UPDATE OF job_type, parameters ON job_executions
    FOR EACH ROW WHEN (NEW.job_type = 'sql_statement')
    EXECUTE FUNCTION schedule_guard_statement();

COMMENT ON FUNCTION erp_is_daemon() IS '이 세션이 스케줄러 데몬인지: 이름과 권한으로
Whether this session is a daemon of the scheduler: by its name and its rights';
COMMENT ON FUNCTION schedule_guard_statement() IS 'sql_statement 작업의 SQL은 관리자만 씁니다
Only admins write the SQL of sql_statement jobs';
