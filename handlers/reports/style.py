"""How the page looks: light and dark, narrow and wide, on screen and on paper. No font or picture is fetched."""

STYLE = """
:root { color-scheme: light dark; --back: #f6f7f9; --card: #ffffff; --ink: #1a1f27; --soft: #566070; --line: #dde1e7;
  --accent: #2459c4; --track: #e9edf3; --warn-back: #fff3d6; --warn-line: #b97800; --warn-ink: #573a00; }
@media screen and (prefers-color-scheme: dark) {
  :root { --back: #12151a; --card: #1b2027; --ink: #e8ebf0; --soft: #a3adbb; --line: #333b46; --accent: #7fa8ff;
    --track: #2a313b; --warn-back: #3a2d0d; --warn-line: #e0a52e; --warn-ink: #ffe2a3; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--back); color: var(--ink); line-height: 1.5; word-break: keep-all; overflow-wrap: anywhere;
  font-family: "Pretendard", "Apple SD Gothic Neo", "Malgun Gothic", "NanumGothic", "Noto Sans KR",
    "Noto Sans CJK KR", system-ui, sans-serif; }
header, main { max-width: 1216px; margin: 0 auto; padding: 0 16px; }
header { padding-top: 28px; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0; }
h2 { font-size: 1.15rem; margin: 0 0 12px; }
.days { font-size: 1.05rem; margin: 4px 0 0; font-variant-numeric: tabular-nums; }
.made { margin: 2px 0 0; color: var(--soft); font-size: .875rem; }
.warning { margin: 16px 0 0; padding: 12px 16px; border-radius: 8px; border-left: 4px solid var(--warn-line);
  background: var(--warn-back); color: var(--warn-ink); }
.warning ul { margin: 6px 0 0; padding-left: 20px; font-size: .9rem; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 14px 0 0; padding: 0; }
nav a { color: var(--accent); display: inline-block; padding: 4px 0; }
section { margin: 20px 0; padding: 18px 16px; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(184px, 1fr)); gap: 18px 16px; margin: 0; }
.tiles > div { min-width: 0; }
dt { color: var(--soft); font-size: .85rem; }
dd { margin: 0; }
dd.figure { font-size: clamp(.95rem, 4.2vw, 1.3rem); font-weight: 650; font-variant-numeric: tabular-nums; line-height: 1.35; }
dd.before { color: var(--soft); font-size: .8rem; font-variant-numeric: tabular-nums; }
dd.before span { white-space: nowrap; color: var(--ink); }
.empty { margin: 0 0 14px; padding: 10px 14px; border-radius: 8px; background: var(--track); }
figure { margin: 0 0 18px; max-width: 100%; }
figcaption { font-weight: 600; font-size: .95rem; margin-bottom: 8px; }
svg { display: block; overflow: visible; }
svg text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
svg text.figure { fill: var(--ink); }
.bar { fill: var(--accent); }
.track { fill: var(--track); }
.grid { stroke: var(--line); stroke-width: 1; }
.plot { display: flex; gap: 8px; }
.plot svg { flex: 1; min-width: 0; }
.axis { position: relative; flex: 0 0 62px; font-size: 12px; color: var(--soft); font-variant-numeric: tabular-nums; }
.axis span { position: absolute; right: 0; transform: translateY(-50%); white-space: nowrap; }
.none, .more { color: var(--soft); font-size: .9rem; }
.scroll { overflow-x: auto; outline-offset: 3px; }
table { border-collapse: collapse; width: 100%; overflow-wrap: break-word;
  font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 7px 8px; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; unicode-bidi: isolate; }
thead th { color: var(--soft); font-weight: 600; border-bottom-width: 2px; vertical-align: bottom; }
tbody th { font-weight: 500; }
th:first-child { position: sticky; left: 0; background: var(--card); }
th.when, td.when, th.words:first-child { white-space: nowrap; }
td.words { min-width: 7em; max-width: 26em; }
th.figure, td.figure { text-align: right; }
tbody .figure, tfoot .figure { white-space: nowrap; }
tfoot th, tfoot td { font-weight: 650; border-bottom: 0; border-top: 2px solid var(--line); }
.notes { font-size: .875rem; color: var(--soft); }
.notes ul { margin: 0; padding-left: 20px; }
@media (max-width: 640px) {
  h1 { font-size: 1.35rem; }
  .wide { display: none; }
  .tiles { grid-template-columns: repeat(auto-fit, minmax(132px, 1fr)); gap: 14px 12px; }
  section { padding: 14px 12px; }
  header, main { padding-left: 10px; padding-right: 10px; }
  th, td { padding: 6px 8px; }
  th.words:first-child { white-space: normal; min-width: 5.5em; max-width: 40vw; }
}
@media print {
  @page { size: A4 landscape; margin: 12mm; }
  :root { color-scheme: light; --back: #ffffff; }
  body { font-size: 10pt; }
  nav { display: none; }
  header, main { max-width: none; padding: 0; }
  section { border: 0; padding: 0; }
  figure, tr, .tiles > div { break-inside: avoid; }
  h2 { break-after: avoid; }
  thead { display: table-header-group; }
  tfoot { display: table-row-group; }
  .scroll { overflow: visible; }
  .bar, .track { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
