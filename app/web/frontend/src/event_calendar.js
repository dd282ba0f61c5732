// What our calendars share: language, 24-hour times, how a reservation looks and is read aloud.
import { element } from "./messages.js";
import { language, texts } from "./texts.js";
import { spoken, wallOf, wallOfDate } from "./wall_time.js";

const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

export const isNarrow = () => matchMedia("(width < 48rem)").matches;

/** Options of every calendar of ours. `offset` of the zone is only needed to know the time now. */
export function commonOptions(holder) {
  return {
    locale: language === "ko" ? "ko-KR" : "en-GB",
    timeZone: holder.dataset.offset ?? "local",
    firstDay: 1,
    allDaySlot: false,
    nowIndicator: true,
    longPressDelay: 400,
    // As they are by default, these would overrule what each event says of itself.
    eventStartEditable: undefined,
    eventDurationEditable: undefined,
    eventTimeFormat: (start, end) =>
      [start, end].filter(Boolean).map((date) => wallOfDate(date).slice(11)).join("–"),
    slotLabelFormat: clock,
    dayHeaderFormat: { weekday: "short", day: "numeric" },
    listDayFormat: { month: "long", day: "numeric", weekday: "short" },
    listDaySideFormat: () => "", // The year is in the title.
    noEventsContent: texts.nothing,
    buttonText: (defaults) => ({
      ...defaults,
      today: texts.today,
      prev: texts.previous,
      next: texts.next,
      timeGridDay: texts.day,
      timeGridWeek: texts.week,
      listWeek: texts.list,
      resourceTimelineDay: texts.day,
      resourceTimelineWeek: texts.week,
    }),
    eventContent,
    eventDidMount: describe,
  };
}

/** A row of the server's answer as the calendar takes it: times of the wall, no zones. */
export function toEvent(row) {
  const kind = row.kind === "blackout" ? "blackout" : "reservation";
  const marks = [`is-${kind}`, row.status && `is-${row.status}`, row.mine && "is-mine"];
  return {
    id: row.id,
    resourceId: row.resourceId,
    start: wallOf(row.start),
    end: wallOf(row.end),
    title: row.title || (kind === "blackout" ? texts.blackout : texts.reserved),
    editable: Boolean(row.editable && row.move_url),
    classNames: marks.filter(Boolean),
    extendedProps: row,
  };
}

/** A stretch when nobody can reserve, as shading. */
export function toShade({ start, end }, index, resourceId) {
  return { id: `closed-${resourceId ?? ""}-${index}`, start, end, resourceId, display: "background", classNames: ["is-closed"] };
}

/** Drawn anew with every change, so what is read aloud and shown on hovering is always true. */
function eventContent({ event, timeText }) {
  if (event.display === "background") return { domNodes: [] };
  const said = `${spoken(wallOfDate(event.start), wallOfDate(event.end))} ${event.title}`;
  return {
    domNodes: [
      element("span", { className: "sr-only", textContent: said }),
      element("span", { className: "ec-event-time", textContent: timeText, title: said, ariaHidden: "true" }),
      element("span", { className: "ec-event-title", textContent: event.title, title: said, ariaHidden: "true" }),
    ],
  };
}

function describe({ el, event }) {
  if (event.display === "background") {
    el.setAttribute("aria-hidden", "true");
  } else if (event.extendedProps?.url) {
    el.setAttribute("role", "link");
  } else {
    // Nothing happens on a click, so it is neither a button nor a stop of the Tab key.
    el.removeAttribute("role");
    el.removeAttribute("tabindex");
  }
}

/** Enter on a reservation of one's own, or a click, opens its page. */
export function openPage({ event }) {
  if (event.extendedProps?.url) location.assign(event.extendedProps.url);
}

/**
 * The calendar calls itself a table, but has neither the cells nor the order of one; a group of
 * readable things is closer to the truth. The same is a real list or table elsewhere on the page.
 * Put right with each part that is drawn, before anybody is read a half of a table.
 */
export function keepRoles(holder, label) {
  const fix = () => fixRoles(holder, label);
  new MutationObserver(fix).observe(holder, { childList: true, subtree: true });
  fix();
}

function fixRoles(holder, label) {
  const calendar = holder.querySelector(".ec");
  if (!calendar) return;
  calendar.setAttribute("role", "group");
  calendar.setAttribute("aria-label", label);
  for (const part of calendar.querySelectorAll("[role]")) {
    if (/^(row|rowgroup|rowheader|columnheader|cell|gridcell|listitem)$/.test(part.getAttribute("role"))) {
      part.removeAttribute("role");
      for (const name of ["aria-colindex", "aria-colspan", "aria-rowindex"]) part.removeAttribute(name);
    }
  }
  for (const aside of calendar.querySelectorAll("aside")) aside.setAttribute("role", "none");
  for (const named of calendar.querySelectorAll("div[aria-label]:not([role]), span[aria-label]:not([role])")) {
    named.removeAttribute("aria-label");
  }
  for (const day of calendar.querySelectorAll("h4")) {
    day.setAttribute("role", "heading");
    day.setAttribute("aria-level", "3");
  }
  const main = calendar.querySelector(".ec-main");
  if (main) {
    main.tabIndex = 0; // It scrolls, so keys must reach it.
    main.setAttribute("role", "group");
    main.setAttribute("aria-label", label);
  }
  for (const button of calendar.querySelectorAll(".ec-button-group .ec-button")) {
    button.setAttribute("aria-pressed", button.classList.contains("ec-active"));
  }
}
