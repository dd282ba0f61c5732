// Wall time: what clocks at the instrument show, as "2026-12-01T10:00", whatever zone the reader's
// own clock is in. Arithmetic on it goes through UTC, which has no clock changes.
import { language, texts } from "./texts.js";

const MINUTE = 60_000;
const toUtc = (wall) => new Date(`${wall.slice(0, 16)}:00Z`);
const fromUtc = (date) => date.toISOString().slice(0, 16);

/** The wall time written in a time with offset: "2026-12-01T10:00:00+09:00" → "2026-12-01T10:00". */
export const wallOf = (text) => text.slice(0, 16);

/** The wall time of the calendar's dates, which say it in the browser's own fields. */
export function wallOfDate(date) {
  const two = (number) => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

export const plusMinutes = (wall, minutes) => fromUtc(new Date(+toUtc(wall) + minutes * MINUTE));
export const minutesBetween = (start, end) => (toUtc(end) - toUtc(start)) / MINUTE;
export const isWall = (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text ?? "") && !Number.isNaN(+toUtc(text));

/** The wall time in `zone` at an instant such as "2026-12-01T01:00:00Z". */
export function wallAt(instant, zone) {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone, hourCycle: "h23",
    year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
  }).formatToParts(new Date(instant));
  const { year, month, day, hour, minute } = Object.fromEntries(parts.map((part) => [part.type, part.value]));
  return `${year}-${month}-${day}T${hour}:${minute}`;
}

/** RFC 3339 with the zone's offset at that time: "2026-12-01T10:00:00+09:00". */
export function withOffset(wall, zone) {
  // The offset is the difference of wall time and UTC; asked twice, it holds near clock changes.
  let instant = toUtc(wall);
  for (let turn = 0; turn < 2; turn += 1) {
    const ahead = minutesBetween(fromUtc(instant), wallAt(instant, zone));
    instant = new Date(+toUtc(wall) - ahead * MINUTE);
  }
  const offset = minutesBetween(fromUtc(instant), wallAt(instant, zone));
  const two = (number) => String(Math.trunc(number)).padStart(2, "0");
  const sign = offset < 0 ? "-" : "+";
  return `${wall.slice(0, 16)}:00${sign}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
}

const dayFormat = new Intl.DateTimeFormat(language === "ko" ? "ko-KR" : "en-GB", {
  timeZone: "UTC", month: "short", day: "numeric", weekday: "short",
});

/** "12월 1일 (화) 10:00–12:00"; the second day only where it differs. */
export function spoken(start, end) {
  const first = `${dayFormat.format(toUtc(start))} ${start.slice(11, 16)}`;
  if (start.slice(0, 10) === end.slice(0, 10)) return `${first}–${end.slice(11, 16)}`;
  return `${first} – ${dayFormat.format(toUtc(end))} ${end.slice(11, 16)}`;
}

/** "2시간 30분" for 150. */
export const spokenMinutes = (minutes) => texts.hours(Math.floor(minutes / 60), minutes % 60);
