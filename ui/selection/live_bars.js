// Stacked bars, one row each: the parts of a cluster's objective, or the images of a leaf that are kept.

const TOP = 34, BELOW = 50, GAP = 8, BAR = 0.68, FAINT = 0.45, WIDEST_NAME = 0.4;

const heightOf = data => TOP + data.row * data.rows.length + BELOW;
const fontOf = (look, strong) => `${strong ? "600 " : ""}12px ${look.font}`;

function drawLegend(pen, look, data) {
  let x = 0;
  pen.textAlign = "left";
  data.parts.forEach(([text, color]) => {
    pen.fillStyle = color;
    pen.fillRect(x, 8, 12, 12);
    pen.fillStyle = look.text;
    pen.fillText(text, x + 18, 15);
    x += 36 + pen.measureText(text).width;
  });
}

function drawAxis(pen, look, width, data, across) {
  const bottom = TOP + data.row * data.rows.length;
  pen.textAlign = "center";
  pen.strokeStyle = data.grid;
  pen.lineWidth = 1;
  data.ticks.forEach(([value, text]) => {
    const x = Math.round(across(value)) + 0.5;
    pen.beginPath();
    pen.moveTo(x, TOP);
    pen.lineTo(x, bottom);
    pen.stroke();
    pen.fillText(text, x, bottom + 12);
  });
  pen.textAlign = "right";
  pen.fillText(fit(pen, data.across, width - 8), width - 4, bottom + 34);
}

function drawRow(pen, look, data, row, y, left, across) {
  pen.font = fontOf(look, row.strong);
  pen.fillStyle = look.text;
  pen.textAlign = "right";
  pen.fillText(fit(pen, row.name, left - GAP), left - GAP, y);
  let from = 0;
  pen.globalAlpha = row.faint ? FAINT : 1;
  row.parts.forEach((part, n) => {
    pen.fillStyle = data.parts[n][1];
    pen.fillRect(across(from), y - data.row * BAR / 2, across(from + part) - across(from), data.row * BAR);
    from += part;
  });
  pen.globalAlpha = 1;
  pen.fillStyle = look.text;
  pen.textAlign = "left";
  pen.fillText(row.end, across(from) + 6, y);
}

function widthOf(pen, look, row, text) {
  pen.font = fontOf(look, row.strong);
  return pen.measureText(text).width;
}

function draw(pen, width, data, look) {
  const widest = text => Math.max(...data.rows.map(row => widthOf(pen, look, row, text(row))));
  const left = Math.min(widest(row => row.name), width * WIDEST_NAME) + GAP;
  const right = width - widest(row => row.end) - GAP;
  const across = value => left + (right - left) * value / data.most;
  pen.font = fontOf(look, false);
  pen.fillStyle = look.text;
  drawLegend(pen, look, data);
  drawAxis(pen, look, width, data, across);
  data.rows.forEach((row, n) => drawRow(pen, look, data, row, TOP + data.row * (n + 0.5), left, across));
  return (x, y) => data.rows[Math.floor((y - TOP) / data.row)]?.words ?? null;
}
