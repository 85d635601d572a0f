/**
 * The bar at the top: play, pause, step, epoch, reset, by button and by key, and the figures of the moment.
 */

import { byId, h, icon, percent, plain, whole } from "./dom.js";
import { hint } from "./words.js";

const PACES = [
  ["full", "full speed"],
  [100, "100 steps/s"],
  [20, "20 steps/s"],
  [5, "5 steps/s"],
  [1, "1 step/s"],
];

/** The bar at the top: what goes on, and how to make it go on. */
export class Transport {
  #playing = false;
  #able = false;

  /** act(name): "play", "pause", "step", "epoch", "reset", "reseed"; pace(steps a second or null). */
  constructor({ act, pace }) {
    this.act = act;
    this.play = byId("play");
    this.play.addEventListener("click", () => act(this.#playing ? "pause" : "play"));
    hint(this.play, "Train, or pause. The space bar does the same.");
    for (const [name, text] of [
      ["step", "One step: one batch of images. Key: S"],
      ["epoch", "Train to the end of this epoch: once through all training images. Key: E"],
      ["reset", "Begin again from the same first weights. With Shift: from others. Key: R"],
    ]) {
      const button = byId(name);
      button.prepend(icon(name));
      button.addEventListener("click", (event) => act(name === "reset" && event.shiftKey ? "reseed" : name));
      hint(button, text);
    }
    this.speed = byId("pace");
    const { speed } = this;
    speed.append(...PACES.map(([value, name]) => h("option", { value }, name)));
    speed.addEventListener("change", () => pace(speed.value === "full" ? null : Number(speed.value)));
    hint(speed, "How fast to train: slowly enough to watch, or as fast as the computer can");
    this.showStatus({ state: "building", step: 0, epoch: 0, batch: 0, batches: 0 });
    document.addEventListener("keydown", (event) => this.#key(event));
    // Who presses with the mouse doesn't expect that the space bar presses the same button again.
    this.play.parentElement.addEventListener(
      "click",
      (event) => event.detail && event.target.closest("button")?.blur(),
    );
  }

  /** Space, S, E and R, unless somebody is typing or a control means something else by them. */
  #key(event) {
    const busy =
      event.target.closest("input, select, textarea, dialog, [data-keys], [popover]") ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey;
    if (busy || (event.key === " " && event.target.closest("button, a, summary"))) return;
    const name = { " ": this.#playing ? "pause" : "play", s: "step", e: "epoch", r: "reset", R: "reseed" }[event.key];
    if (!name || event.repeat) return;
    event.preventDefault();
    if (this.#able) this.act(name);
  }

  showStatus({ state, step, epoch, batch, batches, error }) {
    this.#playing = state === "playing";
    this.#able = state === "playing" || state === "paused";
    const name = this.#playing ? "Pause" : "Play";
    if (this.play.dataset.name !== name) {
      this.play.dataset.name = name;
      this.play.replaceChildren(icon(name.toLowerCase()), h("span", {}, name));
    }
    for (const id of ["play", "step", "epoch", "reset"])
      byId(id).disabled = !this.#able || (Boolean(error) && id !== "reset");
    document.body.dataset.state = error ? "failed" : state;
    this.showProgress({ step, epoch, batch, batches });
  }

  /** At most so many steps a second, null for as many as can be. */
  showPace(pace) {
    this.speed.value = String(pace ?? "full");
  }

  showProgress({ step, epoch, batch, batches, samples_per_second: speed }) {
    byId("count-step").textContent = whole(step ?? 0);
    byId("count-epoch").textContent = whole(epoch ?? 0);
    byId("count-batch").value = batches ? batch / batches : 0;
    if (speed !== undefined) byId("count-speed").textContent = speed ? whole(Number(speed.toPrecision(3))) : "–";
  }

  showScores({ loss, validation }) {
    if (loss !== undefined)
      byId("score-loss").textContent =
        loss === null ? "–" : loss < 0.0995 ? loss.toFixed(4) : loss < 1000 ? loss.toFixed(3) : plain(loss);
    if (validation !== undefined) byId("score-validation").textContent = percent(validation, 1);
  }
}
