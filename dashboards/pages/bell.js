// Tones, the count in the page's title, and notifications. Tones are made here: nothing is fetched.
// Browsers let a page sound once somebody has clicked or typed there or, before it, at the login.

// of each severity: Hz of its short notes, one after the other
const NOTES = {serious: [880, 1175, 880], ordinary: [784, 988], slight: [587]};
const NOTE_S = 0.14;
const LOUDNESS = [0.25, 0.5, 0.9]; // once, twice, and more often unanswered
const BASE_TITLE = "forewarn";
const OFF = "forewarn-sound-off";

class Bell {
  constructor(model, el) {
    this.model = model;
    this.missed = null; // the tone that could not be heard yet
    this.sounded = 0;
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "bell";
    el.appendChild(this.button);
    this.button.addEventListener("click", () => this.toggle());
    this.hearing = new AbortController();
    for (const kind of ["pointerdown", "keydown"]) {
      document.addEventListener(kind, () => this.arm(), {signal: this.hearing.signal, capture: true});
    }
    this.arm(true);
    this.count();
    // what the page's frame writes there meanwhile
    this.counting = setInterval(() => this.count(), 1000);
  }

  get isOff() { return localStorage.getItem(OFF) !== null; }

  get isOn() { return !this.isOff && this.audio?.state === "running"; }

  // after a login here this sounds at once; else the browser waits for a gesture
  async arm(isStart = false) {
    if (this.isOff || this.isOn) { this.draw(); return; }
    this.audio ??= new AudioContext();
    this.audio.onstatechange = () => { this.draw(); this.catchUp(); };
    if (!isStart) await this.audio.resume().catch(() => {});
    this.draw();
    this.catchUp();
  }

  toggle() {
    if (this.isOff) localStorage.removeItem(OFF);
    else if (this.isOn) localStorage.setItem(OFF, "1");
    if (globalThis.Notification?.permission === "default") Notification.requestPermission();
    this.arm();
    this.draw();
  }

  draw() {
    const {texts} = this.model;
    this.button.textContent = this.isOff ? texts.off : this.isOn ? texts.on : texts.waiting;
    this.button.dataset.sound = this.isOff ? "off" : this.isOn ? "on" : "waiting";
    this.button.dataset.sounded = this.sounded;
  }

  // {alarm_id, severity, level, place}: what may sound now, by the console
  take(tone) {
    if (!tone.alarm_id) return;
    this.notify(tone);
    this.missed = tone;
    this.catchUp();
  }

  catchUp() {
    if (!this.isOn || !this.missed) return;
    const {severity, level} = this.missed;
    this.missed = null;
    if (!this.model.unanswered) return; // answered before anybody could hear it
    const loudness = LOUDNESS[Math.min(level, LOUDNESS.length - 1)];
    (NOTES[severity] ?? NOTES.ordinary).forEach((hertz, at) => this.note(hertz, at * NOTE_S, loudness));
    this.sounded += 1;
    this.draw();
  }

  note(hertz, after_s, loudness) {
    const begin = this.audio.currentTime + after_s, end = begin + NOTE_S;
    const source = new OscillatorNode(this.audio, {frequency: hertz});
    const volume = new GainNode(this.audio, {gain: 0});
    volume.gain.setValueAtTime(0, begin);
    volume.gain.linearRampToValueAtTime(loudness, begin + 0.01); // else it clicks
    volume.gain.linearRampToValueAtTime(0, end);
    source.connect(volume).connect(this.audio.destination);
    source.start(begin);
    source.stop(end);
  }

  // who looks at the page sees the alarm there
  notify({alarm_id, place}) {
    if (!document.hidden || globalThis.Notification?.permission !== "granted") return;
    const text = this.model.texts.notice.replace("{place}", place);
    new Notification(BASE_TITLE, {body: text, tag: alarm_id}).onclick = () => window.focus();
  }

  count() {
    const {unanswered} = this.model;
    const title = unanswered ? `(${unanswered}) ${BASE_TITLE}` : BASE_TITLE;
    if (document.title !== title) document.title = title;
  }

  close() {
    clearInterval(this.counting);
    this.hearing.abort();
    this.audio?.close();
  }
}

export function render({model, el}) {
  const bell = new Bell(model, el);
  model.on("tone", () => bell.take(model.tone));
  model.on("unanswered", () => bell.count());
  model.on("remove", () => bell.close());
}
