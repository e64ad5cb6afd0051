// The page of one record: its player, its forms, what stands beside it, and copying.

const texts = JSON.parse(document.body.dataset.texts);
const record = document.querySelector("article.record");
const SEEN_FOR_S = 0.6; // a box counts so long before and after it was seen

class Player {
  constructor(figure) {
    this.video = figure.querySelector("video");
    this.drawing = figure.querySelector(".screen svg");
    this.box = figure.querySelector(".screen rect");
    this.place = figure.querySelector(".place");
    this.time = figure.querySelector(".time");
    this.play = figure.querySelector(".play");
    this.wantsBox = figure.querySelector("input.boxes");
    this.boxes = JSON.parse(figure.dataset.boxes);
    this.frame_s = 1 / Number(figure.dataset.fps);
    const {video} = this;
    figure.querySelector(".back").addEventListener("click", () => this.step(-1));
    figure.querySelector(".on").addEventListener("click", () => this.step(1));
    figure.querySelector(".speed").addEventListener("change", event => { video.playbackRate = Number(event.target.value); });
    figure.querySelector(".whole").addEventListener("click", () => figure.querySelector(".screen").requestFullscreen?.());
    this.play.addEventListener("click", () => this.toggle());
    video.addEventListener("click", () => this.toggle());
    video.addEventListener("keydown", event => this.key(event));
    this.place.addEventListener("input", () => { video.currentTime = Number(this.place.value); });
    this.wantsBox.addEventListener("change", () => this.draw());
    for (const mark of figure.querySelectorAll(".marks button"))
      mark.addEventListener("click", () => { video.pause(); video.currentTime = Number(mark.dataset.at); });
    for (const name of ["loadedmetadata", "timeupdate", "seeked", "play", "pause", "ended"])
      video.addEventListener(name, () => this.draw());
    video.addEventListener("error", () => { figure.querySelector("figcaption").textContent = texts.broken; });
    video.addEventListener("play", () => this.follow());
    this.draw();
  }

  toggle() { if (this.video.paused) this.video.play().catch(() => {}); else this.video.pause(); }

  step(frames) {
    const {video} = this;
    video.pause();
    // into the middle of a picture: its very edge belongs to one of two, by rounding
    const now = Math.floor(video.currentTime / this.frame_s + 1e-3) + frames;
    video.currentTime = Math.min(Math.max(0, (now + 0.5) * this.frame_s), video.duration || 0);
  }

  key(event) {
    const act = {ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1), " ": () => this.toggle()}[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  follow() {
    this.draw();
    if (!this.video.paused) requestAnimationFrame(() => this.follow());
  }

  draw() {
    const {video} = this, now = video.currentTime, length = video.duration || 0;
    this.place.max = length || 1;
    this.place.value = now;
    this.time.textContent = `${now.toFixed(2)} / ${length.toFixed(2)} s`;
    this.play.textContent = video.paused ? "▶" : "❚❚";
    const at = this.wantsBox.checked ? this.where(now) : null;
    this.box.toggleAttribute("hidden", !at);
    if (!at) return;
    const {videoWidth: wide, videoHeight: high} = video;
    // the same shape as the picture: it lies over it however that is fitted in
    this.drawing.setAttribute("viewBox", `0 0 ${wide} ${high}`);
    const [x1, y1, x2, y2] = at.map((value, i) => value * (i % 2 ? high : wide));
    for (const [name, value] of Object.entries({x: x1, y: y1, width: x2 - x1, height: y2 - y1}))
      this.box.setAttribute(name, value);
  }

  // between two sightings the subject is taken to move evenly; further away than SEEN_FOR_S nobody knows
  where(now) {
    const next = this.boxes.findIndex(box => box[0] >= now);
    const after = next < 0 ? null : this.boxes[next];
    const before = next < 0 ? this.boxes.at(-1) : this.boxes[next - 1];
    if (before && after && after[0] - before[0] <= 2 * SEEN_FOR_S) {
      const share = (now - before[0]) / (after[0] - before[0]);
      return before.slice(1).map((value, i) => value + share * (after[i + 1] - value));
    }
    const near = [before, after].filter(box => box && Math.abs(box[0] - now) <= SEEN_FOR_S);
    near.sort((a, b) => Math.abs(a[0] - now) - Math.abs(b[0] - now));
    return near.length ? near[0].slice(1) : null;
  }
}

function element(kind, parent, facts) {
  const made = Object.assign(document.createElement(kind), facts);
  parent.appendChild(made);
  return made;
}

// what somebody typed stays in the form until it is done
async function send(form) {
  const said = form.querySelector("output"), button = form.querySelector("button[type=submit]");
  const tell = (text, isFault) => { said.textContent = text; said.classList.toggle("is-fault", isFault); };
  button.disabled = true;
  tell(texts.working, false);
  try {
    const answer = await fetch(form.action, {method: "POST", body: new URLSearchParams(new FormData(form))});
    const kind = answer.headers.get("Content-Type") || "";
    if (kind.startsWith("application/zip")) {
      save(await answer.blob(), answer.headers.get("Content-Disposition"));
      tell(texts.saved, false);
    } else if (kind.startsWith("application/json")) {
      const done = await answer.json();
      tell(done.said, !answer.ok || Boolean(done.is_fault));
      if (done.files) showUnmasked(done.files);
      if (done.is_changed) location.reload();
    } else {
      // whoever is not logged in gets no words from the console
      tell(answer.status === 403 ? texts.logged_out : texts.failed, true);
    }
  } catch {
    tell(texts.unreachable, true);
  } finally {
    button.disabled = false;
  }
}

function save(zip, disposition) {
  const name = /filename="([^"]+)"/.exec(disposition || "");
  const link = element("a", document.body, {href: URL.createObjectURL(zip), download: name ? name[1] : "record.zip", hidden: true});
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function showUnmasked(files) {
  const place = document.querySelector(".unmasked");
  place.replaceChildren();
  for (const {name, role, address} of files) {
    if (role === "clip") element("video", place, {src: address, controls: true, muted: true, preload: "metadata"});
    else element("img", place, {src: address, alt: name});
  }
}

async function showBeside() {
  const place = document.querySelector(".beside");
  try {
    const answer = await fetch(record.dataset.beside);
    if (!answer.headers.get("Content-Type")?.startsWith("text/html")) throw new Error(answer.status);
    place.innerHTML = await answer.text(); // drawn, and escaped, by the console
  } catch {
    place.firstElementChild.textContent = texts.unreachable;
  }
  for (const side of ["older", "newer"]) {
    const found = place.querySelector(`a.${side}`), link = document.querySelector(`.title a.${side}`);
    if (found) { link.href = found.href; link.hidden = false; }
  }
}

document.addEventListener("click", async event => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = texts.copied;
  } catch {
    // without TLS browsers hand over no clipboard: then it stands marked, to be copied by hand
    getSelection().selectAllChildren(button.previousElementSibling);
  }
});

if (record) {
  for (const figure of record.querySelectorAll("figure.player")) new Player(figure);
  for (const form of record.querySelectorAll("form.act"))
    form.addEventListener("submit", event => { event.preventDefault(); send(form); });
  showBeside();
}
