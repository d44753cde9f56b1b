// The pages work without this. It measures the seconds on a page and sends a form once.
"use strict";

const opened = performance.now();
let sending = false;

document.addEventListener("submit", (event) => {
  if (sending) {
    event.preventDefault();
    return;
  }
  sending = true;
  const form = event.target;
  const seconds = form.elements.namedItem("seconds");
  if (seconds) seconds.value = ((performance.now() - opened) / 1000).toFixed(3);
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
});

// A page taken out of the browser's memory by the back button may be stale: the server knows better.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
