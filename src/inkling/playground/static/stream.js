/**
 * The wire: commands go out over one WebSocket, replies come back to whoever asked, pushes go to whoever listens.
 *
 * Text frames are JSON; binary frames are a JSON header followed by arrays of numbers. When the connection is lost,
 * the stream tries again, later each time, and shows the server its token, so that the run goes on where it was.
 * Nothing else on the page knows that there is a network between it and the network.
 */

const TYPES = { f4: Float32Array, u1: Uint8Array, i1: Int8Array, i4: Int32Array };
/** Codes with which the server closes for good: to try again by oneself would help nobody. */
const FINAL = { 4000: "ended", 4001: "full", 4002: "elsewhere" };
const PATIENCE = 30_000; // milliseconds until an answer is given up

/** The server said no, in one line; `where` names the setting it is about. */
export class Refusal extends Error {
  constructor({ error = "the server gave no reason", where = null }) {
    super(error);
    this.where = where;
  }
}

/** The connection went away before the answer came. */
export class Lost extends Error {}

/** Where the token waits while this tab is loaded again. */
const KEPT = "inkling-session";

/** The token that the page before has left here. It is taken out: who duplicates a tab duplicates what is kept. */
function takeToken() {
  try {
    const token = sessionStorage.getItem(KEPT);
    sessionStorage.removeItem(KEPT);
    return token;
  } catch {
    return null; // no storage allowed: then a page that is loaded again begins anew
  }
}

function leaveToken(token) {
  try {
    if (token) sessionStorage.setItem(KEPT, token);
  } catch {
    // as above
  }
}

/** A binary frame: uint32 length of the header, the header, then its arrays, each beginning at a multiple of 8. */
export function readFrame(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  const arrays = {};
  for (const { name, dtype, shape, scale = 1 } of header.arrays ?? []) {
    const Type = TYPES[dtype];
    const count = shape.reduce((a, b) => a * b, 1);
    arrays[name] = { values: new Type(buffer, at, count), shape, scale };
    at += Math.ceil((count * Type.BYTES_PER_ELEMENT) / 8) * 8;
  }
  return { ...header, arrays };
}

/** The same the other way round: a header and its bytes. */
export function writeFrame(header, bytes) {
  let text = JSON.stringify(header);
  let head = new TextEncoder().encode(text);
  const missing = (8 - ((4 + head.length) % 8)) % 8;
  text += " ".repeat(missing);
  head = new TextEncoder().encode(text);
  const frame = new Uint8Array(4 + head.length + bytes.length);
  new DataView(frame.buffer).setUint32(0, head.length, true);
  frame.set(head, 4);
  frame.set(bytes, 4 + head.length);
  return frame;
}

export class Stream {
  #socket = null;
  #waiting = new Map();
  #listeners = new Map();
  #count = 0;
  #tries = 0;
  #timer = null;
  #farewell = ""; // what the server said before it closed for good
  session = takeToken();

  constructor() {
    addEventListener("pagehide", () => leaveToken(this.session));
    addEventListener("pageshow", takeToken);
  }

  /** Listen to a push ("hello", "status", "points", "tick", "epoch", …), or to "connection" for how the line is. */
  on(type, listener) {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  #tell(type, message) {
    for (const listener of this.#listeners.get(type) ?? []) listener(message);
  }

  get open() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  connect() {
    clearTimeout(this.#timer);
    this.#tell("connection", { state: "connecting", tries: this.#tries });
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const token = this.session ? `?session=${encodeURIComponent(this.session)}` : "";
    const socket = new WebSocket(`${scheme}//${location.host}/stream${token}`);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    socket.addEventListener("close", (event) => this.#socket === socket && this.#closed(event));
    this.#socket = socket;
  }

  #receive(data) {
    const message = typeof data === "string" ? JSON.parse(data) : readFrame(data);
    if (message.type === "hello") {
      this.#tries = 0;
      this.session = message.session;
      this.#tell("connection", { state: "open" });
      return this.#tell("hello", message);
    }
    if (message.type === "ended") this.#farewell = message.reason;
    const asked = message.id === undefined ? undefined : this.#waiting.get(message.id);
    if (!asked) return this.#tell(message.type, message);
    this.#waiting.delete(message.id);
    clearTimeout(asked.timer);
    if (message.ok === false) asked.reject(new Refusal(message));
    else asked.resolve(message);
  }

  #closed({ code, reason }) {
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new Lost("the connection was lost"));
    }
    this.#waiting.clear();
    if (code in FINAL) {
      this.session = null;
      this.#tries = 0;
      return this.#tell("connection", { state: FINAL[code], reason: this.#farewell || reason });
    }
    const wait = Math.min(500 * 2 ** this.#tries, 8000) * (0.75 + Math.random() / 2);
    this.#tries += 1;
    this.#tell("connection", { state: "lost", tries: this.#tries, wait });
    this.#timer = setTimeout(() => this.connect(), wait);
  }

  /** A command; resolves with its reply, rejects with a Refusal or with Lost. */
  send(type, fields = {}) {
    return this.#ask((id) => JSON.stringify({ id, type, ...fields }));
  }

  /** A drawing: `ink` holds width × height bytes, 255 where the pen was. */
  draw({ width, height, final }, ink) {
    return this.#ask((id) => writeFrame({ id, type: "drawing", width, height, final }, ink));
  }

  #ask(frame) {
    if (!this.open) return Promise.reject(new Lost("there is no connection to the server"));
    const id = (this.#count += 1);
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#waiting.delete(id);
        reject(new Refusal({ error: "the server took too long to answer" }));
      };
      this.#waiting.set(id, { resolve, reject, timer: setTimeout(giveUp, PATIENCE) });
      this.#socket.send(frame(id));
    });
  }
}
