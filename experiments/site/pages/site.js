
// What the site adds to the script of a card: filters, the search of the start page, one choice of
// colours for all pages.

const hiders = new WeakMap(); // of each row or card the forms that hide it

for (const form of document.querySelectorAll("form.finder")) {
  const input = form.querySelector("input");
  const output = form.querySelector("output");
  const selects = [...form.querySelectorAll("select")];
  const table = form.dataset.table && document.getElementById(form.dataset.table);
  const items = table ? [...table.tBodies[0].rows] : [...(form.closest(".page") ?? document).querySelectorAll("[data-find], .claims tbody tr")];
  const texts = items.map((item) => item.textContent.toLowerCase());
  const fits = (item) =>
    selects.every(({ value, dataset }) => value === "" || item.cells[dataset.column].textContent.trim() === value);
  const filter = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    items.forEach((item, place) => {
      const by = hiders.get(item) ?? hiders.set(item, new Set()).get(item);
      const fitting = words.every((word) => texts[place].includes(word)) && fits(item);
      by[fitting ? "delete" : "add"](form);
      item.hidden = by.size > 0;
      shown += !item.hidden;
    });
    const idle = words.length === 0 && !table;
    output.textContent = idle ? "" : `${shown} of ${items.length} ${output.dataset.what}`;
  };
  form.addEventListener("input", filter);
  form.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  if (input.value || selects.some(({ value }) => value)) filter(); // a browser may keep what was typed
}

// A report of one file: the page that the address names is shown, its start page first.
const parts = [...document.querySelectorAll("article.page")];

function turn(event) {
  const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const shown = place?.closest(".page") ?? parts[0];
  for (const part of parts) part.hidden = part !== shown;
  document.title = shown.dataset.title;
  document.querySelector(".skip").hash = shown.id;
  if (place && place !== shown) place.scrollIntoView();
  else if (event) scrollTo(0, 0);
  if (event) shown.focus({ preventScroll: true });
}

if (parts.length) {
  addEventListener("hashchange", turn);
  turn();
}

try {
  const chosen = localStorage.getItem("theme");
  if (chosen) document.querySelector(`.themes button[data-theme="${CSS.escape(chosen)}"]`)?.click();
  for (const button of document.querySelectorAll(".themes button")) {
    button.addEventListener("click", () => localStorage.setItem("theme", button.dataset.theme));
  }
} catch {
  // A browser may forbid to keep anything: the choice then lasts as long as the page.
}
