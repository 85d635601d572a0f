/**
 * The controls on the picture: above each column its kind, size, activation and dropout, and between them a plus.
 *
 * Whoever presses one gets a new list of layers, which the page then asks the server to build.
 */

import { h, icon, whole } from "./dom.js";
import { HEAD } from "./layout.js";
import { toast } from "./shell.js";
import { ACTIVATIONS, CONV, DENSE, LIMITS } from "./state.js";
import { hint } from "./words.js";

const DROPOUTS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
const select = (options, value, attributes) =>
  h(
    "select",
    attributes,
    ...Object.entries(options).map(([key, name]) => h("option", { value: key, selected: String(value) === key }, name)),
  );

/** A control of the popover: its name beside it. */
const row = (name, control) => h("label", { class: "row" }, h("span", {}, name), control);

/**
 * Draw the controls into `place`. layers: the set-up's; columns: of layout(); edit(layers, sentence) is called with the
 * changed list.
 */
export function drawHeads(place, layers, { columns, gap, compact }, edit) {
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const heads = columns.map((column, k) => {
    const head =
      k === 0 ? inputHead() : k === columns.length - 1 ? outputHead(column) : layerHead(layers, k - 1, compact, edit);
    head.style.left = `${column.x}px`;
    head.style.width = `${column.width}px`;
    head.style.height = `${HEAD - 26}px`;
    return head;
  });
  const pluses = columns.slice(1).map((column, k) => {
    const button = plus(layers, k, edit);
    button.style.left = `${column.x - gap / 2 - 15}px`;
    return button;
  });
  place.replaceChildren(...heads.flatMap((head, k) => [head, pluses[k]]).filter(Boolean));
  place.querySelector(`[data-key="${focused}"]`)?.focus({ preventScroll: true });
}

const inputHead = () => h("div", { class: "head plain" }, h("h3", {}, "The digit"), h("p", {}, "28 × 28 pixels"));

function outputHead({ layer }) {
  const name = layer.activation === "sigmoid" ? "ten sigmoids" : "ten neurons, softmax";
  return h("div", { class: "head plain" }, h("h3", {}, "The answer"), h("p", {}, name));
}

function layerHead(layers, at, compact, edit) {
  const layer = layers[at];
  const conv = layer.kind === "conv";
  const name = conv ? "Convolution" : "Dense";
  const place = `layer ${at + 1}`;
  const change = (fields, sentence) =>
    edit(
      layers.map((each, k) => (k === at ? { ...each, ...fields } : each)),
      sentence,
    );
  const size = conv ? "channels" : "units";
  const noun = conv ? "feature maps" : "neurons";
  const most = LIMITS[size];

  const count = h("input", {
    type: "number",
    min: 1,
    max: most,
    value: layer[size],
    "data-key": `${at}-size`,
    "aria-label": `${noun} in ${place}`,
    class: "count",
    on: {
      change: (event) => {
        const wanted = Number(event.target.value);
        if (Number.isInteger(wanted) && wanted >= 1 && wanted <= most)
          return change({ [size]: wanted }, `${wanted} ${noun} in ${place}`);
        event.target.value = layer[size];
        return toast(`A layer has 1 to ${whole(most)} ${noun}, in whole numbers. In ${place} it stays ${layer[size]}.`);
      },
    },
  });
  const resize = (sign) => {
    const by = layer[size] >= 64 ? 16 : layer[size] >= 16 ? 4 : 1;
    const wanted = Math.min(Math.max(layer[size] + sign * (sign < 0 && layer[size] === 16 ? 1 : by), 1), most);
    change({ [size]: wanted }, `${wanted} ${noun} in ${place}`);
  };
  const fewer = h(
    "button",
    {
      type: "button",
      class: "tiny",
      "data-key": `${at}-fewer`,
      disabled: layer[size] <= 1,
      "aria-label": `Fewer ${noun} in ${place}`,
      on: { click: () => resize(-1) },
    },
    icon("minus"),
  );
  const more = h(
    "button",
    {
      type: "button",
      class: "tiny",
      "data-key": `${at}-more`,
      disabled: layer[size] >= most,
      "aria-label": `More ${noun} in ${place}`,
      on: { click: () => resize(1) },
    },
    icon("plus"),
  );
  const remove = h(
    "button",
    {
      type: "button",
      class: "tiny quiet",
      "data-key": `${at}-remove`,
      "aria-label": `Remove ${place}`,
      on: {
        click: () =>
          edit(
            layers.filter((_, k) => k !== at),
            `${place} removed`,
          ),
      },
    },
    icon("close"),
  );
  const activation = select(ACTIVATIONS, layer.activation, {
    "aria-label": `Activation of ${place}`,
    "data-key": `${at}-activation`,
    on: {
      change: (event) => change({ activation: event.target.value }, `${ACTIVATIONS[event.target.value]} in ${place}`),
    },
  });
  const rates = Object.fromEntries(
    [...new Set([...DROPOUTS, layer.dropout])]
      .sort()
      .map((rate) => [rate, rate ? `Dropout ${Math.round(rate * 100)} %` : "No dropout"]),
  );
  const dropout = select(rates, layer.dropout, {
    "aria-label": `Dropout of ${place}`,
    "data-key": `${at}-dropout`,
    on: { change: (event) => change({ dropout: Number(event.target.value) }, `dropout in ${place}`) },
  });
  hint(count, `How many ${noun} this layer has (1 to ${most}). More can tell more apart, and take longer.`);
  hint(fewer, `Fewer ${noun}`);
  hint(more, `More ${noun}`);
  hint(remove, "Take this layer out");
  hint(
    activation,
    "What each neuron does with its sum before it passes it on. Without one, many layers are no better than one.",
  );
  hint(dropout, "The share of neurons silenced at random in each training step, so that none leans on one other.");
  return h(
    "div",
    { class: "head", role: "group", "aria-label": `${name}, ${place}` },
    h("div", { class: "head-line" }, h("h3", {}, conv && compact ? "Conv." : name), extras(layer, at, change), remove),
    h("div", { class: "head-line stepper" }, fewer, count, more),
    activation,
    dropout,
  );
}

/** What is changed more seldom, in a popover: kernel, stride, padding, pooling, normalisation. */
function extras(layer, at, change) {
  const conv = layer.kind === "conv";
  const place = `layer ${at + 1}`;
  const id = `extras-${at}`;
  const numbers = (key, values, names = {}) => {
    const all = [...new Set([...values, layer[key]])].sort((a, b) => a - b);
    const options = Object.fromEntries(all.map((value) => [value, names[value] ?? `${value}`]));
    return select(options, layer[key], {
      "aria-label": `${key} of ${place}`,
      on: { change: (event) => change({ [key]: Number(event.target.value) }, `${key} in ${place}`) },
    });
  };
  const norm = h("input", {
    type: "checkbox",
    checked: layer.batch_norm,
    on: { change: (event) => change({ batch_norm: event.target.checked }, `batch normalisation in ${place}`) },
  });
  hint(norm, "Brings each neuron's sums to the same mean and spread within a batch.");
  const rows = [row("Batch normalisation", norm)];
  if (conv) {
    const sides = Object.fromEntries(Array.from({ length: 9 }, (_, k) => [k + 1, `${k + 1} × ${k + 1}`]));
    const padding = select({ valid: "none", same: "same size" }, layer.padding, {
      "aria-label": `Padding of ${place}`,
      on: { change: (event) => change({ padding: event.target.value }, `padding in ${place}`) },
    });
    const kernel = hint(
      numbers("kernel", [1, 2, 3, 5, 7, 9], sides),
      "The side of the little window that slides over the image.",
    );
    const stride = hint(numbers("stride", [1, 2, 3]), "How many pixels the window moves at a time.");
    const pool = hint(
      numbers("pool", [0, 2, 3, 4], { 0: "none", 2: "2 × 2", 3: "3 × 3", 4: "4 × 4" }),
      "Of each such square of the map, only the largest number is kept.",
    );
    hint(padding, "Whether the image gets a blank margin, so that the map is as large as the image.");
    rows.unshift(row("Kernel", kernel), row("Stride", stride), row("Padding", padding), row("Max pooling", pool));
  }
  const panel = h(
    "div",
    { id, class: "popover", popover: "auto", role: "group", "aria-label": `More of ${place}` },
    rows,
  );
  const button = h(
    "button",
    {
      type: "button",
      class: "tiny quiet",
      "data-key": `${at}-extras`,
      "aria-label": `More settings of ${place}`,
      popovertarget: id,
    },
    icon("more"),
  );
  hint(button, conv ? "Kernel, stride, padding, pooling, batch normalisation" : "Batch normalisation");
  panel.addEventListener("toggle", (event) => event.newState === "open" && beside(panel, button));
  return [button, panel];
}

/** A plus between two columns: a dense layer, or a convolution where one can stand. */
function plus(layers, at, edit) {
  const id = `insert-${at}`;
  const full = layers.length >= LIMITS.hidden_layers;
  const insert = (layer, name) =>
    edit([...layers.slice(0, at), layer, ...layers.slice(at)], `${name} added as layer ${at + 1}`);
  const convFits = layers.slice(0, at).every((layer) => layer.kind === "conv");
  const denseFits = layers.slice(at).every((layer) => layer.kind === "dense");
  const choices = [];
  if (denseFits)
    choices.push(
      h(
        "button",
        { type: "button", on: { click: () => insert({ ...DENSE }, "Dense layer") } },
        h("strong", {}, "Dense layer"),
        h("span", {}, "every neuron looks at everything before it"),
      ),
    );
  if (convFits)
    choices.push(
      h(
        "button",
        {
          type: "button",
          on: { click: () => insert({ ...CONV, pool: at === 0 ? 2 : 0, kernel: at === 0 ? 5 : 3 }, "Convolution") },
        },
        h("strong", {}, "Convolution"),
        h("span", {}, "small windows slide over the image"),
      ),
    );
  const panel = h(
    "div",
    { id, class: "popover menu", popover: "auto", role: "group", "aria-label": "Add a layer" },
    choices,
  );
  const button = h(
    "button",
    {
      type: "button",
      class: "insert",
      "data-key": `insert-${at}`,
      popovertarget: id,
      disabled: full,
      "aria-label": `Add a layer at place ${at + 1}`,
    },
    icon("plus"),
  );
  hint(button, full ? `${LIMITS.hidden_layers} hidden layers are the most` : "Add a layer here");
  panel.addEventListener("toggle", (event) => event.newState === "open" && beside(panel, button));
  panel.addEventListener("click", () => panel.hidePopover());
  const wrapper = h("div", { class: "insert-place" }, button, panel);
  return wrapper;
}

/** Put an open popover below its button, within the window. */
export function beside(panel, button) {
  const box = button.getBoundingClientRect();
  const left = Math.min(
    Math.max(box.left + box.width / 2 - panel.offsetWidth / 2, 8),
    innerWidth - panel.offsetWidth - 8,
  );
  const below = box.bottom + 6;
  const top = below + panel.offsetHeight > innerHeight - 8 ? Math.max(box.top - panel.offsetHeight - 6, 8) : below;
  panel.style.left = `${left}px`;
  panel.style.top = `${top}px`;
}

/** The line below a column: how many of its neurons are drawn, and how many numbers it has learnt. */
export function footText({ kind, layer }, drawn) {
  if (kind === "input") return "";
  const all = layer.shape.at(-1);
  const some = drawn < all ? `${drawn} of ${whole(all)} drawn, ` : "";
  return `${some}${whole(layer.parameters)} weights`;
}
