// Keeps the counts of a study fresh while somebody looks. Without it they are as of the last reload.
"use strict";

const STEADY = 4000;
const SLOWEST = 60000;
const BUSY = 10; // a tenth of the server's time at most goes to one watcher

const watched = document.querySelector("[data-fragment]");
const trouble = document.querySelector("[data-trouble]");
const pause = document.querySelector("[data-pause]");
let timer;
let wait = STEADY;
let paused = false;
let asking = false;

function later() {
  clearTimeout(timer);
  if (!paused && !document.hidden) timer = setTimeout(refresh, wait);
}

async function refresh() {
  if (asking) return;
  asking = true;
  const began = performance.now();
  try {
    const answer = await fetch(watched.dataset.fragment, { redirect: "error" });
    if (!answer.ok) throw new Error(answer.statusText);
    show(await answer.text());
    wait = Math.min(SLOWEST, Math.max(STEADY, BUSY * (performance.now() - began)));
    say("");
  } catch {
    wait = Math.min(SLOWEST, 2 * wait);
    say("No answer from the server: the numbers below are old. Trying again.");
  }
  asking = false;
  later();
}

// Only what has changed is replaced, and nothing in which somebody stands with the keyboard.
function show(text) {
  const fresh = document.createElement("template");
  fresh.innerHTML = text;
  for (const part of fresh.content.querySelectorAll("[data-part]")) {
    const old = document.getElementById(part.id);
    if (!old) return location.reload();
    if (old.innerHTML !== part.innerHTML && !old.contains(document.activeElement)) {
      old.replaceChildren(...part.childNodes);
    }
  }
}

// Read out by screen readers, so said once and not with every try.
function say(words) {
  if (trouble.textContent !== words) trouble.textContent = words;
}

pause.hidden = false;
pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? "Go on with the updates" : "Pause the updates";
  if (paused) later();
  else refresh();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden || paused) later();
  else refresh();
});
later();
