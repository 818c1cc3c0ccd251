// Times are shown in the reader's own zone. A time that cannot be read is shown as it came.

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const seconds = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' });
const dayOfYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });

function parse(at: string): Date | undefined {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** `14:02` */
export function clockTime(at: string): string {
  const date = parse(at);
  return date ? clock.format(date) : at;
}

/** `Today 14:02:31`, `17 November 2026 14:02:31` */
export function fullTime(at: string, now = new Date()): string {
  const date = parse(at);
  return date ? `${dayLabel(at, now)}, ${seconds.format(date)}` : at;
}

/** `14:02` for today, else the day before the time; empty for an empty time. */
export function shortTime(at: string, now = new Date()): string {
  const date = parse(at);
  if (!date) return at;
  const label = dayLabel(at, now);
  return label === 'Today' ? clock.format(date) : `${label} ${clock.format(date)}`;
}

/** `Today`, `Yesterday`, `Monday 16 November`, and with the year when it is another one. */
export function dayLabel(at: string, now = new Date()): string {
  const date = parse(at);
  if (!date) return at;
  const days = Math.round((midnight(now) - midnight(date)) / 86_400_000);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  return date.getFullYear() === now.getFullYear() ? day.format(date) : dayOfYear.format(date);
}

/** `0.8 ms`, `12 ms`, `1.4 s` */
export function duration(milliseconds: number): string {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(1)} s`;
  if (milliseconds >= 10) return `${Math.round(milliseconds)} ms`;
  return `${Math.round(milliseconds * 10) / 10} ms`;
}

function midnight(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
