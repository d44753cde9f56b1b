// The pages work without this. It measures what is recorded beside an answer, sends a form once, copies the
// code, and readies the field.

let opened, left, focusLosses, awaySeconds, pastes;

/** A new picture is shown: measuring begins anew. */
export function measureAnew() {
  opened = performance.now();
  left = document.hasFocus() ? null : opened;
  focusLosses = awaySeconds = pastes = 0;
}

/** By the browser's clock since `measureAnew`; evidence, never a verdict. */
export function measured() {
  const away = awaySeconds + (left === null ? 0 : performance.now() - left);
  return {
    seconds: round(performance.now() - opened),
    focus_losses: focusLosses,
    away_seconds: round(away),
    pastes,
  };
}

/** With a keyboard at hand typing can begin at once; on a touch screen that would push the pictures out of sight. */
export const hasKeyboard = matchMedia("(hover: hover) and (pointer: fine)").matches;

function round(milliseconds) {
  return Number((milliseconds / 1000).toFixed(3));
}

function leave() {
  if (left !== null) return;
  left = performance.now();
  focusLosses += 1;
}

function comeBack() {
  if (left === null) return;
  awaySeconds += performance.now() - left;
  left = null;
}

function fillMeasured(form) {
  for (const [name, value] of Object.entries(measured())) {
    const field = form.elements.namedItem(name);
    if (field) field.value = value;
  }
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const said = document.getElementById("copied");
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    said.textContent = button.dataset.copied;
  } catch {
    getSelection().selectAllChildren(source);
    said.textContent = button.dataset.select;
  }
}

measureAnew();
addEventListener("blur", leave);
addEventListener("focus", comeBack);
document.addEventListener("visibilitychange", () => (document.hidden ? leave() : comeBack()));
document.addEventListener("paste", () => (pastes += 1));

let sending = false;
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  if (sending) {
    event.preventDefault();
    return;
  }
  sending = true;
  fillMeasured(event.target);
  for (const button of event.target.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
});

// A page taken out of the browser's memory by the back button may be stale: the server knows better.
addEventListener("pageshow", (event) => {
  if (event.persisted && navigator.onLine) location.reload();
});

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}

const problem = document.querySelector("[aria-invalid=true]");
if (problem) problem.focus();
else if (hasKeyboard) document.querySelector("[data-first]")?.focus({ preventScroll: true });
