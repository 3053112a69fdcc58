-- The locks people see. Deleting a row by hand means "revoke": the holder's handler is ended and its result not kept.

CREATE TABLE schedule_locks (
    job_id       bigint NOT NULL REFERENCES schedule_jobs (id) ON DELETE CASCADE,
    slot         integer NOT NULL DEFAULT 0,
    execution_id bigint,
    token        uuid NOT NULL DEFAULT gen_random_uuid(),
    fence        bigint NOT NULL DEFAULT 0,
    node         text,
    locked_at    timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL DEFAULT now() + interval '1 hour',
    PRIMARY KEY (job_id, slot)
) WITH (fillfactor = 50);

CREATE TRIGGER notify_edit
    AFTER INSERT OR UPDATE OR DELETE ON schedule_locks
    FOR EACH STATEMENT EXECUTE FUNCTION erp_notify();

COMMENT ON TABLE schedule_locks IS '잠금: 실행 중인 작업. 행을 지우면 그 실행을 거둬들입니다 (결과는 저장되지 않음)
Locks of running jobs. Deleting a row revokes the run: it is ended and its result not kept';
COMMENT ON COLUMN schedule_locks.job_id IS '작업 번호
Job';
COMMENT ON COLUMN schedule_locks.slot IS '동시 실행 자리
Place among simultaneous runs of one job';
COMMENT ON COLUMN schedule_locks.execution_id IS '실행 번호 (손으로 잠갔으면 NULL)
Execution; NULL when locked by hand';
COMMENT ON COLUMN schedule_locks.token IS '선점 증표
Token of the claim';
COMMENT ON COLUMN schedule_locks.fence IS '잠금 번호
Fencing number';
COMMENT ON COLUMN schedule_locks.node IS '잠근 노드
Node that holds it';
COMMENT ON COLUMN schedule_locks.locked_at IS '잠근 시각
When it was taken';
COMMENT ON COLUMN schedule_locks.heartbeat_at IS '마지막 하트비트
Last heartbeat';
COMMENT ON COLUMN schedule_locks.expires_at IS '갱신하지 않으면 풀리는 시각
When it lapses without a heartbeat';
