// The page: everything on it is drawn from the data, which may come again and again while a run goes on.

/** What is chosen on the page, and what the parts of it ask each other. */
class View {
  constructor() {
    this.data = null;
    this.place = 0; // which of the networks
    this.weight = 1;
    this.tuned = false;
    this.compiled = new Map(); // networks by their key
  }

  get entry() { return this.data.networks[this.place]; }

  network() {
    const { key, network } = this.entry;
    if (!this.compiled.has(key)) this.compiled.set(key, new Network(network));
    return this.compiled.get(key);
  }

  weights() { return this.tuned ? this.entry.tuned : this.weight; }

  light(values) {
    this.values = values;
    drawing?.light(values, this.weights());
    if (drawing && drawing.current !== null) tellValue();
  }

  votes(list) { showVotes(list); }
}

const view = new View();
let stage = null; // what is seen of the task
let drawing = null; // the large one
let shownKey = null; // the network that is drawn
let stageKey = null; // what the stage was made for

/** Draw the page from its data; called again, it keeps what the reader has chosen. */
function show(data) {
  const first = view.data === null;
  const chosen = first || !view.data.networks.length ? null : view.place === view.data.champion ? null : view.entry.key;
  view.data = data;
  showHead();
  const waiting = !data.networks.length;
  byId("waiting").hidden = !waiting;
  byId("champion").hidden = waiting;
  byId("front-part").hidden = byId("development-part").hidden = waiting;
  if (waiting) byId("waiting-text").textContent = data.waiting;
  else {
    const place = data.networks.findIndex((entry) => entry.key === chosen);
    view.place = place < 0 ? data.champion : place;
    if (!view.entry.tuned) view.tuned = false;
    if (stageKey === null) {
      view.weight = nearest(data.best.weight);
    }
    const key = JSON.stringify([data.world.kind, data.world.note ?? "", (data.world.clips ?? []).map((clip) => clip.key)]);
    if (key !== stageKey) {
      stage?.close();
      const Stage = { swingup: SwingUpStage, clips: ClipStage, samples: PadStage }[data.world.kind] ?? WordStage;
      shownKey = null;
      drawing = null;
      byId("weight").step = data.world.step ?? 0.01;
      byId("weight").value = view.weight;
      stage = new Stage(byId("stage"), view);
      stageKey = key;
    }
    showNetwork();
    showFront();
    showDevelopment();
  }
  showLearning();
  showSettings();
}

/** Choose a network by its place among those of the page. */
function choose(place) {
  view.place = place;
  if (!view.entry.tuned) view.tuned = false;
  showNetwork();
  showFront();
  markDevelopment();
}

/** The nearest weight that can be shown: where episodes were recorded, one of theirs. */
function nearest(weight) {
  const { step } = view.data.world;
  return step ? step * Math.round(weight / step) : weight;
}

function setWeight(weight, tuned = false) {
  view.weight = nearest(weight);
  view.tuned = tuned && view.entry.tuned !== null;
  byId("weight").value = view.weight;
  stage.show();
  showWeight();
  if (drawing && view.values) drawing.light(view.values, view.weights());
}

// The head

function showHead() {
  const { data } = view;
  byId("kicker").textContent = data.kicker;
  byId("headline").textContent = data.headline;
  byId("lede").textContent = data.lede;
  byId("figures").replaceChildren(...data.figures.map(([name, value, note]) =>
    html("div", {}, html("dt", {}, name), html("dd", {}, value, note ? html("small", {}, note) : null))));
}

// The network

function showNetwork() {
  const { data, entry } = view;
  const other = view.place !== data.champion;
  byId("other").hidden = !other;
  byId("other-text").textContent = `You are looking at ${entry.name}.`;
  byId("network-name").textContent = other ? entry.name : "The champion";
  byId("network-size").textContent = `${plural(entry.hidden, "hidden node")}, ${plural(entry.connections, "connection")}`;
  byId("tuned").hidden = entry.tuned === null;
  if (entry.key !== shownKey) {
    shownKey = entry.key;
    drawing = new Drawing(byId("drawing"), entry.diagram, { tell, label: `${entry.name}: the network` });
    view.values = null;
    showOutputs();
    tell(null);
    stage.show();
  }
  showWeight();
}

function showOutputs() {
  const { kind, label } = view.entry.diagram.nodes;
  const places = kind.map((each, place) => (each === "output" ? place : -1)).filter((place) => place >= 0);
  byId("outputs").replaceChildren("What feeds ", ...places.map((place) => button(label[place], {
    class: "output", "aria-pressed": "false", "data-place": place,
    onclick: () => drawing.highlight(drawing.output === place ? null : place),
  })));
}

function nodeName(place) {
  const { kind, label, id, activation } = view.entry.diagram.nodes;
  return kind[place] === "hidden" ? `${activation[place]} ${id[place]}` : label[place];
}

function nodeNames(places, most = 8) {
  const names = places.slice(0, most).map(nodeName);
  return names.join(", ") + (places.length > most ? ` and ${places.length - most} more` : "");
}

/** Say what a node computes, and what feeds it. */
function tell(place, output = drawing?.output ?? null) {
  for (const each of byId("outputs").querySelectorAll("button")) {
    each.setAttribute("aria-pressed", String(Number(each.dataset.place) === output));
  }
  const text = byId("node-text");
  byId("node-value").textContent = "";
  if (place === null) {
    text.textContent = output === null
      ? "Point at a node, or move through the drawing with the arrow keys: what it computes, and what feeds it. A click shows only its part."
      : `Shown is what feeds ${nodeName(output)}; click it again, or press Escape, to see everything.`;
    return;
  }
  const { diagram } = view.entry;
  const { kind, activation } = diagram.nodes;
  const from = drawing.sources[place].map((edge) => diagram.edges.source[edge]);
  const into = drawing.targets[place].map((edge) => diagram.edges.target[edge]);
  const parts = [];
  if (kind[place] === "bias") parts.push("Bias: always 1");
  else if (kind[place] === "input") parts.push(`Input ${nodeName(place)}`);
  else {
    const what = kind[place] === "output" ? `Output ${nodeName(place)}` : `Hidden node ${nodeName(place)}`;
    const sum = from.length ? `s = weight × (${nodeNames(from)})`.replaceAll(", ", " + ") : "s = 0, as nothing feeds it";
    parts.push(`${what} = ${FORMULAS[activation[place]]}, ${sum}`);
  }
  parts.push(into.length ? `It feeds ${nodeNames(into)}` : kind[place] === "output" ? "" : "It feeds nothing");
  text.textContent = parts.filter(Boolean).join(". ") + ".";
  tellValue();
}

function tellValue() {
  const row = view.entry.diagram.nodes.row[drawing.current];
  const value = view.values && row >= 0 ? view.values[row] : null;
  const text = value === null ? "" : `now ${value.toFixed(3).replace("-", "−")}`;
  if (byId("node-value").textContent !== text) byId("node-value").textContent = text;
}

// The weight, and the return over it

const MARGIN = 14; // pixels from the chart's sides to its ends, half a thumb of the slider
let position = null; // moves the mark on the chart

function showWeight() {
  const { weight, tuned, entry, data } = view;
  byId("weight-text").textContent = tuned ? "tuned" : weight.toFixed(2).replace("-", "−");
  byId("weight").setAttribute("aria-valuetext", tuned ? "tuned weights" : `weight ${weight.toFixed(2)}`);
  byId("tuned").setAttribute("aria-pressed", String(tuned));
  byId("weight-part").classList.toggle("tuned", tuned);
  const { clientWidth, clientHeight } = byId("profile");
  const wanted = `${entry.key} ${clientWidth} ${clientHeight} ${data.updated}`;
  if (position?.wanted !== wanted) showProfile(wanted);
  position.move(weight, tuned);
}

/** The chart above the slider; its ends are the slider's. */
function showProfile(wanted) {
  const { entry } = view;
  const { weights, mean, std, measure } = entry.profile;
  const upper = mean.map((value, k) => (value === null ? null : value + (std?.[k] ?? 0)));
  const lower = mean.map((value, k) => (value === null ? null : value - (std?.[k] ?? 0)));
  const exact = measure === "accuracy";
  const show = exact ? percent : short;
  const range = exact ? [0, 1] : padded(extent(upper, lower), 0.05);
  const { root, placeX, placeY, top, bottom } = frame(byId("profile"), {
    label: `${measure} over the weight`, height: Math.max(byId("profile").clientHeight, 120), x: [-2, 2], y: range, sides: [MARGIN, MARGIN], inside: true,
    yText: exact ? (value) => `${Math.round(100 * value)} %` : short,
  });
  if (std && weights.length > 1) {
    const band = curve(weights, upper, placeX, placeY)
      + curve([...weights].reverse(), [...lower].reverse(), placeX, placeY).replace("M", "L") + "Z";
    root.append(svg("path", { class: "band", d: band }));
  }
  root.append(svg("path", { class: "line mean", d: curve(weights, mean, placeX, placeY) }));
  if (weights.length < 12) {
    weights.forEach((weight, k) => root.append(svg("circle", { class: "dot", cx: placeX(weight), cy: placeY(mean[k]), r: 3 })));
  }
  if (entry.tuned_score !== null) {
    const at = placeY(Math.min(Math.max(entry.tuned_score, range[0]), range[1]));
    root.append(svg("line", { class: "tuned-level", x1: MARGIN, x2: placeX(2), y1: at, y2: at }));
    root.append(svg("text", { class: "tick", x: placeX(2) - 2, y: at - 4, "text-anchor": "end" }, `tuned ${show(entry.tuned_score)}`));
  }
  const line = svg("line", { class: "position", y1: top, y2: bottom });
  const dot = svg("circle", { class: "position-dot", r: 6 });
  root.append(line, dot);
  position = {
    wanted,
    move(weight, tuned) {
      const at = interpolated(weights, mean, weight);
      for (const end of ["x1", "x2"]) line.setAttribute(end, placeX(weight));
      dot.setAttribute("cx", placeX(weight));
      dot.setAttribute("cy", at === null ? bottom : placeY(at));
      const value = tuned ? entry.tuned_score : at;
      byId("weight-score").textContent = value === null ? "" : `${measure} ${show(value)}`
        + (exact ? " on the test part" : " on average");
    },
  };
}

/** Value between the points of a curve; null outside it. */
function interpolated(xs, ys, x) {
  const next = xs.findIndex((value) => value >= x - 1e-9);
  if (next < 0) return null;
  if (next === 0) return Math.abs(xs[0] - x) < 1e-6 ? ys[0] : null;
  const share = (x - xs[next - 1]) / (xs[next] - xs[next - 1]);
  return ys[next - 1] === null || ys[next] === null ? null : ys[next - 1] * (1 - share) + ys[next] * share;
}

/** What every weight says, above the slider. */
function showVotes(list) {
  byId("votes").replaceChildren(...list.map(({ name, share }) =>
    html("span", { style: `--share: ${share.toFixed(2)}`, title: `${name}: ${percent(share)}` }, name.length > 3 ? name.slice(0, 2) : name)));
}

// The front

function showFront() {
  const { front, networks, score } = view.data;
  byId("front-note").textContent = front.note;
  const points = front.points.map((point) => {
    const entry = networks[point.network];
    const values = Object.entries(point.values).map(([name, value]) => `${name} ${short(value)}`).join(" · ");
    return { x: point.values.connections, y: point.values.mean, text: `${entry.name}: ${values}`, chosen: point.network === view.place };
  });
  pointChart(byId("front"), {
    label: `Mean ${score} over connections; choose a network with the arrow keys and Enter`, points, height: 260,
    xLabel: "connections", yLabel: `mean ${score}`,
    choose: (place) => choose(front.points[place].network),
  });
}

// Development

function showDevelopment() {
  const { development, networks } = view.data;
  byId("development-part").hidden = development.length < 2;
  const keys = development.map((place) => networks[place].key).join();
  if (byId("development").dataset.keys === keys) return markDevelopment(); // so that the focus stays where it is
  byId("development").dataset.keys = keys;
  byId("development").replaceChildren(...development.map((place) => {
    const entry = networks[place];
    const picture = html("span", { class: "picture" });
    new Drawing(picture, entry.diagram, { still: true, label: entry.name });
    const card = button("", { class: "stagecard", "data-place": place, onclick: () => choose(place) });
    card.append(picture, html("b", {}, `generation ${entry.generation}`),
      html("span", {}, `mean ${short(entry.mean)} · ${plural(entry.connections, "connection")}`));
    return card;
  }));
  return markDevelopment();
}

function markDevelopment() {
  for (const card of byId("development").children) {
    card.setAttribute("aria-pressed", String(Number(card.dataset.place) === view.place));
  }
}

// Learning

function showLearning() {
  const { learning, score } = view.data;
  byId("learning-part").hidden = learning.generation.length < 2;
  if (learning.generation.length < 2) return;
  lineChart(byId("learning-score"), {
    label: `Mean ${score} over the generations`, xs: learning.generation, height: 240, xLabel: "generation",
    yLabel: `mean ${score}`,
    series: [
      { name: "champion, confirmed", kind: "confirmed", ys: learning.champion_mean },
      { name: "best of the generation", kind: "best", ys: learning.best_mean },
      { name: "median", kind: "median", ys: learning.median_mean },
    ],
  });
  lineChart(byId("learning-size"), {
    label: "Connections over the generations", xs: learning.generation, height: 240, xLabel: "generation",
    yLabel: "connections",
    series: [
      { name: "champion", kind: "confirmed", ys: learning.champion_connections },
      { name: "median", kind: "median", ys: learning.median_connections },
    ],
  });
}

// Settings

function showSettings() {
  const { settings, versions, commands } = view.data;
  byId("commands").textContent = commands.join("\n");
  byId("settings").replaceChildren(...settings.map(([name, value, meaning]) => html("tr", {},
    html("th", { scope: "row" }, name), html("td", {}, value), html("td", {}, meaning))));
  byId("versions").textContent = versions.map(([name, version]) => `${name} ${version}`).join(" · ");
}

// The reader's hands

function listen() {
  const slider = byId("weight");
  slider.addEventListener("input", () => setWeight(Number(slider.value)));
  byId("tuned").addEventListener("click", () => setWeight(view.weight, !view.tuned));
  byId("best").addEventListener("click", () => setWeight(view.data.best.weight));
  byId("back").addEventListener("click", () => choose(view.data.champion));
  document.addEventListener("keydown", (event) => {
    if (!stage || event.ctrlKey || event.metaKey || event.altKey) return;
    const within = event.target.closest("input, select, button, [role=button], [role=application], textarea, a");
    const slides = event.target === slider; // which has no use for these keys
    const key = event.key.toLowerCase();
    if (key === "p" || (key === " " && !within)) stage.toggle();
    else if (key === "r") stage.reset();
    else if (key === " " && slides) stage.toggle();
    else return;
    event.preventDefault();
  });
  new ResizeObserver(() => { if (stage) showWeight(); }).observe(byId("profile"));
  let waiting = null;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (view.data) show(view.data); }, 120);
  });
}

/** Ask for the data of a run in progress, now and then, and draw the page again where they have changed. */
function live(address) {
  let seen = null;
  const status = byId("live");
  status.hidden = false;
  const say = (text, trouble = false) => {
    status.textContent = text;
    status.classList.toggle("trouble", trouble);
  };
  const told = () => say(view.data.status);
  const ask = async () => {
    try {
      const answer = await fetch(address, { cache: "no-cache", credentials: "same-origin" });
      if (!answer.ok) throw new Error(`answer ${answer.status}`);
      const text = await answer.text();
      if (text !== seen) {
        seen = text;
        show(JSON.parse(text));
      }
      told();
    } catch {
      say("wann watch does not answer; trying again", true);
    }
    setTimeout(ask, 2000);
  };
  told();
  setTimeout(ask, 2000);
}

listen();
