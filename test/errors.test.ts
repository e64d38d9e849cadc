import { describe, expect, test } from 'vitest';
import * as errors from '../src/errors.ts';

const {
  ChatTemplateError,
  ContextLengthError,
  DeviceLostError,
  DeviceMemoryError,
  DisposedError,
  InfeasiblePlanError,
  InvalidOptionError,
  isLatencyTtsError,
  LatencyTtsError,
  LocalRuntimeMissingError,
  ModelError,
  ModelLoadError,
  ModelMemoryError,
  NoCandidateError,
  ProfileMismatchError,
  NotRecordedError,
  ServerError,
  VocabularyMismatchError,
} = errors;

/** One of each class, with the code that callers may rely on. */
const EXAMPLES = [
  { error: new LatencyTtsError('LTTS_OTHER', 'Something else.'), name: 'LatencyTtsError', code: 'LTTS_OTHER' },
  { error: new InvalidOptionError('count', 'a whole number', 1.5), name: 'InvalidOptionError', code: 'LTTS_INVALID_OPTION' },
  { error: new ModelError('The model failed.'), name: 'ModelError', code: 'LTTS_MODEL' },
  { error: new ServerError('status', 'The server failed.', { status: 500 }), name: 'ServerError', code: 'LTTS_SERVER' },
  { error: new ModelLoadError('/models/a', 'There is no model.'), name: 'ModelLoadError', code: 'LTTS_MODEL_LOAD' },
  {
    error: new LocalRuntimeMissingError('onnxruntime-node', 'Install it.', { cause: new Error('no such library') }),
    name: 'LocalRuntimeMissingError',
    code: 'LTTS_LOCAL_RUNTIME_MISSING',
  },
  { error: new ModelMemoryError('/models/a', 8e9, 2e9), name: 'ModelMemoryError', code: 'LTTS_MODEL_MEMORY' },
  { error: new ChatTemplateError('Roles must alternate.'), name: 'ChatTemplateError', code: 'LTTS_CHAT_TEMPLATE' },
  { error: new ContextLengthError(603, 512), name: 'ContextLengthError', code: 'LTTS_CONTEXT_LENGTH' },
  { error: new DeviceMemoryError('The pass failed'), name: 'DeviceMemoryError', code: 'LTTS_DEVICE_MEMORY' },
  { error: new DeviceLostError('The pass failed'), name: 'DeviceLostError', code: 'LTTS_DEVICE_LOST' },
  { error: new NoCandidateError('deadline', []), name: 'NoCandidateError', code: 'LTTS_NO_CANDIDATE' },
  { error: new VocabularyMismatchError('target', 255, 'draft', 32_000), name: 'VocabularyMismatchError', code: 'LTTS_VOCABULARY_MISMATCH' },
  { error: new NotRecordedError('a prompt that was recorded', 'Record it.'), name: 'NotRecordedError', code: 'LTTS_NOT_RECORDED' },
  { error: new InfeasiblePlanError({ deadlineMs: 5, shortestDeadlineMs: 20 }), name: 'InfeasiblePlanError', code: 'LTTS_INFEASIBLE_PLAN' },
  { error: new ProfileMismatchError('a on b', ['Its target is “a”, not “c”.']), name: 'ProfileMismatchError', code: 'LTTS_PROFILE_MISMATCH' },
  { error: new DisposedError('session'), name: 'DisposedError', code: 'LTTS_DISPOSED' },
];

describe('every error', () => {
  test('has an example here', () => {
    const classes = Object.values(errors).filter((value) => Object.prototype.isPrototypeOf.call(Error, value));
    expect(EXAMPLES.map(({ error }) => error.constructor).sort()).toEqual(classes.sort());
  });

  test.each(EXAMPLES)('$name has its name, its code and its base class', ({ error, name, code }) => {
    expect(error).toBeInstanceOf(LatencyTtsError);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe(name);
    expect(error.code).toBe(code);
    expect(String(error)).toBe(`${name}: ${error.message}`);
  });

  test.each(EXAMPLES)('$name says it in whole sentences', ({ error }) => {
    expect(error.message).toMatch(/^[A-Z].*\.$/);
  });

  test('has a code of its own', () => {
    expect(new Set(EXAMPLES.map(({ code }) => code)).size).toBe(EXAMPLES.length);
  });
});

describe('InvalidOptionError', () => {
  test('says what was expected, what came, and what to do', () => {
    const error = new InvalidOptionError('sampling.topP', 'a number from 0 to 1', 2, 'Pass a share.');
    expect(error.message).toBe('Expected `sampling.topP` to be a number from 0 to 1, got `2` (number). Pass a share.');
    expect(error.option).toBe('sampling.topP');
  });

  test.each([
    ['soon', '`"soon"`'],
    [' ', '`" "`'],
    [NaN, '`NaN` (number)'],
    [-0.5, '`-0.5` (number)'],
    [false, '`false` (boolean)'],
    [10n, '`10` (bigint)'],
    [null, '`null`'],
    [undefined, 'a value of type undefined'],
    [['a'], 'a list of 1'],
    [[], 'an empty list'],
    [{}, 'a value of type object'],
    [Symbol('x'), 'a value of type symbol'],
    [() => 1, 'a value of type function'],
  ])('describes %o as %s', (received, description) => {
    expect(new InvalidOptionError('x', 'right', received).message).toBe(`Expected \`x\` to be right, got ${description}.`);
  });
});

describe('ModelError and ModelLoadError', () => {
  test('keep their cause', () => {
    const cause = new Error('out of memory');
    expect(new ModelError('The model failed.', { cause }).cause).toBe(cause);
    expect(new ModelLoadError('/models/a', 'There is no model.', { cause })).toMatchObject({ cause, source: '/models/a' });
  });
});

describe('LocalRuntimeMissingError', () => {
  test('tells a package that is not there from one that does not work', () => {
    const missing = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
    const say = (cause: Error): string => new LocalRuntimeMissingError('onnxruntime-node', 'Install it.', { cause }).message;
    expect(say(missing)).toBe('Models on this machine need the optional package onnxruntime-node, which is not installed. Install it.');
    expect(say(new Error('libc is too old\nat …'))).toMatch(/which cannot be loaded \(libc is too old\)\. Install it\.$/);
  });
});

describe('ContextLengthError', () => {
  test('tells both lengths and what to do', () => {
    const error = new ContextLengthError(603, 512);
    expect(error).toMatchObject({ neededTokens: 603, contextTokens: 512 });
    expect(error.message).toMatch(/603 tokens.*512.*Shorten the prompt/);
  });
});

describe('NoCandidateError', () => {
  test('tells why the run ended and what failed first', () => {
    const failures = [new Error('first'), new Error('second')];
    const error = new NoCandidateError('completed', failures);
    expect(error).toMatchObject({ stopReason: 'completed', errors: failures, cause: failures[0] });
    expect(error.message).toBe('The run ended (completed) before any branch produced text. First failure: first');
  });

  test('says nothing of failures where there was none', () => {
    expect(new NoCandidateError('deadline', []).message).toBe(
      'The run ended (deadline) before any branch produced text. Allow more time, or sample fewer branches.',
    );
  });
});

describe('VocabularyMismatchError', () => {
  test('names both models and both sizes', () => {
    const error = new VocabularyMismatchError('target', 255, 'draft', 32_000);
    expect(error).toMatchObject({ targetSize: 255, draftSize: 32_000 });
    expect(error.message).toBe("The models target and draft have 255 and 32000 tokens. Choose a draft with the target's tokenizer.");
  });

  test('says that ids differ in meaning where the sizes are equal', () => {
    expect(new VocabularyMismatchError('target', 255, 'draft', 255).message).toMatch(/give different meanings to token ids/);
  });
});

describe('DisposedError', () => {
  test('names what has been disposed', () => {
    expect(new DisposedError('session').message).toBe('The session has been disposed. Open a new one.');
  });
});

describe('isLatencyTtsError', () => {
  test.each(EXAMPLES)('recognises $name', ({ error }) => {
    expect(isLatencyTtsError(error)).toBe(true);
  });

  test('recognises an error of another copy of the library by its code', () => {
    expect(isLatencyTtsError(Object.assign(new Error('elsewhere'), { code: 'LTTS_MODEL' }))).toBe(true);
  });

  test.each([
    ['an error without a code', new Error('plain')],
    ['an error of another library', Object.assign(new Error('no file'), { code: 'ENOENT' })],
    ['a code that is not text', Object.assign(new Error('odd'), { code: 7 })],
    ['something with the code that is no error', { code: 'LTTS_MODEL' }],
    ['null', null],
    ['undefined', undefined],
    ['text', 'LTTS_MODEL'],
  ])('does not take %s for one', (_, value) => {
    expect(isLatencyTtsError(value)).toBe(false);
  });
});
