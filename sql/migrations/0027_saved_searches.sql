-- Searches that people keep of the lists, and how each person likes the lists to look.

CREATE TABLE web_searches (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    bigint NOT NULL REFERENCES web_users (id) ON DELETE CASCADE,
    list       text NOT NULL,
    name       text NOT NULL,
    query      text NOT NULL,
    shared     boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT "web_searches: list is jobs or executions" CHECK (list IN ('jobs', 'executions')),
    CONSTRAINT "web_searches: name has 1 to 60 characters" CHECK (name ~ '^[^[:cntrl:][:space:]][^[:cntrl:]]{0,59}$'),
    CONSTRAINT "web_searches: query has 1 to 2000 characters" CHECK (length(query) BETWEEN 1 AND 2000)
);

CREATE UNIQUE INDEX web_searches_name ON web_searches (user_id, list, name);
CREATE INDEX web_searches_shared ON web_searches (list) WHERE shared;

ALTER TABLE web_users ADD COLUMN preferences jsonb NOT NULL DEFAULT '{}'
    CONSTRAINT "web_users: preferences is an object" CHECK (jsonb_typeof(preferences) = 'object');

COMMENT ON TABLE web_searches IS '목록에서 저장한 검색
Searches of the lists that people keep';
COMMENT ON COLUMN web_searches.id IS '번호
Number';
COMMENT ON COLUMN web_searches.user_id IS '저장한 사람
Who keeps it';
COMMENT ON COLUMN web_searches.list IS '어느 목록: jobs, executions
Of which list: jobs or executions';
COMMENT ON COLUMN web_searches.name IS '이름 (사람과 목록마다 유일)
Name, unique for a person and a list';
COMMENT ON COLUMN web_searches.query IS '주소의 조건 부분
The filters, as the address has them';
COMMENT ON COLUMN web_searches.shared IS '모두에게 보일지
Whether everybody sees it';
COMMENT ON COLUMN web_searches.created_at IS '저장한 시각
When it was kept';
COMMENT ON COLUMN web_users.preferences IS '목록을 보는 방식 (예: 작업 목록의 열)
How the lists look, such as the columns of the jobs';
