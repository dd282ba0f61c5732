// Keys for whoever decides on much: to go from request to request, and to decide on the one gone to.

const KEPT = "dure-approval-keys";
const CODES = { KeyJ: "j", KeyK: "k", KeyX: "x", KeyA: "a", KeyR: "r", KeyQ: "q", KeyT: "t" };

const entries = () => [...document.querySelectorAll("[data-request]")];
const present = () => document.activeElement?.closest("[data-request]");

/** What the key means, also where a Korean keyboard makes ㅓ of j. */
function meaning({ key, code, shiftKey }) {
  if (key === "?" || (code === "Slash" && shiftKey)) return "?";
  if (shiftKey) return null;
  return /^[a-z]$/.test(key) ? key : CODES[code];
}

function isTyping(target) {
  if (target.matches("input")) return !["checkbox", "radio", "submit", "button"].includes(target.type);
  return target.isContentEditable || target.matches("textarea, select") || target.closest("dialog[open]");
}

function go(by) {
  const all = entries();
  const at = all.indexOf(present());
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by;
  all[next]?.focus();
}

/** Open where one writes, of the request gone to. */
function write(where) {
  const opened = present()?.querySelector(where);
  if (!opened) return;
  opened.open = true;
  opened.querySelector("input:not([type=hidden]), textarea").focus();
}

const ACTS = {
  j: () => go(1),
  k: () => go(-1),
  x: () => present()?.querySelector("input[name=chosen]").click(),
  a: () => present()?.querySelector("form[data-approve]").requestSubmit(),
  r: () => write("details[data-reject]"),
  q: () => write("details[data-ask]"),
  t: () => write("details[data-propose]"),
};

export function prepareApprovalKeys() {
  const help = document.querySelector("details[data-keys]");
  if (!help) return;
  const box = help.querySelector("input[type=checkbox]");
  box.checked = localStorage.getItem(KEPT) !== "off";
  box.addEventListener("change", () => localStorage.setItem(KEPT, box.checked ? "on" : "off"));
  document.addEventListener("keydown", (event) => {
    if (!box.checked || event.defaultPrevented || event.repeat) return;
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const key = meaning(event);
    if (key === "?") {
      help.open = !help.open;
      if (help.open) help.querySelector("summary").focus();
    } else if (ACTS[key]) ACTS[key]();
    else return;
    event.preventDefault();
  });
}
