// Reads drawn digits with a network that Inkling has exported (digits.onnx).

import * as ort from "onnxruntime-web";

const SIDE = 28; // pixels of the network's images
const BOX = 20; // the digit fits into a box of this side

/** Open the network's file. */
export async function load(address) {
  return ort.InferenceSession.create(address);
}

/** What the network says of one image, a Uint8Array of 784: 0 is paper, 255 ink. */
export async function read(session, pixels) {
  const images = new ort.Tensor("uint8", pixels, [1, SIDE, SIDE]);
  const { probabilities, digit } = await session.run({ images });
  return { digit: Number(digit.data[0]), probabilities: Array.from(probabilities.data) };
}

/** A drawing (light ink on a black canvas) in MNIST's form, or null if there is no ink. */
export function toMnist(canvas) {
  const ink = brightness(canvas);
  let left = canvas.width, top = canvas.height, right = -1, bottom = -1;
  for (let y = 0; y < canvas.height; y++) {
    for (let x = 0; x < canvas.width; x++) {
      if (ink[y * canvas.width + x] > 40) {
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = Math.max(bottom, y);
      }
    }
  }
  if (right < 0) return null;

  // Cut the digit out and fit it into the box, in its proportions.
  const width = right - left + 1, height = bottom - top + 1;
  const scale = BOX / Math.max(width, height);
  const small = blank();
  draw(small, canvas, left, top, width, height, 4, 4, width * scale, height * scale);

  // Move it until its centre of mass is in the middle.
  const there = brightness(small);
  let mass = 0, across = 0, down = 0;
  there.forEach((value, place) => {
    mass += value;
    across += value * (place % SIDE);
    down += value * Math.floor(place / SIDE);
  });
  const dx = Math.round((SIDE - 1) / 2 - across / mass);
  const dy = Math.round((SIDE - 1) / 2 - down / mass);
  const centred = blank();
  draw(centred, small, 0, 0, SIDE, SIDE, dx, dy, SIDE, SIDE);
  return Uint8Array.from(brightness(centred));
}

function blank() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  canvas.getContext("2d").fillRect(0, 0, SIDE, SIDE);
  return canvas;
}

function draw(target, source, ...places) {
  const pen = target.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(source, ...places);
}

/** The red of each pixel, which in a grey picture is its brightness. */
function brightness(canvas) {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return Uint8Array.from({ length: data.length / 4 }, (_, place) => data[4 * place]);
}
