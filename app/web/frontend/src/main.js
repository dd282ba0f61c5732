// What every page does: theme, messages, questions, forms, partial updates.
import htmx from "htmx.org/dist/htmx.esm.js";
import { prepareApprovalKeys } from "./approval_keys.js";
import { prepareFollowingEnds } from "./follow_start.js";
import { forgetErrors } from "./form_errors.js";
import { keepTypedText } from "./typed_text.js";
import { ask, element, say } from "./messages.js";
import { texts } from "./texts.js";

const root = document.documentElement;

function chosenTheme() {
  try {
    return localStorage.getItem("dure-theme") ?? "system";
  } catch {
    return "system";
  }
}

function setTheme(choice) {
  if (choice === "system") delete root.dataset.theme;
  else root.dataset.theme = `dure-${choice}`;
  try {
    if (choice === "system") localStorage.removeItem("dure-theme");
    else localStorage.setItem("dure-theme", choice);
  } catch {
    // It holds for this page at least.
  }
}

function prepareTheme() {
  for (const radio of document.querySelectorAll("[data-theme-choice]")) {
    radio.checked = radio.value === chosenTheme();
    radio.addEventListener("change", () => setTheme(radio.value));
  }
  // Another tab may have chosen.
  addEventListener("storage", (event) => {
    if (event.key === "dure-theme") setTheme(event.newValue ?? "system");
  });
}

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    say(texts.copyFailed, "warning");
    return;
  }
  const before = button.textContent;
  button.textContent = texts.copied;
  setTimeout(() => (button.textContent = before), 2000);
}

/** A box that ticks all boxes of a name. */
function chooseAll({ target }) {
  const name = target.dataset?.chooseAll;
  if (!name) return;
  for (const box of document.querySelectorAll(`input[type="checkbox"][name="${name}"]`)) box.checked = target.checked;
}

function onClick(event) {
  const target = event.target.closest?.("[data-dismiss], [data-copy], [data-back], [data-print]");
  for (const open of document.querySelectorAll("details[data-popup][open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
  if (!target) return;
  if ("dismiss" in target.dataset) target.closest("[data-flash]")?.remove();
  if ("copy" in target.dataset) copy(target);
  if ("back" in target.dataset) history.back();
  if ("print" in target.dataset) print();
}

const accepted = new WeakSet();

/** Ask before a form is sent whose form or button says `data-confirm`; send a form only once. */
async function onSubmit(event) {
  const form = event.target;
  const button = event.submitter;
  const question = button?.dataset.confirm ?? form.dataset.confirm;
  if (question && !accepted.has(form)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    const settings = { ...form.dataset, ...button?.dataset };
    const yes = await ask({
      title: question || texts.sure,
      body: settings.confirmText
        ? [element("p", { className: "mt-2", textContent: settings.confirmText })]
        : [],
      accept: settings.confirmAccept ?? button?.textContent.trim() ?? texts.yes,
      danger: "confirmDanger" in settings,
    });
    if (!yes) return button?.focus();
    accepted.add(form);
    form.requestSubmit(button);
    return;
  }
  accepted.delete(form);
  // What opens in another tab leaves the form here as it is.
  if (form.method !== "post" || "repeatable" in form.dataset || button?.formTarget === "_blank") return;
  if (form.getAttribute("aria-busy") === "true") {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  // After this turn, so that a disabled button's own name and value are still sent.
  setTimeout(() => {
    if (event.defaultPrevented) return;
    form.setAttribute("aria-busy", "true");
    button?.setAttribute("aria-busy", "true");
  });
}

function release(scope = document) {
  for (const busy of scope.querySelectorAll("form[aria-busy], [type=submit][aria-busy], button[aria-busy]")) {
    busy.removeAttribute("aria-busy");
  }
}

function prepareHtmx() {
  Object.assign(htmx.config, {
    allowEval: false,
    allowScriptTags: false,
    includeIndicatorStyles: false, // They would be inline; ours are in the style sheet.
    selfRequestsOnly: true,
    historyCacheSize: 0, // Pages with personal data are not kept in the browser's storage.
    // A form that was refused comes back as 422 with its errors and is to be shown.
    responseHandling: [
      { code: "204", swap: false },
      { code: "[23]..", swap: true },
      { code: "422", swap: true },
      { code: "[45]..", swap: false, error: true },
    ],
  });
  document.body.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRFToken"] = document.querySelector("meta[name=csrf-token]").content;
  });
  const failed = () => say(texts.failed, "error");
  document.body.addEventListener("htmx:sendError", failed);
  document.body.addEventListener("htmx:responseError", failed);
  document.body.addEventListener("htmx:afterRequest", () => release());
}

function prepareForms() {
  // `data-autosubmit`: filters answer at once; the button stays for those without scripts.
  document.addEventListener("change", (event) => {
    const form = event.target.closest?.("form[data-autosubmit]");
    if (form && event.target.type !== "search" && event.target.type !== "text") form.requestSubmit();
  });
  document.querySelector("[data-form-errors]")?.focus();
  keepTypedText(() => say(texts.restored));
}

document.addEventListener("click", onClick);
document.addEventListener("submit", onSubmit, true);
document.addEventListener("input", forgetErrors);
document.addEventListener("change", chooseAll);
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && document.querySelector("details[data-popup][open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});
// A page from the back-forward cache comes with its buttons as they were left.
addEventListener("pageshow", () => release());
prepareTheme();
prepareHtmx();
prepareForms();
prepareApprovalKeys();
prepareFollowingEnds();
