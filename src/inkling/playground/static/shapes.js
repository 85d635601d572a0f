/**
 * The small shapes that the network's picture is made of: cells, curves, minus signs, weights as images.
 */

import { colours, css } from "./colours.js";

/** A probability in the least space that says it. */
export const percentText = (share) =>
  share > 0.9995 ? "100 %" : share < 0.0005 ? "0 %" : `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;

export function weightAt({ values }, cell) {
  let most = 1;
  for (let k = 0; k < 784; k += 1) most = Math.max(most, Math.abs(values[cell * 784 + k]));
  return (row, column) => values[cell * 784 + row * 28 + column] / most;
}

/** A kernel as an image: of several input maps, their mean. */
export function kernelAt({ values, shape: [rows, columns, inputs, channels] }, k) {
  const sums = Array.from({ length: rows * columns }, (_, place) => {
    let sum = 0;
    for (let i = 0; i < inputs; i += 1) sum += values[(place * inputs + i) * channels + k];
    return sum;
  });
  const most = Math.max(...sums.map(Math.abs), 1e-9);
  return { rows, columns, sign: true, at: (row, column) => sums[row * columns + column] / most };
}

export function curve(pen, x0, y0, x1, y1) {
  const bend = Math.max((x1 - x0) * 0.5, 12);
  pen.moveTo(x0, y0);
  pen.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1, y1);
}

export function round(pen, x, y, width, height, radius) {
  pen.beginPath();
  pen.roundRect(x, y, width, height, radius);
}

export function fillRound(pen, { x, y, width, height }, radius, colour) {
  round(pen, x, y, width, height, radius);
  pen.fillStyle = colour;
  pen.fill();
}

/** The mark of a negative cell. */
export function minus(pen, { x, y, width, height }) {
  pen.beginPath();
  pen.moveTo(x + width * 0.3, y + height / 2);
  pen.lineTo(x + width * 0.7, y + height / 2);
  pen.strokeStyle = css(colours().ink, 0.75);
  pen.lineWidth = Math.max(1, width / 14);
  pen.stroke();
}
