// A picture that has more pixels than its column shows leads to itself, alone and in full size.

for (const picture of document.querySelectorAll("article :is(.cell_output, figure) img")) {
  const look = () => {
    if (picture.closest("a") || picture.naturalWidth < 1.2 * picture.width) return;
    const whole = document.createElement("a");
    whole.href = picture.src;
    whole.title = "The whole picture";
    whole.className = "whole-picture";
    picture.replaceWith(whole);
    whole.append(picture);
  };
  if (picture.complete) look();
  else picture.addEventListener("load", look);
}
