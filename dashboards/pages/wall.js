// The video wall: one websocket for all cameras, one canvas a camera.
// Boxes and zones are drawn here, from numbers, so that their text is sharp at any size.

const RETRY_MS = [500, 1000, 2000, 5000, 10000];

const PARTLY = "picture-partly-covered";

const fill = (text, facts) => text.replace(/\{(\w+)\}/g, (all, name) => facts[name] ?? all);

function element(kind, className, parent) {
  const made = document.createElement(kind);
  if (className) made.className = className;
  if (parent) parent.appendChild(made);
  return made;
}

class Tile {
  constructor(camera, wall) {
    this.camera = camera;
    this.wall = wall;
    this.bitmap = null;
    this.facts = null;
    this.root = element("figure", "tile waiting");
    this.root.tabIndex = 0;
    this.root.dataset.camera = camera.camera_id;
    const head = element("figcaption", "head", this.root);
    this.title = element("span", "title", head);
    this.title.textContent = camera.title;
    this.time = element("time", "time", head);
    this.status = element("span", "status", head);
    const picture = element("div", "picture", this.root);
    this.canvas = element("canvas", "", picture);
    this.canvas.setAttribute("role", "img");
    this.mark = element("div", "mark", picture);
    this.note = element("div", "note", this.root);
    this.note.setAttribute("role", "status");
    picture.title = wall.texts.pick;
    this.root.addEventListener("click", () => this.pick());
    this.root.addEventListener("keydown", (event) => { if (event.key === "Enter") this.pick(); });
    new ResizeObserver(() => this.draw()).observe(picture);
    this.show({status: "waiting", reason: null, age_s: 0, tracks: [], hidden: [], captured_at: null});
  }

  async take(facts, jpeg) {
    if (jpeg.byteLength) {
      try {
        const bitmap = await createImageBitmap(new Blob([jpeg], {type: "image/jpeg"}));
        this.bitmap?.close();
        this.bitmap = bitmap;
        this.tellPicture();
      } catch {
        facts = {...facts, status: "failed", reason: {[this.wall.lang]: this.wall.texts.unreadable}};
      }
    }
    this.show(facts);
  }

  // lists of offences and alarms draw small pictures, and pick by a camera; see alarm_queue.js
  tellPicture() {
    if (this.bitmap) tell("forewarn:picture", {camera_id: this.camera.camera_id, bitmap: this.bitmap});
  }

  pick() { tell("forewarn:tile", {camera_id: this.camera.camera_id}); }

  show(facts) {
    this.facts = facts;
    const {texts} = this.wall;
    this.root.className = `tile ${facts.status}`;
    this.root.dataset.status = facts.status;
    this.status.textContent = texts[`status_${facts.status}`] ?? facts.status;
    this.time.textContent = facts.captured_at ? this.wall.clock(facts.captured_at) : "";
    this.note.textContent = this.explain(facts);
    this.root.title = facts.boxes_left_out
      ? fill(texts.boxes_left_out, {count: facts.boxes_left_out}) : "";
    this.mark.textContent = facts.status === "up" ? "" : this.status.textContent;
    this.canvas.setAttribute("aria-label", fill(texts.describe, {
      camera: this.camera.title, status: this.status.textContent, people: facts.tracks.length,
    }));
    this.draw();
  }

  explain({status, reason, age_s, replaced_at, unfit, unfit_places, hidden, is_learning}) {
    const {texts} = this.wall;
    if (status === "stale") {
      return fill(texts.no_new_picture, {seconds: Math.floor(age_s), since: this.wall.clock(replaced_at)});
    }
    if (status === "waiting") return texts.no_picture_yet;
    const said = [];
    const whole = (unfit ?? []).filter((code) => !(unfit_places?.length && code === PARTLY));
    if (whole.length) {
      said.push(fill(texts.not_fit, {reasons: whole.map((code) => texts[`unfit_${code}`] ?? code).join(" · ")}));
    }
    if (unfit_places?.length) {
      const places = unfit_places.map((place) => this.camera.places?.[place] ?? place).join(" · ");
      said.push(fill(texts.covered, {places}));
    }
    const count = new Set(hidden?.map(({track_id}) => track_id)).size;
    if (count) said.push(fill(texts.hidden_note, {count}));
    const why = reason?.[this.wall.lang] ?? "";
    if (why) said.push(why);
    if (!said.length && status === "up" && is_learning) return texts.learning;
    return said.join("\n");
  }

  draw() {
    const ratio = window.devicePixelRatio || 1;
    const width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    if (!width || !height) return;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const place = this.fit(width, height);
    if (this.bitmap) pen.drawImage(this.bitmap, place.x, place.y, place.width, place.height);
    for (const zone of this.camera.zones) this.drawZone(pen, place, zone);
    // under several rules, and by a weak box also seen: each person once, as hidden
    const hidden = new Map(this.facts.hidden?.map((each) => [each.track_id, each]));
    for (const track of this.facts.tracks) if (!hidden.has(track.track_id)) this.drawTrack(pen, place, track);
    for (const each of hidden.values()) this.drawTrack(pen, place, each);
  }

  // letterbox: the picture keeps its shape, whatever the tile's
  fit(width, height) {
    const shape = this.bitmap ? this.bitmap.width / this.bitmap.height : 4 / 3;
    const scale = Math.min(width / shape, height);
    const shown = {width: scale * shape, height: scale};
    return {x: (width - shown.width) / 2, y: (height - shown.height) / 2, ...shown};
  }

  drawZone(pen, place, zone) {
    pen.beginPath();
    for (const [x, y] of zone.polygon) pen.lineTo(place.x + x * place.width, place.y + y * place.height);
    pen.closePath();
    pen.fillStyle = "rgba(125, 211, 252, 0.07)";
    pen.fill();
    pen.strokeStyle = "rgba(125, 211, 252, 0.75)";
    pen.lineWidth = 1.5;
    const isCovered = this.facts.unfit_places?.includes(zone.zone_id);
    if (isCovered) {
      pen.fillStyle = "rgba(251, 191, 36, 0.25)";
      pen.fill();
      pen.strokeStyle = "#fbbf24";
    }
    pen.setLineDash([6, 5]);
    pen.stroke();
    pen.setLineDash([]);
    const top = zone.polygon.reduce((best, corner) => (corner[1] < best[1] ? corner : best));
    const [back, front] = isCovered ? ["#78350f", "#fef3c7"] : ["#0c4a6e", "#e0f2fe"];
    const title = isCovered ? fill(this.wall.texts.zone_covered, {zone: zone.title}) : zone.title;
    label(pen, title, place.x + top[0] * place.width, place.y + top[1] * place.height, back, front);
  }

  drawTrack(pen, place, track) {
    const {width_px, height_px} = this.facts;
    if (!width_px || !height_px) return;
    const [x1, y1, x2, y2] = track.box_xyxy;
    const left = place.x + (x1 / width_px) * place.width, top = place.y + (y1 / height_px) * place.height;
    const width = ((x2 - x1) / width_px) * place.width, height = ((y2 - y1) / height_px) * place.height;
    const colour = this.wall.colours[track.state] ?? "rgba(226, 232, 240, 0.55)";
    if (track.since) pen.setLineDash([7, 5]); // where they were last
    pen.strokeStyle = "rgba(0, 0, 0, 0.6)";
    pen.lineWidth = track.state ? 4.5 : 2.5;
    pen.strokeRect(left, top, width, height);
    pen.strokeStyle = colour;
    pen.lineWidth = track.state ? 2.5 : 1.2;
    pen.strokeRect(left, top, width, height);
    pen.setLineDash([]);
    if (track.state) label(pen, this.caption(track), left, top, colour, "#0b1220");
  }

  caption({state, rung_number, dwell_s, since}) {
    const {texts} = this.wall;
    const seconds = Math.round(dwell_s);
    const name = texts[`state_${state}`] ?? state;
    const calls = rung_number > 0 ? ` ${rung_number}/${this.camera.rung_count || "?"}` : "";
    const last = since ? fill(texts.hidden_since, {since: this.wall.clock(since)}) : fill(texts.seconds, {seconds});
    return `${name}${calls} · ${last}`;
  }
}

function tell(name, detail) { document.dispatchEvent(new CustomEvent(name, {detail})); }

function label(pen, text, x, y, back, front) {
  pen.font = "600 13px system-ui, 'Noto Sans', 'Noto Sans CJK SC', sans-serif";
  const width = pen.measureText(text).width + 10;
  const left = Math.max(0, Math.min(x - 1, pen.canvas.clientWidth - width));
  const top = Math.max(0, y - 20);
  pen.fillStyle = back;
  pen.fillRect(left, top, width, 20);
  pen.fillStyle = front;
  pen.textBaseline = "middle";
  pen.fillText(text, left + 5, top + 10.5);
}

class Wall {
  constructor(model, el) {
    this.texts = model.texts;
    this.lang = model.lang;
    this.colours = model.colours;
    this.formatter = new Intl.DateTimeFormat("en-GB", {
      timeZone: model.timezone, hour: "2-digit", minute: "2-digit", second: "2-digit",
    });
    this.root = element("section", "camera-grid", el);
    this.root.setAttribute("aria-label", this.texts.wall);
    this.lost = element("div", "lost", this.root);
    this.lost.setAttribute("role", "alert");
    this.tiles = new Map();
    for (const camera of model.cameras) this.add(camera);
    this.boot = null;
    this.tries = 0;
    this.hearing = new AbortController();
    const signal = this.hearing.signal;
    document.addEventListener("forewarn:picked", ({detail}) => this.mark(detail.cameras), {signal});
    document.addEventListener("forewarn:pictures", () => {
      for (const tile of this.tiles.values()) tile.tellPicture();
    }, {signal});
    this.mark(globalThis.forewarnPicked?.cameras ?? []);
    this.connect();
  }

  mark(cameras) {
    for (const [camera, tile] of this.tiles) tile.root.toggleAttribute("data-picked", cameras.includes(camera));
  }

  add(camera) {
    const tile = new Tile(camera, this);
    this.tiles.set(camera.camera_id, tile);
    this.root.appendChild(tile.root);
    this.root.style.setProperty("--columns", this.tiles.size > 4 ? 3 : this.tiles.size > 1 ? 2 : 1);
    this.root.style.setProperty("--narrowest", this.tiles.size > 4 ? "200px" : "260px");
    return tile;
  }

  clock(moment) { return this.formatter.format(new Date(moment)); }

  connect() {
    const address = new URL("/wall", window.location.href);
    address.protocol = address.protocol.replace("http", "ws");
    this.socket = new WebSocket(address);
    this.socket.binaryType = "arraybuffer";
    this.work = Promise.resolve();
    this.socket.onmessage = ({data}) => { this.work = this.work.then(() => this.take(data)); };
    this.socket.onclose = ({code}) => code === 4401 ? window.location.reload() : this.retry();
  }

  async take(data) {
    if (data === "drawn?") { if (this.socket.readyState === 1) this.socket.send("drawn"); return; }
    if (typeof data === "string") { this.greet(JSON.parse(data)); return; }
    const length = new DataView(data).getUint32(0);
    const facts = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    const jpeg = new Uint8Array(data, 4 + length);
    const tile = this.tiles.get(facts.camera_id)
      ?? this.add({camera_id: facts.camera_id, title: facts.camera_id, zones: [], rung_count: 0});
    await tile.take(facts, jpeg);
  }

  greet({boot}) {
    if (this.boot !== null && this.boot !== boot) { window.location.reload(); return; }
    this.boot = boot;
    this.tries = 0;
    this.root.classList.remove("disconnected");
    this.lost.textContent = "";
  }

  retry() {
    if (this.isOver) return;
    // old pictures must not be taken for live ones
    this.root.classList.add("disconnected");
    this.lost.textContent = this.texts.connection_lost;
    setTimeout(() => this.isOver || this.connect(), RETRY_MS[Math.min(this.tries++, RETRY_MS.length - 1)]);
  }

  close() { this.isOver = true; this.hearing.abort(); this.socket.close(); }
}

export function render({model, el}) {
  document.documentElement.lang = model.lang === "zh" ? "zh-CN" : "en";
  const wall = new Wall(model, el);
  model.on("remove", () => wall.close());
}
