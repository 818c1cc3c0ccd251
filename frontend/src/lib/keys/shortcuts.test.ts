import { expect, test } from 'vitest';
import { commandFor } from './shortcuts';

const press = (key: string, over: Partial<Parameters<typeof commandFor>[0]> = {}) =>
  commandFor({ key, ctrlKey: false, metaKey: false, altKey: false, typing: false, ...over });

test.each([
  ['1', {}, 'changes'],
  ['2', {}, 'history'],
  ['j', {}, 'next'],
  ['k', {}, 'previous'],
  ['?', {}, 'help'],
  ['Enter', { ctrlKey: true }, 'approve'],
  ['Enter', { metaKey: true, typing: true }, 'approve'],
  ['r', { ctrlKey: true, typing: true }, 'reload'],
  ['F5', {}, 'reload'],
  ['j', { typing: true }, undefined],
  ['1', { altKey: true }, undefined],
  ['1', { ctrlKey: true }, undefined],
  ['x', {}, undefined],
] as const)('%s %j is %s', (key, over, wanted) => {
  expect(press(key, over)).toBe(wanted);
});
