/**
 * The settings of the training, each with its hint: presets, optimizer and rate, batch size, loss, distortions.
 *
 * Settings that can change while the training runs are sent as changes; the others (marked ↻) ask for a new network.
 */

import { atMost, byId, h, plain } from "./dom.js";
import { beside } from "./layers.js";
import { toast } from "./shell.js";
import { DISTORTIONS, INITIALIZERS, LOSSES, MOST_RATE, OPTIMIZERS, RATES, SCHEDULES, complete } from "./state.js";
import { hint } from "./words.js";

const BATCHES = [1, 4, 16, 32, 64, 128, 256, 512, 1024];
const L2S = [0, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2];

export class Settings {
  #fields = {};

  /** rebuild(fields, sentence) for a new network; change(fields) while it runs; preset(name). */
  constructor({ rebuild, change, preset }) {
    Object.assign(this, { rebuild, preset });
    // A slider changes often: what has come together since the last message goes in one.
    let changed = {};
    const send = atMost(120, () => {
      change(changed);
      changed = {};
    });
    this.change = (fields) => {
      Object.assign(changed, fields);
      send();
    };
    this.place = byId("settings");
    byId("settings-card").open = innerWidth >= 640; // on a phone the network comes first
    this.#build();
  }

  #field(key, label, control, text, { live = false, wide = false } = {}) {
    control.id = `set-${key}`;
    const again = live ? null : h("span", { class: "again", title: "Changing this begins the training again" }, "↻");
    const name = h("label", { for: control.id }, label, again && h("span", { class: "sr" }, " (begins again)"), again);
    hint(control, live ? text : `${text} Changing it begins the training again.`);
    this.#fields[key] = control;
    this.place.append(h("div", { class: wide ? "field wide" : "field", id: `field-${key}` }, name, control));
    return control;
  }

  #select(options, onPick) {
    const control = h("select", { on: { change: () => onPick(control.value) } });
    this.#fill(control, options);
    return control;
  }

  #fill(control, options) {
    control.replaceChildren(...Object.entries(options).map(([value, name]) => h("option", { value }, name)));
  }

  #build() {
    const { rebuild, change } = this;
    this.#field(
      "preset",
      "Preset",
      this.#select({}, (name) => this.preset(name)),
      "A whole set-up at once: the recipes that come with Inkling.",
      { wide: true },
    );
    this.#field(
      "optimizer",
      "Optimizer",
      this.#select(OPTIMIZERS, (name) =>
        rebuild(
          { optimizer: { name, learning_rate: RATES[name], ...(name === "sgd" ? { momentum: 0.9 } : {}) } },
          OPTIMIZERS[name],
        ),
      ),
      "The rule that turns gradients into steps.",
    );
    this.#buildRate();
    this.#field(
      "momentum",
      "Momentum",
      this.#select({ 0: "none", 0.5: "0.5", 0.8: "0.8", 0.9: "0.9", 0.95: "0.95", 0.99: "0.99" }, (value) =>
        change({ momentum: Number(value) }),
      ),
      "The share of the last step that is taken again. For SGD.",
      { live: true },
    );
    const batches = Object.fromEntries([...BATCHES.map((n) => [n, `${n}`])]);
    this.#field(
      "batch_size",
      "Batch size",
      this.#select({ ...batches, full: "all images" }, (value) =>
        change({ batch_size: value === "full" ? "full" : Number(value) }),
      ),
      "How many images are looked at in each step. Small: quick, jumpy steps. Large: steady ones.",
      { live: true },
    );
    this.#field(
      "l2",
      "L2",
      this.#select(Object.fromEntries(L2S.map((value) => [value, value ? String(value) : "none"])), (value) =>
        change({ l2: Number(value) }),
      ),
      "A price for large weights, against learning by heart.",
      { live: true },
    );
    this.#field(
      "loss",
      "Loss",
      this.#select(LOSSES, (loss) => rebuild({ loss }, LOSSES[loss])),
      "How being wrong is counted. Cross-entropy is what one takes for classes.",
    );
    this.#field(
      "label_smoothing",
      "Smoothing",
      this.#select({ 0: "none", 0.02: "2 %", 0.05: "5 %", 0.1: "10 %", 0.2: "20 %" }, (value) =>
        change({ label_smoothing: Number(value) }),
      ),
      "Label smoothing: ask for the right answer with a little less than 100 %.",
      { live: true },
    );
    this.#field(
      "initializer",
      "First weights",
      this.#select(INITIALIZERS, (initializer) =>
        rebuild({ initializer, initializer_std: null }, INITIALIZERS[initializer]),
      ),
      "The random numbers that the network begins with. Try all zeros, and watch nothing be learnt.",
    );
    this.#field(
      "schedule",
      "Schedule",
      this.#select(SCHEDULES, (name) => rebuild({ schedule: { name } }, SCHEDULES[name])),
      "How the learning rate changes over the epochs.",
    );
    this.#buildDistortions();
    const samples = { 100: "100", 500: "500", 1000: "1,000", 5000: "5,000", 20000: "20,000", "": "all" };
    this.#field(
      "train_samples",
      "Training images",
      this.#select(samples, (value) => rebuild({ train_samples: value ? Number(value) : null }, "training images")),
      "Learn from only so many images: with few, a network learns them by heart.",
    );
  }

  /** The learning rate: a slider over powers of ten, and the number itself. */
  #buildRate() {
    const set = (rate) => {
      this.#showRate(rate);
      this.change({ learning_rate: rate });
    };
    const slider = h("input", {
      type: "range",
      min: -5,
      max: 1,
      step: 0.05,
      "aria-label": "Learning rate, as a power of ten",
      on: { input: () => set(Number((10 ** Number(slider.value)).toPrecision(2))) },
    });
    const number = h("input", {
      type: "text",
      inputmode: "decimal",
      "aria-label": "Learning rate",
      on: {
        change: () => {
          const text = number.value.trim();
          const rate = text ? Number(text.replace(",", ".")) : NaN;
          const good = rate >= 0 && rate <= MOST_RATE;
          number.value = String(good ? rate : this.rate);
          if (good) return set(rate);
          return toast(
            `A learning rate is a number from 0 to ${MOST_RATE}, such as 0.002; “${text.slice(0, 20)}” is none. It stays ${this.rate}.`,
          );
        },
      },
    });
    this.slider = slider;
    const both = h("div", { class: "rate" }, slider, number);
    const field = this.#field(
      "learning_rate",
      "Learning rate",
      number,
      "How far each step goes. Change it while the network trains, and watch the curves.",
      { live: true, wide: true },
    );
    field.replaceWith(both);
    both.append(number);
    both.previousSibling.append(h("span", { id: "rate-now" }));
    hint(slider, "The learning rate, from 0.00001 to 10: each mark is ten times the one before.");
  }

  #showRate(rate) {
    this.rate = rate;
    if (rate > 0) this.slider.value = Math.log10(rate);
    this.slider.setAttribute("aria-valuetext", plain(rate));
    const field = this.#fields.learning_rate;
    if (document.activeElement !== field) field.value = String(rate);
  }

  /** Where the schedule has brought the rate to, if that is another one. */
  showRateNow(rate) {
    const now = byId("rate-now");
    const differs = Math.abs(rate - this.rate) > 0.02 * this.rate;
    now.textContent = differs ? ` · now ${plain(rate)}` : "";
  }

  /** A popover with a slider for each distortion. */
  #buildDistortions() {
    const panel = h("div", {
      id: "distortions",
      class: "popover sliders",
      popover: "auto",
      role: "group",
      "aria-label": "Distortions",
    });
    this.sliders = {};
    for (const [name, [most, step, unit]] of Object.entries(DISTORTIONS)) {
      const value = h("output", {}, "off");
      const slider = h("input", {
        type: "range",
        min: 0,
        max: most,
        step,
        value: 0,
        "aria-label": name,
        on: {
          input: () => {
            this.#showDistortion(name);
            this.change({ augment: this.#distorted() });
          },
        },
      });
      hint(
        slider,
        `${name[0].toUpperCase()}${name.slice(1)}: up to this much, anew for each image${unit ? ` (${unit})` : ""}`,
      );
      this.sliders[name] = { slider, value, unit };
      panel.append(h("label", { class: "row" }, h("span", {}, name), slider, value));
    }
    const button = h("button", { type: "button", popovertarget: "distortions", class: "select" }, "none");
    this.#field("augment", "Distortions", button, "Shift, turn, bend each training image a little, anew each time.", {
      live: true,
    });
    panel.addEventListener("toggle", (event) => event.newState === "open" && beside(panel, button));
    button.after(panel);
  }

  #distorted() {
    return {
      ...this.augment,
      ...Object.fromEntries(Object.entries(this.sliders).map(([name, { slider }]) => [name, Number(slider.value)])),
    };
  }

  #showDistortion(name) {
    const { slider, value, unit } = this.sliders[name];
    const amount = Number(slider.value);
    value.textContent = amount ? `${plain(amount)} ${unit}` : "off";
  }

  showPresets(presets) {
    this.presets = presets;
    const options = Object.fromEntries(presets.map(({ name, title }) => [name, title ? `${name}: ${title}` : name]));
    this.#fill(this.#fields.preset, { "": "your own", ...options });
  }

  /** What the server has built. */
  show(setup) {
    const { optimizer } = setup;
    this.augment = Object.fromEntries(Object.entries(setup.augment ?? {}).filter(([, value]) => value !== null));
    const values = {
      preset: this.presets?.find((preset) => same(complete(preset.setup), setup))?.name ?? "",
      optimizer: optimizer.name,
      momentum: optimizer.momentum ?? 0,
      batch_size: setup.batch_size,
      l2: setup.l2,
      loss: setup.loss,
      label_smoothing: setup.label_smoothing,
      initializer: setup.initializer,
      schedule: setup.schedule?.name ?? "constant",
      train_samples: setup.train_samples ?? "",
    };
    for (const [key, value] of Object.entries(values)) this.#pick(this.#fields[key], String(value));
    byId("settings-digest").textContent = [
      OPTIMIZERS[optimizer.name],
      plain(optimizer.learning_rate),
      `batch ${setup.batch_size}`,
      LOSSES[setup.loss],
    ].join(" · ");
    this.#fields.momentum.disabled = optimizer.name !== "sgd";
    this.#showRate(optimizer.learning_rate);
    for (const [name, { slider }] of Object.entries(this.sliders)) {
      slider.value = this.augment[name] ?? 0;
      this.#showDistortion(name);
    }
    const on = Object.keys(DISTORTIONS).filter((name) => this.augment[name]);
    this.#fields.augment.textContent = on.length ? (on.length > 2 ? `${on.length} kinds` : on.join(", ")) : "none";
  }

  /** A select shows a value that isn't among its options by getting one more. */
  #pick(control, value) {
    if (![...control.options].some((option) => option.value === value)) control.append(h("option", { value }, value));
    control.value = value;
  }

  /** The field that a refusal is about, marked until it changes. */
  mark(where) {
    const key = (where ?? "").replace(/^optimizer\./, "").split(".")[0];
    const field = this.#fields[key];
    if (!field) return;
    field.setAttribute("aria-invalid", "true");
    field.addEventListener("change", () => field.removeAttribute("aria-invalid"), { once: true });
  }
}

/** Whether a preset is what is built: nothing that the preset says differs. */
function same(wanted, setup) {
  if (wanted === null || typeof wanted !== "object") return wanted === setup;
  if (Array.isArray(wanted))
    return Array.isArray(setup) && wanted.length === setup.length && wanted.every((each, k) => same(each, setup[k]));
  return Object.entries(wanted).every(([key, value]) => key === "seed" || key === "data" || same(value, setup?.[key]));
}
