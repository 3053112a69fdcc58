// Hints over one stream, keys, and small courtesies. Everything works without this file, by forms and links.
"use strict";
(() => {
  const body = document.body, pulse = document.getElementById("pulse"), EVERY = 30000, LOOK = 5000;
  let source = null, timer = null, looking = null, last = null, fresh = Date.now();

  const say = (state) => {
    if (!pulse || pulse.className === "pulse " + state) return;
    pulse.className = "pulse " + state;
    pulse.textContent = pulse.dataset[state + "Words"] || "";
  };
  const isStale = () => body.dataset.state === "stale";
  // hints become events that fragments wait for: hx-trigger="live-jobs from:body"
  const tell = (hint) => body.dispatchEvent(new CustomEvent("live-" + hint));
  const all = () => { for (const hint of ["status", "jobs", "executions", "locks", "nodes", "calendar", "resync"]) tell(hint); };
  const poll = () => { if (!timer) timer = setInterval(() => { if (!document.hidden && !isStale()) all(); }, EVERY); };
  const rest = () => { clearInterval(timer); timer = null; };

  // away: what was seen last stays, greyed, with its age, until the web process says that it is ready again
  const showAge = () => {
    const age = document.getElementById("outage-age");
    if (age) age.textContent = " · " + new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" })
      .format(-Math.round((Date.now() - fresh) / 1000), "second");
  };
  const grey = () => {
    body.dataset.state = "stale";
    say("away");
    if (!document.getElementById("outage")) {
      const banner = document.createElement("div"), words = document.createElement("strong"), age = document.createElement("span");
      banner.id = "outage"; banner.className = "banner bad"; age.id = "outage-age";
      banner.setAttribute("role", "region"); banner.setAttribute("aria-label", pulse ? pulse.dataset.awayWords : "");
      words.setAttribute("role", "alert");
      words.textContent = pulse ? pulse.dataset.awayWords : "";
      banner.append(words, age);
      document.getElementById("main").before(banner);
    }
    showAge();
    look();
  };
  const look = () => {
    if (looking) return;
    looking = setInterval(() => {
      if (document.hidden) return;
      showAge();
      fetch("/readyz", { cache: "no-store" }).then((answer) => { if (answer.ok) back(); }, () => {});
    }, LOOK);
  };
  // what somebody is typing is not thrown away: then only the live parts are fetched
  const isBusy = () => document.querySelector("dialog[open]") || document.activeElement.matches("main input, main textarea, main select");
  const back = () => {
    clearInterval(looking); looking = null;
    if (!isBusy()) { location.reload(); return; }
    body.dataset.state = "live";
    document.getElementById("outage")?.remove();
    fresh = Date.now();
    if (source) say("live");
    all();
  };

  const listen = () => {
    if (!body.dataset.live || source || document.hidden) return;
    source = new EventSource(body.dataset.live);
    source.addEventListener("hello", (event) => {
      rest();
      if (!isStale()) { say("live"); fresh = Date.now(); if (last || event.data.includes("resync")) all(); }
      last = Date.now();
    });
    source.addEventListener("hints", (event) => {
      for (const hint of JSON.parse(event.data)) {
        if (hint === "away") grey();
        else if (hint === "resync") { back(); return; }
        else tell(hint);
      }
      if (!isStale()) fresh = Date.now();
    });
    source.onerror = () => {
      if (!isStale()) say("poll");
      poll();
      if (source && source.readyState === 2) { source = null; setTimeout(listen, LOOK); }
    };
  };
  const hush = () => { if (source) { source.close(); source = null; } rest(); };
  document.addEventListener("visibilitychange", () => (document.hidden ? hush() : listen()));
  // a live part that cannot be fetched keeps what it shows
  body.addEventListener("htmx:before:response", (event) => {
    const { request, response } = event.detail.ctx;
    if (response.status === 503 && (request.method || "GET").toUpperCase() === "GET") { event.preventDefault(); grey(); }
  });
  body.addEventListener("htmx:error", (event) => {
    if (event.detail.ctx && !event.detail.ctx.response && event.detail.error instanceof TypeError) grey();
  });
  const arrival = performance.getEntriesByType("navigation")[0];
  if (isStale() || (arrival && arrival.responseStatus === 503)) { if (isStale()) say("away"); look(); }
  listen();

  // every request carries the token of this session and this rendering: a form sent twice is done once, also after a morph
  body.addEventListener("htmx:config:request", (event) => { event.detail.ctx.request.headers["X-CSRF-Token"] = body.dataset.csrf; });
  // a page that comes back from the browser's memory, or that has done something and stayed, may do it once more
  const renew = () => {
    if (!body.dataset.csrf) return;
    body.dataset.csrf = body.dataset.csrf.split(".")[0] + "." + [...crypto.getRandomValues(new Uint32Array(3))].map((n) => n.toString(36)).join("");
    document.querySelectorAll("input[name=csrf]").forEach((field) => { field.value = body.dataset.csrf; });
  };
  body.addEventListener("htmx:after:request", (event) => {
    if ((event.detail.ctx.request.method || "GET").toUpperCase() !== "GET") setTimeout(renew, 1000);
  });
  // ask before what cannot be taken back; a form is sent once
  document.addEventListener("submit", (event) => {
    const button = event.submitter, words = (button && button.dataset.confirm) || event.target.dataset.confirm;
    if (words && !confirm(words)) { event.preventDefault(); event.stopImmediatePropagation(); return; }
    if (event.target.dataset.sent) { event.preventDefault(); return; }
    if (event.target.method === "post" && !event.target.hasAttribute("hx-post")) event.target.dataset.sent = "1";
  }, true);
  addEventListener("pageshow", (event) => {
    document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
    if (event.persisted) renew();
  });
  document.addEventListener("click", (event) => {
    const copy = event.target.closest("[data-copy]"), open = event.target.closest("[data-dialog]"), shut = event.target.closest("[data-shut]");
    if (copy) navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).textContent.trim()).then(() => { copy.textContent = copy.dataset.done || "✓"; });
    if (open) { event.preventDefault(); document.getElementById(open.dataset.dialog).showModal(); }
    if (shut) { event.preventDefault(); shut.closest("dialog").close(); }
    if (event.target.matches("[data-all]")) document.querySelectorAll(event.target.dataset.all).forEach((box) => { box.checked = event.target.checked; });
  });

  // one menu at a time, and none once somebody looks elsewhere
  const shutMenus = (but) => document.querySelectorAll("details.menu[open]").forEach((menu) => { if (menu !== but) menu.open = false; });
  document.addEventListener("click", (event) => shutMenus(event.target.closest("details.menu")));

  // keys: ? / . g+letter j k Enter x, and the letters that a page's buttons name with data-key
  const places = { o: "/scheduler", j: "/scheduler/jobs", e: "/scheduler/executions", c: "/scheduler/calendar", l: "/scheduler/locks", n: "/scheduler/nodes", h: "/scheduler/handlers", m: "/scheduler/markets" };
  let going = false;
  const rows = () => [...document.querySelectorAll("[data-row]")];
  document.addEventListener("keydown", (event) => {
    if (body.dataset.keys !== "on" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input, textarea, select, dialog")) { if (event.key === "Escape") event.target.blur(); return; }
    // with Hangul switched on the letters are those of the places of the keys
    const key = /^[ -~]+$/.test(event.key) && event.key !== "Process" ? event.key : (/^Key([A-Z])$/.exec(event.code) || ["", event.key])[1].toLowerCase();
    const list = rows(), at = list.findIndex((row) => row.getAttribute("aria-selected") === "true");
    if (going) { going = false; if (places[key]) { location.href = places[key]; event.preventDefault(); } return; }
    if (key === "g") { going = true; setTimeout(() => { going = false; }, 1500); }
    else if (key === "/") { document.getElementById("search")?.focus(); event.preventDefault(); }
    else if (key === "Escape") shutMenus(null);
    else if (key === ".") {
      const summary = ((at >= 0 && list[at].querySelector("details.menu")) || document.querySelector("details.menu"))?.querySelector("summary");
      if (summary) { summary.parentElement.open = true; summary.focus(); }
    }
    else if (key === "?") location.href = "/scheduler/help#keys";
    else if ((key === "j" || key === "k") && list.length) {
      const next = list[Math.min(list.length - 1, Math.max(0, at + (key === "j" ? 1 : -1)))];
      list.forEach((row) => row.setAttribute("aria-selected", String(row === next)));
      (next.querySelector("a") || next).focus();
    } else if (key === "x" && at >= 0) list[at].querySelector("input[type=checkbox]")?.click();
    else if (key === "Enter" && at >= 0) return;
    else {
      const mine = at >= 0 && list[at].querySelector(`[data-row-key="${CSS.escape(key)}"]`);
      (mine || document.querySelector(`[data-key="${CSS.escape(key)}"]`))?.click();
    }
  });
})();
