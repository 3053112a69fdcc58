-- What the daemon has worked out about the jobs, for everybody who reads with plain SQL: coming times with reasons, and words.

CREATE TABLE schedule_forecast (
    job_id      bigint NOT NULL REFERENCES schedule_jobs (id) ON DELETE CASCADE,
    planned_at  timestamptz NOT NULL,
    run_at      timestamptz,
    reason      text,
    reason_ko   text,
    reason_en   text,
    computed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job_id, planned_at)
);

CREATE INDEX schedule_forecast_run_at ON schedule_forecast (run_at) WHERE run_at IS NOT NULL;

CREATE TABLE schedule_words (
    job_id       bigint PRIMARY KEY REFERENCES schedule_jobs (id) ON DELETE CASCADE,
    ko           text NOT NULL,
    en           text NOT NULL,
    spec_version bigint NOT NULL,
    known_until  timestamptz NOT NULL,
    computed_at  timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX schedule_jobs_resting ON schedule_jobs (id) WHERE status = 'paused';

COMMENT ON TABLE schedule_forecast IS '앞으로의 예정 시각과, 실행하지 않는 시각의 이유 (데몬이 편집 뒤 곧 다시 씀, 14일 앞까지)
Coming planned times, and why some will not run; written by the daemon soon after each edit, 14 days ahead';
COMMENT ON COLUMN schedule_forecast.job_id IS '작업 번호
Job';
COMMENT ON COLUMN schedule_forecast.planned_at IS '일정이 말하는 시각
The time that the plain schedule names';
COMMENT ON COLUMN schedule_forecast.run_at IS '실제로 실행할 시각. NULL이면 실행하지 않음
When it will run; NULL when it will not';
COMMENT ON COLUMN schedule_forecast.reason IS '옮기거나 빼는 이유: holiday, day_off, moved, overlay, ended, max_runs, paused
Why it moves or does not run: holiday, day_off, moved, overlay, ended, max_runs, paused';
COMMENT ON COLUMN schedule_forecast.reason_ko IS '이유 (한국어)
The reason in Korean';
COMMENT ON COLUMN schedule_forecast.reason_en IS '이유 (영어)
The reason in English';
COMMENT ON COLUMN schedule_forecast.computed_at IS '계산한 시각
When it was worked out';
COMMENT ON TABLE schedule_words IS '작업 일정을 말로 풀어 쓴 것 (데몬이 씀)
Each job''s schedule in words; written by the daemon';
COMMENT ON COLUMN schedule_words.job_id IS '작업 번호
Job';
COMMENT ON COLUMN schedule_words.ko IS '한국어
Korean';
COMMENT ON COLUMN schedule_words.en IS '영어
English';
COMMENT ON COLUMN schedule_words.spec_version IS '어느 편집의 것인지
The edit it was made from';
COMMENT ON COLUMN schedule_words.known_until IS '예정 시각을 어디까지 계산했는지
How far ahead the coming times were worked out';
COMMENT ON COLUMN schedule_words.computed_at IS '계산한 시각
When it was worked out';
