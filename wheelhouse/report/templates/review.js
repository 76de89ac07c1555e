"use strict";
(() => {
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const rows = all("#open li"), order = new Map(rows.map((row, number) => [row, number]));
  const form = one("#decide"), reason = one("#reason"), said = one("#said"), search = one("#search");
  let state = JSON.parse(one("#held").textContent).review, current = null, busy = false;

  // Where each file stands: rows that are decided move to their own list.
  const standing = (row) => state.files[row.dataset.subject];
  const isOpen = (row) => !standing(row) || standing(row).standing === "open";
  function showState(next) {
    const others = state.trouble || next.trouble ? [] : rows.filter((row) => standing(row).text !== next.files[row.dataset.subject].text);
    state = next;
    const trouble = one("#trouble");
    trouble.hidden = !state.trouble;
    one("strong", trouble).textContent = state.trouble ? "Nothing can be signed: " + state.trouble.sentence : "";
    one("span", trouble).textContent = (state.trouble && state.trouble.hint) || "";
    if (!state.trouble) for (const list of [one("#open"), one("#done ul")]) {
      const mine = rows.filter((row) => isOpen(row) === (list.id === "open"));
      if (mine.some((row, number) => list.children[number] !== row) || mine.length !== list.children.length) list.append(...mine);
    }
    for (const row of rows) one(".standing", row).textContent = standing(row) ? standing(row).text : "";
    const open = rows.filter(isOpen).length;
    one("#progress b").textContent = state.trouble ? "" : open ? `${open} of ${rows.length} to decide` : `All ${rows.length} decided`;
    one("#done .count").textContent = rows.length - open;
    if (current) one("a", current).scrollIntoView({ block: "nearest" });
    choose();
    return others;
  }

  // The file that is open, and those that are ticked.
  const shown = () => all("#rows li").filter((row) => !row.hidden && (row.parentNode.id === "open" || one("#done").open));
  const ticked = () => rows.filter((row) => one("input", row).checked);
  const chosen = () => ticked().length ? ticked() : current ? [current] : [];
  const label = (row) => one("a", row).textContent;
  function turnTo(row) {
    if (!row) return;
    const link = one("a", row);
    mark(row);
    location.hash = link.hash;
    link.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }
  function mark(row) {
    for (const other of rows) other.classList.toggle("current", other === row);
    for (const other of rows) other === row ? one("a", other).setAttribute("aria-current", "true") : one("a", other).removeAttribute("aria-current");
    current = row;
    choose();
  }
  function step(by) {
    const list = shown(), place = list.indexOf(current);
    turnTo(list[place < 0 ? 0 : Math.min(list.length - 1, Math.max(0, place + by))]);
  }
  function choose() {
    const files = chosen(), names = files.slice(0, 4).map(label).join(", ") + (files.length > 4 ? ` and ${files.length - 4} more` : "");
    one("#chosen").textContent = files.length ? `${ticked().length ? files.length + " ticked" : "Open file"}: ${names}` : "No file is open.";
    const stuck = busy || !files.length || Boolean(state.trouble);
    one("#approve").disabled = stuck || !files.every((row) => standing(row).may);
    one("#withdraw").disabled = stuck || !files.some((row) => standing(row).mine);
  }
  for (const row of rows) {
    one("a", row).addEventListener("click", () => mark(row));
    one("input", row).addEventListener("change", choose);
  }
  addEventListener("hashchange", () => {
    const row = rows.find((other) => one("a", other).hash === location.hash && location.hash !== "#files");
    if (row && row !== current) mark(row);
  });

  // Decisions: the program signs, and answers where each file stands.
  function write(way) {
    form.dataset.way = way;
    reason.focus();
  }
  function tell(text, bad) {
    said.textContent = text;
    said.classList.toggle("bad", Boolean(bad));
  }
  async function ask(path, body) {
    const answer = await fetch(path, body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    if (!(answer.headers.get("Content-Type") || "").startsWith("application/json")) throw new Error(await answer.text());
    const document = await answer.json();
    if (document.error) throw new Error(document.error.sentence + (document.error.hint ? ". " + document.error.hint : ""));
    return document;
  }
  async function decide(way) {
    const files = chosen();
    if (busy || one("#" + way).disabled) return;
    if (!reason.value.trim()) { tell("Write a reason first.", true); reason.focus(); return; }
    busy = true;
    choose();
    tell("Signing. Your agent or your token may ask you to confirm.");
    const next = rows.slice(order.get(files[files.length - 1]) + 1).concat(rows).find((row) => isOpen(row) && !files.includes(row) && !row.hidden);
    try {
      const expires = way === "approve" && one("#expires").value ? one("#expires").value : null;
      const done = await ask(way, { files: files.map((row) => row.dataset.subject), reason: reason.value, expires });
      busy = false;
      for (const row of files) one("input", row).checked = false;
      reason.value = "";
      showState(done.state);
      tell(done.said);
      if (way === "approve" && next) turnTo(next); else reason.blur();
    } catch (error) {
      busy = false;
      tell(error instanceof TypeError ? "The program does not answer. If it has ended, all that was signed stays signed." : error.message, true);
      await refresh();
    }
    choose();
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const way = event.submitter ? event.submitter.value : form.dataset.way;
    form.dataset.way = way;
    decide(way);
  });
  reason.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); decide(form.dataset.way); }
  });

  // Others decide, too: the file is read again when the page gets the focus, and now and then.
  async function refresh() {
    if (busy) return;
    try {
      const others = showState(await ask("state"));
      if (others.length) tell(`The approvals file has new lines: ${others.slice(0, 3).map((row) => `${label(row)} is ${standing(row).text}`).join("; ")}`);
    } catch { /* The next decision says it. */ }
  }
  addEventListener("focus", refresh);
  setInterval(() => { if (!document.hidden) refresh(); }, 10000);

  // Search: the rows of the queue, too, also by sha256.
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) row.hidden = !words.every((word) => (row.textContent + " " + row.dataset.words).toLowerCase().includes(word));
    if (words.length && rows.some((row) => !row.hidden && !isOpen(row))) one("#done").open = true;
  });

  // The source of a member, when it is unfolded.
  for (const details of all("details[data-source]")) {
    details.addEventListener("toggle", async () => {
      const place = one("pre", details);
      if (!details.open || place.childNodes.length) return;
      try {
        const source = await ask(`source?file=${encodeURIComponent(details.dataset.file)}&name=${encodeURIComponent(details.dataset.source)}`);
        place.replaceChildren(...(source.pieces || [["", "This member is not text, or it is too long to be shown."]]).map(([kind, text]) => {
          const piece = document.createElement("span");
          if (kind) piece.className = "t-" + kind;
          piece.textContent = text;
          return piece;
        }));
      } catch (error) { place.textContent = error.message; }
    });
  }

  const keys = one("#keys");
  one("#help").addEventListener("click", () => keys.showModal());
  addEventListener("keydown", (event) => {
    const typing = event.target.matches("textarea, input:not([type=checkbox])");
    if (event.key === "Escape" && typing) event.target.blur();
    if (typing || keys.open || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = {
      j: () => step(1), k: () => step(-1), a: () => write("approve"), w: () => write("withdraw"), "?": () => keys.showModal(),
      x: () => { if (current) { one("input", current).checked = !one("input", current).checked; choose(); } },
      X: () => {
        const open = shown().filter(isOpen), tick = open.some((row) => !one("input", row).checked);
        for (const row of open) one("input", row).checked = tick;
        choose();
      },
      d: () => { const folded = all(".view.shown details.diff"), open = folded.some((details) => !details.open); for (const details of folded) details.open = open; },
    }[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  form.dataset.way = "approve";
  showState(state);
  turnTo(rows.find((row) => one("a", row).hash === location.hash && location.hash !== "#files") || shown()[0]);
})();
