/**
 * The page's whole state is one object, and it lives in the address bar: copy the link, and you have shared the set-up.
 *
 * `setup` is what the server builds a network from; `view` is how it is looked at. Whatever a link says is checked
 * here before anybody believes it: what can't be, is left as it was, and said in words.
 */

export const ACTIVATIONS = {
  relu: "ReLU",
  leaky_relu: "Leaky ReLU",
  sigmoid: "Sigmoid",
  tanh: "Tanh",
  identity: "None (linear)",
};
export const LOSSES = {
  cross_entropy: "Cross-entropy",
  mean_squared_error: "Squared error",
  binary_cross_entropy: "Binary cross-entropy",
};
export const OPTIMIZERS = { sgd: "SGD", rmsprop: "RMSprop", adam: "Adam", adamw: "AdamW" };
export const RATES = { sgd: 0.1, rmsprop: 0.001, adam: 0.002, adamw: 0.002 };
export const INITIALIZERS = {
  he_normal: "He, normal",
  he_uniform: "He, uniform",
  glorot_normal: "Glorot, normal",
  glorot_uniform: "Glorot, uniform",
  scaled_normal: "Small random",
  zeros: "All zeros",
};
export const SCHEDULES = { constant: "Constant", step: "Steps down", cosine: "Cosine", one_cycle: "One cycle" };
export const MOST_RATE = 100;
/** The distortions: most that the page offers, the step of the slider, the unit. */
export const DISTORTIONS = {
  shift: [6, 0.5, "px"],
  rotate: [45, 1, "°"],
  scale: [0.5, 0.05, "×"],
  shear: [0.6, 0.05, ""],
  elastic: [3, 0.1, "px"],
  thickness: [1, 0.05, "px"],
  erase: [0.3, 0.02, "of the image"],
  blur: [2, 0.1, "px"],
  noise: [0.5, 0.02, ""],
};
export const LIMITS = { hidden_layers: 8, units: 1024, channels: 64, kernel: 9, batch_size: 4096 };
/** What an optimizer has if the link doesn't say. */
const USUAL = { momentum: 0, rho: 0.9, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01, clip_norm: null };
/** What a schedule may have besides its name, and the most that the link takes of it. */
const OF_SCHEDULES = {
  warm_epochs: 10_000,
  every: 10_000,
  factor: 100,
  final: 100,
  peak: 1,
  divide: 1e6,
  final_divide: 1e9,
};
/** What a link leaves out where there is none of it. */
const UNSAID = { initializer_std: null, augment: {}, train_samples: null };
/** Alternative names that the library knows for the same thing. */
const SAME = { he: "he_normal", glorot: "glorot_uniform" };

export const DENSE = { kind: "dense", units: 16, batch_norm: false, activation: "relu", dropout: 0 };
export const CONV = {
  kind: "conv",
  channels: 8,
  kernel: 5,
  stride: 1,
  padding: "valid",
  pool: 2,
  batch_norm: false,
  activation: "relu",
  dropout: 0,
};
const VIEWS = { show: ["fires", "seeks"], lines: ["on", "off"] };

/** A layer as a word of the link: dense-64-relu-drop0.2, conv-8-k5-s1-p2-valid-relu-norm */
function layerWord(layer) {
  const parts =
    layer.kind === "dense"
      ? ["dense", layer.units]
      : ["conv", layer.channels, `k${layer.kernel}`, `s${layer.stride}`, `p${layer.pool}`, layer.padding];
  parts.push(layer.activation);
  if (layer.batch_norm) parts.push("norm");
  if (layer.dropout) parts.push(`drop${layer.dropout}`);
  return parts.join("-");
}

function readLayer(word) {
  const [kind, size, ...rest] = word.split("-");
  if (kind !== "dense" && kind !== "conv") return null;
  const layer = kind === "dense" ? { ...DENSE } : { ...CONV };
  const sized = integer(size, 1, kind === "dense" ? LIMITS.units : LIMITS.channels);
  if (sized === null) return null;
  layer[kind === "dense" ? "units" : "channels"] = sized;
  const numbers = { k: ["kernel", 1, LIMITS.kernel], s: ["stride", 1, 4], p: ["pool", 0, 4] };
  for (const part of rest) {
    const [letter, number] = [part[0], part.slice(1)];
    if (Object.hasOwn(ACTIVATIONS, part)) layer.activation = part;
    else if (part === "norm") layer.batch_norm = true;
    else if (part.startsWith("drop")) layer.dropout = real(part.slice(4), 0, 0.9) ?? 0;
    else if (kind === "conv" && (part === "same" || part === "valid")) layer.padding = part;
    else if (
      kind === "conv" &&
      Object.hasOwn(numbers, letter) &&
      integer(number, ...numbers[letter].slice(1)) !== null
    ) {
      layer[numbers[letter][0]] = Number(number);
    } else return null;
  }
  return layer;
}

function real(text, low, high) {
  const value = text === "" ? NaN : Number(text);
  return Number.isFinite(value) && value >= low && value <= high ? value : null;
}

function integer(text, low, high) {
  const value = real(text, low, high);
  return Number.isInteger(value) ? value : null;
}

const oneOf = (names) => (text) => (Object.hasOwn(SAME, text) ? SAME[text] : Object.hasOwn(names, text) ? text : null);
const pairs = (text) =>
  text
    .split(",")
    .filter(Boolean)
    .map((word) => /^([a-z_0-9]+?)-(-?[0-9.e-]+)$/.exec(word)?.slice(1) ?? [word, ""]);

/** Each key of the link: how it is written, and how it is read (null for what can't be). */
const KEYS = {
  layers: {
    write: (setup) => setup.layers.map(layerWord).join(","),
    read: (text) => {
      const layers = text.split(",").filter(Boolean).map(readLayer);
      const dense = layers.findIndex((layer) => layer?.kind === "dense");
      const ordered = dense < 0 || layers.slice(dense).every((layer) => layer?.kind === "dense");
      return layers.length <= LIMITS.hidden_layers && layers.every(Boolean) && ordered ? { layers } : null;
    },
  },
  initializer: {
    write: (setup) => setup.initializer,
    read: (text) => {
      const initializer = oneOf(INITIALIZERS)(text);
      return initializer && { initializer, initializer_std: null };
    },
  },
  std: { ...simple("initializer_std", (text) => real(text, 1e-9, 10)), write: (setup) => setup.initializer_std ?? "" },
  loss: simple("loss", oneOf(LOSSES)),
  smoothing: simple("label_smoothing", (text) => real(text, 0, 0.5)),
  l2: simple("l2", (text) => real(text, 0, 1)),
  optimizer: {
    write: ({ optimizer: { name, ...rest } }) => {
      const own = Object.entries(rest).filter(([key, value]) => typeof value === "number" && value !== USUAL[key]);
      return [name, ...own.map(([key, value]) => `${key}-${value}`)].join(",");
    },
    read: (text) => {
      const [name, ...rest] = text.split(",");
      if (!Object.hasOwn(OPTIMIZERS, name)) return null;
      const optimizer = { name, learning_rate: RATES[name] };
      for (const [key, value] of pairs(rest.join(","))) {
        if (key !== "learning_rate" && !Object.hasOwn(USUAL, key)) return null;
        optimizer[key] = real(value, 0, key === "learning_rate" || key === "clip_norm" ? MOST_RATE : 1);
        if (optimizer[key] === null) return null;
      }
      return { optimizer };
    },
  },
  reduction: simple("reduction", oneOf({ mean: 1, sum: 1 })),
  schedule: {
    write: ({ schedule: { name, ...rest } }) => {
      const own = Object.entries(rest).filter(([, value]) => value);
      return [name, ...own.map(([key, value]) => `${key}-${value}`)].join(",");
    },
    read: (text) => {
      const [name, ...rest] = text.split(",");
      if (!Object.hasOwn(SCHEDULES, name)) return null;
      const schedule = { name };
      for (const [key, value] of pairs(rest.join(","))) {
        schedule[key] = Object.hasOwn(OF_SCHEDULES, key) ? real(value, 0, OF_SCHEDULES[key]) : null;
        if (schedule[key] === null) return null;
      }
      return { schedule };
    },
  },
  epochs: simple("epochs", (text) => integer(text, 1, 10_000)),
  batch: simple("batch_size", (text) => (text === "full" ? "full" : integer(text, 1, LIMITS.batch_size))),
  distort: {
    write: ({ augment }) => {
      const on = Object.entries(augment).filter(([name, value]) => value && name in DISTORTIONS);
      return on.map(([name, value]) => `${name}-${value}`).join(",");
    },
    read: (text) => {
      const augment = {};
      for (const [name, value] of pairs(text)) {
        const amount = Object.hasOwn(DISTORTIONS, name) ? real(value, 0, DISTORTIONS[name][0]) : null;
        if (amount === null) return null;
        augment[name] = amount;
      }
      return { augment };
    },
  },
  samples: {
    write: (setup) => setup.train_samples ?? "",
    read: (text) => (text === "" ? { train_samples: null } : integer(text, 10, 1e6) && { train_samples: Number(text) }),
  },
  seed: simple("seed", (text) => integer(text, 0, 2 ** 32 - 1)),
};

function simple(name, check) {
  return {
    write: (setup) => setup[name],
    read: (text) => {
      const value = check(text);
      return value === null ? null : { [name]: value };
    },
  };
}

/** The link's part after #; uploaded data stays out of it, for it isn't on the other machine. */
export function toHash({ setup, view }) {
  const parts = Object.entries(KEYS).map(([key, { write }]) => [key, write(setup)]);
  parts.push(...Object.entries(view));
  return `#${parts
    .filter(([, value]) => value !== "" && value !== undefined)
    .map(([key, value]) => `${key}=${value}`)
    .join("&")}`;
}

/** What a link says: {setup, view, complaints}, with only what could be understood in setup and view; null for none. */
export function fromHash(hash) {
  const text = hash.replace(/^#/, "");
  if (!text.includes("=")) return null;
  const read = { setup: {}, view: {}, complaints: [] };
  for (const part of text.split("&")) {
    const [key, value = ""] = part.split(/=(.*)/s).map((piece) => safely(piece));
    if (Object.hasOwn(VIEWS, key) && VIEWS[key].includes(value)) read.view[key] = value;
    else if (Object.hasOwn(KEYS, key)) {
      const got = KEYS[key].read(value);
      if (got) Object.assign(read.setup, got);
      else read.complaints.push(`${key}=${value.slice(0, 40)}`);
    } else read.complaints.push(part.slice(0, 40));
  }
  if (Object.keys(read.setup).length) read.setup = { ...UNSAID, ...read.setup };
  return read;
}

function safely(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A set-up from the server, which has every field, or a link's on top of one; layers may leave out the usual. */
export function complete(setup) {
  const layers = setup.layers.map((layer) => ({ ...(layer.kind === "conv" ? CONV : DENSE), ...layer }));
  const initializer = SAME[setup.initializer] ?? setup.initializer;
  return { ...structuredClone(setup), layers, initializer };
}

/** The state and who wants to hear of its changes. */
export class State {
  #listeners = [];
  setup = null; // until the server has said what a visitor finds
  view = { show: "fires", lines: "on" };

  /** `listener(state, what)`; `what` is "setup" or "view". */
  on(listener) {
    this.#listeners.push(listener);
  }

  /** Put in a new set-up (or some fields of it), mirror it to the address bar and tell the listeners. */
  change(fields, what = "setup") {
    if (what === "setup") this.setup = complete({ ...this.setup, ...fields });
    else this.view = { ...this.view, ...fields };
    // Replaced, not pushed: the back button leaves the page and doesn't walk through every touch of a slider.
    if (this.setup) history.replaceState(null, "", toHash(this));
    for (const listener of this.#listeners) listener(this, what);
  }
}
