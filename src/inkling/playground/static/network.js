/**
 * The picture in the middle of the page: what the network sees, what each neuron says, and what it answers.
 *
 * The dense parts are painted on a canvas (paint.js) in places that layout.js works out; above it lies one element for
 * each neuron, so that pointer, keyboard and screen reader can go from neuron to neuron. Arrow keys move, Enter opens.
 */

import { byId, h, icon, percent, plain } from "./dom.js";
import { drawHeads, footText } from "./layers.js";
import { layout } from "./layout.js";
import { Painter } from "./paint.js";
import { hint, sweepHints } from "./words.js";

export class NetworkView {
  #sheet = byId("sheet");
  #scroll = byId("stage-scroll");
  #heads = byId("heads");
  #cells = byId("cells");
  #feet = byId("feet");
  #tip = byId("tip");
  #painter = new Painter(byId("picture"), byId("threads"));
  #layers = null; // of the network that the server has built
  #setup = null;
  #at = [0, 0]; // column and cell that the keyboard is at
  #width = 0;
  places = null;

  /** onEdit(layers, sentence), onOpen(layer name, unit), onLook(which): what the page does about it. */
  constructor({ onEdit, onOpen, onLook }) {
    Object.assign(this, { onEdit, onOpen, onLook });
    new ResizeObserver(() => this.#scroll.clientWidth !== this.#width && this.#place()).observe(this.#scroll);
    addEventListener("resize", () => this.#place());
    this.#cells.addEventListener("pointerover", (event) => this.#point(event.target.closest("[data-cell]")));
    this.#cells.addEventListener("pointerleave", () => this.#point(null));
    this.#cells.addEventListener("focusin", (event) => this.#focus(event.target));
    this.#cells.addEventListener("focusout", () => this.#point(null));
    this.#cells.addEventListener("click", (event) => this.#press(event.target.closest("[data-cell]")));
    this.#cells.addEventListener("keydown", (event) => this.#key(event));
    this.#buildDigitBar();
  }

  /** Another network: new columns, controls and cells. */
  showNetwork(network, setup) {
    this.#layers = network.layers;
    this.#setup = setup;
    this.#painter.forget();
    this.#painter.opened = null;
    this.#painter.marked = null;
    this.#place();
  }

  /** Settings that leave the network as it is (dropout while it runs). */
  showSetup(setup) {
    this.#setup = setup;
    // While another number of layers is being built, the controls of these stay as they are.
    if (this.places?.columns.length === setup.layers.length + 2)
      drawHeads(this.#heads, setup.layers, this.places, this.onEdit);
  }

  /** The numbers of a tick. */
  showTick({ arrays, digit }) {
    const painter = this.#painter;
    let linked = false;
    for (const [name, array] of Object.entries(arrays)) {
      if (name === "input") painter.input = array.values;
      else if (name.startsWith("a:")) painter.activations.set(name.slice(2), array);
      else if (name.startsWith("w:")) {
        painter.weights.set(name.slice(2), array);
        linked = true;
      }
    }
    if (linked) painter.linkUp();
    if (digit) {
      painter.digit = digit;
      this.#sayDigit(digit);
    }
    painter.ask(linked);
  }

  showView({ show, lines }) {
    this.#painter.show = show;
    this.#painter.lines = lines === "on";
    this.#painter.ask(true);
  }

  repaint() {
    this.#painter.ask(true);
  }

  /** Mark the neuron that the inspector shows; null for none. */
  markOpened(layer, unit) {
    const column = this.places?.columns.find((each) => each.layer?.name === layer);
    this.#painter.opened = column ? { column, cell: unit } : null;
    this.#cells.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
    if (column) this.#cellAt(this.places.columns.indexOf(column), unit)?.setAttribute("aria-selected", "true");
    this.#painter.ask(true);
  }

  #place() {
    if (!this.#layers) return;
    this.#width = this.#scroll.clientWidth;
    const { paddingLeft, paddingRight } = getComputedStyle(this.#scroll);
    const room = this.#width - parseFloat(paddingLeft) - parseFloat(paddingRight);
    const narrow = innerWidth < 640;
    const height = Math.round(narrow ? 500 : Math.min(Math.max(innerHeight - 400, 500), 800));
    this.places = layout(this.#layers, { width: room, height });
    this.#sheet.style.width = `${this.places.width}px`;
    this.#scroll.classList.toggle("scrolls", this.places.width > room);
    this.#sheet.style.height = `${height}px`;
    drawHeads(this.#heads, this.#setup.layers, this.places, this.onEdit);
    this.#buildCells();
    this.#placeFeet();
    sweepHints();
    const { opened } = this.#painter;
    this.#painter.setPlaces(this.places);
    this.#painter.marked = null;
    if (opened) this.markOpened(opened.column.layer.name, opened.cell);
    document.body.classList.add("built");
  }

  #buildCells() {
    const rows = this.places.columns.slice(1).map((column, k) => {
      const cells = column.cells.map(({ x, y, width, height }, cell) => {
        const element = h("div", {
          role: "gridcell",
          tabindex: -1,
          "data-column": k + 1,
          "data-cell": cell,
          "aria-selected": "false",
          "aria-label": this.#nameOf(column, cell),
        });
        Object.assign(element.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
        return element;
      });
      return h("div", { role: "row", "aria-label": this.#columnName(column, k + 1) }, cells);
    });
    this.#cells.replaceChildren(...rows);
    this.#at = [1, 0];
    const first = this.#cellAt(1, 0);
    if (first) first.tabIndex = 0;
  }

  #placeFeet() {
    const { columns, bottom } = this.places;
    const feet = columns.slice(1).map((column) => {
      const foot = h("p", { class: "foot" }, footText(column, column.cells.length));
      Object.assign(foot.style, { left: `${column.x - 8}px`, width: `${column.width + 16}px`, top: `${bottom + 6}px` });
      return foot;
    });
    this.#feet.replaceChildren(...feet);
    const [input] = columns;
    Object.assign(byId("digit-bar").style, {
      left: `${input.x}px`,
      width: `${input.width}px`,
      top: `${input.cells[0].y + input.cells[0].height + 8}px`,
    });
  }

  #columnName({ kind, layer }, k) {
    if (kind === "output") return "The answer: ten digits";
    return `Layer ${k}, ${kind === "conv" ? "convolution" : "dense"}, ${layer.shape.at(-1)} ${kind === "conv" ? "feature maps" : "neurons"}`;
  }

  #nameOf(column, cell) {
    if (column.kind === "output") return `digit ${cell}`;
    return `${column.kind === "conv" ? "feature map" : "neuron"} ${cell}`;
  }

  #cellAt = (column, cell) => this.#cells.querySelector(`[data-column="${column}"][data-cell="${cell}"]`);

  /** The name of a neuron with what it says now. */
  #saying(column, cell) {
    if (column.kind === "output") {
      const share = this.#painter.digit?.probabilities?.[cell];
      return `${this.#nameOf(column, cell)}: ${percent(share)}`;
    }
    const value = this.#painter.valueOf(column, cell);
    const mean = column.kind === "conv" ? "mean activation" : "activation";
    return value === null ? this.#nameOf(column, cell) : `${this.#nameOf(column, cell)}: ${mean} ${plain(value)}`;
  }

  #point(element) {
    const column = element && this.places.columns[Number(element.dataset.column)];
    this.#painter.marked = column ? { column, cell: Number(element.dataset.cell) } : null;
    this.#painter.ask(true);
    this.#tip.hidden = !column;
    if (!column) return;
    const cell = Number(element.dataset.cell);
    const place = column.cells[cell];
    const text = this.#saying(column, cell);
    element.setAttribute("aria-label", text);
    this.#tip.replaceChildren(h("strong", {}, text), h("span", {}, "press to open"));
    const left = Math.min(
      Math.max(place.x + place.width / 2 - this.#tip.offsetWidth / 2, 0),
      this.places.width - this.#tip.offsetWidth,
    );
    const above = place.y - this.#tip.offsetHeight - 8;
    Object.assign(this.#tip.style, { left: `${left}px`, top: `${above < 0 ? place.y + place.height + 8 : above}px` });
  }

  #focus(element) {
    if (!element.dataset.cell) return;
    this.#cellAt(...this.#at)?.setAttribute("tabindex", "-1");
    element.tabIndex = 0;
    this.#at = [Number(element.dataset.column), Number(element.dataset.cell)];
    if (element.matches(":focus-visible")) this.#point(element);
  }

  #press(element) {
    if (!element) return;
    element.focus({ preventScroll: true });
    this.onOpen(this.places.columns[Number(element.dataset.column)].layer.name, Number(element.dataset.cell));
  }

  /** Left and right go from layer to layer, to the neuron that stands nearest; up and down go within the layer. */
  #key(event) {
    const [column, cell] = this.#at;
    const { columns } = this.places;
    if (event.key === "Enter") return this.#press(event.target.closest("[data-cell]"));
    const here = columns[column].cells[cell];
    const rowed = (sign) => {
      const across = columns[column].cells.findIndex((each) => each.y > columns[column].cells[0].y);
      return cell + sign * (across < 0 ? 1 : across);
    };
    const beside = (sign) => {
      const next = columns[column].cells[cell + sign];
      if (next && next.y === here.y) return [column, cell + sign];
      const other = column + sign;
      if (other < 1 || other >= columns.length) return null;
      const distance = (each) => Math.abs(each.y - here.y) * 4 + Math.abs(each.x - here.x);
      const nearest = columns[other].cells.reduce(
        (best, each, k, all) => (distance(each) < distance(all[best]) ? k : best),
        0,
      );
      return [other, nearest];
    };
    const to = {
      ArrowLeft: () => beside(-1),
      ArrowRight: () => beside(1),
      ArrowUp: () => [column, rowed(-1)],
      ArrowDown: () => [column, rowed(1)],
      Home: () => [column, 0],
      End: () => [column, columns[column].cells.length - 1],
    }[event.key]?.();
    if (to === undefined) return undefined;
    event.preventDefault();
    return to && this.#cellAt(...to)?.focus();
  }

  /** Below the digit: which one it is, and buttons for another. */
  #buildDigitBar() {
    const buttons = [
      ["previous", "left", "The digit before this one"],
      ["next", "right", "The next digit"],
      ["random", "shuffle", "Any digit"],
    ].map(([which, sign, name]) =>
      hint(
        h(
          "button",
          { type: "button", class: "tiny", "aria-label": name, on: { click: () => this.onLook(which) } },
          icon(sign),
        ),
        name,
      ),
    );
    const mistake = h(
      "button",
      { type: "button", class: "small", on: { click: () => this.onLook("mistake") } },
      "A mistake",
    );
    hint(mistake, "A validation digit that the network misreads now");
    byId("digit-bar").append(h("p", { id: "digit-name" }, "…"), h("div", { class: "digit-buttons" }, buttons, mistake));
  }

  #sayDigit({ source, split, index, label, digit }) {
    const what = source === "drawing" ? "Your drawing" : `${label === 8 ? "An" : "A"} ${label} · ${split} ${index}`;
    const line = byId("digit-name");
    if (line.textContent !== what) line.textContent = what;
    const verdict =
      source === "drawing" || label === null
        ? `read as ${digit}`
        : digit === label
          ? `read rightly as ${digit}`
          : `misread as ${digit}`;
    const said = byId("verdict");
    if (said.textContent !== verdict) said.textContent = verdict;
  }
}
