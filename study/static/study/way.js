// The pages work without this. It measures the seconds on a page, sends a form once, and readies the field.
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

// With a keyboard at hand typing can begin at once; on a touch screen that would push the pictures out of sight.
if (matchMedia("(hover: hover) and (pointer: fine)").matches) {
  document.getElementById("words")?.focus({ preventScroll: true });
}
