// What a page does beside being read: numbers under the pointer, smoothing, arms and single seeds shown and hidden,
// the choice of x axes, and reloading while runs go on. Numbers come from the figures' own points, by the ends of axes
// that each plot carries (data-x, data-y). Whatever has been set is kept for the next load.
"use strict";

const MANY_POINTS = 30;
const key = "strata " + location.pathname;
const state = {variant: "", smoothing: 0, singles: false, hidden: [], open: [], scroll: 0};
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const is_seen = (element) => getComputedStyle(element).display !== "none";

function load() {
  try {
    Object.assign(state, JSON.parse(sessionStorage.getItem(key) ?? "{}"));
  } catch {  // a browser that keeps nothing for files: the page starts as it was written
  }
}

function save() {
  state.scroll = scrollY;
  state.open = all("details").map((details) => details.open);
  try {
    sessionStorage.setItem(key, JSON.stringify(state));
  } catch {
  }
}

// "M1,2 3,4M5,6" -> [[[1, 2], [3, 4]], [[5, 6]]]: runs of points between gaps.
function segments_of(path) {
  return path.split("M").slice(1).map((run) => run.trim().split(" ").map((point) => point.split(",").map(Number)));
}

function path_of(segments) {
  return segments.map((run) => "M" + run.map(([x, y]) => x + "," + y.toFixed(3)).join(" ")).join("");
}

// The exponential moving average over points as they are drawn: of logarithms on a logarithmic axis, anew after a gap.
// Without the division the first points would lean towards 0.
function smoothed(segments, factor) {
  return segments.map((run) => {
    let average = 0, weight = 0;
    return run.map(([x, y]) => {
      average = factor * average + (1 - factor) * y;
      weight = factor * weight + (1 - factor);
      return [x, average / weight];
    });
  });
}

// Plots of few points stay: an average would shift them rather than calm them. Bands go where lines are smoothed, since
// they are of the lines as they were.
function smooth() {
  for (const plot of all(".plot.lines")) {
    const lines = all(".line, .single", plot);
    for (const line of lines) line.raw ??= segments_of(line.getAttribute("d"));
    const has_many = lines.some((line) => line.raw.flat().length > MANY_POINTS);
    const factor = has_many ? state.smoothing / 100 : 0;
    plot.classList.toggle("smoothed", factor > 0);
    for (const line of lines) {
      line.runs = factor > 0 ? smoothed(line.raw, factor) : line.raw;
      line.setAttribute("d", path_of(line.runs));
    }
  }
}

function choose_variant() {
  for (const panel of all(".panel")) {
    const variants = all(".variant", panel);
    const chosen = variants.find((variant) => variant.dataset.name === state.variant) ?? variants[0];
    for (const variant of variants) variant.hidden = variant !== chosen;
  }
}

function show_arms() {
  document.body.classList.toggle("singles", state.singles);
  for (const button of all(".arms button")) {
    const is_hidden = state.hidden.includes(button.dataset.arm);
    button.setAttribute("aria-pressed", !is_hidden);
    document.body.classList.toggle("hide-" + button.dataset.arm, is_hidden);
  }
}

function show_controls() {
  for (const input of all("[name=variant]")) input.checked = input.value === state.variant;
  for (const input of all("[name=singles]")) input.checked = state.singles;
  for (const input of all("[name=smoothing]")) {
    input.value = state.smoothing;
    input.nextElementSibling.textContent = (state.smoothing / 100).toFixed(2);
  }
  choose_variant();
  show_arms();
  smooth();
}

// 4 digits: 0.03125, 3.142, 12.3k, 5.2e-05.
function short(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e15)) return value.toExponential(2);
  const [unit, name] = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]].find(([unit]) => size >= unit) ?? [1, ""];
  return Number((value / unit).toPrecision(4)) + name;
}

function number_at(part, ends, log) {
  const [low, high] = ends.split(" ").map(Number);
  const place = low + part * (high - low);
  return log ? 10 ** place : place;
}

function nearest(runs, x) {
  let best = null;
  for (const run of runs) {
    for (const point of run) if (best === null || Math.abs(point[0] - x) < Math.abs(best[0] - x)) best = point;
  }
  return best;
}

const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
const cross = document.createElementNS("http://www.w3.org/2000/svg", "path");
cross.setAttribute("class", "cross");

function tip_row(color, label, value) {
  const row = document.createElement("div");
  const parts = [["i", ""], ["span", label], ["b", value]].map(([kind, text]) => {
    const part = document.createElement(kind);
    part.textContent = text;
    return part;
  });
  parts[0].className = color;
  row.append(...(color ? parts : parts.slice(1)));
  return row;
}

// The point of each line that is nearest in x to the pointer; lines without one near the nearest of all are left out.
function rows_of_lines(plot, x) {
  const {x: ends_x, xLog, xLabel, y: ends_y, yLog} = plot.dataset;
  const [width, height] = [plot.width.baseVal.value, plot.height.baseVal.value];
  const found = all(".line", plot).filter(is_seen).map((line) => ({line, point: nearest(line.runs, x)}));
  const at = nearest([found.map(({point}) => point)], x)?.[0];
  if (at === undefined) return [];
  cross.setAttribute("d", `M${at},0V${height}`);
  plot.append(cross);
  const near = found.filter(({point}) => Math.abs(point[0] - at) < 4).sort((a, b) => a.point[1] - b.point[1]);
  return [tip_row("", xLabel, short(number_at(at / width, ends_x, xLog))), ...near.map(({line, point}) =>
    tip_row(line.classList[1], line.dataset.label, short(number_at(1 - point[1] / height, ends_y, yLog))))];
}

function rows_of_cell(plot, cell) {
  const {xs, ys, xLabel, yLabel, label} = plot.dataset;
  const row = all(".row", plot).indexOf(cell.parentNode), column = [...cell.parentNode.children].indexOf(cell);
  return [tip_row("", xLabel, short(Number(xs.split(" ")[column]))),
    tip_row("", yLabel, ys.split(" ")[row]), tip_row("", label || "value", cell.dataset.v)];
}

function point_at(event) {
  cross.remove();
  tip.hidden = true;
  const plot = event.target.closest?.(".variant > svg")?.querySelector(".plot.lines, .plot.cells");
  if (!plot) return;
  const {x, y} = new DOMPoint(event.clientX, event.clientY).matrixTransform(plot.getScreenCTM().inverse());
  if (x < 0 || y < 0 || x > plot.width.baseVal.value || y > plot.height.baseVal.value) return;
  const cell = event.target.closest(".cell");
  const rows = cell ? rows_of_cell(plot, cell) : plot.matches(".lines") ? rows_of_lines(plot, x) : [];
  if (rows.length === 0) return;
  tip.replaceChildren(...rows);
  tip.hidden = false;
  const is_right = event.clientX > innerWidth / 2;
  tip.style.left = is_right ? "auto" : event.clientX + 16 + "px";
  tip.style.right = is_right ? document.documentElement.clientWidth - event.clientX + 16 + "px" : "auto";
  tip.style.top = Math.max(4, Math.min(event.clientY + 12, innerHeight - tip.offsetHeight - 4)) + "px";
}

function listen() {
  const change = (selector, kind, set) => all(selector).forEach((element) => element.addEventListener(kind, () => {
    set(element);
    save();
    show_controls();
  }));
  change("[name=variant]", "change", (input) => { state.variant = input.value; });
  change("[name=singles]", "change", (input) => { state.singles = input.checked; });
  change("[name=smoothing]", "input", (input) => { state.smoothing = Number(input.value); });
  change(".arms button", "click", ({dataset: {arm}}) => {
    state.hidden = state.hidden.includes(arm) ? state.hidden.filter((other) => other !== arm) : [...state.hidden, arm];
  });
  for (const kind of ["pointermove", "pointerdown"]) document.addEventListener(kind, point_at);
  addEventListener("pagehide", save);
}

load();
const names = all("[name=variant]").map((input) => input.value);
if (!names.includes(state.variant)) state.variant = names[0] ?? "";
document.body.append(tip);
all(".switches").forEach((switches) => { switches.hidden = false; });
all("details").forEach((details, i) => { details.open = state.open[i] ?? details.open; });
show_controls();
listen();
if (performance.getEntriesByType("navigation")[0]?.type === "reload") scrollTo(0, state.scroll);
if (document.body.dataset.reload) setTimeout(() => location.reload(), 1000 * document.body.dataset.reload);
