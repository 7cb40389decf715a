// The classes: "/" searches, j and k choose the next and the previous class wherever the focus is.

const ANSWER_MS = 1500;   // how long the page's own idea of the current class may be out of date

function drawRow(row) {
  const line = make("div", `row ${row.kind}`, null, { id: `class-${row.number}`, title: row.words });
  line.setAttribute("role", "option");
  const track = make("span", "track"), fill = make("span", "fill");
  fill.style.width = percent(row.share);
  track.append(fill);
  line.append(make("span", "number", row.number), make("span", "name", row.name), track);
  line.number = row.number;
  line.missing = row.kind === "missing";
  line.sought = `${row.number} ${row.words} ${row.sought}`.toLocaleLowerCase();
  return line;
}

function mark(memory) {
  for (const line of memory.lines) {
    const current = line.number === memory.current;
    line.setAttribute("aria-selected", String(current));
    line.classList.toggle("active", line.number === memory.active);
  }
  memory.rows.setAttribute("aria-activedescendant", memory.active === null ? "" : `class-${memory.active}`);
}

const shown = memory => memory.lines.filter(line => !line.hidden);
const lineOf = (memory, number) => memory.lines.find(line => line.number === number);

// Scrolls the rows alone: scrollIntoView would move the page as well.
function reveal(memory, number) {
  const line = lineOf(memory, number), rows = memory.rows;
  if (!line || line.hidden) return;
  const top = line.offsetTop - rows.offsetTop, bottom = top + line.offsetHeight;
  if (top < rows.scrollTop) rows.scrollTop = top - 4;
  else if (bottom > rows.scrollTop + rows.clientHeight) rows.scrollTop = bottom - rows.clientHeight + 4;
}

function choose(memory, number) {
  if (number === memory.current) return;
  memory.current = memory.active = number;
  memory.chosenAt = Date.now();
  mark(memory);
  reveal(memory, number);
  memory.send("chosen", number);
}

function step(memory, from, by) {
  const lines = shown(memory);
  const here = lines.findIndex(line => line.number === from);
  return lines[here < 0 ? 0 : Math.min(Math.max(here + by, 0), lines.length - 1)]?.number ?? null;
}

function search(memory) {
  const words = memory.input.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const only = memory.only.ariaPressed === "true";
  for (const line of memory.lines) line.hidden = (only && line.missing) || !words.every(word =>
    /^\d+$/.test(word) ? String(line.number) === word : line.sought.includes(word));
  const n = shown(memory).length;
  memory.count.textContent = words.length || only ? `${n} of ${memory.lines.length} classes` : memory.hint;
}

const TEXT = "input:not([type=range], [type=radio], [type=checkbox]), textarea, select, [contenteditable=true]";
const typing = event => event.composedPath()[0].closest?.(TEXT);

function begin(root) {
  const input = make("input", "", null, { type: "search", placeholder: "/ search classes", ariaLabel: "Search classes" });
  const rows = make("div", "rows", null, { tabIndex: 0, ariaLabel: "Classes" });
  rows.setAttribute("role", "listbox");
  const count = make("div", "note");
  count.setAttribute("role", "status");
  const only = make("button", "only", "", { type: "button", ariaPressed: "false" });
  const below = make("div", "below");
  below.append(count, only);
  root.replaceChildren(input, rows, below);
  const memory = { input, rows, count, only, lines: [], current: null, active: null, chosenAt: 0 };
  rows.onclick = event => {
    const line = event.target.closest(".row");
    if (line) choose(memory, line.number);
  };
  input.oninput = () => search(memory);
  only.onclick = () => { only.ariaPressed = String(only.ariaPressed !== "true"); search(memory); };
  input.onkeydown = event => {
    if (event.key === "Enter" && shown(memory).length) choose(memory, shown(memory)[0].number);
    if (event.key === "Escape") { input.value = ""; search(memory); input.blur(); }
    if (event.key === "ArrowDown") { event.preventDefault(); rows.focus(); }
  };
  rows.onkeydown = event => {
    const by = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    if (event.key === "Enter" || event.key === " ") choose(memory, memory.active ?? memory.current);
    else if (by === undefined) return;
    else memory.active = step(memory, memory.active ?? memory.current, by);
    event.preventDefault();
    mark(memory);
    reveal(memory, memory.active);
  };
  memory.onkey = event => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event)) return;
    const by = { j: 1, k: -1 }[event.key];
    if (by) choose(memory, step(memory, memory.current, by) ?? memory.current);
    else if (event.key === "/") input.focus();
    else return;
    event.preventDefault();
  };
  return memory;
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".class_list");
  const memory = root.memory ??= begin(root);
  memory.send = setTriggerValue;
  memory.hint = data.hint;
  if (changed(memory, data.rows)) {
    memory.lines = data.rows.map(drawRow);
    memory.rows.replaceChildren(...memory.lines);
    const n = memory.lines.filter(line => !line.missing).length;
    memory.only.textContent = `${n.toLocaleString("en-US")} found`;
    memory.only.title = "Show only the classes that were found";
    memory.only.hidden = n === 0 || n === memory.lines.length;
    search(memory);
  }
  const waiting = Date.now() - memory.chosenAt < ANSWER_MS && data.current !== memory.current;
  if (!waiting && memory.current !== data.current) {
    memory.current = memory.active = data.current;
    requestAnimationFrame(() => reveal(memory, data.current));
  }
  mark(memory);
  document.removeEventListener("keydown", memory.onkey);
  document.addEventListener("keydown", memory.onkey);
  return () => document.removeEventListener("keydown", memory.onkey);
}
