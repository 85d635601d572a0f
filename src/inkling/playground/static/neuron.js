/**
 * The parts of an open neuron: from the server's answer to elements, one function a part.
 *
 * Numbers are printed as they come: a calculator must agree.
 */

import { imageCanvas, inkOf, signedOf } from "./colours.js";
import { aDigit, h, percent, plain, whole } from "./dom.js";
import { word } from "./words.js";

/** What it says for the digit shown, and for others. */
export function now(neuron, kind) {
  const { z_printed: z, a, activation, dead_fraction: dead, mean_activation: mean, images, at } = neuron;
  const { probability, through } = neuron;
  const output = kind === "output";
  const place = at ? ` at row ${at[0]}, column ${at[1]} of its map` : "";
  const become =
    through === "softmax"
      ? "Softmax turns the ten sums into probabilities, which add up to 100 %"
      : "Sigmoids of the ten sums, divided by what they add up to, are the probabilities";
  const answer = `For the digit shown. ${become}: this one's is ${percent(probability, 2)} (${percent(mean, 2)} on average over ${whole(images)} digits).`;
  const life = [
    mean !== undefined && `On average it says ${plain(mean)}`,
    dead !== undefined && `it is silent for ${percent(dead, 0)} of ${whole(images)} digits`,
  ]
    .filter(Boolean)
    .join("; ");
  return h(
    "section",
    {},
    h(
      "p",
      { class: "flow" },
      h("span", {}, h("small", {}, "sum z"), h("b", {}, number(z))),
      h("span", { class: "through" }, `${output ? through : activation} →`),
      output
        ? h("span", {}, h("small", {}, "probability"), h("b", {}, percent(probability, 2)))
        : h("span", {}, h("small", {}, "activation a"), h("b", {}, number(Number(a.toFixed(4))))),
    ),
    h("p", { class: "quiet-note" }, output ? answer : `For the digit shown${place}. ${life}.`),
  );
}

/** The largest terms of its sum, the rest, the bias: they add up as printed. */
export function sum({ terms, rest, bias, z_printed: z, others, batch_norm: norm }) {
  const rows = terms.map(({ input, x, w, product }) =>
    h(
      "tr",
      {},
      h("th", { scope: "row", title: input }, short(input)),
      h("td", {}, number(x)),
      h("td", {}, number(w)),
      h("td", { class: sign(product) }, number(product)),
    ),
  );
  const line = (name, value, kind = "") =>
    h(
      "tr",
      { class: kind },
      h("th", { scope: "row", colspan: 3 }, name),
      h("td", { class: sign(value) }, number(value)),
    );
  const table = h(
    "table",
    { class: "sum" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col" }, terms.some(({ input }) => PIXEL.test(input)) ? "pixel (row, column)" : "input"),
        h("th", { scope: "col" }, "x"),
        h("th", { scope: "col" }, "w"),
        h("th", { scope: "col" }, "x × w"),
      ),
    ),
    h(
      "tbody",
      {},
      rows,
      line(
        others ? `${whole(others)} others together` : terms.length ? "left over by rounding" : "no input says anything",
        rest,
      ),
      line("bias b", bias),
      line("sum z", z, "total"),
    ),
  );
  const note = norm ? "Batch normalisation then brings this sum to the batch's scale." : "";
  return h(
    "section",
    {},
    h("h4", {}, "The sum, z = Σ x·w + b"),
    h("div", { class: "table-scroll", tabindex: 0, role: "region", "aria-label": "The terms of the sum" }, table),
    note && h("p", { class: "quiet-note" }, note),
  );
}

/** Its incoming weights: an image of pixels, kernels or maps, or bars. */
export function weights({ arrays, inputs }, kind) {
  const { values, shape } = arrays.weights;
  const title = h("h4", {}, "What it looks for: its ", word("weight", "weights"));
  const legend = h(
    "p",
    { class: "quiet-note signs" },
    h("span", { class: "key positive" }),
    "positive: excites",
    h("span", { class: "key negative" }),
    "negative: inhibits",
  );
  if (shape.length === 2 && shape[0] === 28) {
    const image = imageCanvas(
      196,
      signedOf(values, { rows: 28, columns: 28 }),
      "Its weights as an image: where ink excites it and where it inhibits it",
    );
    return h("section", {}, title, h("div", { class: "weight-image" }, image), legend);
  }
  if (shape.length === 3) {
    const [rows, columns, maps] = shape;
    const most = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    const side = maps === 1 ? 150 : maps <= 4 ? 84 : 52;
    const shown = Math.min(maps, 32);
    const images = Array.from({ length: shown }, (_, k) =>
      imageCanvas(
        [side, Math.round((side * rows) / columns)],
        signedOf(values, { rows, columns, start: k, stride: maps, scale: most }),
      ),
    );
    const text =
      kind === "conv"
        ? `Its kernel: ${rows} × ${columns} weights for ${maps === 1 ? "the image" : `each of ${maps} maps before it`}.`
        : `Its weights on ${maps} maps of ${rows} × ${columns}${shown < maps ? `, ${shown} drawn` : ""}.`;
    return h(
      "section",
      {},
      title,
      h("div", { class: "weight-maps", role: "img", "aria-label": text }, images),
      h("p", { class: "quiet-note" }, text),
      legend,
    );
  }
  const order = Array.from(values, (_, k) => k)
    .sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]))
    .slice(0, 16)
    .sort((a, b) => a - b);
  const most = Math.max(...order.map((k) => Math.abs(values[k])), 1e-9);
  const bars = order.map((k) => {
    const fill = h("span", { class: `weight-bar ${sign(values[k])}` });
    fill.style.width = `${(50 * Math.abs(values[k])) / most}%`;
    return h(
      "li",
      {},
      h("span", {}, `neuron ${k}`),
      h("span", { class: "weight-track" }, fill),
      h("span", { class: "weight-number" }, number(Number(values[k].toPrecision(3)))),
    );
  });
  const some = values.length > order.length ? `The ${order.length} largest of ${whole(inputs)}.` : "";
  return h(
    "section",
    {},
    title,
    h("ul", { class: "weight-bars" }, bars),
    h("p", { class: "quiet-note" }, some),
    legend,
  );
}

/** Of the validation images those for which it fires most. */
export function excite({ arrays, excite_labels: labels, excite_activations: activations }) {
  if (!arrays.excite?.shape[0]) return null;
  const title = h("h4", {}, "The digits that excite it most");
  if (activations.every((a) => a === 0)) {
    return h(
      "section",
      {},
      title,
      h("p", { class: "quiet-note" }, "None does: it is silent whatever it sees. A dead neuron."),
    );
  }
  const images = labels.map((label, k) =>
    h("li", {}, imageCanvas(48, inkOf(arrays.excite.values, k), aDigit(label)), h("span", {}, plain(activations[k]))),
  );
  return h("section", {}, title, h("ul", { class: "exciting" }, images));
}

/** One step in sentences and lines; `inputName` turns the server's name of an input into the page's. */
export function explained(step, inputName) {
  const {
    sentence,
    lines = [sentence],
    formula,
    forward,
    loss,
    gradient_z: slope,
    batch,
    step: at,
    input_name: input,
    old,
    movement,
    reduction,
  } = step;
  const guess = forward?.probabilities?.[forward.label];
  const whose = forward.map ? "This feature map, where each is largest" : "This neuron";
  const places = forward.map ? "this feature map, added up over all its places" : "this neuron";
  const over = reduction === "sum" ? "added up over the batch" : "on average over the batch";
  const told = [
    [
      "Forward",
      `The first of ${whole(batch)} images is ${aDigit(forward.label)}; the network gives that ${percent(guess, 2)}. ${whose}: z = ${short6(forward.z)}, a = ${short6(forward.a)}.`,
    ],
    ["Loss", `${short6(loss)} for this image.`],
    [
      "Gradient",
      `∂loss/∂z at ${places}: ${short6(forward.gradient_z)} for this image, ${short6(slope)} ${over}.`,
    ],
    ["A weight", `That from ${inputName(input)} was ${short6(old)}. ${number(movement)}`],
  ];
  const copy = h(
    "button",
    {
      type: "button",
      class: "small",
      hidden: !navigator.clipboard,
      on: {
        click: async (event) => {
          await navigator.clipboard.writeText(lines.join("\n"));
          event.target.textContent = "Copied";
        },
      },
    },
    "Copy",
  );
  return [
    h("h4", {}, `Step ${whole(at)}, explained`),
    h(
      "dl",
      { class: "told" },
      told.map(([name, text]) => h("div", {}, h("dt", {}, name), h("dd", {}, text))),
    ),
    h("p", { class: "quiet-note" }, `${formula}. Check it with a calculator: `, copy),
    h(
      "ol",
      { class: "sentence" },
      lines.map((line) => h("li", {}, line.replace(/-(?=\d)/g, "−"))),
    ),
  ];
}

/** Six digits of a number that nobody calculates with. */
const short6 = (value) => number(Number(value.toPrecision(6)));

/** A number as the server rounded it, with a real minus sign. */
function number(value) {
  if (value === null || value === undefined) return "–";
  const text =
    typeof value === "string" ? value : Math.abs(value) >= 1e-4 || value === 0 ? String(value) : value.toExponential();
  return text.replace(/-/g, "−");
}

const PIXEL = /^pixel \(row (\d+), column (\d+)\)$/;
/** The server's name of an input, short enough for the table; the whole name is its title. */
const short = (input) =>
  input
    .replace(PIXEL, "$1, $2")
    .replace(/^\S+ \(row (\d+), column (\d+)\) of map (\d+)$/, "map $3 at $1, $2")
    .replace(/^\w+ neuron/, "neuron");

const sign = (value) => (Number(value) < 0 ? "negative" : "positive");
