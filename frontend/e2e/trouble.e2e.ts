import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser, scene, Screen } from './screen';
import { Server, withField } from './server';

const article = 'schemas/article.schema.yaml';
const page = 'schemas/page.schema.yaml';

let browser: Browser;
beforeAll(async () => void (browser = await launchBrowser()));
afterAll(() => browser.close());

test('an invalid file is shown with its place and cleared once it is mended', () =>
  scene(browser, async ({ server, screen }) => {
    const good = await server.read(page);
    await server.save(page, good.replace('required: true', 'requird: true'));
    await screen.says('1 invalid file');
    await screen.sees('Invalid files');
    const problem = (await server.until((status) => status.invalid_files.length > 0)).invalid_files[0];
    await screen.sees(`${problem?.line}:${problem?.column}`);
    await screen.sees(problem?.message ?? 'a message');
    await screen.sees('The last good version of this file stays live');
    expect(await screen.button('Approve').count()).toBe(0);
    await server.save(page, good);
    await screen.says('In sync');
  }));

test('an invalid file does not keep others from being approved', () =>
  scene(browser, async ({ server, screen }) => {
    server.overwrite(page, 'id: [unclosed\n');
    await screen.says('1 invalid file');
    await server.edit(article, withField('teaser'));
    await screen.file(article).click();
    await screen.button('Approve').click();
    await screen.sees(/^Applied in/);
    await screen.says('1 invalid file');
  }));

test('a held file stays out until it is approved', () =>
  scene(browser, async ({ server, screen }) => {
    await server.edit(article, withField('teaser'));
    await screen.says('1 change waiting');
    await screen.page.getByLabel('Note').fill('after the release');
    await screen.button('Reject').click();
    await screen.button('Hold').click();
    await screen.says('0 changes waiting');
    await screen.sees('Rejected and held');
    await screen.sees(/after the release/);
    expect((await server.until(() => true)).held_files).toHaveLength(1);
    await screen.button('Approve').click();
    await screen.says('In sync');
    expect(await server.get('verify')).toMatchObject({ ok: true });
  }));

test('a rejected edit that was put back is a draft that can be brought back', () =>
  scene(browser, async ({ server, screen }) => {
    const before = await server.read(article);
    await server.edit(article, withField('teaser'));
    const edited = await server.read(article);
    await screen.says('1 change waiting');
    await screen.button('Reject').click();
    await screen.button('Put the applied text back').click();
    await screen.says('In sync');
    expect(await server.read(article)).toBe(before);
    await screen.button('History').click();
    await screen.sees('1 draft put aside');
    await screen.page.getByText('1 draft put aside').click();
    await screen.button(`Bring back ${article}`).click();
    await screen.says('1 change waiting');
    expect(await server.read(article)).toBe(edited);
  }));

test('what files say is shown as text, whatever it is', () =>
  scene(browser, async ({ server, screen }) => {
    const payload = `<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>`;
    await server.edit(article, withField('teaser', 'text', `    label: '${payload}'\n    description: '<b>${payload}</b>'\n`));
    await server.edit('config/config.content.yaml', (text) => `${text.trimEnd()}\n  greeting: '${payload}'\n`);
    await server.save('config/<img src=x onerror=alert(1)>.yaml', `text: '${payload}'\n`);
    await server.until((status) => new Set(status.pending_changes.map((change) => change.file_path)).size === 3);
    await screen.page.getByLabel('Note').fill(payload);
    for (const name of [article, 'config.content.yaml', '<img src=x onerror=alert(1)>.yaml']) {
      await screen.file(name).click();
      await screen.sees(/<img src=x onerror/);
      for (const tab of ['SQL', 'Checks', 'YAML']) await screen.page.getByRole('tab', { name: tab }).click();
    }
    await screen.button('Approve').click();
    await screen.says('In sync');
    await screen.button('History').click();
    await screen.sees('Rolling back will');
    await screen.sees(payload);
    await server.save('config/broken.yaml', `"${payload.replaceAll('"', "'")}": [\n`);
    await screen.says('1 invalid file');
    await screen.button('Changes').click();
    await screen.sees('broken.yaml');
    expect(await screen.page.evaluate(() => (window as { harmed?: number }).harmed)).toBeUndefined();
    expect(await screen.page.locator('img, iframe, #app script').count()).toBe(0);
  }));

test('a lost server is said so, and a new token is asked for', async () => {
  const server = new Server();
  try {
    await server.start();
    const port = Number(new URL(server.address).port);
    const screen = await Screen.open(browser, server.link);
    await screen.says('In sync');
    expect(new URL(screen.page.url()).hash).toBe('');
    await server.halt();
    await screen.says('Reconnecting…');
    await server.launch(port);
    await screen.sees('Sign in to Marain');
    await screen.page.getByLabel('Token').fill('not the token');
    await screen.button('Sign in').click();
    await screen.sees('That token was not accepted.');
    await screen.page.getByLabel('Token').fill(server.token);
    await screen.button('Sign in').click();
    await screen.says('In sync');
    await server.edit(article, withField('teaser'));
    await screen.says('1 change waiting');
    await screen.close();
  } finally {
    await server.stop();
  }
});

test('a page without a token shows nothing but the form', async () => {
  const server = new Server();
  try {
    await server.start();
    const screen = await Screen.open(browser, server.address);
    await screen.sees('Sign in to Marain');
    expect(await screen.page.getByRole('navigation').count()).toBe(0);
    await screen.close();
  } finally {
    await server.stop();
  }
});

test('20,000 lines are all there, and the page goes on answering', () =>
  scene(browser, async ({ server, screen }) => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `- item number ${index}`);
    await screen.page.evaluate(() => {
      const frames = window as unknown as { longest: number };
      frames.longest = 0;
      let last = performance.now();
      const tick = (now: number) => {
        frames.longest = Math.max(frames.longest, now - last);
        last = now;
        requestAnimationFrame(tick);
      };
      requestAnimationFrame(tick);
    });
    await server.save('config/large.yaml', `${lines.join('\n')}\n`);
    await screen.sees('item number 3');
    await screen.page.waitForFunction(() => document.querySelectorAll('.diff .row').length === 20_000, undefined, { timeout: 30_000 });
    expect(await screen.page.evaluate(() => (window as unknown as { longest: number }).longest)).toBeLessThan(1_500);
    await screen.button('Approve').click();
    await screen.says('In sync');
  }));

test('eight tabs share one stream, and all of them stay up to date', async () => {
  const server = new Server();
  try {
    await server.start();
    const first = await Screen.open(browser, server.link);
    await first.says('In sync');
    const tabs = [first];
    while (tabs.length < 8) tabs.push(await first.another(server.link));
    for (const tab of tabs) await tab.says('In sync');
    await server.edit(article, withField('teaser'));
    for (const tab of tabs) await tab.says('1 change waiting');
    // The tab that listens goes; another one takes its place.
    await tabs.shift()?.page.close();
    await server.edit(article, withField('second'));
    for (const tab of tabs) await tab.says('2 changes waiting');
    await tabs[0]?.close();
  } finally {
    await server.stop();
  }
});
