// Loaded by pages with a calendar or a schedule only.
import "./calendar.js";
import "./schedule.js";
