// Hints over one stream, keys, and small courtesies. Everything works without this file, by forms and links.
"use strict";
(() => {
  const body = document.body, pulse = document.getElementById("pulse"), EVERY = 30000;
  let source = null, timer = null, last = null;

  const say = (state) => {
    if (!pulse) return;
    pulse.className = "pulse " + state;
    pulse.textContent = pulse.dataset[state + "Words"] || "";
  };
  // hints become events that fragments wait for: hx-trigger="live-jobs from:body"
  const tell = (hint) => body.dispatchEvent(new CustomEvent("live-" + hint));
  const all = () => { for (const hint of ["status", "jobs", "executions", "locks", "nodes", "calendar", "resync"]) tell(hint); };
  const poll = () => { if (!timer) timer = setInterval(() => { if (!document.hidden) all(); }, EVERY); };
  const rest = () => { clearInterval(timer); timer = null; };

  const listen = () => {
    if (!body.dataset.live || source || document.hidden) return;
    source = new EventSource(body.dataset.live);
    source.addEventListener("hello", (event) => { say("live"); rest(); if (last || event.data === "resync") all(); last = Date.now(); });
    source.addEventListener("hints", (event) => {
      for (const hint of JSON.parse(event.data)) {
        if (hint === "away") { body.dataset.state = "stale"; say("away"); }
        else if (hint === "resync") { location.reload(); return; }
        else tell(hint);
      }
    });
    source.onerror = () => { say("poll"); poll(); if (source.readyState === 2) { source = null; setTimeout(listen, 5000); } };
  };
  const hush = () => { if (source) { source.close(); source = null; } rest(); };
  document.addEventListener("visibilitychange", () => (document.hidden ? hush() : listen()));
  if (body.dataset.state === "stale") setTimeout(() => location.reload(), 5000);
  listen();

  // every request that changes something carries the token of this session
  body.addEventListener("htmx:config:request", (event) => { event.detail.ctx.request.headers["X-CSRF-Token"] = body.dataset.csrf; });
  // ask before what cannot be taken back; a form is sent once
  document.addEventListener("submit", (event) => {
    const button = event.submitter, words = (button && button.dataset.confirm) || event.target.dataset.confirm;
    if (words && !confirm(words)) { event.preventDefault(); event.stopImmediatePropagation(); return; }
    if (event.target.dataset.sent) { event.preventDefault(); return; }
    if (event.target.method === "post" && !event.target.hasAttribute("hx-post")) event.target.dataset.sent = "1";
  }, true);
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));
  document.addEventListener("click", (event) => {
    const copy = event.target.closest("[data-copy]"), open = event.target.closest("[data-dialog]"), shut = event.target.closest("[data-shut]");
    if (copy) navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).textContent.trim()).then(() => { copy.textContent = copy.dataset.done || "✓"; });
    if (open) { event.preventDefault(); document.getElementById(open.dataset.dialog).showModal(); }
    if (shut) { event.preventDefault(); shut.closest("dialog").close(); }
    if (event.target.matches("[data-all]")) document.querySelectorAll(event.target.dataset.all).forEach((box) => { box.checked = event.target.checked; });
  });

  // keys: ? / g+letter j k Enter x, and the letters that a page's buttons name with data-key
  const places = { o: "/scheduler", j: "/scheduler/jobs", e: "/scheduler/executions", c: "/scheduler/calendar", l: "/scheduler/locks", n: "/scheduler/nodes", h: "/scheduler/handlers", m: "/scheduler/markets" };
  let going = false;
  const rows = () => [...document.querySelectorAll("[data-row]")];
  document.addEventListener("keydown", (event) => {
    if (body.dataset.keys !== "on" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input, textarea, select, dialog")) { if (event.key === "Escape") event.target.blur(); return; }
    const key = event.key, list = rows(), at = list.findIndex((row) => row.getAttribute("aria-selected") === "true");
    if (going) { going = false; if (places[key]) { location.href = places[key]; event.preventDefault(); } return; }
    if (key === "g") { going = true; setTimeout(() => { going = false; }, 1500); }
    else if (key === "/") { document.getElementById("search")?.focus(); event.preventDefault(); }
    else if (key === "?") location.href = "/scheduler/help#keys";
    else if ((key === "j" || key === "k") && list.length) {
      const next = list[Math.min(list.length - 1, Math.max(0, at + (key === "j" ? 1 : -1)))];
      list.forEach((row) => row.setAttribute("aria-selected", String(row === next)));
      (next.querySelector("a") || next).focus();
    } else if (key === "x" && at >= 0) list[at].querySelector("input[type=checkbox]")?.click();
    else if (key === "Enter" && at >= 0) return;
    else (at >= 0 ? list[at] : document).querySelector(`[data-key="${CSS.escape(key)}"]`)?.click();
  });
})();
