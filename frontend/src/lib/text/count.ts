const numbers = new Intl.NumberFormat('en');

/** `1 change`, `12,400 changes`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${numbers.format(n)} ${n === 1 ? one : many}`;
}
