// Copies the participants' link, sends each button once, shows the bundles' hashes in place. Without this
// script the link can be selected by hand and the hashes stand behind their links.
"use strict";

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      document.querySelector("[data-copied]").textContent = "Copied";
    } catch {
      document.querySelector("[data-copied]").textContent = "Selected: copy it with your keyboard";
    }
  });
}

for (const form of document.querySelectorAll(".desk form:not([target])")) {
  form.addEventListener("submit", () => {
    for (const button of form.querySelectorAll("button")) button.disabled = true;
  });
}
// Back from another page, the buttons work again.
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll(".desk button[disabled]")) button.disabled = false;
});

for (const link of document.querySelectorAll("[data-hash]")) {
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    const answer = await fetch(link.href).catch(() => null);
    if (!answer || !answer.ok) {
      window.location.assign(link.href);
      return;
    }
    const shown = document.createElement("code");
    shown.textContent = (await answer.text()).split(" ")[0];
    shown.tabIndex = -1;
    link.replaceWith(shown);
    shown.focus();
  });
}
