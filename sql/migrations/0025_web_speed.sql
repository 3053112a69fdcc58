-- What pages and programs look for is found by an index, however long the history is; and every edit reaches an open page.

-- What has ended, by when: an execution enters it once, not at each of its states, and counts by status need no table rows.
DROP INDEX job_executions_recent;
CREATE INDEX job_executions_recent ON job_executions (finished_at DESC) INCLUDE (status) WHERE finished_at IS NOT NULL;

-- All but success: few, and what people look for. A success never touches it.
CREATE INDEX job_executions_unhappy ON job_executions (status, id)
 WHERE status IN ('failed', 'timed_out', 'lost', 'cancelled', 'skipped');

-- When a planned time is to be shown: when it runs, or when it would have.
CREATE INDEX schedule_forecast_moment ON schedule_forecast ((coalesce(run_at, planned_at)));

CREATE INDEX audit_log_actor ON audit_log (actor, id);
CREATE INDEX audit_log_action ON audit_log (action text_pattern_ops, id);
CREATE INDEX job_revisions_actor ON job_revisions (actor, id);

-- A word to the open pages alone: the daemons do not listen to it, and what does not concern planning does not wake them.
CREATE FUNCTION erp_notify_pages() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('erp_scheduler_pages', TG_TABLE_NAME);
    RETURN NULL;
END $$;

CREATE TRIGGER notify_pages
    AFTER UPDATE OF misfire_grace, timeout_minutes, max_retries, important, owner, description, pause_reason, workflow,
        workflow_step, hidden
    ON schedule_jobs FOR EACH STATEMENT
    WHEN (NOT erp_is_daemon())
    EXECUTE FUNCTION erp_notify_pages();

COMMENT ON FUNCTION erp_notify_pages() IS '계획과 상관없는 편집을 열린 화면에만 알리는 문장 트리거
Statement trigger that tells open pages, and no daemon, of an edit that does not concern planning';
