// The log of an execution: follow its end, wrap its lines. Without this file it is a plain, complete list.
"use strict";
(() => {
  const log = document.getElementById("log");
  if (!log) return;
  const buttons = Object.fromEntries([...document.querySelectorAll("[data-log]")].map((button) => [button.dataset.log, button]));
  const end = () => { log.scrollTop = log.scrollHeight; };
  const follow = (on) => { buttons.follow.setAttribute("aria-pressed", String(on)); buttons.follow.classList.toggle("main", on); if (on) end(); };
  const follows = () => buttons.follow.getAttribute("aria-pressed") === "true";
  for (const button of Object.values(buttons)) button.classList.remove("hidden");
  buttons.follow.addEventListener("click", () => follow(!follows()));
  buttons.wrap.addEventListener("click", () => {
    const on = log.classList.toggle("nowrap-lines");
    buttons.wrap.setAttribute("aria-pressed", String(!on));
  });
  new MutationObserver(() => { if (follows()) end(); }).observe(log, { childList: true, subtree: true });
  // whoever scrolls back wants to read
  log.addEventListener("wheel", (event) => { if (event.deltaY < 0) follow(false); }, { passive: true });
  follow(Boolean(document.getElementById("log-more")));
  end();
})();
