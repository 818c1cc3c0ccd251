import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { poorContrast } from './contrast';
import { launchBrowser, scene, type Screen } from './screen';
import { withField, withoutField } from './server';

const article = 'schemas/article.schema.yaml';

let browser: Browser;
beforeAll(async () => void (browser = await launchBrowser()));
afterAll(() => browser.close());

/** Tabs until a button has the focus, as somebody without a mouse would. */
async function tabTo(screen: Screen, name: string): Promise<void> {
  for (let steps = 0; steps < 60; steps++) {
    await screen.page.keyboard.press('Tab');
    const focused = await screen.button(name).evaluateAll((found) => found.some((element) => element === document.activeElement));
    if (focused) return;
  }
  throw new Error(`no way to ${name} with the Tab key`);
}

test('the whole path works with the keyboard alone', () =>
  scene(browser, async ({ server, screen }) => {
    await server.edit(article, withField('teaser'));
    await screen.says('1 change waiting');
    await tabTo(screen, 'Approve');
    const ring = await screen.button('Approve').evaluate((element) => getComputedStyle(element).outlineStyle);
    expect(ring).toBe('solid');
    await screen.page.keyboard.press('Enter');
    await screen.says('In sync');
    await screen.page.keyboard.press('2');
    await screen.sees('Rolling back will');
    await tabTo(screen, 'Roll back');
    await screen.page.keyboard.press('Space');
    await screen.sees(/^Rolled back in/);
    expect(await server.read(article)).not.toContain('teaser');
  }));

test('shortcuts do what their list says', () =>
  scene(browser, async ({ server, screen }) => {
    await server.edit(article, withField('teaser'));
    await server.edit('schemas/author.schema.yaml', withField('nickname'));
    await screen.says('2 changes waiting');
    const title = screen.page.getByRole('heading', { level: 2 }).filter({ hasText: 'schemas/' });
    const first = await title.textContent();
    await screen.page.keyboard.press('j');
    await expect.poll(() => title.textContent()).not.toBe(first);
    await screen.page.keyboard.press('k');
    await expect.poll(() => title.textContent()).toBe(first);

    await screen.page.keyboard.press('?');
    await screen.page.getByRole('dialog', { name: 'Shortcuts' }).waitFor();
    await screen.page.keyboard.press('Control+Enter'); // nothing happens behind a dialog
    await screen.page.keyboard.press('Escape');
    await screen.page.getByRole('dialog').waitFor({ state: 'hidden' });
    await screen.says('2 changes waiting');

    await screen.page.keyboard.press('Control+r');
    await screen.sees('Files read again');
    await screen.page.getByLabel('Note').fill('j 1 2 ?');
    expect(await screen.page.getByLabel('Note').inputValue()).toBe('j 1 2 ?');
    await screen.page.keyboard.press('Control+Enter');
    await screen.says('In sync');
  }));

test('names are exact and there is one of each', () =>
  scene(browser, async ({ server, screen }) => {
    await server.edit(article, withField('teaser'));
    await screen.says('1 change waiting');
    await screen.button('Approve').waitFor(); // the plan comes a little later
    for (const name of ['Changes', 'History', 'Reload', 'Approve', 'Reject']) expect(await screen.button(name).count(), name).toBe(1);
    await screen.button('Reject').click();
    for (const name of ['Approve', 'Reject', 'Roll back', 'Reload']) {
      expect(await screen.page.getByRole('dialog').getByRole('button', { name, exact: true }).count(), name).toBe(0);
    }
    await screen.button('Cancel').click();
    await screen.button('Approve').click();
    await screen.says('In sync');
    await screen.button('History').click();
    await screen.button('Roll back').waitFor();
    for (const name of ['Changes', 'History', 'Reload', 'Roll back']) expect(await screen.button(name).count(), name).toBe(1);
    expect(await screen.status.count()).toBe(1);
    for (const role of ['navigation', 'main'] as const) expect(await screen.page.getByRole(role).count(), role).toBe(1);
  }));

test('a chosen theme is used at once and remembered', () =>
  scene(browser, async ({ screen }) => {
    const background = () => screen.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await screen.page.getByRole('radio', { name: 'Dark' }).check({ force: true });
    const dark = await background();
    expect(dark).not.toBe(light);
    await screen.page.reload();
    await screen.says('In sync');
    expect(await background()).toBe(dark);
    await screen.page.getByRole('radio', { name: 'As the system' }).check({ force: true });
    expect(await background()).toBe(light);
    await screen.page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(background).toBe(dark);
  }));

for (const dark of [false, true]) {
  for (const [width, height] of [
    [1280, 800],
    [900, 600],
  ] as const) {
    test(`${dark ? 'dark' : 'light'} ${width}x${height}: every text can be read and nothing sticks out`, () =>
      scene(
        browser,
        async ({ server, screen }) => {
          const look = async (where: string) => {
            expect(await poorContrast(screen.page), where).toEqual([]);
            expect(await screen.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), where).toBe(true);
          };
          await look('in sync');
          await server.edit(article, withoutField('summary'));
          await server.edit('config/config.content.yaml', (text) => text.replace(/  language: .*\n/, ''));
          await server.edit('config/config.api.yaml', (text) => text.replace('page_size: 20', 'page_size: 7000'));
          await server.save('schemas/page.schema.yaml', 'id: page\nnope: 1\n');
          await screen.says('1 invalid file');
          await screen.file(article).click();
          await screen.sees('Tick the box above to go on.');
          for (const tab of ['SQL', 'Checks', 'YAML']) {
            await screen.page.getByRole('tab', { name: tab }).click();
            await look(tab);
          }
          await screen.file('page.schema.yaml').click();
          await look('invalid');
          await screen.button('Reject').click();
          await look('reject');
          await screen.button('Hold').click();
          await screen.sees(/^Held: /);
          await screen.file(article).click();
          await look('held');
          await screen.button('History').click();
          await screen.page.getByRole('group', { name: 'Timeline' }).waitFor();
          await look('history');
        },
        { dark, width, height },
      ));
  }
}
