// The queue of alarms: what needs a person. Rows are changed where they stand: focus, scroll position and
// choice stay. Comes after alarm_actions.js in one script.

const LIVE_EVERY_MS = 1000; // small pictures need no more

class Queue {
  constructor(model, el) {
    this.model = model;
    this.texts = model.texts;
    this.alarms = new Map(); // also closed ones, which have no line
    this.lines = new Map();
    this.order = [];
    this.picked = "";
    // an offence was picked in the table, or the address names what is no open alarm
    this.isElsewhere = Boolean(model.offence_id || model.alarm_id);
    this.hear();
    const root = element("section", "queue", el);
    const head = element("header", "", root);
    element("h2", "", head, this.texts.title);
    this.count = element("span", "count", head);
    this.list = element("ol", "alarms", root);
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", this.texts.title);
    this.none = element("p", "none", root, this.texts.none);
    this.actions = new Actions(model, root);
    this.list.addEventListener("click", (event) => this.pick(event.target.closest("li")?.dataset.alarm));
    this.hearing = new AbortController();
    this.listen(this.hearing.signal);
    this.take({rows: model.rows, order: model.order});
    this.open(model);
    this.ticking = setInterval(() => this.tick(), 1000);
  }

  listen(signal) {
    const hear = (name, act, how) => document.addEventListener(name, act, {signal, ...how});
    hear("keydown", (event) => this.onKey(event));
    hear("forewarn:picture", ({detail}) => this.drawLive(detail));
    hear("forewarn:picked", ({detail}) => { if (detail.by !== "queue") this.follow(detail.offence_id); });
    // before the table hears of it: what needs a person goes first
    hear("forewarn:tile", (event) => {
      const first = this.ordered().find(({cameras}) => cameras.includes(event.detail.camera_id));
      if (!first) return;
      event.stopImmediatePropagation();
      this.pick(first.alarm_id);
    }, {capture: true});
  }

  // rows that came or changed, ids that are gone, and the order of those that are open
  take({rows = [], gone = [], order = this.order}) {
    this.order = order;
    for (const id of gone) this.alarms.delete(id);
    for (const row of rows) this.alarms.set(row.alarm_id, row);
    for (const [id, line] of this.lines) {
      if (!order.includes(id)) { line.remove(); this.lines.delete(id); }
    }
    for (const row of this.ordered()) this.put(row);
    order.forEach((id, at) => {
      const line = this.lines.get(id), there = this.list.children[at] ?? null;
      if (line && line !== there) this.list.insertBefore(line, there);
    });
    const unanswered = this.ordered().filter((row) => row.is_unanswered).length;
    set(this.count, unanswered ? fill(this.texts.unanswered, {count: unanswered}) : "");
    this.none.hidden = order.length > 0;
    this.settle();
    this.tick();
    document.dispatchEvent(new CustomEvent("forewarn:pictures"));
  }

  ordered() { return this.order.map((id) => this.alarms.get(id)).filter(Boolean); }

  put(row) {
    const line = this.lines.get(row.alarm_id) ?? this.build(row);
    line.className = `alarm ${row.severity}${row.is_unanswered ? " unanswered" : ""}`;
    const part = (name) => line.querySelector(`.${name}`);
    for (const name of ["place", "about", "said", "late"]) set(part(name), row[name]);
    set(part("severity"), row.severity_name);
    set(part("standing"), row.state_name);
    set(part("holder"), row.holder || this.texts.nobody_has_it);
    const picture = part("picture"), {address} = row.picture ?? {};
    if (address && picture.dataset.address !== address) {
      picture.replaceChildren(sealed(row.picture));
      picture.dataset.address = address;
    }
  }

  build(row) {
    const line = element("li");
    line.dataset.alarm = row.alarm_id;
    line.setAttribute("role", "option");
    Object.assign(element("canvas", "", element("div", "picture", line)), {width: 96, height: 72});
    const facts = element("div", "facts", line);
    for (const name of ["place", "about", "said", "late"]) element("div", name, facts);
    const side = element("div", "side", line);
    for (const name of ["since", "standing", "holder", "severity"]) element("div", name, side);
    this.lines.set(row.alarm_id, line);
    return line;
  }

  // until a picture is sealed, what the camera shows now
  drawLive({camera_id, bitmap}) {
    for (const row of this.ordered()) {
      const canvas = this.lines.get(row.alarm_id)?.querySelector("canvas");
      if (!canvas || row.cameras[0] !== camera_id) continue;
      if (Date.now() - (canvas.drawnAt ?? 0) < LIVE_EVERY_MS) continue;
      canvas.drawnAt = Date.now();
      canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    }
  }

  tick() {
    // by the console's clock: this machine's own may be wrong
    const now = this.model.clock_ms + Date.now() - this.heard;
    for (const [id, line] of this.lines) {
      const seconds = Math.max(0, now - this.alarms.get(id).opened_at_ms) / 1000;
      set(line.querySelector(".since"), this.ago(seconds));
    }
    this.actions.tick();
  }

  ago(seconds) {
    const [name, length] = seconds < 120 ? ["seconds", 1] : seconds < 7200 ? ["minutes", 60] : ["hours", 3600];
    return fill(this.texts[name], {count: Math.floor(seconds / length)});
  }

  // what somebody chose stays chosen while it is there; where nobody chose anything, the first is
  settle() {
    const isThere = this.isElsewhere || this.order.includes(this.picked);
    this.choose(isThere ? this.picked : this.order[0] ?? "");
  }

  choose(id) {
    if (id && id !== this.picked) {
      this.model.picked = ""; // the same one may be picked again, after an offence
      this.model.picked = id;
      const {offence_id, cameras} = this.alarms.get(id);
      announce({by: "queue", offence_id, cameras});
    }
    this.picked = id;
    for (const [each, line] of this.lines) {
      line.setAttribute("aria-selected", String(each === id));
      line.tabIndex = each === (this.lines.has(id) ? id : this.order[0]) ? 0 : -1;
    }
    this.actions.show(this.alarms.get(id));
  }

  pick(id) {
    if (!this.alarms.has(id)) return;
    this.isElsewhere = false;
    this.choose(id);
    this.lines.get(id)?.focus();
  }

  // what the page's address names: whoever answers a message must not answer another alarm
  open({alarm_id, offence_id}) {
    if (this.alarms.has(alarm_id)) {
      this.isElsewhere = !this.order.includes(alarm_id);
      this.choose(alarm_id);
    } else if (offence_id) this.follow(offence_id);
  }

  // an offence was picked in the table: its alarm, if it has one, can be moved here
  follow(offenceId) {
    const alarm = [...this.alarms.values()].find((row) => offenceId && row.offence_id === offenceId);
    this.isElsewhere = true;
    this.picked = alarm?.alarm_id ?? "";
    this.choose(this.picked);
  }

  answer(answer) {
    if (this.actions.hear(answer) && answer.row) this.take({rows: [answer.row]});
  }

  onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    const path = event.composedPath().filter((each) => each instanceof Element);
    const isTyping = path[0]?.matches("input, textarea, select");
    if (isTyping && event.key !== "Escape") return;
    // dialogs and players have keys of their own, and rows of the table and tiles their own arrows
    if (path.some((each) => each.matches("[role=dialog], [role=menu], [role=combobox], video"))) return;
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (step && path.some((each) => each.matches("tr, figure"))) return;
    // a key that is held closes one alarm, and must not answer the next
    if (event.repeat && !step) return;
    if (step) this.pick(this.order[Math.max(0, this.order.indexOf(this.picked) + step)]);
    if (step || this.actions.press(event.key)) event.preventDefault();
  }

  hear() { this.heard = Date.now(); }

  close() { clearInterval(this.ticking); this.hearing.abort(); }
}

// kept as well, for parts of the page that are drawn later
function announce(picked) {
  globalThis.forewarnPicked = picked;
  document.dispatchEvent(new CustomEvent("forewarn:picked", {detail: picked}));
}

// a sealed picture, close to its subject
function sealed({address, view_box, size_px: [width, height]}) {
  if (!view_box) return Object.assign(document.createElement("img"), {src: address, alt: ""});
  const part = (name, facts) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(facts)) made.setAttribute(key, value);
    return made;
  };
  const svg = part("svg", {viewBox: view_box, preserveAspectRatio: "xMidYMid slice"});
  svg.appendChild(part("image", {href: address, width, height}));
  return svg;
}

export function render({model, el}) {
  const queue = new Queue(model, el);
  model.on("news", () => queue.take(model.news));
  model.on("answer", () => queue.answer(model.answer));
  model.on("clock_ms", () => queue.hear());
  model.on("remove", () => queue.close());
}
