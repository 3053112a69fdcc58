-- Who may come in through the web: people, their sessions, tokens for programs; and what they did.

CREATE TABLE web_users (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL UNIQUE,
    role          text NOT NULL,
    password_hash text NOT NULL,
    language      text,
    theme         text NOT NULL DEFAULT 'auto',
    single_keys   boolean NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL DEFAULT now(),
    last_login_at timestamptz,
    disabled_at   timestamptz,
    CONSTRAINT "web_users: name has 1 to 100 characters" CHECK (name ~ '^[^[:cntrl:][:space:]][^[:cntrl:]]{0,99}$'),
    CONSTRAINT "web_users: role is viewer, operator or admin" CHECK (role IN ('viewer', 'operator', 'admin')),
    CONSTRAINT "web_users: language is ko or en" CHECK (language IN ('ko', 'en')),
    CONSTRAINT "web_users: theme is auto, light or dark" CHECK (theme IN ('auto', 'light', 'dark'))
);

CREATE TABLE web_sessions (
    hash       bytea PRIMARY KEY,
    user_id    bigint NOT NULL REFERENCES web_users (id) ON DELETE CASCADE,
    csrf       text NOT NULL,
    address    text,
    agent      text,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX web_sessions_user ON web_sessions (user_id);

CREATE TABLE web_tokens (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL,
    role         text NOT NULL,
    hash         bytea NOT NULL UNIQUE,
    prefix       text NOT NULL,
    made_by      text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz,
    CONSTRAINT "web_tokens: name has 1 to 100 characters" CHECK (name ~ '^[^[:cntrl:][:space:]][^[:cntrl:]]{0,99}$'),
    CONSTRAINT "web_tokens: role is viewer, operator or admin" CHECK (role IN ('viewer', 'operator', 'admin'))
);

CREATE UNIQUE INDEX web_tokens_name ON web_tokens (name) WHERE revoked_at IS NULL;

CREATE TABLE web_invitations (
    hash       bytea PRIMARY KEY,
    role       text NOT NULL DEFAULT 'admin',
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '24 hours',
    CONSTRAINT "web_invitations: role is viewer, operator or admin" CHECK (role IN ('viewer', 'operator', 'admin'))
);

CREATE TABLE web_attempts (
    subject  text PRIMARY KEY,
    failures integer NOT NULL DEFAULT 0,
    last_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE web_replies (
    key         text NOT NULL,
    actor       text NOT NULL,
    fingerprint bytea NOT NULL,
    status      integer,
    headers     jsonb,
    body        text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (actor, key)
);

CREATE TABLE audit_log (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor       text NOT NULL,
    role        text,
    via         text NOT NULL,
    token_id    bigint,
    address     text,
    action      text NOT NULL,
    object      text NOT NULL,
    object_name text,
    before      jsonb,
    after       jsonb,
    trace_id    text
);

CREATE INDEX audit_log_at ON audit_log (at);
CREATE INDEX audit_log_object ON audit_log (object, id);

CREATE FUNCTION audit_log_stands() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'insufficient_privilege',
        MESSAGE = 'audit_log is written once and not changed',
        HINT    = erp_say('읽기만 할 수 있습니다: SELECT * FROM audit_log ORDER BY id DESC LIMIT 20;',
                          'It can be read: SELECT * FROM audit_log ORDER BY id DESC LIMIT 20;');
END $$;

CREATE TRIGGER stands BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_stands();

COMMENT ON TABLE web_users IS '웹 화면에 로그인하는 사람
People who log in to the dashboard';
COMMENT ON COLUMN web_users.id IS '번호
Number';
COMMENT ON COLUMN web_users.name IS '로그인 이름 (유일)
Name to log in with, unique';
COMMENT ON COLUMN web_users.role IS '권한: viewer 보기, operator 운영, admin 관리
viewer, operator or admin';
COMMENT ON COLUMN web_users.password_hash IS '비밀번호의 argon2id 해시
argon2id hash of the password';
COMMENT ON COLUMN web_users.language IS '화면 언어: ko, en (NULL이면 브라우저를 따름)
Language of the pages: ko or en; NULL follows the browser';
COMMENT ON COLUMN web_users.theme IS '화면 색: auto, light, dark
Colours: auto, light or dark';
COMMENT ON COLUMN web_users.single_keys IS '한 글자 단축키를 쓸지
Whether single keys are shortcuts';
COMMENT ON COLUMN web_users.created_at IS '만든 시각
When it was made';
COMMENT ON COLUMN web_users.last_login_at IS '마지막 로그인
Last login';
COMMENT ON COLUMN web_users.disabled_at IS '막은 시각 (NULL이면 로그인할 수 있음)
When it was shut out; NULL may log in';
COMMENT ON TABLE web_sessions IS '로그인한 브라우저
Browsers that are logged in';
COMMENT ON COLUMN web_sessions.hash IS '쿠키의 SHA-256
SHA-256 of the cookie';
COMMENT ON COLUMN web_sessions.user_id IS '사람
Person';
COMMENT ON COLUMN web_sessions.csrf IS '폼을 지키는 값
What guards the forms';
COMMENT ON COLUMN web_sessions.address IS '주소
Address';
COMMENT ON COLUMN web_sessions.agent IS '브라우저
Browser';
COMMENT ON COLUMN web_sessions.created_at IS '로그인한 시각
Login';
COMMENT ON COLUMN web_sessions.seen_at IS '마지막 요청
Last request';
COMMENT ON TABLE web_tokens IS 'REST를 부르는 프로그램의 토큰
Tokens of programs that call REST';
COMMENT ON COLUMN web_tokens.id IS '번호
Number';
COMMENT ON COLUMN web_tokens.name IS '이름
Name';
COMMENT ON COLUMN web_tokens.role IS '권한: viewer, operator, admin
Role: viewer, operator or admin';
COMMENT ON COLUMN web_tokens.hash IS '토큰의 SHA-256
SHA-256 of the token';
COMMENT ON COLUMN web_tokens.prefix IS '알아보기 위한 앞부분
Its beginning, to recognise it by';
COMMENT ON COLUMN web_tokens.made_by IS '만든 사람
Who made it';
COMMENT ON COLUMN web_tokens.created_at IS '만든 시각
When it was made';
COMMENT ON COLUMN web_tokens.expires_at IS '끝나는 시각 (NULL이면 끝없음)
When it ends; NULL never';
COMMENT ON COLUMN web_tokens.last_used_at IS '마지막 사용
Last use';
COMMENT ON COLUMN web_tokens.revoked_at IS '거둔 시각
When it was revoked';
COMMENT ON TABLE web_invitations IS '첫 관리자를 만드는 한 번짜리 링크
Links that make an account, once';
COMMENT ON COLUMN web_invitations.hash IS '링크의 SHA-256
SHA-256 of the link';
COMMENT ON COLUMN web_invitations.role IS '만들 계정의 권한
Role of the account it makes';
COMMENT ON COLUMN web_invitations.created_at IS '만든 시각
When it was made';
COMMENT ON COLUMN web_invitations.expires_at IS '끝나는 시각
When it ends';
COMMENT ON TABLE web_attempts IS '틀린 로그인: 이름과 주소마다
Failed logins, by name and by address';
COMMENT ON COLUMN web_attempts.subject IS '이름 또는 주소
Name or address';
COMMENT ON COLUMN web_attempts.failures IS '이어서 틀린 수
Failures in a row';
COMMENT ON COLUMN web_attempts.last_at IS '마지막으로 틀린 시각
Last failure';
COMMENT ON TABLE web_replies IS 'Idempotency-Key로 되돌려줄 응답 (24시간)
Answers kept for an Idempotency-Key, for 24 hours';
COMMENT ON COLUMN web_replies.key IS 'Idempotency-Key 값
The Idempotency-Key';
COMMENT ON COLUMN web_replies.actor IS '보낸 사람이나 토큰
Person or token that sent it';
COMMENT ON COLUMN web_replies.fingerprint IS '요청의 SHA-256
SHA-256 of the request';
COMMENT ON COLUMN web_replies.status IS '응답 상태 (NULL이면 아직 처리 중)
Status of the answer; NULL while at work';
COMMENT ON COLUMN web_replies.headers IS '응답 헤더
Headers of the answer';
COMMENT ON COLUMN web_replies.body IS '응답 본문
Body of the answer';
COMMENT ON COLUMN web_replies.created_at IS '받은 시각
When it came';
COMMENT ON TABLE audit_log IS '감사 기록: 웹과 REST로 누가 무엇을 했는지. 고칠 수 없습니다
Audit log: who did what through web and REST; it cannot be changed';
COMMENT ON COLUMN audit_log.id IS '번호
Number';
COMMENT ON COLUMN audit_log.at IS '시각
When';
COMMENT ON COLUMN audit_log.actor IS '누가
Who';
COMMENT ON COLUMN audit_log.role IS '그때의 권한
Role at that time';
COMMENT ON COLUMN audit_log.via IS '어느 문으로: web, rest, cli
Through which door: web, rest or cli';
COMMENT ON COLUMN audit_log.token_id IS '토큰 번호
Token';
COMMENT ON COLUMN audit_log.address IS '주소
Address';
COMMENT ON COLUMN audit_log.action IS '한 일 (예: job.pause)
What was done, such as job.pause';
COMMENT ON COLUMN audit_log.object IS '대상 (예: job:17)
To what, such as job:17';
COMMENT ON COLUMN audit_log.object_name IS '대상의 이름
Its name';
COMMENT ON COLUMN audit_log.before IS '전 (비밀은 가림)
Before; secrets masked';
COMMENT ON COLUMN audit_log.after IS '후 (비밀은 가림)
After; secrets masked';
COMMENT ON COLUMN audit_log.trace_id IS '요청 번호
Number of the request';
COMMENT ON FUNCTION audit_log_stands() IS '감사 기록을 고치거나 지우지 못하게 합니다
Refuses to change or delete the audit log';
