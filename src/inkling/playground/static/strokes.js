/**
 * Strokes of a pen as ink on a canvas: for the eye, and for what goes to the server.
 */

import { colours, css } from "./colours.js";

export const PEN = 24; // the width of a stroke, in the pad's own pixels

/** The edge of the ink, so that one sees the digit under what mattered. */
export function outline(pen, ink, cell) {
  const on = (row, column) => row >= 0 && column >= 0 && row < 28 && column < 28 && ink[row * 28 + column] > 90;
  pen.beginPath();
  for (let row = 0; row <= 28; row += 1) {
    for (let column = 0; column <= 28; column += 1) {
      const [x, y] = [column * cell, row * cell];
      if (on(row, column) !== on(row - 1, column)) (pen.moveTo(x, y), pen.lineTo(x + cell, y));
      if (on(row, column) !== on(row, column - 1)) (pen.moveTo(x, y), pen.lineTo(x, y + cell));
    }
  }
  pen.strokeStyle = css(colours().ink, 0.7);
  pen.lineWidth = 1.2;
  pen.stroke();
}

/** Strokes as curves through the middles of their pieces, so that quick hands don't draw polygons. */
export function strokesOn(pen, strokes, colour) {
  pen.strokeStyle = pen.fillStyle = colour;
  pen.lineCap = pen.lineJoin = "round";
  for (const points of strokes) {
    const [first] = points;
    pen.beginPath();
    pen.arc(first.x, first.y, (PEN * first.force) / 2, 0, 2 * Math.PI);
    pen.fill();
    pen.beginPath();
    pen.moveTo(first.x, first.y);
    for (let k = 1; k < points.length; k += 1) {
      const [from, to] = [points[k - 1], points[k]];
      const [x, y] = k === points.length - 1 ? [to.x, to.y] : [(from.x + to.x) / 2, (from.y + to.y) / 2];
      pen.lineWidth = PEN * to.force;
      pen.quadraticCurveTo(from.x, from.y, x, y);
      if (to.force === points[k + 1]?.force) continue;
      // Only where the pressure changes does a new piece begin: seams would show.
      pen.stroke();
      pen.beginPath();
      pen.moveTo(x, y);
    }
  }
}
