// node read.mjs: reads the digits in images.json, a list of lists of 784 numbers.

import { readFile } from "node:fs/promises";
import { load, read } from "./digits.js";

const images = JSON.parse(await readFile("images.json", "utf8"));
const session = await load("digits.onnx");
const answers = [];
for (const pixels of images) {
  answers.push(await read(session, Uint8Array.from(pixels)));
}
console.log(JSON.stringify(answers));
