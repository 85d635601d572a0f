/* Light or dark before anything is drawn, so that nothing flashes. main.js has the button. */
document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
