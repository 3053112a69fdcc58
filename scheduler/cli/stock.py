"""`erp-scheduler stock`: master quantities, shops beside them, and the way back from a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop, both, chosen, command, noun
from scheduler.cli.output import Column, hint, moment, print_json, print_table, show
from scheduler.cli.session import change, database
from scheduler.words import say

if TYPE_CHECKING:
    from psycopg import Connection

app = noun("stock", "재고 원장을 보고, 가게와 견주고, 되돌립니다", "See the master stock, compare it with the shops, undo a run")
Market = Annotated[str | None, typer.Option(help=both("마켓", "Market"))]
LARGEST = 2**53


@command(app, "list", "재고 원장", "List the master quantities")
def list_(
    sku: Annotated[str | None, typer.Argument(help=both("품목 코드의 앞부분", "Beginning of the sku"))] = None,
    limit: Annotated[int | None, typer.Option(min=1, help=both("최대 개수", "At most"))] = None,
) -> None:
    """List the master quantities."""
    from scheduler.queries.stock import list_stock

    with database() as connection:
        found = list_stock(connection, sku, limit)
    if chosen().json:
        print_json(found)
        return
    print_table(found, [
        ("SKU", lambda row: row["sku"]),
        (say("수량", "QUANTITY"), lambda row: row["quantity"]),
        (say("초과 주문", "OVERSOLD"), lambda row: row["oversold"] or ""),
        (say("남겨 둠", "BUFFER"), lambda row: row["buffer"]),
        (say("부족 기준", "LOW AT"), lambda row: row["low_at"]),
        (say("원가", "COST"), lambda row: row["cost"]),
        (say("센 때", "COUNTED"), lambda row: moment(row["counted_at"])),
        (say("판매", "SOLD"), lambda row: moment(row["sold_at"])),
    ], empty=say("재고 원장이 비어 있습니다", "the master stock is empty") + ": erp-scheduler stock set SKU 10")


@command(app, "diff", "원장과 가게의 재고를 나란히", "Show the master and the shops side by side")
def diff(
    market: Market = None,
    buffer: Annotated[int, typer.Option(min=0, help=both(
        "품목에 정한 값이 없을 때 남겨 둘 수량", "Quantity kept back where the sku says none"))] = 0,
    everything: Annotated[bool, typer.Option("--all", help=both("같은 것도", "Also what is equal"))] = False,
) -> None:
    """Show what inventory_sync would set, as far as the tables know."""
    from scheduler.queries.stock import differences

    with database() as connection:
        found = differences(connection, market, buffer, everything)
    if chosen().json:
        print_json(found)
        return
    labels = sorted({_label(shop) for row in found for shop in row["shops"]})
    print_table(found, [
        ("SKU", lambda row: row["sku"]),
        (say("원장", "MASTER"), lambda row: "-" if row["quantity"] is None else row["quantity"]),
        (say("남겨 둠", "BUFFER"), lambda row: row["buffer"]),
        (say("올릴 수량", "WANTED"), lambda row: row["wanted"]),
        *[_shop_column(label) for label in labels],
    ], empty=say("원장과 가게의 재고가 같습니다", "the shops show what the master says"))


def _label(shop: Any) -> str:
    return str(shop["market_code"]) if shop["account"] == "default" else f"{shop['market_code']}/{shop['account']}"


def _shop_column(label: str) -> Column:
    return label, lambda row: ", ".join(_shown(shop, row["wanted"]) for shop in row["shops"] if _label(shop) == label)


def _shown(shop: Any, wanted: int | None) -> str:
    stock = "?" if shop["stock"] is None else shop["stock"]
    return f"{stock} → {wanted}" if shop["differs"] else str(stock)


@command(app, "set", "센 수량을 적습니다", "Write down a counted quantity")
def set_(
    sku: Annotated[str, typer.Argument(help=both("품목 코드", "Sku"))],
    quantity: Annotated[int, typer.Argument(min=0, max=LARGEST, help=both("지금 팔 수 있는 수량", "Quantity for sale by now"))],
    buffer: Annotated[int | None, typer.Option(min=0, max=LARGEST, help=both("남겨 둘 수량", "Quantity to keep back"))] = None,
    low_at: Annotated[int | None, typer.Option(min=0, max=LARGEST, help=both("부족 기준", "Quantity that is low"))] = None,
    cost: Annotated[int | None, typer.Option(min=1, max=LARGEST, help=both("원가(원)", "Cost in won"))] = None,
) -> None:
    """Set a master quantity as counted at this moment."""
    from scheduler.queries.stock import set_stock

    with database() as connection, change(connection):
        made = set_stock(connection, sku, quantity, buffer, low_at, cost)
    if chosen().json:
        print_json(made)
        return
    show(say(f"{made['sku']}: {made['quantity']}개, {moment(made['counted_at'])}에 셈",
             f"{made['sku']}: {made['quantity']}, counted {moment(made['counted_at'])}"))


@command(app, "runs", "가게에 값을 보낸 묶음", "List the runs that set values at shops")
def runs(
    kind: Annotated[str | None, typer.Option(help="stock | price")] = None,
    limit: Annotated[int, typer.Option(min=1, help=both("최대 개수", "At most"))] = 20,
) -> None:
    """List the runs, newest first."""
    from scheduler.queries.stock import list_runs

    _check_kind(kind)
    with database() as connection:
        found = list_runs(connection, kind=kind, limit=limit)
    if chosen().json:
        print_json(found)
        return
    print_table(found, [
        (say("묶음", "RUN"), lambda row: row["run"]),
        (say("종류", "KIND"), lambda row: row["kind"]),
        (say("때", "AT"), lambda row: moment(row["at"])),
        (say("마켓", "MARKETS"), lambda row: ", ".join(row["markets"])),
        (say("보냄", "PUSHED"), lambda row: row["pushed"]),
        (say("판매", "SOLD"), lambda row: row["sold"] or ""),
        (say("실패", "FAILED"), lambda row: row["failed"] + row["unanswered"]),
        (say("되돌림", "UNDONE"), lambda row: row["undone"]),
        ("", lambda row: say("되돌린 실행", "an undoing") if row["undoes"] else ""),
    ], empty=say("아직 보낸 것이 없습니다", "nothing was set yet"))


def _check_kind(kind: str | None) -> None:
    if kind not in (None, "stock", "price"):
        raise Stop(exit_codes.USAGE, f"--kind {kind}: stock | price")


@command(app, "undo", "보낸 값을 되돌립니다", "Set back what a run has set")
def undo(
    run: Annotated[str | None, typer.Argument(help=both("묶음 (앞부분도 됨)", "Run, or its beginning"))] = None,
    last: Annotated[bool, typer.Option("--last", help=both("마지막 묶음", "The last run"))] = False,
    kind: Annotated[str | None, typer.Option(help=both("--last의 종류: stock | price", "Of --last: stock | price"))] = None,
    market: Annotated[list[str] | None, typer.Option(help=both("이 마켓만", "This market only"))] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=both("보내지 않음", "Only say what would be set"))] = False,
) -> None:
    """Queue an execution that sets the values back that the shops had before a run."""
    from scheduler.protocol.requests import run_now
    from scheduler.queries.stock import job_for, run_to_undo

    if (run is None) is not last:
        raise Stop(exit_codes.USAGE, say("묶음 하나 또는 --last", "give one run, or --last") + "\nerp-scheduler stock runs")
    _check_kind(kind)
    with database() as connection:
        found = run_to_undo(connection, run, kind or "stock")
        markets = _markets(found, market)
        with connection.transaction():
            job = job_for(connection, found["kind"], markets)
            parameters = {name: value for name, value in job["parameters"].items() if name not in ("only_sold", "dry_run")}
            number = run_now(connection, job["id"], {**parameters, "undo": str(found["run"]), "dry_run": dry_run}, markets)
        _say_queued(connection, found, job, number, markets)


def _markets(found: Any, wanted: list[str] | None) -> list[str]:
    foreign = [code for code in wanted or [] if code not in found["to_undo"]]
    if foreign:
        raise Stop(exit_codes.NOT_FOUND, say(
            f"묶음 {found['run']}에 되돌릴 {', '.join(foreign)} 값이 없습니다",
            f"run {found['run']} has nothing to undo at {', '.join(foreign)}"))
    return sorted(set(wanted or found["to_undo"]))


def _say_queued(connection: Connection[Any], found: Any, job: Any, number: int, markets: list[str]) -> None:
    from scheduler.queries.nodes import list_nodes

    if chosen().json:
        print_json({"execution_id": number, "job_id": job["id"], "name": job["name"], "run": found["run"],
                    "kind": found["kind"], "markets": markets})
    else:
        show(say(f"실행 {number}: 묶음 {found['run']}을(를) 되돌립니다 (작업 {job['id']} {job['name']}, {', '.join(markets)})",
                 f"execution {number}: undoes run {found['run']} (job {job['id']} {job['name']}, {', '.join(markets)})"))
    if found["kind"] == "price":
        hint(say("가격 규칙은 그대로입니다. 다음 price_update가 다시 보내지 않게 erp.price_rules를 고치세요",
                 "the price rules stay as they are; edit erp.price_rules, or the next price_update sets them again"))
    if not any(node["living"] for node in list_nodes(connection)):
        hint(say("실행 중인 데몬이 없어 대기합니다", "no daemon is running, so it waits") + ": erp-scheduler start -d")
    else:
        hint(f"→ erp-scheduler executions logs {number} --follow")
