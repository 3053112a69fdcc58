-- What daemons report of themselves, the handlers they know, and the lines that executions write.

CREATE TABLE scheduler_nodes (
    instance_id   uuid PRIMARY KEY,
    name          text NOT NULL,
    host          text NOT NULL,
    pid           integer NOT NULL,
    version       text NOT NULL,
    workers       integer NOT NULL,
    running       integer NOT NULL DEFAULT 0,
    job_types     text[] NOT NULL DEFAULT '{}',
    state         text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'draining', 'stopped')),
    lease_seconds double precision NOT NULL,
    started_at    timestamptz NOT NULL DEFAULT now(),
    seen_at       timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE job_types (
    job_type        text PRIMARY KEY,
    source          text NOT NULL,
    summary         text NOT NULL DEFAULT '',
    params_schema   jsonb NOT NULL DEFAULT '{}',
    timeout_seconds double precision,
    retries         integer,
    seen_at         timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE execution_logs (
    execution_id bigint NOT NULL REFERENCES job_executions (id) ON DELETE CASCADE,
    line         integer NOT NULL,
    logged_at    timestamptz NOT NULL,
    level        text NOT NULL,
    stream       text NOT NULL DEFAULT 'log',
    message      text NOT NULL,
    fields       jsonb,
    PRIMARY KEY (execution_id, line)
);

COMMENT ON TABLE scheduler_nodes IS '노드(데몬) 보고. 판단에는 쓰지 않습니다
Daemons as they report themselves; never used to decide';
COMMENT ON COLUMN scheduler_nodes.instance_id IS '데몬 인스턴스 (시작할 때마다 새로)
Daemon instance, new with each start';
COMMENT ON COLUMN scheduler_nodes.name IS '노드 이름
Node name';
COMMENT ON COLUMN scheduler_nodes.host IS '호스트
Host';
COMMENT ON COLUMN scheduler_nodes.pid IS '프로세스 번호
Process id';
COMMENT ON COLUMN scheduler_nodes.version IS '버전
Version';
COMMENT ON COLUMN scheduler_nodes.workers IS '실행 슬롯 수
Slots';
COMMENT ON COLUMN scheduler_nodes.running IS '실행 중인 수
Slots in use';
COMMENT ON COLUMN scheduler_nodes.job_types IS '아는 작업 유형
Job types it knows';
COMMENT ON COLUMN scheduler_nodes.state IS '상태: running, draining, stopped
running, draining or stopped';
COMMENT ON COLUMN scheduler_nodes.lease_seconds IS '잠금 유지 시간(초)
Lease in seconds';
COMMENT ON COLUMN scheduler_nodes.started_at IS '시작 시각
Start';
COMMENT ON COLUMN scheduler_nodes.seen_at IS '마지막 보고
Last report';
COMMENT ON TABLE job_types IS '알려진 작업 유형과 매개변수 스키마
Job types that daemons have announced, with their parameter schema';
COMMENT ON COLUMN job_types.job_type IS '작업 유형
Job type';
COMMENT ON COLUMN job_types.source IS '핸들러 위치
Where the handler is defined';
COMMENT ON COLUMN job_types.summary IS '한 줄 설명
One line of what it does';
COMMENT ON COLUMN job_types.params_schema IS '매개변수 JSON Schema
JSON Schema of the parameters';
COMMENT ON COLUMN job_types.timeout_seconds IS '권장 제한 시간(초)
Proposed timeout in seconds';
COMMENT ON COLUMN job_types.retries IS '권장 재시도 횟수
Proposed retries';
COMMENT ON COLUMN job_types.seen_at IS '마지막으로 알려진 시각
Last announced';
COMMENT ON TABLE execution_logs IS '실행이 남긴 줄 (실행마다 상한 있음)
Lines an execution wrote, capped';
COMMENT ON COLUMN execution_logs.execution_id IS '실행 번호
Execution';
COMMENT ON COLUMN execution_logs.line IS '줄 번호
Line number';
COMMENT ON COLUMN execution_logs.logged_at IS '적힌 시각
When it was written';
COMMENT ON COLUMN execution_logs.level IS '수준
Level';
COMMENT ON COLUMN execution_logs.stream IS 'log, stdout 또는 stderr
log, stdout or stderr';
COMMENT ON COLUMN execution_logs.message IS '내용
Message';
COMMENT ON COLUMN execution_logs.fields IS '덧붙은 값
Further fields';
