// Asks the server again and again what is reserved, so that two people see each other. An answer
// that nothing changed is empty; a hidden tab does not ask at all.
const SLOWEST = 60_000;

export class BusyFeed {
  /**
   * @param url of the JSON, to which start and end are added
   * @param every milliseconds between questions
   * @param onData called with each new answer
   * @param onTrouble called with true when several questions failed, with false when all is well
   */
  constructor(url, { every, onData, onTrouble }) {
    Object.assign(this, { url, every, onData, onTrouble, failures: 0, etag: null, range: null });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) clearTimeout(this.timer);
      else this.ask();
    });
  }

  /** Show another stretch of time; both ends RFC 3339. */
  show(start, end) {
    this.range = { start, end };
    this.etag = null;
    return this.ask();
  }

  /** Ask now; the next question follows by itself. */
  async ask() {
    clearTimeout(this.timer);
    if (!this.range) return;
    this.asked?.abort();
    const asked = (this.asked = new AbortController());
    try {
      const address = new URL(this.url, location.href);
      for (const [name, value] of Object.entries(this.range)) address.searchParams.set(name, value);
      const headers = { Accept: "application/json", ...(this.etag && { "If-None-Match": this.etag }) };
      const answer = await fetch(address, { headers, signal: asked.signal, credentials: "same-origin" });
      if (answer.status !== 304) {
        if (!answer.ok) throw new Error(`Status ${answer.status}`);
        const data = await answer.json();
        this.etag = answer.headers.get("ETag");
        this.onData(data);
      }
      if (this.failures > 2) this.onTrouble(false);
      this.failures = 0;
    } catch (error) {
      if (error.name === "AbortError") return; // A newer question is under way.
      this.failures += 1;
      if (this.failures === 3) this.onTrouble(true);
    }
    if (!document.hidden) {
      this.timer = setTimeout(() => this.ask(), Math.min(this.every * 2 ** Math.min(this.failures, 4), SLOWEST));
    }
  }
}
