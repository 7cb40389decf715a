// The stability map: the winner at every eta (across) and alpha (up), with a cross-hair at the current point. All texts
// are drawn or set as plain text, so that a name cannot be markup.

const LEFT = 52, RIGHT = 10, TOP = 30, PLOT_HEIGHT = 240, BELOW = 54, LEGEND_ROW = 22, SQUARE = 12;
const MARK_PX = 9;   // within this distance the tooltip describes the current point

const heightOf = data => TOP + PLOT_HEIGHT + BELOW + LEGEND_ROW * data.legend.length + 4;

// The start of each value's cell, and the end of the last.
function edges(values) {
  const half = values.length > 1 ? (values[1] - values[0]) / 2 : 0.5;
  const between = values.slice(1).map((value, n) => (value + values[n]) / 2);
  return [values[0] - half, ...between, values.at(-1) + (values.at(-1) - (between.at(-1) ?? values[0] - half))];
}

function scale(marks, from, to) {
  const [low, high] = [marks[0], marks.at(-1)];
  return value => from + (to - from) * (value - low) / (high - low);
}

function drawCells(pen, data, xs, ys) {
  data.etas.forEach((_, column) => data.alphas.forEach((_, row) => {
    const winner = data.winner[column * data.alphas.length + row];
    const [x0, x1, y0, y1] = [xs[column], xs[column + 1], ys[row + 1], ys[row]].map(Math.round);
    pen.fillStyle = winner < 0 ? data.nobody : data.colors[winner];
    pen.fillRect(x0, y0, x1 - x0, y1 - y0);
  }));
}

function drawAxes(pen, look, width, data, across, up) {
  const bottom = TOP + PLOT_HEIGHT;
  pen.fillStyle = look.text;
  pen.font = `12px ${look.font}`;
  pen.textAlign = "center";
  for (let eta = Math.ceil(data.etas[0] / 5) * 5; eta <= data.etas.at(-1); eta += 5)
    pen.fillText(String(eta), across(eta), bottom + 13);
  pen.fillText(fit(pen, data.across, width - LEFT - RIGHT), (LEFT + width - RIGHT) / 2, bottom + 34);
  pen.textAlign = "right";
  for (let fifth = 1; fifth <= 5; fifth++)
    if (fifth / 5 >= data.alphas[0] && fifth / 5 <= data.alphas.at(-1)) pen.fillText((fifth / 5).toFixed(1), LEFT - 7, up(fifth / 5));
  pen.save();
  pen.translate(12, TOP + PLOT_HEIGHT / 2);
  pen.rotate(-Math.PI / 2);
  pen.textAlign = "center";
  pen.fillText(data.up, 0, 0);
  pen.restore();
}

function drawCrossHair(pen, width, x, y) {
  for (const [color, thickness] of [["white", 4], ["black", 1.5]]) {
    pen.strokeStyle = color;
    pen.lineWidth = thickness;
    pen.beginPath();
    pen.moveTo(LEFT, y); pen.lineTo(width - RIGHT, y);
    pen.moveTo(x, TOP); pen.lineTo(x, TOP + PLOT_HEIGHT);
    pen.stroke();
  }
  pen.beginPath();
  pen.arc(x, y, 6.5, 0, 2 * Math.PI);
  pen.fillStyle = "white";
  pen.fill();
  pen.strokeStyle = "black";
  pen.lineWidth = 3;
  pen.stroke();
}

function drawLegend(pen, look, width, data) {
  pen.textAlign = "left";
  data.legend.forEach(([text, color], n) => {
    const y = TOP + PLOT_HEIGHT + BELOW + LEGEND_ROW * (n + 0.5);
    pen.fillStyle = color;
    pen.fillRect(LEFT, y - SQUARE / 2, SQUARE, SQUARE);
    pen.strokeStyle = data.outline;
    pen.lineWidth = 1;
    pen.strokeRect(LEFT + 0.5, y - SQUARE / 2 + 0.5, SQUARE - 1, SQUARE - 1);
    pen.fillStyle = look.text;
    pen.fillText(fit(pen, text, width - LEFT - SQUARE - 16), LEFT + SQUARE + 8, y);
  });
}

const cellOf = (marks, at) => marks.findIndex((mark, n) => (at - mark) * (at - marks[n + 1]) <= 0);

function wordsOf(data, xs, ys, x, y, here) {
  const column = cellOf(xs, x), row = cellOf(ys, y);
  if (column < 0 || row < 0) return null;
  if (Math.hypot(x - here.x, y - here.y) < MARK_PX) return ["current point", data.current];
  const winner = data.winner[column * data.alphas.length + row];
  const name = winner < 0 ? "not found" : data.names[winner];
  return [name, `eta ${data.etas[column].toFixed(1)} steps, alpha ${data.alphas[row].toFixed(2)}`];
}

function draw(pen, width, data, look) {
  const columns = edges(data.etas), rows = edges(data.alphas);
  const across = scale(columns, LEFT, width - RIGHT), up = scale(rows, TOP + PLOT_HEIGHT, TOP);
  const xs = columns.map(across), ys = rows.map(up), here = { x: across(data.eta), y: up(data.alpha) };
  drawCells(pen, data, xs, ys);
  drawAxes(pen, look, width, data, across, up);
  drawCrossHair(pen, width, here.x, here.y);
  drawLegend(pen, look, width, data);
  return (x, y) => wordsOf(data, xs, ys, x, y, here);
}

const SCALE_OF_PICTURE = 3;

function fit(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  const letters = Array.from(text);
  let low = 0, high = letters.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (pen.measureText(letters.slice(0, middle).join("") + "…").width <= width) low = middle;
    else high = middle - 1;
  }
  return letters.slice(0, low).join("").trimEnd() + "…";
}

function lookOf(box) {
  const style = getComputedStyle(box);
  return { text: style.color, font: style.fontFamily };
}

function paint(canvas, width, data, look, scale, background) {
  const height = heightOf(data);
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  if (background) { pen.fillStyle = background; pen.fillRect(0, 0, width, height); }
  pen.textBaseline = "middle";
  return draw(pen, width, data, look);
}

function redraw(box, memory) {
  const width = box.clientWidth;
  if (!width) return;
  const canvas = box.querySelector("canvas");
  memory.wordsAt = paint(canvas, width, memory.data, lookOf(box), devicePixelRatio || 1, null);
  canvas.style.height = `${heightOf(memory.data)}px`;
  canvas.setAttribute("aria-label", memory.data.alt);
}

function tell(box, memory, event) {
  const tip = box.querySelector(".tip");
  const words = memory.wordsAt?.(event.offsetX, event.offsetY);
  tip.hidden = !words;
  if (!words) return;
  tip.replaceChildren(...words.map(line => Object.assign(document.createElement("div"), { textContent: line })));
  const right = event.offsetX + 14 + tip.offsetWidth > box.clientWidth;
  tip.style.left = `${Math.max(0, right ? event.offsetX - 14 - tip.offsetWidth : event.offsetX + 14)}px`;
  tip.style.top = `${event.offsetY + 14}px`;
}

function savePicture(box, memory) {
  const canvas = document.createElement("canvas");
  const look = { ...lookOf(box), text: "#1f2933" };
  paint(canvas, box.clientWidth, memory.data, look, SCALE_OF_PICTURE, "white");
  canvas.toBlob(picture => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(picture);
    link.download = `${memory.data.file}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}

function begin(box) {
  const memory = { data: null, wordsAt: null };
  const canvas = box.querySelector("canvas");
  canvas.onpointermove = event => tell(box, memory, event);
  canvas.onpointerdown = canvas.onpointermove;
  canvas.onpointerleave = () => { box.querySelector(".tip").hidden = true; };
  box.querySelector("button").onclick = () => savePicture(box, memory);
  memory.sizes = new ResizeObserver(() => { if (box.clientWidth !== memory.width) show(box, memory); });
  memory.sizes.observe(box);
  return memory;
}

function show(box, memory) {
  memory.width = box.clientWidth;
  redraw(box, memory);
}

export default function (component) {
  const box = component.parentElement.querySelector(".figure");
  const memory = box.memory ??= begin(box);
  memory.data = component.data;
  box.querySelector(".tip").hidden = true;
  show(box, memory);
  return () => memory.sizes.disconnect();
}
