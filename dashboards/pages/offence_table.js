// The offence table. Rows are changed where they stand: scroll position, focus and choice stay.

const COLUMNS = ["standing", "since", "where", "dwell", "calls"];
const LOST_AFTER_MS = 8000; // the session says every second that it lives
const SPEECHLESS_MS = 30000; // a console that answers for so long, and says nothing here, lost us
const ANSWER_WITHIN_MS = 10000;

function element(kind, className, parent, text) {
  const made = document.createElement(kind);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  if (parent) parent.appendChild(made);
  return made;
}

class Table {
  constructor(model, el) {
    this.model = model;
    this.rows = new Map();
    const texts = model.texts;
    this.lost = element("div", "lost", el);
    this.lost.setAttribute("role", "alert");
    this.holder = element("div", "holder", el);
    const table = element("table", "", this.holder);
    element("caption", "", table, texts.title);
    const head = element("tr", "", element("thead", "", table));
    for (const name of COLUMNS) element("th", name, head, texts[name]).scope = "col";
    this.body = element("tbody", "", table);
    this.none = element("p", "none", this.holder, texts.none);
    for (const row of model.rows) this.put(row, false);
    this.settle();
    this.body.addEventListener("click", event => this.pick(event.target.closest("tr")));
    this.body.addEventListener("keydown", event => this.onKey(event));
    this.isCut = false; // its session's socket was closed; Panel opens no other
    this.isAsking = false;
    this.hear();
    this.watch = setInterval(() => this.checkLife(), 1000);
  }

  take({rows = [], gone = []}) {
    const {scrollTop, scrollHeight} = this.holder;
    for (const id of gone) { this.rows.get(id)?.remove(); this.rows.delete(id); }
    for (const row of rows) this.put(row, true);
    this.settle();
    // what is being read stays where it is when newer rows come in above it
    if (scrollTop > 0) this.holder.scrollTop = scrollTop + this.holder.scrollHeight - scrollHeight;
  }

  put(row, isNews) {
    let line = this.rows.get(row.offence_id);
    if (!line) {
      line = this.build(row);
      if (isNews) line.classList.add("new");
    }
    const [state, since, where, dwell, calls] = line.children;
    set(state.firstChild, row.state_name);
    state.firstChild.className = `state ${row.state}`;
    set(state.lastChild, row.holder);
    set(since, row.since);
    set(where.firstChild, row.camera);
    set(where.children[1], row.rule);
    set(where.lastChild, row.notes.join("\n"));
    set(dwell, row.dwell);
    set(calls, row.calls);
  }

  build(row) {
    const line = document.createElement("tr");
    line.dataset.offence = row.offence_id;
    line.order = row.order;
    line.tabIndex = -1;
    line.setAttribute("aria-selected", "false");
    for (const name of COLUMNS) element("td", name, line);
    element("span", "state", line.children[0]);
    element("small", "", line.children[0]);
    element("div", "", line.children[2]);
    element("small", "", line.children[2]);
    element("small", "notes", line.children[2]);
    const after = [...this.body.children].find(other => other.order < row.order);
    this.body.insertBefore(line, after ?? null);
    this.rows.set(row.offence_id, line);
    return line;
  }

  // one stop for the Tab key: the picked row, else the newest; arrows go on from there
  settle() {
    this.none.hidden = this.rows.size > 0;
    const stop = this.body.querySelector("tr[tabindex='0']");
    if (!stop && this.body.firstChild) this.body.firstChild.tabIndex = 0;
  }

  focus(line) {
    if (!line) return;
    for (const other of this.body.querySelectorAll("tr[tabindex='0']")) other.tabIndex = -1;
    line.tabIndex = 0;
    line.focus();
  }

  pick(line) {
    if (!line) return;
    for (const other of this.body.querySelectorAll("[aria-selected=true]")) other.setAttribute("aria-selected", "false");
    line.setAttribute("aria-selected", "true");
    this.focus(line);
    this.model.picked = line.dataset.offence;
  }

  onKey(event) {
    const line = event.target.closest("tr");
    const goal = {
      ArrowDown: line.nextSibling, ArrowUp: line.previousSibling,
      Home: this.body.firstChild, End: this.body.lastChild,
    };
    if (event.key in goal) this.focus(goal[event.key]);
    else if (event.key === "Enter" || event.key === " ") this.pick(line);
    else return;
    event.preventDefault();
  }

  // a page whose session is gone would stand still and look calm: say so, then begin anew.
  // A console that is only busy goes on with this page: a reload would close what is being read
  async checkLife() {
    this.lost.textContent = this.isLost() ? this.model.texts.lost : "";
    if (!this.isLost() || this.isAsking) return;
    this.isAsking = true;
    const isThere = await answers("/health");
    this.isAsking = false;
    if (!isThere || !this.isLost()) return; // away still, or heard of again
    this.answeredSince ??= Date.now();
    if (!this.isCut && Date.now() - this.answeredSince < SPEECHLESS_MS) return;
    this.close(); // a second reload would break off the first
    window.location.reload();
  }

  isLost() { return this.isCut || Date.now() - this.heard > LOST_AFTER_MS; }

  hear() {
    this.heard = Date.now();
    this.answeredSince = null;
  }

  close() { clearInterval(this.watch); }
}

function set(node, text) { if (node.textContent !== text) node.textContent = text; }

async function answers(address) {
  try {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    return (await fetch(address, {cache: "no-store", signal})).ok;
  } catch { return false; }
}

export function render({model, view, el}) {
  const table = new Table(model, el);
  model.on("news", () => table.take(model.news));
  model.on("beat", () => table.hear());
  view.model.document.on_event("connection_lost", () => { table.isCut = true; });
  model.on("remove", () => table.close());
}
