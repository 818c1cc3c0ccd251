import { expect, test } from 'vitest';
import { Theme } from './theme.svelte';

function home(dark: boolean, stored: string | null = null) {
  let changed: () => void = () => undefined;
  const system = { matches: dark, addEventListener: (_: string, callback: () => void) => void (changed = callback) };
  const kept = { value: stored };
  const root = { dataset: {} as DOMStringMap };
  const storage = { getItem: () => kept.value, setItem: (_: string, value: string) => void (kept.value = value) };
  return { root, storage, system: system as unknown as MediaQueryList & { matches: boolean }, kept, change: () => changed() };
}

test('follows the system until something is chosen, and remembers the choice', () => {
  const place = home(true);
  const theme = new Theme(place);
  expect(place.root.dataset.theme).toBe('dark');
  theme.choose('light');
  expect(place.root.dataset.theme).toBe('light');
  expect(place.kept.value).toBe('light');
  expect(new Theme(home(true, 'light')).choice).toBe('light');
});

test('a change of the system shows at once, but not over a choice', () => {
  const place = home(false);
  const theme = new Theme(place);
  (place.system as { matches: boolean }).matches = true;
  place.change();
  expect(place.root.dataset.theme).toBe('dark');
  theme.choose('light');
  place.change();
  expect(place.root.dataset.theme).toBe('light');
});
