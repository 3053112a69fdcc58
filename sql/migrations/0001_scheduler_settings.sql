-- Settings that the database itself must know, and the words it speaks in.

CREATE TABLE scheduler_settings (
    name       text PRIMARY KEY,
    value      text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO scheduler_settings (name, value)
VALUES ('minimum_interval', '5 minutes'),
       ('maximum_interval', '31 days');

CREATE FUNCTION erp_say(korean text, english text) RETURNS text
LANGUAGE sql STABLE
RETURN CASE current_setting('erp_scheduler.lang', true) WHEN 'en' THEN english ELSE korean END;

CREATE FUNCTION erp_is_daemon() RETURNS boolean
LANGUAGE sql STABLE
RETURN coalesce(current_setting('application_name', true), '') LIKE 'erp-scheduler daemon%';

-- One word to all daemons that something was edited. The daemon's own writes say nothing: polling is the truth,
-- NOTIFY is speed, and a notification per execution would serialise every commit of the database.
CREATE FUNCTION erp_notify() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT erp_is_daemon() THEN
        PERFORM pg_notify('erp_scheduler', TG_TABLE_NAME);
    END IF;
    RETURN NULL;
END $$;

COMMENT ON TABLE scheduler_settings IS
'데이터베이스가 알아야 하는 설정 (예: 최소 실행 주기)
Settings the database itself must know. Example: UPDATE scheduler_settings SET value = ''1 minute'' WHERE name = ''minimum_interval'';';
COMMENT ON COLUMN scheduler_settings.name IS '설정 이름
Name of the setting: minimum_interval, maximum_interval';
COMMENT ON COLUMN scheduler_settings.value IS '설정 값 (텍스트)
Value, as text';
COMMENT ON COLUMN scheduler_settings.updated_at IS '마지막으로 바뀐 시각
When it was last changed';
COMMENT ON FUNCTION erp_say(text, text) IS '세션 언어에 맞는 문장을 고릅니다 (SET erp_scheduler.lang = ''en'')
Picks the wording in the language of the session (SET erp_scheduler.lang = ''en'')';
COMMENT ON FUNCTION erp_is_daemon() IS '이 세션이 스케줄러 데몬인지
Whether this session is a daemon of the scheduler';
COMMENT ON FUNCTION erp_notify() IS '편집을 데몬에 알리는 문장 트리거
Statement trigger that tells the daemons of an edit';
