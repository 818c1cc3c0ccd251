import { expect, test } from 'vitest';

const components = import.meta.glob<string>('./**/*.svelte', { query: '?raw', import: 'default', eager: true });
const styles = import.meta.glob<string>(['./**/*.svelte', './styles/base.css'], { query: '?raw', import: 'default', eager: true });
const sources = import.meta.glob<string>(['./**/*.svelte', './**/*.ts', '!./**/*.test.ts'], { query: '?raw', import: 'default', eager: true });

/** Files in which a pattern is found, with what was found. */
function found(files: Record<string, string>, pattern: RegExp): string[] {
  return Object.entries(files).flatMap(([path, text]) => [...text.matchAll(pattern)].map((match) => `${path}: ${match[0]}`));
}

test('every rule looks at something', () => {
  expect(Object.keys(components).length).toBeGreaterThan(20);
  expect(Object.keys(styles)).toContain('./styles/base.css');
  expect(found(components, /<button/g).length).toBeGreaterThan(0);
});

test('nothing that a file says is ever treated as HTML', () => {
  expect(found(sources, /\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/g)).toEqual([]);
});

test('no style stands in an attribute, where the content security policy refuses it', () => {
  expect(found(components, /\sstyle="/g)).toEqual([]);
});

test('colours come from the tokens alone', () => {
  expect(found(styles, /#[0-9a-f]{3,8}\b(?=[^}]*;)|\brgba?\(|\bhsla?\(|\boklch\(/gi).filter((hit) => !hit.includes('Icon.svelte'))).toEqual([]);
});

test('no component reaches past the one seam to the program', () => {
  expect(found(components, /wailsjs|window\.go\b|window\.runtime\b|\bfetch\(|EventSource/g)).toEqual([]);
});

test('components stay small', () => {
  const long = Object.entries(components).filter(([, text]) => text.split('\n').length > 300);
  expect(long.map(([path]) => path)).toEqual([]);
});
