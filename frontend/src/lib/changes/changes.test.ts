import { beforeEach, describe, expect, test } from 'vitest';
import { BackendError } from '../backend/backend';
import { FakeBackend, makeFile, makeStatus } from '../backend/fake';
import { Changes } from './changes.svelte';

const a = 'schemas/a.schema.yaml';
const b = 'schemas/b.schema.yaml';
const c = 'config/c.yaml';

let backend: FakeBackend;
let changes: Changes;

beforeEach(async () => {
  backend = new FakeBackend();
  backend.files = [makeFile(a), makeFile(b), makeFile(c, { kind: 'config' })];
  changes = new Changes(backend);
  await changes.refresh();
});

const settle = () => changes.refresh();

describe('selection', () => {
  test('begins with the first file and survives a refresh', async () => {
    expect(changes.selected?.path).toBe(a);
    changes.select(`waiting:${b}`);
    backend.files = [makeFile('config/new.yaml'), ...backend.files];
    await changes.refresh();
    expect(changes.selected?.path).toBe(b);
  });

  test('stays on the first file when another comes in before it', async () => {
    backend.files = [makeFile('config/0.yaml'), ...backend.files];
    await changes.refresh();
    expect(changes.selected?.path).toBe(a);
  });

  test('goes to the neighbour when the selected file is gone', async () => {
    changes.select(`waiting:${b}`);
    backend.files = backend.files.filter((file) => file.file_path !== b);
    await changes.refresh();
    expect(changes.selected?.path).toBe(c);
    backend.files = [makeFile(a)];
    await changes.refresh();
    expect(changes.selected?.path).toBe(a);
  });

  test('moves within the list and stops at its ends', () => {
    expect(changes.move(1)?.path).toBe(b);
    expect(changes.move(9)?.path).toBe(c);
    expect(changes.move(1)?.path).toBe(c);
    expect(changes.move(-Infinity)?.path).toBe(a);
  });

  test('lists invalid and held files apart, problems of one file together', () => {
    const problem = { file_path: 'schemas/x.schema.yaml', line: 1, column: 1, code: 'c', message: 'm', hint: '' };
    const held = { file_path: 'schemas/h.schema.yaml', reason: 'rejected' as const, at: '', by: 'ann', note: '' };
    changes.show(makeStatus({ invalid_files: [problem, { ...problem, line: 2 }], held_files: [held] }));
    expect(changes.entries.map((entry) => entry.key)).toEqual([
      `waiting:${a}`,
      `waiting:${b}`,
      `waiting:${c}`,
      'invalid:schemas/x.schema.yaml',
      'held:schemas/h.schema.yaml',
    ]);
    expect(changes.entries[3]?.problems).toHaveLength(2);
  });
});

describe('what is approved', () => {
  test('everything that waits, by the id of the plan on screen', async () => {
    changes.note = '  for the release ';
    const id = changes.plan?.plan_id;
    expect(await changes.approve()).toMatchObject({ applied: [a, b, c] });
    expect(backend.callsOf('reload')[0]?.request).toEqual({ plan_id: id, approve: 'safe', note: 'for the release' });
    expect(changes.note).toBe('');
    expect(changes.waiting).toEqual([]);
  });

  test('only what was not left out, under a plan of its own', async () => {
    changes.include(b, false);
    expect(changes.settled).toBe(false);
    expect(changes.obstacle).toBe('The plan is being made.');
    expect(await changes.approve()).toBeUndefined();
    await settle();
    expect(changes.plan?.files.map((file) => file.file_path)).toEqual([a, c]);
    await changes.approve();
    expect(backend.callsOf('reload')[0]?.request).toMatchObject({ files: [a, c], plan_id: `${a}@1+${c}@1` });
    expect(changes.waiting.map((file) => file.file_path)).toEqual([b]);
  });

  test('nothing when every file was left out', async () => {
    for (const path of [a, b, c]) changes.include(path, false);
    await settle();
    expect(changes.obstacle).toBe('Choose at least one file.');
    expect(await changes.approve()).toBeUndefined();
    expect(backend.callsOf('reload')).toHaveLength(0);
  });

  test('a file that was left out and is gone is forgotten', async () => {
    changes.include(b, false);
    await settle();
    backend.files = [makeFile(a)];
    await changes.refresh();
    expect([...changes.leftOut]).toEqual([]);
    expect(changes.settled).toBe(true);
  });

  test('one file alone, and every file again', async () => {
    changes.select(`waiting:${b}`);
    changes.toggleOnly();
    await settle();
    expect(changes.included).toEqual([b]);
    expect(changes.alone).toBe(true);
    expect(changes.plan?.files.map((file) => file.file_path)).toEqual([b]);
    await changes.approve();
    expect(backend.callsOf('reload')[0]?.request).toMatchObject({ files: [b] });
    expect(changes.included).toEqual([a, c]); // what was left out for this approval is in again
    changes.toggleOnly();
    changes.toggleOnly();
    expect(changes.included).toEqual([a, c]);
  });

  test('the selected file is ticked without the mouse; the only one there is cannot be', async () => {
    changes.toggle();
    expect(changes.included).toEqual([b, c]);
    changes.toggle();
    expect(changes.included).toEqual([a, b, c]);
    changes.includeAll(false);
    expect(changes.included).toEqual([]);
    changes.includeAll(true);
    expect(changes.included).toHaveLength(3);
    backend.files = [makeFile(a)];
    await changes.refresh();
    changes.toggle();
    expect(changes.included).toEqual([a]);
    expect(changes.alone).toBe(false);
  });

  test('a plan whose way back failed on the copy never', async () => {
    backend.rehearsal = { ...backend.rehearsal, state: 'failed', message: 'row a1 lost its title' };
    await changes.refresh();
    expect(changes.obstacle).toBe('Not while the rehearsal fails.');
    expect(await changes.approve()).toBeUndefined();
    expect(backend.callsOf('reload')).toHaveLength(0);
  });

  test('a held file alone, when it is selected', async () => {
    const held = { file_path: 'schemas/h.schema.yaml', reason: 'rejected' as const, at: '', by: 'ann', note: '' };
    backend.files.push(makeFile(held.file_path, { held: true }));
    changes.show(makeStatus({ held_files: [held] }));
    changes.select(`held:${held.file_path}`);
    await settle();
    expect(changes.selected?.file?.held).toBe(true);
    await changes.approve();
    expect(backend.callsOf('reload')[0]?.request).toMatchObject({ files: [held.file_path] });
  });

  test('a breaking plan only after a second word, which holds for that plan alone', async () => {
    backend.files = [makeFile(a, { category: 'breaking' })];
    await changes.refresh();
    expect(changes.obstacle).toBe('Tick the box above to go on.');
    changes.confirm(true);
    expect(changes.obstacle).toBe('');
    backend.files = [makeFile(a, { category: 'breaking', base_version: 2 })];
    await changes.refresh();
    expect(changes.confirmed).toBe(false);
    expect(await changes.approve()).toBeUndefined();
  });

  test('a warning needs one press only', async () => {
    backend.files = [makeFile(a, { category: 'warning' })];
    await changes.refresh();
    expect(changes.obstacle).toBe('');
    await changes.approve();
    expect(backend.callsOf('reload')[0]?.request).toMatchObject({ approve: 'warning' });
  });

  test('not while a file of the plan is blocked', async () => {
    backend.files = [makeFile(a), makeFile(b, { blocked: [{ file_path: b, key: 'fields.x', message: 'no', hint: '' }] })];
    await changes.refresh();
    expect(changes.obstacle).toBe('A change cannot be applied as it stands.');
    changes.include(b, false);
    await settle();
    expect(changes.obstacle).toBe('');
  });
});

describe('questions', () => {
  beforeEach(async () => {
    backend.questions = [{ key: 'rename:a.title', file_path: a, text: 'Renamed or replaced?', options: ['renamed', 'replaced'], type: '', samples: [], answered: false }];
    await changes.refresh();
  });

  test('block until they are answered, and the answer is sent along', async () => {
    expect(changes.obstacle).toBe('Answer the open question first.');
    changes.answer('rename:a.title', 'renamed');
    await settle();
    expect(backend.callsOf('diff').at(-1)?.request).toEqual({ answers: { 'rename:a.title': 'renamed' } });
    expect(changes.questions).toHaveLength(1);
    expect(changes.obstacle).toBe('');
    await changes.approve();
    expect(backend.callsOf('reload')[0]?.request).toMatchObject({ answers: { 'rename:a.title': 'renamed' } });
    expect(changes.answers.size).toBe(0);
  });

  test('of another file are found from where one is', async () => {
    backend.questions = [{ ...backend.questions[0]!, file_path: b }];
    await changes.refresh();
    expect(changes.selected?.path).toBe(a);
    expect(changes.obstacleAt).toBe(b);
    changes.showObstacle();
    expect(changes.selected?.path).toBe(b);
    expect(changes.obstacleAt).toBe('');
  });

  test('an answer is dropped when nobody asks any more', async () => {
    changes.answer('rename:a.title', 'renamed');
    await settle();
    backend.questions = [];
    await changes.refresh();
    expect(changes.answers.size).toBe(0);
    expect(changes.questions).toEqual([]);
  });
});

describe('what can go wrong', () => {
  test('a stale plan keeps the note and shows the new plan', async () => {
    changes.note = 'careful';
    backend.fail.set('reload', new BackendError('stale', 'changed'));
    backend.files = [makeFile(a, { base_version: 7 })];
    expect(await changes.approve()).toBeUndefined();
    expect(changes.stale).toBe(true);
    expect(changes.refusal).toBeUndefined();
    expect(changes.note).toBe('careful');
    expect(changes.plan?.plan_id).toBe(`${a}@7`);
    await changes.approve();
    expect(changes.stale).toBe(false);
  });

  test('any other refusal is an error, and the note stays', async () => {
    changes.note = 'careful';
    backend.fail.set('reload', new BackendError('locked', 'somebody is at it'));
    await changes.approve();
    expect(changes.refusal?.code).toBe('locked');
    expect(changes.note).toBe('careful');
    expect(changes.busy).toBe('');
  });

  test('an answer that was overtaken never replaces a newer one', async () => {
    backend.hold.add('diff');
    const first = changes.refresh();
    backend.files = [makeFile(a, { base_version: 9 })];
    const second = changes.refresh();
    expect(backend.callsOf('diff')).toHaveLength(2); // the one of the start, and the first of these
    backend.hold.clear();
    backend.calls.at(-1)?.release();
    await Promise.all([first, second]);
    expect(changes.plan?.plan_id).toBe(`${a}@9`);
  });

  test('a plan for an earlier choice of files is not shown', async () => {
    backend.hold.add('diff');
    const running = changes.refresh();
    changes.include(b, false); // while the plan of all three is on its way
    backend.hold.clear();
    backend.calls.at(-1)?.release();
    await running;
    await settle();
    expect(changes.settled).toBe(true);
    expect(changes.plan?.files.map((file) => file.file_path)).toEqual([a, c]);
  });

  test('two presses are one approval', async () => {
    backend.hold.add('reload');
    const one = changes.approve();
    expect(await changes.approve()).toBeUndefined();
    backend.callsOf('reload')[0]?.release();
    await one;
    expect(backend.callsOf('reload')).toHaveLength(1);
  });
});

test('reject names the files of the plan and forgets the note', async () => {
  changes.note = 'not yet';
  changes.include(c, false);
  await settle();
  expect(await changes.reject(false)).toMatchObject({ held: [a, b] });
  expect(backend.callsOf('reject')[0]?.request).toEqual({ files: [a, b], restore: false, note: 'not yet' });
  expect(changes.note).toBe('');
  expect(changes.waiting.map((file) => file.file_path)).toEqual([c]);
});

test('reload makes the plan anew and applies nothing', async () => {
  backend.files = [makeFile(b)];
  expect(await changes.reload()).toBe(true);
  expect(backend.callsOf('reload')).toHaveLength(0);
  expect(changes.waiting).toHaveLength(1);
  backend.fail.set('diff', new BackendError('internal', 'no'));
  expect(await changes.reload()).toBe(false);
  expect(changes.error?.code).toBe('internal');
  await changes.refresh();
  expect(changes.error).toBeUndefined();
});

test('a held file that is the only one is planned as soon as the status tells of it', async () => {
  backend.files = [makeFile(a, { held: true })];
  await changes.refresh();
  expect(changes.entries).toEqual([]);
  changes.show(makeStatus({ held_files: [{ file_path: a, reason: 'rejected', at: '', by: 'ann', note: '' }] }));
  await settle();
  expect(changes.subject).toEqual([a]);
  expect(changes.obstacle).toBe('');
});
