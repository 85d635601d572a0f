/**
 * Where everything in the network's picture stands: from the list of layers and the room there is to rectangles.
 *
 * Pure arithmetic: it knows no canvas and no element, so that picture, pointer and keyboard all agree about places.
 */

export const HEAD = 142; // pixels: the controls above each column
const FOOT = 44; // pixels: the line of words below each column
const ROOMY = { input: 148, conv: 148, dense: 132, output: 156, gap: 44 };
const COMPACT = { input: 116, conv: 124, dense: 108, output: 136, gap: 34 }; // for many layers, and for phones
const WIDEST_GAP = 150;
const EDGE = 5; // room for the frame around an opened neuron
const LARGEST = { conv: 76, dense: 46 };
const SHOWN = { conv: 32, dense: 64 };

/** How many of a layer's neurons or maps are drawn. */
export const shownOf = (layer) => Math.min(layer.shape.at(-1), SHOWN[layer.kind] ?? 10);

/** The grid with the largest cells for n of them in width × height; a further column must be worth it. */
function grid(n, width, height, largest) {
  let best = null;
  for (let columns = 1; columns <= Math.min(n, 6); columns += 1) {
    const rows = Math.ceil(n / columns);
    const room = (gap) =>
      Math.min(largest, (height - (rows - 1) * gap) / rows, (width - (columns - 1) * gap) / columns);
    const gap = room(4) < 14 ? 2 : 4;
    const side = Math.floor(room(gap));
    if (!best || side > best.side * 1.12) best = { columns, rows, side, gap };
  }
  return best;
}

/**
 * layers: as the server describes the network. Returns {width, height, top, bottom, gap, compact, columns}: `columns` has the input first and
 * then one entry a layer, each {kind, layer, x, width, centre, cells: [{x, y, width, height}]}.
 */
export function layout(layers, { width: room, height: tall }) {
  const columns = [{ kind: "input", layer: null }, ...layers.map((layer) => ({ kind: layer.kind, layer }))];
  const gaps = columns.length - 1;
  const sumOf = (widths) => columns.reduce((total, { kind }) => total + widths[kind], 0);
  const compact = sumOf(ROOMY) + gaps * ROOMY.gap > room - 2 * EDGE;
  const widths = compact ? COMPACT : ROOMY;
  const gap = Math.min(Math.max((room - 2 * EDGE - sumOf(widths)) / gaps, widths.gap), WIDEST_GAP);
  const needed = sumOf(widths) + gap * gaps;
  const height = tall - HEAD - FOOT;
  let x = Math.max((room - needed) / 2, EDGE);
  for (const column of columns) {
    column.x = x;
    column.width = widths[column.kind];
    column.centre = x + column.width / 2;
    column.cells = cells(column, HEAD, height);
    x += column.width + gap;
  }
  return {
    width: Math.max(room, Math.ceil(needed) + 2 * EDGE),
    height: tall,
    top: HEAD,
    bottom: HEAD + height,
    gap,
    compact,
    columns,
  };
}

function cells({ kind, layer, x, width, centre }, top, height) {
  if (kind === "input") {
    const side = Math.min(width, height - 76);
    return [{ x: centre - side / 2, y: top + (height - side) / 2 - 24, width: side, height: side }];
  }
  if (kind === "output") {
    const step = Math.min(height / 10, 40);
    const first = top + (height - 10 * step) / 2;
    return Array.from({ length: 10 }, (_, k) => ({ x, y: first + k * step, width, height: step }));
  }
  const n = shownOf(layer);
  const { columns, rows, side, gap } = grid(n, width, height, LARGEST[kind]);
  const left = centre - (columns * side + (columns - 1) * gap) / 2;
  const first = top + (height - rows * side - (rows - 1) * gap) / 2;
  return Array.from({ length: n }, (_, k) => ({
    x: left + (k % columns) * (side + gap),
    y: first + Math.floor(k / columns) * (side + gap),
    width: side,
    height: side,
  }));
}
