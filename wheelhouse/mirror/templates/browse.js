
"use strict";
const copy = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea"); // an http: address has no clipboard, and a user may forbid it
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
};
for (const list of document.querySelectorAll(".install")) {
  const address = new URL(list.dataset.up || "./", location.href).href;
  for (const place of list.querySelectorAll(".address")) place.textContent = address;
  for (const code of list.querySelectorAll("dd")) {
    const button = document.createElement("button");
    const text = code.textContent.trim();
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy: " + text);
    button.addEventListener("click", async () => {
      await copy(text);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    code.append(button);
  }
}
const search = document.getElementById("search");
if (search) {
  const rows = [...document.querySelectorAll("#projects tbody tr")];
  const show = () => {
    const words = search.value.toLowerCase().replace(/[-_.]+/g, "-").split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      row.hidden = !words.every((word) => row.dataset.name.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    document.getElementById("count").textContent = shown === rows.length ? rows.length + " projects" : shown + " of " + rows.length + " projects";
    document.getElementById("none").hidden = shown > 0;
  };
  search.addEventListener("input", show);
  addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) { event.preventDefault(); search.focus(); }
  });
  show();
}
