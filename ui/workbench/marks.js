// Shared by the components of the workbench: elements whose texts are only text, and moving among marks by keyboard.

function make(tag, names = "", text = null, rest = {}) {
  const element = Object.assign(document.createElement(tag), { className: names, ...rest });
  if (text !== null) element.textContent = text;
  return element;
}

const percent = share => `${Math.min(Math.max(share, 0), 1) * 100}%`;

// One of `marks` can be reached with Tab, the others with the arrow keys; `across()` is how many lie in a row.
function moveAmong(root, marks, across) {
  const at = Math.max(marks.findIndex(mark => mark.ariaPressed === "true"), 0);
  marks.forEach((mark, n) => { mark.tabIndex = n === at ? 0 : -1; });
  root.onkeydown = event => {
    const here = marks.indexOf(event.target.closest("button"));
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across(), ArrowUp: -across() }[event.key];
    const next = here < 0 || by === undefined ? null : marks[here + by];
    if (!next) return;
    event.preventDefault();
    marks.forEach(mark => { mark.tabIndex = mark === next ? 0 : -1; });
    next.focus();
  };
}

// Keeps the element from being built again, and from losing the focus, while its data stay the same.
function changed(memory, data) {
  const text = JSON.stringify(data);
  const differs = memory.text !== text;
  memory.text = text;
  return differs;
}
