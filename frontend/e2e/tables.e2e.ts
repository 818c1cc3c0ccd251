import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Backups, Drift, History, Tombstones } from '../src/lib/backend/types';
import { poorContrast } from './contrast';
import { launchBrowser, scene, type Screen } from './screen';
import { withField, withoutField } from './server';

const article = 'schemas/article.schema.yaml';
const author = 'schemas/author.schema.yaml';
const category = 'schemas/category.schema.yaml';
const event = 'schemas/event.schema.yaml';

let browser: Browser;
beforeAll(async () => void (browser = await launchBrowser()));
afterAll(() => browser.close());

const authors = `INSERT INTO content_author (id, name, handle, email) VALUES ('a1', 'Jo', 'jo', 'jo@example.org'), ('a2', 'Ines', 'ines', NULL), ('a3', 'Sam', 'sam', NULL);`;

/** Ticks the second word of a plan that breaks something. */
async function agree(screen: Screen): Promise<void> {
  await screen.page.getByRole('checkbox', { name: 'I understand' }).check();
}

test('removing a field is proved on the rows and rehearsed, and its values are kept', () =>
  scene(browser, async ({ server, screen }) => {
    server.sql(authors);
    await server.edit(author, withoutField('email'));
    await screen.says('1 change waiting');
    await screen.sees(/^1 of 3 rows hold/);
    await screen.sees('jo@example.org');
    await screen.sees('Rolling back was proved on all 3 rows.');
    await screen.page.getByRole('list', { name: 'Legs of the rehearsal' }).waitFor();
    await agree(screen);
    await screen.button('Approve').click();
    await screen.says('In sync');

    await screen.button('Storage').click();
    await screen.sees('Field, text');
    await screen.sees('1 value in 3 rows');
    await screen.button('Show the way back').click();
    await screen.sees('Rolling back was proved on all 3 rows.');
    await screen.button('Roll back').click();
    await screen.sees(/^Rolled back in/);
    expect(server.query('SELECT email FROM content_author ORDER BY id')).toEqual([['jo@example.org'], [null], [null]]);
    expect(await server.get('verify')).toMatchObject({ ok: true });
  }));

test('a value that rows lack is asked for, checked and filled in', () =>
  scene(browser, async ({ server, screen }) => {
    server.sql(authors);
    await server.edit(author, (text) => text.replace('id: biography\n    type: long_text\n', 'id: biography\n    type: long_text\n    required: true\n'));
    await screen.sees('A question first');
    const approve = screen.button('Approve');
    expect(await approve.isDisabled()).toBe(true);
    await screen.page.getByRole('textbox', { name: 'Value' }).fill('Not written yet');
    await screen.sees('Every row without a value gets it');
    await agree(screen);
    await approve.click();
    await screen.says('In sync');
    expect(server.query('SELECT DISTINCT biography FROM content_author')).toEqual([['Not written yet']]);
  }));

test('an answer that cannot be is said so beside it', () =>
  scene(browser, async ({ server, screen }) => {
    server.sql(`${authors} INSERT INTO content_asset (id, file_name, media_type) VALUES ('f1', 'x.jpg', 'image/jpeg');`);
    await server.edit('schemas/asset.schema.yaml', (text) => text.replace('id: bytes\n    type: integer\n', 'id: bytes\n    type: integer\n    required: true\n'));
    await screen.sees('A question first');
    const value = screen.page.getByRole('textbox', { name: 'Value' });
    await value.fill('many');
    await screen.sees('A whole number, such as 12');
    expect(await value.getAttribute('aria-invalid')).toBe('true');
    await value.fill('12');
    await screen.sees('Every row without a value gets it');
    await server.edit('schemas/asset.schema.yaml', (text) => text.replace('    type: integer\n    required: true\n', '    type: integer\n'));
    await screen.says('In sync');
    await server.edit(author, (text) => text.replace('unique: true\n', 'unique: true\n    required: true\n'));
    await screen.sees('A question first');
    await value.fill('nobody@example.org');
    await screen.sees('Another answer is needed');
    await screen.sees(/is unique, and 2 rows/);
    expect(await screen.button('Approve').isDisabled()).toBe(true);
  }));

test('values that do not convert are counted, shown and kept', () =>
  scene(browser, async ({ server, screen }) => {
    server.sql(`INSERT INTO content_event (id, title, address, starts, place) VALUES ('e1', 'A', 'a', '2026-03-01T19:00:00Z', '12'), ('e2', 'B', 'b', '2026-03-01T19:00:00Z', 'Hall B');`);
    await server.edit(event, (text) => text.replace('id: place\n    type: text', 'id: place\n    type: integer'));
    await screen.sees(/^1 of 2 values of place do not convert/);
    await screen.sees('Hall B');
    await agree(screen);
    await screen.button('Approve').click();
    await screen.says('In sync');
    await screen.button('Take it back').click();
    await screen.sees(/^Rolled back in/);
    expect(server.query('SELECT place FROM content_event ORDER BY id')).toEqual([['12'], ['Hall B']]);
  }));

test('tables that somebody changed by hand are repaired, or adopted by the file', () =>
  scene(browser, async ({ server, screen }) => {
    await screen.button('Drift').click();
    await screen.sees('The tables are what the files say');
    server.sql(`DROP INDEX idx_content_category__parent; ALTER TABLE content_page ADD COLUMN legacy TEXT;`);
    await screen.says('Repair or adopt 1 difference in the tables');
    await screen.button('Changes').click();
    await screen.sees('The tables are not what the files say');
    await screen.button('Show them').click();
    await screen.sees(/^Index .* is missing\.$/);
    await screen.button('Repair').click();
    await screen.sees(/^Repaired in/);
    await screen.says('In sync');

    server.sql(`DROP INDEX idx_content_category__parent;`);
    await screen.says('Repair or adopt 1 difference in the tables');
    await screen.page.getByRole('group', { name: 'Drift' }).getByRole('button').filter({ hasText: 'category' }).click();
    await screen.page.getByRole('tab', { name: 'Change the file' }).click();
    await screen.sees('Proposed');
    await screen.page.getByLabel('Note').fill('It was never used');
    await screen.button('Adopt').click();
    await screen.sees(/^Adopted in/);
    await screen.says('In sync');
    expect(await server.read(category)).toMatch(/id: parent\n.*\n.*\n.*indexed: false/);

    await screen.page.getByRole('group', { name: 'Drift' }).getByRole('button').filter({ hasText: 'What no file mentions' }).click();
    await screen.page.getByRole('checkbox', { name: 'Make it a field' }).check();
    await screen.button('Adopt').click();
    await expect.poll(() => server.read('schemas/page.schema.yaml')).toContain('id: legacy');
    await screen.says('In sync');
    expect(await server.get<Drift>('drift')).toMatchObject({ in_sync: true, unmanaged: { columns: [] } });
    const { items } = await server.get<History>('history');
    expect(items.map((item) => item.note)).toContain('It was never used');
    expect(await server.get('verify')).toMatchObject({ ok: true });
  }));

test('a purge must be typed, is never in the way of the Enter key, and history says what is gone', () =>
  scene(browser, async ({ server, screen }) => {
    server.sql(authors);
    await server.edit(author, withoutField('email'));
    await screen.says('1 change waiting');
    await agree(screen);
    await screen.button('Approve').click();
    await screen.says('In sync');
    await screen.button('Storage').click();
    await screen.button('Purge…').click();
    const dialog = screen.page.getByRole('dialog', { name: 'Destroy for good' });
    await dialog.getByText('author.email').waitFor();
    expect(await dialog.getByRole('button', { name: 'Cancel' }).evaluate((element) => element === document.activeElement)).toBe(true);
    const destroy = dialog.getByRole('button', { name: 'Purge 1 thing' });
    expect(await destroy.isDisabled()).toBe(true);
    await dialog.getByLabel(/^Type/).fill('purge');
    await screen.page.keyboard.press('Enter');
    expect(await destroy.isDisabled()).toBe(true);
    expect((await server.get<Tombstones>('tombstones')).items).toHaveLength(1);

    await dialog.getByLabel(/^Type/).fill((await dialog.locator('form code').textContent()) ?? '');
    await dialog.getByLabel(/^Why/).fill('Asked for by its owner');
    await destroy.click();
    await screen.sees(/^Purged: 1 thing/);
    await screen.sees('Nothing is out of use');
    expect((await server.get<Tombstones>('tombstones')).items).toEqual([]);
    expect((await server.get<Backups>('backups')).items.length).toBeGreaterThan(0);

    await screen.button('History').click();
    await screen.sees('Destroyed for good');
    await screen.sees('Asked for by its owner');
    await screen.page.getByRole('group', { name: 'Timeline' }).getByRole('button').filter({ hasText: 'purged since' }).first().click();
    await screen.sees('Not everything of that time is still there');
    await screen.button('Storage').click();
    await screen.page.getByText(/^Backups \d/).click();
    await screen.sees(/^marain restore-backup /);
    expect(await server.get('verify')).toMatchObject({ ok: true });
  }));

test('a long change shows how far it is, and can be cancelled from another tab', () =>
  scene(browser, async ({ server, screen }) => {
    server.sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200000)
      INSERT INTO content_event (id, title, address, starts, seats) SELECT printf('e%07d', i), 'T', 'a-' || i, '2026-03-01T19:00:00Z', i % 90 FROM n;`);
    const other = await screen.another(server.link);
    await server.edit(event, (text) => text.replace('id: seats\n    type: integer', 'id: seats\n    type: text'));
    await screen.says('1 change waiting');
    await screen.page.getByRole('heading', { level: 2, name: event }).waitFor({ timeout: 40_000 });
    const agreement = screen.page.getByRole('checkbox', { name: 'I understand' });
    const approve = screen.button('Approve');
    await expect.poll(async () => (await approve.isEnabled()) || (await agreement.isVisible()), { timeout: 40_000 }).toBe(true);
    if (await agreement.isVisible()) await agreement.check();
    await approve.click({ timeout: 40_000 });
    await screen.page.getByRole('progressbar').waitFor();
    await other.page.getByRole('progressbar').waitFor();
    await other.button('Cancel').click();
    await screen.sees('Cancelled');
    await screen.says('1 change waiting');
    expect(server.query('SELECT typeof(seats), count(*) FROM content_event GROUP BY 1')).toEqual([['integer', 1200000]]);
    const { items } = await server.get<History>('history');
    expect(items[0]).toMatchObject({ status: 'failed' });
  }), 180_000);

for (const dark of [false, true]) {
  for (const [width, height] of [
    [1280, 800],
    [900, 600],
  ] as const) {
    test(`${dark ? 'dark' : 'light'} ${width}x${height}: what is about tables can be read and nothing sticks out`, () =>
      scene(
        browser,
        async ({ server, screen }) => {
          const look = async (where: string) => {
            expect(await poorContrast(screen.page), where).toEqual([]);
            expect(await screen.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), where).toBe(true);
          };
          server.sql(authors);
          await screen.button('Drift').click();
          await look('no drift');
          await screen.button('Storage').click();
          await screen.sees('Nothing is out of use');
          await look('nothing out of use');
          await screen.button('Changes').click();
          await server.edit(author, withoutField('email'));
          await server.edit(article, withField('teaser'));
          await screen.says('2 changes waiting');
          await agree(screen);
          await look('rehearsed');
          await screen.button('Approve').click();
          await screen.says('In sync');
          await server.edit(author, (text) => text.replace('id: biography\n    type: long_text\n', 'id: biography\n    type: long_text\n    required: true\n'));
          await screen.sees('A question first');
          await look('a question');
          await screen.button('Storage').click();
          await screen.sees('Destroy it for good');
          await look('out of use');
          await screen.button('Purge…').click();
          await screen.sees(/^Type/);
          await look('purge');
          await screen.button('Cancel').click();
          await screen.page.getByText(/^Backups \d/).click();
          await screen.sees('To put it back');
          await look('backups');
          server.sql(`ALTER TABLE content_author RENAME COLUMN joined TO joined_on; CREATE TABLE audit_log (id INTEGER);`);
          await screen.button('Drift').click();
          await screen.sees('A question first');
          await look('repair');
          await screen.page.getByRole('tab', { name: 'Change the file' }).click();
          await look('adopt');
          await screen.page.getByRole('group', { name: 'Drift' }).getByRole('button').filter({ hasText: 'What no file mentions' }).click();
          await look('unmanaged');
        },
        { dark, width, height },
      ));
  }
}
