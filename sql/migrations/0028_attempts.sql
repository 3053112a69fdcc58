-- Where people have logged in: there strangers who guess at a name do not keep its owner out.

CREATE TABLE web_known_addresses (
    user_id bigint NOT NULL REFERENCES web_users (id) ON DELETE CASCADE,
    address text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, address)
);

COMMENT ON TABLE web_known_addresses IS '사람마다 로그인에 성공한 주소 (30일)
Addresses from which each person has logged in, for 30 days';
COMMENT ON COLUMN web_known_addresses.user_id IS '사람
Person';
COMMENT ON COLUMN web_known_addresses.address IS '주소
Address';
COMMENT ON COLUMN web_known_addresses.seen_at IS '마지막으로 로그인한 시각
Last login from there';
COMMENT ON TABLE web_attempts IS '틀린 로그인: 이름과 주소마다, 이름마다, 주소마다
Failed logins, by name and address, by name, and by address';
COMMENT ON COLUMN web_attempts.subject IS '이름(해시), 주소, 또는 둘
Name (hashed), address, or both';
