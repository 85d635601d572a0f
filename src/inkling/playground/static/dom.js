/**
 * Making elements: the one place where the page's DOM is put together by hand.
 *
 * No markup is ever parsed from text, so nothing that a file or a server sends can become code, and no style attribute
 * is ever written, so the page lives under a security policy that forbids them.
 */

const SVG = "http://www.w3.org/2000/svg";

/** `h("button", { class: "x", on: { click } }, "text", child)`: an element. `null` and `false` attributes are left out. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same in SVG's namespace. */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Icons as paths on a 24 × 24 sheet, drawn with round pens. */
const ICONS = {
  play: "M8 5.5v13l10.5-6.5z",
  pause: "M9 6v12M15 6v12",
  step: "M6 6.5v11l8-5.5zM18 6v12",
  epoch: "M4 6.5v11l7-5.5zM11 6.5v11l7-5.5zM20.5 6v12",
  reset: "M5 12a7 7 0 1 0 2.2-5.1M5 4.5v4h4",
  plus: "M12 6v12M6 12h12",
  minus: "M6 12h12",
  close: "M7 7l10 10M17 7L7 17",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  left: "M14.5 6l-6 6 6 6",
  right: "M9.5 6l6 6-6 6",
  shuffle: "M4 7h3.5l9 10H20M4 17h3.5l2.6-2.9M13.4 9.9L16.5 7H20M17.5 4.5L20 7l-2.5 2.5M17.5 14.5L20 17l-2.5 2.5",
  undo: "M9 6L5 10l4 4M5 10h9a5 5 0 0 1 0 10h-3",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M5.6 18.4l1.1-1.1M17.3 6.7l1.1-1.1",
  moon: "M19 14.5A7.5 7.5 0 0 1 9.5 5a7.5 7.5 0 1 0 9.5 9.5z",
  link: "M10 14a4 4 0 0 0 5.7 0l2.6-2.6a4 4 0 0 0-5.7-5.7L11.5 6.8M14 10a4 4 0 0 0-5.7 0l-2.6 2.6a4 4 0 0 0 5.7 5.7l1.1-1.1",
  help: "M9.5 9.3a2.6 2.6 0 1 1 3.6 2.4c-.8.4-1.1.9-1.1 1.8M12 16.8h.01M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z",
  tour: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM15.5 8.5l-2 5-5 2 2-5z",
  up: "M12 16V5M7 9.5L12 4.5l5 5M5 19.5h14",
  down: "M12 4.5v11M7 11l5 5 5-5M5 19.5h14",
  report: "M7 3.5h7l4 4v13H7zM14 3.5v4h4M10 12h5M10 15.5h5",
};

/** An icon that stands beside a name, and is silent for screen readers. */
export function icon(name) {
  const path = s("path", { d: ICONS[name] });
  const look = { class: `icon icon-${name}`, viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" };
  return s("svg", look, path);
}

/** Numbers as the page writes them. */
export const percent = (value, digits = 1) =>
  value === null || value === undefined ? "–" : `${(100 * value).toFixed(digits)}\u00a0%`;
export const whole = (value) => Math.round(value).toLocaleString("en");
export const plain = (value) => {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text =
    size < 0.001 || size >= 1e5
      ? Number(value.toPrecision(3)).toExponential()
      : String(Number(value.toPrecision(size < 1 ? 3 : 4)));
  return text.replace("-", "−");
};
/** With a real minus sign, and a plus where the sign matters. */
export const signed = (value, digits = 3) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;

/** Call `run` at most once in `ms`, and once more at the end if it was asked for in between. */
export function atMost(ms, run) {
  let last = -Infinity;
  let waiting = null;
  return (...given) => {
    clearTimeout(waiting);
    const left = last + ms - performance.now();
    const go = () => {
      last = performance.now();
      run(...given);
    };
    if (left <= 0) go();
    else waiting = setTimeout(go, left);
  };
}

/** Say something to those who don't see it happen. */
export function announce(text) {
  byId("live").textContent = text;
}

/** A 3, an 8. */
export const aDigit = (digit) => `${Number(digit) === 8 ? "an" : "a"} ${digit}`;
