// One trial after another without loading pages: every answer goes into the outbox first, pictures are fetched
// ahead, and a lost connection stops nobody before the pictures run out. Where this cannot run, the plain form does.

import { openOutbox, Sender } from "./outbox.js";
import { hasKeyboard, measureAnew, measured } from "./way.js";

const AHEAD = 4;
const SIGN_OF_LIFE = 60_000;
const LONGEST_PAUSE = 30_000;
const MOST_WORDS = 3;

const stage = document.getElementById("trial");
const form = document.getElementById("answering");
const field = document.getElementById("words");
const words = stage.dataset;
const element = (id) => document.getElementById(id);

let outbox, sender, loading, work, current, shownAt, waitingSince, revisiting;
let busy = false;
const fetched = new Map();

/* What is known */

async function loadWork() {
  for (let attempt = 1; ; attempt += 1) {
    const response = await sender.fetch("GET", "work/").catch(() => null);
    if (response?.ok) return response.json();
    if (response?.status === 403) return leadOn();
    await connection(attempt);
  }
}

/** The server knows the page that comes next. */
function leadOn() {
  location.replace(words.start);
  return new Promise(() => {});
}

/** Trials that need no answer any more: stored, or on their way. */
async function done() {
  // In this order: an answer that is settled in between is seen twice, and never missed.
  const waiting = new Set((await sender.waiting()).map((entry) => entry.trial));
  const receipts = await outbox.receipts();
  return new Set(
    work.trials.filter((each) => each.receipt || receipts.has(each.key) || waiting.has(each.key)).map((each) => each.key),
  );
}

/* Pictures */

function fetchPictures(trial) {
  if (!fetched.has(trial.key)) {
    const all = Promise.all(trial.pictures.map(fetchPicture));
    all.catch(() => fetched.delete(trial.key));
    fetched.set(trial.key, all);
  }
  return fetched.get(trial.key);
}

async function fetchPicture(picture) {
  const response = await fetch(picture.address, { credentials: "same-origin" });
  if (!response.ok) throw new Error(String(response.status));
  return { ...picture, source: URL.createObjectURL(await response.blob()) };
}

async function fetchAhead(trials) {
  for (const trial of trials.slice(0, AHEAD)) await fetchPictures(trial).catch(() => {});
}

/** Where the server refuses a picture for good it knows the way; but nobody is sent off with answers waiting. */
async function picturesOf(trial) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await fetchPictures(trial);
    } catch (error) {
      const refused = attempt > 2 && !(error instanceof TypeError);
      if (refused && !(await sender.waiting()).length) return leadOn();
      pause(sender.stranger ? "stranger" : "offline");
      await connection(attempt);
    }
  }
}

/** Until the connection is back, an answer got through, somebody asks for it, or some time has passed. */
function connection(attempt) {
  const longest = Math.min(LONGEST_PAUSE, 1000 * 2 ** attempt) * (0.5 + Math.random());
  return new Promise((resolve) => {
    setTimeout(resolve, longest);
    addEventListener("online", resolve, { once: true });
    sender.addEventListener("settled", resolve, { once: true });
    element("again").addEventListener("click", resolve, { once: true });
  });
}

/* What is seen */

function pause(kind) {
  if (!element("pause").hidden && element("pause").dataset.kind === kind) return;
  element("pause").dataset.kind = kind;
  element("pause-title").textContent = words[`${kind}Title`];
  element("pause-words").textContent = words[`${kind}Words`];
  element("pause").hidden = false;
  stage.hidden = true;
  element("pause-title").focus();
}

function show(trial, pictures, entry) {
  current = trial;
  revisiting = false;
  const place = words.place.replace("POSITION", trial.position).replace("COUNT", work.trials.length);
  document.title = element("place").textContent = place;
  history.replaceState(null, "", `${words.start}trial/${trial.key}/`); // where a reload leads
  stage.querySelector("progress").value = trial.position - 1;
  element("question").textContent = trial.question;
  element("pictures").replaceChildren(...pictures.map((picture) => drawn(picture, trial.alternative_text)));
  showWayBack(trial);
  field.value = entry?.body.words ?? "";
  element("pause").hidden = true;
  stage.hidden = false;
  say(entry?.problem ?? "");
  begin();
  window.scrollTo(0, 0);
  if (hasKeyboard || entry) field.focus({ preventScroll: true });
  else element("question").focus({ preventScroll: true });
}

/** Where the study lets people change answers: a link to the page before, by way of the server. */
function showWayBack(trial) {
  const before = work.revisable && work.trials.findLast((each) => each.position < trial.position);
  element("earlier").hidden = !before;
  if (before) element("earlier").href = `${words.start}trial/${before.key}/`;
}

/** What waits must be there before the page before can show it; and without a connection no page comes. */
async function goBack(event) {
  event.preventDefault();
  if ((await sender.wake()) && navigator.onLine) location.assign(event.target.href);
  else notice(words.retry);
}

function begin() {
  measureAnew();
  shownAt = new Date();
  busy = false;
}

function drawn(picture, text) {
  const image = picture.width ? new Image(picture.width, picture.height) : new Image();
  image.alt = text;
  image.src = picture.source;
  return image;
}

function say(problem) {
  element("problem").textContent = problem;
  element("problem").hidden = !problem;
  field.toggleAttribute("aria-invalid", Boolean(problem));
  if (problem) field.setAttribute("aria-invalid", "true");
}

function notice(text) {
  element("notice").textContent = text;
  element("notice").hidden = !text;
}

/** Calm: what takes less than a second is not worth a word. */
async function tellState() {
  const count = (await sender.waiting()).length;
  waitingSince = count ? (waitingSince ?? performance.now()) : null;
  const chip = element("chip");
  const slow = count && performance.now() - waitingSince > 800;
  const text = count ? words.waiting.replace("COUNT", count) : words.saved;
  if ((slow || !count) && chip.textContent !== text) chip.textContent = text;
  chip.classList.toggle("waiting", Boolean(count));
  if (count && !slow) setTimeout(tellState, 900);
  if (sender.stranger) notice(words.strangerWords);
  else if (element("notice").textContent === words.strangerWords) notice("");
}

/* What happens */

async function next() {
  work ??= await loading;
  const [refused] = await sender.refused();
  const finished = await done();
  const open = work.trials.filter((each) => !finished.has(each.key));
  const trial = refused ? work.trials.find((each) => each.key === refused.trial) : open[0];
  if (!trial) return conclude();
  show(trial, await picturesOf(trial), refused);
  forget(finished);
  fetchAhead(open.filter((each) => each !== trial));
}

/** Nothing waits any more: the server has all, and the last page compares receipts. */
async function conclude() {
  pause("sending");
  for (let attempt = 1; !(await sender.wake()); attempt += 1) {
    if ((await sender.refused()).length) return next();
    if (sender.stranger) pause("stranger");
    else if (sender.offline) pause("offline");
    await connection(attempt);
  }
  if ((await sender.refused()).length) return next();
  location.replace(work.done);
}

function forget(finished) {
  for (const [key, pictures] of fetched) {
    if (!finished.has(key) || key === current.key) continue;
    pictures.then((all) => all.forEach((picture) => URL.revokeObjectURL(picture.source)), () => {});
    fetched.delete(key);
  }
}

function problemOf(text) {
  const bare = text.normalize("NFKC").toLowerCase().replace(/^[\p{P}\p{S}\s]+|[\p{P}\p{S}\s]+$/gu, "");
  const typed = bare.split(/\s+/u).filter(Boolean);
  while (typed.length > 1 && ["a", "an", "the"].includes(typed[0])) typed.shift();
  if (!typed.length) return words.noName;
  return typed.length > MOST_WORDS ? words.manyWords.replace("COUNT", typed.length) : "";
}

async function take(kind) {
  const problem = kind === "name" ? problemOf(field.value) : "";
  say(problem);
  if (problem) {
    busy = false;
    field.focus();
    return;
  }
  const { seconds, ...evidence } = measured();
  const replaced = (await sender.refused()).filter((entry) => entry.trial === current.key);
  await outbox.add(current.key, {
    kind,
    words: kind === "name" ? field.value : "",
    seconds,
    shown: shownAt.toISOString(),
    answered_at: new Date().toISOString(),
    sequence: (await outbox.receipts()).size + (await outbox.entries()).length + 1,
    evidence: { ...evidence, offline: sender.offline },
  });
  for (const entry of replaced) await outbox.remove(entry);
  notice("");
  if (sender.offline) tellState();
  else sender.flush();
  await next();
}

/** Where the browser's database fails in the middle, the form goes its plain way. */
function submitPlainly(kind) {
  const hidden = Object.assign(document.createElement("input"), { type: "hidden", name: "kind", value: kind });
  form.action = `${words.start}trial/${current.key}/`;
  form.append(hidden);
  form.submit();
}

function onSubmit(event) {
  event.preventDefault();
  if (busy) return;
  busy = true;
  const kind = event.submitter?.value ?? "name";
  take(kind).catch(() => submitPlainly(kind));
}

/** The second half of a double click, or a key held down, is not meant for the pictures that come next. */
function ignoreEcho(event) {
  if (event.detail > 1 || event.repeat) event.preventDefault();
}

/** Another tab may have gone on meanwhile. */
async function lookAgain() {
  if (document.hidden || busy || revisiting || !work || stage.hidden || field.value) return;
  if ((await done()).has(current.key)) await next();
}

async function takeOver() {
  outbox = await openOutbox();
  sender = new Sender(outbox, words.start, form.elements.csrfmiddlewaretoken.value);
  current = { key: words.key };
  shownAt = new Date();
  sender.own = new Set([words.key]);
  // An answer that still waits was on its way when the page was reloaded: nobody came back to change it.
  revisiting = "revisited" in words && !(await sender.waiting()).length;
  sender.addEventListener("change", tellState);
  sender.addEventListener("stands", () => notice(words.stands));
  form.addEventListener("submit", onSubmit);
  form.addEventListener("click", ignoreEcho);
  element("earlier").addEventListener("click", (event) => goBack(event).catch(() => {}));
  form.addEventListener("keydown", (event) => event.key === "Enter" && ignoreEcho(event));
  document.addEventListener("visibilitychange", lookAgain);
  setInterval(() => document.hidden || sender.fetch("POST", "alive/", {}).catch(() => {}), SIGN_OF_LIFE);
  loading = loadWork();
  work = await loading;
  sender.owns(work.trials.map((each) => each.key));
  current = work.trials.find((each) => each.key === current.key) ?? current;
  const finished = await done();
  if (!revisiting && !busy && finished.has(current.key)) await next();
  else fetchAhead(work.trials.filter((each) => !finished.has(each.key) && each !== current));
}

takeOver().catch(() => {});
