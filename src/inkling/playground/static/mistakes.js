/**
 * The confusion matrix and the mistakes of the moment: which digits are taken for which, and what they look like.
 *
 * Both are asked for when they can be seen and have changed; a cell of the matrix picks out its mistakes. What they
 * take of the page is theirs from the beginning: nothing below may move while somebody is about to press it.
 */

import { confusionMatrix } from "./charts.js";
import { imageCanvas, inkOf } from "./colours.js";
import { atMost, byId, h, percent, whole } from "./dom.js";

const COUNT = 60;
const SHOWN = 24;
const EMPTY = Array.from({ length: 10 }, () => Array(10).fill(0));

export class Mistakes {
  #found = null;
  #cell = [null, null];
  #visible = false;
  #stale = true;
  #asking = false;

  /** ask(type, fields) sends a command; onLook(index) shows a validation image in the network. */
  constructor({ ask, onLook }) {
    Object.assign(this, { ask, onLook });
    this.section = byId("mistakes");
    this.matrix = confusionMatrix(byId("matrix"), EMPTY, {
      label: "Confusion matrix: rows are the truth, columns the answer",
      say: byId("matrix-say"),
      onCell: (truth, answer) => {
        this.#cell = [truth, answer];
        this.#showFound();
      },
    });
    this.refresh = atMost(1500, () => this.#refresh());
    for (const event of ["focusout", "pointerout"])
      this.section.addEventListener(event, () => this.#stale && this.#visible && this.refresh());
    new IntersectionObserver(([entry]) => {
      this.#visible = entry.isIntersecting;
      if (this.#visible && this.#stale) this.refresh();
    }).observe(this.section);
  }

  /** The weights have changed: what is shown is no longer true. */
  outdated() {
    this.#stale = true;
    if (this.#visible) this.refresh();
  }

  /** Forget what another network got wrong. */
  clear() {
    this.#found = null;
    this.outdated();
  }

  async #refresh() {
    // Whoever points into the matrix reads it, and whoever has the focus on a mistake would lose it.
    const read = this.section.querySelector("#matrix:is(:hover, :focus-within), #shelf:focus-within");
    if (this.#asking || (this.#found && read)) return;
    this.#asking = true;
    this.#stale = false;
    try {
      const [confusion, found] = await Promise.all([this.ask("confusion"), this.ask("mistakes", { count: COUNT })]);
      const { matrix, accuracy, count } = confusion;
      this.matrix.update(matrix);
      byId("mistakes-score").textContent = `${percent(accuracy)} of ${whole(count)} validation images read rightly`;
      this.#found = found;
      this.#showFound();
    } catch {
      this.#stale = true; // the connection's banner, or the next tick, says the rest
    } finally {
      this.#asking = false;
    }
  }

  #showFound() {
    if (!this.#found) return;
    const { indices, labels, predicted, probabilities, total, arrays } = this.#found;
    const [truth, answer] = this.#cell;
    const picked = indices
      .map((_, k) => k)
      .filter((k) => truth === null || truth === answer || (labels[k] === truth && predicted[k] === answer));
    const shelf = byId("shelf");
    const before = document.activeElement?.dataset?.index;
    shelf.replaceChildren(
      ...picked.slice(0, SHOWN).map((k) => {
        const sure = percent(probabilities[k][predicted[k]], 0);
        const name = `A ${labels[k]} read as ${predicted[k]}, ${sure} sure: show it in the network`;
        const button = h("button", {
          type: "button",
          class: "mistake",
          "data-index": indices[k],
          "aria-label": name,
          title: name,
          on: { click: () => this.onLook(indices[k]) },
        });
        button.append(
          imageCanvas(52, inkOf(arrays.images.values, k)),
          h("span", { "aria-hidden": "true" }, `${labels[k]} → ${predicted[k]}`),
        );
        return button;
      }),
    );
    shelf.querySelector(`[data-index="${before}"]`)?.focus({ preventScroll: true });
    const some = picked.length > SHOWN || total > indices.length ? "the surest of them" : "all of them";
    byId("shelf-say").textContent =
      total === 0
        ? "No mistakes: every validation image is read rightly."
        : picked.length === 0
          ? "None of these among the surest mistakes."
          : truth !== null && truth !== answer
            ? `${truth} read as ${answer}:`
            : `${whole(total)} mistakes, ${some} here. Press one to see it in the network.`;
  }
}
