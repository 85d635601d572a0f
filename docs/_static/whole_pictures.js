// A picture that has more pixels than its column shows leads to itself, alone and in full size.

for (const picture of document.querySelectorAll("article img")) {
  const look = () => {
    if (picture.naturalWidth < 1.2 * picture.width) return;
    const whole = picture.closest("a") ?? document.createElement("a");
    if (!whole.href) {
      whole.href = picture.src;
      picture.replaceWith(whole);
      whole.append(picture);
    }
    whole.title = "Show the whole picture";
    whole.classList.add("whole-picture");
  };
  if (picture.complete) look();
  else picture.addEventListener("load", look);
}
