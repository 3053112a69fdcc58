-- 왜 실행되지 않았는지: 첫 행이 답이고, fix는 다음에 입력할 것입니다.
-- Why did it not run? The first row is the answer, and fix is what to type next.
SELECT ko, fix FROM schedule_why(1);
SELECT ko, fix FROM schedule_why('주문 수집', '2026-11-21 09:00+09');

-- 지금 손봐야 할 것.
-- What needs somebody now.
SELECT ko, fix FROM schedule_problems;
