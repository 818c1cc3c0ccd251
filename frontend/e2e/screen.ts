// The page in a real browser, and the things a person looks for on it.

import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { Server } from './server';

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
}

export interface ScreenOptions {
  width?: number;
  height?: number;
  dark?: boolean;
}

/** One page of its own, with everything that went wrong in it. */
export class Screen {
  readonly trouble: string[] = [];

  private constructor(readonly page: Page) {
    page.on('pageerror', (error) => this.trouble.push(error.message));
    page.on('console', (message) => {
      // A refused request is part of some tests; a refused script or style never is.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) this.trouble.push(message.text());
    });
  }

  static async open(browser: Browser, url: string, { width = 1280, height = 800, dark = false }: ScreenOptions = {}): Promise<Screen> {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light' });
    const screen = new Screen(await context.newPage());
    screen.page.setDefaultTimeout(15_000);
    await screen.page.goto(url);
    return screen;
  }

  /** Opens another tab of the same browser. */
  async another(url: string): Promise<Screen> {
    const screen = new Screen(await this.page.context().newPage());
    screen.page.setDefaultTimeout(15_000);
    await screen.page.goto(url);
    return screen;
  }

  /** Closes the page, and fails when a script, a style or the content security policy complained. */
  async close(): Promise<void> {
    await this.page.context().close();
    expect(this.trouble).toEqual([]);
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  get status(): Locator {
    return this.page.getByRole('status');
  }

  /** Waits until the status line begins with these words. */
  async says(beginning: string): Promise<void> {
    await this.status.filter({ hasText: new RegExp(`^\\s*${beginning.replace(/[.?]/g, '\\$&')}`) }).waitFor();
  }

  async sees(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).first().waitFor();
  }

  file(path: string): Locator {
    return this.page.getByRole('group', { name: 'Files' }).getByRole('button').filter({ hasText: path.split('/').at(-1) ?? path });
  }
}

export interface Scene {
  server: Server;
  screen: Screen;
}

/** Runs a test on a server and a page of its own, and ends both whatever happens. */
export async function scene(browser: Browser, play: (scene: Scene) => Promise<void>, options?: ScreenOptions): Promise<void> {
  const server = new Server();
  try {
    await server.start();
    const screen = await Screen.open(browser, server.link, options);
    await screen.says('In sync');
    await play({ server, screen });
    await screen.close();
  } finally {
    await server.stop();
  }
}
