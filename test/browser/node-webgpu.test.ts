/** Node's WebGPU, on the software adapter that comes with Chromium. In processes of their own: a fault in a driver ends one. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { tokenModelLaws } from '../models/token-model-laws.ts';
import { aSoftwareAdapter, ROOT, softwareAdapterEnvironment, titled } from '../support/browser.ts';
import { FURTHER_CHECKS, WEBGPU_SUBJECTS } from './support/webgpu-subjects.ts';

interface Outcome {
  readonly name: string;
  readonly error?: string;
}

const PATIENCE = 240_000;
const names = [...tokenModelLaws.map(({ name }) => name), ...FURTHER_CHECKS];

describe.skipIf(aSoftwareAdapter.missing)(titled('a model whose cache stays on WebGPU, in Node', aSoftwareAdapter), () => {
  describe.each(Object.keys(WEBGPU_SUBJECTS))('%s', (subject) => {
    let outcomes: readonly Outcome[];

    beforeAll(async () => {
      const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'test/browser/support/webgpu-laws.ts', subject], {
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
});
