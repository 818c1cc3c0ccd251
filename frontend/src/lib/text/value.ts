/** A value as one line of text. Strings are quoted only where they would read as nothing or as another type. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value !== 'string') return JSON.stringify(value);
  const plain = value !== '' && value.trim() === value && !/^(true|false|null|nothing|-?\d+(\.\d+)?)$/.test(value);
  return plain ? value : JSON.stringify(value);
}

/** The last part of a path, and the folder before it. */
export function splitPath(path: string): { folder: string; name: string } {
  const slash = path.lastIndexOf('/');
  return { folder: path.slice(0, slash + 1), name: path.slice(slash + 1) };
}

/** A message as a sentence of its own: with a capital letter and a full stop. Empty stays empty. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  const capital = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?:…]$/.test(capital) ? capital : `${capital}.`;
}

/** Makes characters visible that change how text reads without being seen: direction marks and zero-width ones. */
export function visible(text: string): string {
  return text.replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
