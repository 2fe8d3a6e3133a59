"use strict";
// Filters and sorts the page, shows what a cell or a term means, and keeps the choices in the address.
(() => {
  const all = (query, within = document) => [...within.querySelectorAll(query)];
  const byId = (id) => document.getElementById(id);
  const made = (name, text = "", into = null, kind = "") => {
    const element = document.createElement(name);
    element.textContent = text;
    if (kind) element.className = kind;
    if (into) into.append(element);
    return element;
  };
  const FILTERS = ["language", "beside", "task", "noise", "became"];
  const SHOWN = { change: "change", relative: "relative", noisy: "noisy level", edits: "edits" };
  const CAPTIONS = {
    relative: "Change in percent of the clean level",
    noisy: "Level under the noise, in points",
    edits: "Characters that the noise changed, in percent",
  };
  const MANY = 24;  // columns from which each task begins as its mean
  const state = { show: "change" };
  const cells = all("table.heat td[data-noisy]");
  for (const cell of cells) cell.dataset.change = cell.textContent;
  const caption = document.querySelector("#heat > p");
  const ofChange = caption?.textContent;

  // An address is LANGUAGE/TASK/.../NOISE, as the rows of cells have it, of which an address may have the beginning.
  const parts = (address) => {
    const names = address.split("/").map(decodeURIComponent);
    return { language: names[0], task: names[1] || "", noise: names.length > 2 ? names[names.length - 1] : "" };
  };
  const facts = (element) => element.dataset.of ? parts(element.dataset.of) : parts(element.id);

  const rows = all("table.cells tr[id], article[data-of]").map((row) => [row, facts(row)]);
  const languages = all("#languages > section").map((part) => [part, decodeURIComponent(part.id)]);
  const examples = new Map(all("article[data-of]").reverse().map((article) => [article.dataset.of, article]));
  const figures = all("figure[data-task]");
  const heatRows = all("table.heat tbody tr:has(a)").map((row) => [row, parts(row.querySelector("a").hash.slice(1)).language]);
  const none = document.querySelector("#examples article") && made("p", "No example of this choice: examples are of each perturbation's highest strength.", byId("examples"));
  const others = all("#languages table:not(.cells) tbody tr").map((row) => [row, row.lastElementChild.textContent.split(",")[0]]);
  const groups = all("#examples details, #examples section");

  const unique = (name) => [...new Set(rows.map(([, row]) => row[name]))].sort().map((value) => [value, value]);
  const choices = {
    language: languages.map(([part, code]) => [code, part.querySelector("h3").textContent.split(",")[0]]),
    task: unique("task"),
    noise: unique("noise"),
    became: examples.size ? [["wrong", "became wrong"], ["right", "became right"]] : [],
  };
  choices.beside = choices.language;
  const LABELS = { language: "Language", beside: "Compare with", task: "Task", noise: "Noise", became: "Examples" };

  const control = {};
  const tools = byId("tools");
  const button = (text, into, click) => {
    const element = made("button", text, into);
    element.type = "button";
    element.addEventListener("click", click);
    return element;
  };
  const build = () => {
    if (!rows.length && !cells.length) return;
    for (const name of FILTERS) {
      if (choices[name].length < 2) continue;
      const label = made("label", `${LABELS[name]} `, tools);
      const select = made("select", "", label);
      select.append(new Option(name === "beside" ? "none" : "all", ""), ...choices[name].map(([value, text]) => new Option(text, value)));
      select.addEventListener("change", () => { state[name] = select.value; keep(); apply(); show(name); });
      control[name] = select;
    }
    const group = made("span", "", tools);
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Shown in the table");
    for (const [name, text] of cells.length ? Object.entries(SHOWN) : []) {
      control[`show-${name}`] = button(text, group, () => { state.show = name; keep(); apply(); });
    }
    button("Reset", tools, () => { for (const name of FILTERS) delete state[name]; keep(); apply(); });
    control.unknown = made("p");
    control.unknown.id = "unknown";
    control.unknown.setAttribute("role", "status");
    byId("main").prepend(control.unknown);
    byId("tasks")?.after(tools);
    tools.hidden = false;
  };

  // The heading of a column is a term of the legend of its part or, if it has none, of the last legend.
  const part = (at) => at.closest("section")?.id;
  const terms = new Map(all("dt[id]").flatMap((dt) => ["", part(dt)].map((of) => [of + dt.textContent, dt.id])));
  const own = (at) => terms.get(part(at) + at.textContent);
  for (const a of all("a.term")) if (own(a)) a.href = `#${own(a)}`;
  for (const head of all("table:not(.heat) th")) {
    const id = own(head) ?? terms.get(head.textContent);
    if (!id) continue;
    const link = made("a", head.textContent, null, "term");
    link.href = `#${id}`;
    head.replaceChildren(link);
  }

  // A heat table: its columns fold into the mean of their task, and sort its rows.
  const heats = all("table.heat").map((table) => {
    const heads = all("thead tr:last-child th", table);
    const titles = all("thead tr:first-child th[data-task]", table);
    const body = table.tBodies[table.tBodies.length - 1];
    const order = [...body.rows];
    const means = new Set(heads.filter(({ dataset: { task, noise } }) => noise === "mean" && task !== "all").map((head) => head.dataset.task));
    const folded = new Set(heads.length > MANY ? means : []);
    const value = (row, at) => at < 2 ? row.cells[at].textContent : parseFloat(row.cells[at].dataset[state.show] ?? row.cells[at].textContent);
    const repeat = () => [...body.rows].forEach((row, at) => {
      row.classList.toggle("again", at > 0 && row.cells[0].textContent === body.rows[at - 1].cells[0].textContent);
    });
    const sort = (head, at) => {
      const now = { ascending: "descending", descending: "" }[head.getAttribute("aria-sort")] ?? "ascending";
      for (const other of all("th", table)) other.removeAttribute("aria-sort");
      if (now) head.setAttribute("aria-sort", now);
      const sign = now === "descending" ? -1 : 1;
      const missing = (row) => at > 1 && !Number.isFinite(value(row, at));
      const compare = (a, b) => missing(a) - missing(b) || sign * ((value(a, at) > value(b, at)) - (value(a, at) < value(b, at)));
      body.append(...(now ? [...order].sort(compare) : order));
      repeat();
    };
    [...all("thead tr:first-child th[rowspan]", table), ...heads].forEach((head, at) => {
      const text = head.textContent;
      head.textContent = "";
      button(text, head, () => sort(head, at)).title = `Sort by ${text}`;
    });
    for (const title of titles.filter((head) => means.has(head.dataset.task))) {
      const task = title.dataset.task;
      title.textContent = "";
      const toggle = button(task, title, () => { if (!folded.delete(task)) folded.add(task); arrange(); });
      toggle.title = "Each noise, or their mean";
    }
    const arrange = () => {
      const hidden = heads.map(({ dataset: { task, noise } }) => {
        const over = noise === "mean" || noise === "n";
        const known = heads.some((head) => head.dataset.noise === state.noise);
        if (state.task && task.split(" ")[0] !== state.task) return true;
        if (state.noise && known) return over || noise !== state.noise;
        return folded.has(task) && !over;
      });
      heads.forEach((head, at) => { off(head, hidden[at]); });
      for (const row of all("tbody tr", table)) hidden.forEach((is, at) => { off(row.cells[at + 2], is); });
      for (const title of titles) {
        const left = heads.filter((head) => head.dataset.task === title.dataset.task && !head.hasAttribute("data-off")).length;
        title.colSpan = left || 1;
        off(title, !left);
        title.querySelector("button")?.setAttribute("aria-expanded", String(!folded.has(title.dataset.task)));
      }
      table.parentElement.classList.toggle("fits", table.offsetWidth <= table.parentElement.clientWidth);
      keep_heads();
    };
    repeat();
    return arrange;
  });

  // What a choice is about comes into sight.
  const show = (name) => {
    const about = { language: "languages", beside: "languages", became: "examples" }[name];
    const part = about && state[name] && byId(about);
    if (part) part.scrollIntoView();
  };

  const keep = () => {
    const kept = new URLSearchParams(Object.entries(state).filter(([name, value]) => value && value !== "change"));
    history.replaceState(null, "", `#${kept.size ? `?${kept}` : ""}`);
  };

  // Two languages in one table, with the difference of their changes.
  const beside = () => {
    byId("beside")?.remove();
    const [first, second] = [state.language, state.beside].map((code) => languages.find(([, known]) => known === code));
    if (!first || !second || first === second) return;
    const part = made("section");
    part.id = "beside";
    made("h3", `${first[0].querySelector("h3").textContent}, compared with ${second[0].querySelector("h3").textContent}`, part);
    made("p", "Changes in points, and the second minus the first, which is not tested; none where a cell cannot be measured.", part);
    const box = made("div", "", part, "scroll");
    const table = made("table", "", box);
    const head = made("tr", "", table.createTHead());
    const heads = ["task", "noise", ...[first, second].map(([part]) => part.querySelector("h3").textContent.split(",")[0]), "second minus first"];
    heads.forEach((text, at) => { made("th", text, head, at < 2 ? "l" : "").scope = "col"; });
    const changes = (code) => new Map(rows.filter(([row, names]) => names.language === code && row.matches("tr"))
      .map(([row, names]) => [row.id.slice(row.id.indexOf("/")), [row, names]]));
    const [ours, theirs] = [changes(first[1]), changes(second[1])];
    const body = table.createTBody();
    for (const [key, [row, names]] of ours) {
      if (!theirs.has(key) || !fits({ ...names, language: first[1] })) continue;
      const [one, other] = [row, theirs.get(key)[0]].map((each) => columns(each).get("change"));
      const blind = [row, theirs.get(key)[0]].some((each) => (columns(each).get("marks") || "").includes("chance"));
      const difference = blind ? undefined : parseFloat(other) - parseFloat(one);
      const line = made("tr", "", body);
      const shown = Number.isFinite(difference) ? `${difference > 0 ? "+" : ""}${difference.toFixed(1)}` : "-";
      [columns(row).get("task"), names.noise, one, other, shown].forEach((text, at) => made("td", text, line, at < 2 ? "l" : ""));
    }
    byId("languages").querySelector("h2").after(part);
  };

  const off = (element, hidden) => element.toggleAttribute("data-off", hidden);
  const fits = (row) => {
    const chosen = [state.language, state.beside].filter(Boolean);
    return (!chosen.length || chosen.includes(row.language)) && (!state.task || row.task === state.task) && (!state.noise || row.noise === state.noise);
  };
  const apply = () => {
    const chosen = [state.language, state.beside].filter(Boolean);
    for (const [row, names] of rows) {
      off(row, !fits(names) || Boolean(state.became && row.dataset.became && row.dataset.became !== state.became));
    }
    for (const [part, code] of languages) off(part, Boolean(chosen.length) && !chosen.includes(code));
    const order = [...languages].sort((a, b) => (chosen.indexOf(b[1]) >= 0) - (chosen.indexOf(a[1]) >= 0) || chosen.indexOf(a[1]) - chosen.indexOf(b[1]));
    if (order.length) byId("languages").append(...order.map(([part]) => part));
    for (const [row, code] of heatRows) row.classList.toggle("quiet", Boolean(chosen.length) && !chosen.includes(code));
    for (const [row, task] of others) off(row, Boolean(state.task) && task !== state.task);
    for (const term of all("#examples > dl > dt")) for (const each of [term, term.nextElementSibling]) off(each, Boolean(state.noise) && term.textContent !== state.noise);
    for (const group of groups) off(group, !group.querySelector("article:not([data-off])"));
    for (const code of chosen) byId(`examples/${encodeURIComponent(code)}`)?.setAttribute("open", "");
    for (const figure of figures) off(figure, Boolean(state.task) && figure.dataset.task !== state.task);
    for (const arrange of heats) arrange();
    for (const table of all("#languages > section table")) off(table.parentElement, !table.querySelector("tbody tr:not([data-off])"));
    for (const fold of all("#languages details")) off(fold, !fold.querySelector("tbody tr:not([data-off])"));
    beside();
    if (none) none.hidden = Boolean(document.querySelector("#examples article:not([data-off])"));
    for (const cell of cells) (cell.querySelector("a") || cell).textContent = cell.dataset[state.show];
    if (caption && cells.length) {
      caption.textContent = CAPTIONS[state.show] ? `${CAPTIONS[state.show]}, at each perturbation's highest strength.` : ofChange;
    }
    for (const name of FILTERS) if (control[name]) control[name].value = state[name] || "";
    for (const name of Object.keys(SHOWN)) {
      if (control[`show-${name}`]) control[`show-${name}`].setAttribute("aria-pressed", String(state.show === name));
    }
  };

  const read = () => {
    const [address, query] = location.hash.slice(1).split("?");
    const target = address && byId(address);
    const unknown = [];
    if (query !== undefined || !address) {
      for (const name of FILTERS) delete state[name];
      for (const [name, value] of new URLSearchParams(query || "")) {
        if (name === "show" && value in SHOWN) state[name] = value;
        else if (choices[name]?.some(([known]) => known === value)) state[name] = value;
        else unknown.push(`${name} "${value}"`);
      }
    }
    if (control.unknown) control.unknown.textContent = unknown.length ? `Not in this page: ${unknown.join(", ")}.` : "";
    if (target && target.matches("#languages > section, table.cells tr, article[data-of]")) {
      for (const name of FILTERS) delete state[name];
      Object.assign(state, facts(target));
      if (target.matches("article")) state.noise = "";
    }
    apply();
    if (!target) { show("language"); return; }
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    land(target, 5);
  };
  // What is above a target may become higher when it comes near: until it stays, the page goes there again.
  const land = (target, times) => {
    target.scrollIntoView({ block: target.matches("tr") ? "center" : "start" });
    if (times) requestAnimationFrame(() => land(target, times - 1));
  };

  // The box beside what a pointer or the keyboard is at: the numbers of a cell, the sentence of a term, code points.
  const tip = made("div", "", document.body);
  tip.id = "tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  const columns = (row) => new Map([...row.cells].map((cell, at) => [row.closest("table").tHead.rows[0].cells[at].textContent, cell.textContent]));
  const numbers = (link) => {
    const row = byId(link.hash.slice(1));
    const named = parts(link.hash.slice(1));
    const lines = [];
    if (row?.matches("tr")) {
      const known = columns(row);
      lines.push([`${known.get("task")}, ${new Map(choices.language).get(named.language) ?? named.language}, ${named.noise}`, ["", "-"].includes(known.get("p adj.") ?? "") ? "not tested" : ""]);
      for (const [name, text] of known) if (!["task", "noise", ""].includes(name) && !["", "-"].includes(text)) lines.push([name, text]);
    } else {
      for (const name of Object.keys(SHOWN)) lines.push([SHOWN[name], link.closest("td").dataset[name] || ""]);
    }
    return lines;
  };
  const points = (word) => all("del, ins", word).map((piece) => [
    piece.matches("del") ? "was" : "is",
    [...piece.textContent].map((letter) => `${letter} U+${letter.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`).join("  "),
  ]);
  // What a mean in the heat table is of: the cells of its row, or of its column, that have a change.
  const parts_of = (cell) => {
    const heads = all("thead tr:last-child th", cell.closest("table")).map(({ dataset }) => dataset);
    const { task, noise } = heads[cell.cellIndex - 2];
    const of = [...cell.parentElement.cells].slice(2).filter((_, at) => heads[at].noise !== "mean" && heads[at].noise !== "n" &&
      (task === "all" || heads[at].task === task) && (noise === "mean" || heads[at].noise === noise));
    const name = ({ task: of_task, noise: of_noise }) => task === "all" ? `${of_task} ${of_noise}` : of_noise;
    const told = of.filter((each) => !each.matches(".absent")).map((each) => [name(heads[each.cellIndex - 2]), each.dataset.change ?? each.textContent]);
    return [["", `mean of ${told.length}`], ...told.slice(0, 12), ...(told.length > 12 ? [["", `and ${told.length - 12} more`]] : [])];
  };
  const about = (element) => {
    if (element.matches("td.mean")) return parts_of(element);
    if (element.matches("a.term")) return [["", byId(element.hash.slice(1))?.nextElementSibling.textContent ?? ""]];
    if (element.dataset.told) return [["", element.dataset.told]];
    return element.matches("span.w") ? points(element) : numbers(element);
  };
  const MEAN = "table.heat tbody:last-of-type td.mean";
  const TOLD = `a.term, table.heat td:nth-child(n+3) a, td[data-told], span.w, ${MEAN}`;
  for (const cell of all(`td[data-told], ${MEAN}`)) cell.tabIndex = 0;
  const tell = (element) => {
    const lines = about(element);
    tip.replaceChildren();
    for (const [name, text] of lines) {
      const line = made("div", "", tip);
      if (name) made("b", `${name} `, line);
      line.append(text);
    }
    tip.hidden = false;
    element.setAttribute("aria-describedby", "tip");
    const box = element.getBoundingClientRect();
    const below = box.bottom + tip.offsetHeight + 8 < innerHeight;
    tip.style.left = `${Math.max(8, Math.min(box.left, innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${below ? box.bottom + 6 : Math.max(8, box.top - tip.offsetHeight - 6)}px`;
  };
  const quiet = () => {
    tip.hidden = true;
    document.querySelector("[aria-describedby=tip]")?.removeAttribute("aria-describedby");
  };
  for (const [begins, ends] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
    document.addEventListener(begins, ({ target }) => { const at = target.closest?.(TOLD); if (at) tell(at); });
    document.addEventListener(ends, quiet);
  }
  // Arrow keys go from cell to cell of a heat table, past those that are hidden or lead nowhere.
  const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") quiet();
    const cell = event.target.closest?.("table.heat td"), arrow = ARROWS[event.key];
    if (!cell || !arrow) return;
    const lines = all("tbody tr", cell.closest("table"));
    let [line, at] = [lines.indexOf(cell.parentElement), cell.cellIndex];
    for (let next; (next = lines[line += arrow[0]]?.cells[at += arrow[1]]);) {
      const goal = next.hasAttribute("data-off") ? null : next.matches("[tabindex]") ? next : next.querySelector("a");
      if (goal) { event.preventDefault(); goal.focus(); return; }
    }
  });
  // The heads of a heat table stay below the filters, where these are above it, while the page scrolls.
  function keep_heads() {
    const bar = byId("tools"), at = bar?.getBoundingClientRect();
    const from = at && at.top <= 0 && getComputedStyle(bar).position === "sticky" ? at.bottom : 0;
    for (const head of all(".scroll > .heat thead")) {
      const part = head.closest(".scroll"), box = part.getBoundingClientRect();
      const down = Math.max(0, Math.min(from - box.top, box.height - head.offsetHeight - 60));
      head.style.top = `${part.matches(".fits") ? from : down}px`;
    }
  }
  addEventListener("scroll", () => { quiet(); keep_heads(); }, { passive: true });

  // A term says its sentence where it stands; a cell leads to its examples, if there are any.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a"), mean = event.target.closest(MEAN);
    if (mean && languages.length) {
      const task = all("thead tr:last-child th", mean.closest("table"))[mean.cellIndex - 2].dataset.task;
      state.language = parts(mean.parentElement.querySelector("a").hash.slice(1)).language;
      state.task = choices.task.some(([name]) => name === task.split(" ")[0]) ? task.split(" ")[0] : "";
      keep(); apply(); show("language");
    }
    if (link?.matches(".term")) { event.preventDefault(); tell(link); }
    const example = link?.closest("table.heat") && examples.get(link.hash.slice(1));
    if (example) { event.preventDefault(); location.hash = example.id; }
  });

  // An example has the clean text above the noisy one, as one reads them; its letters are shown on demand.
  const twice = (article) => {
    if (article.dataset.twice) return;
    article.dataset.twice = "yes";
    let changed = false;
    for (const text of all("dd.text > bdi:has(.w)", article)) {
      changed = true;
      const [clean, noisy] = ["clean", "noisy"].map((side) => { const line = text.cloneNode(true); line.classList.add(side); return line; });
      text.classList.add("letters");
      text.before(clean, noisy);
      for (const word of all(".w", noisy)) word.tabIndex = 0;
    }
    if (changed) {
      const toggle = button("show letters", article.querySelector("p"), () => {
        toggle.setAttribute("aria-pressed", String(article.classList.toggle("spelled")));
      });
      toggle.setAttribute("aria-pressed", "false");
    }
  };
  const seen = new IntersectionObserver((entries) => { for (const entry of entries) if (entry.isIntersecting) twice(entry.target); });
  for (const article of all("article.sample")) seen.observe(article);

  if (!matchMedia("(min-width: 80rem)").matches) byId("menu")?.removeAttribute("open");
  build();
  addEventListener("hashchange", read);
  read();
})();
