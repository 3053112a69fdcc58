"""What the constraints of the schema demand, in Korean and English: nobody reads the name of a constraint as a sentence.

PostgreSQL keeps 63 bytes of a name; here the names stand in full, and both ends are cut before they are compared.
"""

from __future__ import annotations

from scheduler.words import say

LONGEST_NAME = 63
Words = tuple[str, str]

ROLES = ("권한은 viewer, operator, admin 중 하나입니다", "a role is viewer, operator or admin")
REASONS = ("이유는 500자까지 쓰세요", "a reason has at most 500 characters")
NAMED = ("이름은 1자에서 100자까지, 빈칸으로 시작하지 않게 쓰세요", "a name has 1 to 100 characters and begins with no blank")

CHECKS: dict[str, Words] = {
    "calendar_days: day is between the years 2000 and 2200": (
        "날짜는 2000년에서 2200년 사이여야 합니다", "the day has to lie between the years 2000 and 2200"),
    "calendar_days: name has 1 to 100 characters": (
        "날의 이름은 1자에서 100자까지 쓰세요", "the name of a day has 1 to 100 characters"),
    "calendars: a calendar is not its own base": (
        "달력은 자기 자신을 바탕으로 할 수 없습니다", "a calendar cannot be its own base"),
    "calendars: closed_weekdays names days such as sat,sun": (
        "쉬는 요일은 sat,sun처럼 쓰세요", "write the closed weekdays as in sat,sun"),
    "calendars: country is KR or NULL": ("달력의 나라는 KR만 쓸 수 있습니다", "the country of a calendar is KR, or none"),
    "calendars: name has letters, digits, - and _": (
        "달력 이름은 영문 소문자, 숫자, -, _로 40자까지 쓰고 글자나 숫자로 시작하세요",
        "the name of a calendar has small letters, digits, - and _, at most 40, and begins with a letter or digit"),
    "job_dependencies: a failure counts since the last run only": (
        "실패를 기다리는 작업에는 ever를 쓸 수 없습니다. JOB:failure로 쓰세요",
        "ever goes with a success only; write JOB:failure"),
    "job_dependencies: a job cannot depend on itself": (
        "작업은 자기 자신을 기다릴 수 없습니다", "a job cannot wait for itself"),
    "job_dependencies: condition is since_last_run or ever": (
        "조건은 since_last_run 또는 ever입니다", "a condition is since_last_run or ever"),
    "job_dependencies: outcome is success or failure": (
        "기다리는 결과는 success 또는 failure입니다", "an outcome is success or failure"),
    "job_executions: status": (
        "실행 상태는 queued, running, success, failed, timed_out, cancelled, skipped, lost 중 하나입니다",
        "an execution is queued, running, success, failed, timed_out, cancelled, skipped or lost"),
    "job_executions: trigger": (
        "실행 계기는 schedule, manual, retry, catchup, dependency, backfill 중 하나입니다",
        "a trigger is schedule, manual, retry, catchup, dependency or backfill"),
    "job_revisions: action is insert, update, delete or restore": (
        "이력의 종류는 insert, update, delete, restore 중 하나입니다", "a revision is an insert, update, delete or restore"),
    "market_budgets: daily_limit is not negative": (
        "하루 호출 한도는 0 이상이어야 합니다", "the daily limit of calls cannot be below zero"),
    "market_budgets: order_share is between 0 and 1": (
        "주문 몫(order_share)은 0에서 1 사이여야 합니다", "the share of orders (order_share) lies between 0 and 1"),
    "market_calls: slots count from 1": ("호출 자리는 1부터 셉니다", "the slots of calls count from 1"),
    "market_windows: days_of_week such as fri, or sat,sun, or *": (
        "점검 요일은 fri, sat,sun 또는 *(매일)처럼 쓰세요", "write the days of a maintenance window as fri, sat,sun or *"),
    "market_windows: either starts_at and ends_at, or days_of_week, from_time and to_time": (
        "점검 시간은 starts_at과 ends_at, 또는 days_of_week, from_time, to_time으로 쓰세요",
        "a maintenance window has starts_at and ends_at, or else days_of_week, from_time and to_time"),
    "market_windows: from_time is not to_time": (
        "점검의 시작 시각과 끝 시각이 같을 수 없습니다", "a maintenance window cannot end at the time of day at which it begins"),
    "market_windows: source is manual or detected": (
        "점검의 출처는 manual, 또는 starts_at이 있는 detected입니다",
        "the source of a maintenance window is manual, or detected with starts_at"),
    "market_windows: starts_at before ends_at": (
        "점검은 시작이 끝보다 앞서야 합니다", "a maintenance window begins before it ends"),
    "schedule_jobs: at most one of interval, specific_times, cron_expression, run_at": (
        "interval, specific_times, cron_expression, run_at 중 하나만 쓰세요",
        "at most one of interval, specific_times, cron_expression and run_at may be set"),
    "schedule_jobs: status is active, paused, completed or invalid": (
        "작업 상태는 active, paused, completed, invalid 중 하나입니다", "a job is active, paused, completed or invalid"),
    "schedule_jobs: workflow and workflow_step belong together": (
        "workflow와 workflow_step은 함께 있거나 함께 비어야 합니다",
        "workflow and workflow_step are set together, or neither is"),
    "schedule_overlays: action is multiply or stop": (
        "기간 설정은 multiply(자주) 또는 stop(멈춤)입니다", "an overlay is multiply or stop"),
    "schedule_overlays: multiply needs a factor between 0.01 and 100, stop has none": (
        "--times는 0.01에서 100 사이여야 하고, --stop과 함께 쓸 수 없습니다",
        "the factor (--times) lies between 0.01 and 100, and --stop has none"),
    "schedule_overlays: name is not empty": ("기간 설정의 이름을 쓰세요", "an overlay needs a name"),
    "schedule_overlays: starts_at is before ends_at, both between the years 2000 and 2200": (
        "기간은 시작이 끝보다 앞서고, 2000년에서 2200년 사이여야 합니다",
        "an overlay begins before it ends, between the years 2000 and 2200"),
    "schedule_workflows: status is active or paused": (
        "워크플로우 상태는 active 또는 paused입니다", "a workflow is active or paused"),
    "web_users: name has 1 to 100 characters": NAMED,
    "web_users: role is viewer, operator or admin": ROLES,
    "web_users: language is ko or en": ("언어는 ko 또는 en입니다", "a language is ko or en"),
    "web_users: theme is auto, light or dark": (
        "화면 색은 auto, light, dark 중 하나입니다", "a theme is auto, light or dark"),
    "web_users: preferences is an object": ("보는 방식은 JSON 객체입니다", "preferences are a JSON object"),
    "web_searches: list is jobs or executions": ("목록은 jobs 또는 executions입니다", "a list is jobs or executions"),
    "web_searches: name has 1 to 60 characters": (
        "검색의 이름은 1자에서 60자까지, 빈칸으로 시작하지 않게 쓰세요",
        "the name of a search has 1 to 60 characters and begins with no blank"),
    "web_searches: query has 1 to 2000 characters": (
        "저장할 조건이 없거나 너무 깁니다", "a search needs a filter, of at most 2000 characters"),
    "web_tokens: name has 1 to 100 characters": NAMED,
    "web_tokens: role is viewer, operator or admin": ROLES,
    "web_invitations: role is viewer, operator or admin": ROLES,
    "scheduler_nodes: state is running, draining, drained or stopped": (
        "노드 상태는 running, draining, drained, stopped 중 하나입니다", "a node is running, draining, drained or stopped"),
    "schedule_drains: node has 1 to 100 characters": (
        "노드 이름은 1자에서 100자까지입니다", "the name of a node has 1 to 100 characters"),
    "schedule_drains: reason has at most 500 characters": REASONS,
    "schedule_snoozes: reason has at most 500 characters": REASONS,
    "schedule_snoozes: until is after since": (
        "알림을 끄는 시각은 지금보다 뒤여야 합니다", "a snooze ends after it begins"),
    "collection_windows: from before to": (
        "수집 기간은 시작이 끝보다 앞서야 합니다", "a collection window begins before it ends"),
    "collection_windows: kind": (
        "수집 종류는 orders, refresh, gap, backfill 중 하나입니다", "a collection is orders, refresh, gap or backfill"),
    "competitor_prices: price is above 0": ("경쟁 가격은 0보다 커야 합니다", "a competitor's price is above zero"),
    "events: kind": (
        "사건 종류는 stock.sold_out, stock.low, stock.refused, price.refused, orders.gap, market.maintenance 중 하나입니다",
        "an event is stock.sold_out, stock.low, stock.refused, price.refused, orders.gap or market.maintenance"),
    "order_claims_kind_check": (
        "클레임 종류는 cancel, return, exchange 중 하나입니다", "a claim is a cancel, return or exchange"),
    "order_items: state": (
        "주문 상태는 paid, confirmed, shipping, delivered, completed, cancelled, returned, exchanged 중 하나입니다",
        "an order line is paid, confirmed, shipping, delivered, completed, cancelled, returned or exchanged"),
    "price_rules: cost is above 0": ("원가는 0보다 커야 합니다", "a cost is above zero"),
    "price_rules: fee_percent is 0 or more and below 100": (
        "수수료율은 0 이상 100 미만이어야 합니다", "a fee is 0 percent or more, and below 100"),
    "price_rules: margin_percent is above -100 and at most 10000": (
        "마진율은 -100보다 크고 10000 이하여야 합니다", "a margin is above -100 percent and at most 10000"),
    "price_rules: max_change_percent is above 0": (
        "한 번에 바꿀 수 있는 가격의 비율은 0보다 커야 합니다", "the greatest change of a price is above 0 percent"),
    "price_rules: min_price is not above max_price": (
        "최저가는 최고가보다 클 수 없습니다", "the lowest price cannot be above the highest"),
    "price_rules: prices are multiples of 10 won above 0": (
        "최저가와 최고가는 0보다 큰 10원 단위여야 합니다", "the lowest and the highest price are multiples of 10 won above zero"),
    "price_rules: round_how is up, nearest or down": (
        "반올림 방법은 up, nearest, down 중 하나입니다", "prices are rounded up, nearest or down"),
    "price_rules: round_to is a multiple of 10 won": (
        "반올림 단위는 10원의 배수여야 합니다", "prices are rounded to a multiple of 10 won"),
    "price_rules: valid_from is before valid_to": (
        "가격 규칙은 시작이 끝보다 앞서야 합니다", "a price rule begins before it ends"),
    "prices: source is collected or pushed": (
        "가격의 출처는 collected 또는 pushed입니다", "the source of a price is collected or pushed"),
    "pushes: kind is stock or price": ("보낸 값의 종류는 stock 또는 price입니다", "what is pushed is stock or price"),
    "pushes: value is 0 or more": ("보낸 값은 0 이상이어야 합니다", "what is pushed is 0 or more"),
    "stock: buffer is 0 or more": ("안전 재고는 0 이상이어야 합니다", "a buffer is 0 or more"),
    "stock: cost is above 0": ("원가는 0보다 커야 합니다", "a cost is above zero"),
    "stock: low_at is 0 or more": ("재고 부족 기준은 0 이상이어야 합니다", "the quantity that counts as low is 0 or more"),
    "stock: oversold only where nothing is left": (
        "초과 판매 수량은 재고가 0일 때만 쓸 수 있습니다", "a quantity is oversold only where nothing is left"),
    "stock: quantity is 0 or more": ("재고 수량은 0 이상이어야 합니다", "a quantity is 0 or more"),
    "stock: sku is not empty": ("상품 코드(sku)를 쓰세요", "a stock keeping unit needs its code (sku)"),
    "stock_moves: reason": (
        "재고 변동의 까닭은 order, cancel, count, adopt, undo 중 하나입니다",
        "the reason of a stock move is order, cancel, count, adopt or undo"),
}

NOUNS: dict[str, tuple[Words, str]] = {
    "calendars": (("달력", "calendar"), "erp-scheduler calendar list"),
    "schedule_jobs": (("작업", "job"), "erp-scheduler jobs list"),
    "schedule_workflows": (("워크플로우", "workflow"), "erp-scheduler workflows list"),
    "job_executions": (("실행", "execution"), "erp-scheduler executions list"),
    "market_accounts": (("마켓 계정", "market account"), ""),
    "orders": (("주문", "order"), ""),
    "products": (("상품", "product"), ""),
    "product_options": (("상품 옵션", "product option"), ""),
    "pushes": (("보낸 값", "push"), ""),
    "web_users": (("사용자", "user"), "erp-scheduler user list"),
}
"""The tables that others point to: what a row of each is called, and the command that lists them."""

REFERENCES: dict[str, str] = {
    "calendar_days_calendar_fkey": "calendars",
    "calendars_base_fkey": "calendars",
    "schedule_jobs_calendar_fkey": "calendars",
    "job_dependencies_depends_on_fkey": "schedule_jobs",
    "job_dependencies_job_id_fkey": "schedule_jobs",
    "job_executions_job_id_fkey": "schedule_jobs",
    "schedule_forecast_job_id_fkey": "schedule_jobs",
    "schedule_locks_job_id_fkey": "schedule_jobs",
    "schedule_snoozes_job_id_fkey": "schedule_jobs",
    "schedule_words_job_id_fkey": "schedule_jobs",
    "schedule_jobs_workflow_fkey": "schedule_workflows",
    "execution_logs_execution_id_fkey": "job_executions",
    "market_budgets_market_code_account_fkey": "market_accounts",
    "market_calls_market_code_account_fkey": "market_accounts",
    "market_tokens_market_code_account_fkey": "market_accounts",
    "market_windows_market_code_account_fkey": "market_accounts",
    "order_boxes_market_code_account_order_id_fkey": "orders",
    "order_claims_market_code_account_order_id_fkey": "orders",
    "order_items_market_code_account_order_id_fkey": "orders",
    "product_options_market_code_account_product_id_fkey": "products",
    "stock_checks_market_code_account_item_id_fkey": "product_options",
    "pushes_undone_by_fkey": "pushes",
    "web_sessions_user_id_fkey": "web_users",
    "web_searches_user_id_fkey": "web_users",
    "web_known_addresses_user_id_fkey": "web_users",
}


def cut(name: str) -> str:
    """Return as much of a constraint's name as PostgreSQL keeps."""
    return name.encode()[:LONGEST_NAME].decode(errors="ignore")


_BY_CUT_NAME = {cut(name): words for name, words in CHECKS.items()}


def check_words(constraint: str | None) -> Words | None:
    """Return what a CHECK constraint demands, in both languages; None for one that is not of this schema."""
    return _BY_CUT_NAME.get(cut(constraint or ""))


def missing_words(constraint: str | None, key: str) -> str | None:
    """Say that what a foreign key points to is not there.

    key  the value that was looked for
    """
    table = REFERENCES.get(constraint or "")
    if table is None:
        return None
    (korean, english), command = NOUNS[table]
    return say(f"{korean} '{key}'이(가) 없습니다", f"there is no {english} '{key}'") + (f"\n{command}" if command else "")


def used_words(constraint: str | None, key: str) -> str | None:
    """Say that what was to be deleted is still used."""
    table = REFERENCES.get(constraint or "")
    if table is None:
        return None
    (korean, english), _ = NOUNS[table]
    return say(f"{korean} '{key}'은(는) 아직 쓰이고 있어 지울 수 없습니다",
               f"{english} '{key}' is still in use and cannot be deleted")
