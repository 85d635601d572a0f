/**
 * A neuron, opened: its incoming weights, the sum that makes its z, the digits that excite it; and one step explained.
 *
 * Every number is the server's. The numbers of the sum are printed as they come, so that they add up to the last digit
 * on any calculator; so do those of the step.
 */

import { atMost, byId, h, icon } from "./dom.js";
import { excite, explained, now, sum, weights } from "./neuron.js";
import { hint } from "./words.js";

export class Inspector {
  #open = null; // {layer, unit}
  #network = null;
  #asking = false;
  #again = false;
  #step = null;

  /** ask(type, fields) sends a command; onOpened(layer, unit) is told which neuron is open, (null) when none is. */
  constructor({ ask, onOpened }) {
    Object.assign(this, { ask, onOpened });
    this.body = byId("neuron-body");
    this.refresh = atMost(700, () => this.#fetch());
    byId("neuron-close").prepend(icon("close"));
    byId("neuron-close").addEventListener("click", () => this.close());
    for (const [id, sign, by, text] of [
      ["neuron-previous", "left", -1, "The neuron before this one"],
      ["neuron-next", "right", 1, "The next neuron"],
    ]) {
      byId(id).prepend(icon(sign));
      byId(id).addEventListener("click", () => this.#turn(by));
      hint(byId(id), text);
    }
    hint(byId("explain"), "Take one training step, and see how it changes one weight of this neuron, number by number");
    byId("explain").addEventListener("click", () => this.explain());
    byId("neuron-panel").addEventListener("keydown", (event) => event.key === "Escape" && this.close());
  }

  get opened() {
    return this.#open !== null;
  }

  showNetwork(network) {
    this.#network = network;
    this.#step = null;
    const layer = this.#open && network.layers.find(({ name }) => name === this.#open.layer);
    if (!this.#open) return;
    if (layer && this.#open.unit < layer.shape.at(-1)) this.show(this.#open.layer, this.#open.unit);
    else this.close();
  }

  show(layer, unit) {
    const same = this.#open?.layer === layer && this.#open?.unit === unit;
    if (!same) this.#step = null;
    this.#open = { layer, unit };
    this.onOpened(layer, unit);
    this.#fetch();
  }

  close() {
    this.#open = null;
    this.#step = null;
    this.onOpened(null);
  }

  /** The weights or the digit have changed. */
  outdated() {
    if (this.#open) this.refresh();
  }

  #turn(by) {
    if (!this.#open) return;
    const { layer, unit } = this.#open;
    const count = this.#network.layers.find(({ name }) => name === layer).shape.at(-1);
    this.show(layer, (unit + by + count) % count);
  }

  async #fetch() {
    if (!this.#open) return;
    if (this.#asking) {
      this.#again = true;
      return;
    }
    this.#asking = true;
    const { layer, unit } = this.#open;
    try {
      const reply = await this.ask("neuron", { layer, unit });
      if (this.#open?.layer === layer && this.#open.unit === unit) this.#show(reply);
    } catch (error) {
      if (this.#open) this.body.replaceChildren(h("p", { class: "quiet-note" }, error.message));
    } finally {
      this.#asking = false;
      if (this.#again) {
        this.#again = false;
        this.refresh();
      }
    }
  }

  /** One step with everything kept; the page's Step does this too while a neuron is open. */
  async explain() {
    if (!this.#open) return;
    const { layer, unit } = this.#open;
    byId("explain").disabled = true;
    try {
      this.#step = await this.ask("explain_step", { layer, unit });
    } catch (error) {
      this.#step = { problem: error.message };
    } finally {
      byId("explain").disabled = false;
    }
    this.#showStep();
    byId("neuron-scroll").scrollTop = 0;
    this.refresh();
  }

  #layerName(name) {
    const at = this.#network.layers.findIndex((each) => each.name === name);
    const layer = this.#network.layers[at];
    if (layer?.kind === "output") return "the answer";
    return `layer ${at + 1} (${layer?.kind === "conv" ? "convolution" : "dense"})`;
  }

  /** The server's name of an input, with the page's name of the layer it comes from. */
  #inputName(input) {
    const layer = this.#network.layers.find(({ name }) => input.startsWith(`${name} `));
    return layer ? `${input.slice(layer.name.length + 1)} of ${this.#layerName(layer.name)}` : input;
  }

  #show(neuron) {
    const { layer, unit } = neuron;
    const { kind } = this.#network.layers.find(({ name }) => name === layer);
    const what =
      kind === "output" ? `The neuron for digit ${unit}` : kind === "conv" ? `Feature map ${unit}` : `Neuron ${unit}`;
    byId("neuron-title").textContent = what;
    byId("neuron-place").textContent = kind === "output" ? "among the ten answers" : `in ${this.#layerName(layer)}`;
    const sections = [now(neuron, kind), sum(neuron), weights(neuron, kind), excite(neuron)];
    const scrolled = this.body.scrollTop;
    this.body.replaceChildren(...sections.filter(Boolean));
    this.body.scrollTop = scrolled;
    this.#showStep();
  }

  #showStep() {
    const place = byId("step-say");
    const step = this.#step;
    place.hidden = !step;
    if (!step) return;
    if (step.problem) place.replaceChildren(h("p", { class: "quiet-note" }, step.problem));
    else place.replaceChildren(...explained(step, (input) => this.#inputName(input)));
  }
}
