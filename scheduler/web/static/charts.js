// The charts of the overview: numbers from their own address, colours from the page's tokens, the same values as a table.
"use strict";
(() => {
  // what a reader has unfolded stays unfolded when its part is fetched again
  addEventListener("DOMContentLoaded", () => { if (window.htmx) htmx.config.morphIgnore.push("open"); });
  // pulled sideways, the picture of a day shows the day before or after, as its two links do
  const PULL = 80;
  let from = null;
  addEventListener("pointerdown", (event) => { from = event.button === 0 && event.target.closest(".lane-bars") ? event.clientX : null; });
  addEventListener("dragstart", (event) => { if (from !== null) event.preventDefault(); });
  addEventListener("click", (event) => {
    const pulled = from === null ? 0 : event.clientX - from;
    from = null;
    if (Math.abs(pulled) < PULL) return;
    event.preventDefault();
    document.querySelector(`#day a[rel=${pulled > 0 ? "prev" : "next"}]`)?.click();
  }, true);

  const box = document.querySelector("[data-series]");
  if (!box || !window.uPlot) return;
  const names = JSON.parse(box.dataset.columns), COLUMNS = ["at", "succeeded", "failed", "busy", "waiting"];
  const token = { succeeded: "--good", failed: "--bad", busy: "--run", waiting: "--warn" }, dash = { failed: [6, 3], waiting: [3, 3] };
  let charts = [], data = null;

  // a token may be light-dark(…), which a canvas does not know: let the browser work it out
  const probe = document.createElement("span");
  probe.hidden = true;
  box.append(probe);
  const colour = (name) => { probe.style.color = `var(${name})`; return getComputedStyle(probe).color; };

  const draw = () => {
    charts.forEach((chart) => chart.destroy());
    charts = [...box.querySelectorAll(".chart")].map((place) => {
      const lines = place.dataset.lines.split(" ");
      const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
      const series = [{ label: names[0], value: "{YYYY}-{MM}-{DD} {HH}:{mm}" }].concat(lines.map((line) => ({
        label: names[COLUMNS.indexOf(line)], stroke: colour(token[line]), width: 2, dash: dash[line], points: { show: false },
      })));
      return new uPlot({
        width: Math.max(200, place.clientWidth), height: 130, series, cursor: { y: false }, legend: { live: true },
        tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Asia/Seoul"), scales: { y: { range: (_u, _low, high) => [0, Math.max(1, high * 1.1)] } },
        axes: [{ ...axis, values: "{HH}:{mm}" }, { ...axis, size: 44 }],
      }, [data.at, ...lines.map((line) => data[line])], place);
    });
  };

  const table = () => {
    const made = box.querySelector("table.values"), head = document.createElement("thead"), rows = document.createElement("tbody");
    const cell = (row, kind, text, scope) => { const each = document.createElement(kind); each.textContent = text; if (scope) each.scope = scope; row.append(each); };
    const first = head.insertRow();
    names.forEach((name) => cell(first, "th", name, "col"));
    data.at.forEach((at, place) => {
      const row = rows.insertRow(0);
      cell(row, "th", new Date(at * 1000).toLocaleTimeString("en-GB", { timeZone: "Asia/Seoul", hour: "2-digit", minute: "2-digit" }), "row");
      COLUMNS.slice(1).forEach((column) => cell(row, "td", String(data[column][place])));
    });
    made.replaceChildren(head, rows);
  };

  const ask = () => (document.body.dataset.state === "stale" ? Promise.reject(new Error("away")) : fetch(box.dataset.series));
  const load = () => ask().then((answer) => { if (!answer.ok) throw new Error(String(answer.status)); return answer.json(); })
    .then((found) => { data = found; draw(); table(); })
    .catch(() => { if (!data) box.querySelector(".chart").textContent = box.dataset.failedToLoad; });
  let width = innerWidth;
  addEventListener("resize", () => { if (data && innerWidth !== width) { width = innerWidth; draw(); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (data) draw(); });
  setInterval(() => { if (!document.hidden) load(); }, 60000);
  load();
})();
