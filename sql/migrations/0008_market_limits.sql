-- What an account may still do, shared by all processes and nodes that call it: calls a second, calls a day, pauses,
-- maintenance windows and the access token. No column holds a credential: a token is stored sealed.

CREATE TABLE market_budgets (
    market_code    text NOT NULL,
    account        text NOT NULL,
    daily_limit    bigint,
    order_share    double precision NOT NULL DEFAULT 0.3,
    day            date,
    used           bigint NOT NULL DEFAULT 0,
    used_by_others bigint NOT NULL DEFAULT 0,
    paused_until   timestamptz,
    pause_reason   text,
    PRIMARY KEY (market_code, account),
    FOREIGN KEY (market_code, account) REFERENCES market_accounts (market_code, account) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT "market_budgets: daily_limit is not negative" CHECK (daily_limit >= 0),
    CONSTRAINT "market_budgets: order_share is between 0 and 1" CHECK (order_share BETWEEN 0 AND 1)
) WITH (fillfactor = 50);

CREATE TABLE market_calls (
    market_code text NOT NULL,
    account     text NOT NULL,
    slot        integer NOT NULL,
    free_at     timestamptz NOT NULL,
    PRIMARY KEY (market_code, account, slot),
    FOREIGN KEY (market_code, account) REFERENCES market_accounts (market_code, account) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT "market_calls: slots count from 1" CHECK (slot >= 1)
) WITH (fillfactor = 50);

CREATE TABLE market_windows (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    market_code  text NOT NULL,
    account      text,
    starts_at    timestamptz,
    ends_at      timestamptz,
    days_of_week text,
    from_time    time,
    to_time      time,
    source       text NOT NULL DEFAULT 'manual',
    reason       text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (market_code, account) REFERENCES market_accounts (market_code, account) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT "market_windows: either starts_at and ends_at, or days_of_week, from_time and to_time"
        CHECK ((num_nulls(starts_at, ends_at) = 0 AND num_nonnulls(days_of_week, from_time, to_time) = 0)
            OR (num_nonnulls(starts_at, ends_at) = 0 AND num_nulls(days_of_week, from_time, to_time) = 0)),
    CONSTRAINT "market_windows: starts_at before ends_at" CHECK (starts_at < ends_at),
    CONSTRAINT "market_windows: from_time is not to_time" CHECK (from_time <> to_time),
    CONSTRAINT "market_windows: days_of_week such as fri, or sat,sun, or *"
        CHECK (days_of_week ~ '^([*]|(mon|tue|wed|thu|fri|sat|sun)(,(mon|tue|wed|thu|fri|sat|sun))*)$'),
    CONSTRAINT "market_windows: source is manual or detected"
        CHECK (source = 'manual' OR (source = 'detected' AND starts_at IS NOT NULL))
);

CREATE INDEX market_windows_market ON market_windows (market_code);

CREATE TABLE market_tokens (
    market_code    text NOT NULL,
    account        text NOT NULL,
    sealed         bytea,
    ends_at        timestamptz,
    fetching_until timestamptz,
    fetched_at     timestamptz,
    PRIMARY KEY (market_code, account),
    FOREIGN KEY (market_code, account) REFERENCES market_accounts (market_code, account) ON UPDATE CASCADE ON DELETE CASCADE
);

-- A weekly window belongs to the day it begins on, so one that is open at 01:00 may be yesterday's.
CREATE FUNCTION market_windows_at(of_market text, of_account text, at timestamptz)
RETURNS TABLE (closed_until timestamptz, reason text)
LANGUAGE sql STABLE AS $$
    SELECT seen.ends_at, seen.reason
      FROM market_windows AS seen
     WHERE seen.market_code = of_market AND coalesce(seen.account, of_account) = of_account
       AND seen.starts_at <= at AND at < seen.ends_at
     UNION ALL
    SELECT span.ends_at, seen.reason
      FROM market_windows AS seen
     CROSS JOIN generate_series(0, 1) AS back
     CROSS JOIN LATERAL (SELECT (at AT TIME ZONE 'Asia/Seoul')::date - back AS began) AS day
     CROSS JOIN LATERAL (
           SELECT (day.began + seen.from_time) AT TIME ZONE 'Asia/Seoul' AS starts_at,
                  (day.began + (seen.to_time <= seen.from_time)::integer + seen.to_time) AT TIME ZONE 'Asia/Seoul' AS ends_at
           ) AS span
     WHERE seen.market_code = of_market AND coalesce(seen.account, of_account) = of_account
       AND (seen.days_of_week = '*'
            OR (ARRAY['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])[extract(isodow FROM day.began)::integer]
               = ANY (string_to_array(seen.days_of_week, ',')))
       AND span.starts_at <= at AND at < span.ends_at
$$;

-- Windows that touch count as one. Windows around the whole week never end, so the search does after two weeks.
CREATE FUNCTION market_closed_until(market_code text, account text, at timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE
    reached timestamptz;
    further timestamptz;
BEGIN
    LOOP
        SELECT max(closed_until) INTO further
          FROM market_windows_at(market_closed_until.market_code, market_closed_until.account, coalesce(reached, at));
        EXIT WHEN further IS NULL;
        reached := further;
        EXIT WHEN reached > at + interval '14 days';
    END LOOP;
    RETURN reached;
END $$;

-- One turn, or why there is none. The row of market_budgets is locked for the length of this statement alone, so two
-- callers never read the same figures. Losing the last moments in a crash costs a few counted calls, so no commit waits
-- for the disk. The settings are those of the transaction: nothing is left behind in a pooled session.
CREATE FUNCTION market_turn(
    of_market text, of_account text, for_orders boolean, lease double precision,
    OUT verdict text, OUT slot integer, OUT lease_ends timestamptz, OUT wait double precision,
    OUT until timestamptz, OUT reason text
)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    budget market_budgets;
    moment timestamptz;
    rate   double precision;
    slots  integer;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true), set_config('lock_timeout', '20s', true);
    SELECT calls_per_second INTO rate FROM market_accounts WHERE market_code = of_market AND account = of_account;
    IF rate IS NULL THEN
        verdict := 'unknown';
        RETURN;
    END IF;
    INSERT INTO market_budgets (market_code, account) VALUES (of_market, of_account) ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT budget FROM market_budgets WHERE market_code = of_market AND account = of_account FOR UPDATE;
    moment := clock_timestamp();

    until := market_closed_until(of_market, of_account, moment);
    IF until IS NOT NULL THEN
        verdict := 'closed';
        SELECT seen.reason INTO reason FROM market_windows_at(of_market, of_account, moment) AS seen
         ORDER BY closed_until DESC LIMIT 1;
        RETURN;
    END IF;
    IF budget.paused_until > moment THEN
        verdict := 'paused';
        until := budget.paused_until;
        reason := budget.pause_reason;
        wait := extract(epoch FROM until - moment);
        RETURN;
    END IF;
    IF budget.day IS DISTINCT FROM (moment AT TIME ZONE 'Asia/Seoul')::date THEN
        budget.day := (moment AT TIME ZONE 'Asia/Seoul')::date;
        budget.used := 0;
        budget.used_by_others := 0;
    END IF;
    IF budget.used >= budget.daily_limit
       OR NOT for_orders AND budget.used_by_others >= floor(budget.daily_limit * (1 - budget.order_share)) THEN
        verdict := 'spent';
        until := (budget.day + 1)::timestamp AT TIME ZONE 'Asia/Seoul';
        reason := format('%s of %s calls', budget.used, budget.daily_limit);
        wait := extract(epoch FROM until - moment);
        RETURN;
    END IF;

    -- Nothing is taken for so long that free_at could lie further off: then the clock was set back, and the slot is free.
    slots := ceil(rate);
    SELECT slot INTO slot FROM market_calls
     WHERE market_code = of_market AND account = of_account AND slot <= slots
       AND (free_at <= moment OR free_at > moment + make_interval(secs => greatest(lease, slots / rate) + 60))
     ORDER BY free_at, slot LIMIT 1 FOR UPDATE SKIP LOCKED;
    lease_ends := moment + make_interval(secs => lease);
    IF slot IS NOT NULL THEN
        UPDATE market_calls AS taken SET free_at = lease_ends
         WHERE market_code = of_market AND account = of_account AND taken.slot = market_turn.slot;
    ELSE
        INSERT INTO market_calls (market_code, account, slot, free_at)
        SELECT of_market, of_account, coalesce(max(made.slot), 0) + 1, lease_ends FROM market_calls AS made
         WHERE market_code = of_market AND account = of_account
        HAVING coalesce(max(made.slot), 0) < slots
        RETURNING market_calls.slot INTO slot;
    END IF;
    IF slot IS NULL THEN
        -- A slot that is given back rests first, so looking again after half a rest misses none.
        verdict := 'wait';
        SELECT least(extract(epoch FROM min(free_at) - moment), slots / rate / 2) INTO wait FROM market_calls AS made
         WHERE market_code = of_market AND account = of_account AND made.slot <= slots;
        RETURN;
    END IF;
    UPDATE market_budgets
       SET day = budget.day, used = budget.used + 1, used_by_others = budget.used_by_others + (NOT for_orders)::integer
     WHERE market_code = of_market AND account = of_account;
    verdict := 'turn';
END $$;

-- The slot rests from the end of the call, so that however long a call or a process stalls, no second sees more of them.
-- lease_ends tells whose it is: a slot whose lease lapsed belongs to the next.
CREATE FUNCTION market_turn_back(of_market text, of_account text, of_slot integer, lease_ends timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true), set_config('lock_timeout', '20s', true);
    UPDATE market_calls AS taken
       SET free_at = clock_timestamp() + make_interval(secs => ceil(known.calls_per_second) / known.calls_per_second)
      FROM market_accounts AS known
     WHERE known.market_code = of_market AND known.account = of_account
       AND taken.market_code = of_market AND taken.account = of_account
       AND taken.slot = of_slot AND taken.free_at = lease_ends;
END $$;

CREATE FUNCTION market_pause(of_market text, of_account text, seconds double precision, why text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO market_budgets AS known (market_code, account, paused_until, pause_reason)
    VALUES (of_market, of_account, clock_timestamp() + make_interval(secs => seconds), why)
        ON CONFLICT (market_code, account) DO UPDATE
       SET paused_until = excluded.paused_until, pause_reason = excluded.pause_reason
     WHERE known.paused_until IS NULL OR known.paused_until < excluded.paused_until;
END $$;

-- Several calls meet the same maintenance: the first makes the window, the others lengthen it. It is the account's own,
-- so that one wrong address keeps no other shop back; and no market closes for more than a day without being asked again.
CREATE FUNCTION market_close(of_market text, of_account text, told timestamptz, usual double precision, why text)
RETURNS timestamptz
LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz;
    until  timestamptz;
    closed timestamptz;
BEGIN
    INSERT INTO market_budgets (market_code, account) VALUES (of_market, of_account) ON CONFLICT DO NOTHING;
    PERFORM FROM market_budgets WHERE market_code = of_market AND account = of_account FOR UPDATE;
    moment := clock_timestamp();
    until := CASE WHEN told > moment THEN least(told, moment + interval '1 day')
                  ELSE moment + make_interval(secs => usual) END;
    UPDATE market_windows
       SET ends_at = greatest(ends_at, until), reason = why
     WHERE market_code = of_market AND account = of_account AND source = 'detected' AND ends_at > moment
    RETURNING ends_at INTO closed;
    IF closed IS NULL THEN
        DELETE FROM market_windows
         WHERE market_code = of_market AND account = of_account AND source = 'detected'
           AND ends_at < moment - interval '90 days';
        INSERT INTO market_windows (market_code, account, starts_at, ends_at, source, reason)
        VALUES (of_market, of_account, moment, until, 'detected', why)
        RETURNING ends_at INTO closed;
    END IF;
    RETURN closed;
END $$;

COMMENT ON TABLE market_budgets IS '계정별 호출 한도와 일시 중지. 처음 호출할 때 행이 생깁니다. 하루 한도: UPDATE market_budgets SET daily_limit = 50000 WHERE market_code = ''naver''
Limits and pauses of each account, made at its first call. Limit a day: UPDATE market_budgets SET daily_limit = 50000 WHERE market_code = ''naver''';
COMMENT ON COLUMN market_budgets.market_code IS '마켓 코드
Market';
COMMENT ON COLUMN market_budgets.account IS '마켓 계정
Account at the market';
COMMENT ON COLUMN market_budgets.daily_limit IS '하루 최대 호출 수 (비우면 제한 없음)
Most calls a day; empty for no limit';
COMMENT ON COLUMN market_budgets.order_share IS '주문 수집을 위해 남겨 두는 비율 (0.3 = 30%)
Share of the day kept for orders (0.3 = 30 %)';
COMMENT ON COLUMN market_budgets.day IS '세고 있는 날 (서울)
Day being counted (Seoul)';
COMMENT ON COLUMN market_budgets.used IS '그날 쓴 호출 수
Calls used on that day';
COMMENT ON COLUMN market_budgets.used_by_others IS '그중 주문 수집이 아닌 호출 수
Those among them that were not for orders';
COMMENT ON COLUMN market_budgets.paused_until IS '이 시각까지 호출하지 않음. 바로 풀려면 NULL
No calls before this moment; NULL ends the pause at once';
COMMENT ON COLUMN market_budgets.pause_reason IS '멈춘 이유
Why it is paused';
COMMENT ON TABLE market_calls IS '호출 자리: 초당 호출 수만큼 있고, 쓰고 나면 1초 쉽니다
Slots for calls: as many as calls a second, each resting a second after use';
COMMENT ON COLUMN market_calls.market_code IS '마켓 코드
Market';
COMMENT ON COLUMN market_calls.account IS '마켓 계정
Account at the market';
COMMENT ON COLUMN market_calls.slot IS '자리 번호
Number of the slot';
COMMENT ON COLUMN market_calls.free_at IS '다시 쓸 수 있는 시각 (호출 중이면 임대 만료 시각)
When it is free again; during a call, when its lease lapses';
COMMENT ON TABLE market_windows IS '마켓 점검 시간. 한 번: starts_at, ends_at. 매주: days_of_week, from_time, to_time (서울 시각, 자정을 넘겨도 됩니다)
Maintenance of the markets. Once: starts_at, ends_at. Weekly: days_of_week, from_time, to_time (Seoul, may pass midnight)';
COMMENT ON COLUMN market_windows.id IS '번호
Number';
COMMENT ON COLUMN market_windows.market_code IS '마켓 코드
Market';
COMMENT ON COLUMN market_windows.account IS '마켓 계정 (비우면 그 마켓의 모든 계정)
Account at the market; empty for all accounts there';
COMMENT ON COLUMN market_windows.starts_at IS '시작 (포함)
Start, included';
COMMENT ON COLUMN market_windows.ends_at IS '끝 (미포함)
End, not included';
COMMENT ON COLUMN market_windows.days_of_week IS '시작하는 요일: fri 또는 sat,sun 또는 * (매일)
Days on which it begins: fri, or sat,sun, or * for every day';
COMMENT ON COLUMN market_windows.from_time IS '시작 시각 (서울)
Time of day at which it begins (Seoul)';
COMMENT ON COLUMN market_windows.to_time IS '끝 시각 (서울). from_time 보다 이르면 다음 날
Time of day at which it ends (Seoul); the next day when earlier than from_time';
COMMENT ON COLUMN market_windows.source IS 'manual 사람이 적음, detected 마켓의 응답으로 알게 됨
manual when typed by a person, detected when a market''s answer said so';
COMMENT ON COLUMN market_windows.reason IS '이유
Why';
COMMENT ON COLUMN market_windows.created_at IS '만든 시각
When it was made';
COMMENT ON TABLE market_tokens IS '계정별 접근 토큰. 암호화해서만 저장합니다
Access tokens of the accounts, stored encrypted only';
COMMENT ON COLUMN market_tokens.market_code IS '마켓 코드
Market';
COMMENT ON COLUMN market_tokens.account IS '마켓 계정
Account at the market';
COMMENT ON COLUMN market_tokens.sealed IS '암호화한 토큰 (AES-GCM, 열쇠는 계정의 비밀 값에서 만듭니다)
The token, encrypted (AES-GCM; the key is made from the account''s secrets)';
COMMENT ON COLUMN market_tokens.ends_at IS '토큰 만료 시각
When the token ends';
COMMENT ON COLUMN market_tokens.fetching_until IS '이 시각까지 한 프로세스가 새 토큰을 받는 중
Until then one process is fetching a new token';
COMMENT ON COLUMN market_tokens.fetched_at IS '토큰을 받은 시각
When the token was fetched';
COMMENT ON FUNCTION market_windows_at(text, text, timestamptz) IS '그 시각에 걸린 점검 시간들
Maintenance windows that hold at a moment';
COMMENT ON FUNCTION market_closed_until(text, text, timestamptz) IS '점검이 끝나는 시각. 점검 중이 아니면 NULL
When the maintenance at a moment ends; NULL when the market is open';
COMMENT ON FUNCTION market_turn(text, text, boolean, double precision) IS '호출 차례를 하나 얻거나, 얻지 못하는 이유를 말합니다
Takes one turn to call, or says why there is none';
COMMENT ON FUNCTION market_turn_back(text, text, integer, timestamptz) IS '호출이 끝난 자리를 쉬게 합니다
Lets the slot of a finished call rest';
COMMENT ON FUNCTION market_pause(text, text, double precision, text) IS '계정의 호출을 잠시 멈춥니다
Pauses the calls of an account';
COMMENT ON FUNCTION market_close(text, text, timestamptz, double precision, text) IS '알게 된 점검 시간을 적거나 늘립니다
Notes a maintenance that was met, or lengthens the one that runs';
