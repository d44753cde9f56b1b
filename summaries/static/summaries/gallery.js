// Keeps a running run's progress fresh: often while somebody looks, seldom while the tab is hidden.
"use strict";

const SEEN = 3000;
const HIDDEN = 60000;
const section = document.querySelector("[data-poll]");
let timer;

async function refresh() {
  clearTimeout(timer);
  let wait = document.hidden ? HIDDEN : SEEN;
  try {
    const answer = await fetch(section.dataset.poll, { redirect: "error" });
    if (!answer.ok) throw new Error(answer.statusText);
    const content = document.createElement("template");
    content.innerHTML = await answer.text();
    if (content.content.querySelector("[data-state]").dataset.state !== "running") {
      location.reload();
      return;
    }
    section.replaceChildren(content.content);
  } catch {
    wait = HIDDEN / 2;
  }
  timer = setTimeout(refresh, wait);
}

timer = setTimeout(refresh, SEEN);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
