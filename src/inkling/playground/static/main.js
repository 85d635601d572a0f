/**
 * The page: one state, one stream, and the parts of the page between them.
 *
 * What a person does becomes a command; what the server answers becomes the state and the pictures. The page computes
 * nothing that the network computes.
 */

import { Settings } from "./controls.js";
import { Curves, nameOf } from "./curves.js";
import { Data, titled } from "./data.js";
import { announce, atMost, byId, percent } from "./dom.js";
import { Inspector } from "./inspector.js";
import { Mistakes } from "./mistakes.js";
import { NetworkView } from "./network.js";
import { Pad } from "./pad.js";
import { startShare, startTabs, startTheme, startWords, toast } from "./shell.js";
import { State, complete, fromHash, toHash } from "./state.js";
import { Lost, Stream } from "./stream.js";
import { Tour } from "./tour.js";
import { Transport } from "./transport.js";
import { hint } from "./words.js";

const state = new State();
const stream = new Stream();
const ask = (type, fields) => stream.send(type, fields);

let status = { state: "building", step: 0, epoch: 0, batch: 0, batches: 0 };
let wanted = null; // the set-up that has been asked for and isn't built yet
let look = { source: "sample", split: "validation", index: 0 };
let dataSets = [];
let network = null;
let taught = 0; // drawings among the training images
let first = null; // what validation said before the first step

const transport = new Transport({ act, pace: (steps_per_second) => tell(ask("pace", { steps_per_second })) });
const settings = new Settings({ rebuild, change, preset: usePreset });
const view = new NetworkView({
  onEdit: (layers, sentence) => rebuild({ layers }, sentence),
  onOpen: openNeuron,
  onLook: lookAt,
});
const curves = new Curves();
const mistakes = new Mistakes({ ask, onLook: (index) => lookAt(index) });
const pad = new Pad({
  send: (header, ink) => stream.draw(header, ink),
  teach,
  onDrawn: () => showDrawing(),
  onCleared: () => showSample(),
});
const inspector = new Inspector({ ask, onOpened: neuronOpened });
const data = new Data({ session: () => stream.session, onData: useData, onModel: useModel });
const tour = new Tour({
  act: (name) => (name === "play" ? status.state !== "playing" && act("play") : openSomeNeuron()),
  show: showInTour,
});

/** Wait for an answer; a refusal is told, a lost connection has its own banner. */
async function tell(promise, done) {
  try {
    const reply = await promise;
    done?.(reply);
    return reply;
  } catch (error) {
    if (!(error instanceof Lost)) {
      toast(inWords(error.message));
      settings.mark(error.where);
      settings.show(state.setup);
      view.showSetup(state.setup);
    }
    return null;
  }
}

/** Whether two set-ups are the same for a link. */
const sameSetup = (one, other) => toHash({ setup: one, view: {} }) === toHash({ setup: other, view: {} });

/** The server counts layers from 0 and the page from 1. */
const inWords = (message) =>
  message.replace(/^layers\.(\d+)(?:\.(\w+))?/, (_, k, what) => `Layer ${Number(k) + 1}${what ? `, ${what}` : ""}`);

async function act(name) {
  if (name === "reset" || name === "reseed") return tell(ask("reset", { new_seed: name === "reseed" }), showBuilt);
  // While a neuron is open, a single step is one that explains itself.
  if (name === "step" && inspector.opened && status.state === "paused") return inspector.explain();
  return tell(ask(name));
}

/** Ask for a new network. Several changes in a row become one; what was playing plays on. */
function rebuild(fields, sentence) {
  if (!network) return;
  wanted = { ...(wanted ?? state.setup), ...fields };
  if (fields.layers) view.showSetup(wanted);
  said = sentence;
  sendBuild();
}

let said = "";
const sendBuild = atMost(150, async () => {
  if (!wanted) return;
  const setup = wanted;
  const playing = status.state === "playing";
  const reply = await tell(ask("build", { setup }), showBuilt);
  if (wanted === setup) wanted = null;
  if (!reply) return;
  announce(`${said ? `${said}: ` : ""}a new network with ${reply.network.parameters.toLocaleString("en")} weights.`);
  if (playing) tell(ask("play"));
});

function change(fields) {
  if (!network) return;
  tell(ask("change", fields), ({ setup }) => {
    state.change(setup);
    settings.show(state.setup);
    curves.rename(nameOf(state.setup, firstLook()));
  });
}

/** What a visitor finds, as the server says it. */
const firstLook = () => settings.presets[0].setup;

function usePreset(name) {
  const preset = settings.presets.find((each) => each.name === name);
  if (preset) rebuild({ ...complete(preset.setup), data: state.setup.data }, preset.title || name);
  else settings.show(state.setup);
}

async function useData(found) {
  if (found.train !== undefined && !dataSets.some(({ name }) => name === found.name)) dataSets.push(titled(found));
  const setup = { ...state.setup, data: found.name };
  const reply = await ask("build", { setup });
  showBuilt(reply);
}

/** A model came over HTTP: what the stream said of it may have been here first. */
function useModel(reply) {
  showBuilt(reply);
  if (first) showEpoch(first);
  tell(ask("look", { source: look.source, split: look.split, index: look.index }));
}

async function lookAt(which) {
  const { split, index } = look;
  const at = look.source === "sample" ? index : -1;
  const total = countOf(split);
  const fields = {
    next: { index: (at + 1) % total },
    previous: { index: (at - 1 + total) % total },
    random: { index: Math.floor(Math.random() * total) },
    mistake: { mistake: true },
  }[which] ?? { index: which };
  await tell(ask("look", { source: "sample", split, ...fields }), (reply) => {
    look = reply;
    inspector.outdated();
    if (typeof which === "number") byId("stage").scrollIntoView({ block: "nearest" });
  });
}

function showDrawing() {
  if (look.source === "drawing") return;
  look = { ...look, source: "drawing" };
  tell(ask("look", { source: "drawing" }));
}

/** The paper is empty again: back to the digit that was looked at before. */
function showSample() {
  if (look.source === "sample") return;
  look = { ...look, source: "sample" };
  tell(ask("look", { source: "sample", split: look.split }), (reply) => {
    look = reply;
    inspector.outdated();
  });
}

async function teach(label) {
  const reply = await ask("teach", { label });
  ({ taught } = reply);
  data.show(dataSets, state.setup.data, taught);
  return reply;
}

function openNeuron(layer, unit) {
  inspector.show(layer, unit);
  bringForward("neuron-panel");
}

const openSomeNeuron = () => network && openNeuron(network.layers[0].name, 3 % network.layers[0].shape.at(-1));

function neuronOpened(layer, unit) {
  view.markOpened(layer, unit);
  document.body.classList.toggle("neuron-open", layer !== null);
  if (layer === null) bringForward("curves-panel");
}

/** What the tour speaks of must not lie under the sheet of an open neuron. */
function showInTour(id) {
  bringForward(id);
  if (inspector.opened && matchMedia("(max-width: 75rem)").matches) inspector.close();
}

/** Curves and the open neuron share a place; this brings one of them to the front. */
function bringForward(id) {
  if (id !== "curves-panel" && id !== "neuron-panel") return;
  for (const name of ["curves", "neuron"]) {
    const front = id === `${name}-panel`;
    byId(`tab-${name}`).setAttribute("aria-selected", String(front));
    byId(`tab-${name}`).tabIndex = front ? 0 : -1;
    byId(`${name}-panel`).classList.toggle("behind", !front);
  }
  document.body.classList.toggle("neuron-front", id === "neuron-panel" && inspector.opened);
}

function showBuilt({ setup, network: built }) {
  network = built;
  state.change(setup);
  curves.begin(nameOf(state.setup, firstLook()));
  settings.show(state.setup);
  view.showNetwork(built, state.setup);
  inspector.showNetwork(built);
  mistakes.clear();
  taught = 0;
  data.show(dataSets, state.setup.data, taught);
  transport.showScores({ loss: null, validation: null });
  byId("count-weights").textContent = built.parameters.toLocaleString("en");
}

stream.on("hello", (hello) => {
  const known = network !== null && hello.resumed;
  dataSets = [titled(hello.data), ...(hello.uploads ?? []).map(titled)];
  data.most = hello.limits?.upload_bytes ?? data.most;
  if (hello.look) look = hello.look;
  settings.showPresets(hello.presets);
  showStatus(hello.status);
  transport.showPace(hello.pace);
  const link = known ? null : fromHash(network ? "" : location.hash);
  const asked = link && Object.keys(link.setup).length ? complete({ ...hello.setup, ...link.setup }) : null;
  const there = hello.resumed && asked && sameSetup(asked, complete(hello.setup)); // the page was loaded again
  const mine = network && !known ? state.setup : there ? null : asked;
  if (link) state.view = { ...state.view, ...link.view };
  if (known) {
    network = hello.network;
    state.change(hello.setup);
  } else showBuilt(hello);
  ({ taught = 0 } = hello);
  data.show(dataSets, state.setup.data, taught);
  if (hello.resumed) {
    curves.restore(hello.points ?? [], hello.validation_points ?? []);
    transport.showScores({ loss: hello.points?.at(-1)?.[1] });
  }
  for (const point of hello.history ?? []) showEpoch(point);
  for (const [step, loss, accuracy] of hello.validation_points ?? []) curves.addValidation(step, loss, accuracy);
  showView();
  if (mine)
    rebuild(
      { ...mine, data: network && dataSets.some(({ name }) => name === mine.data) ? mine.data : "default" },
      "Your set-up",
    );
  if (link?.complaints.length) toast(`The link says things that this page doesn't know: ${link.complaints.join(", ")}`);
  tell(ask("view", { weights: true, every_ms: 250 }));
  if (!known) tour.invite();
  if (pad.empty) showSample();
});

stream.on("status", showStatus);
stream.on("epoch", showEpoch);
stream.on("validation", ({ step, loss, accuracy }) => {
  curves.addValidation(step, loss, accuracy);
  transport.showScores({ validation: accuracy });
});

stream.on("points", ({ points }) => {
  curves.addTraining(points);
  transport.showScores({ loss: points.at(-1)[1] });
  mistakes.outdated();
  pad.again();
});

stream.on("tick", (tick) => {
  transport.showProgress(tick);
  settings.showRateNow(tick.learning_rate);
  view.showTick(tick);
  inspector.outdated();
});

function showStatus(given) {
  const before = status.state;
  status = given;
  transport.showStatus(given);
  const failed = Boolean(given.error);
  byId("failed").hidden = !failed;
  if (failed) byId("failed-say").textContent = given.error;
  if (before !== given.state && before !== "building") {
    if (given.state === "paused") announce(`Paused at step ${given.step}.`);
    if (given.state === "playing") announce("Training.");
  }
}

function showEpoch(message) {
  const { step, epoch, validation_loss: loss, validation_accuracy: accuracy } = message;
  if (epoch === 0) first = message;
  if (loss !== null && loss !== undefined) curves.addValidation(step, loss, accuracy);
  transport.showScores({ validation: accuracy ?? null });
  if (epoch > 0 && status.state !== "playing") announce(`Epoch ${epoch}: validation accuracy ${percent(accuracy)}.`);
}

stream.on("connection", ({ state: line, reason, tries, wait }) => {
  document.body.dataset.line = line;
  const words = {
    connecting: tries ? "Trying to reach the server …" : "",
    open: "",
    lost:
      tries > 4
        ? "The server doesn't answer. Is `inkling play` still running? Your set-up is kept here."
        : `The connection is lost; trying again in ${Math.ceil((wait ?? 0) / 1000)} s. The training waits.`,
  }[line];
  const final = {
    full: "All places are taken",
    ended: "This session has ended",
    elsewhere: "This training is open in another tab",
  }[line];
  byId("line").hidden = !words;
  byId("line-say").textContent = words ?? "";
  byId("over").hidden = !final;
  for (const part of document.querySelectorAll("header, main")) part.inert = Boolean(final);
  if (final) {
    byId("over-title").textContent = final;
    byId("over-say").textContent =
      reason ||
      {
        full: "Somebody has to close a tab first.",
        ended: "It had been idle for long.",
        elsewhere: "Go on there, or begin another one here.",
      }[line];
    byId("over-again").focus();
  }
  if (line !== "open") transport.showStatus({ ...status, state: "building" });
});

function countOf(split) {
  const used = dataSets.find(({ name }) => name === state.setup.data) ?? dataSets[0];
  return used?.[split] || used?.train || 1;
}

function showView() {
  view.showView(state.view);
  for (const button of document.querySelectorAll("[data-show]"))
    button.setAttribute("aria-pressed", String(button.dataset.show === state.view.show));
  byId("lines").checked = state.view.lines === "on";
}

function startView() {
  for (const button of document.querySelectorAll("[data-show]")) {
    button.addEventListener("click", () => state.change({ show: button.dataset.show }, "view"));
  }
  hint(document.querySelector("[data-show=fires]"), "Colour each neuron by how much it fires for this digit");
  hint(
    document.querySelector("[data-show=seeks]"),
    "Draw the weights of the first layer and the kernels of convolutions: what they look for",
  );
  hint(
    byId("lines"),
    "Draw the strongest connections: orange and solid where positive, blue and dashed where negative",
  );
  byId("lines").addEventListener("change", (event) =>
    state.change({ lines: event.target.checked ? "on" : "off" }, "view"),
  );
  state.on((_, what) => what === "view" && showView());
}

function startRemedies() {
  byId("failed-slower").addEventListener("click", () => {
    const { learning_rate: rate, ...rest } = state.setup.optimizer;
    rebuild(
      { optimizer: { ...rest, learning_rate: Number((rate / 10).toPrecision(2)) } },
      "A tenth of the learning rate",
    );
  });
  byId("failed-reset").addEventListener("click", () => act("reset"));
  byId("line-now").addEventListener("click", () => stream.connect());
  byId("over-again").addEventListener("click", () => stream.connect());
}

startTheme(() => {
  view.repaint();
  pad.paint();
  pad.again();
  inspector.outdated();
  mistakes.outdated();
});
startView();
startTabs(bringForward);
startShare((link) => {
  state.change(link.view, "view");
  if (Object.keys(link.setup).length) rebuild(link.setup, "The link's set-up");
});
startRemedies();
startWords();
stream.connect();
