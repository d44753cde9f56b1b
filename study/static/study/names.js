// A quick hand with the list of names: search as one types, keys, decisions weighed in a dialog.
// Without it every button is a plain form.

const form = document.querySelector("[data-names]");
const undo = document.getElementById("undo-last");
const rows = [...form.querySelectorAll(".name")];
const marks = rows.map((row) => row.querySelector("input[name=name]"));
const sought = rows.map((row) => row.dataset.sought);
const kinds = rows.map((row) => row.dataset.kinds.split(" "));
const search = document.getElementById("id_q");
const show = document.getElementById("id_show");
const found = form.querySelector("[data-found]");
const marked = form.querySelector("[data-marked]");
const keys = document.getElementById("keys");
const dialog = document.querySelector("[data-dialog]");
const KEPT = "names-keys";
const LETTERS = { m: "merge", s: "split", c: "code", u: "undo" };

// Reads nothing of the layout, so a letter costs one style pass however many names there are.
function filter() {
  const words = search.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const kind = show.value;
  let shown = 0;
  rows.forEach((row, place) => {
    const fits = (!kind || kinds[place].includes(kind)) && words.every((word) => sought[place].includes(word));
    if (row.hidden === fits) row.hidden = !fits;
    if (fits) shown += 1;
  });
  found.textContent = words.length || kind ? `${shown} of ${rows.length} shown` : "";
}

function tell() {
  const names = form.querySelectorAll("input[name=name]:checked, input[name=part]:checked");
  const told = [...names].slice(0, 8).map((mark) => `“${mark.labels[0].textContent}”`).join(", ");
  const more = names.length > 8 ? ` and ${names.length - 8} more` : "";
  marked.textContent = names.length
    ? `${names.length} marked: ${told}${more}`
    : "Mark names, then choose what to do.";
}

function step(forward) {
  const here = rows.indexOf(document.activeElement.closest?.(".name"));
  let place = here < 0 && !forward ? rows.length : here;
  do place += forward ? 1 : -1;
  while (rows[place]?.hidden);
  marks[place]?.focus();
}

function press(act) {
  const button = document.querySelector(`.names-acts button[value=${act}]`);
  if (button) (button.form ?? form).requestSubmit(button);
}

function clear() {
  if (search.value) {
    search.value = "";
    filter();
    return;
  }
  form.querySelectorAll("input:checked").forEach((mark) => { mark.checked = false; });
  tell();
}

// The answer is the page that comes without scripts; its part is shown here.
async function weigh(event) {
  const button = event.submitter;
  const sent = new FormData(event.target, button);
  const address = button?.getAttribute("formaction") ?? event.target.action;
  if (!sent.has("pair") && !sent.has("act")) return;
  event.preventDefault();
  try {
    const answer = await fetch(address, { method: "POST", body: sent, redirect: "error" });
    ask(new DOMParser().parseFromString(await answer.text(), "text/html"), button);
  } catch {
    marked.textContent = "No answer from the server. Nothing was decided; try again.";
  }
}

function ask(page, button) {
  const part = page.querySelector("[data-weighed]");
  if (!part) {
    location.reload();
    return;
  }
  dialog.replaceChildren(document.adoptNode(part));
  dialog.onclose = () => button?.focus();
  if (!dialog.open) dialog.showModal();
  const wanted = ["[list=weigh-codes]", "[data-confirm]", "[data-cancel]"];
  wanted.map((part) => dialog.querySelector(part)).find(Boolean).focus();
}

dialog.addEventListener("click", (event) => {
  if (!event.target.closest("[data-cancel]")) return;
  event.preventDefault();
  dialog.close();
});
// A decision goes the plain way; only what weighs it anew stays here. The same press goes once.
dialog.addEventListener("submit", (event) => {
  if (event.submitter?.hasAttribute("formaction")) weigh(event);
  else if (dialog.dataset.sent) event.preventDefault();
  else dialog.dataset.sent = "yes";
});
form.addEventListener("submit", weigh);
undo?.addEventListener("submit", weigh);
form.addEventListener("change", tell);
search.addEventListener("input", filter);
show.addEventListener("change", filter);
search.form.addEventListener("submit", (event) => {
  event.preventDefault();
  rows.find((row) => !row.hidden)?.querySelector("input[name=name]").focus();
});
keys.addEventListener("change", () => localStorage.setItem(KEPT, keys.checked ? "on" : "off"));
window.addEventListener("pageshow", () => {
  delete dialog.dataset.sent;
  tell();
  filter();
});

document.addEventListener("keydown", (event) => {
  if (dialog.open || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input:not([type=checkbox]), select, textarea");
  if (event.key === "Escape" && (!typing || event.target === search)) return clear();
  if (typing) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (!event.target.closest(".name")) return;
    event.preventDefault();
    return step(event.key === "ArrowDown");
  }
  if (!keys.checked) return;
  if (event.key === "j" || event.key === "k") step(event.key === "j");
  else if (event.key === "/") search.focus();
  else if (LETTERS[event.key]) press(LETTERS[event.key]);
  else return;
  event.preventDefault();
});

keys.checked = localStorage.getItem(KEPT) !== "off";
for (const part of document.querySelectorAll("[data-keys], [data-key], [data-help]")) part.hidden = false;
const at = new URLSearchParams(location.search).get("at");
if (at) {
  (marks.find((mark) => mark.value === at) ?? marks[0])?.focus();
  history.replaceState(null, "", location.pathname);
}
