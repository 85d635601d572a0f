/**
 * The page around the network: light and dark, tabs, the link, messages. Nothing here knows of networks.
 */

import { refreshColours } from "./colours.js";
import { announce, byId, h, icon } from "./dom.js";
import { fromHash } from "./state.js";
import { hint, startGlossary, startHints } from "./words.js";

/** A message that stays until it is closed or followed by another. */
export function toast(text) {
  const place = byId("toast");
  place.replaceChildren(
    h("p", {}, text),
    h(
      "button",
      {
        type: "button",
        class: "tiny quiet",
        "aria-label": "Close this message",
        on: { click: () => (place.hidden = true) },
      },
      icon("close"),
    ),
  );
  place.hidden = false;
}

/** The two tabs beside the network; `bringForward(id)` brings a panel to the front. */
export function startTabs(bringForward) {
  const tabs = [byId("tab-curves"), byId("tab-neuron")];
  tabs.forEach((tab, k) => {
    tab.addEventListener("click", () => bringForward(`${tab.id.slice(4)}-panel`));
    tab.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      const other = tabs[1 - k];
      other.focus();
      other.click();
    });
  });
}

/** Light or dark, as the system has it until the button says otherwise; `changed` draws the canvases anew. */
export function startTheme(changed) {
  const root = document.documentElement;
  const button = byId("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const set = (theme) => {
    root.dataset.theme = theme;
    button.replaceChildren(icon(theme === "dark" ? "sun" : "moon"));
    const name = theme === "dark" ? "Light colours" : "Dark colours";
    button.setAttribute("aria-label", name);
    hint(button, name);
    refreshColours();
    changed();
  };
  set(dark.matches ? "dark" : "light");
  dark.addEventListener("change", (event) => set(event.matches ? "dark" : "light"));
  button.addEventListener("click", () => set(root.dataset.theme === "dark" ? "light" : "dark"));
}

/** Copying the link, and following one that is put into the address bar. */
export function startShare(onLink) {
  const button = byId("share");
  button.prepend(icon("link"));
  hint(button, "Copy a link to this set-up. It holds the network and its settings, not what it has learnt.");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      announce("The link is copied.");
      toast("Copied: a link to this set-up.");
    } catch {
      toast("The link is in the address bar: copy it from there.");
    }
  });
  addEventListener("hashchange", () => {
    const link = fromHash(location.hash);
    if (link) onLink(link);
  });
}

/** The buttons that explain. */
export function startWords() {
  byId("words").prepend(icon("help"));
  hint(byId("words"), "What the words on this page mean");
  byId("tour-start").prepend(icon("tour"));
  hint(byId("tour-start"), "Six short steps around the page");
  startGlossary();
  startHints();
}
