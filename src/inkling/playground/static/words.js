/**
 * The page explains itself: a hint for every control, and a small glossary in words that need no other words.
 *
 * A hint is the control's title, its description for screen readers, and, while it is pointed at or focused, the line
 * at the foot of the page.
 */

import { byId, h } from "./dom.js";

export const GLOSSARY = {
  neuron: [
    "Neuron",
    "One small sum: every input times its weight, added up, plus a bias. What comes out goes through the activation function.",
  ],
  weight: [
    "Weight",
    "A number on a connection: how much this input counts. Positive weights excite, negative ones inhibit. Learning is nothing but changing weights.",
  ],
  bias: ["Bias", "A number that a neuron adds to its sum, whatever it sees: how easily it fires."],
  activation: [
    "Activation",
    "What a neuron says after its activation function. ReLU passes positive sums on and turns negative ones into 0; sigmoid and tanh squeeze them into a range.",
  ],
  layer: [
    "Layer",
    "Neurons that all look at the same inputs. A dense layer's neurons look at everything before them; a convolution's look at a small window that slides over the image.",
  ],
  convolution: [
    "Convolution",
    "The same few weights, the kernel, tried at every place of the image. What it answers at each place makes a new image: a feature map.",
  ],
  pooling: [
    "Pooling",
    "Of each small square of a feature map, only the largest number is kept: a smaller map that minds less where exactly something was.",
  ],
  loss: [
    "Loss",
    "One number for how wrong the network is; smaller is better. It grows when the network is sure of a wrong answer.",
  ],
  accuracy: ["Accuracy", "The share of digits that are read rightly."],
  gradient: [
    "Gradient",
    "For each weight: how much the loss would grow if the weight grew a little. Training goes the other way.",
  ],
  learning_rate: [
    "Learning rate",
    "How far each step goes against the gradient. Too small: it takes forever. Too large: it jumps past the goal, or blows up.",
  ],
  step: ["Step", "One batch of images is looked at, the gradient computed, and every weight moved a little."],
  batch: ["Batch", "The images looked at in one step. Large batches give steadier gradients, small ones more steps."],
  epoch: ["Epoch", "Once through all training images."],
  optimizer: [
    "Optimizer",
    "The rule that turns gradients into steps. SGD takes rate × gradient; momentum keeps rolling; RMSprop and Adam give each weight a pace of its own.",
  ],
  momentum: ["Momentum", "The share of the last step that is taken again, like a ball that keeps rolling."],
  dropout: [
    "Dropout",
    "While training, this share of the neurons is silenced at random, anew at each step, so that none can lean on one other.",
  ],
  l2: ["L2", "A small price for large weights, so that the network prefers simple explanations."],
  label_smoothing: [
    "Label smoothing",
    "The right answer is asked for with, say, 95 % instead of 100 %, so that the network doesn't become too sure.",
  ],
  batch_norm: [
    "Batch normalisation",
    "Brings each neuron's sums to the same mean and spread within a batch. Often lets a network learn faster.",
  ],
  initializer: [
    "First weights",
    "The random numbers the network begins with. Too large or too small, and nothing can be learnt; all zeros, and all neurons stay the same.",
  ],
  training: [
    "Training and validation images",
    "The network learns from the training images. The validation images it never learns from: they show how it reads digits it hasn't seen.",
  ],
  overfitting: [
    "Overfitting",
    "Learning the training images by heart: training accuracy keeps growing, validation accuracy no longer does.",
  ],
  distortions: [
    "Distortions",
    "Each training image is shifted, turned or bent a little, anew each time, so that there is always something new to learn from.",
  ],
  confusion: [
    "Confusion matrix",
    "How often each digit is read as which. Rows are the truth, columns the answer; mistakes are off the diagonal.",
  ],
  saliency: [
    "Which ink mattered",
    "For each pixel of a drawing: did it speak for the answer (blue) or against it (orange)?",
  ],
  softmax: ["Softmax", "Turns ten sums into ten probabilities that add up to 100 %."],
};

let count = 0;

/** Give a control its hint; returns the control. */
export function hint(control, text) {
  const old = control.dataset.hint && byId(control.dataset.hint);
  if (old) {
    old.textContent = text;
  } else {
    const id = `hint-${(count += 1)}`;
    byId("hints").append(h("span", { id }, text));
    control.dataset.hint = id;
    control.setAttribute("aria-describedby", [control.getAttribute("aria-describedby"), id].filter(Boolean).join(" "));
  }
  control.title = text;
  return control;
}

/** The line at the foot of the page says the hint of whatever is pointed at or focused. */
export function startHints() {
  const line = byId("hint-line");
  const rest = line.textContent;
  const say = (event) => {
    const control = event.target.closest?.("[data-hint]");
    line.textContent = (control && byId(control.dataset.hint)?.textContent) || rest;
  };
  document.addEventListener("pointerover", say);
  document.addEventListener("focusin", say);
}

/** Forget the hints of controls that are no longer on the page. */
export function sweepHints() {
  for (const text of [...byId("hints").children]) {
    if (!document.querySelector(`[data-hint="${text.id}"]`)) text.remove();
  }
}

/** The glossary: a dialog with all words, opened at one of them. */
export function startGlossary() {
  const dialog = byId("glossary");
  const entries = Object.entries(GLOSSARY).sort(([, [a]], [, [b]]) => a.localeCompare(b));
  byId("glossary-list").append(
    ...entries.map(([key, [name, text]]) => h("div", { id: `word-${key}` }, h("dt", {}, name), h("dd", {}, text))),
  );
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-word]");
    if (!link) return;
    dialog.showModal();
    dialog.querySelector(".here")?.classList.remove("here");
    const word = byId(`word-${link.dataset.word}`);
    word?.classList.add("here");
    if (word) word.scrollIntoView({ block: "center" });
    else dialog.scrollTop = 0;
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}

/** A word of the glossary as a small button in running text. */
export const word = (key, text = GLOSSARY[key][0].toLowerCase()) =>
  h("button", { type: "button", class: "word", "data-word": key }, text);
