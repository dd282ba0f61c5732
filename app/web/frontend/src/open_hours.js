// Opening hours as the catalogue writes them: {"mon-fri": ["09:00-18:00"], "sat": "24h"}.
import { plusMinutes } from "./wall_time.js";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const WHOLE_DAY = 1440;

function daysNamed(key) {
  if (key === "daily") return DAYS;
  const [first, last] = key.split("-").map((day) => DAYS.indexOf(day));
  if (first < 0) return []; // Holidays: the server says which days those are.
  const count = last === undefined ? 1 : ((last - first + 7) % 7) + 1;
  return Array.from({ length: count }, (_, step) => DAYS[(first + step) % 7]);
}

const minutes = (clock) => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3, 5));

/** From and until in minutes after midnight; until may lie on the next day. */
function range(text) {
  if (text === "24h") return [0, WHOLE_DAY];
  const [start, end] = text.split("-").map(minutes);
  return [start, end > start ? end : end + WHOLE_DAY];
}

/** Ranges by weekday, Monday first; null if the hours are not known. */
export function parseHours(json) {
  if (!json) return null;
  const week = DAYS.map(() => []);
  for (const [key, value] of Object.entries(JSON.parse(json))) {
    for (const day of daysNamed(key)) week[DAYS.indexOf(day)] = [value].flat().map(range);
  }
  return week;
}

/** The first and last hour worth showing, one hour wider than the hours themselves. */
export function shownHours(week) {
  const ranges = week?.flat() ?? [];
  if (!ranges.length || ranges.some(([, end]) => end > WHOLE_DAY)) return [0, 24];
  const first = Math.min(...ranges.map(([start]) => start));
  const last = Math.max(...ranges.map(([, end]) => end));
  return [Math.max(0, Math.floor(first / 60) - 1), Math.min(24, Math.ceil(last / 60) + 1)];
}

/** What lies between open stretches from one midnight to another, as {start, end} of wall time. */
export function closedStretches(week, from, until) {
  if (!week) return [];
  const open = [];
  for (let day = plusMinutes(from, -WHOLE_DAY); day < until; day = plusMinutes(day, WHOLE_DAY)) {
    const weekday = (new Date(`${day}:00Z`).getUTCDay() + 6) % 7;
    for (const [start, end] of week[weekday]) open.push([plusMinutes(day, start), plusMinutes(day, end)]);
  }
  const closed = [];
  let at = from;
  for (const [start, end] of open.sort()) {
    if (start > at) closed.push({ start: at, end: start < until ? start : until });
    if (end > at) at = end;
    if (at >= until) break;
  }
  if (at < until) closed.push({ start: at, end: until });
  return closed;
}

/** Overlapping stretches as one, so that shading never doubles. */
export function merged(stretches) {
  const result = [];
  for (const { start, end } of [...stretches].sort((a, b) => (a.start < b.start ? -1 : 1))) {
    const last = result.at(-1);
    if (last && start <= last.end) last.end = end > last.end ? end : last.end;
    else result.push({ start, end });
  }
  return result;
}
