/**
 * Numbers as colours, for everything that is drawn on a canvas.
 *
 * Ink on paper for what is never negative; orange for positive and blue for negative numbers where sign matters, as in all
 * of Inkling's pictures, and blue for right and orange for wrong where there is a verdict. Colour is never alone: negative
 * cells carry a bar like a minus sign, negative pixels a stroke across, negative lines dashes.
 * The colours are the page's own, read from its CSS, so light and dark are decided in one place.
 */

let palette = null;

/** Forget the colours: light has become dark, or the other way round. */
export function refreshColours() {
  palette = null;
}

export function colours() {
  if (palette) return palette;
  const style = getComputedStyle(document.documentElement);
  const names = ["ink", "muted", "hair", "card", "page", "paper", "digit", "positive", "negative", "right", "wrong", "accent"];
  palette = Object.fromEntries(names.map((name) => [name, parse(style.getPropertyValue(`--${name}`).trim())]));
  return palette;
}

function parse(hex) {
  const full = hex.length === 4 ? [...hex.slice(1)].map((digit) => digit + digit).join("") : hex.slice(1);
  return [0, 2, 4].map((at) => parseInt(full.slice(at, at + 2), 16));
}

export const css = ([r, g, b], alpha = 1) => `rgb(${r} ${g} ${b} / ${alpha})`;

export const mix = (from, to, share) => from.map((value, k) => Math.round(value + (to[k] - value) * share));

/** The colour of a number between −1 and 1. A little power lets small numbers be seen. */
export function tint(share, verdict = false) {
  const { paper, positive, negative, right, wrong } = colours();
  const [above, below] = verdict ? [right, wrong] : [positive, negative];
  return mix(paper, share < 0 ? below : above, Math.min(Math.abs(share), 1) ** 0.7);
}

const sheet = document.createElement("canvas");
const pen = sheet.getContext("2d", { willReadFrequently: true });

/**
 * Draw rows × columns numbers as an image at x, y, width × height. `at(row, column)` gives the number as a share of the
 * largest: 0 … 1 for ink, −1 … 1 where `sign` is true, and with `verdict` what is above 0 speaks for something and what is
 * below against it. Where pixels are large enough, negative ones get a stroke across.
 */
export function drawImage(
  context,
  { rows, columns, at, sign = false, verdict = false, x = 0, y = 0, width, height, smooth = false },
) {
  const { paper, digit } = colours();
  sheet.width = columns;
  sheet.height = rows;
  const image = pen.createImageData(columns, rows);
  for (let row = 0, k = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1, k += 4) {
      const value = at(row, column);
      const colour = sign ? tint(value, verdict) : mix(paper, digit, Math.min(Math.max(value, 0), 1));
      image.data[k] = colour[0];
      image.data[k + 1] = colour[1];
      image.data[k + 2] = colour[2];
      image.data[k + 3] = 255;
    }
  }
  pen.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = smooth;
  context.drawImage(sheet, x, y, width, height);
  const [wide, high] = [width / columns, height / rows];
  if (sign && wide >= 5) strokeNegatives(context, { rows, columns, at, x, y, wide, high });
}

function strokeNegatives(context, { rows, columns, at, x, y, wide, high }) {
  context.beginPath();
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      if (at(row, column) > -0.12) continue;
      const [left, middle] = [x + column * wide, y + (row + 0.5) * high];
      context.moveTo(left + wide * 0.25, middle);
      context.lineTo(left + wide * 0.75, middle);
    }
  }
  context.strokeStyle = css(colours().ink, 0.55);
  context.lineWidth = 1;
  context.stroke();
}

/** A canvas ready to be drawn on in CSS pixels, sharp on every screen. */
export function prepare(canvas, width, height) {
  const ratio = Math.min(window.devicePixelRatio || 1, 3);
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
    if (!canvas.dataset.sized) Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** A canvas of its own for one small image; `options` as for drawImage. */
export function imageCanvas(side, options, label = null) {
  const canvas = document.createElement("canvas");
  const [width, height] = Array.isArray(side) ? side : [side, side];
  if (label) {
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", label);
  } else canvas.setAttribute("aria-hidden", "true");
  drawImage(prepare(canvas, width, height), { ...options, width, height });
  return canvas;
}

/** Bytes of ink (0 … 255) as the `at` of drawImage, from the `index`-th of several images in one array. */
export const inkOf = (values, index = 0, rows = 28, columns = 28) => ({
  rows,
  columns,
  at: (row, column) => values[index * rows * columns + row * columns + column] / 255,
});

/** Signed numbers as the `at` of drawImage, the largest of them fully coloured. */
export function signedOf(values, { rows, columns, start = 0, stride = 1, scale = null }) {
  let most = scale;
  if (most === null) {
    most = 0;
    for (let k = 0; k < rows * columns; k += 1) most = Math.max(most, Math.abs(values[start + k * stride]));
  }
  const by = most > 0 ? 1 / most : 0;
  return { rows, columns, sign: true, at: (row, column) => values[start + (row * columns + column) * stride] * by };
}
