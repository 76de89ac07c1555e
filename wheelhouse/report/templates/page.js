"use strict";
(() => {
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const root = document.documentElement;
  const held = JSON.parse(one("#held").textContent);
  const search = one("#search");
  root.classList.add("js");

  // Views: one at a time, by the address's fragment.
  const views = all(".view");
  let scrolled = {};
  function show(first) {
    const name = decodeURIComponent(location.hash.slice(1)) || views[0].id;
    const goal = document.getElementById(name);
    const view = (goal && goal.closest(".view")) || views[0];
    for (const other of views) {
      if (other.classList.contains("shown")) scrolled[other.id] = scrollY;
      other.classList.toggle("shown", other === view);
    }
    for (const tab of all(".bar nav a")) {
      const here = tab.hash === "#" + view.id || (view.classList.contains("file") && tab.hash === "#files");
      here ? tab.setAttribute("aria-current", "page") : tab.removeAttribute("aria-current");
    }
    document.title = one("h1", view).textContent + " · " + (held.title || held.house);
    if (view.id === "graph" && held.nodes) draw();
    if (goal && goal !== view) {
      if (goal.tagName === "DETAILS") goal.open = true;
      goal.scrollIntoView();
    } else scrollTo(0, view.classList.contains("file") ? 0 : scrolled[view.id] || 0);
    if (!first) one("h1", view).focus({ preventScroll: true });
  }
  addEventListener("hashchange", () => show(false));

  // Search: rows and groups of the view that is open; where it holds none, the list of files.
  function sift() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (text) => words.every((word) => text.includes(word));
    for (const row of all("tbody tr, .remarks li[data-words], .rows li, .change-group")) {
      row.hidden = words.length > 0 && !fits((row.textContent + " " + (row.dataset.words || "")).toLowerCase());
    }
    for (const group of all("#findings .group")) {
      group.hidden = words.length > 0 && !all("li[data-words]", group).some((row) => !row.hidden);
    }
    for (const group of all("#licences .group")) {
      group.hidden = words.length > 0 && !fits(group.dataset.words.toLowerCase());
    }
    if (held.nodes && one("#graph").classList.contains("shown")) draw();
  }
  search.addEventListener("input", () => {
    const view = one(".view.shown");
    if (search.value && (view.classList.contains("file") || view.id === "summary")) {
      history.pushState(null, "", one("#files") ? "#files" : "#" + views[0].id);
      show(true);
    }
    sift();
  });

  // Keys: / searches, Escape clears, g and a letter goes to a view.
  addEventListener("keydown", (event) => {
    const typing = event.target.matches("textarea, input:not([type=checkbox])");
    if (event.key === "/" && !typing) { event.preventDefault(); search.focus(); search.select(); }
    if (event.key === "Escape" && (typing || search.value)) { search.value = ""; sift(); search.blur(); }
    if (event.key === "Enter" && event.target === search) {
      const link = one(".view.shown tbody tr:not([hidden]) a, .view.shown .remarks li:not([hidden]) a");
      if (link && one(".view.shown").id !== "graph") link.click();
      else if (hits.length) focusNode(hits[0]);
    }
  });

  one("#theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  // The table of files sorts by its columns.
  for (const head of all("th button")) {
    head.addEventListener("click", () => {
      const cell = head.parentElement, place = cell.cellIndex, body = one("tbody", cell.closest("table"));
      const down = cell.getAttribute("aria-sort") === "ascending";
      const value = (row) => row.cells[place].dataset.sort ?? row.cells[place].textContent;
      const order = (a, b) => String(value(a)).localeCompare(String(value(b)), "en", { numeric: true });
      const rows = [...body.rows].sort(down ? (a, b) => order(b, a) : order);
      for (const other of all("th", cell.parentElement)) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", down ? "descending" : "ascending");
      body.append(...rows);
    });
  }

  // The graph: columns by how far a project is from what was asked for; each project once, folded in and out.
  const HEIGHT = 22, ACROSS = 44, BESIDE = 10, DOWN = 5;
  const pen = document.createElement("canvas").getContext("2d");
  let open = new Set(), hits = [], places = new Map(), drawn = null, width = 0, needs = [], by = [], top = 0, house = 0;
  if (held.nodes) {
    house = held.nodes.length;
    top = held.roots.length === 1 ? held.roots[0] : house;
    needs = [...held.needs, held.roots];
    by = needs.map(() => []);
    needs.forEach((list, from) => list.forEach((to) => by[to].push(from)));
    held.nodes.push([held.house, "", "", 0]);
    fold();
    function fold() { open = new Set([top]); }
    one("#fold").addEventListener("click", () => { fold(); draw(); });
    one("#unfold").addEventListener("click", () => { open = new Set(needs.keys()); draw(); });
  }

  // As deep as the picture has room for, with the widest cards that allow it; one level at least.
  function fit(room, rows) {
    const depth = new Map([[top, 0]]), counts = [];
    for (const from of depth.keys()) for (const to of needs[from]) if (!depth.has(to)) depth.set(to, depth.get(from) + 1);
    for (const level of depth.values()) counts[level] = (counts[level] || 0) + 1;
    const across = (levels, wide) => levels.reduce((sum, count) => sum + Math.ceil(count / rows) * (wide + BESIDE) - BESIDE + ACROSS, -ACROSS);
    for (let deepest = counts.length - 1; deepest > 0; deepest--) {
      width = [206, 176, 150].find((wide) => across(counts.slice(0, deepest + 1), wide) <= room);
      if (width || deepest === 1) {
        for (const [node, level] of depth) if (level < deepest) open.add(node);
        break;
      }
    }
    width ||= 150;
  }

  function visible() {
    const depth = new Map([[top, 0]]), parents = new Map(), queue = [top], ways = new Set();
    const word = search.value.trim().toLowerCase();
    hits = word ? held.nodes.map((_, n) => n).filter((n) => n < house && held.nodes[n][0].includes(word)) : [];
    for (const hit of hits) {
      for (let end of [hit, ...by[hit]]) for (; end !== undefined && !ways.has(end); end = above(end)) ways.add(end);
    }
    while (queue.length) {
      const from = queue.shift();
      for (const to of needs[from]) {
        if (depth.has(to) || !(hits.length ? ways.has(to) && ways.has(from) : open.has(from))) continue;
        depth.set(to, depth.get(from) + 1);
        parents.set(to, from);
        queue.push(to);
      }
    }
    return [depth, parents];
  }

  let upward = null;
  function above(node) {
    if (!upward) {
      upward = new Map();
      const queue = [top], seen = new Set(queue);
      while (queue.length) {
        const from = queue.shift();
        for (const to of needs[from]) if (!seen.has(to)) { seen.add(to); upward.set(to, from); queue.push(to); }
      }
    }
    return upward.get(node);
  }

  function make(name, attributes, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  function draw(focus) {
    const picture = one("#picture"), at = [picture.scrollLeft, picture.scrollTop];
    const rows = Math.max(12, Math.floor((picture.clientHeight - 28) / (HEIGHT + DOWN)));
    if (!width) fit(picture.clientWidth - 20, rows);
    const [depth, parents] = visible();
    const columns = [];
    for (const [node, column] of depth) (columns[column] ||= []).push(node);
    places = new Map();
    const front = new Set();
    let across = 0, tall = 1;
    for (const column of columns) {
      const high = Math.min(rows, column.length), beside = Math.ceil(column.length / high);
      column.forEach((node, n) => places.set(node, [across + Math.floor(n / high) * (width + BESIDE), (n % high) * (HEIGHT + DOWN)]));
      for (const node of column.slice(0, high)) front.add(node);
      across += beside * (width + BESIDE) - BESIDE + ACROSS;
      tall = Math.max(tall, high);
    }
    drawn = make("svg", { width: across, height: tall * (HEIGHT + DOWN) + 8, role: "tree", "aria-label": "Which project needs which" });
    const lines = make("g", {}), cards = make("g", {});
    for (const from of places.keys()) {
      for (const to of needs[from]) if (places.has(to)) lines.append(edge(from, to, parents.get(to) === from && front.has(to)));
    }
    for (const node of places.keys()) cards.append(card(node));
    drawn.append(lines, cards);
    picture.replaceChildren(drawn);
    picture.scrollTo(...at);
    const first = focus ?? (hits.length ? hits[0] : top);
    card_of(first)?.setAttribute("tabindex", "0");
    if (focus !== undefined) focusNode(focus);
    else if (hits.length) { card_of(hits[0])?.scrollIntoView({ block: "nearest", inline: "nearest" }); light(hits[0]); }
    else tell(null);
  }

  function edge(from, to, first) {
    const [ax, ay] = places.get(from), [bx, by] = places.get(to), half = HEIGHT / 2 + 4;
    const forward = bx > ax, start = ax + width, end = forward ? bx : bx + width, bend = forward ? (end - start) / 2 : ACROSS * 0.7;
    const path = `M${start} ${ay + half}C${start + bend} ${ay + half} ${forward ? end - bend : end + bend} ${by + half} ${end} ${by + half}`;
    return make("path", { d: path, class: first ? "edge" : "edge other", "data-from": from, "data-to": to });
  }

  function card(node) {
    const [name, version, state, severity] = held.nodes[node], [x, y] = places.get(node);
    const hidden = needs[node].filter((to) => !places.has(to)).length;
    const classes = ["node", state, ["", "note", "warning", "error"][severity], hits.includes(node) ? "hit" : ""];
    const group = make("g", { class: classes.join(" "), transform: `translate(${x} ${y + 4})`, tabindex: "-1", role: "treeitem", "data-node": node });
    group.setAttribute("aria-description", `${state} needs ${needs[node].length}`);
    if (needs[node].length) group.setAttribute("aria-expanded", String(!hidden));
    group.append(make("rect", { width: width, height: HEIGHT, rx: 3 }), make("rect", { width: 3, height: HEIGHT, class: "side" }));
    const end = width - 7 - (hidden ? 24 : 0), shown = fitting(version, width * 0.34, "11px");
    const short = fitting(name, end - 16 - wide(shown, "11px"), "12px");
    group.append(make("text", { x: 10, y: 15 }, short));
    group.append(make("text", { x: end, y: 15, "text-anchor": "end", class: "version" }, shown));
    group.append(make("title", {}, `${name} ${version}`));
    if (hidden) group.append(make("text", { x: width - 6, y: 15, "text-anchor": "end", class: "more" }, `+${hidden}`));
    group.addEventListener("click", () => turn(node));
    group.addEventListener("focus", () => light(node));
    group.addEventListener("mouseenter", () => light(node));
    group.addEventListener("keydown", (event) => walk(event, node));
    return group;
  }

  function wide(text, size) {
    pen.font = size + " " + getComputedStyle(document.body).fontFamily;
    return pen.measureText(text).width;
  }
  function fitting(text, room, size) {
    let short = text;
    for (let length = text.length; wide(short, size) > room && length > 4; length--) short = text.slice(0, 4) + "…" + (length > 5 ? text.slice(5 - length) : "");
    return short;
  }

  const card_of = (node) => one(`[data-node="${node}"]`, drawn);
  function focusNode(node) {
    const found = card_of(node);
    if (!found) return;
    for (const other of all("[tabindex='0']", drawn)) other.setAttribute("tabindex", "-1");
    found.setAttribute("tabindex", "0");
    found.focus({ preventScroll: true });
    found.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  function turn(node) {
    if (needs[node].some((to) => !places.has(to))) open.add(node);
    else open.delete(node);
    draw(node);
  }
  function light(node) {
    drawn.classList.add("lit");
    for (const other of all(".near", drawn)) other.classList.remove("near");
    card_of(node)?.classList.add("near");
    for (const line of all(`[data-from="${node}"], [data-to="${node}"]`, drawn)) {
      line.classList.add("near");
      line.parentNode.append(line);
      for (const end of [line.dataset.from, line.dataset.to]) card_of(end)?.classList.add("near");
    }
    tell(node);
  }
  function walk(event, node) {
    const column = (near) => [...places].filter(([, [x]]) => x === places.get(node)[0]).map(([n]) => n)[near];
    const row = [...places].filter(([, [x]]) => x === places.get(node)[0]).findIndex(([n]) => n === node);
    const act = {
      Enter: () => turn(node), " ": () => turn(node),
      ArrowDown: () => focusNode(column(row + 1)), ArrowUp: () => focusNode(column(row - 1)),
      ArrowRight: () => needs[node].some((to) => places.has(to)) ? focusNode(needs[node].find((to) => places.has(to))) : turn(node),
      ArrowLeft: () => focusNode(by[node].find((from) => places.has(from))),
      o: () => { if (node < house) location.hash = "#f" + node; },
    }[event.key];
    if (act) { event.preventDefault(); act(); }
  }

  function tell(node) {
    const box = one("#told"), line = (name, ...children) => { const e = document.createElement(name); e.append(...children); return e; };
    if (node === null) { box.replaceChildren(line("p", "Point at a project to see what needs it.")); box.firstChild.className = "muted"; return; }
    const [name, version, state] = held.nodes[node], page = node < house;
    const link = (n) => { const a = line("a", held.nodes[n][0]); a.href = n < house ? "#f" + n : "#summary"; return a; };
    const names = (list) => { const p = line("p", ...list.flatMap((n) => [link(n), " "])); p.className = "names"; return p; };
    box.replaceChildren(line("h2", `${name} ${version}`));
    if (page) { const open = line("a", "Open its page"); open.href = "#f" + node; box.append(line("p", open, state ? ` · ${state}` : "")); }
    for (const [title, list] of [["Needed by", by[node]], ["Needs", needs[node]]]) {
      if (list.length) box.append(line("h2", `${title} ${list.length}`), names(list));
    }
  }

  show(true);
})();
