import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Batch, History } from '../src/lib/backend/types';
import { launchBrowser, scene } from './screen';
import { withField } from './server';

const article = 'schemas/article.schema.yaml';
const author = 'schemas/author.schema.yaml';
const api = 'config/config.api.yaml';

let browser: Browser;
beforeAll(async () => void (browser = await launchBrowser()));
afterAll(() => browser.close());

test('a saved field is shown, approved, live, and taken back', () =>
  scene(browser, async ({ server, screen }) => {
    const before = await server.read(article);
    await server.edit(article, withField('teaser', 'long_text'));
    await screen.says('1 change waiting');
    await screen.sees('What changes');
    expect(await screen.page.getByRole('heading', { level: 2, name: article }).count()).toBe(1);
    await screen.page.getByRole('tab', { name: 'SQL' }).click();
    await screen.sees(/ADD COLUMN/);
    await screen.page.getByText('Way back', { exact: true }).click();
    await screen.sees(/RENAME COLUMN|DROP COLUMN/);

    await screen.page.getByLabel('Note').fill('Editors asked for it');
    await screen.button('Approve').click();
    await screen.says('In sync');
    await screen.sees(/^Applied in .*: 1 file$/);
    expect(await server.get('verify')).toMatchObject({ ok: true });

    await screen.button('History').click();
    await screen.sees('Rolling back will');
    await screen.sees('Editors asked for it');
    await screen.button('Roll back').click();
    await screen.sees(/^Rolled back in .*: 1 file$/);
    await screen.says('In sync');
    expect(await server.read(article)).toBe(before);
    expect(await server.get('verify')).toMatchObject({ ok: true });
  }));

test('three files are one batch, and one that is left out goes on waiting', () =>
  scene(browser, async ({ server, screen }) => {
    await server.edit(article, withField('teaser'));
    await server.edit(author, withField('nickname'));
    await server.edit(api, (text) => text.replace('page_size: 20', 'page_size: 30'));
    await screen.says('3 changes waiting');
    await screen.page.getByLabel(`Include ${author}`).uncheck();
    await screen.sees('2 files, 2 changes');
    await screen.button('Approve').click();
    await screen.says('1 change waiting');
    const { items } = await server.get<History>('history');
    expect(items[0]?.files.map((file) => file.file_path).sort()).toEqual([api, article]);
    await screen.button('Take it back').click();
    await screen.sees(/^Rolled back in .*: 2 files$/);
    await screen.says('1 change waiting');
  }));

test('one file of many is chosen and the focus goes on to the next', () =>
  scene(browser, async ({ server, screen }) => {
    await server.edit(article, withField('teaser'));
    await server.edit(author, withField('nickname'));
    await server.edit(api, (text) => text.replace('page_size: 20', 'page_size: 30'));
    await screen.says('3 changes waiting');
    await screen.file(author).click();
    await screen.page.keyboard.press('Space'); // leaves it out
    await screen.sees('2 of 3 files chosen');
    expect(await screen.page.getByLabel(`Include ${author}`).isChecked()).toBe(false);
    await screen.button('Only this file').click();
    await screen.sees('1 of 3 files chosen');
    await screen.sees('1 file, 1 change');
    await screen.button('Approve').click();
    await screen.says('2 changes waiting');
    const focused = screen.page.locator('[data-row]:focus');
    await focused.waitFor();
    expect(await focused.getAttribute('aria-current')).toBe('true');
    await screen.page.keyboard.press('o');
    await screen.sees('1 of 2 files chosen');
    await screen.page.getByLabel('Include every file').click();
    await screen.sees('2 of 2 files chosen');
    await screen.button('Approve').click();
    await screen.says('In sync');
    await expect.poll(() => screen.status.evaluate((element) => element === document.activeElement)).toBe(true);
  }));

test('a question stands with its own file, and is found from another', () =>
  scene(browser, async ({ server, screen }) => {
    await server.edit(article, (text) => text.replace('id: summary\n', 'id: synopsis\n'));
    await server.edit(author, withField('nickname'));
    await server.save('schemas/page.schema.yaml', 'id: page\nnope: 1\n');
    await screen.says('1 invalid file');
    await screen.file('page.schema.yaml').click();
    await screen.sees('The last good version of this file stays live');
    expect(await screen.page.getByText('A question first').count()).toBe(0);
    await screen.file(author).click();
    await screen.sees('Answer the open question first.');
    expect(await screen.page.getByText('A question first').count()).toBe(0);
    await screen.button('Show it').click();
    await screen.sees('A question first');
  }));

test('what breaks needs a second word, and comes back whole', () =>
  scene(browser, async ({ server, screen }) => {
    const before = await server.read(api);
    await server.edit(api, (text) => text.replace(/  cache_seconds: .*\n/, ''));
    await screen.says('1 change waiting');
    const approve = screen.button('Approve');
    await screen.sees('Tick the box above to go on.');
    expect(await approve.isDisabled()).toBe(true);
    await screen.page.keyboard.press('Control+Enter');
    expect((await server.diff()).files).toHaveLength(1);
    await screen.page.getByRole('checkbox', { name: 'I understand' }).check();
    await approve.click();
    await screen.says('In sync');
    await screen.button('History').click();
    await screen.button('Roll back').click();
    await screen.sees(/^Rolled back in/);
    expect(await server.read(api)).toBe(before);
    expect(await server.get('verify')).toMatchObject({ ok: true });
  }));

test('an open question must be answered first', () =>
  scene(browser, async ({ server, screen }) => {
    await server.edit(article, (text) => text.replace('id: summary\n', 'id: synopsis\n'));
    await screen.says('2 changes waiting');
    await screen.sees('A question first');
    await screen.sees('Answer the open question first.');
    expect(await screen.button('Approve').isDisabled()).toBe(true);
    await screen.page.getByRole('radio', { name: /^Replaced/ }).check();
    await screen.sees('Answered');
    await screen.button('Approve').click();
    await screen.says('In sync');
    expect(await server.get('verify')).toMatchObject({ ok: true });
  }));

test('a plan that is no longer true is refused, and the note stays', () =>
  scene(browser, async ({ server, screen }) => {
    await server.edit(article, withField('teaser'));
    await screen.says('1 change waiting');
    await screen.page.getByLabel('Note').fill('mind this');
    // The file changes again between the press and the server.
    await screen.page.route('**/hot-reload/reload', async (route) => {
      await server.edit(article, withField('second'));
      await server.until((status) => status.pending_changes.length === 2);
      await route.continue();
    });
    await screen.button('Approve').click();
    await screen.sees('The files or the database changed since this plan was made');
    await screen.says('2 changes waiting');
    expect(await screen.page.getByLabel('Note').inputValue()).toBe('mind this');
    await screen.page.unroute('**/hot-reload/reload');
    await screen.button('Approve').click();
    await screen.says('In sync');
    const { items } = await server.get<History>('history');
    expect(items[0]).toMatchObject({ note: 'mind this', status: 'applied' });
  }));

test('an older batch says what stands in its way and can be gone back to as a whole', () =>
  scene(browser, async ({ server, screen }) => {
    for (const field of ['first', 'second']) {
      await server.edit(article, withField(field));
      await screen.says('1 change waiting');
      await screen.button('Approve').click();
      await screen.says('In sync');
    }
    const { items } = await server.get<History>('history');
    const older = await server.get<Batch>(`history/${items[1]?.action_id}`);
    expect(older).toMatchObject({ can_undo: false, conflicts: [items[0]?.action_id] });

    await screen.button('History').click();
    const rows = screen.page.getByRole('group', { name: 'Timeline' }).getByRole('button');
    await rows.nth(1).click();
    await screen.sees('This cannot be undone on its own');
    expect(await screen.button('Roll back').count()).toBe(0);
    await screen.button('Go back to this point').click();
    await screen.sees('Going back to this point will');
    await screen.button('Go back now').click();
    await screen.sees(/^Went back in/);
    const text = await server.read(article);
    expect(text).toContain('id: first');
    expect(text).not.toContain('id: second');
    expect(await server.get('verify')).toMatchObject({ ok: true });
  }));

test('a batch compares with what is live now', () =>
  scene(browser, async ({ server, screen }) => {
    await server.edit(article, withField('teaser'));
    await screen.says('1 change waiting');
    await screen.button('Approve').click();
    await screen.says('In sync');
    await screen.button('History').click();
    await screen.page.getByText('After', { exact: true }).waitFor();
    await screen.page.getByText('Live now', { exact: true }).click();
    await screen.sees('The text is the same on both sides.');
  }));

test('history is filtered by a part of a path', () =>
  scene(browser, async ({ server, screen }) => {
    for (const path of [article, author]) {
      await server.edit(path, withField('teaser'));
      await screen.says('1 change waiting');
      await screen.button('Approve').click();
      await screen.says('In sync');
    }
    await screen.button('History').click();
    const rows = screen.page.getByRole('group', { name: 'Timeline' }).getByRole('button');
    await expect.poll(() => rows.count()).toBe(3);
    await screen.page.getByRole('combobox', { name: 'File' }).fill('ARTICLE');
    await expect.poll(() => rows.count()).toBe(2);
    await screen.page.getByRole('combobox', { name: 'File' }).fill('nowhere');
    await screen.sees('Nothing matches.');
    await screen.page.getByRole('combobox', { name: 'File' }).fill(author);
    await expect.poll(() => rows.count()).toBe(2);
  }));

test('history is filtered by how a batch ended', () =>
  scene(browser, async ({ server, screen }) => {
    await server.edit(article, withField('teaser'));
    await screen.says('1 change waiting');
    await screen.button('Reject').click();
    await screen.button('Hold').click();
    await screen.says('0 changes waiting');
    await screen.button('History').click();
    const rows = screen.page.getByRole('group', { name: 'Timeline' }).getByRole('button');
    await rows.nth(1).waitFor(); // the sample, and this
    await screen.page.getByLabel('Show').selectOption('rejected');
    await expect.poll(() => rows.count()).toBe(1);
    await screen.page.getByLabel('Show').selectOption('failed');
    await screen.sees('Nothing matches.');
    await screen.button('Show everything').click();
    await expect.poll(() => rows.count()).toBe(2);
  }));
