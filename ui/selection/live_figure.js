// Shared by the live figures: the canvas, the tooltip, the camera. The code before this in the module defines
// `heightOf(data)` and `draw(pen, width, data, look)`, which returns a function from a point to the tooltip's words.
// All texts are drawn or set as plain text, so that a name cannot be markup.

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
