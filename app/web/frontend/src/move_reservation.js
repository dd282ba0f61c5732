// Moving or stretching a reservation of one's own: ask, send, and say why if it cannot be.
import { ask, element, say } from "./messages.js";
import { texts } from "./texts.js";
import { spoken, wallAt, wallOf, withOffset } from "./wall_time.js";

const line = (name, text) =>
  element("p", { className: "mt-1" }, element("span", { className: "text-muted mr-2", textContent: name }), text);

const inOurLanguage = (reason) =>
  typeof reason === "string" ? reason : (reason?.[document.documentElement.lang] ?? "");

async function reasons(answer, zone) {
  if (answer.status === 412) return [element("p", { className: "mt-3", textContent: texts.changedMeanwhile })];
  const problem = await answer.json().catch(() => ({}));
  const found = (problem.refusals ?? []).map((refusal) => inOurLanguage(refusal.reason));
  if (!found.length) found.push(problem.detail ?? problem.title ?? texts.failed);
  const list = element("ul", { className: "mt-3 list-disc pl-5" });
  list.append(...found.map((textContent) => element("li", { textContent })));
  const free = (problem.alternatives ?? []).map(({ starts_at: start, ends_at: end }) =>
    element("li", { textContent: spoken(wallAt(start, zone), wallAt(end, zone)) }),
  );
  if (!free.length) return [list];
  const heading = element("h3", { className: "mt-4", textContent: texts.alternatives });
  return [list, heading, element("ul", { className: "list-disc pl-5" }, ...free)];
}

/** True if the server has moved it; `start` and `end` are times of the wall in `zone`. */
export async function moveReservation(row, start, end, zone) {
  const agreed = await ask({
    title: texts.moveTitle,
    body: [
      element("p", { className: "mt-2 font-semibold", textContent: row.title ?? "" }),
      line(texts.moveFrom, spoken(wallOf(row.start), wallOf(row.end))),
      line(texts.moveTo, spoken(start, end)),
    ],
    accept: texts.move,
  });
  if (!agreed) return false;
  let answer;
  try {
    answer = await fetch(row.move_url, {
      method: "PATCH",
      credentials: "same-origin",
      headers: {
        "Content-Type": "application/json",
        Accept: "application/json",
        "If-Match": `"${row.version}"`,
        "X-CSRFToken": document.querySelector("meta[name=csrf-token]").content,
      },
      body: JSON.stringify({ starts_at: withOffset(start, zone), ends_at: withOffset(end, zone) }),
    });
  } catch {
    say(texts.failed, "error");
    return false;
  }
  if (answer.ok) {
    say(texts.moved, "success");
    return true;
  }
  await ask({ title: texts.notMoved, body: await reasons(answer, zone), cancel: null });
  return false;
}
