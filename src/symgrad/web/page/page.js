// The page: what is typed goes to the server, and each part of the answer to its section.

const FIELDS = ["formula", "declare", "variables", "notation", "low", "high", "start"];
const FIRST = ["formula", "gradient", "hessian"];
const LATER = ["check", "plot", "newton", "code", "graph"];
const DEFAULTS = { notation: "matrix", low: "-5", high: "5", start: "1" };
const PAUSE = 150; // milliseconds without a key after which what is typed is read
const COLOURS = ["--c1", "--c2", "--c3"];
const EXAMPLES = [
  { formula: "x**4 - 2*x**2" },
  { formula: "exp(-x**2)*sin(y)" },
  { formula: "log(1 + exp(x))" },
  { formula: "1/2 * x @ A @ x", declare: "A: (n, n), x: n", variables: "x" },
  { formula: "A @ exp(x)", declare: "A: (m, n), x: n", variables: "x" },
  { formula: "sin(x) @ y", declare: "x: n, y: n" },
  { formula: "(y*v) @ x", declare: "x: n, y: n, v: n" },
  { formula: "a**b" },
  { formula: "norm(A @ x - y)**2", declare: "A: (m, n), x: n, y: m" },
  { formula: "sum(log(exp(-y*(X @ w)) + 1))", declare: "X: (m, n), w: n, y: m", variables: "w" },
  { formula: "trace(A @ X.T @ B @ X @ C)", declare: "A: (k, n), X: (m, n), B: (m, m), C: (n, k)" },
  { formula: "log(det(inv(X)))", declare: "X: (n, n)" },
];

const $ = (id) => document.getElementById(id);
const made = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
};

// State: what the fields hold, kept in the address, with a history of its own for undo and redo

const history = { states: [], at: -1 };

function fields() {
  return Object.fromEntries(FIELDS.map((name) => [name, $(name).value]));
}

function fill(state) {
  for (const name of FIELDS) $(name).value = state[name] ?? DEFAULTS[name] ?? "";
}

function address(state) {
  const kept = Object.entries(state).filter(([name, value]) => value !== (DEFAULTS[name] ?? ""));
  return "#" + new URLSearchParams(kept);
}

function remember() {
  const state = fields();
  const last = history.states[history.at];
  if (last && JSON.stringify(last) === JSON.stringify(state)) return;
  history.states = [...history.states.slice(0, history.at + 1), state];
  history.at = history.states.length - 1;
  window.history.replaceState(null, "", address(state));
  buttons();
}

function go(step) {
  const at = history.at + step;
  if (at < 0 || at >= history.states.length) return;
  history.at = at;
  fill(history.states[at]);
  window.history.replaceState(null, "", address(history.states[at]));
  buttons();
  ask();
}

function buttons() {
  $("undo").disabled = history.at <= 0;
  $("redo").disabled = history.at >= history.states.length - 1;
}

// Asking

let latest = 0;

async function fetched(parts) {
  const reply = await fetch("/answer", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...fields(), parts: parts.join(",") }),
  });
  if (!reply.ok) throw new Error(`the server answered ${reply.status}`);
  return reply.json();
}

async function ask() {
  const mine = ++latest;
  if (!$("formula").value.trim()) {
    clear();
    return;
  }
  $("status").textContent = "…";
  try {
    const begun = performance.now();
    const found = await fetched(FIRST);
    if (mine !== latest) return;
    complain(found.error);
    if (found.error) return;
    FIRST.forEach((part) => show(part, found[part]));
    $("results").classList.remove("stale");
    $("status").textContent = `Answered in ${Math.round(performance.now() - begun)} ms`;
    document.body.dataset.answered = String(mine);
    const more = await fetched(LATER);
    if (mine !== latest) return;
    LATER.forEach((part) => show(part, more.error ? { note: more.error.message } : more[part]));
    document.body.dataset.complete = String(mine);
  } catch (error) {
    if (mine === latest) $("status").textContent = `No answer: ${error.message}. Is symgrad serve still running?`;
  }
}

function clear() {
  complain(null);
  $("status").textContent = "Type a formula, such as exp(-x**2)*sin(y).";
  for (const part of [...FIRST, ...LATER]) $(`part-${part}`).hidden = true;
}

function complain(error) {
  for (const field of ["formula", "declare", "variables"]) {
    const box = $(`${field}-error`);
    box.hidden = true;
    box.replaceChildren();
    $(field).removeAttribute("aria-invalid");
  }
  if (!error) return;
  $("results").classList.add("stale");
  if (!error.field) {
    $("status").textContent = error.message;
    return;
  }
  $("status").textContent = "";
  const box = $(`${error.field}-error`);
  box.append(error.message);
  if (error.text !== undefined) box.append(place(error.text, error.offset));
  box.hidden = false;
  $(error.field).setAttribute("aria-invalid", "true");
}

function place(text, offset) {
  const before = text.slice(Math.max(0, offset - 60), offset);
  const at = text.slice(offset).match(/^\w+/)?.[0] ?? (text.slice(offset, offset + 1) || " ");
  const after = text.slice(offset + at.length, offset + 60);
  return made("code", {}, before, made("mark", {}, at), after, `\n${" ".repeat(before.length)}^`);
}

// Showing

function show(part, found) {
  const section = $(`part-${part}`);
  const body = section.querySelector(".body");
  section.hidden = found === undefined;
  if (found === undefined) return;
  if (found.note !== undefined) {
    body.replaceChildren(made("p", { class: "note" }, found.note));
    return;
  }
  body.replaceChildren(...PARTS[part](found));
}

function formula(found, label) {
  const shown = made("div", { class: "shown", tabindex: "0" });
  shown.innerHTML = label ? `${label} <span aria-hidden="true">=</span> ${found.mathml}` : found.mathml;
  const copies = made("div", { class: "copies" }, copy("LaTeX", found.latex), copy("text", found.text));
  return made("div", { class: "result" }, shown, copies);
}

function copy(what, text) {
  const button = made("button", { type: "button", title: `Copy as ${what}` }, what);
  button.addEventListener("click", () => copied(button, text));
  return button;
}

async function copied(button, text) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "copied";
  } catch {
    button.textContent = "not allowed";
  }
  setTimeout(() => (button.textContent = before), 1200);
}

function table(titles, rows) {
  const head = made("tr", {}, ...titles.map((title) => made("th", { scope: "col" }, title)));
  const lines = rows.map((row) => made("tr", {}, ...row.map((entry) => made("td", {}, String(entry)))));
  return made("table", {}, made("thead", {}, head), made("tbody", {}, ...lines));
}

const PARTS = {
  formula: (found) => [formula(found, "")],
  gradient: (found) => found.map((one) => formula(one, one.label)),
  hessian: (found) => found.map((one) => formula(one, one.label)),
  check: (found) => [made("p", { class: found.verdict === "agree" ? "good" : "bad" }, found.text)],
  code: (found) => {
    const pre = made("pre", { tabindex: "0" });
    pre.innerHTML = found.html;
    return [pre, copy("code", found.text)];
  },
  graph: (found) => {
    const box = made("div", { class: "graph", tabindex: "0", role: "img", "aria-label": "The graph of the formula" });
    box.innerHTML = found.svg;
    return [box];
  },
  newton: (found) => [
    table(["iteration", "x", "|f|"], found.rows),
    made("p", { class: found.converged ? "good" : "bad" }, found.text),
  ],
  plot: chart,
};

// The plot: curves as paths of an SVG, with gaps where values are not finite

const WIDE = 640, HIGH = 300, MARGIN = 44;

function chart(found) {
  const all = found.curves.flatMap((curve) => curve.y).filter((y) => y !== null).sort((a, b) => a - b);
  if (!all.length) return [made("p", { class: "note" }, "No value is finite here.")];
  const cut = Math.floor(all.length / 50);
  let [low, high] = [all[cut], all[all.length - 1 - cut]];
  if (low === high) [low, high] = [low - 1, high + 1];
  [low, high] = [low - 0.08 * (high - low), high + 0.08 * (high - low)];
  const x = (value) => MARGIN + ((value - found.x[0]) / (found.x.at(-1) - found.x[0])) * (WIDE - MARGIN - 8);
  const y = (value) => HIGH - 24 - ((value - low) / (high - low)) * (HIGH - 32);
  const lines = found.curves.map((curve, k) => {
    let text = "", pen = "M";
    curve.y.forEach((value, i) => {
      if (value === null || value < low - (high - low) || value > high + (high - low)) pen = "M";
      else { text += `${pen}${x(found.x[i]).toFixed(1)} ${y(value).toFixed(1)}`; pen = "L"; }
    });
    return `<path d="${text}" style="stroke: var(${COLOURS[k]})" clip-path="url(#frame)"/>`;
  });
  const ticks = [found.x[0], (found.x[0] + found.x.at(-1)) / 2, found.x.at(-1)].map(
    (value, k) => `<text x="${x(value)}" y="${HIGH - 6}" text-anchor="${["start", "middle", "end"][k]}">${+value.toPrecision(4)}</text>`);
  const levels = [low, (low + high) / 2, high].map(
    (value) => `<text x="${MARGIN - 6}" y="${y(value) + 4}" text-anchor="end">${rounded(value, high - low)}</text>`);
  const axes = [
    low < 0 && high > 0 ? `<line class="axis" x1="${MARGIN}" x2="${WIDE - 8}" y1="${y(0)}" y2="${y(0)}"/>` : "",
    found.x[0] < 0 && found.x.at(-1) > 0 ? `<line class="axis" y1="8" y2="${HIGH - 24}" x1="${x(0)}" x2="${x(0)}"/>` : "",
  ];
  const frame = `<clipPath id="frame"><rect x="${MARGIN}" y="8" width="${WIDE - MARGIN - 8}" height="${HIGH - 32}"/></clipPath>`;
  const box = made("div");
  box.innerHTML = `<svg class="chart" viewBox="0 0 ${WIDE} ${HIGH}" role="img" aria-label="f and its first two derivatives">` +
    frame + axes.join("") + lines.join("") + ticks.join("") + levels.join("") + "</svg>";
  const legend = made("p", { class: "legend" }, ...found.curves.map(
    (curve, k) => made("span", { style: `--colour: var(${COLOURS[k]})` }, curve.label)));
  return [box, legend];
}

function rounded(value, span) {
  return Math.abs(value) < 1e-9 * span ? 0 : +value.toPrecision(3);
}

// Beginning

function theme(name) {
  document.documentElement.dataset.theme = name;
  $("theme").textContent = name === "dark" ? "Light" : "Dark";
}

let timer = 0;
function typed() {
  clearTimeout(timer);
  timer = setTimeout(() => { remember(); ask(); }, PAUSE);
}

function begin() {
  theme(localStorage.getItem("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
  const list = document.querySelector("#examples ul");
  for (const example of EXAMPLES) {
    const button = made("button", { type: "button" }, example.formula);
    button.addEventListener("click", () => { fill(example); remember(); ask(); });
    list.append(made("li", {}, button));
  }
  FIELDS.forEach((name) => $(name).addEventListener("input", typed));
  $("form").addEventListener("submit", (event) => event.preventDefault());
  $("undo").addEventListener("click", () => go(-1));
  $("redo").addEventListener("click", () => go(1));
  $("share").addEventListener("click", () => copied($("share"), location.href));
  $("theme").addEventListener("click", () => {
    const name = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    localStorage.setItem("theme", name);
    theme(name);
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey && event.key === "z") go(-1);
    if (event.altKey && event.key === "y") go(1);
  });
  window.addEventListener("hashchange", restored);
  restored();
}

function restored() {
  fill(Object.fromEntries(new URLSearchParams(location.hash.slice(1))));
  remember();
  ask();
}

begin();
