// Answers wait here, in the browser's own database, until the server has given a receipt for each: first in,
// first out, through reloads, lost connections and killed pages. The same answer sent twice is stored once,
// so whenever in doubt it is sent again.

const LONGEST_PAUSE = 60_000;
const PATIENCE = 20_000;

/** Rejects where the browser has no database, keeps it closed or is too old: then plain forms do the work. */
export async function openOutbox() {
  if (!AbortSignal.timeout || !Array.prototype.findLast) throw new Error("too old");
  const request = indexedDB.open("answers", 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("waiting", { keyPath: "id", autoIncrement: true });
    request.result.createObjectStore("receipts", { keyPath: "trial" });
  };
  return new Outbox(await settled(request));
}

class Outbox {
  constructor(database) {
    this.database = database;
  }

  /** Resolves once the answer is on the disk. */
  async add(trial, body) {
    await this.change((stores) => stores.waiting.add({ trial, body, problem: "" }));
  }

  async entries() {
    return settled(this.database.transaction("waiting").objectStore("waiting").getAll());
  }

  async receipts() {
    const rows = await settled(this.database.transaction("receipts").objectStore("receipts").getAll());
    return new Map(rows.map((row) => [row.trial, row.receipt]));
  }

  /** The answer is stored: its receipt comes and it goes, in one step. */
  async settle(entry, receipt) {
    await this.change((stores) => {
      stores.receipts.put({ trial: entry.trial, receipt });
      stores.waiting.delete(entry.id);
    });
  }

  /** The server does not take it as it is; it stays here with the reason until it is answered anew. */
  async refuse(entry, problem) {
    await this.change((stores) => stores.waiting.put({ ...entry, problem }));
  }

  async remove(entry) {
    await this.change((stores) => stores.waiting.delete(entry.id));
  }

  change(work) {
    return new Promise((resolve, reject) => {
      const transaction = this.database.transaction(["waiting", "receipts"], "readwrite", { durability: "strict" });
      transaction.oncomplete = () => resolve();
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
      work({ waiting: transaction.objectStore("waiting"), receipts: transaction.objectStore("receipts") });
    });
  }
}

/** Sends what waits, one after another, and again after a while what did not get through. */
export class Sender extends EventTarget {
  constructor(outbox, start, token) {
    super();
    Object.assign(this, { outbox, start, token, own: new Set(), failures: 0, stranger: false });
    addEventListener("online", () => this.wake());
    document.addEventListener("visibilitychange", () => document.hidden || this.wake());
  }

  /** Only these trials are this participant's; others may have used the browser before. */
  owns(trials) {
    this.own = new Set(trials);
    this.wake();
  }

  async waiting() {
    return (await this.outbox.entries()).filter((entry) => this.own.has(entry.trial) && !entry.problem);
  }

  async refused() {
    return (await this.outbox.entries()).filter((entry) => this.own.has(entry.trial) && entry.problem);
  }

  get offline() {
    return !navigator.onLine || this.failures > 0;
  }

  wake() {
    clearTimeout(this.timer);
    this.failures = 0;
    return this.flush();
  }

  /** True once nothing waits. One sender at a time, among all tabs: it is enough, and keeps the order. */
  async flush() {
    this.flushing ??= alone(() => this.sendAll()).finally(() => (this.flushing = null));
    const pause = await this.flushing;
    clearTimeout(this.timer);
    if (pause) this.timer = setTimeout(() => this.flush(), pause);
    this.dispatchEvent(new Event("change"));
    return !pause && !(await this.waiting()).length;
  }

  /** Milliseconds until the next attempt; 0 if nothing is left. */
  async sendAll() {
    for (let entry; (entry = (await this.waiting())[0]); ) {
      const pause = await this.send(entry);
      if (pause) return pause;
      this.dispatchEvent(new Event("change"));
    }
    return 0;
  }

  async send(entry) {
    let response, told;
    try {
      response = await this.call("PUT", `answers/${entry.trial}/`, entry.body);
      told = await response.json();
    } catch {
      return this.later();
    }
    this.failures = 0;
    this.stranger = response.status === 403;
    if (response.ok || response.status === 409) {
      await this.outbox.settle(entry, told.receipt);
      this.tell("settled");
      if (response.status === 409) this.tell("stands", told.problem);
    } else if (response.status === 413 || response.status === 422) {
      await this.outbox.refuse(entry, told.problem);
      this.tell("refused", told.problem);
    } else if (response.status === 429) {
      return (Number(response.headers.get("Retry-After")) || 10) * 1000;
    } else {
      return this.later();
    }
    return 0;
  }

  /** A token that grew old is fetched anew, once. */
  async call(method, path, body) {
    const response = await this.fetch(method, path, body);
    if (response.status !== 403 || !(await this.renewToken())) return response;
    return this.fetch(method, path, body);
  }

  fetch(method, path, body) {
    return fetch(this.start + path, {
      method,
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": this.token },
      body: body && JSON.stringify(body),
      credentials: "same-origin",
      keepalive: method === "PUT",
      signal: AbortSignal.timeout(PATIENCE),
    });
  }

  async renewToken() {
    const page = await (await fetch(location.href, { signal: AbortSignal.timeout(PATIENCE) })).text();
    const field = new DOMParser().parseFromString(page, "text/html").querySelector("[name=csrfmiddlewaretoken]");
    const fresh = Boolean(field) && field.value !== this.token;
    if (fresh) this.token = field.value;
    return fresh;
  }

  /** Longer after every failure, and never two browsers at the same moment. */
  later() {
    this.failures += 1;
    this.dispatchEvent(new Event("change"));
    return Math.min(LONGEST_PAUSE, 500 * 2 ** this.failures) * (0.5 + Math.random());
  }

  tell(kind, problem) {
    this.dispatchEvent(new CustomEvent(kind, { detail: problem }));
  }
}

/** Where another tab is sending already, it sends ours too; we look again in a second. */
async function alone(work) {
  if (!navigator.locks) return work();
  return navigator.locks.request("outbox", { ifAvailable: true }, (lock) => (lock ? work() : 1000));
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = request.onblocked = () => reject(request.error);
  });
}
