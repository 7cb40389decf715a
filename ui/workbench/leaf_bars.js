// Bars, one row each, with whiskers and a line across; each row is a button that tells what was clicked.

function drawRow(row, data, pick) {
  const line = make("button", `row ${row.strong ? "strong" : ""}`, null, { type: "button", title: row.words });
  line.ariaLabel = row.words.replaceAll("\n", ", ");
  const track = make("span", "track");
  let from = 0;
  row.parts.forEach((part, n) => {
    const fill = make("span", n ? "fill second" : "fill");
    fill.style.left = percent(from);
    fill.style.width = percent(part);
    from += part;
    track.append(fill);
  });
  if (row.low !== null) {
    const whisker = make("span", "whisker");
    whisker.style.left = percent(row.low);
    whisker.style.width = percent(row.high - row.low);
    track.append(whisker);
  }
  if (data.line !== null) {
    const mark = make("span", "line");
    mark.style.left = percent(data.line);
    track.append(mark);
  }
  line.append(make("span", "name", row.name), track, make("span", "end", row.end));
  line.onclick = () => pick(row.id, line);
  line.ariaPressed = String(row.id === data.picked);
  return line;
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".leaf_bars");
  const memory = root.memory ??= {};
  memory.send = setTriggerValue;
  if (!changed(memory, data)) return () => {};
  const select = line => root.querySelectorAll(".row").forEach(each => {
    each.classList.toggle("picked", each === line);
    each.ariaPressed = String(each === line);
  });
  const focused = [...root.querySelectorAll(".row")].indexOf(parentElement.activeElement);
  const lines = data.rows.map(row => drawRow(row, data, (id, line) => { select(line); memory.send("chosen", id); }));
  const longest = Math.max(0, ...data.rows.map(row => row.name.length));
  root.style.setProperty("--names", `min(40%, ${Math.max(longest, 5) + 2}ch)`);
  root.setAttribute("role", "group");
  root.ariaLabel = data.alt;
  root.replaceChildren(...lines);
  select(lines.find(line => line.ariaPressed === "true"));
  moveAmong(root, lines, () => 1);
  if (focused >= 0) lines[focused]?.focus({ preventScroll: true });
  return () => {};
}
