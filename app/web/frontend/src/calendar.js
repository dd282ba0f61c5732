// The calendar of one instrument: what is reserved, choosing a time, moving one's own reservation.
import { createCalendar, Interaction, List, TimeGrid } from "@event-calendar/core";
import { BusyFeed } from "./busy_feed.js";
import { commonOptions, keepRoles, isNarrow, openPage, toEvent, toShade } from "./event_calendar.js";
import { element } from "./messages.js";
import { moveReservation } from "./move_reservation.js";
import { closedStretches, merged, parseHours, shownHours } from "./open_hours.js";
import { texts } from "./texts.js";
import { isWall, minutesBetween, plusMinutes, spoken, spokenMinutes, wallOf, wallOfDate, withOffset } from "./wall_time.js";

const POLL = 5_000;
const DRAFT = "draft";
const hoursText = (hours) => `${String(hours).padStart(2, "0")}:00`;

class InstrumentCalendar {
  constructor(holder) {
    const { dataset } = holder;
    this.holder = holder;
    this.zone = dataset.zone;
    this.slot = Number(dataset.slotMinutes) || 30;
    this.longest = Number(dataset.longestMinutes) || Infinity;
    this.hours = parseHours(dataset.openHours);
    this.reserveUrl = dataset.reserveUrl;
    this.starts = document.querySelector("#starts_at");
    this.ends = document.querySelector("#ends_at");
    this.hasForm = Boolean(this.starts && this.ends);
    this.choosing = "editable" in dataset && (this.hasForm || Boolean(this.reserveUrl));
    this.rows = [];
    this.busyHands = false; // something is being dragged or asked about
    this.note = element("p", { className: "calendar-note" });
    this.note.setAttribute("role", "status");
    this.place = element("div");
    // Above the grid: below it, it would be out of a phone's sight.
    holder.replaceChildren(this.note, this.place);
    this.draft = this.draftOfForm();
    this.calendar = createCalendar(this.place, [TimeGrid, List, Interaction], this.options());
    keepRoles(this.place, texts.calendarOf);
    this.feed = new BusyFeed(dataset.busyUrl, {
      every: POLL,
      onData: (data) => this.take(data),
      onTrouble: (trouble) => this.warn(trouble),
    });
    this.show(this.calendar.getView());
    if (this.hasForm) {
      for (const field of [this.starts, this.ends]) field.addEventListener("change", () => this.followForm(field));
      this.starts.form?.addEventListener("reset", () => setTimeout(() => this.followForm()));
    }
    this.tell();
  }

  options() {
    const [first, last] = shownHours(this.hours);
    this.morning = hoursText(Math.max(first, 8));
    return {
      ...commonOptions(this.holder),
      view: isNarrow() ? "timeGridDay" : "timeGridWeek",
      ...(this.draft && { date: this.draft.start }),
      headerToolbar: { start: "prev,next today", center: "title", end: "timeGridWeek,timeGridDay,listWeek" },
      height: "min(44rem, 78vh)",
      slotDuration: { minutes: this.slot > 30 ? 60 : 30 },
      snapDuration: { minutes: this.slot },
      slotHeight: this.slot > 30 ? 40 : 24,
      slotMinTime: hoursText(first),
      slotMaxTime: hoursText(last),
      // A reservation outside the usual hours widens the day rather than being cut off.
      flexibleSlotTimeLimits: { eventFilter: (event) => event.display !== "background" },
      scrollTime: this.morning,
      editable: false,
      eventResizableFromStart: true,
      selectable: this.choosing,
      selectConstraint: ({ start, end }) => (end - start) / 60_000 <= this.longest,
      select: ({ startStr, endStr, jsEvent }) => this.choose(wallOf(startStr), wallOf(endStr), jsEvent),
      dateClick: ({ dateStr, allDay, jsEvent }) => !allDay && this.click(wallOf(dateStr), jsEvent),
      eventClick: openPage,
      eventDragStart: () => (this.busyHands = true),
      eventResizeStart: () => (this.busyHands = true),
      eventDragStop: () => this.letGo(),
      eventResizeStop: () => this.letGo(),
      eventDrop: (info) => this.moved(info),
      eventResize: (info) => this.moved(info),
      datesSet: () => this.calendar && this.show(this.calendar.getView()),
    };
  }

  /** Ask for what lies in view; the shading is there at once. */
  show(view) {
    this.from = `${wallOfDate(view.activeStart).slice(0, 10)}T00:00`;
    this.until = `${wallOfDate(view.activeEnd).slice(0, 10)}T00:00`;
    this.draw();
    this.feed.show(withOffset(this.from, this.zone), withOffset(this.until, this.zone));
    this.placed = false;
  }

  take(data) {
    this.rows = data.events ?? [];
    this.draw();
    // The first answer may have widened the day: back to the working hours, once.
    if (!this.placed) this.calendar.setOption("scrollTime", this.morning);
    this.placed = true;
  }

  draw() {
    if (this.busyHands) return; // What is in somebody's hand is not pulled away.
    const saysClosed = this.rows.filter((row) => row.kind === "closed");
    const closed = merged([
      ...closedStretches(this.hours, this.from, this.until),
      ...saysClosed.map((row) => ({ start: wallOf(row.start), end: wallOf(row.end) })),
    ]);
    const events = [
      ...closed.map((stretch, index) => toShade(stretch, index)),
      ...this.rows.filter((row) => row.kind !== "closed").map(toEvent),
    ];
    if (this.draft) events.push(this.draftEvent());
    this.calendar.setOption("events", events);
  }

  letGo() {
    // The calendar tells of a drop after the end of the drag.
    setTimeout(() => {
      this.busyHands = Boolean(this.asking);
      this.draw();
    });
  }

  draftEvent() {
    return {
      id: DRAFT, ...this.draft, title: texts.draft, editable: true, classNames: ["is-draft"], extendedProps: {},
    };
  }

  draftOfForm() {
    if (!this.hasForm) return null;
    const [start, end] = [this.starts.value, this.ends.value].map((value) => value.slice(0, 16));
    return isWall(start) && isWall(end) && start < end ? { start, end } : null;
  }

  click(start, jsEvent) {
    const usual = this.draft ? minutesBetween(this.draft.start, this.draft.end) : Math.max(this.slot, 60);
    this.choose(start, plusMinutes(start, Math.min(usual, this.longest)), jsEvent);
  }

  /** A time was chosen: it goes into the form and waits there; nothing is reserved yet. */
  choose(start, end, jsEvent) {
    this.calendar.unselect();
    if (!this.hasForm) {
      const address = new URL(this.reserveUrl, location.href);
      address.searchParams.set("start", withOffset(start, this.zone));
      address.searchParams.set("end", withOffset(end, this.zone));
      location.assign(address);
      return;
    }
    this.setDraft(start, end);
    // On a touch screen the focus would open the keyboard over the calendar.
    if (jsEvent?.pointerType === "mouse" || jsEvent instanceof KeyboardEvent) {
      document.querySelector("#purpose")?.focus({ preventScroll: !isNarrow() });
    }
  }

  setDraft(start, end) {
    this.draft = { start, end };
    this.starts.value = start;
    this.ends.value = end;
    for (const field of [this.starts, this.ends]) field.dispatchEvent(new Event("input", { bubbles: true }));
    this.draw();
    this.tell();
  }

  /** The form was edited: the draft on the calendar follows, also into another week. */
  followForm(field) {
    const before = this.draft;
    // A later start takes the end along, as long as there was one.
    if (field === this.starts && before && isWall(this.starts.value) && this.starts.value >= this.ends.value) {
      this.ends.value = plusMinutes(this.starts.value, minutesBetween(before.start, before.end));
    }
    this.draft = this.draftOfForm();
    if (this.draft && (this.draft.start < this.from || this.draft.start >= this.until)) {
      this.calendar.gotoDate(this.draft.start.slice(0, 10));
    }
    this.draw();
    this.tell();
  }

  async moved({ event, revert }) {
    const [start, end] = [wallOfDate(event.start), wallOfDate(event.end)];
    if (event.id === DRAFT) {
      if (minutesBetween(start, end) > this.longest) {
        this.letGo();
        return this.warn(false, texts.tooLong(spokenMinutes(this.longest)));
      }
      return this.setDraft(start, end);
    }
    this.asking = true;
    const done = await moveReservation(event.extendedProps, start, end, this.zone);
    if (!done) revert();
    this.asking = false;
    this.busyHands = false;
    this.feed.etag = null; // Whatever happened, look again.
    await this.feed.ask();
    this.draw();
  }

  /** Say above the calendar what is chosen: for those who cannot see the draft, and on phones. */
  tell() {
    if (!this.draft) return this.note.replaceChildren();
    const { start, end } = this.draft;
    const length = spokenMinutes(minutesBetween(start, end));
    const onward = element("a", { href: "#purpose", textContent: texts.onward });
    this.note.replaceChildren(`${texts.draft}: ${spoken(start, end)} (${length}) `, onward);
  }

  warn(trouble, text = texts.stale) {
    if (trouble || text !== texts.stale) this.note.textContent = text;
    else this.tell();
  }
}

for (const holder of document.querySelectorAll("[data-instrument-calendar]")) new InstrumentCalendar(holder);
