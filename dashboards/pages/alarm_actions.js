// What can be done about the picked alarm, as buttons with digits. What one asks for (who, why) takes the
// buttons' place, with digits again. Used by alarm_queue.js, which comes after it in one script.

const RESULTS = ["settled", "persuaded", "refused", "nobody-there", "no-cooperation"];
const REASONS = ["nothing_there", "staff", "thing", "test"];
const ANSWER_WITHIN_MS = 10000;

const fill = (text, facts) => text.replace(/\{(\w+)\}/g, (all, name) => facts[name] ?? all);

function element(kind, className, parent, text) {
  const made = document.createElement(kind);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  if (parent) parent.appendChild(made);
  return made;
}

function set(node, text) { if (node.textContent !== text) node.textContent = text; }

class Actions {
  constructor(model, root) {
    this.model = model;
    this.texts = model.texts;
    this.row = null; // the picked alarm
    this.asking = null; // {what, choices: [[text, wish]]} while a button asks for more
    this.pending = null; // {nonce, asked_ms} of the wish that the console has not answered
    this.who = model.needs_name ? this.buildWho(root) : null;
    this.told = element("p", "told", root);
    this.told.setAttribute("role", "alert");
    this.bar = element("div", "bar", root);
    this.bar.setAttribute("role", "group");
    this.draw();
  }

  buildWho(root) {
    const input = element("input", "", element("label", "who", root, this.texts.who));
    input.maxLength = 80;
    input.value = sessionStorage.getItem("forewarn-who") ?? "";
    input.addEventListener("input", () => sessionStorage.setItem("forewarn-who", input.value));
    return input;
  }

  show(row) {
    if (row?.alarm_id !== this.row?.alarm_id) this.asking = null;
    this.row = row ?? null;
    this.draw();
  }

  // [digit, text, what it does]; digit 0: none
  buttons() {
    if (!this.row || !this.model.may_move) return [];
    const can = (action) => this.row.actions.includes(action);
    const {texts} = this, made = [];
    if (can("acknowledge")) made.push([1, texts.do_acknowledge, () => this.wish("acknowledge")]);
    if (can("close")) made.push([1, texts.do_close, () => this.wish("close")]);
    if (can("assign")) made.push([2, texts.do_assign, () => this.ask("assign", this.people())]);
    const steps = [["set-out", texts.do_set_out], ["arrive", texts.do_arrive]].filter(([action]) => can(action));
    steps.forEach(([action, text], at) => made.push([at ? 0 : 3, text, () => this.wish(action)]));
    const results = RESULTS.filter(can).map((action) => [texts[`do_${action.replaceAll("-", "_")}`], {action}]);
    if (results.length) made.push([4, texts.do_result, () => this.ask("result", results)]);
    if (can("false-alarm")) made.push([5, texts.do_false_alarm, () => this.ask("false_alarm", this.reasons())]);
    if (can("reopen")) made.push([5, texts.do_reopen, () => this.ask("reopen", [])]);
    return made;
  }

  people() { return this.model.people.map((name) => [name, {action: "assign", assigned_to: name}]); }

  reasons() {
    const reasons = REASONS.map((name) => this.texts[`because_${name}`]);
    return reasons.map((reason) => [reason, {action: "false-alarm", reason}]);
  }

  ask(what, choices) {
    this.asking = {what, choices};
    this.draw();
    if (!choices.length) this.bar.querySelector("input").focus();
  }

  back() { this.asking = null; this.draw(); }

  draw() {
    const {row, asking, pending} = this;
    // what is being typed into a question stays, whatever becomes of the alarm meanwhile
    const wanted = JSON.stringify([row?.alarm_id, pending?.nonce, asking ?? row?.actions, this.model.may_move]);
    if (wanted === this.drawn) return;
    this.drawn = wanted;
    this.bar.replaceChildren();
    this.bar.setAttribute("aria-label", row?.place ?? "");
    if (!row) element("p", "hint", this.bar, this.texts.hint);
    else if (pending) element("p", "doing", this.bar, this.texts.doing);
    else if (asking) this.drawQuestion(asking);
    else for (const [digit, text, act] of this.buttons()) this.button(digit, text, act);
  }

  drawQuestion({what, choices}) {
    element("p", "question", this.bar, this.texts[`ask_${what}`]);
    choices.forEach(([text, wish], at) => this.button(at + 1, text, () => this.wish(wish.action, wish)));
    const form = element("form", "words", this.bar);
    const input = element("input", "", element("label", "", form, this.texts[`in_words_${what}`]));
    input.maxLength = what === "assign" ? 80 : 500;
    // beside an outcome words are a remark, and Enter would not say which outcome
    if (what !== "result") element("button", "", form, this.texts.enter);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const words = input.value.trim();
      if (what === "result" || !words) return;
      this.wish(what.replace("_", "-"), what === "assign" ? {assigned_to: words} : {reason: words});
    });
    this.button("Esc", this.texts.back, () => this.back());
  }

  button(digit, text, act) {
    const made = element("button", "", this.bar);
    made.type = "button";
    if (digit) { element("kbd", "", made, String(digit)); made.dataset.key = digit; }
    made.append(text);
    made.addEventListener("click", act);
  }

  wish(action, {reason, assigned_to = ""} = {}) {
    if (!this.row || this.pending) return;
    if (this.who && !this.who.value.trim()) {
      this.say(this.texts.need_who, "fault");
      this.who.focus();
      return;
    }
    const remark = this.asking?.what === "result" ? this.bar.querySelector("input").value : "";
    const nonce = `${Date.now()}-${Math.random()}`;
    this.pending = {nonce, asked_ms: Date.now()};
    this.asking = null;
    this.say("", "");
    this.draw();
    const {alarm_id, number} = this.row;
    this.model.wish = {
      ...{nonce, alarm_id, action, seen_number: number, assigned_to},
      ...{who: this.who?.value ?? "", reason: reason ?? remark},
    };
  }

  // return False where it answers another page, or a wish that was given up
  hear({nonce, is_done, text}) {
    if (nonce !== this.pending?.nonce) return false;
    this.pending = null;
    this.say(text, is_done ? "done" : "fault");
    this.draw();
    return true;
  }

  tick() {
    if (!this.pending || Date.now() - this.pending.asked_ms < ANSWER_WITHIN_MS) return;
    this.pending = null;
    this.say(this.texts.no_answer, "fault");
    this.draw();
  }

  say(text, kind) {
    this.told.textContent = text;
    this.told.className = `told ${kind}`;
  }

  // press the button of a key; return whether there is one
  press(key) {
    const digit = key === "Escape" ? "Esc" : key;
    const button = [...this.bar.querySelectorAll("button")].find((each) => each.dataset.key === digit);
    button?.click();
    return Boolean(button);
  }
}
