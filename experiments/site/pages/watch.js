"use strict";

// The page asks for the state every two seconds, and shows it whole: nothing of an earlier state
// stays. Every text is set as text; curves alone come as markup, whose texts the server escaped.

const EVERY = 2000;
const chosen = [];
const rows = new Map();
let last = "";

const part = (name) => document.getElementById(name);

function element(tag, text = "", kind = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function tell(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function badge(status, text = status) {
  return element("span", text, `badge status-${status}`);
}

function counts(state) {
  const told = state.counts.map(([status, number]) => `${number} ${status}`).join(", ");
  if (told === last) return;
  const badges = state.counts.flatMap(([status, number]) => [badge(status, `${number} ${status}`), " "]);
  part("counts").replaceChildren(...(badges.length ? badges : ["No runs yet."]));
  if (last) said.textContent = told;
  last = told;
}

function commands(state) {
  const told = state.commands.map((c) => `${c.title}: ${c.done} of ${c.runs} runs done; ${c.left}`);
  part("idle").hidden = told.length > 0;
  const list = part("working");
  while (list.children.length > told.length) list.lastChild.remove();
  told.forEach((text, place) => tell(list.children[place] ?? list.appendChild(element("li")), text));
}

function row(run) {
  const made = element("tr");
  const name = element("th");
  name.scope = "row";
  const button = element("button", "", "choose");
  button.type = "button";
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => choose(run.id));
  name.append(button);
  made.append(name, ...["study", "status", "done", "step number", "numbers", "message"].map((kind) => element("td", "", kind)));
  rows.set(run.id, made);
  return made;
}

function fill(made, run) {
  const [name, study, status, done, step, numbers, message] = made.cells;
  tell(name.firstChild, run.label);
  name.firstChild.title = run.id;
  name.firstChild.setAttribute("aria-pressed", String(chosen.includes(run.id)));
  tell(study, run.study);
  if (status.textContent !== run.status) status.replaceChildren(badge(run.status));
  const share = run.share === null ? "" : `${Math.floor(100 * run.share)} %`;
  if (done.textContent !== share) {
    done.replaceChildren(share);
    if (share) {
      const bar = done.appendChild(element("progress"));
      bar.max = 1;
      bar.value = run.share;
      bar.setAttribute("aria-hidden", "true");
    }
  }
  tell(step, run.step);
  tell(numbers, run.numbers);
  tell(message, run.message);
}

function table(state) {
  const body = part("rows");
  const held = document.activeElement;
  const order = state.runs.map((run) => {
    const made = rows.get(run.id) ?? row(run);
    fill(made, run);
    return made;
  });
  const known = new Set(state.runs.map((run) => run.id));
  for (const id of [...rows.keys()]) if (!known.has(id)) rows.delete(id);
  if (order.length !== body.rows.length || order.some((made, place) => body.rows[place] !== made)) {
    body.replaceChildren(...order);
    if (body.contains(held)) held.focus({ preventScroll: true });
  }
}

// A figure that somebody reads stays as it is until they leave it.
function figures(state) {
  const list = part("figures");
  const wanted = new Map(state.figures.map((figure) => [figure.id, figure.html]));
  const there = new Map([...list.children].map((held) => [held.dataset.id, held]));
  for (const [id, held] of there) if (!wanted.has(id)) held.remove();
  for (const [id, html] of wanted) {
    let held = there.get(id);
    if (held?.matches(":hover, :focus-within") || held?.held === html) continue;
    if (!held) {
      held = list.appendChild(element("div"));
      held.dataset.id = id;
    }
    const open = [...held.querySelectorAll("details")].map((details) => details.open);
    held.innerHTML = html;
    held.held = html;
    held.querySelectorAll("details").forEach((details, place) => (details.open = open[place] ?? false));
    held.querySelectorAll("figure.plot").forEach(wire);
  }
}

function choose(id) {
  const place = chosen.indexOf(id);
  if (place >= 0) chosen.splice(place, 1);
  else chosen.push(id);
  if (chosen.length > 4) chosen.shift();
  ask();
}

function show(state) {
  counts(state);
  commands(state);
  table(state);
  figures(state);
  part("made").className = "reading";
  tell(part("made"), `As of ${state.made}; read again every two seconds.`);
}

let asking = false;

async function ask() {
  if (asking) return;
  asking = true;
  const wanted = chosen.join(",");
  try {
    const answer = await fetch(`state.json?runs=${wanted}`);
    if (!answer.ok) throw new Error(answer.statusText);
    show(await answer.json());
  } catch {
    part("made").className = "reading verdict-fail";
    const text = "No answer: the command that shows this page has ended. The numbers are of the time of its last answer.";
    if (part("made").textContent !== text) said.textContent = text;
    tell(part("made"), text);
  } finally {
    asking = false;
  }
  if (chosen.join(",") !== wanted) ask();
}

ask();
setInterval(() => document.hidden || ask(), EVERY);
document.addEventListener("visibilitychange", () => document.hidden || ask());
