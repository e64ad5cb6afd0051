// The tables of open and of past offences. Rows are changed where they stand: scroll position, focus and
// choice stay.

const COLUMNS = ["picture", "where", "standing", "dwell"];
const BEHIND_AFTER_MS = 3000;
const LOST_AFTER_MS = 8000; // the session says every second that it lives
const SPEECHLESS_MS = 30000; // a console that answers for so long, and says nothing here, lost us
const ANSWER_WITHIN_MS = 10000;
const LIVE_EVERY_MS = 1000; // small pictures need no more

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
    this.facts = new Map(); // Row, by offence
    const texts = model.texts;
    this.lost = element("div", "lost", el);
    this.lost.setAttribute("role", "alert");
    element("h2", "", el, texts.title);
    this.open = this.build_table(el, texts.title, texts.none);
    const past = element("details", "past", el);
    this.past_count = element("summary", "", past, texts.past);
    this.past = this.build_table(past, texts.past, texts.none_past);
    for (const row of model.rows) this.put(row, false);
    this.settle();
    this.isCut = false; // its session's socket was closed; Panel opens no other
    this.isAsking = false;
    this.hear();
    this.hearing = new AbortController();
    this.listen(this.hearing.signal);
    this.watch = setInterval(() => this.checkLife(), 1000);
    this.mark(model.picked || globalThis.forewarnPicked?.offence_id);
  }

  build_table(parent, title, none) {
    const holder = element("div", "scroller", parent);
    const table = element("table", "", holder);
    element("caption", "", table, title);
    const head = element("tr", "", element("thead", "", table));
    for (const name of COLUMNS) element("th", name, head, this.model.texts[name] ?? "").scope = "col";
    const body = element("tbody", "", table);
    body.addEventListener("click", event => this.pick(event.target.closest("tr")));
    body.addEventListener("keydown", event => this.onKey(event));
    return {holder, body, none: element("p", "none", holder, none)};
  }

  listen(signal) {
    const hear = (name, act) => document.addEventListener(name, ({detail}) => act(detail), {signal});
    hear("forewarn:picture", picture => this.drawLive(picture));
    hear("forewarn:picked", ({by, offence_id}) => { if (by !== "table") this.mark(offence_id); });
    // the queue of alarms takes it first where it has one of this camera
    hear("forewarn:tile", ({camera_id}) => {
      const here = [...this.facts.values()].filter(row => row.is_open && row.camera_id === camera_id);
      const first = here.sort((one, other) => other.urgency - one.urgency || one.order - other.order)[0];
      if (first) this.pick(this.rows.get(first.offence_id));
    });
  }

  take({rows = [], gone = []}) {
    const places = [this.open, this.past].map(readPlace);
    for (const id of gone) { this.rows.get(id)?.remove(); this.rows.delete(id); this.facts.delete(id); }
    for (const row of rows) this.put(row, true);
    this.settle();
    // what is being read stays where it is when newer rows come in above it
    for (const {holder, body, line, below} of places)
      if (line?.parentNode === body) holder.scrollTop += line.getBoundingClientRect().top - topOf(holder) - below;
    document.dispatchEvent(new CustomEvent("forewarn:pictures"));
  }

  put(row, isNews) {
    this.facts.set(row.offence_id, row);
    let line = this.rows.get(row.offence_id);
    if (!line) {
      line = this.build(row);
      if (isNews) line.classList.add("new");
    }
    const {body} = row.is_open ? this.open : this.past;
    if (line.parentNode !== body) {
      const after = [...body.children].find(other => other.order < row.order);
      body.insertBefore(line, after ?? null);
    }
    const [, where, standing, dwell] = line.children;
    set(where.children[0], `${row.camera} · ${row.zone}`);
    set(where.children[1], row.rule);
    set(where.children[2], [row.calls, row.said].filter(Boolean).join(" "));
    set(where.lastChild, row.notes.join("\n"));
    const [state, sent, holder] = standing.children;
    set(state, row.state_name);
    state.className = `state ${row.state}`;
    set(sent, row.sent);
    set(holder, row.holder);
    set(dwell.firstChild, row.dwell);
    set(dwell.lastChild, this.model.texts.since.replace("{at}", row.since));
  }

  build(row) {
    const line = document.createElement("tr");
    line.dataset.offence = row.offence_id;
    line.order = row.order;
    line.tabIndex = -1;
    line.setAttribute("aria-selected", "false");
    for (const name of COLUMNS) element("td", name, line);
    const [picture, where, standing, dwell] = line.children;
    Object.assign(element("canvas", "", picture), {width: 64, height: 48});
    for (const name of ["", "rule", "said", "notes"]) element(name ? "small" : "div", name, where);
    element("span", "state", standing);
    for (const name of ["sent", "holder"]) element("small", name, standing);
    element("div", "", dwell);
    element("small", "", dwell);
    this.rows.set(row.offence_id, line);
    return line;
  }

  // of open ones what the camera shows now; what is over has its pictures in the history
  drawLive({camera_id, bitmap}) {
    for (const line of this.open.body.children) {
      const canvas = line.querySelector("canvas");
      if (this.facts.get(line.dataset.offence)?.camera_id !== camera_id) continue;
      if (Date.now() - (canvas.drawnAt ?? 0) < LIVE_EVERY_MS) continue;
      canvas.drawnAt = Date.now();
      canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    }
  }

  // one stop of a table for the Tab key: the picked row, else the newest; arrows go on from there
  settle() {
    for (const {body, none} of [this.open, this.past]) {
      none.hidden = body.children.length > 0;
      const stop = body.querySelector("tr[tabindex='0']");
      if (!stop && body.firstChild) body.firstChild.tabIndex = 0;
    }
    set(this.past_count, `${this.model.texts.past} (${this.past.body.children.length})`);
  }

  focus(line) {
    if (!line) return;
    for (const other of line.parentNode.querySelectorAll("tr[tabindex='0']")) other.tabIndex = -1;
    line.tabIndex = 0;
    line.focus();
  }

  pick(line) {
    if (!line) return;
    const offence_id = line.dataset.offence;
    this.mark(offence_id);
    this.focus(line);
    const cameras = [this.facts.get(offence_id).camera_id];
    globalThis.forewarnPicked = {by: "table", offence_id, cameras}; // for parts that are drawn later
    document.dispatchEvent(new CustomEvent("forewarn:picked", {detail: globalThis.forewarnPicked}));
    this.model.picked = ""; // the same one may be picked again, after an alarm
    this.model.picked = offence_id;
  }

  mark(offence_id) {
    for (const [id, line] of this.rows) line.setAttribute("aria-selected", String(id === offence_id));
  }

  onKey(event) {
    const line = event.target.closest("tr"), {firstChild, lastChild} = line.parentNode;
    const goal = {
      ArrowDown: line.nextSibling, ArrowUp: line.previousSibling, Home: firstChild, End: lastChild,
    };
    if (event.key in goal) this.focus(goal[event.key]);
    else if (event.key === "Enter" || event.key === " ") this.pick(line);
    else return;
    event.preventDefault();
  }

  // a page whose session is gone would stand still and look calm: say so, then begin anew.
  // A console that is only busy goes on with this page: a reload would close what is being read
  async checkLife() {
    set(this.lost, this.isLost() ? this.model.texts.lost : this.sayBehind());
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

  // what the console has not read for a while, and what this page was not told for a while
  sayBehind() {
    const behind_ms = this.model.behind_s * 1000 + Date.now() - this.heard;
    if (behind_ms < BEHIND_AFTER_MS) return "";
    return this.model.texts.behind.replace("{seconds}", Math.floor(behind_ms / 1000));
  }

  isLost() { return this.isCut || Date.now() - this.heard > LOST_AFTER_MS; }

  hear() {
    this.heard = Date.now();
    this.answeredSince = null;
  }

  close() {
    clearInterval(this.watch);
    this.hearing?.abort();
  }
}

function topOf(holder) { return holder.getBoundingClientRect().top; }

// the topmost row in sight of a table that was scrolled, and how far it is below the table's top
function readPlace({holder, body}) {
  const top = topOf(holder);
  const rows = holder.scrollTop > 0 ? [...body.children] : [];
  const line = rows.find(row => row.getBoundingClientRect().bottom > top);
  return {holder, body, line, below: line ? line.getBoundingClientRect().top - top : 0};
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
