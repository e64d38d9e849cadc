/** Node's WebGPU, on the software adapter that comes with Chromium. In a process of its own: a fault in a driver ends one. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { tokenModelLaws } from '../models/token-model-laws.ts';
import { isBrowserRequired, noAdapter, ROOT, softwareAdapterEnvironment, titled } from './support/browser.ts';

interface Outcome {
  readonly name: string;
  readonly error?: string;
}

const PATIENCE = 240_000;
const names = [...tokenModelLaws.map(({ name }) => name), 'engines of one process take turns'];

describe.skipIf(noAdapter !== undefined && !isBrowserRequired)(titled('a model whose cache stays on WebGPU, in Node', noAdapter), () => {
  let outcomes: readonly Outcome[];

  beforeAll(async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'test/browser/support/webgpu-laws.ts'], {
      cwd: ROOT,
      timeout: PATIENCE,
      env: { ...process.env, NODE_OPTIONS: '', ...softwareAdapterEnvironment },
    });
    outcomes = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Outcome);
  }, PATIENCE);

  test.each(names)('%s', (name) => {
    expect(outcomes.find((outcome) => outcome.name === name)).toEqual({ name });
  });
});
