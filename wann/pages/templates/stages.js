// What is seen of a task: the swing-up live, recorded episodes, or a pad to draw a digit on.
//
// A stage has `show()` (the network or the weight has changed), `running`, `toggle()`, `reset()` and `close()`.

const button = (text, attributes = {}) => html("button", { type: "button", ...attributes }, text);

/** Buttons that several stages share. */
function playButtons(stage, extra = []) {
  stage.playButton = button("Pause", { id: "play", title: "Space or P", onclick: () => stage.toggle() });
  const speed = html("select", { id: "speed", "aria-label": "Speed", onchange: () => stage.setSpeed(Number(speed.value)) },
    ...[0.25, 0.5, 1, 2, 4].map((value) => html("option", { value, selected: value === 1 && "selected" }, `${value}×`)));
  return html("div", { class: "buttons" }, stage.playButton,
    button("Reset", { id: "reset", title: "R", onclick: () => stage.reset() }), ...extra,
    html("label", { class: "speed" }, "Speed ", speed));
}

const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The swing-up, computed and drawn here. */
class SwingUpStage {
  constructor(box, view) {
    this.view = view;
    this.speed = 1;
    this.running = !still();
    this.start = 0; // which start state
    this.frames = 0;
    this.lit = 0; // when the network was lit last
    this.canvas = html("canvas", {
      id: "scene", tabindex: 0, role: "img",
      "aria-label": "A pole on a cart. The arrow keys push the pole, space pauses, R resets.",
      onkeydown: (event) => this._key(event),
      onpointerdown: (event) => {
        const { left, width } = this.canvas.getBoundingClientRect();
        this.push(event.clientX - left < width / 2 + this.episode.state[0] * this.scale ? 1 : -1);
      },
    });
    this.facts = html("p", { class: "facts", id: "facts" });
    const extra = [
      button("Next start", { id: "next", title: "Another start near the hanging pole", onclick: () => this.next() }),
      button("◀ Push", { id: "push-left", "aria-label": "Push the pole to the left", onclick: () => this.push(-1) }),
      button("Push ▶", { id: "push-right", "aria-label": "Push the pole to the right", onclick: () => this.push(1) }),
    ];
    box.replaceChildren(html("div", { class: "scene" }, this.canvas, this.facts), playButtons(this, extra));
    this._button();
    this.colours();
    this.theme = matchMedia("(prefers-color-scheme: dark)");
    this.repaint = () => { this.colours(); this._draw(); };
    this.theme.addEventListener("change", this.repaint);
    this.sizes = new ResizeObserver(() => { this._size(); this._draw(); });
    this.sizes.observe(this.canvas);
    this.show();
    this.reset();
    this._size();
    this.tick = (now) => { this._frame(now); this.request = requestAnimationFrame(this.tick); };
    this.request = requestAnimationFrame(this.tick);
  }

  /** Take the chosen network and weights; what is going on goes on. */
  show() {
    const network = this.view.network();
    if (this.episode?.network !== network) {
      const before = this.episode;
      this.episode = new SwingUp(network);
      if (before) this.reset();
    } else this.touched = this.episode.steps > 0 && this.episode.steps < this.view.data.world.steps;
    if (!this.running) this._look();
  }

  reset() {
    const { starts } = this.view.data.world;
    this.episode.reset(starts[this.start % starts.length]);
    this.trail = [];
    this.due = 0; // steps that the clock is ahead
    this.touched = false; // whether the return is that of one weight and no push
    this.final = null; // the return once the episode is over
    this._look();
  }

  next() {
    this.start += 1;
    this.reset();
  }

  toggle() {
    this.running = !this.running;
    this._button();
  }

  setSpeed(speed) { this.speed = speed; }

  /** A knock against the pole's tip, to the left (-1) or to the right (1). */
  push(side) {
    // The angle grows counterclockwise, so that a pole that hangs goes the other way than one that stands.
    this.episode.state[3] -= 3.0 * side * (Math.cos(this.episode.state[2]) >= 0 ? 1 : -1);
    this.touched = true;
    this.knock = { side, left: 12 };
    if (!this.running) this._look();
  }

  close() {
    cancelAnimationFrame(this.request);
    this.theme.removeEventListener("change", this.repaint);
    this.sizes.disconnect();
  }

  colours() {
    this.palette = Object.fromEntries(["ink", "quiet", "faint", "paper", "negative", "positive", "mark"]
      .map((name) => [name, colour(`--${name}`)]));
  }

  _button() { this.playButton.textContent = this.running ? "Pause" : "Play"; }

  _key(event) {
    const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!side) return;
    this.push(side);
    event.preventDefault();
  }

  _frame(now) {
    this.frames += 1;
    const seconds = Math.min((now - (this.last ?? now)) / 1000, 0.1);
    this.last = now;
    if (!this.running) return;
    const { world } = this.view.data;
    this.due += seconds * this.speed * world.rate;
    while (this.due >= 1) {
      this.due -= 1;
      if (this.episode.left) {
        // A moment to see what happened.
        if ((this.rest -= 1) <= 0) this.reset();
        continue;
      }
      this.episode.step(this.view.weights());
      const { state, steps, left, reward, total } = this.episode;
      if (steps % 2 === 0) this._remember(state, reward);
      if (left || steps === world.steps) this.final ??= { total, steps, touched: this.touched };
      if (left) this.rest = 1.2 * world.rate;
    }
    this._look();
  }

  _remember([x, , theta], reward) {
    this.trail.push([x, theta, reward]);
    if (this.trail.length > 60) this.trail.shift();
  }

  /** Show the state: the scene, the return, the network at work. */
  _look() {
    this._draw();
    const { steps, total, left } = this.episode;
    const { world } = this.view.data;
    const end = this.final;
    const now = `${(steps / world.rate).toFixed(1)} s`;
    const mixed = (end ?? this).touched ? " · pushed or changed on the way" : "";
    const text = end
      ? `${left ? "left the track" : now} · return ${short(end.total)} in ${plural(end.steps, "step")}${mixed}`
      : `${now} · return ${short(total)}${mixed}`;
    if (text !== this.text) this.facts.textContent = this.text = text;
    // Twenty times a second is as good to the eye, and lighting is what costs most.
    if (this.running && this.last - this.lit < 48) return;
    this.lit = this.last;
    this.view.light(this.episode.network.values);
  }

  _size() {
    const { clientWidth, clientHeight } = this.canvas;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    this.ratio = ratio;
    this.scale = Math.min(clientWidth / (2 * SWING_UP.trackHalf + 0.7), clientHeight / (2 * SWING_UP.poleLength + 0.5));
  }

  _draw() {
    const { canvas, ratio, scale, palette, episode } = this;
    const context = canvas.getContext("2d");
    if (!context || !scale) return;
    const width = canvas.width / ratio, height = canvas.height / ratio;
    const ground = 0.53 * height;
    const across = (x) => width / 2 + x * scale;
    const length = SWING_UP.poleLength * scale;
    const tip = (x, theta) => [across(x) - length * Math.sin(theta), ground - length * Math.cos(theta)];
    const [x, , theta] = episode.state;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.lineCap = "round";
    const line = (colour, thickness, ...points) => {
      context.strokeStyle = colour;
      context.lineWidth = thickness;
      context.beginPath();
      points.forEach(([px, py], k) => (k ? context.lineTo(px, py) : context.moveTo(px, py)));
      context.stroke();
    };
    // The track, its middle and its ends.
    const edge = SWING_UP.trackHalf;
    line(palette.faint, 3, [across(-edge), ground], [across(edge), ground]);
    for (const end of [-edge, edge]) line(palette.quiet, 3, [across(end), ground - 0.1 * scale], [across(end), ground + 0.1 * scale]);
    line(palette.faint, 1.5, [across(0), ground + 0.1 * scale], [across(0), ground + 0.2 * scale]);
    // Where the tip has been; bright where it was rewarded.
    this.trail.forEach(([px, angle, reward], k) => {
      context.globalAlpha = (0.1 + 0.9 * Math.max(reward, 0)) * (k / this.trail.length) ** 2 * 0.8;
      context.fillStyle = palette.mark;
      context.beginPath();
      context.arc(...tip(px, angle), 0.035 * scale, 0, 7);
      context.fill();
    });
    context.globalAlpha = 1;
    // The force on the cart.
    const cart = across(x), force = episode.action;
    const side = Math.sign(force), reach = 0.16 * scale, size = Math.abs(force);
    if (size > 0.02) {
      const end = cart + side * (reach + 0.42 * scale * size);
      const colour = force < 0 ? palette.negative : palette.positive;
      line(colour, 3, [cart + side * reach, ground], [end, ground]);
      line(colour, 3, [end - side * 0.06 * scale, ground - 0.06 * scale], [end, ground], [end - side * 0.06 * scale, ground + 0.06 * scale]);
    }
    context.fillStyle = palette.ink;
    context.beginPath();
    context.roundRect(cart - 0.16 * scale, ground - 0.085 * scale, 0.32 * scale, 0.17 * scale, 0.04 * scale);
    context.fill();
    const end = tip(x, theta);
    line(palette.paper, 0.11 * scale, [cart, ground], end);
    line(palette.quiet, 0.07 * scale, [cart, ground], end);
    context.fillStyle = palette.mark;
    context.beginPath();
    context.arc(...end, 0.055 * scale, 0, 7);
    context.fill();
    context.fillStyle = palette.paper;
    context.beginPath();
    context.arc(cart, ground, 0.022 * scale, 0, 7);
    context.fill();
    if (this.knock) {
      context.globalAlpha = this.knock.left / 12;
      const from = end[0] - this.knock.side * 0.45 * scale, to = end[0] - this.knock.side * 0.12 * scale;
      line(palette.ink, 3, [from, end[1]], [to, end[1]]);
      context.globalAlpha = 1;
      if ((this.knock.left -= 1) <= 0) this.knock = null;
    }
  }
}

/** Episodes that were recorded at some weights; the nearest is shown. */
class ClipStage {
  constructor(box, view) {
    this.view = view;
    this.running = !still();
    this.facts = html("p", { class: "facts", id: "facts" });
    this.video = html("video", { id: "scene", muted: "", loop: "", playsinline: "" });
    this.video.muted = true;
    this.video.addEventListener("play", () => this._button());
    this.video.addEventListener("pause", () => this._button());
    box.replaceChildren(html("div", { class: "scene film" }, this.video, this.facts), playButtons(this));
    this.show();
    this._button();
  }

  show() {
    const { clips } = this.view.data.world;
    const tuned = clips.find((clip) => clip.weight === "tuned");
    const wanted = this.view.tuned && tuned ? tuned : clips.filter((clip) => clip.weight !== "tuned").reduce((best, clip) =>
      (Math.abs(clip.weight - this.view.weight) < Math.abs(best.weight - this.view.weight) ? clip : best));
    if (wanted === this.clip) return;
    this.clip = wanted;
    this.video.src = wanted.source;
    this.video.playbackRate = this.speed ?? 1;
    this.video.setAttribute("aria-label", `A recorded episode at ${weightText(wanted.weight)}`);
    if (this.running) this.video.play().catch(() => {});
    this.facts.textContent = `recorded at ${weightText(wanted.weight)} · return ${short(wanted.total)} in `
      + `${plural(wanted.steps, "step")}${wanted.cut ? ", cut off there" : ""}`;
  }

  reset() {
    this.video.currentTime = 0;
    if (this.running) this.video.play().catch(() => {});
  }

  toggle() {
    this.running = this.video.paused;
    if (this.running) this.video.play().catch(() => {});
    else this.video.pause();
    this._button();
  }

  setSpeed(speed) { this.speed = this.video.playbackRate = speed; }

  close() { this.video.pause(); }

  _button() { this.playButton.textContent = this.video.paused ? "Play" : "Pause"; }
}

const weightText = (weight) => (weight === "tuned" ? "the tuned weights" : `weight ${short(weight)}`);

/** Words instead of a picture, where there is none. */
class WordStage {
  constructor(box, view) {
    this.running = false;
    box.replaceChildren(html("div", { class: "scene words" }, html("p", {}, view.data.world.note)));
  }

  show() {}
  reset() {}
  toggle() {}
  close() {}
}

const PAD = 112; // cells along each side of the pad
const PEN = 4.6; // radius of the pen in cells

/** A pad to draw on, samples to choose from, and what the network says of them at every weight. */
class PadStage {
  constructor(box, view) {
    this.view = view;
    this.running = false;
    const { world } = view.data;
    this.prepare = PREPARED[world.prepare] ?? ((ink, side) =>
      scaled(ink, side, { top: 0, left: 0, height: side, width: side }, ...world.shape));
    this.ink = new Float64Array(PAD * PAD);
    this.pen = [PAD / 2, PAD / 2];
    this.seen = html("figure", { class: "seen" });
    const parts = [];
    if (world.shape) parts.push(this._pad());
    this.bars = html("div", { class: "bars", id: "bars" });
    this.facts = html("p", { class: "facts", id: "facts", role: "status" });
    parts.push(html("div", { class: "verdict" }, this.facts, this.bars));
    box.replaceChildren(html("div", { class: "scene pad" }, ...parts), this._samples());
    this.inputs = new Float64Array(view.entry.network.inputs);
    if (world.samples.length) this._choose(0);
    else this.show();
  }

  _pad() {
    this.canvas = html("canvas", {
      id: "scene", width: PAD, height: PAD, tabindex: 0, role: "img",
      "aria-label": "A pad to draw on: with a pointer, or with the arrow keys while Shift is held; Delete clears it.",
      onpointerdown: (event) => {
        this.canvas.setPointerCapture(event.pointerId);
        this.pen = this._place(event);
        this._stroke(this.pen);
      },
      onpointermove: (event) => { if (event.buttons) this._stroke(this._place(event)); },
      onkeydown: (event) => this._key(event),
      onfocus: () => this._paint(),
      onblur: () => this._paint(),
    });
    this.sampled = false; // whether a sample is shown instead of what was drawn
    return html("div", { class: "sheet" }, this.canvas, html("div", { class: "buttons" }, this.seen,
      button("Clear", { id: "reset", title: "R or Delete", onclick: () => this.reset() })));
  }

  _samples() {
    const { samples, classes, shape, thing } = this.view.data.world;
    if (!samples.length) return html("p", { class: "hint" }, `Draw ${thing} on the pad.`);
    this.sampleButtons = samples.map((sample, place) => {
      const name = `Test sample ${place + 1}: ${classes[sample.label]}`;
      const choice = button(shape ? "" : classes[sample.label], {
        class: shape ? "sample picture" : "sample", "aria-label": name, title: name, onclick: () => this._choose(place),
      });
      if (shape) choice.append(pixels(sample.inputs, shape));
      return choice;
    });
    return html("div", { class: "samples" },
      html("p", { class: "hint" }, shape ? `Draw ${thing}, or choose one that no search has seen:` : "Choose a sample that no search has seen:"),
      html("div", { class: "row" }, ...this.sampleButtons));
  }

  _place(event) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return [((event.clientX - left) / width) * PAD, ((event.clientY - top) / height) * PAD];
  }

  _key(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "Delete" || event.key === "Backspace") this.reset();
    else if (way) {
      const to = this.pen.map((at, axis) => Math.min(Math.max(at + 4 * way[axis], 4), PAD - 4));
      if (event.shiftKey) this._stroke(to);
      else this.pen = to;
      this._paint();
    } else return;
    event.preventDefault();
  }

  /** A line of ink from the pen to a place. */
  _stroke(to) {
    if (this.sampled) this._clear();
    const [x0, y0] = this.pen, [x1, y1] = to;
    const long = (x1 - x0) ** 2 + (y1 - y0) ** 2;
    const from = (a, b) => Math.max(Math.floor(Math.min(a, b) - PEN - 1), 0);
    const upTo = (a, b) => Math.min(Math.ceil(Math.max(a, b) + PEN + 1), PAD - 1);
    for (let row = from(y0, y1); row <= upTo(y0, y1); row++) {
      for (let column = from(x0, x1); column <= upTo(x0, x1); column++) {
        const x = column + 0.5 - x0, y = row + 0.5 - y0;
        const share = long ? Math.min(Math.max((x * (x1 - x0) + y * (y1 - y0)) / long, 0), 1) : 0;
        const distance = Math.hypot(x - share * (x1 - x0), y - share * (y1 - y0));
        const ink = Math.min(Math.max(PEN + 0.5 - distance, 0), 1);
        this.ink[row * PAD + column] = Math.max(this.ink[row * PAD + column], ink);
      }
    }
    this.pen = to;
    this.inputs = this.prepare(this.ink, PAD);
    this._paint();
    this.show();
  }

  _choose(place) {
    const { samples, shape } = this.view.data.world;
    this._clear();
    this.sampled = true;
    this.label = samples[place].label;
    this.inputs = Float64Array.from(samples[place].inputs);
    if (shape) {
      const [rows, columns] = shape;
      this.ink.forEach((_, cell) => {
        const row = Math.floor((Math.floor(cell / PAD) * rows) / PAD), column = Math.floor(((cell % PAD) * columns) / PAD);
        this.ink[cell] = this.inputs[row * columns + column];
      });
      this._paint();
    }
    this.sampleButtons.forEach((choice, at) => choice.setAttribute("aria-pressed", String(at === place)));
    this.show();
  }

  _clear() {
    this.ink.fill(0);
    this.sampled = false;
    this.label = null;
    this.sampleButtons?.forEach((choice) => choice.setAttribute("aria-pressed", "false"));
  }

  reset() {
    if (!this.canvas) return;
    this._clear();
    this.inputs = new Float64Array(this.inputs.length);
    this._paint();
    this.show();
  }

  _paint() {
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(PAD, PAD);
    this.ink.forEach((ink, cell) => image.data.set([20, 24, 30, Math.round(255 * Math.min(Math.max(ink, 0), 1))], 4 * cell));
    context.putImageData(image, 0, 0);
    if (document.activeElement === this.canvas && this.canvas.matches(":focus-visible")) {
      context.strokeStyle = "#bb5566";
      context.strokeRect(this.pen[0] - 3, this.pen[1] - 3, 6, 6);
    }
  }

  /** Let the network answer at the chosen weights and at every weight of the votes. */
  show() {
    const { view } = this;
    const { classes, votes: weights, shape } = view.data.world;
    if (shape) {
      this.seen.replaceChildren(pixels(this.inputs, shape), html("figcaption", {}, "what the network sees"));
    }
    const network = view.network();
    const answer = (chosen) => {
      network.forward(this.inputs, chosen);
      return softmax(classes.map((_, place) => network.output(place)));
    };
    const empty = !this.sampled && this.inputs.every((value) => value === 0);
    const answers = weights.map(answer);
    const said = answers.map(largest);
    view.votes(empty ? [] : said.map((place, k) => ({ name: classes[place], share: answers[k][place] })));
    const now = answer(view.weights()); // the last, so that the network shows these values
    view.light(network.values);
    const count = (place) => said.filter((vote) => vote === place).length;
    const counts = classes.map((_, place) => count(place));
    const mean = classes.map((_, place) => answers.reduce((sum, each) => sum + each[place], 0) / answers.length);
    const longest = Math.min(Math.max(...classes.map((name) => name.length)), 14);
    this.bars.style.setProperty("--names", `${longest + 1}ch`);
    const winner = largest(counts.map((votes, place) => votes + 0.5 * mean[place]));
    this.bars.replaceChildren(...classes.map((name, place) => html("div", { class: !empty && place === winner ? "bar winner" : "bar" },
      html("span", { class: "class" }, name),
      html("span", { class: "track" }, html("i", { style: `width: ${empty ? 0 : (100 * counts[place]) / weights.length}%` })),
      html("span", { class: "count" }, empty ? "" : String(counts[place])))));
    const right = this.sampled ? ` · it is ${classes[this.label]}` : "";
    this.facts.textContent = empty
      ? `Draw ${view.data.world.thing}: every weight has a vote.`
      : `${counts[winner]} of ${weights.length} weights say ${classes[winner]}; at `
        + `${view.tuned ? "the tuned weights" : `weight ${short(view.weight)}`}: ${classes[largest(now)]} `
        + `(${percent(Math.max(...now))})${right}`;
  }

  toggle() {}
  close() {}
}

const largest = (values) => values.reduce((best, value, place) => (value > values[best] ? place : best), 0);

function softmax(values) {
  const most = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - most));
  const total = powers.reduce((sum, value) => sum + value, 0);
  return powers.map((value) => value / total);
}

/** An image of inputs between 0 and 1. */
function pixels(inputs, [rows, columns]) {
  const canvas = html("canvas", { width: columns, height: rows });
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  inputs.forEach((value, place) => image.data.set([20, 24, 30, Math.round(255 * Math.min(Math.max(value, 0), 1))], 4 * place));
  context.putImageData(image, 0, 0);
  return canvas;
}
