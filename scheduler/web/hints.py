"""What is probably behind an error, and what to do: a table of known signs. A sign that is not known gets no guess."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scheduler.words import say

Words = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Hint:
    """The probable cause, and what to do, each in Korean and in English."""

    cause: Words
    remedy: Words

    def cause_words(self) -> str:
        """Say the cause in the language of the request."""
        return say(*self.cause)

    def remedy_words(self) -> str:
        """Say what to do in the language of the request."""
        return say(*self.remedy)


# By the kind that the scheduler itself gives (column error_class) or by the name of the exception.
OF_CLASS: dict[str, Hint] = {
    "timeout": Hint(
        ("제한 시간 안에 끝나지 않아 끝냈습니다", "It did not end within its time limit and was ended"),
        ("로그의 마지막 줄에서 어디에 머물렀는지 보세요. 일이 늘었다면 timeout_minutes를 늘리거나 범위를 나누세요",
         "See in the log's last lines where it stayed. If there is more work than before, raise timeout_minutes")),
    "lost": Hint(
        ("노드의 하트비트가 끊겨 결과를 알 수 없습니다. 일이 끝났는지는 모릅니다",
         "The node's heartbeats stopped, so the result is unknown; the work may or may not be done"),
        ("노드 화면에서 그 노드가 살아 있는지 보세요 (메모리, 재부팅, 네트워크). 재시도가 남았으면 저절로 다시 실행됩니다",
         "See on the nodes page whether it lives (memory, reboot, network). It is tried again by itself while retries are left")),
    "crashed": Hint(
        ("처리기의 프로세스가 답 없이 끝났습니다. signal 9는 대개 메모리 부족입니다",
         "The handler's process ended without an answer; signal 9 is mostly a lack of memory"),
        ("노드에서 dmesg로 OOM을 확인하고, 한 번에 다루는 양(batch_size)을 줄이거나 메모리를 늘리세요",
         "Look for OOM with dmesg on the node; lower the batch size or give it more memory")),
    "memory": Hint(
        ("메모리가 모자랐습니다", "It ran out of memory"),
        ("한 번에 다루는 양을 줄이거나 노드의 메모리를 늘리세요", "Handle less at once, or give the node more memory")),
    "parameters": Hint(
        ("매개변수가 처리기와 맞지 않습니다. 다시 해도 같으므로 재시도하지 않았습니다",
         "The parameters do not fit the handler; it was not tried again, as the result would be the same"),
        ("처리기 화면에서 매개변수를 확인하고 작업을 고치거나, 아래에서 고쳐서 다시 시도하세요",
         "Compare them with the handlers page; edit the job, or try again below with other parameters")),
    "revoked": Hint(
        ("누군가 잠금을 풀어 실행을 거둬들였습니다", "Somebody freed its lock, which revokes the execution"),
        ("일부러 한 것이면 할 일이 없습니다. 아니면 감사 기록에서 누가 풀었는지 보세요",
         "If it was meant, there is nothing to do; else see in the audit log who freed it")),
    "shutdown": Hint(
        ("데몬이 멈추면서 끝냈습니다. 실패로 세지 않습니다",
         "The daemon was stopped and ended it; it does not count as a failure"),
        ("데몬이 다시 뜨면 저절로 이어집니다", "It goes on by itself when a daemon is up again")),
    "result": Hint(
        ("처리기가 JSON이 아니거나 너무 큰 결과를 돌려줬습니다", "The handler returned what is not JSON, or too large"),
        ("숫자와 글자로 된 작은 dict를 돌려주게 고치세요", "Let it return a small dict of numbers and texts")),
    "fork": Hint(
        ("노드가 프로세스를 만들지 못했습니다", "The node could not start a process"),
        ("노드의 메모리와 프로세스 수 제한(ulimit -u)을 보세요", "Look at the node's memory and process limit (ulimit -u)")),
    "GiveUp": Hint(
        ("처리기가 다시 해도 소용없다고 판단했습니다", "The handler decided that trying again is pointless"),
        ("오류 문장이 말하는 것을 고친 뒤 다시 시도하세요", "Mend what the message says, then try again")),
    "AuthFailed": Hint(
        ("마켓이 인증을 거절했습니다: 키가 만료되었거나 틀립니다",
         "The market refused the credentials: a key has expired or is wrong"),
        ("마켓 관리 화면에서 키를 새로 받아 market_accounts가 가리키는 곳(secret://…)에 넣고 다시 시도하세요",
         "Get a new key from the market, put it where market_accounts points (secret://…), and try again")),
    "RateLimited": Hint(
        ("마켓의 호출 한도에 닿았습니다", "The market's limit of calls was reached"),
        ("저절로 나중에 다시 합니다. 자주 있으면 마켓 화면에서 하루 한도를 보고 간격을 늘리세요",
         "It comes back later by itself; if it happens often, see the day's budget on the markets page and run less often")),
    "Closed": Hint(
        ("마켓이 점검 중입니다", "The market is closed for maintenance"),
        ("점검이 끝나면 저절로 다시 합니다", "It is tried again by itself when the market is open")),
    "MarketDown": Hint(
        ("마켓 서버가 오류를 돌려주거나 닿지 않습니다", "The market's server answers with errors or cannot be reached"),
        ("대개 잠시 뒤 풀립니다. 계속되면 마켓의 공지를 보세요", "It mostly passes; if it stays, see the market's notices")),
    "TooSlow": Hint(
        ("마켓이 제때 답하지 않았습니다", "The market did not answer in time"),
        ("대개 잠시 뒤 풀립니다. 계속되면 한 번에 읽는 기간이나 양을 줄이세요",
         "It mostly passes; if it stays, ask for less at once")),
    "BadRequest": Hint(
        ("마켓이 요청을 잘못된 것으로 보았습니다", "The market took the request for a wrong one"),
        ("오류 문장이 말하는 값을 확인하세요. 다시 해도 같습니다",
         "Check the value that the message names; trying again changes nothing")),
}

# By what the message says; the first that fits is taken, so that what is special stands first.
OF_TEXT: tuple[tuple[re.Pattern[str], Hint], ...] = tuple((re.compile(pattern, re.I), hint) for pattern, hint in (
    (r"\b57014\b|QueryCanceled|canceling statement", Hint(
        ("데이터베이스가 문장을 취소했습니다 (57014): 시간 제한이거나 관리자가 끝냈습니다",
         "The database cancelled the statement (57014): a time limit, or an administrator"),
        ("statement_timeout과 느린 문장을 확인하세요: SELECT * FROM pg_stat_activity",
         "Look at statement_timeout and slow statements: SELECT * FROM pg_stat_activity"))),
    (r"\b40P01\b|deadlock detected", Hint(
        ("데이터베이스에서 서로 기다리다 하나가 끝났습니다 (40P01)",
         "Two transactions waited for each other, and one was ended (40P01)"),
        ("다시 시도하면 됩니다. 되풀이되면 함께 도는 작업의 시간을 벌리세요",
         "Trying again is enough; if it repeats, move the jobs that run together apart"))),
    (r"\b53300\b|too many (clients|connections)|remaining connection slots", Hint(
        ("데이터베이스 연결이 모자랍니다 (53300)", "The database has no connection left (53300)"),
        ("max_connections와 작업자 수를 견주세요: erp-scheduler doctor",
         "Compare max_connections with the workers: erp-scheduler doctor"))),
    (r"No space left|\b53100\b|disk full", Hint(
        ("디스크가 가득 찼습니다", "The disk is full"),
        ("df -h로 확인하고 오래된 백업과 로그를 지우세요", "See df -h, and remove old backups and logs"))),
    (r"\b401\b|unauthori[sz]ed|인증", OF_CLASS["AuthFailed"]),
    (r"\b403\b|forbidden", Hint(
        ("그 일을 할 권한이 없거나 허용되지 않은 주소에서 불렀습니다 (403)",
         "It is not allowed to do that, or calls from an address that is not (403)"),
        ("마켓에 등록한 서버 IP와 키의 권한을 확인하세요", "Check the registered server address and the rights of the key"))),
    (r"\b429\b|too many requests|rate.?limit|\bGW\.RATE", OF_CLASS["RateLimited"]),
    (r"\b50[0234]\b|bad gateway|service unavailable", OF_CLASS["MarketDown"]),
    (r"certificate|SSL", Hint(
        ("상대의 인증서를 믿을 수 없습니다", "The other side's certificate is not trusted"),
        ("노드의 시각과 CA 인증서를 확인하세요", "Check the node's clock and its CA certificates"))),
    (r"Name or service not known|getaddrinfo|Temporary failure in name resolution", Hint(
        ("주소의 이름을 찾지 못했습니다 (DNS)", "The name of the address was not found (DNS)"),
        ("노드에서 이름이 풀리는지 보고 base_url을 확인하세요", "See whether the node resolves it, and check base_url"))),
    (r"Connection refused|ConnectError|connection (to server|reset)", Hint(
        ("상대에 연결하지 못했습니다", "The other side could not be reached"),
        ("상대가 떠 있는지, 방화벽과 주소가 맞는지 보세요", "See whether it is up, and whether firewall and address are right"))),
    (r"timed? ?out|timeout", OF_CLASS["TooSlow"]),
    (r"KeyError|JSONDecodeError|unexpected (field|answer|shape)", Hint(
        ("답의 모양이 예상과 다릅니다", "The answer has another shape than expected"),
        ("상대의 API가 바뀌었는지 확인하세요. 자세한 것은 로그에 있습니다",
         "See whether its API has changed; the log tells more"))),
    (r"No such file|FileNotFoundError|Permission denied|PermissionError", Hint(
        ("파일이나 폴더가 없거나 읽고 쓸 수 없습니다", "A file or folder is missing or may not be used"),
        ("경로와 데몬 사용자의 권한을 확인하세요", "Check the path, and the rights of the daemon's user"))),
))


def hint_of(execution: Mapping[str, Any]) -> Hint | None:
    """Return what is known about the error of *execution*, None when nothing is."""
    kind, message = execution["error_class"] or "", execution["error_message"] or ""
    if not kind and not message:
        return None
    if kind in OF_CLASS and kind != "GiveUp":
        return OF_CLASS[kind]
    return next((hint for pattern, hint in OF_TEXT if pattern.search(f"{kind} {message}")), OF_CLASS.get(kind))
