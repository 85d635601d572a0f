/**
 * The curves: loss and accuracy on training and validation images while it learns, and earlier runs as ghosts.
 *
 * A run has at most a few hundred points: when there are more, neighbours become their mean. The charts are the
 * report's own.
 */

import { lineChart } from "./charts.js";
import { atMost, byId, h, icon, percent, plain } from "./dom.js";
import { ACTIVATIONS, OPTIMIZERS } from "./state.js";
import { hint } from "./words.js";

const MOST_POINTS = 240;
const MOST_KEPT = 4;
const COLOURS = [3, 4, 5, 6]; // of the ghosts; training and validation have 1 and 2

/** Points of one measure of one run: [step, loss, accuracy], thinned by taking means of neighbours. */
class Points {
  #every = 1;
  #open = [];
  list = [];

  add(points) {
    for (const point of points) {
      this.#open.push(point);
      if (this.#open.length < this.#every) continue;
      this.list.push(mean(this.#open));
      this.#open = [];
      if (this.list.length < MOST_POINTS) continue;
      this.#every *= 2;
      this.list = Array.from({ length: this.list.length / 2 }, (_, k) => mean(this.list.slice(2 * k, 2 * k + 2)));
    }
  }

  get last() {
    return this.#open.at(-1) ?? this.list.at(-1) ?? null;
  }

  /** Up to the last point: those that wait for their neighbours are there as their mean. */
  curve(which) {
    const all = this.#open.length ? [...this.list, mean(this.#open)] : this.list;
    return all.map((point) => [point[0], point[which]]);
  }
}

function mean(points) {
  const of = (k) => points.reduce((sum, point) => sum + (point[k] ?? NaN), 0) / points.length;
  return [Math.round(points.at(-1)[0]), of(1), of(2)];
}

/** The name, with a number if there is one like it already. */
function unused(name, names) {
  let free = name;
  for (let k = 2; names.includes(free); k += 1) free = `${name} (${k})`;
  return free;
}

export class Curves {
  #train = new Points();
  #validation = new Map();
  #kept = [];
  #name = "this run";

  constructor() {
    const number = (value, onAxis) => (onAxis || value >= 1000 ? plain(value) : value.toFixed(4));
    const share = (value, onAxis) =>
      percent(value, onAxis && Math.abs(value * 100 - Math.round(value * 100)) < 1e-6 ? 0 : 1);
    const empty = "Press play, and the curve begins here";
    const follow = (other) => (x) => this.charts?.[other].show(x);
    const both = { x: "step", empty, hold: true, tall: 190 };
    this.charts = [
      lineChart(byId("chart-loss"), [], {
        ...both,
        label: "Loss",
        format: number,
        logToggle: true,
        zero: true,
        onMove: follow(1),
      }),
      lineChart(byId("chart-accuracy"), [], { ...both, label: "Accuracy", format: share, most: 1, onMove: follow(0) }),
    ];
    this.draw = atMost(180, () => requestAnimationFrame(() => this.#draw()));
    byId("keep").addEventListener("click", () => this.keep());
    hint(byId("keep"), "Leave this curve as a ghost, to compare the next training with it");
    this.#list();
    this.draw();
  }

  /** A new training begins; what was drawn before is kept as a ghost if it was worth it. */
  begin(name) {
    if ((this.#train.last?.[0] ?? 0) >= 10 && this.#validation.size) this.keep();
    this.#train = new Points();
    this.#validation = new Map();
    this.#name = name;
    this.draw();
  }

  rename(name) {
    this.#name = name;
  }

  addTraining(points) {
    this.#train.add(points.filter(([, loss]) => loss !== null && Number.isFinite(loss)));
    this.draw();
  }

  addValidation(step, loss, accuracy) {
    if (loss !== null && Number.isFinite(loss)) this.#validation.set(step, [step, loss, accuracy]);
    this.draw();
  }

  /** Everything of a run that went on while the page was away. */
  restore(points, validation) {
    this.#train = new Points();
    this.#validation = new Map(validation.map((point) => [point[0], point]));
    this.addTraining(points);
  }

  get last() {
    return this.#train.last;
  }

  keep() {
    if (!this.#train.list.length) return;
    const colour = COLOURS.find((each) => this.#kept.every((kept) => kept.colour !== each)) ?? this.#kept[0].colour;
    if (this.#kept.length === MOST_KEPT) this.#kept.shift();
    const name = unused(
      this.#name,
      this.#kept.map((kept) => kept.name),
    );
    this.#kept.push({ name, colour, train: this.#train, validation: [...this.#validation.values()] });
    this.#list();
    this.draw();
  }

  #list() {
    const items = this.#kept.map((kept) => {
      const best = Math.max(...kept.validation.map((point) => point[2]), 0);
      const remove = h(
        "button",
        {
          type: "button",
          class: "tiny quiet",
          "aria-label": `Forget ${kept.name}`,
          on: {
            click: () => {
              this.#kept = this.#kept.filter((each) => each !== kept);
              this.#list();
              this.draw();
            },
          },
        },
        icon("close"),
      );
      const line = h("span", { class: "kept-line", "aria-hidden": "true" });
      line.style.setProperty("--colour", `var(--series-${kept.colour})`);
      return h(
        "li",
        {},
        line,
        h("span", { class: "kept-name", title: kept.name }, kept.name),
        h("span", { class: "kept-best" }, kept.validation.length ? `best ${percent(best)}` : ""),
        remove,
      );
    });
    byId("kept").replaceChildren(...items);
    byId("kept-none").hidden = items.length > 0;
  }

  #draw() {
    const validation = [...this.#validation.values()];
    this.charts.forEach((chart, k) => {
      const which = k + 1;
      const ghosts = this.#kept.flatMap(({ name, colour, train, validation: points }) => [
        {
          name: `${name}, training`,
          points: train.curve(which),
          colour,
          line: "solid",
          marks: false,
          faint: true,
          named: false,
        },
        {
          name: `${name}, validation`,
          points: points.map((point) => [point[0], point[which]]),
          colour,
          line: "dashed",
          marks: false,
          faint: true,
          named: false,
        },
      ]);
      chart.update([
        ...ghosts,
        { name: "training", points: this.#train.curve(which), colour: 1, line: "solid", marks: false },
        {
          name: "validation",
          points: validation.map((point) => [point[0], point[which]]),
          colour: 2,
          line: "dashed",
          mark: 1,
        },
      ]);
    });
  }
}

/** A training in a few words, for the list of curves: "Adam 0.002, 64-32 ReLU"; the batch size only if it isn't the `usual`. */
export function nameOf({ layers, optimizer, batch_size: batch, l2 }, usual) {
  const shape =
    layers.map((layer) => (layer.kind === "conv" ? `c${layer.channels}` : layer.units)).join("-") || "no hidden layer";
  const kinds = [...new Set(layers.map((layer) => ACTIVATIONS[layer.activation]))].join("/");
  const more = [
    layers.some((layer) => layer.dropout) && "dropout",
    l2 && `L2 ${l2}`,
    batch === "full" ? "full batch" : batch !== usual.batch_size && `batch ${batch}`,
  ].filter(Boolean);
  return [
    `${OPTIMIZERS[optimizer.name]} ${Number(optimizer.learning_rate.toPrecision(2))}`,
    `${shape} ${kinds}`.trim(),
    ...more,
  ].join(", ");
}
