// What was said of a field goes as soon as it is changed, in forms with `data-checked`: they are
// checked as one types, and an old refusal must not contradict what the check says now.

/** A time is refused at one of its ends, and either may mend it. */
const TIMES = ["starts_at", "ends_at"];

export function forgetErrors({ target }) {
  const form = target.closest?.("form[data-checked]");
  if (!form || !target.name) return;
  for (const name of TIMES.includes(target.name) ? TIMES : [target.name]) forget(form, name);
  const summary = form.querySelector("[data-form-errors]");
  if (summary && !summary.querySelector("li")) summary.remove();
}

function forget(form, name) {
  form.querySelector(`#${name}-errors`)?.remove();
  for (const line of form.querySelectorAll(`[data-form-errors] li:has(> a[href="#${name}"])`)) line.remove();
  for (const marked of form.querySelectorAll(`[aria-describedby~="${name}-errors"]`)) {
    const others = marked.getAttribute("aria-describedby").replace(`${name}-errors`, "").trim();
    if (others) marked.setAttribute("aria-describedby", others);
    else marked.removeAttribute("aria-describedby");
  }
  for (const control of form.querySelectorAll(`[name="${name}"]`)) {
    control.removeAttribute("aria-invalid");
    control.classList.remove("input-error", "textarea-error", "select-error");
  }
}
