// Copies the participants' link; without this script it can be selected by hand.
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
