// A matrix with named rows and columns on a canvas; a cell is picked with the mouse, or with the arrow keys and Enter.

const ROW_PX = 20, ROOMY_PX = 34, WIDEST_CELL = 60, LEAST_PX = 11, GAP = 6, WIDEST_ROW = 0.34, TALLEST_COLUMN = 110, FONT_PX = 11;

function fit(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  const letters = Array.from(text);
  while (letters.length && pen.measureText(letters.join("") + "…").width > width) letters.pop();
  return letters.join("").trimEnd() + "…";
}

function colorOf(data, value) {
  if (value === null) return data.nothing;
  const at = Math.min(Math.max((value - data.low) / (data.high - data.low || 1), 0), 1);
  return data.colors[Math.round(at * (data.colors.length - 1))];
}

function layout(pen, width, data) {
  const widest = names => Math.max(0, ...names.map(name => pen.measureText(name).width));
  const left = Math.ceil(Math.min(widest(data.rows), width * WIDEST_ROW)) + GAP;
  const room = (width - left - 2) / data.columns.length, across = data.square ? Math.min(room, WIDEST_CELL) : room;
  const down = data.square ? Math.min(across, ROOMY_PX) : Math.max(Math.min(ROW_PX, 640 / data.rows.length), 3);
  const named = across >= LEAST_PX ? Math.ceil(Math.min(widest(data.columns), TALLEST_COLUMN)) + 2 * GAP : GAP;
  return { left, across, down, named, height: down * data.rows.length + named };
}

function paint(memory) {
  const { canvas, root, data } = memory, width = root.clientWidth;
  if (!width) return;
  memory.width = width;
  const scale = devicePixelRatio || 1, pen = canvas.getContext("2d"), look = getComputedStyle(root);
  pen.font = `${FONT_PX}px ${look.fontFamily}`;
  const at = memory.at = layout(pen, width, data);
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(at.height * scale);
  canvas.style.height = `${at.height}px`;
  pen.scale(scale, scale);
  pen.font = `${FONT_PX}px ${look.fontFamily}`;
  const gap = at.across > 8 && at.down > 8 ? 1 : 0;
  data.values.forEach((row, r) => row.forEach((value, c) => {
    pen.fillStyle = colorOf(data, value);
    pen.fillRect(at.left + c * at.across, r * at.down, at.across - gap, at.down - gap);
  }));
  pen.fillStyle = look.color;
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  if (at.down >= LEAST_PX)
    data.rows.forEach((name, r) => pen.fillText(fit(pen, name, at.left - GAP), at.left - GAP, (r + 0.5) * at.down));
  if (at.across >= LEAST_PX) data.columns.forEach((name, c) => {
    pen.save();
    pen.translate(at.left + (c + 0.5) * at.across, at.down * data.rows.length + GAP);
    pen.rotate(-Math.PI / 2);
    pen.fillText(fit(pen, name, at.named - GAP), 0, 0);
    pen.restore();
  });
  const frame = (r, c, rows, columns, color, thickness) => {
    pen.strokeStyle = color;
    pen.lineWidth = thickness;
    pen.strokeRect(at.left + c * at.across, r * at.down, columns * at.across, rows * at.down);
  };
  data.frames.forEach(([from, to]) => frame(from, from, to - from, to - from, data.border, 2));
  if (memory.cell) frame(...memory.cell, 1, 1, look.color, 3);
}

function cellAt(memory, event) {
  const { at, data } = memory;
  const r = Math.floor(event.offsetY / at.down), c = Math.floor((event.offsetX - at.left) / at.across);
  return r >= 0 && r < data.rows.length && c >= 0 && c < data.columns.length ? [r, c] : null;
}

function wordsOf(data, [r, c]) {
  const value = data.values[r][c];
  const text = value === null ? data.none : `${data.percent ? Math.round(value * 100) : value}${data.unit}`;
  return [text, data.rows[r], data.columns[c]];
}

function tell(memory, cell, x, y) {
  memory.tip.hidden = !cell;
  if (!cell) return;
  memory.tip.replaceChildren(...wordsOf(memory.data, cell).map(line => make("div", "", line)));
  const right = x + 14 + memory.tip.offsetWidth > memory.root.clientWidth;
  memory.tip.style.left = `${Math.max(0, right ? x - 14 - memory.tip.offsetWidth : x + 14)}px`;
  memory.tip.style.top = `${y + 14}px`;
}

function begin(root) {
  const canvas = make("canvas", "", null, { tabIndex: 0 }), tip = make("div", "tip", null, { hidden: true });
  canvas.setAttribute("role", "application");
  root.replaceChildren(canvas, tip);
  const memory = { root, canvas, tip, cell: null };
  const pick = cell => { memory.cell = cell; paint(memory); memory.send("chosen", cell); };
  canvas.onpointermove = event => tell(memory, cellAt(memory, event), event.offsetX, event.offsetY);
  canvas.onpointerleave = () => tell(memory, null);
  canvas.onclick = event => { const cell = cellAt(memory, event); if (cell) pick(cell); };
  canvas.onkeydown = event => {
    const by = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (event.key === "Enter" && memory.cell) return pick(memory.cell);
    if (!by) return;
    event.preventDefault();
    const [r, c] = memory.cell ?? [0, -by[1]], { rows, columns } = memory.data;
    memory.cell = [Math.min(Math.max(r + by[0], 0), rows.length - 1), Math.min(Math.max(c + by[1], 0), columns.length - 1)];
    paint(memory);
    tell(memory, memory.cell, memory.at.left + memory.cell[1] * memory.at.across, memory.cell[0] * memory.at.down);
    canvas.ariaLabel = `${memory.data.alt}. ${wordsOf(memory.data, memory.cell).join(", ")}`;
  };
  canvas.onblur = () => tell(memory, null);
  memory.sizes = new ResizeObserver(() => { if (root.clientWidth !== memory.width) paint(memory); });
  memory.sizes.observe(root);
  return memory;
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".cell_map");
  const memory = root.memory ??= begin(root);
  memory.send = setTriggerValue;
  if (changed(memory, data)) {
    memory.data = data;
    memory.cell = null;
    memory.canvas.ariaLabel = data.alt;
    paint(memory);
  }
  return () => memory.sizes.disconnect();
}
