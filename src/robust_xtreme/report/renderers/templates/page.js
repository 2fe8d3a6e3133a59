"use strict";
// Filters the page by language, task and noise, changes what the heat tables show, and keeps both in the address.
(() => {
  const all = (query, within = document) => [...within.querySelectorAll(query)];
  const byId = (id) => document.getElementById(id);
  const FILTERS = ["language", "beside", "task", "noise", "became"];
  const SHOWN = { change: "change", relative: "relative", noisy: "noisy level", edits: "edits" };
  const state = { show: "change" };
  const cells = all("table.heat td[data-noisy]");
  for (const cell of cells) cell.dataset.change = cell.textContent;

  // An address is LANGUAGE/TASK/.../NOISE, as the rows of cells have it, of which an address may have the beginning.
  const parts = (address) => {
    const names = address.split("/").map(decodeURIComponent);
    return { language: names[0], task: names[1] || "", noise: names.length > 2 ? names[names.length - 1] : "" };
  };
  const facts = (element) => element.dataset.of ? parts(element.dataset.of) : parts(element.id);

  const rows = all("table.cells tr[id], article[data-of]").map((row) => [row, facts(row)]);
  const languages = all("#languages > section").map((part) => [part, decodeURIComponent(part.id)]);
  const figures = all("figure[data-task]");
  const heats = all("table.heat").map((table) => [table, table.caption ? table.caption.textContent : ""]);
  const heatRows = all("table.heat tbody tr:has(a)").map((row) => [row, parts(row.querySelector("a").hash.slice(1)).language]);
  const heatCells = all("table.heat").flatMap((table) => {
    const tasks = all("th", table).map((head) => head.textContent.split(" ")[0]);
    return all("td[data-noisy]", table).map((cell) => [cell, tasks[cell.cellIndex]]);
  });
  const none = byId("examples") && document.createElement("p");
  if (none) {
    none.textContent = "No example of this choice: examples are of each perturbation's highest strength.";
    byId("examples").append(none);
  }
  const others = all("#languages table:not(.cells) tbody tr").map((row) => [row, row.lastElementChild.textContent.split(",")[0]]);
  const groups = all("#examples details, #examples section");

  const choices = {
    language: languages.map(([part, code]) => [code, part.querySelector("h3").textContent]),
    task: [...new Set(rows.map(([, row]) => row.task))].sort().map((name) => [name, name]),
    noise: [...new Set(rows.map(([, row]) => row.noise))].sort().map((name) => [name, name]),
    became: all("article[data-became]").length ? [["wrong", "became wrong"], ["right", "became right"]] : [],
  };
  choices.beside = choices.language;
  const LABELS = { language: "Language", beside: "Beside", task: "Task", noise: "Noise", became: "Examples" };

  const control = {};
  const tools = byId("tools");
  const build = () => {
    if (!rows.length && !cells.length) return;
    for (const name of FILTERS) {
      if (choices[name].length < 2) continue;
      const label = document.createElement("label");
      const select = document.createElement("select");
      select.append(new Option(name === "beside" ? "none" : "all", ""), ...choices[name].map(([value, text]) => new Option(text, value)));
      select.addEventListener("change", () => { state[name] = select.value; keep(); apply(); show(name); });
      label.append(`${LABELS[name]} `, select);
      tools.append(label);
      control[name] = select;
    }
    const group = document.createElement("span");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "What the heat tables show");
    for (const [name, text] of cells.length ? Object.entries(SHOWN) : []) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.addEventListener("click", () => { state.show = name; keep(); apply(); });
      group.append(button);
      control[`show-${name}`] = button;
    }
    const reset = document.createElement("button");
    reset.type = "button";
    reset.textContent = "Show everything";
    reset.addEventListener("click", () => { for (const name of FILTERS) delete state[name]; keep(); apply(); });
    tools.append(group, reset);
    byId("tasks")?.after(tools);
    tools.hidden = false;
  };

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

  const off = (element, hidden) => element.toggleAttribute("data-off", hidden);
  const apply = () => {
    const chosen = [state.language, state.beside].filter(Boolean);
    const fits = (row) => (!chosen.length || chosen.includes(row.language))
      && (!state.task || row.task === state.task) && (!state.noise || row.noise === state.noise);
    for (const [row, names] of rows) {
      off(row, !fits(names) || Boolean(state.became && row.dataset.became && row.dataset.became !== state.became));
    }
    for (const [part, code] of languages) {
      off(part, Boolean(chosen.length) && !chosen.includes(code));
      part.style.order = chosen.indexOf(code);
    }
    for (const [row, code] of heatRows) row.classList.toggle("quiet", Boolean(chosen.length) && !chosen.includes(code));
    for (const [row, task] of others) off(row, Boolean(state.task) && task !== state.task);
    for (const group of groups) off(group, !group.querySelector("article:not([data-off])"));
    if (byId("languages")) byId("languages").classList.toggle("beside", new Set(chosen).size === 2);
    for (const figure of figures) off(figure, Boolean(state.task) && figure.dataset.task !== state.task);
    const drawn = heats.some(([, noise]) => noise === state.noise);  // only highest strengths have a table
    for (const [table, noise] of heats) off(table.parentElement, drawn && noise !== state.noise);
    for (const [cell, task] of heatCells) cell.classList.toggle("quiet", Boolean(state.task) && task !== state.task);
    for (const table of all("#languages table")) off(table.parentElement, !table.querySelector("tbody tr:not([data-off])"));
    for (const fold of all("#languages details")) off(fold, !fold.querySelector("tbody tr:not([data-off])"));
    if (none) none.hidden = Boolean(document.querySelector("#examples article:not([data-off])"));
    for (const cell of cells) (cell.querySelector("a") || cell).textContent = cell.dataset[state.show];
    for (const name of FILTERS) if (control[name]) control[name].value = state[name] || "";
    for (const name of Object.keys(SHOWN)) {
      if (control[`show-${name}`]) control[`show-${name}`].setAttribute("aria-pressed", String(state.show === name));
    }
  };

  const read = () => {
    const [address, query] = location.hash.slice(1).split("?");
    const target = address && byId(address);
    if (query !== undefined || !address) {
      for (const name of FILTERS) delete state[name];
      for (const [name, value] of new URLSearchParams(query || "")) {
        if (name === "show" ? value in SHOWN : FILTERS.includes(name)) state[name] = value;
      }
    }
    if (target && target.matches("#languages > section, table.cells tr, article[data-of]")) {
      for (const name of FILTERS) delete state[name];
      Object.assign(state, facts(target));
      if (target.matches("article")) state.noise = "";
    }
    apply();
    if (!target) { show("language"); return; }
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    target.scrollIntoView({ block: target.matches("tr") ? "center" : "start" });
  };

  build();
  addEventListener("hashchange", read);
  read();
})();
