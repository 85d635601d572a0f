/**
 * The pad: draw with mouse, pen, touch or keys, and see what the network reads, while you draw.
 *
 * Strokes are kept as points, so they can be undone. Their ink goes to the server, which brings it into MNIST's form
 * (28 × 28, centred by its mass), reads it, and says which ink mattered. One drawing at a time is on its way; if the
 * pen has moved on by the time it is answered, the next one goes at once.
 */

import { colours, css, drawImage, inkOf, prepare } from "./colours.js";
import { aDigit, announce, byId, h, icon, percent } from "./dom.js";
import { PEN, outline, strokesOn } from "./strokes.js";
import { hint } from "./words.js";

const SIDE = 280; // the pad's own pixels
const SENT = 140; // pixels of the side that goes to the server
const KEY_STEP = 7;

export class Pad {
  #strokes = [];
  #drawing = null;
  #cursor = null; // where the keyboard's pen stands: {x, y, down}
  #sending = false;
  #changed = false;
  #answer = null;
  #frame = null;
  #sheet = new OffscreenCanvas(SENT, SENT);

  /**
   * send({width, height, final}, ink) → reply; teach(label) → reply; onDrawn() when the network shall show it, and
   * onCleared() when there is nothing to show any more.
   */
  constructor({ send, teach, onDrawn, onCleared }) {
    Object.assign(this, { send, teach, onDrawn, onCleared });
    this.canvas = byId("pad");
    this.over = byId("saliency");
    byId("pad-undo").prepend(icon("undo"));
    byId("pad-clear").prepend(icon("close"));
    hint(byId("pad-undo"), "Take back the last stroke");
    hint(byId("pad-clear"), "Begin with empty paper");
    hint(this.over, "For each pixel: it spoke for the answer (blue), or against it (orange, with a stroke)");
    hint(
      this.canvas,
      "Draw a digit. With keys: arrows move the pen, space puts it down and lifts it, Backspace takes a stroke back.",
    );
    for (const [event, run] of Object.entries({
      pointerdown: this.#down,
      pointermove: this.#move,
      pointerup: this.#up,
      pointercancel: this.#up,
      lostpointercapture: this.#up,
      keydown: this.#key,
      blur: this.#away,
    })) {
      this.canvas.addEventListener(event, (given) => run.call(this, given));
    }
    byId("pad-undo").addEventListener("click", () => this.undo());
    byId("pad-clear").addEventListener("click", () => this.clear());
    this.over.addEventListener("change", () => this.#showSeen());
    this.#buildBars();
    this.#buildTeach();
    this.paint();
    this.#showAnswer();
  }

  #place({ clientX, clientY, pressure, pointerType }) {
    const box = this.canvas.getBoundingClientRect();
    const force = pointerType === "pen" && pressure > 0 ? 0.55 + 0.9 * pressure : 1;
    return { x: ((clientX - box.left) / box.width) * SIDE, y: ((clientY - box.top) / box.height) * SIDE, force };
  }

  #down(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.#cursor = null;
    this.#drawing = [this.#place(event)];
    this.#strokes.push(this.#drawing);
    this.#touched();
  }

  #move(event) {
    if (!this.#drawing) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) this.#drawing.push(this.#place(each));
    this.#touched();
  }

  #up() {
    if (!this.#drawing) return;
    this.#drawing = null;
    this.#touched();
  }

  /** Arrows move the pen; with the pen down, they draw. */
  #key(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.ctrlKey || event.metaKey) return event.key === "z" ? (event.preventDefault(), this.undo()) : undefined;
    if (event.key === "Backspace") return (event.preventDefault(), this.undo());
    if (event.key === "Delete") return (event.preventDefault(), this.clear());
    if (!(event.key in steps) && event.key !== " ") return undefined;
    event.preventDefault();
    const pen = (this.#cursor ??= { x: SIDE / 2, y: SIDE / 2, down: false });
    if (event.key === " ") {
      pen.down = !pen.down;
      announce(pen.down ? "Pen down" : "Pen lifted");
      if (pen.down) this.#strokes.push([{ x: pen.x, y: pen.y, force: 1 }]);
    } else {
      const [right, down] = steps[event.key];
      pen.x = Math.min(Math.max(pen.x + right * KEY_STEP, 10), SIDE - 10);
      pen.y = Math.min(Math.max(pen.y + down * KEY_STEP, 10), SIDE - 10);
      if (pen.down) this.#strokes.at(-1).push({ x: pen.x, y: pen.y, force: 1 });
    }
    return pen.down ? this.#touched() : this.paint();
  }

  #away() {
    this.#cursor = null;
    this.paint();
  }

  get empty() {
    return !this.#strokes.length;
  }

  undo() {
    this.#strokes.pop();
    if (this.#cursor) this.#cursor.down = false;
    this.#touched();
  }

  clear() {
    this.#strokes = [];
    if (this.#cursor) this.#cursor.down = false;
    this.#touched();
  }

  #touched() {
    this.paint();
    this.#changed = true;
    byId("pad-undo").disabled = byId("pad-clear").disabled = !this.#strokes.length;
    this.#post();
  }

  /** The network has changed: what it says about the drawing may have as well. */
  again() {
    if (!this.#strokes.length || this.#drawing) return;
    this.#changed = true;
    this.#post();
  }

  async #post() {
    if (this.#sending) return;
    this.#sending = true;
    while (this.#changed) {
      this.#changed = false;
      if (!this.#strokes.length) {
        this.#answer = null;
        this.onCleared();
        break;
      }
      const sent = performance.now();
      try {
        this.#answer = await this.send({ width: SENT, height: SENT, final: !this.#drawing }, this.#ink());
        this.#answer.wait = performance.now() - sent;
        this.#answer.problem = null;
        if (!this.#answer.blank) this.onDrawn();
      } catch (error) {
        this.#answer = { ...this.#answer, problem: error.message };
      }
      this.#showAnswer();
    }
    this.#sending = false;
    this.#showAnswer();
  }

  #ink() {
    const pen = this.#sheet.getContext("2d", { willReadFrequently: true });
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, SENT, SENT);
    pen.scale(SENT / SIDE, SENT / SIDE);
    strokesOn(pen, this.#strokes, "#fff");
    const { data } = pen.getImageData(0, 0, SENT, SENT);
    return Uint8Array.from({ length: SENT * SENT }, (_, k) => data[4 * k]);
  }

  paint() {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      this.#paint();
    });
  }

  #paint() {
    const side = this.canvas.clientWidth || SIDE;
    const ratio = Math.min(devicePixelRatio || 1, 3);
    this.canvas.width = this.canvas.height = Math.round(side * ratio);
    const pen = this.canvas.getContext("2d");
    const { digit, muted, hair, accent } = colours();
    pen.scale((side * ratio) / SIDE, (side * ratio) / SIDE);
    if (!this.#strokes.length && !this.#cursor) {
      pen.fillStyle = css(muted);
      pen.textAlign = "center";
      pen.font = `16px ${getComputedStyle(this.canvas).fontFamily}`;
      pen.fillText("draw a digit here", SIDE / 2, SIDE / 2 + 5);
      pen.strokeStyle = css(hair);
      pen.setLineDash([4, 6]);
      pen.strokeRect(50, 30, 180, 220);
      pen.setLineDash([]);
    }
    strokesOn(pen, this.#strokes, css(digit));
    if (this.#cursor) {
      const { x, y, down } = this.#cursor;
      pen.beginPath();
      pen.arc(x, y, PEN / 2 + 2, 0, 2 * Math.PI);
      pen.strokeStyle = css(accent);
      pen.lineWidth = down ? 4 : 2;
      pen.setLineDash(down ? [] : [4, 3]);
      pen.stroke();
    }
  }

  #buildBars() {
    this.bars = Array.from({ length: 10 }, (_, k) => {
      const bar = h("span", { class: "bar-fill" });
      const value = h("span", { class: "bar-value" }, "");
      const item = h(
        "li",
        {},
        h("span", { class: "bar-digit" }, `${k}`),
        h("span", { class: "bar-track" }, bar),
        value,
      );
      return { bar, value, item };
    });
    byId("pad-bars").append(...this.bars.map(({ item }) => item));
  }

  #buildTeach() {
    const buttons = Array.from({ length: 10 }, (_, k) =>
      hint(
        h(
          "button",
          {
            type: "button",
            disabled: true,
            "aria-label": `This is ${aDigit(k)}: add it to the training images`,
            on: { click: () => this.#teach(k) },
          },
          `${k}`,
        ),
        `Teach the network that this drawing is ${aDigit(k)}`,
      ),
    );
    byId("teach").append(...buttons);
    this.labels = buttons;
  }

  async #teach(label) {
    const say = byId("teach-say");
    try {
      const { taught, copies } = await this.teach(label);
      const times = copies > 1 ? ` (${copies} copies, so that it counts)` : "";
      say.textContent = `Learnt as ${aDigit(label)}${times}: ${taught} of your drawings ${taught === 1 ? "is" : "are"} among the training images. Train on to see what it does.`;
    } catch (error) {
      say.textContent = error.message;
    }
  }

  #showAnswer() {
    const answer = this.#strokes.length ? this.#answer : null;
    const known = answer?.probabilities && !answer.blank ? answer : null;
    byId("pad-digit").textContent = known ? known.digit : "?";
    const sentence =
      answer?.problem ??
      (known
        ? `${percent(known.probabilities[known.digit], 0)} sure; otherwise ${aDigit(known.runner_up)} (${percent(known.probabilities[known.runner_up], 0)})`
        : "nothing drawn yet");
    byId("pad-say").textContent = sentence;
    byId("pad-time").textContent = known ? `answered in ${Math.max(1, Math.round(known.wait))} ms` : " ";
    this.bars.forEach(({ bar, value, item }, k) => {
      const share = known?.probabilities[k] ?? 0;
      bar.style.transform = `scaleX(${share})`;
      value.textContent = known ? percent(share, 0) : "";
      item.classList.toggle("first", known?.digit === k);
    });
    for (const button of this.labels) button.disabled = !known;
    if (!known) byId("teach-say").textContent = " ";
    byId("pad-live").textContent =
      known && !this.#drawing && !this.#sending ? `Read as ${known.digit}, ${sentence}` : byId("pad-live").textContent;
    this.#showSeen();
  }

  /** The 28 × 28 that the network sees, and over it which ink mattered. */
  #showSeen() {
    const canvas = byId("seen");
    const side = 140;
    const pen = prepare(canvas, side, side);
    const { paper } = colours();
    const arrays = this.#strokes.length && !this.#answer?.blank ? this.#answer?.arrays : null;
    if (!arrays?.image) {
      pen.fillStyle = css(paper);
      return pen.fillRect(0, 0, side, side);
    }
    if (!this.over.checked || !arrays.saliency)
      return drawImage(pen, { ...inkOf(arrays.image.values), width: side, height: side });
    const values = arrays.saliency.values;
    const most = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-12);
    drawImage(pen, {
      rows: 28,
      columns: 28,
      sign: true,
      verdict: true,
      at: (row, column) => values[row * 28 + column] / most,
      width: side,
      height: side,
    });
    outline(pen, arrays.image.values, side / 28);
    return undefined;
  }
}
