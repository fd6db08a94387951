// Small builders of elements, and the charts. Text only ever goes in as text.

const SVG_SPACE = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** An HTML element; children are elements or plain text. */
const html = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);

/** An SVG element. */
const svg = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG_SPACE, tag), attributes, children);

const byId = (id) => document.getElementById(id);

/** A number for people: few digits, a true minus. */
function short(value, digits = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const text = size >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(digits)));
  return text.replace("-", "−");
}

const percent = (value) => (value === null ? "–" : `${(100 * value).toFixed(1)} %`);
const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

/** Round numbers that divide a range into about so many parts. */
function ticks(low, high, about) {
  const rough = (high - low) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(k * step);
  return found;
}

/** Least and greatest of the numbers in some lists; null and NaN are passed over. */
function extent(...lists) {
  let low = Infinity, high = -Infinity;
  for (const list of lists) {
    for (const value of list) {
      if (value === null || !Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (low > high) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/** Path of a curve; a gap where there is no number. */
function curve(xs, ys, placeX, placeY) {
  let path = "", pen = "M";
  for (let i = 0; i < xs.length; i++) {
    if (ys[i] === null || !Number.isFinite(ys[i])) {
      pen = "M";
      continue;
    }
    path += `${pen}${placeX(xs[i]).toFixed(1)} ${placeY(ys[i]).toFixed(1)}`;
    pen = "L";
  }
  return path;
}

/**
 * An empty chart that fills the width of its box: axes, ticks, and where numbers lie.
 *
 * @param box the element; what it holds is replaced
 * @param options label, height, x and y (least and greatest), xLabel, yLabel, yText (of a tick), sides (pixels),
 *   inside (whether the labels of the ticks of y lie within), about (how many ticks of x)
 */
function frame(box, { label, height, x, y, xLabel, yLabel, yText = short, sides, inside = false, about = 6 }) {
  const width = Math.max(box.clientWidth, 160);
  const [left, right] = sides ?? [54, 20];
  const top = inside ? 20 : 10, bottom = xLabel === undefined ? 6 : 34;
  const placeX = (value) => left + ((value - x[0]) / (x[1] - x[0])) * (width - left - right);
  const placeY = (value) => top + (1 - (value - y[0]) / (y[1] - y[0])) * (height - top - bottom);
  const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  for (const value of ticks(y[0], y[1], Math.max(2, Math.round((height - top - bottom) / 48)))) {
    const at = placeY(value);
    root.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: at, y2: at }));
    const text = inside ? { x: left + 2, y: at - 3 } : { x: left - 6, y: at + 4, "text-anchor": "end" };
    root.append(svg("text", { class: "tick", ...text }, yText(value)));
  }
  if (xLabel !== undefined) {
    for (const value of ticks(x[0], x[1], Math.min(about, Math.round(width / 70)))) {
      root.append(svg("text", { class: "tick", x: placeX(value), y: height - bottom + 15, "text-anchor": "middle" },
        short(value)));
    }
    root.append(svg("text", { class: "axis", x: (left + width - right) / 2, y: height - 3, "text-anchor": "middle" },
      xLabel));
  }
  if (yLabel) {
    const middle = (top + height - bottom) / 2;
    root.append(svg("text", { class: "axis", "text-anchor": "middle", transform: `translate(11 ${middle}) rotate(-90)` },
      yLabel));
  }
  box.replaceChildren(root);
  return { root, width, height, placeX, placeY, top, left, right: width - right, bottom: height - bottom };
}

/** Room above and below the numbers of a chart. */
function padded([low, high], share = 0.06) {
  const room = share * (high - low);
  return [low - room, high + room];
}

/** Curves over x with a legend and a line that says what they are where the pointer is. */
function lineChart(box, { label, xs, series, height, xLabel, yLabel }) {
  const drawn = series.filter((each) => each.ys.some((value) => value !== null));
  const y = padded(extent(...drawn.map((each) => each.ys)));
  const plot = html("div", { class: "plot" });
  const legend = html("p", { class: "legend" }, ...drawn.map((each) =>
    html("span", { class: each.kind }, html("i", { "aria-hidden": "true" }), each.name)));
  const readout = html("p", { class: "readout" });
  box.replaceChildren(legend, plot, readout);
  const { root, placeX, placeY, top, bottom } = frame(plot, { label, height, x: extent(xs), y, xLabel, yLabel });
  for (const each of drawn) {
    root.append(svg("path", { class: `line ${each.kind}`, d: curve(xs, each.ys, placeX, placeY) }));
  }
  const line = svg("line", { class: "cursor", y1: top, y2: bottom, visibility: "hidden" });
  root.append(line);
  const tell = (index) => {
    line.setAttribute("visibility", "visible");
    for (const end of ["x1", "x2"]) line.setAttribute(end, placeX(xs[index]));
    readout.textContent = `${xLabel} ${xs[index]}: `
      + drawn.map((each) => `${each.name} ${short(each.ys[index])}`).join(" · ");
  };
  root.addEventListener("pointermove", (event) => {
    const at = event.clientX - root.getBoundingClientRect().left;
    let nearest = 0;
    xs.forEach((value, index) => {
      if (Math.abs(placeX(value) - at) < Math.abs(placeX(xs[nearest]) - at)) nearest = index;
    });
    tell(nearest);
  });
  tell(xs.length - 1);
}

/**
 * Points to choose from, by pointer or by arrow keys and Enter.
 *
 * @param points [{x, y, text, chosen}] in ascending order of x
 * @param choose called with the place of a point
 */
function pointChart(box, { label, points, height, xLabel, yLabel, choose }) {
  const plot = html("div", { class: "plot" });
  const readout = html("p", { class: "readout" });
  const focused = box.contains(document.activeElement);
  box.replaceChildren(plot, readout);
  const xs = points.map((point) => point.x), ys = points.map((point) => point.y);
  const [low, high] = extent(xs);
  const { root, placeX, placeY } = frame(plot, {
    label, height, xLabel, yLabel, x: padded([low, high], 0.04), y: padded(extent(ys), 0.1),
  });
  root.setAttribute("role", "group");
  const dots = points.map((point, place) => svg("circle", {
    class: point.chosen ? "point chosen" : "point", cx: placeX(point.x), cy: placeY(point.y),
    r: point.chosen ? 8 : 6, role: "button", "aria-pressed": String(point.chosen), "aria-label": point.text,
    tabindex: -1, "data-place": place,
    onclick: () => choose(place),
    onpointerenter: () => { readout.textContent = point.text; },
    onfocus: () => { readout.textContent = point.text; },
    onkeydown: (event) => {
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (step) {
        const next = dots[Math.min(Math.max(place + step, 0), dots.length - 1)];
        dots.forEach((dot) => dot.setAttribute("tabindex", dot === next ? 0 : -1));
        next.focus();
      } else if (event.key === "Enter" || event.key === " ") choose(place);
      else return;
      event.preventDefault();
    },
  }));
  const chosen = Math.max(points.findIndex((point) => point.chosen), 0);
  // The chosen one lies above the others.
  root.append(...dots.filter((_, place) => place !== chosen), dots[chosen]);
  dots[chosen].setAttribute("tabindex", 0);
  readout.textContent = points[chosen].text;
  if (focused) dots[chosen].focus();
}
