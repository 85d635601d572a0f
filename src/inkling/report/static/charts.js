/**
 * Charts for Inkling's pages: lines over epochs, and the confusion matrix. Plain SVG and HTML, no library.
 *
 * Each function fills an element and returns a small object to steer it by; `update` draws new data, so that a page
 * can follow a training as it runs. Colours come from the page's CSS (--series-1 … --series-6, --ink, --muted …), which
 * decides about light and dark. Nothing is told by colour alone: lines differ in dashes and marks, cells hold numbers.
 */

const SVG = "http://www.w3.org/2000/svg";
const DASHES = { solid: "", dashed: "6 4" };
const MARKS = ["circle", "square", "diamond", "triangle", "down", "cross"];
const MARGIN = { top: 10, right: 14, bottom: 38, left: 52 };
let chartCount = 0;

/** An element with attributes and children; `ns` is SVG's namespace for parts of a picture. */
function make(tag, attributes = {}, children = [], ns = null) {
  const element = ns ? document.createElementNS(ns, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...[children].flat());
  return element;
}

const draw = (tag, attributes, children) => make(tag, attributes, children, SVG);

/** The element in a series' colour. Set as a property: pages with a strict security policy forbid style attributes. */
function coloured(element, series) {
  element.style.setProperty("--colour", `var(--series-${series.colour})`);
  if (series.faint) element.classList.add("faint");
  return element;
}

/** Round numbers from low to high, about `count` of them. */
export function niceTicks(low, high, count) {
  const rough = (high - low) / Math.max(count, 1) || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((each) => each * power >= rough * 0.75) * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  // From whole numbers of steps, so that 0.3 is 0.3 and not 0.30000000000000004.
  return Array.from({ length: last - first + 1 }, (_, k) => Number(((first + k) * step).toPrecision(12)));
}

/** 1, 2, 5, 10, 20 … between low and high; where that gives too many, powers of ten alone. */
export function logTicks(low, high, count) {
  const from = Math.floor(Math.log10(low));
  const to = Math.ceil(Math.log10(high));
  const decades = Array.from({ length: to - from + 1 }, (_, k) => from + k);
  const within = (factors) =>
    decades
      .flatMap((power) => factors.map((factor) => Number((factor * 10 ** power).toPrecision(3))))
      .filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
  const [all, powers] = [within([1, 2, 5]), within([1])];
  if (all.length <= count) return all;
  const every = Math.ceil(powers.length / count);
  return powers.filter((_, k) => k % every === 0);
}

/** A mark of its own shape for each run, as the path of an SVG. */
function markPath(kind, x, y, r) {
  switch (kind) {
    case "square": return `M${x - r},${y - r}h${2 * r}v${2 * r}h${-2 * r}z`;
    case "diamond": return `M${x},${y - 1.3 * r}l${1.3 * r},${1.3 * r}l${-1.3 * r},${1.3 * r}l${-1.3 * r},${-1.3 * r}z`;
    case "triangle": return `M${x},${y - 1.2 * r}l${1.2 * r},${2.2 * r}h${-2.4 * r}z`;
    case "down": return `M${x},${y + 1.2 * r}l${1.2 * r},${-2.2 * r}h${-2.4 * r}z`;
    case "cross": return `M${x - r},${y - r}l${2 * r},${2 * r}M${x - r},${y + r}l${2 * r},${-2 * r}`;
    default: return `M${x - r},${y}a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0`;
  }
}

/** The line and mark of a series as they look in the chart, for the legend and the tooltip. */
function swatch(series) {
  const look = { class: "swatch", viewBox: "0 0 26 10", width: 26, height: 10, "aria-hidden": "true" };
  const parts = [draw("path", { d: "M0,5H26", class: "line", "stroke-dasharray": DASHES[series.line] })];
  if (series.marks) parts.push(draw("path", { d: markPath(series.mark, 13, 5, 3), class: "mark" }));
  return coloured(draw("svg", look, parts), series);
}

/**
 * Lines over a common x, with crosshair and tooltip for pointer, touch and keyboard.
 *
 * options: label (what is drawn), x (name of the x axis), format (a value as text), log (begin with a logarithmic
 * axis), logToggle (offer one), zero (begin the linear axis at 0), most (the largest value that makes sense),
 * tall (pixels the plot is high at most), onMove (called with the x under the crosshair, null when it leaves),
 * empty (what to say while there is nothing to draw), hold (between its points a series keeps its last value: for
 * series that are measured at different x).
 * series: [{name, points: [[x, y or null], …], colour: 1 … 6, line: "solid" | "dashed", mark: 0 … 5,
 * marks: false for a bare line, faint: true for one that stands back, named: false to leave it out of the legend}]
 * Returns {update(series), show(x or null), log(on)}.
 */
export function lineChart(element, series, options = {}) {
  const { label = "", x: xName = "epoch", format = String, logToggle = false, zero = false, most, tall = 300, onMove } = options;
  const { empty = "no epochs yet", hold = false } = options;
  const id = `chart-${(chartCount += 1)}`;
  let log = Boolean(options.log);
  let lines = [];
  let xs = [];
  let at = null; // the index in xs of the crosshair
  let width = 0;
  let place = () => [0, 0]; // from numbers to the picture, set by redraw
  let height = 0;

  const title = make("h3", { class: "chart-title", id }, label);
  const toggle = make("button", { type: "button", class: "chart-log", "aria-pressed": String(log) }, "log scale");
  const legend = make("ul", { class: "chart-legend" });
  const svg = draw("svg", { "aria-hidden": "true", focusable: "false" });
  const tip = make("div", { class: "chart-tip", "aria-hidden": "true", hidden: "" });
  // A slider over the epochs is what the crosshair is; so screen readers know how to move it and read its values.
  const plot = make("div", { class: "chart-plot", role: "slider", tabindex: "0", "aria-labelledby": id }, [svg, tip]);
  const head = make("div", { class: "chart-head" }, logToggle ? [title, toggle] : [title]);
  element.classList.add("chart");
  element.replaceChildren(head, legend, plot);

  function update(given) {
    lines = given.map((each, k) => ({
      line: "solid",
      marks: true,
      ...each,
      colour: each.colour ?? (k % 6) + 1,
      mark: MARKS[(each.mark ?? k) % MARKS.length],
    }));
    xs = [...new Set(lines.flatMap((each) => each.points.map(([x]) => x)))].sort((a, b) => a - b);
    at = at === null || !xs.length ? null : Math.min(at, xs.length - 1);
    for (const each of lines) each.values = new Map(each.points);
    const named = lines.filter((each) => each.named ?? true);
    legend.replaceChildren(...named.map((each) => make("li", {}, [swatch(each), each.name])));
    plot.setAttribute("aria-valuemin", xs[0] ?? 0);
    plot.setAttribute("aria-valuemax", xs.at(-1) ?? 0);
    redraw();
  }

  function redraw() {
    width = plot.clientWidth || 600;
    height = Math.round(Math.min(Math.max(width * 0.5, 200), tall));
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const numbers = lines.flatMap((each) => each.points.map(([, y]) => y)).filter((y) => usable(y));
    if (!numbers.length) {
      svg.replaceChildren(draw("text", { x: width / 2, y: height / 2, class: "empty" }, empty));
      return point();
    }
    let [low, high] = numbers.reduce(([a, b], y) => [Math.min(a, y), Math.max(b, y)], [Infinity, -Infinity]);
    const rows = Math.max(Math.round((height - MARGIN.top - MARGIN.bottom) / 34), 3);
    if (log) {
      [low, high] = low === high ? [low / 2, high * 2] : [low / 1.1, high * 1.1];
    } else {
      if (zero) low = 0;
      const room = (high - low || Math.abs(high) || 1) * 0.06;
      [low, high] = [zero ? 0 : low - room, Math.min(high + room, Math.max(most ?? Infinity, high))];
    }
    const ticks = log ? logTicks(low, high, rows + 1) : niceTicks(low, high, rows);
    const bottom = height - MARGIN.bottom;
    const bend = log ? Math.log10 : (value) => value;
    const [first, last] = [xs[0], xs.at(-1)];
    const left = Math.max(MARGIN.left, 16 + 7 * Math.max(...ticks.map((tick) => format(tick, true).length)));
    const right = width - MARGIN.right;
    place = (x, y) => [
      first === last ? (left + right) / 2 : left + ((x - first) / (last - first)) * (right - left),
      bottom - ((bend(y) - bend(low)) / (bend(high) - bend(low))) * (bottom - MARGIN.top),
    ];
    const grid = ticks.flatMap((tick) => {
      const y = place(first, tick)[1];
      return [
        draw("path", { class: "grid", d: `M${left},${y}H${right}` }),
        draw("text", { class: "tick y", x: left - 8, y }, format(tick, true)),
      ];
    });
    const steps = niceTicks(first, last, Math.max(Math.floor((right - left) / 48), 1)).filter(Number.isInteger);
    if (steps[0] !== first && (steps[0] === undefined || steps[0] > first)) steps.unshift(first);
    const epochs = steps.map((x) => draw("text", { class: "tick x", x: place(x, low || 1)[0], y: bottom + 17 }, `${x}`));
    const axis = draw("path", { class: "axis", d: `M${left},${bottom}H${right}` });
    const name = draw("text", { class: "name", x: (left + right) / 2, y: height - 4 }, xName);
    svg.replaceChildren(...grid, axis, ...epochs, name, ...lines.map(drawLine), draw("g", { class: "crosshair" }));
    point();
  }

  const usable = (y) => Number.isFinite(y) && (!log || y > 0);

  function drawLine(each) {
    const known = each.points.map(([x, y]) => (usable(y) ? place(x, y) : null));
    const path = known.map((p, k) => (p ? `${k && known[k - 1] ? "L" : "M"}${p[0].toFixed(1)},${p[1].toFixed(1)}` : ""));
    const dots = known.filter(Boolean);
    const every = Math.max(Math.ceil(dots.length / 16), 1);
    const marks = dots.filter((_, k) => k % every === 0 || k === dots.length - 1);
    const parts = [draw("path", { class: "line", d: path.join(""), "stroke-dasharray": DASHES[each.line] })];
    if (each.marks) parts.push(draw("path", { class: "mark", d: marks.map(([x, y]) => markPath(each.mark, x, y, 3)).join("") }));
    return coloured(draw("g", {}, parts), each);
  }

  /** What a series says at x; with `hold`, what it said last up to there. */
  function valueAt(each, x) {
    if (!hold || each.values.has(x)) return each.values.get(x);
    return x > each.points.at(-1)?.[0] ? undefined : each.points.findLast((point) => point[0] <= x)?.[1];
  }

  /** Draw crosshair and tooltip where `at` says. */
  function point() {
    const cross = svg.querySelector(".crosshair");
    tip.hidden = at === null || !cross;
    cross?.replaceChildren();
    const x = xs[at ?? xs.length - 1];
    const values = lines.map((each) => [each, valueAt(each, x)]).filter(([, y]) => y !== undefined && y !== null);
    plot.setAttribute("aria-valuenow", x ?? 0);
    plot.setAttribute("aria-valuetext", `${xName} ${x}: ${values.map(([s, y]) => `${s.name} ${format(y)}`).join(", ")}`);
    if (tip.hidden) return;
    const centre = place(x, 1)[0];
    cross.append(draw("path", { class: "hair", d: `M${centre},${MARGIN.top}V${height - MARGIN.bottom}` }));
    for (const [each, y] of values.filter(([, value]) => usable(value))) {
      const [cx, cy] = place(x, y);
      cross.append(coloured(draw("circle", { class: "dot", cx, cy, r: 4.5 }), each));
    }
    const rows = values.map(([each, y]) =>
      make("div", {}, [swatch(each), make("span", {}, each.name), make("b", {}, format(y))]),
    );
    tip.replaceChildren(make("strong", {}, `${xName} ${x}`), ...rows);
    const scale = plot.clientWidth / width;
    const beside = centre * scale + 14;
    const flipped = beside + tip.offsetWidth > plot.clientWidth;
    tip.style.left = `${Math.max(flipped ? centre * scale - 14 - tip.offsetWidth : beside, 0)}px`;
  }

  function move(index, tell = true) {
    const next = index === null || !xs.length ? null : Math.min(Math.max(index, 0), xs.length - 1);
    if (next === at) return;
    at = next;
    point();
    if (tell) onMove?.(at === null ? null : xs[at]);
  }

  const nearest = (x) => xs.reduce((best, each, k) => (Math.abs(each - x) < Math.abs(xs[best] - x) ? k : best), 0);

  function follow(event) {
    if (!xs.length) return;
    const box = svg.getBoundingClientRect();
    const position = ((event.clientX - box.left) / box.width) * width;
    const [from, to] = [place(xs[0], 1)[0], place(xs.at(-1), 1)[0]];
    move(from === to ? 0 : nearest(xs[0] + ((position - from) / (to - from)) * (xs.at(-1) - xs[0])));
  }

  function press(event) {
    const now = at ?? xs.length - 1;
    const keys = {
      ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1,
      PageDown: now - 10, PageUp: now + 10, Home: 0, End: xs.length - 1, Escape: null,
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    move(keys[event.key]);
  }

  function setLog(on) {
    log = on;
    toggle.setAttribute("aria-pressed", String(on));
    redraw();
  }

  plot.addEventListener("pointermove", follow);
  plot.addEventListener("pointerdown", follow);
  plot.addEventListener("pointerleave", () => move(plot.matches(":focus-visible") ? at : null));
  plot.addEventListener("focus", () => plot.matches(":focus-visible") && move(at ?? xs.length - 1));
  plot.addEventListener("blur", () => move(null));
  plot.addEventListener("keydown", press);
  toggle.addEventListener("click", () => setLog(!log));
  new ResizeObserver(() => plot.clientWidth !== width && redraw()).observe(plot);
  update(series);
  return { update, show: (x) => move(x === null ? null : nearest(x), false), log: setLog };
}

/**
 * How often each digit was read as each: rows are the truth, columns the answer.
 *
 * counts: [[…], …]. options: label; say (the element for a sentence about the cell pointed at, by default one below
 * the table); onCell (called with truth, answer when a cell is pointed at or focused, with null, null when none is). Returns {update(counts)}. Arrow keys move from cell to cell.
 */
export function confusionMatrix(element, counts, options = {}) {
  const { label = "Confusion matrix", onCell } = options;
  const table = make("table", { class: "confusion", role: "grid", "aria-label": label });
  const say = options.say ?? make("p");
  const rest = "Point at a cell, or move there with the arrow keys.";
  let cells = [];
  say.textContent = rest;
  say.classList.add("confusion-say");
  say.setAttribute("role", "status");
  element.replaceChildren(...(options.say ? [table] : [table, say]));

  function update(given) {
    counts = given;
    const classes = counts.map((_, k) => k);
    const often = Math.max(...counts.flatMap((row, truth) => row.filter((_, answer) => answer !== truth)), 1);
    const sums = counts.map((row) => row.reduce((a, b) => a + b, 0));
    cells = counts.map((row, truth) =>
      row.map((count, answer) => {
        const right = truth === answer;
        // The square root lets a few mistakes be seen beside many.
        const strength = right ? count / Math.max(sums[truth], 1) : Math.sqrt(count / often);
        const cell = make("td", { role: "gridcell", tabindex: "-1", class: right ? "right" : "wrong" }, `${count || "·"}`);
        cell.style.setProperty("--strength", strength.toFixed(3));
        cell.setAttribute("aria-label", sentence(truth, answer, sums[truth]));
        for (const event of ["pointerenter", "focus"]) cell.addEventListener(event, () => point(truth, answer, cell));
        cell.addEventListener("click", () => cell.focus());
        return cell;
      }),
    );
    const heads = classes.map((k) => make("th", { scope: "col" }, `${k}`));
    table.replaceChildren(
      make("thead", {}, make("tr", {}, [make("td", { role: "presentation" }), ...heads])),
      make("tbody", {}, cells.map((row, k) => make("tr", {}, [make("th", { scope: "row" }, `${k}`), ...row]))),
    );
    if (cells.length) cells[0][0].tabIndex = 0;
  }

  function sentence(truth, answer, sum) {
    const count = counts[truth][answer];
    const share = `${((100 * count) / Math.max(sum, 1)).toFixed(1)} % of all ${truth}s`;
    const times = `${count.toLocaleString("en")} ${count === 1 ? "time" : "times"}`;
    return `${truth} read as ${answer}: ${times} (${share})`;
  }

  function point(truth, answer, cell) {
    table.querySelector(".here")?.classList.remove("here");
    cell?.classList.add("here");
    say.textContent = cell ? cell.getAttribute("aria-label") : rest;
    onCell?.(cell ? truth : null, cell ? answer : null);
  }

  table.addEventListener("pointerleave", () => {
    const focused = cells.flat().indexOf(document.activeElement);
    if (focused < 0) return point(null, null, null);
    return point(Math.floor(focused / cells.length), focused % cells.length, document.activeElement);
  });
  table.addEventListener("focusout", () => point(null, null, null));
  table.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const index = cells.flat().indexOf(document.activeElement);
    if (!(event.key in steps) || index < 0) return;
    event.preventDefault();
    const [down, across] = steps[event.key];
    const next = cells[Math.floor(index / cells.length) + down]?.[(index % cells.length) + across];
    if (!next) return;
    document.activeElement.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
  update(counts);
  return { update };
}
