// Typed text outlives an expired session or a lost connection: forms with `data-keep` are kept in
// the tab's own storage until the server has taken them.
const PREFIX = "dure-typed:";
const TEXTUAL = "textarea, input:is([type=text], [type=search], [type=email], [type=number], [type=datetime-local], [type=date], [type=time], :not([type]))";

const keyOf = (form) => `${PREFIX}${location.pathname}#${form.dataset.keep || form.id}`;

function typed(form) {
  const fields = [...form.querySelectorAll(TEXTUAL)].filter((field) => field.name);
  return Object.fromEntries(
    fields.filter((field) => field.value !== field.defaultValue).map((field) => [field.name, field.value]),
  );
}

function store(form, sent) {
  const values = typed(form);
  if (Object.keys(values).length) {
    sessionStorage.setItem(keyOf(form), JSON.stringify({ sent, values }));
  } else {
    sessionStorage.removeItem(keyOf(form));
  }
}

function restore(form) {
  const kept = JSON.parse(sessionStorage.getItem(keyOf(form)) ?? "null");
  // The server's own answer, with errors and what was typed, says more than our copy.
  if (!kept || form.querySelector("[aria-invalid]") || document.querySelector("[data-form-errors]")) return false;
  let changed = false;
  for (const [name, value] of Object.entries(kept.values)) {
    const field = form.elements.namedItem(name);
    if (field && "defaultValue" in field && field.value === field.defaultValue && field.value !== value) {
      field.value = value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      changed = true;
    }
  }
  return changed;
}

/** Forget what was sent from a form that is no longer here: the server has taken it. */
function forgetSent(present) {
  if (document.querySelector("input[type=password]")) return; // Asked to sign in: not taken yet.
  for (const key of Object.keys(sessionStorage)) {
    if (!key.startsWith(PREFIX) || present.has(key)) continue;
    if (JSON.parse(sessionStorage.getItem(key)).sent) sessionStorage.removeItem(key);
  }
}

/** Keep what is typed into forms with `data-keep`; calls `onRestored` if something came back. */
export function keepTypedText(onRestored) {
  try {
    const forms = [...document.querySelectorAll("form[data-keep]")];
    forgetSent(new Set(forms.map(keyOf)));
    let restored = false;
    for (const form of forms) {
      restored = restore(form) || restored;
      form.addEventListener("input", () => store(form, false));
      form.addEventListener("submit", () => store(form, true));
      form.addEventListener("reset", () => sessionStorage.removeItem(keyOf(form)));
    }
    if (restored) onRestored();
  } catch {
    // Storage may be forbidden or full; the form works all the same.
  }
}
