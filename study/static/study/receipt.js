// Who withdraws is forgotten by their own browser too: answers that were never sent still wait there.

import { openOutbox } from "./outbox.js";

const WITHDRAWING = "withdrawing";

/** The trials are remembered from the moment of withdrawing until the page that says it was done. */
const form = document.querySelector("form[data-trials]");
form?.addEventListener("submit", () => sessionStorage.setItem(WITHDRAWING, form.dataset.trials));

async function forget(trials) {
  const outbox = await openOutbox();
  const entries = await outbox.entries();
  await outbox.change(({ waiting, receipts }) => {
    for (const entry of entries) if (trials.includes(entry.trial)) waiting.delete(entry.id);
    for (const trial of trials) receipts.delete(trial);
  });
  sessionStorage.removeItem(WITHDRAWING);
}

if (document.getElementById("withdrawn")) {
  const trials = sessionStorage.getItem(WITHDRAWING);
  if (trials) forget(trials.split(" ")).catch(() => {});
}
