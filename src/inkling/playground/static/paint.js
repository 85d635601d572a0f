/**
 * The dense parts of the network's picture, on one canvas: the digit, connections, cells, feature maps, bars.
 *
 * `Painter` is handed places (layout.js) and the newest numbers, and draws them when the browser next draws a frame:
 * however many numbers come in between, only the newest are drawn.
 */

import { colours, css, drawImage, mix, prepare, tint } from "./colours.js";
import { curve, fillRound, kernelAt, minus, percentText, round, weightAt } from "./shapes.js";

const STRONGEST = 110; // connections drawn between two layers
const BUCKETS = 4; // widths of connections

export class Painter {
  #frame = null;
  #stale = true; // whether the connections on the lower canvas are yesterday's
  /** Activations and weights as they came: name → {values, shape, scale}. */
  activations = new Map();
  weights = new Map();
  input = null;
  digit = null;
  places = null;
  show = "fires";
  lines = true;
  marked = null; // {column, cell}: the neuron pointed at or opened
  opened = null;
  #links = [];
  #levels = new Map();

  /** Connections have a canvas of their own below the cells: they change more seldom, and take longer to draw. */
  constructor(canvas, below) {
    this.canvas = canvas;
    this.below = below;
  }

  setPlaces(places) {
    this.places = places;
    this.#levels.clear();
    this.linkUp();
    this.ask(true);
  }

  forget() {
    this.activations.clear();
    this.weights.clear();
    this.#levels.clear();
    this.#links = [];
    this.digit = null;
  }

  /** Draw soon, once; the connections too, if they or what is marked have changed. */
  ask(lines = false) {
    this.#stale ||= lines;
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      if (this.places) this.#paint();
    });
  }

  /** The strongest connections between each two layers, as lines with a sign and one of a few widths. */
  linkUp() {
    if (!this.places) return;
    this.#links = this.places.columns.slice(1).map((column, k) => {
      const source = this.places.columns[k];
      const strengths = source.kind === "input" ? null : this.#strengths(column, source);
      return strengths ? strongest(strengths, source, column) : [];
    });
  }

  /** Weights between two drawn layers: {at(i, j)}, or null while they aren't known. */
  #strengths(column, source) {
    const known = this.weights.get(column.layer.name);
    if (!known) return null;
    const { values, shape, scale } = known;
    if (column.kind === "conv") {
      const [high, wide, inputs, channels] = shape;
      const at = (i, j) => {
        let [sum, size] = [0, 0];
        for (let k = 0; k < high * wide; k += 1) {
          const w = values[(k * inputs + i) * channels + j];
          sum += w;
          size += w * w;
        }
        return Math.sign(sum) * Math.sqrt(size) * scale;
      };
      return { inputs, outputs: channels, at };
    }
    if (shape.length !== 2) return null;
    return {
      inputs: Math.min(shape[0], source.cells.length),
      outputs: shape[1],
      at: (i, j) => values[i * shape[1] + j] * scale,
    };
  }

  /** The number that a cell shows fully coloured: the layer's largest, followed slowly so that nothing flickers. */
  #level(name, { values, scale }) {
    let most = 0;
    for (const value of values) most = Math.max(most, Math.abs(value));
    most *= scale;
    const before = this.#levels.get(name) ?? most;
    const level = most > before ? most : before * 0.9 + most * 0.1;
    this.#levels.set(name, level);
    return level;
  }

  /** The activation of a cell as a number: for a feature map its mean. */
  valueOf(column, cell) {
    const known = column.layer && this.activations.get(column.layer.name);
    if (!known) return null;
    const { values, shape, scale } = known;
    if (shape.length === 1) return values[cell] * scale;
    const [high, wide, channels] = shape;
    let sum = 0;
    for (let k = 0; k < high * wide; k += 1) sum += values[k * channels + cell];
    return (sum * scale) / (high * wide);
  }

  #paint() {
    const { places } = this;
    const pen = prepare(this.canvas, places.width, places.height);
    if (this.#stale) {
      const under = prepare(this.below, places.width, places.height);
      if (this.lines) this.#paintLines(under);
      this.#stale = false;
    }
    for (const column of places.columns) {
      if (column.kind === "input") this.#paintInput(pen, column);
      else if (column.kind === "output") this.#paintOutput(pen, column);
      else this.#paintCells(pen, column);
    }
    for (const [mark, wide] of [
      [this.opened, 2.5],
      [this.marked, 1.5],
    ])
      if (mark) this.#paintMark(pen, mark, wide);
  }

  #paintLines(pen) {
    const { muted } = colours();
    const [input, first] = this.places.columns;
    // Every pixel leads to every neuron of the first layer: drawn as one thread each, for 784 would be a wall.
    pen.beginPath();
    const from = input.cells[0];
    first.cells.forEach((cell, k) => {
      const share = (k + 0.5) / first.cells.length;
      curve(pen, from.x + from.width, from.y + from.height * share, cell.x, cell.y + cell.height / 2);
    });
    pen.strokeStyle = css(muted, 0.28);
    pen.lineWidth = 1;
    pen.stroke();
    this.#links.forEach((links, k) => this.#paintLinks(pen, links, this.places.columns[k], this.places.columns[k + 1]));
  }

  #paintLinks(pen, links, source, target) {
    const { positive, negative } = colours();
    const focus = this.marked ?? this.opened;
    const near = (link) =>
      focus &&
      ((focus.column === source && focus.cell === link.from) || (focus.column === target && focus.cell === link.to));
    const relevant = focus && (focus.column === source || focus.column === target);
    for (const sign of [-1, 1]) {
      for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
        const group = links.filter((link) => Math.sign(link.weight) === sign && link.bucket === bucket);
        for (const strong of relevant ? [false, true] : [true]) {
          const chosen = relevant ? group.filter((link) => near(link) === strong) : group;
          if (!chosen.length) continue;
          pen.beginPath();
          for (const { from, to } of chosen) {
            const [a, b] = [source.cells[from], target.cells[to]];
            curve(pen, a.x + a.width, a.y + a.height / 2, b.x, b.y + b.height / 2);
          }
          pen.setLineDash(sign < 0 ? [5, 4] : []);
          pen.lineWidth = 0.5 + bucket * 0.65;
          const alpha = 0.12 + (0.5 * (bucket + 1)) / BUCKETS;
          pen.strokeStyle = css(sign < 0 ? negative : positive, relevant ? (strong ? 0.95 : 0.07) : alpha);
          pen.stroke();
        }
      }
    }
    pen.setLineDash([]);
  }

  #paintInput(pen, { cells: [place] }) {
    const { hair } = colours();
    const { x, y, width, height } = place;
    const window = this.marked && this.#incoming(this.marked);
    if (window) drawImage(pen, { ...window, x, y, width, height });
    else if (this.input) {
      drawImage(pen, {
        rows: 28,
        columns: 28,
        at: (row, column) => this.input[row * 28 + column] / 255,
        x,
        y,
        width,
        height,
      });
    } else fillRound(pen, place, 4, css(colours().paper));
    pen.strokeStyle = css(hair);
    pen.lineWidth = 1;
    pen.strokeRect(x - 0.5, y - 0.5, width + 1, height + 1);
  }

  /** The incoming weights of a neuron that looks at the pixels, as an image; null for others. */
  #incoming({ column, cell }) {
    if (column.kind !== "dense" || this.places.columns[1] !== column) return null;
    const known = this.weights.get(column.layer.name);
    if (known?.shape.length !== 3 || cell >= known.shape[0]) return null;
    return { rows: 28, columns: 28, sign: true, at: weightAt(known, cell) };
  }

  #paintCells(pen, column) {
    const { layer, cells, kind } = column;
    const known = this.activations.get(layer.name);
    const weights = this.show === "seeks" ? this.weights.get(layer.name) : null;
    const level = known ? this.#level(layer.name, known) : 0;
    const by = known && level > 0 ? known.scale / level : 0;
    const { muted, hair } = colours();
    cells.forEach((place, k) => {
      const { x, y, width, height } = place;
      if (weights && kind === "dense" && weights.shape.length === 3 && k < weights.shape[0]) {
        drawImage(pen, { rows: 28, columns: 28, sign: true, at: weightAt(weights, k), ...place });
      } else if (weights && kind === "conv" && k < weights.shape[3]) {
        drawImage(pen, { ...kernelAt(weights, k), ...place });
      } else if (kind === "conv" && known?.shape.length === 3) {
        const [rows, columns, channels] = known.shape;
        const signs = known.values instanceof Int8Array;
        const at = (row, across) => known.values[(row * columns + across) * channels + k] * by;
        drawImage(pen, { rows, columns, sign: signs, at, ...place });
      } else {
        const share = known ? known.values[k] * by : 0;
        fillRound(pen, place, Math.min(5, width / 4), css(known ? tint(share) : colours().paper));
        if (share < -0.06) minus(pen, place);
      }
      pen.strokeStyle = css(kind === "conv" ? hair : mix(hair, muted, 0.35));
      pen.lineWidth = 1;
      round(pen, x, y, width, height, kind === "conv" || weights ? 1 : Math.min(5, width / 4));
      pen.stroke();
    });
  }

  #paintOutput(pen, { cells, layer }) {
    const { ink, muted, paper, right, wrong, hair } = colours();
    const known = this.digit?.probabilities ?? null;
    const guess = this.digit?.digit ?? null;
    const label = this.digit?.label ?? null;
    pen.textBaseline = "middle";
    const family = getComputedStyle(this.canvas).fontFamily;
    cells.forEach(({ x, y, width, height }, k) => {
      const middle = y + height / 2;
      const share = known?.[k] ?? 0;
      const first = k === guess;
      const misread = first && label !== null && label !== guess;
      const left = x + 30;
      const track = width - 30 - 44;
      const high = Math.min(height * 0.5, 16);
      pen.fillStyle = css(mix(paper, hair, 0.8));
      round(pen, left, middle - high / 2, track, high, 3);
      pen.fill();
      if (share > 0.002) {
        pen.fillStyle = css(first ? (misread ? wrong : right) : muted, first ? 1 : 0.75);
        round(pen, left, middle - high / 2, Math.max(track * Math.min(share, 1), 3), high, 3);
        pen.fill();
      }
      pen.textAlign = "center";
      pen.font = `${first ? 700 : 400} 15px ${family}`;
      pen.fillStyle = css(first || k === label ? ink : muted);
      pen.fillText(String(k), x + 14, middle + 0.5);
      if (k === label) {
        pen.beginPath();
        pen.arc(x + 14, middle, Math.min(height / 2 - 2, 12.5), 0, 2 * Math.PI);
        pen.strokeStyle = css(ink, 0.8);
        pen.lineWidth = 1.5;
        pen.stroke();
      }
      pen.textAlign = "right";
      pen.font = `${first ? 600 : 400} 12px ${family}`;
      pen.fillText(known ? percentText(share) : "–", x + width, middle + 0.5);
    });
    return layer;
  }

  #paintMark(pen, { column, cell }, wide) {
    const place = column.cells[cell];
    if (!place) return;
    const [rim, { x, y, width, height }] = [wide + 0.5, place];
    round(pen, x - rim, y - rim, width + 2 * rim, height + 2 * rim, 6);
    pen.strokeStyle = css(colours().ink);
    pen.lineWidth = wide;
    pen.stroke();
  }
}

function strongest({ inputs, outputs, at }, source, target) {
  const links = [];
  for (let from = 0; from < Math.min(inputs, source.cells.length); from += 1) {
    for (let to = 0; to < Math.min(outputs, target.cells.length); to += 1)
      links.push({ from, to, weight: at(from, to) });
  }
  links.sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  links.length = Math.min(links.length, STRONGEST);
  const most = Math.abs(links[0]?.weight ?? 0) || 1;
  for (const link of links) link.bucket = Math.min(Math.floor((Math.abs(link.weight) / most) * BUCKETS), BUCKETS - 1);
  return links;
}
