/** Functions that load, measure, record or listen refuse what is wrong with their options before they begin. */
import { describe, expect, test } from 'vitest';
import { probeCancellation, probeCancellationEntries } from '../src/engines/remote/probe-cancellation.ts';
import { profileEndpoint, profileEndpointEntries } from '../src/engines/remote/profile-endpoint.ts';
import { ReplayEngine } from '../src/engines/replay/replay-engine.ts';
import { loadOnnxGraphEntries, loadOnnxModelEntries } from '../src/models/onnx-model-options.ts';
import { bundledModels } from '../src/node/bundled-models.ts';
import { listen, listenEntries } from '../src/node/listen.ts';
import { loadModel, loadModelEntries, loadOnnxClassifier, loadOnnxModel } from '../src/node/load-model.ts';
import { measureCandidate, measureCandidateEntries } from '../src/planning/optimizer/measure-candidate.ts';
import { profileEngine, profileEngineEntries } from '../src/planning/profile/profile-engine.ts';
import { RooflineProfile } from '../src/planning/profile/roofline-profile.ts';
import { importTraces, importTracesEntries } from '../src/planning/traces/import-traces.ts';
import { recordTraces, recordTracesEntries } from '../src/planning/traces/record-traces.ts';
import { generateProblems } from '../src/problems/generate-problems.ts';
import { bundledModels as webModels } from '../src/web/bundled-models.ts';
import { refusal } from './support/option-laws.ts';

const never = (): Promise<never> => Promise.reject(new Error('never'));
const engine = { name: 'none', contextTokens: undefined, ready: never, open: never, dispose: async () => undefined };
const spec = { strategy: { kind: 'self-consistency', branches: 1 } } as never;
const texts = [{ prompt: 'a', text: '4' }];

interface Subject {
  readonly name: string;
  readonly names: readonly string[];
  call(options: never): unknown;
  /** Whether the value of every option is checked by a schema. */
  readonly hasSchema: boolean;
}

function subject(name: string, entries: object | readonly string[], call: (options: never) => unknown, base: object = {}): Subject {
  const isList = Array.isArray(entries);
  const given = (options: unknown): never => (typeof options === 'object' && options !== null ? { ...base, ...options } : options) as never;
  return { name, names: isList ? (entries as string[]) : Object.keys(entries), call: (options) => call(given(options)), hasSchema: !isList };
}

describe.each([
  subject('loadOnnxModel', loadOnnxModelEntries, (options) => loadOnnxModel('/nowhere', options)),
  subject('loadOnnxClassifier', loadOnnxGraphEntries, (options) => loadOnnxClassifier('/nowhere', options)),
  subject('loadModel', loadModelEntries, (options) => loadModel('/nowhere', options)),
  subject('bundledModels', ['chatTemplate', 'device', 'executionProviders', 'threads'], (options) => bundledModels(options)),
  subject('bundledModels of a page', ['baseURL', 'wasmPaths', 'onProgress', 'cache'], (options) => webModels(options)),
  subject('measureCandidate', measureCandidateEntries, (options) => measureCandidate(spec, options), {
    engine,
    problems: [{ id: 'a', prompt: 'a', reference: '4' }],
    deadlines: [5],
  }),
  subject('recordTraces', recordTracesEntries, (options) => recordTraces(options).next(), { engine, problems: [{ id: 'a', prompt: 'a' }] }),
  subject('importTraces', importTracesEntries, (options) => importTraces(texts, options)),
  subject('profileEngine', profileEngineEntries, (options) => profileEngine(engine, options)),
  subject('profileEndpoint', profileEndpointEntries, (options) => profileEndpoint(engine as never, options)),
  subject('probeCancellation', probeCancellationEntries, (options) => probeCancellation(engine, options)),
  subject('listen', listenEntries, (options) => listen({} as never, options)),
  subject('ReplayEngine', ['bank', 'profile', 'draftLength', 'acceptance', 'slowdown'], (options) => new ReplayEngine(options)),
  subject(
    'RooflineProfile',
    ['gpus', 'weightBits', 'layerMs', 'draft'],
    (options) => new RooflineProfile('h100-sxm' as never, 'llama-3.1-8b' as never, options),
  ),
  subject('generateProblems', ['seed', 'tier', 'count', 'split'], (options) => generateProblems(options)),
])('$name', ({ names, call, hasSchema }) => {
  const outcome = async (options: unknown): Promise<unknown> => (async () => call(options as never))();

  test.each(names)('%s misspelt is refused, and the right name told', async (name) => {
    const misspelt = `${name[0]}${name}`;
    await expect(outcome({ [misspelt]: 1 })).rejects.toEqual(refusal(misspelt, new RegExp(`Did you mean \`${name}\``)));
  });

  test.runIf(hasSchema).each(names)('%s is refused as null or of a wrong type', async (name) => {
    for (const wrong of [null, Symbol('wrong'), NaN]) await expect(outcome({ [name]: wrong })).rejects.toEqual(refusal(name));
  });

  test.each([null, 7, 'fast'])('%j is refused as options', async (options) => {
    await expect(outcome(options)).rejects.toEqual(refusal('options'));
  });
});
