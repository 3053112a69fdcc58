"""The API in Korean: what each operation does, by its stable id, and what its parameters mean.

The routes' own docstrings are the English; the document carries both, and its page shows the one that is read.
"""

from __future__ import annotations

from typing import Any

OPERATIONS: dict[str, str] = {
    "get_status": "`SELECT * FROM schedule_status()`와 같은 상태를 돌려줍니다.",
    "get_healthz": "웹 프로세스가 살아 있다고 답합니다.",
    "get_readyz": "데이터베이스에 연결되는지 답합니다. 안 되면 503입니다.",
    "get_metrics": "Prometheus가 읽는 지표를 돌려줍니다. viewer 토큰을 쓰세요.",
    "get_events": "바뀐 것의 이름(`hints`)을 최대 1초에 한 번 보냅니다: status, jobs, executions, locks, nodes, "
                  "calendar, job-17, execution-9042. `resync`면 모두 다시 읽으세요.",
    "get_openapi_json": "이 문서(OpenAPI 3.1)를 돌려줍니다.",
    "get_jobs": "작업 목록입니다. 정렬 앞에 붙임표를 쓰면 거꾸로입니다.",
    "post_jobs": "작업을 만듭니다. 일정이 없으면 손으로만 실행합니다.",
    "get_jobs_job": "작업 하나를 돌려줍니다. ETag를 If-Match에 쓰세요.",
    "put_jobs_job": "작업을 꼭 이대로 만듭니다. 주지 않은 것은 기본값이 됩니다. 일시정지는 말하지 않으면 그대로입니다.\n\n"
                    "읽을 때 받은 ETag를 If-Match로 보내야 합니다.",
    "patch_jobs_job": "준 것만 바꿉니다(JSON merge patch, RFC 7396). null은 기본값으로, parameters는 합칩니다.\n\n"
                      "읽을 때 받은 ETag를 If-Match로 보내야 합니다. 고치면 다시 계획할 뿐 바로 실행하지는 않습니다.",
    "delete_jobs_job": "작업을 지웁니다. 실행 기록은 남고 되살릴 수 있습니다. If-Match를 받습니다.\n\n"
                       "purge를 주면 기록까지 영구히 지웁니다. 실행 중이면 거절(409)합니다.",
    "post_jobs_job_run": "지금, 또는 잠시 뒤에 한 번 실행합니다. 일정은 그대로입니다.",
    "post_jobs_job_pause": "작업을 일시정지합니다. 시각을 주면 그때까지입니다. 실행 중인 것은 끝까지 갑니다.",
    "post_jobs_job_resume": "작업을 재개합니다. run_missed면 멈춘 동안 놓친 것을 한 번 실행합니다.",
    "post_jobs_job_reschedule": "실행 시각을 바꿉니다. 준 일정 방식이 앞의 것을 대신합니다. If-Match를 받습니다.",
    "post_jobs_job_duplicate": "같은 작업을 하나 더 만듭니다. 달리 말하지 않으면 멈춘 상태입니다.",
    "post_jobs_job_backfill": "지난 기간의 예정 시각 가운데 실행이 없는 것을 낮은 우선순위로 대기열에 넣습니다.",
    "post_jobs_job_snooze": "이 작업의 문제를 잠시, 또는 고칠 때까지 알리지 않습니다.",
    "delete_jobs_job_snooze": "이 작업의 문제를 다시 알립니다.",
    "get_snoozes": "지금 문제를 알리지 않는 작업의 목록입니다. 먼저 돌아올 것부터.",
    "get_jobs_job_next": "앞으로의 예정 시각을 돌려줍니다. 실행하지 않을 것도 이유와 함께 나옵니다.",
    "get_jobs_job_stats": "성공률, 걸린 시간, 날마다의 결과를 돌려줍니다(한국 날짜, 최근 10,000건까지).",
    "get_jobs_job_executions": "작업의 실행 목록입니다. 나중에 만든 것부터. 조건은 /api/v1/executions?job_id= 에 더 있습니다.",
    "get_jobs_job_revisions": "작업의 변경 이력입니다. 새것부터: 누가, 언제, 어디로, 무엇을 무엇으로.",
    "post_jobs_job_revisions_revision_restore": "작업을 그 변경 직후로 되돌립니다. 지운 작업도 됩니다.",
    "get_jobs_job_why": "그때 왜 실행되지 않았는지, 또는 지금 왜 실행되지 않는지 답합니다. 첫 항목이 답입니다.",
    "post_jobs_batch": "여러 작업에 한 가지를 합니다. 안 되는 작업은 이유와 함께 나오고 다른 작업을 막지 않습니다.",
    "get_jobs_export": "작업, 달력, 기간 설정을 import가 다시 읽는 문서로 돌려줍니다. 그대로 적힌 비밀은 가립니다.",
    "post_jobs_import": "YAML이나 JSON 문서대로 작업을 만들고 바꿉니다. 모두 "
                        "되거나 모두 안 됩니다. 이미 그대로인 작업은 건드리지 않습니다.",
    "post_jobs_validate": "작업을 만들어 보고 아무것도 남기지 않습니다: 무엇이 틀렸는지, 아니면 일정과 다음 시각을 답합니다.",
    "get_executions": "실행 목록입니다. 새것부터.\n\n4 kB보다 긴 결과는 실행 하나를 읽을 때만 나옵니다.",
    "post_executions": "작업을 만들지 않고 작업 유형을 한 번 실행합니다: 지금, 잠시 뒤, 또는 정한 시각에.\n\n"
                       "매개변수가 곧 할 일인 유형(sql_statement, http_request, data_cleanup)은 관리자만 할 수 있습니다.",
    "get_executions_execution_id": "실행 하나를 매개변수와 전체 결과까지 돌려줍니다.",
    "post_executions_execution_id_retry": "같은 예정 시각에 대해 한 번 더 시도합니다.",
    "post_executions_execution_id_cancel": "실행을 끝냅니다. 기다리는 것은 바로, 실행 중인 것은 곧.",
    "get_executions_execution_id_files": "결과가 말하는 파일 가운데 보고서와 백업 폴더에 있는 것의 목록입니다.\n\n"
                                         "다른 컴퓨터에 있거나 지워진 파일은 `bytes`가 null입니다.",
    "get_executions_execution_id_files_name": "파일 하나를 돌려줍니다. 백업은 데이터베이스 전체라서 "
                                              "관리자만 받을 수 있고, 받은 사람이 기록됩니다.",
    "get_executions_execution_id_logs": "로그를 NDJSON으로, `Accept`가 `text/event-stream`이면 이벤트로 돌려줍니다.\n\n"
                                        "follow면 적히는 대로 오고, 마지막 이벤트는 상태가 든 `end`입니다. 30분 뒤에 끊기면 "
                                        "`after`로 이어 받으세요(이벤트는 브라우저가 알아서 합니다).",
    "post_executions_batch": "여러 실행을 다시 시도하거나 끝냅니다. 안 되는 것은 이유와 함께 나오고 다른 것을 막지 않습니다.",
    "get_workflows": "워크플로우 목록입니다. 기다리는 것과 실행 중인 것도 나옵니다.",
    "get_workflows_name": "워크플로우 하나를 단계의 상태와 함께 돌려줍니다. ETag를 If-Match에 쓰세요.",
    "put_workflows_name": "이름으로 워크플로우를 저장합니다. 작업도 그대로 바뀝니다. 이미 있으면 If-Match가 필요합니다.",
    "delete_workflows_name": "워크플로우와 그 작업을 지웁니다. 실행 기록은 남습니다. If-Match를 받습니다.",
    "post_workflows_name_run": "첫 단계를 대기열에 넣습니다. 나머지는 앞 단계가 끝나는 대로 이어집니다.",
    "get_upcoming": "앞으로의 예정 시각입니다. 가까운 것부터. 실행하지 않으면 `run_at`이 null이고 `reason`에 이유가 있습니다.\n\n"
                    "데몬이 고칠 때마다 14일 앞까지 계산합니다. 계산한 때는 `computed_at`입니다.",
    "get_calendar": "두 시각 사이에 끝난 것(`past`), 예정된 것(`coming`), 쉬는 날, 기간 설정을 돌려줍니다.\n\n"
                    "각각 *limit*개까지이고, 더 있으면 `truncated`에 나옵니다.",
    "get_calendars": "달력 목록입니다. 따로 정한 날의 수와 따르는 작업의 수도 나옵니다.",
    "get_calendars_name": "한 해의 이름 있는 날입니다: 공휴일과 따로 정한 날.",
    "put_calendars_name": "달력을 만들거나 바꿉니다. 따르는 작업은 바로 다시 계획합니다.",
    "delete_calendars_name": "어느 작업도 다른 달력도 따르지 않는 달력을 지웁니다.",
    "put_calendars_name_days_day": "하루를 쉬는 날이나 영업일로 정합니다.",
    "delete_calendars_name_days_day": "따로 정한 날을 없앱니다. 공휴일은 그대로입니다.",
    "get_overlays": "기간 설정 목록입니다: 진행 중이거나 앞으로 올 것.",
    "get_overlays_name": "기간 설정 하나와 그 효과를 돌려줍니다: 그 기간의 작업마다, 없을 때와 있을 때의 실행 수.",
    "put_overlays_name": "기간 설정을 만들거나 그 이름의 것을 바꿉니다.",
    "delete_overlays_name": "기간 설정을 지웁니다. 작업은 제 일정대로 갑니다.",
    "get_locks": "잠금 목록입니다. 살아 있는 것부터.",
    "delete_locks_job_id": "작업의 잠금을 풉니다. 살아 있는 것은 force로만 풀고, 그 실행은 취소됩니다.",
    "get_nodes": "데몬이 스스로 알린 상태의 목록입니다. 한 임대 기간 동안 소식이 없으면 `living`이 false입니다.",
    "get_nodes_name": "이 이름의 데몬을 살아 있는 것부터, 거기서 실행 중인 것과 함께 돌려줍니다.",
    "post_nodes_name_drain": "이 이름의 노드에 새 일을 주지 않습니다. 실행 중인 것은 끝까지 갑니다.",
    "post_nodes_name_undrain": "이 이름의 노드가 다시 일을 받습니다.",
    "get_handlers": "데몬이 알린 작업 유형의 목록입니다. 지금 아는 데몬이 있는지는 `living`입니다.",
    "get_handlers_job_type": "작업 유형 하나입니다. `params_schema`는 매개변수의 JSON Schema입니다.",
    "get_markets": "마켓 계정과 호출 한도, 점검 시간, 수집하지 못한 시간의 목록입니다.",
    "get_markets_stock": "마켓의 재고가 있어야 할 값과 다른 상품의 목록입니다. `total`은 전체 수입니다.",
    "get_users": "사용자 목록입니다. 살아 있는 세션 수도 나옵니다.",
    "post_users": "사용자를 더합니다.",
    "get_users_user_id": "사용자 한 사람을 돌려줍니다.",
    "patch_users_user_id": "사용자의 권한이나 비밀번호를 바꾸거나 막습니다. 마지막 관리자는 그대로 남습니다.",
    "delete_users_user_id": "사용자를 막습니다. 세션과 토큰이 끝납니다. 한 일은 그 이름으로 남습니다.",
    "get_tokens": "토큰 목록입니다. 앞부분만 나오고, 토큰 자체는 어디에도 없습니다.",
    "post_tokens": "토큰을 만듭니다. `token`은 이번 한 번만 보입니다.",
    "delete_tokens_token_id": "토큰을 영구히 끝냅니다.",
    "get_audit": "한 일의 목록입니다. 새것부터. 비밀은 가립니다. `total`은 세지 않습니다.\n\n"
                 "값, 주소, trace id는 관리자가 아니면 null입니다.",
    "get_api_scheduler": "상태를 돌려줍니다. 예정된 것이 없으면 `nextJob`이 없습니다.",
    "post_api_workflow_execute": "워크플로우나 작업을 실행합니다: 지금, 잠시 뒤, 또는 정한 시각에. "
                                 "뒤의 단계는 앞 단계에 이어집니다.\n\n"
                                 "test면 지금 실행하고, 답(200)이 곧 결과입니다.",
    "get_scheduler_jobs": "JSON입니다. `Accept`에 `text/html`이 있으면 화면을 줍니다.",
    "get_scheduler_jobs_job_id": "JSON입니다. `Accept`에 `text/html`이 있으면 화면을 줍니다.",
    "delete_scheduler_jobs_job_id": "작업을 지웁니다. 실행 기록은 남습니다.",
    "post_scheduler_jobs_job_id_pause": "작업을 일시정지합니다.",
    "post_scheduler_jobs_job_id_resume": "작업을 재개합니다.",
    "post_scheduler_jobs_job_id_run": "작업을 지금 실행합니다.",
    "post_scheduler_jobs_job_id_reschedule": "작업에 다른 일정을 줍니다. crontab 줄은 crontab(5)대로입니다: 0과 7은 일요일.",
}
# For parameters whose routes say nothing of them, or say it in one language.
PARAMETERS: dict[str, str] = {
    "actor": "한 사람이나 토큰의 이름 / The name of who did it",
    "count": "`exact`면 전체 수를 `total`에 셉니다 / `exact` counts all matches into `total`",
    "cursor": "앞쪽의 `next` / `next` of the page before",
    "day": "날짜 (2026-12-25) / The day (2026-12-25)",
    "days": "며칠 동안 / Of how many days",
    "fields": "보낼 항목만, 쉼표로 / Only these, with commas",
    "format": "문서의 모양 / The form of the document",
    "hours": "몇 시간 앞까지 / How many hours ahead",
    "job_id": "작업 번호 / The number of a job",
    "job_type": "작업 유형 / A job type",
    "limit": "최대 개수 / At most so many items",
    "market": "마켓 코드 (coupang) / A marketplace (coupang)",
    "name": "이름 / Its name",
    "node": "노드의 이름 / The name of a node",
    "object": "무엇에 (job:17) / To what (job:17)",
    "sort": "정렬, 붙임표는 거꾸로 / The order; a hyphen turns it around",
    "tag": "태그 / A tag",
    "trigger": "왜 실행되었는지 / Why it exists",
}


def add_korean(operation: dict[str, Any]) -> None:
    """Put the Korean beside the English of an operation, and both into the words of each parameter."""
    korean = OPERATIONS.get(operation["operationId"])
    if korean is not None:
        operation["x-summary-ko"] = korean.partition("\n\n")[0]
        operation["x-description-ko"] = korean
    for each in operation.get("parameters", ()):
        if " / " not in each.get("description", "") and each["name"] in PARAMETERS:
            each["description"] = PARAMETERS[each["name"]]
