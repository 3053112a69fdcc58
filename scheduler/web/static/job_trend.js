// The course of a job's durations: drag to zoom, a double click or a button to go back. Without this file the still picture stays.
"use strict";
(() => {
  if (!window.uPlot) return;
  const DAY = 86400, token = { p50: "--run", p95: "--warn" };
  let chart = null, drawn = "", span = 60;

  // a token may be light-dark(…), which a canvas does not know: let the browser work it out
  const probe = document.createElement("span");
  probe.hidden = true;
  document.getElementById("main").append(probe);
  const colour = (name) => { probe.style.color = `var(${name})`; return getComputedStyle(probe).color; };

  const words = (units) => (value) => {
    if (value === null || value === undefined) return "–";
    const seconds = value / 1000;
    if (seconds < 60) return (seconds < 10 ? +seconds.toFixed(1) : Math.round(seconds)) + units[0];
    return seconds < 3600 ? +(seconds / 60).toFixed(1) + units[1] : +(seconds / 3600).toFixed(1) + units[2];
  };
  const limit = (data) => (plot) => {
    const { ctx, bbox } = plot, line = data.isNear ? plot.valToPos(data.limit, "y", true) : bbox.top + 1;
    if (line < bbox.top || line > bbox.top + bbox.height) return;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour("--bad");
    ctx.setLineDash([4, 6]);
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.beginPath(); ctx.moveTo(bbox.left, line); ctx.lineTo(bbox.left + bbox.width, line); ctx.stroke();
    ctx.font = 12 * devicePixelRatio + "px sans-serif";
    ctx.textAlign = "right"; ctx.textBaseline = "top";
    const wide = ctx.measureText(data.limitWords).width;
    ctx.clearRect(bbox.left + bbox.width - 8 - wide, line + 3, wide + 8, 15 * devicePixelRatio);
    ctx.fillText(data.limitWords, bbox.left + bbox.width - 4, line + 4);
    ctx.restore();
  };
  const show = (data) => {
    const last = data.at[data.at.length - 1], first = Math.max(data.at[0], last - (span - 1) * DAY);
    chart.setScale("x", { min: first, max: Math.max(last, first + DAY) });
  };

  const draw = () => {
    const place = document.querySelector("[data-trend]");
    if (!place || (place.querySelector(".uplot") && drawn === place.dataset.trend)) return;
    const data = JSON.parse(drawn = place.dataset.trend), names = JSON.parse(place.dataset.names), text = words(JSON.parse(place.dataset.units));
    if (chart) chart.destroy();
    place.replaceChildren();
    place.classList.remove("hidden");
    document.querySelector(".trend-spans").classList.remove("hidden");
    document.querySelector(".trend-still").classList.add("hidden");
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
    const lines = ["p50", "p95"].map((name, each) => ({
      label: names[each + 1], stroke: colour(token[name]), width: 2, dash: each ? [6, 3] : undefined, value: (_plot, value) => text(value),
    }));
    chart = new uPlot({
      width: Math.max(200, place.clientWidth), height: 200, cursor: { y: false, drag: { x: true, y: false } },
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "UTC"), hooks: { draw: [limit(data)] },
      scales: { y: { range: (_plot, _low, high) => [0, Math.max(1, (data.isNear ? Math.max(high, data.limit) : high) * 1.1)] } },
      series: [{ label: names[0], value: "{YYYY}-{MM}-{DD}" }, ...lines],
      axes: [{ ...axis, values: "{MM}-{DD}", space: 60, incrs: [1, 2, 7, 14, 28].map((days) => days * DAY) }, { ...axis, size: 64, values: (_plot, values) => values.map(text) }],
    }, [data.at, data.p50, data.p95], place);
    if (span < 60) show(data);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".trend-spans [data-days]");
    if (!button || !chart) return;
    span = Number(button.dataset.days);
    for (const each of document.querySelectorAll(".trend-spans [data-days]")) each.setAttribute("aria-pressed", String(each === button));
    show(JSON.parse(drawn));
  });
  // a live part that is fetched anew comes without the chart
  new MutationObserver(draw).observe(document.getElementById("main"), { childList: true, subtree: true });
  let width = innerWidth;
  const again = () => { drawn = ""; draw(); };
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; again(); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  draw();
})();
