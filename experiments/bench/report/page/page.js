"use strict";

const said = document.getElementById("said");
const letters = new Intl.Collator("en", { numeric: true });

// Tables: a click on a column's head sorts by it, a second one turns the order, a third one ends it.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const orders = { none: "ascending", ascending: "descending", descending: "none" };
      const order = orders[head.getAttribute("aria-sort") ?? "none"];
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      if (order !== "none") head.setAttribute("aria-sort", order);
      body.append(...(order === "none" ? original : sorted(original, column, order)));
      const name = head.textContent.trim();
      said.textContent = order === "none" ? "original order" : `sorted by ${name}, ${order}`;
    });
  });
}

function sorted(rows, column, order) {
  const sign = order === "ascending" ? 1 : -1;
  const key = (row) => row.cells[column].dataset.sort;
  return [...rows].sort((a, b) => compared(key(a), key(b), sign));
}

// Numbers by size, before words by their letters; what is missing stands last in either order.
function compared(a, b, sign) {
  if (a === "" || b === "") return (a === "") - (b === "");
  const [x, y] = [number(a), number(b)];
  if (!Number.isNaN(x) && !Number.isNaN(y)) return sign * (x === y ? 0 : x - y);
  if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
  return sign * letters.compare(a, b);
}

function number(text) {
  if (text === "inf" || text === "-inf") return text === "inf" ? Infinity : -Infinity;
  return Number(text);
}

// Curves: the pointer, or an arrow key, chooses an x; all models say their value there.
function wire(figure) {
  const svg = figure.querySelector("svg");
  const guide = svg.querySelector(".guide");
  const tip = figure.querySelector(".tip");
  const table = figure.querySelector("table.points");
  const rows = [...table.tBodies[0].rows];
  const heads = [...table.tHead.rows[0].cells].slice(1);
  let chosen = -1;

  const hide = () => {
    chosen = -1;
    tip.hidden = true;
    guide.setAttribute("visibility", "hidden");
  };

  const show = (place) => {
    if (place === chosen) return;
    chosen = place;
    const row = rows[place];
    const x = Number(row.dataset.x);
    guide.setAttribute("x1", x);
    guide.setAttribute("x2", x);
    guide.setAttribute("visibility", "visible");
    const title = document.createElement("b");
    title.textContent = `${svg.dataset.xLabel} ${row.cells[0].textContent}`;
    const values = heads
      .map((head, k) => ({ head, text: row.cells[k + 1].textContent }))
      .filter((value) => value.text !== "");
    tip.replaceChildren(title, ...values.map(({ head, text }) => line(head, text)));
    tip.hidden = false;
    const left = x < 230;
    tip.style.left = left ? `${(100 * (x + 10)) / 420}%` : "auto";
    tip.style.right = left ? "auto" : `${(100 * (430 - x)) / 420}%`;
    svg.setAttribute("aria-valuenow", place + 1);
    svg.setAttribute("aria-valuetext", [...tip.children].map((part) => part.textContent).join("; "));
  };

  const line = (head, text) => {
    const part = document.createElement("div");
    const name = document.createElement("span");
    name.className = `name pen${head.dataset.pen % 8}`;
    name.textContent = head.textContent;
    const value = document.createElement("span");
    value.textContent = text;
    part.append(name, " ", value);
    return part;
  };

  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) * 420) / box.width;
    const away = rows.map((row) => Math.abs(Number(row.dataset.x) - x));
    show(away.indexOf(Math.min(...away)));
  });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", (event) => {
    const last = rows.length - 1;
    const places = {
      ArrowRight: Math.min(chosen + 1, last),
      ArrowLeft: chosen < 0 ? last : Math.max(chosen - 1, 0),
      Home: 0,
      End: last,
    };
    if (event.key === "Escape") hide();
    if (!(event.key in places)) return;
    event.preventDefault();
    show(places[event.key]);
  });
}

document.querySelectorAll("figure.plot").forEach(wire);

// A number leads to the row of its runs: the row gets the focus, so that reading goes on there.
function follow() {
  document.querySelectorAll(".runs tr.at").forEach((row) => row.classList.remove("at"));
  const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (row === null || !row.matches(".runs tr")) return;
  row.classList.add("at");
  row.focus({ preventScroll: true });
}
addEventListener("hashchange", follow);
follow();

for (const button of document.querySelectorAll("button.copy")) {
  button.addEventListener("click", async () => {
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      said.textContent = "copied";
      button.textContent = "copied";
    } catch {
      getSelection().selectAllChildren(code);
      said.textContent = "selected: copy it by the keyboard";
    }
  });
}

// Colours: as the system has them, or as chosen; the choice lasts as long as the page.
const themes = [...document.querySelectorAll(".themes button")];
for (const button of themes) {
  button.addEventListener("click", () => {
    themes.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    const theme = button.dataset.theme;
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  });
}
