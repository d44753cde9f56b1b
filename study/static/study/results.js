// Newer findings are being made: shows them once they are there. Without it a reload does the same.
const EVERY = 2000;
const note = document.querySelector("[data-newest]");
const words = document.querySelector("[data-renewing]");
// Who has just been shown new ones reads on undisturbed, however fast answers come.
const again = performance.getEntriesByType("navigation")[0]?.type === "reload";

async function look() {
  try {
    const answer = await fetch(note.dataset.newest, { redirect: "error" });
    const { newest } = await answer.json();
    if (newest && String(newest) !== note.dataset.shown) return show();
  } catch {
    // the next look may come through
  }
  setTimeout(look, EVERY);
}

function show() {
  if (!again) return location.reload();
  note.querySelector("progress")?.remove();
  words.firstChild.textContent = "Newer findings are there. ";
}

setTimeout(look, EVERY);
