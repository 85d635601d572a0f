/** What the report does when it is read: its charts, the mistakes behind a cell, light and dark, pictures enlarged. */

import { confusionMatrix, lineChart } from "./charts.js";

const data = JSON.parse(document.getElementById("data").textContent);
const root = document.documentElement;

const percent = (digits) => (value) => `${(100 * value).toFixed(digits)} %`;
const plain = (value) => (value !== 0 && Math.abs(value) < 0.001 ? value.toExponential(2) : value.toFixed(4));
const short = (value) => String(Number(value.toPrecision(3)));
const formats = {
  accuracy: (value, onAxis) => percent(onAxis ? (Math.abs(value * 100 - Math.round(value * 100)) < 1e-6 ? 0 : 1) : 2)(value),
  number: (value, onAxis) => (onAxis ? short(value) : plain(value)),
};

// The charts share their epochs, so they share the crosshair.
const charts = [];
for (const element of document.querySelectorAll("[data-chart]")) {
  const { series, options } = data.charts[element.dataset.chart];
  const onMove = (x) => charts.filter((other) => other !== chart).forEach((other) => other.show(x));
  const chart = lineChart(element, series, { ...options, format: formats[options.format], onMove });
  charts.push(chart);
}

for (const element of document.querySelectorAll("[data-confusion]")) {
  const { counts, label, samples } = data.confusions[Number(element.dataset.confusion)];
  const [say, shelf] = [".say", ".shelf"].map((name) => element.parentElement.querySelector(name));
  const onCell = samples && ((truth, answer) => showSamples(shelf, samples, truth, answer));
  confusionMatrix(element, counts, { label, say, onCell });
}

/** The images behind a cell, cut out of the one picture that holds all of them. */
function showSamples(shelf, { sprite, columns, places }, truth, answer) {
  const [first, count] = places[`${truth},${answer}`] ?? [0, 0];
  if (!shelf.style.getPropertyValue("--sprite")) {
    shelf.style.setProperty("--sprite", `url(${sprite})`);
    shelf.style.setProperty("--columns", columns);
  }
  const images = Array.from({ length: count }, (_, k) => {
    const image = document.createElement("span");
    image.style.setProperty("--x", (first + k) % columns);
    image.style.setProperty("--y", Math.floor((first + k) / columns));
    return image;
  });
  shelf.replaceChildren(...images);
}

const toggle = document.getElementById("theme");
function setTheme(theme) {
  root.dataset.theme = theme;
  toggle.textContent = theme === "dark" ? "Light" : "Dark";
  toggle.setAttribute("aria-label", theme === "dark" ? "Switch to light colours" : "Switch to dark colours");
}
setTheme(root.dataset.theme);
toggle.hidden = false;
toggle.addEventListener("click", () => setTheme(root.dataset.theme === "dark" ? "light" : "dark"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => setTheme(event.matches ? "dark" : "light"));

const dialog = document.getElementById("large");
for (const button of document.querySelectorAll(".enlarge")) {
  button.addEventListener("click", () => {
    const image = button.querySelector("img").cloneNode();
    image.removeAttribute("loading");
    dialog.querySelector(".sheet").replaceChildren(image);
    dialog.setAttribute("aria-label", button.closest("figure").querySelector("h3").textContent);
    dialog.showModal();
  });
}
dialog?.addEventListener("click", () => dialog.close());

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  });
}
