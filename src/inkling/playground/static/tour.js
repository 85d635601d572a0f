/**
 * Six steps around the page for a first visitor: what one sees, and something to do in each.
 *
 * A note beside the thing it is about; the rest of the page stays usable, for one is meant to try. Escape leaves.
 */

import { byId } from "./dom.js";

const SEEN = "inkling-tour";
const MARGIN = 12;

/**
 * at: what the step is about; clear: what of it must not lie under the card; below: the card stands at the lower edge
 * of the window; right: it does so in the right corner, where there is no room elsewhere.
 */
const STEPS = [
  {
    at: "stage",
    clear: "#feet > :first-child",
    title: "A network, looking at a digit",
    text: "On the left the digit, 28 × 28 pixels. Each small cell is a neuron; the darker, the more it fires. On the right the ten answers. It hasn't learnt anything yet, so it guesses.",
  },
  {
    at: "play",
    title: "Let it learn",
    text: "Press Play. In each step it looks at a few digits, finds out which way to change every weight, and takes a small step that way.",
    act: "play",
    label: "Press it for me",
  },
  {
    at: "curves-panel",
    title: "Watch it happen",
    text: "The loss falls, the accuracy climbs. The dashed curve is measured on digits that it never learns from: that is the one that counts.",
  },
  {
    at: "stage",
    clear: "#feet > :first-child", // and so all cells above it
    below: true,
    title: "Open a neuron",
    text: "Press any cell: you see the weights it has learnt, the digits that excite it, and the sum it makes, with its real numbers. Pause, press Step, and it explains how one weight changes.",
    act: "open",
    label: "Open one for me",
  },
  {
    at: "draw",
    clear: "#seen",
    right: true,
    title: "Write something",
    text: "Draw a digit. Beside it is what the network gets to see, and what it reads, while you draw. If it is wrong, tell it what you meant: it can learn from you.",
  },
  {
    at: "settings-card",
    title: "Change something",
    text: "More neurons, another optimizer, a learning rate that is far too large. The earlier curve stays as a ghost, so you can compare. What you've set up is in the address bar: copy it to share.",
  },
];

export class Tour {
  #at = -1;
  #came = null;

  /** act(name): "play" or "open", what a step offers to do; show(place) brings a hidden panel to the front. */
  constructor({ act, show }) {
    Object.assign(this, { act, show });
    this.card = byId("tour");
    byId("tour-start").addEventListener("click", () => this.start());
    byId("invite-start").addEventListener("click", () => this.start());
    byId("invite-close").addEventListener("click", () => this.#seen());
    byId("tour-next").addEventListener("click", () => this.#go(this.#at + 1));
    byId("tour-back").addEventListener("click", () => this.#go(this.#at - 1));
    byId("tour-close").addEventListener("click", () => this.end());
    byId("tour-act").addEventListener("click", () => this.act(STEPS[this.#at].act));
    this.card.addEventListener("keydown", (event) => event.key === "Escape" && this.end());
    for (const event of ["scroll", "resize"])
      addEventListener(event, () => this.#at >= 0 && this.#stand(), { passive: true, capture: true });
  }

  /** To be called when there is something to see: invites whoever hasn't been here. */
  invite() {
    let seen = true;
    try {
      seen = localStorage.getItem(SEEN) !== null;
    } catch {
      // no storage allowed: then nobody is asked twice, nor once
    }
    byId("invite").hidden = seen;
  }

  #seen() {
    byId("invite").hidden = true;
    try {
      localStorage.setItem(SEEN, "yes");
    } catch {
      // as above
    }
  }

  start() {
    this.#came = document.activeElement;
    this.#seen();
    this.#go(0);
  }

  end() {
    this.#at = -1;
    this.card.hidden = true;
    document.querySelector(".toured")?.classList.remove("toured");
    (this.#came?.isConnected && this.#came !== document.body ? this.#came : byId("tour-start")).focus({
      preventScroll: true,
    });
  }

  #go(at) {
    if (at >= STEPS.length) return this.end();
    this.#at = Math.max(at, 0);
    const { at: place, title, text, act, label } = STEPS[this.#at];
    this.show(place);
    document.querySelector(".toured")?.classList.remove("toured");
    const target = byId(place);
    target.classList.add("toured");
    byId("tour-count").textContent = `${this.#at + 1} of ${STEPS.length}`;
    byId("tour-title").textContent = title;
    byId("tour-text").textContent = text;
    byId("tour-back").disabled = this.#at === 0;
    byId("tour-next").textContent = this.#at === STEPS.length - 1 ? "Done" : "Next";
    byId("tour-act").hidden = !act;
    byId("tour-act").textContent = label ?? "";
    this.card.hidden = false;
    this.#scroll(target);
    byId("tour-title").focus({ preventScroll: true });
    return undefined;
  }

  /** Bring the target into view, and what one is to see or press there (`clear`) out from under the card. */
  #scroll(target) {
    const { clear } = STEPS[this.#at];
    const from = scrollY;
    target.scrollIntoView({
      block: target.offsetHeight > innerHeight * 0.6 ? "start" : "center",
      behavior: "instant",
    });
    this.#stand();
    const [wanted, card] = [clear ? document.querySelector(clear) : target, this.card].map((each) =>
      each.getBoundingClientRect(),
    );
    const beside = card.right < wanted.left || card.left > wanted.right || card.bottom < wanted.top;
    const room = wanted.top - document.querySelector("header").offsetHeight - MARGIN;
    if (!beside)
      scrollBy({ top: Math.max(Math.min(wanted.bottom + MARGIN - card.top, room), 0), behavior: "instant" });
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
      const to = scrollY;
      scrollTo({ top: from, behavior: "instant" });
      scrollTo({ top: to, behavior: "smooth" });
    }
    this.#stand();
  }

  /** Beside its target where there is room: below, right, left or above; else at the lower edge of the window. */
  #stand() {
    const { at, below, right } = STEPS[this.#at];
    const target = byId(at).getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.card;
    const [centre, upper] = [target.left + target.width / 2 - width / 2, Math.max(target.top, MARGIN) + 48];
    const bottom = innerHeight - height - MARGIN - document.querySelector(".hint-bar").offsetHeight;
    const places = [
      [centre, target.bottom + MARGIN],
      [target.right + MARGIN, upper],
      [target.left - width - MARGIN, upper],
      [centre, target.top - height - MARGIN],
    ];
    const fits = ([x, y], k) =>
      (k % 3 || (y > MARGIN && y < bottom)) && (k % 3 === 0 || (x > MARGIN && x + width < innerWidth - MARGIN));
    const [x, y] = (!below && places.find(fits)) || [right ? innerWidth : target.left + MARGIN, bottom];
    this.card.style.left = `${Math.min(Math.max(x, MARGIN), innerWidth - width - MARGIN)}px`;
    this.card.style.top = `${Math.min(Math.max(y, MARGIN), bottom)}px`;
  }
}
