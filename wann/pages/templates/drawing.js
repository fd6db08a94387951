// The drawing of a network: what feeds what, lit by what the nodes compute; explored by pointer or arrow keys.

/** What the activations compute, of the weighted sum s, and how far their curves are drawn. */
const FORMULAS = {
  linear: "s", step: "1 where s > 0, else 0", sin: "sin(π s)", gaussian: "exp(−s² / 2)", tanh: "tanh(s)",
  sigmoid: "1 / (1 + exp(−s))", inverse: "−s", abs: "|s|", relu: "max(s, 0)", cos: "cos(π s)",
};
const REACH = { gaussian: 3, tanh: 3, sigmoid: 5, cos: 1.5 };
const LEVELS = 12; // steps of brightness; the page is touched only where one changes

/** Graph of an activation in a circle. */
function activationCurve(name, x, y, radius) {
  const places = name === "step" ? [-1, 0, 1e-9, 1] : Array.from({ length: 25 }, (_, k) => (k - 12) / 12);
  return places.map((at, k) => {
    const value = ACTIVATIONS[name](at * (REACH[name] ?? 1));
    return `${k ? "L" : "M"}${(x + 0.62 * radius * at).toFixed(1)} ${(y - 0.5 * radius * value).toFixed(1)}`;
  }).join("");
}

class Drawing {
  /**
   * @param box the element that holds it; its content is replaced
   * @param diagram as wann.pages.network_data.diagram_data gives it
   * @param options tell: called with the place of a node, or null; still: a small picture that does nothing
   */
  constructor(box, diagram, { tell = () => {}, still = false, label = "The network" } = {}) {
    Object.assign(this, { diagram, tell, still });
    const { nodes, edges, width, height, plane } = diagram;
    this.sources = nodes.x.map(() => []); // of each node, the edges that lead to it
    this.targets = nodes.x.map(() => []);
    edges.source.forEach((source, edge) => {
      this.targets[source].push(edge);
      this.sources[edges.target[edge]].push(edge);
    });
    this.root = svg("svg", {
      class: still ? "drawing still" : "drawing", viewBox: `0 0 ${width} ${height}`, "aria-label": label,
      role: still ? "img" : "application", tabindex: still ? null : 0,
      "aria-describedby": still ? null : "node-text",
      style: `--natural: ${width}px`,
    });
    const most = Math.max(...edges.importance.map((value) => Math.abs(value ?? 0)), 1e-12);
    const known = edges.importance.some((value) => value !== null);
    this.lines = edges.path.map((path, edge) => {
      // Where the importance is known, what is lost without a connection shows in how thick its line is.
      const share = Math.max(edges.importance[edge] ?? 0, 0) / most;
      return svg("path", {
        class: "edge", d: path, "stroke-width": known ? (0.6 + 2.2 * Math.sqrt(share)).toFixed(2) : 1.1,
      });
    });
    this.glows = still ? [] : edges.path.map((path, edge) => svg("path", {
      class: "glow", d: path, "stroke-opacity": 0,
      "stroke-width": known ? this.lines[edge].getAttribute("stroke-width") : 1.6,
    }));
    this.root.append(svg("g", { class: "edges" }, ...this.lines), svg("g", { class: "edges" }, ...this.glows));
    this.lamps = [];
    this.groups = nodes.x.map((_, place) => this._node(place, plane, diagram.letters));
    this.root.append(svg("g", {}, ...this.groups));
    this.edgeLevels = new Int8Array(edges.path.length);
    this.nodeLevels = new Int8Array(nodes.x.length);
    this.current = null; // the node that is looked at
    this.output = null; // the one whose part is shown
    if (!still) this._listen();
    box.replaceChildren(this.root);
  }

  _node(place, plane, letters) {
    const { nodes } = this.diagram;
    const x = nodes.x[place], y = nodes.y[place], radius = nodes.radius[place];
    const kind = nodes.kind[place], label = nodes.label[place];
    const group = svg("g", { class: `node ${kind}${nodes.used[place] ? "" : " unused"}`, "data-place": place });
    if (plane && kind === "input") {
      const square = { x: x - radius, y: y - radius, width: 2 * radius, height: 2 * radius };
      const uses = this.targets[place].length;
      const most = Math.max(...plane.uses, 1);
      group.append(svg("rect", { class: "base", ...square }));
      if (uses) group.append(svg("rect", { class: "uses", ...square, "fill-opacity": (0.15 + 0.5 * uses / most).toFixed(2) }));
      const lamp = svg("rect", { class: "lamp", ...square, "fill-opacity": 0 });
      this.lamps.push(lamp);
      if (!this.still) group.append(lamp);
      return group;
    }
    const lamp = svg("circle", { class: "lamp", cx: x, cy: y, r: radius, "fill-opacity": 0 });
    this.lamps.push(lamp);
    group.append(svg("circle", { class: "base", cx: x, cy: y, r: radius }));
    if (!this.still) group.append(lamp);
    group.append(svg("circle", { class: "rim", cx: x, cy: y, r: radius }));
    if (kind === "bias") {
      group.append(svg("text", { class: "one", x, y, "font-size": 1.3 * radius, "text-anchor": "middle", dy: "0.36em" }, "1"));
    } else {
      group.append(svg("path", { class: "curve", d: activationCurve(nodes.activation[place], x, y, radius) }));
    }
    if (label && !this.still) {
      const left = kind !== "output";
      group.append(svg("text", {
        class: "name", x: left ? x - 1.5 * radius : x + 1.5 * radius, y, dy: "0.34em", "font-size": letters,
        "text-anchor": left ? "end" : "start",
      }, label));
    }
    return group;
  }

  _listen() {
    const placeOf = (event) => {
      const group = event.target.closest?.(".node");
      return group ? Number(group.dataset.place) : null;
    };
    this.root.addEventListener("pointerover", (event) => this.look(placeOf(event)));
    this.root.addEventListener("pointerleave", () => this.look(null));
    this.root.addEventListener("click", (event) => {
      const place = placeOf(event);
      this.look(place);
      this.highlight(place === this.output ? null : place);
    });
    this.root.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (way) this.look(this._next(...way));
      else if (event.key === "Enter" || event.key === " ") this.highlight(this.output === this.current ? null : this.current);
      else if (event.key === "Escape") {
        this.look(null);
        this.highlight(null);
      } else return;
      event.preventDefault();
    });
    this.root.addEventListener("blur", () => this.look(null));
  }

  /** The nearest node in a direction; the last output where there is none to begin from. */
  _next(right, down) {
    const { x, y } = this.diagram.nodes;
    if (this.current === null) return this.diagram.nodes.kind.lastIndexOf("output");
    let best = this.current, least = Infinity;
    for (let place = 0; place < x.length; place++) {
      const dx = x[place] - x[this.current], dy = y[place] - y[this.current];
      const along = right * dx + down * dy, aside = Math.abs(right * dy) + Math.abs(down * dx);
      if (along > 1 && along + 2.5 * aside < least) {
        least = along + 2.5 * aside;
        best = place;
      }
    }
    return best;
  }

  /** Look at a node: it stands out with the lines that lead to it and from it. */
  look(place) {
    if (place === this.current) return;
    this.current = place;
    this._mark();
    this.tell(place);
  }

  /** Show only what feeds a node; everything where it is null. */
  highlight(place) {
    this.output = place;
    this._mark();
    this.tell(this.current, place);
  }

  /** The nodes that feed one, itself among them, and the edges between them. */
  part(place) {
    const nodes = new Set([place]), edges = new Set();
    for (const node of nodes) { // a set goes on with what is added to it
      for (const edge of this.sources[node]) {
        edges.add(edge);
        nodes.add(this.diagram.edges.source[edge]);
      }
    }
    return { nodes, edges };
  }

  _mark() {
    const part = this.output === null ? null : this.part(this.output);
    const near = new Set(this.current === null ? [] : [...this.sources[this.current], ...this.targets[this.current]]);
    this.groups.forEach((group, place) => {
      group.classList.toggle("away", part !== null && !part.nodes.has(place));
      group.classList.toggle("current", place === this.current);
    });
    this.lines.forEach((line, edge) => {
      const away = part !== null && !part.edges.has(edge);
      line.classList.toggle("away", away);
      this.glows[edge].classList.toggle("away", away);
      line.classList.toggle("near", near.has(edge));
    });
  }

  /**
   * Light nodes and lines by what they carry.
   *
   * @param values of the network's rows
   * @param weights the shared weight, or one for each connection
   */
  light(values, weights) {
    const { nodes, edges } = this.diagram;
    for (let place = 0; place < nodes.row.length; place++) {
      if (nodes.row[place] < 0) continue;
      const level = brightness(values[nodes.row[place]]);
      if (level !== this.nodeLevels[place]) this._set(this.lamps[place], level, this.nodeLevels, place, 0.85);
    }
    for (let edge = 0; edge < edges.source.length; edge++) {
      const weight = typeof weights === "number" ? weights : weights[edges.connection[edge]];
      const level = brightness(values[nodes.row[edges.source[edge]]] * weight);
      if (level !== this.edgeLevels[edge]) this._set(this.glows[edge], level, this.edgeLevels, edge, 0.9);
    }
  }

  _set(element, level, levels, place, most) {
    const before = levels[place];
    levels[place] = level;
    if (level < 0 !== before < 0 || before === 0) element.classList.toggle("negative", level < 0);
    const opacity = ((most * Math.abs(level)) / LEVELS).toFixed(2);
    element.setAttribute(element.classList.contains("glow") ? "stroke-opacity" : "fill-opacity", opacity);
  }
}

/** A value as a level from -LEVELS to LEVELS; one that is no number is dark. */
function brightness(value) {
  const size = Math.min(Math.abs(value), 4.0);
  const level = Math.round(LEVELS * (1 - 1 / (1 + 1.6 * size)) * 1.16);
  return value > 0 ? level : value < 0 ? -level : 0;
}
