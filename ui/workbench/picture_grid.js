// Pictures as a grid of buttons, a page at a time.

function drawCell(item, data, pick) {
  const cell = make("button", `cell ${item.kind}`, null, { type: "button", title: item.words, ariaLabel: item.words });
  cell.append(make("img", "", null, { src: item.src, alt: "", draggable: false }));
  if (item.mark) cell.append(make("span", "mark", null, { title: item.mark }));
  if (item.caption) cell.append(make("span", "caption", item.caption));
  cell.ariaPressed = String(item.id === data.picked);
  cell.onclick = () => pick(item.id, cell);
  return cell;
}

function drawPager(data, turn) {
  const last = Math.ceil(data.total / data.per_page) - 1;
  const pager = make("div", "pager");
  const first = data.page * data.per_page;
  const to = (text, page, name) => make("button", "", text, {
    type: "button", ariaLabel: name, disabled: page < 0 || page > last, onclick: () => turn(page),
  });
  const n = value => value.toLocaleString("en-US");
  pager.append(
    to("‹", data.page - 1, "Previous pictures"),
    make("span", "note", `${n(first + 1)} to ${n(first + data.items.length)} of ${n(data.total)}`),
    to("›", data.page + 1, "Next pictures"),
  );
  return pager;
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".picture_grid");
  const memory = root.memory ??= {};
  memory.send = setTriggerValue;
  if (!changed(memory, data)) return () => {};
  const pick = (id, cell) => {
    cells.forEach(each => { each.ariaPressed = String(each === cell); });
    memory.send("chosen", id);
  };
  const focused = [...root.querySelectorAll(".cell")].indexOf(parentElement.activeElement);
  const cells = data.items.map(item => drawCell(item, data, pick));
  const grid = make("div", "cells");
  grid.style.setProperty("--side", `${data.side}px`);
  grid.style.setProperty("--share", `${data.least_percent}%`);
  grid.setAttribute("role", "group");
  grid.ariaLabel = data.alt;
  grid.append(...cells);
  const across = () => getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  moveAmong(grid, cells, across);
  root.replaceChildren(grid, ...(data.total > data.per_page ? [drawPager(data, page => memory.send("turned", page))] : []));
  if (focused >= 0) cells[focused]?.focus({ preventScroll: true });
  return () => {};
}
