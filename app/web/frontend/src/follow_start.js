// Where a start and an end are typed side by side: the end follows the start, as far behind it as it was.

import { minutesBetween, plusMinutes } from "./wall_time.js";

export function prepareFollowingEnds() {
  for (const form of document.querySelectorAll("form[data-end-follows]")) {
    const [start, end] = [form.elements.starts_at, form.elements.ends_at];
    let before = start.value;
    start.addEventListener("change", () => {
      if (before && start.value && end.value > before) end.value = plusMinutes(start.value, minutesBetween(before, end.value));
      before = start.value;
    });
  }
}
