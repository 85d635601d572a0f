/**
 * Own data in, models and reports in and out: files that are dropped or picked, and links that save.
 *
 * Nothing is read here: a file goes to the server as it is, which says what it found, or in one line why it doesn't fit.
 */

import { byId, h, icon, whole } from "./dom.js";
import { hint } from "./words.js";

const DATA = /\.(csv|npz|zip|gz)$/i;
const MODEL = /\.safetensors$/i;

export class Data {
  #dragging = 0;

  /** session() → token; onData(data) when an upload is there; onModel(reply) when a model is. limits: the server's. */
  constructor({ session, onData, onModel }) {
    Object.assign(this, { session, onData, onModel });
    this.most = 64_000_000;
    this.say = byId("data-say");
    for (const [id, sign, text] of [
      [
        "data-pick",
        "up",
        "A .csv (label, 784 pixels), an .npz of images and labels, or a .zip of pictures in folders 0 … 9",
      ],
      ["model-pick", "up", "A .safetensors file that Inkling has saved"],
      ["model-trained", "up", "The convolutional network that comes with Inkling: it has learned 55,000 digits of MNIST"],
      ["model-save", "down", "The network with its weights, as a .safetensors file"],
      ["report-save", "report", "The training so far as one page: curves, confusion matrix, mistakes"],
    ]) {
      byId(id).prepend(icon(sign));
      hint(byId(id), text);
    }
    for (const [button, input] of [
      ["data-pick", "data-file"],
      ["model-pick", "model-file"],
    ]) {
      byId(button).addEventListener("click", () => byId(input).click());
      byId(input).addEventListener("change", (event) => {
        const [file] = event.target.files;
        event.target.value = "";
        if (file) this.take(file);
      });
    }
    byId("model-trained").addEventListener("click", () => this.#send("model", "pretrained", null, "The trained network"));
    byId("model-save").addEventListener("click", () => this.#save("model", "the model"));
    byId("report-save").addEventListener("click", () => this.#save("report", "the report"));
    byId("data-select").addEventListener("change", (event) => this.onData({ name: event.target.value }));
    for (const [event, run] of Object.entries({
      dragenter: this.#over,
      dragover: this.#over,
      dragleave: this.#leave,
      drop: this.#drop,
    })) {
      document.addEventListener(event, (given) => run.call(this, given));
    }
  }

  #over(event) {
    if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault();
    if (event.type === "dragenter") this.#dragging += 1;
    document.body.classList.add("dropping");
  }

  #leave() {
    this.#dragging -= 1;
    if (this.#dragging <= 0) this.#stopDragging();
  }

  #stopDragging() {
    this.#dragging = 0;
    document.body.classList.remove("dropping");
  }

  #drop(event) {
    this.#stopDragging();
    const files = [...(event.dataTransfer?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    byId("data").scrollIntoView({ block: "nearest" });
    if (files.length > 1) this.#tell("One file at a time, please: put pictures into a .zip.", "problem");
    else this.take(files[0]);
  }

  async take(file) {
    const model = MODEL.test(file.name);
    if (!model && !DATA.test(file.name))
      return this.#tell(`${file.name} is neither data (.csv, .npz, .zip) nor a model (.safetensors).`, "problem");
    if (file.size > this.most)
      return this.#tell(
        `${file.name} has ${whole(file.size / 1e6)} MB; ${whole(this.most / 1e6)} MB are the most.`,
        "problem",
      );
    return this.#send(model ? "model" : "upload", file.name, file, file.name);
  }

  /** Send a file, or ask for what the server has by that name. */
  async #send(what, name, body, title) {
    this.#tell(`Reading ${title} …`, "busy");
    try {
      const query = new URLSearchParams({ session: this.session() ?? "", name });
      const response = await fetch(`/api/${what}?${query}`, { method: "POST", body });
      const reply = await response.json();
      if (!reply.ok) return this.#tell(reply.error, "problem");
      if (what === "model") await this.onModel(reply);
      else await this.onData(reply);
      return this.#tell(
        what === "model"
          ? `${title} is loaded: the network above has its weights.`
          : `${(reply.note ?? title).replace(/\.$/, "")}. The network begins again, on these.`,
        "done",
      );
    } catch (error) {
      return this.#tell(
        error instanceof TypeError ? "The server could not be reached; is it still running?" : error.message,
        "problem",
      );
    }
  }

  async #save(which, name) {
    this.#tell(`Asking for ${name} …`, "busy");
    try {
      const response = await fetch(`/api/${which}?session=${encodeURIComponent(this.session() ?? "")}`);
      if (!response.ok) {
        const { error } = await response.json().catch(() => ({ error: `the server answered ${response.status}` }));
        return this.#tell(error, "problem");
      }
      const wanted = /filename="?([^";]+)"?/.exec(response.headers.get("content-disposition") ?? "")?.[1];
      const link = h("a", {
        href: URL.createObjectURL(await response.blob()),
        download: wanted ?? { model: "digits.safetensors", report: "report.html" }[which],
      });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      return this.#tell(`Saved ${name} as ${link.download}.`, "done");
    } catch {
      return this.#tell("The server could not be reached; is it still running?", "problem");
    }
  }

  /** kind: "busy", "done" or "problem", which has a sign of its own and is read out at once. */
  #tell(text, kind) {
    this.say.className = `data-say ${kind}`;
    this.say.textContent = text;
  }

  /** Which data there is: the default and one's own, with the one in use chosen; and how many drawings were taught. */
  show(all, chosen, taught) {
    const select = byId("data-select");
    select.replaceChildren(
      ...all.map(({ name, title }) => h("option", { value: name, selected: name === chosen }, title)),
    );
    const used = all.find(({ name }) => name === chosen) ?? all[0];
    const counts = [
      ["training", used?.train],
      ["validation", used?.validation],
      ["test", used?.test],
    ].filter(([, count]) => count);
    byId("data-counts").textContent = counts
      .map(([name, count]) => `${whole(count)} ${name}${taught && name === "training" ? ` and ${taught} of yours` : ""}`)
      .join(" · ");
    byId("data-note").textContent = used?.note ?? "";
  }
}

/** Data with a name for people; what `inkling play` was started with is called "default". */
export function titled(found) {
  const known = { digits: "the bundled digits", mnist: "MNIST" };
  return {
    ...found,
    title: found.name === "default" ? (known[found.source] ?? found.source ?? "the digits") : found.name,
  };
}
