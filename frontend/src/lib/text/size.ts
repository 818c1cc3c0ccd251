const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];

/** `640 bytes`, `12 KB`, `1.4 GB`; in steps of 1,024. */
export function size(bytes: number): string {
  if (bytes === 1) return '1 byte';
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit++;
  }
  return `${value >= 10 || unit === 0 ? Math.round(value) : Math.round(value * 10) / 10} ${units[unit]}`;
}
