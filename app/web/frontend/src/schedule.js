// The timeline of many instruments: who is free when, and from there to the form.
import { createCalendar, Interaction, ResourceTimeline } from "@event-calendar/core";
import { BusyFeed } from "./busy_feed.js";
import { commonOptions, keepRoles, isNarrow, openPage, toEvent, toShade } from "./event_calendar.js";
import { element } from "./messages.js";
import { texts } from "./texts.js";
import { plusMinutes, wallOf, wallOfDate, withOffset } from "./wall_time.js";

const POLL = 30_000;
const TALL = "min(48rem, 80vh)";

class Schedule {
  constructor(holder) {
    this.holder = holder;
    this.zone = holder.dataset.zone ?? "Asia/Seoul";
    this.slot = Number(holder.dataset.slotMinutes) || 30;
    this.resources = new Map();
    this.note = element("p", { className: "calendar-note" });
    this.note.setAttribute("role", "status");
    this.place = element("div");
    holder.replaceChildren(this.place, this.note);
    this.calendar = createCalendar(this.place, [ResourceTimeline, Interaction], this.options());
    keepRoles(this.place, texts.calendarOf);
    this.feed = new BusyFeed(holder.dataset.url, {
      every: POLL,
      onData: (data) => this.take(data),
      onTrouble: (trouble) => (this.note.textContent = trouble ? texts.stale : ""),
    });
    this.filters = document.querySelector("form[data-autosubmit]")?.elements;
    this.show(this.calendar.getView());
  }

  options() {
    return {
      ...commonOptions(this.holder),
      view: this.holder.dataset.view === "week" ? "resourceTimelineWeek" : "resourceTimelineDay",
      ...(this.holder.dataset.date && { date: this.holder.dataset.date }),
      headerToolbar: { start: "prev,next today", center: "title", end: "resourceTimelineDay,resourceTimelineWeek" },
      height: TALL,
      slotWidth: isNarrow() ? 22 : 26,
      scrollTime: "08:00",
      snapDuration: { minutes: this.slot },
      views: {
        resourceTimelineDay: { slotDuration: { minutes: 30 }, slotLabelInterval: { hours: 1 } },
        // A week of half hours would be nine screens wide.
        resourceTimelineWeek: { slotDuration: { hours: 2 }, slotLabelInterval: { hours: 6 }, snapDuration: { hours: 1 } },
      },
      displayEventEnd: true,
      editable: false,
      selectable: true,
      select: ({ startStr, endStr, resource }) => this.reserve(resource, wallOf(startStr), wallOf(endStr)),
      dateClick: ({ dateStr, resource }) => this.reserve(resource, wallOf(dateStr), plusMinutes(wallOf(dateStr), 60)),
      eventClick: openPage,
      resourceLabelContent: ({ resource }) => ({ domNodes: [label(resource.extendedProps)] }),
      datesSet: () => this.calendar && this.turnTo(this.calendar.getView()),
    };
  }

  /** Somebody turned to other days: the filters and the address say so, too. */
  turnTo(view) {
    const [first, after] = [view.currentStart, view.currentEnd].map((date) => wallOfDate(date).slice(0, 10));
    const span = view.type === "resourceTimelineWeek" ? "week" : "day";
    const { date, span: period } = this.filters ?? {};
    const before = date?.value ?? "";
    const day = before >= first && before < after ? before : first;
    if (date) [date.value, period.value] = [day, span];
    const address = new URL(location.href);
    address.searchParams.set("date", day);
    address.searchParams.set("span", span);
    history.replaceState(history.state, "", address);
    this.show(view);
  }

  show(view) {
    const [from, until] = [view.activeStart, view.activeEnd].map((date) => `${wallOfDate(date).slice(0, 10)}T00:00`);
    this.feed.show(withOffset(from, this.zone), withOffset(until, this.zone));
  }

  take({ resources = [], events = [] }) {
    const known = JSON.stringify(resources);
    // New rows are only laid out if there are new ones: it loses the place one scrolled to.
    if (known !== this.known) {
      this.known = known;
      this.resources = new Map(resources.map((resource) => [String(resource.id), resource]));
      const rows = resources.map((resource) => ({ id: resource.id, title: resource.title, extendedProps: resource }));
      this.calendar.setOption("resources", rows);
      // Few rows would be stretched to fill the height.
      this.calendar.setOption("height", rows.length > 10 ? TALL : "auto");
    }
    const shown = events.map((row, index) =>
      row.kind === "closed"
        ? toShade({ start: wallOf(row.start), end: wallOf(row.end) }, index, row.resourceId)
        : { ...toEvent(row), editable: false }, // It is moved on its instrument's calendar, or its page.
    );
    this.calendar.setOption("events", shown);
  }

  reserve(resource, start, end) {
    const row = this.resources.get(String(resource?.id));
    const url = row?.reserve_url ?? (row?.url && `${row.url}/reserve`);
    if (!url) return;
    const address = new URL(url, location.href);
    address.searchParams.set("start", withOffset(start, this.zone));
    address.searchParams.set("end", withOffset(end, this.zone));
    location.assign(address);
  }
}

function label({ title, url, facility, institution }) {
  const below = [institution, facility].filter(Boolean).join(" · ");
  return element(
    "span",
    { className: "schedule-label" },
    element(url ? "a" : "span", { className: "schedule-title", textContent: title, title, ...(url && { href: url }) }),
    below ? element("span", { className: "schedule-below", textContent: below, title: below }) : null,
  );
}

for (const holder of document.querySelectorAll("[data-schedule]")) new Schedule(holder);
