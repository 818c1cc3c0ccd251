import { expect, test, vi } from 'vitest';
import { keepFocus, type FocusHome } from './focus';

function page(active: object | null, places: Record<string, { focus: () => void }>): FocusHome {
  return { activeElement: active, body: bodyElement, querySelector: (selector: string) => places[selector] ?? null } as unknown as FocusHome;
}
const bodyElement = {};
const row = 'main [data-row][aria-current]';
const status = '[role=status]';

test('goes to the selected row, or to the status line when there is none', () => {
  const [first, second] = [{ focus: vi.fn() }, { focus: vi.fn() }];
  keepFocus(page(bodyElement, { [row]: first, [status]: second }));
  expect(first.focus).toHaveBeenCalledOnce();
  expect(second.focus).not.toHaveBeenCalled();
  keepFocus(page(null, { [status]: second }));
  expect(second.focus).toHaveBeenCalledOnce();
  keepFocus(page({ disabled: true }, { [row]: first }));
  expect(first.focus).toHaveBeenCalledTimes(2);
});

test('stays where it still is', () => {
  const place = { focus: vi.fn() };
  keepFocus(page({ disabled: false }, { [row]: place, [status]: place }));
  expect(place.focus).not.toHaveBeenCalled();
});
