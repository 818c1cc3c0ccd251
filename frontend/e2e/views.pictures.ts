// Photographs every view of the page in a browser, at two sizes and in both themes, on a real server with real rows.
// It is no test of what is on them: people look at them.

import type { Browser } from 'playwright-core';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, test } from 'vitest';
import { launchBrowser, scene, type Scene } from './screen';
import { withField, withoutField } from './server';

const folder = resolve(import.meta.dirname, '../../build/screenshots/page');
const article = 'schemas/article.schema.yaml';
const author = 'schemas/author.schema.yaml';
const event = 'schemas/event.schema.yaml';
const asset = 'schemas/asset.schema.yaml';
const api = 'config/config.api.yaml';

let browser: Browser;
beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  browser = await launchBrowser();
});
afterAll(() => browser.close());

/** A project as it looks after some time: authors, articles, pictures and 12,400 events. */
const rows = `
INSERT INTO content_author (id, name, handle, email) VALUES
  ('a1', 'Jo Okafor', 'jo-okafor', 'jo@example.org'), ('a2', 'Ines Lind', 'ines-lind', 'ines@example.org'),
  ('a3', 'Sam Reyes', 'sam-reyes', NULL), ('a4', 'Mika Aalto', 'mika-aalto', NULL);
INSERT INTO content_asset (id, file_name, media_type, bytes) VALUES
  ('f1', 'river.jpg', 'image/jpeg', 48213), ('f2', 'press.jpg', 'image/jpeg', NULL), ('f3', 'reading.mp3', 'audio/mpeg', NULL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 340)
INSERT INTO content_article (id, title, address, summary, body, author)
  SELECT printf('s%04d', i), 'Story ' || i, 'story-' || i,
    CASE i % 3 WHEN 0 THEN 'How the city reads' WHEN 1 THEN 'A walk along the river' ELSE 'Notes from a small press' END, 'Text', 'a1' FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12400)
INSERT INTO content_event (id, title, address, starts, place, seats, programme)
  SELECT printf('e%05d', i), 'Reading ' || i, 'reading-' || i, '2026-03-01T19:00:00Z',
    CASE WHEN i % 1033 = 7 THEN 'Hall B' ELSE CAST(i % 40 AS TEXT) END, 40 + i % 7, 'Doors open at six' FROM n;
`;

for (const theme of ['light', 'dark'] as const) {
  for (const [width, height] of [
    [1280, 800],
    [900, 600],
  ] as const) {
    test(`${theme} ${width}x${height}`, () =>
      scene(browser, (stage) => photographAll(stage, `${theme}-${width}`), { dark: theme === 'dark', width, height }));
  }
}

/** Photographs the page; one that moves is photographed at once. */
type Shot = (name: string, moves?: boolean) => Promise<void>;

async function photographAll(stage: Scene, suffix: string): Promise<void> {
  const { screen, server } = stage;
  const shot: Shot = async (name, moves = false) => {
    if (!moves) await still(stage);
    await screen.page.screenshot({ path: join(folder, `${name}-${suffix}.png`) });
  };
  server.sql(rows);
  await shot('in-sync');
  await changes(stage, shot);
  await answers(stage, shot);
  await progress(stage, shot);
  await history(stage, shot);
  await drift(stage, shot);
  await storage(stage, shot);
  await screen.button('Shortcuts').click();
  await shot('shortcuts');
}

/** Waits until nothing moves: notices are closed, and two pictures in a row are the same. */
async function still({ screen }: Scene): Promise<void> {
  for (const dismiss of await screen.button('Dismiss').all()) await dismiss.click({ timeout: 2_000 }).catch(() => undefined);
  let before: Buffer = Buffer.alloc(0);
  for (let tries = 0; tries < 40; tries++) {
    const now = await screen.page.screenshot({ animations: 'disabled' });
    if (now.equals(before)) return;
    before = now;
    await screen.page.waitForTimeout(120);
  }
}

async function changes({ server, screen }: Scene, shot: Shot): Promise<void> {
  await server.edit(article, withField('teaser', 'long_text'));
  await server.edit(event, (text) => withoutField('programme')(text).replace('id: place\n    type: text', 'id: place\n    type: integer'));
  await server.edit(api, (text) => text.replace('page_size: 20', 'page_size: 30'));
  await server.save('schemas/page.schema.yaml', (await server.read('schemas/page.schema.yaml')).replace('type: boolean', 'type: bolean'));
  await screen.says('1 invalid file');
  await screen.file(article).click();
  await shot('changes');
  await screen.file(event).click();
  await shot('changes-conversion');
  await screen.page.getByRole('tab', { name: 'SQL' }).click();
  await shot('changes-sql');
  await screen.page.getByRole('tab', { name: 'Checks' }).click();
  await shot('changes-checks');
  await screen.page.getByRole('tab', { name: 'YAML' }).click();
  await screen.file('page.schema.yaml').click();
  await shot('changes-invalid');
  await server.edit('schemas/page.schema.yaml', (text) => text.replace('type: bolean', 'type: boolean'));
  await screen.file(event).click();
  await screen.button('Only this file').click();
  await screen.sees('1 of 3 files chosen');
  await shot('changes-only');
  await screen.page.getByLabel('Note').fill('Halls have numbers now');
  await screen.page.getByRole('checkbox', { name: 'I understand' }).check();
  await screen.button('Approve').click();
  await screen.says('2 changes waiting');
  await shot('changes-approved');
  await screen.button('Reject').click();
  await shot('changes-reject');
  await screen.button('Put the applied text back').click();
  await screen.says('In sync');
}

async function answers({ server, screen }: Scene, shot: Shot): Promise<void> {
  await server.edit(article, (text) => text.replace('id: summary\n', 'id: synopsis\n'));
  await server.edit(asset, (text) => text.replace('id: bytes\n    type: integer\n', 'id: bytes\n    type: integer\n    required: true\n'));
  await server.edit(author, (text) => text.replace('unique: true\n', 'unique: true\n    required: true\n'));
  await screen.file(article).click();
  await screen.sees('A question first');
  await shot('question-rename');
  await screen.file(asset).click();
  await screen.page.getByRole('textbox', { name: 'Value' }).fill('third');
  await shot('question-mistake');
  await screen.page.getByRole('textbox', { name: 'Value' }).fill('3');
  await screen.sees('Every row without a value gets it');
  await shot('question-answered');
  await screen.file(author).click();
  await screen.page.getByRole('textbox', { name: 'Value' }).fill('nobody@example.org');
  await screen.sees(/unique/);
  await shot('question-refused');
  await screen.page.getByLabel(`Include ${author}`).uncheck();
  await screen.file(article).click();
  await screen.page.getByRole('radio', { name: /^Renamed/ }).check();
  await screen.sees('Answered');
  await shot('question-settled');
  await screen.page.getByRole('checkbox', { name: 'I understand' }).check({ timeout: 2_000 }).catch(() => undefined);
  await screen.button('Approve').click();
  await screen.says('1 change waiting');
  await screen.button('Reject').click();
  await screen.button('Put the applied text back').click();
  await screen.says('In sync');
}

/** A change that takes long enough to be seen. */
async function progress({ server, screen }: Scene, shot: Shot): Promise<void> {
  server.sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600000)
    INSERT INTO content_event (id, title, address, starts, seats) SELECT printf('x%07d', i), 'Open day ' || i, 'open-day-' || i, '2026-03-01T19:00:00Z', i % 90 FROM n;`);
  await server.edit(event, (text) => text.replace('id: seats\n    type: integer', 'id: seats\n    type: text'));
  await screen.page.getByRole('heading', { level: 2, name: event }).waitFor({ timeout: 60_000 });
  await screen.page.getByRole('checkbox', { name: 'I understand' }).check({ timeout: 3_000 }).catch(() => undefined);
  await screen.button('Approve').click({ timeout: 60_000 });
  await screen.page.getByRole('progressbar').waitFor({ timeout: 60_000 });
  await screen.page.locator('[role=progressbar][aria-valuenow]').waitFor({ timeout: 60_000 });
  await shot('progress', true);
  await screen.button('Cancel').click({ timeout: 20_000 });
  await screen.sees('Cancelled');
  await shot('progress-cancelled', true);
  await screen.button('Reject').click();
  await screen.button('Put the applied text back').click();
  await screen.says('In sync');
  server.sql(`DELETE FROM content_event WHERE id LIKE 'x%'`);
}

async function history({ screen }: Scene, shot: Shot): Promise<void> {
  await screen.button('History').click();
  await screen.page.getByRole('group', { name: 'Timeline' }).waitFor();
  await shot('history');
  await screen.page.getByRole('group', { name: 'Timeline' }).getByRole('button').filter({ hasText: 'Halls have numbers now' }).click();
  await screen.sees('Rolling back will');
  await shot('history-batch');
  await screen.page.getByRole('combobox', { name: 'File' }).fill('event');
  await shot('history-filter');
  await screen.page.getByRole('combobox', { name: 'File' }).fill('');
}

async function drift({ server, screen }: Scene, shot: Shot): Promise<void> {
  await screen.button('Drift').click();
  await screen.sees('The tables are what the files say');
  await shot('drift-none');
  server.sql(`ALTER TABLE content_page ADD COLUMN legacy_id INTEGER;
    ALTER TABLE content_author RENAME COLUMN joined TO joined_on;
    DROP INDEX idx_content_category__parent;
    CREATE VIEW upcoming AS SELECT id, starts FROM content_event;
    CREATE INDEX by_price ON content_event (price);
    CREATE TABLE audit_log (id INTEGER PRIMARY KEY, said TEXT);`);
  await screen.button('Changes').click();
  await screen.button('Reload').click();
  await screen.button('Show them').waitFor();
  await shot('drift-notice');
  await screen.button('Show them').click();
  await screen.sees('What differs');
  await shot('drift-repair');
  const rows = screen.page.getByRole('group', { name: 'Drift' }).getByRole('button');
  await rows.nth(1).click();
  await shot('drift-second');
  await screen.page.getByRole('tab', { name: 'Change the file' }).click();
  await shot('drift-adopt');
  await rows.filter({ hasText: 'What no file mentions' }).click();
  await screen.page.getByRole('checkbox', { name: 'Make it a field' }).last().check();
  await shot('drift-unmanaged');
}

async function storage({ screen }: Scene, shot: Shot): Promise<void> {
  await screen.button('Storage').click();
  await screen.sees('Destroy it for good');
  await shot('storage');
  await screen.button('Purge…').click();
  await screen.sees(/^Type/);
  await shot('storage-purge');
  await screen.button('Cancel').click();
  await screen.page.getByText(/^Backups/).click();
  await screen.sees('To put it back');
  await shot('storage-backups');
  await screen.page.getByText(/^Out of use \d/).click();
  await screen.button('Purge…').click();
  const confirm = await screen.page.getByRole('dialog').locator('form code').textContent();
  await screen.page.getByLabel(/^Type/).fill(confirm ?? '');
  await shot('storage-purge-typed');
  await screen.page.getByRole('button', { name: /^Purge \d/ }).click();
  await screen.sees(/^Purged: /);
  await shot('storage-purged');
  await screen.button('History').click();
  await screen.sees('Destroyed for good');
  await shot('history-purged');
}
