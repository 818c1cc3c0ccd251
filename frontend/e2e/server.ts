// Starts the real program on a copy of the sample project and talks to it as a script would.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Plan, Status } from '../src/lib/backend/types';

const root = resolve(import.meta.dirname, '../..');
const binary = process.env.MARAIN_HEADLESS ?? join(root, 'build/bin/marain-headless');

/** How long anything may take before a test gives up on it, in milliseconds. */
const patience = 15_000;

export class Server {
  readonly folder = mkdtempSync(join(tmpdir(), 'marain-e2e-'));
  address = '';
  #process: ChildProcess | undefined;
  #log = '';

  constructor() {
    if (!existsSync(binary)) throw new Error(`${binary} is missing: run "make headless" first`);
    for (const part of ['schemas', 'config']) cpSync(join(root, part), join(this.folder, part), { recursive: true });
  }

  get token(): string {
    return readFileSync(join(this.folder, 'data/api.token'), 'utf8').trim();
  }

  /** The address that signs the browser in. */
  get link(): string {
    return `${this.address}#token=${this.token}`;
  }

  /** Starts the program and waits until the sample is live and nothing more is applied without a person. */
  async start(port = 0): Promise<void> {
    await this.edit('config/config.hot_reload.yaml', (text) => text.replace('auto_apply: safe', 'auto_apply: none'));
    await this.launch(port);
    await this.post('reload', { approve: 'safe' });
    await this.until((status) => status.in_sync && status.project.policy === 'none');
  }

  async launch(port = 0): Promise<void> {
    const child = spawn(binary, ['serve', '--listen', `127.0.0.1:${port}`, '--project', this.folder], {
      env: { PATH: process.env.PATH, HOME: this.folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    child.stderr.on('data', (data: Buffer) => (this.#log += data.toString()));
    this.address = await new Promise<string>((found, failed) => {
      let output = '';
      child.stdout.on('data', (data: Buffer) => {
        output += data.toString();
        const address = /https?:\/\/\S+/.exec(output);
        if (address) found(address[0]);
      });
      child.on('exit', (code) => failed(new Error(`the server ended with ${code}: ${this.#log}`)));
    });
  }

  /** Ends the program and waits for it; the folder stays. */
  async halt(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    await ended;
  }

  async stop(): Promise<void> {
    await this.halt();
    rmSync(this.folder, { recursive: true, force: true });
  }

  read(path: string): Promise<string> {
    return readFile(join(this.folder, path), 'utf8');
  }

  /** Saves a file as most editors do: a new file beside it, then a rename over it. */
  async save(path: string, text: string): Promise<void> {
    const target = join(this.folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(`${target}.tmp`, text);
    await rename(`${target}.tmp`, target);
  }

  async edit(path: string, change: (text: string) => string): Promise<void> {
    const before = await this.read(path);
    const after = change(before);
    if (after === before) throw new Error(`the edit of ${path} changed nothing`);
    await this.save(path, after);
  }

  /** Saves a file in place: it is emptied, then written. */
  overwrite(path: string, text: string): void {
    writeFileSync(join(this.folder, path), text);
  }

  /** Changes the database as another program would: with plain SQL, past Marain. */
  sql(script: string): void {
    const program = 'import sqlite3,sys\ndb = sqlite3.connect(sys.argv[1], timeout=10)\ndb.executescript(sys.stdin.read())\ndb.close()';
    execFileSync('python3', ['-c', program, join(this.folder, 'data/content/marain.db')], { input: script });
  }

  /** What a query past Marain finds: rows of values. */
  query(sql: string): unknown[][] {
    const program = 'import json,sqlite3,sys\nprint(json.dumps(sqlite3.connect(sys.argv[1], timeout=10).execute(sys.argv[2]).fetchall()))';
    return JSON.parse(execFileSync('python3', ['-c', program, join(this.folder, 'data/content/marain.db'), sql]).toString()) as unknown[][];
  }

  async get<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.address}api/v1/hot-reload/${path}`, { headers: { Authorization: `Bearer ${this.token}` } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  async post<T>(path: string, body: unknown): Promise<T> {
    const answer = await fetch(`${this.address}api/v1/hot-reload/${path}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${this.token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  diff(): Promise<Plan> {
    return this.post('diff', {});
  }

  /** Waits until the status is as wanted. */
  async until(wanted: (status: Status) => boolean): Promise<Status> {
    const deadline = Date.now() + patience;
    for (;;) {
      const status = await this.get<Status>('status');
      if (wanted(status)) return status;
      if (Date.now() > deadline) throw new Error(`the status never became as wanted: ${JSON.stringify(status)}\n${this.#log}`);
      await new Promise((next) => setTimeout(next, 20));
    }
  }
}

/** Adds a field to an entity's text. */
export function withField(id: string, type = 'text', more = ''): (text: string) => string {
  return (text) => `${text.trimEnd()}\n  - id: ${id}\n    type: ${type}\n${more}`;
}

/** Takes a field out of an entity's text. */
export function withoutField(id: string): (text: string) => string {
  return (text) => text.replace(new RegExp(`  - id: ${id}\\n(?:    .*\\n)*`), '');
}
