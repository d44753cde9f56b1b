// The handshake: a code is shown only once the server holds exactly the answers of which this browser has receipts.

import { openOutbox, Sender } from "./outbox.js";

const MOST_ROUNDS = 4;
const ending = document.getElementById("ending");
const form = document.getElementById("finishing");
const chip = document.getElementById("chip");
const words = ending.dataset;

let outbox, sender;

async function loadWork() {
  const response = await sender.fetch("GET", "work/");
  if (response.status === 403) location.replace(words.start);
  if (!response.ok) throw new Error(String(response.status));
  const work = await response.json();
  sender.own = new Set(work.trials.map((trial) => trial.key));
  return work;
}

/** What this browser holds; of answers that it never sent, what the server says of them. */
async function receiptsFor(work, distrusted) {
  const held = await outbox.receipts();
  const pairs = work.trials.map((trial) => [
    trial.key,
    (!distrusted.has(trial.key) && held.get(trial.key)) || trial.receipt,
  ]);
  return Object.fromEntries(pairs.filter(([, receipt]) => receipt));
}

/** The address of the last page; that of the missing answer where one is missing everywhere. */
async function shakeHands() {
  const distrusted = new Set();
  for (let round = 1; round <= MOST_ROUNDS; round += 1) {
    const work = await loadWork();
    if (!(await sender.wake())) throw new Error("waiting");
    const body = {
      receipts: await receiptsFor(round === 1 ? work : await loadWork(), distrusted),
      feedback: form.elements.feedback?.value ?? "",
    };
    const response = await sender.call("POST", "finish/", body);
    if (response.ok) return (await response.json()).address;
    if (response.status !== 409) throw new Error(String(response.status));
    const { missing, wrong } = await response.json();
    wrong.forEach((key) => distrusted.add(key));
    if (missing.length) return words.start;
  }
  return words.start;
}

function say(text) {
  chip.hidden = !text;
  chip.textContent = text;
}

async function finish(event) {
  event.preventDefault();
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  say(words.checking);
  try {
    location.replace(await shakeHands());
  } catch {
    delete form.dataset.busy;
    say(sender.stranger ? words.strangerWords : words.retry);
    addEventListener("online", () => form.requestSubmit(), { once: true });
  }
}

openOutbox().then(
  (opened) => {
    outbox = opened;
    sender = new Sender(outbox, words.start, form.elements.csrfmiddlewaretoken.value);
    form.addEventListener("submit", finish);
  },
  () => {},
);
