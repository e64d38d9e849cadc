/** Runs against `dist`, which `npm run build:js` makes. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { fileURLToPath } from 'node:url';
import type * as LatencyTts from 'latency-tts';
import type { Options } from 'tsup';
import { describe, expect, test } from 'vitest';
import tsupConfig from '../tsup.config.ts';
import { packageOf, specifiersOf, targetOf } from './support/import-graph.ts';

interface Manifest {
  readonly main: string;
  readonly module: string;
  readonly types: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly files: readonly string[];
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const require = createRequire(import.meta.url);
/** May be missing: nothing imports them before a local model is loaded. */
const OPTIONAL = ['@huggingface/transformers', 'onnxruntime-common', 'onnxruntime-node', 'onnxruntime-web'];
const manifest = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as Manifest;

/** Names that the portable root exports. An addition here is an addition to the public interface. */
const PORTABLE_NAMES = [
  'BatchPlan',
  'BeamSearch',
  'BestOfN',
  'BudgetForcing',
  'CausalPrmScorer',
  'ChatTemplateError',
  'ClassifierPrmScorer',
  'ContextLengthError',
  'Decoder',
  'DeepConf',
  'DeviceLostError',
  'DeviceMemoryError',
  'DeviceTokenModel',
  'DisposedError',
  'DiverseTreeSearch',
  'FirstFinish',
  'HARDWARE',
  'HubTokenizer',
  'InfeasiblePlanError',
  'InvalidOptionError',
  'LATENCY_LEVELS',
  'LatencyOptimizer',
  'LatencyTtsError',
  'LlmJudgeScorer',
  'LlmSelector',
  'LocalRuntimeMissingError',
  'MODEL_SHAPES',
  'MeasuredProfile',
  'ModelError',
  'ModelLoadError',
  'ModelMemoryError',
  'MonteCarloTreeSearch',
  'NativeTokenModel',
  'NoCandidateError',
  'NotRecordedError',
  'OrmScorer',
  'ParticleFilter',
  'Plan',
  'PrmScorer',
  'ProbeAndExit',
  'ProfileMismatchError',
  'Rebase',
  'ReplayBank',
  'ReplayEngine',
  'ReplayScorer',
  'RooflineProfile',
  'RunEvents',
  'SelfConsistency',
  'SelfRefine',
  'ServerError',
  'SimulatedClock',
  'SpeculativeDecoder',
  'SpeculativeRejection',
  'StepSpeculation',
  'TournamentScorer',
  'VocabularyMismatchError',
  'aggregateConfidence',
  'aggregateSteps',
  'answerAfterHashes',
  'anytimeValidDecision',
  'betaDecision',
  'betaPosterior',
  'boxedAnswer',
  'branchesThatFit',
  'bundledModels',
  'canonicalAnswer',
  'cascade',
  'choiceAnswer',
  'chooseDraftLength',
  'codeAnswer',
  'confidenceOf',
  'confidenceWeights',
  'countVotes',
  'decodeFluid',
  'describeEngine',
  'describeMachine',
  'describeSpec',
  'dirichletDecision',
  'dirichletPosterior',
  'equivalent',
  'exactDecision',
  'expectedWindowBranches',
  'explicitAnswer',
  'extractAnswer',
  'firstOf',
  'fitRoofline',
  'formatTrace',
  'groupAnswers',
  'groupConfidences',
  'importTraces',
  'isDecided',
  'isLatencyTtsError',
  'jsonAnswer',
  'lastNumber',
  'launchAtOnce',
  'launchDoubling',
  'launchWindows',
  'loadOnnxClassifier',
  'loadOnnxModel',
  'loadProfile',
  'meanLogprobOf',
  'meanLogprobWeights',
  'meanSelfCertaintyOf',
  'measureCandidate',
  'mixtureEvidence',
  'noDecision',
  'openaiCompatibleEngine',
  'pairwiseTournament',
  'parseTraces',
  'probeCancellation',
  'profileEndpoint',
  'profileEngine',
  'recordTraces',
  'recordedOutcomes',
  'rewardWeights',
  'rooflineProfile',
  'roundMs',
  'selfCertaintyWeights',
  'serverOutcomeScorer',
  'serverStepScorer',
  'statedAnswer',
  'systemClock',
  'tokenConfidences',
  'verifierScorer',
  'withFallback',
];
const PUBLIC_NAMES: Readonly<Record<string, readonly string[]>> = {
  'latency-tts': [...PORTABLE_NAMES, 'loadModel'],
  'latency-tts/ai-sdk': ['aiSdkEngine', 'createLatencyTts', 'latencyTts', 'latencyTtsMiddleware', 'latencyTtsReport'],
  'latency-tts/langchain': ['ChatLatencyTts'],
  'latency-tts/node-llama-cpp': ['llamaCppEngine'],
  'latency-tts/problems': ['TIERS', 'formatSolution', 'generateProblems'],
  'latency-tts/serve': ['createHandler', 'listen', 'prometheusMetrics', 'standardStrategies'],
  'latency-tts/testing': ['ManualClock', 'ScriptedTokenModel', 'characterTokenizer', 'localModelOf'],
  'latency-tts/worker': [],
};

/** Every string in a value, with the keys that lead to it. */
function leavesOf(value: unknown, path: readonly string[] = []): { readonly path: readonly string[]; readonly target: string }[] {
  if (typeof value === 'string') return [{ path, target: value }];
  return Object.entries(value as Readonly<Record<string, unknown>>).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

/** The file and every chunk it loads, however deep, with their texts. */
function loadedFrom(file: string, texts = new Map<string, string>()): Map<string, string> {
  if (texts.has(file)) return texts;
  const text = readFileSync(`${ROOT}${file}`, 'utf8');
  texts.set(file, text);
  for (const specifier of specifiersOf(text)) {
    const target = targetOf(file, specifier);
    if (target !== undefined) loadedFrom(target, texts);
  }
  return texts;
}

const namesOf = (module: unknown): string[] =>
  Object.keys(module as object)
    .filter((name) => name !== 'default' && name !== '__esModule' && name !== 'module.exports')
    .sort();

describe('package.json', () => {
  const leaves = leavesOf(manifest.exports).filter(({ path }) => path[0] !== './models/*');

  test('exports only files that the build makes', () => {
    const scripts = leaves.filter(({ path }) => path.at(-1) !== 'types');
    expect(scripts.length).toBeGreaterThan(4);
    expect(scripts.filter(({ target }) => !existsSync(`${ROOT}${target}`))).toEqual([]);
  });

  test('gives every script the declarations of its own format', () => {
    for (const { path, target } of leaves.filter(({ path }) => path.at(-1) === 'types')) {
      const script = leaves.find((other) => other.path.join() === [...path.slice(0, -1), 'default'].join());
      expect(target).toBe(script?.target.replace(/\.(c?)js$/, '.d.$1ts'));
    }
  });

  test('lists types first, so that a resolver does not stop at the script', () => {
    for (const { path } of leaves.filter(({ path }) => path.at(-1) === 'types')) {
      const conditions = path.slice(0, -1).reduce<unknown>((value, key) => (value as Readonly<Record<string, unknown>>)[key], manifest.exports);
      expect(Object.keys(conditions as object)[0]).toBe('types');
    }
  });

  test('builds declarations for everything it exports', () => {
    const built = (tsupConfig as readonly Options[]).filter(({ dts }) => dts === true).flatMap(({ entry }) => Object.keys(entry as Record<string, string>));
    const exported = new Set(leaves.map(({ target }) => /^\.\/dist\/(.+?)\.(?:d\.)?c?[jt]s$/.exec(target)?.[1]).filter((name) => name !== undefined));
    // Kept apart for bundlers, not exported.
    const internal = new Set(['extract-answer']);
    expect([...exported].sort()).toEqual(built.filter((name) => !internal.has(name)).sort());
  });

  test('points older tools at the root for Node', () => {
    expect(leaves.filter(({ path }) => path.includes('node')).map(({ target }) => target)).toEqual(
      expect.arrayContaining([manifest.main, manifest.module, manifest.types]),
    );
  });

  test('has a command that starts by itself', () => {
    for (const file of Object.values(manifest.bin)) {
      expect(readFileSync(`${ROOT}${file}`, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
      expect(statSync(`${ROOT}${file}`).mode & 0o111).not.toBe(0);
    }
  });

  test('packs what the bundled models need', () => {
    expect(manifest.files).toEqual(expect.arrayContaining(['dist', 'models/tokenizer', 'models/target', 'models/draft', 'models/prm']));
  });
});

describe.each(Object.entries(PUBLIC_NAMES))('%s', (specifier, names) => {
  test('exports these names and no others, to import and to require', async () => {
    expect(namesOf(await import(/* @vite-ignore */ specifier))).toEqual([...names].sort());
    expect(namesOf(require(specifier))).toEqual([...names].sort());
  });

  test('exports nothing that is undefined', () => {
    const module = require(specifier) as Readonly<Record<string, unknown>>;
    expect(Object.entries(module).filter(([, value]) => value === undefined)).toEqual([]);
  });
});

describe('package by package', () => {
  const scripts = readdirSync(`${ROOT}dist`).filter((file) => file.endsWith('.js'));
  const texts = scripts.map((file) => readFileSync(`${ROOT}dist/${file}`, 'utf8'));
  const packagesIn = (found: readonly string[]): string[] =>
    [...new Set(found.filter((specifier) => !specifier.startsWith('.') && !isBuiltin(specifier)).map(packageOf))].sort();
  /** Those of `import()`. */
  const atNeed = (text: string): string[] => [...text.matchAll(/\bimport\(\s*["']([^"']+)["']/g)].map(([, specifier]) => specifier!);
  const always = (text: string): string[] => specifiersOf(text.replaceAll(/\bimport\(\s*["'][^"']+["']/g, '('));

  test('the build imports statically only what every install has, and the peers of adapters', () => {
    expect(packagesIn(texts.flatMap(always))).toEqual(['@langchain/core', ...Object.keys(manifest.dependencies)].sort());
  });

  test('the build imports what may be missing at need', () => {
    expect(Object.keys(manifest.optionalDependencies).sort()).toEqual(OPTIONAL);
    expect(packagesIn(texts.flatMap(atNeed)).filter((name) => !OPTIONAL.includes(name))).toEqual(['node-llama-cpp']);
  });
});

describe('the portable root', () => {
  test('exports what the root for Node exports, but for files and threads', async () => {
    expect(namesOf(await import(/* @vite-ignore */ `${ROOT}dist/index.js`))).toEqual([...PORTABLE_NAMES].sort());
    expect(namesOf(require(`${ROOT}dist/index.cjs`))).toEqual([...PORTABLE_NAMES].sort());
  });

  /** Packages and builtins that a built file and its chunks import, statically, dynamically or by `require`. */
  const packagesOf = (file: string): Set<string> =>
    new Set(
      [...loadedFrom(file)].flatMap(([loaded, text]) =>
        specifiersOf(text)
          .filter((specifier) => !targetOf(loaded, specifier))
          .map((specifier) => (isBuiltin(specifier) ? 'node:' : packageOf(specifier))),
      ),
    );

  test.each(['dist/index.js', 'dist/index.cjs'])('%s needs nothing of Node', (file) => {
    expect([...packagesOf(file)].sort()).toEqual(['@huggingface/transformers', 'eventemitter3', 'eventsource-parser', 'onnxruntime-web']);
  });

  test.each(['dist/worker.js', 'dist/worker.cjs'])('%s, which runs in a browser, needs nothing of Node', (file) => {
    expect([...packagesOf(file)].sort()).toEqual(['@huggingface/transformers', 'onnxruntime-web']);
  });

  test.each(['dist/serve.js', 'dist/serve.cjs'])('%s needs nothing of Node', (file) => {
    expect([...packagesOf(file)].sort()).toEqual(['eventemitter3']);
  });

  test.each(['dist/problems.js', 'dist/problems.cjs', 'dist/testing.js', 'dist/testing.cjs'])('%s needs no package at all', (file) => {
    expect([...packagesOf(file)]).toEqual([]);
  });

  test.each(['dist/index.node.js', 'dist/index.node.cjs'])('the search finds what %s needs of Node', (file) => {
    expect([...packagesOf(file)]).toEqual(expect.arrayContaining(['node:', 'eventemitter3']));
  });
});

test.each(['dist/cli.js', 'dist/model-worker.js', 'dist/index.node.js', 'dist/index.node.cjs'])('%s calls modules of Node by their prefix', (file) => {
  const builtins = [...loadedFrom(file).values()].flatMap((text) => specifiersOf(text).filter((specifier) => isBuiltin(specifier)));
  expect(builtins.length).toBeGreaterThan(0);
  expect(builtins.filter((specifier) => !specifier.startsWith('node:'))).toEqual([]);
});

describe('the bundled models', () => {
  test('are found from an import and from a require', async () => {
    const imported: typeof LatencyTts = await import('latency-tts');
    const required = require('latency-tts') as typeof LatencyTts;
    const [left, right] = [await imported.bundledModels(), await required.bundledModels()];
    expect(left.target.description).toEqual(right.target.description);
    expect(left.target.contextTokens).toBeGreaterThan(0);
  });
});
