import { describe, expect, test } from 'vitest';
import { receiveError, transferError } from '../../src/port/transferred-error.ts';
import * as errors from '../../src/errors.ts';

const { ContextLengthError, DisposedError, InvalidOptionError, isLatencyTtsError, LatencyTtsError, ModelError, ModelLoadError, NoCandidateError } = errors;

/** One of each class that is thrown. */
const EXAMPLES = [
  new InvalidOptionError('sampling.topP', 'a number from 0 to 1', 2, 'Pass a share.'),
  new ModelError('The model failed.'),
  new ModelLoadError('/models/a', 'There is no model.'),
  new errors.LocalRuntimeMissingError('onnxruntime-node', 'Install it.', { cause: new Error('no such library') }),
  new errors.ModelMemoryError('/models/a', 8e9, 2e9),
  new errors.ChatTemplateError('Roles must alternate.'),
  new ContextLengthError(603, 512),
  new NoCandidateError('deadline', []),
  new errors.ServerError('rate-limit', 'The server wants fewer requests.', { status: 429, isRetryable: true, retryAfterMs: 1_000 }),
  new errors.VocabularyMismatchError('target', 255, 'draft', 32_000),
  new errors.DeviceMemoryError('The pass failed'),
  new errors.DeviceLostError('The pass failed'),
  new errors.ProfileMismatchError('a on b', ['Its target is “a”, not “c”.']),
  new errors.NotRecordedError('a prompt that was recorded', 'Record it.'),
  new errors.InfeasiblePlanError({ deadlineMs: 5, shortestDeadlineMs: 20 }),
  new DisposedError('session'),
];

/** What happens to an error on its way to another thread. */
function sendAcross(error: unknown): Error {
  return receiveError(structuredClone(transferError(error)));
}

/** An error's own fields by name. */
function fieldsOf(error: Error): Record<string, unknown> {
  return Object.fromEntries(Object.entries(error));
}

describe('an error that crosses threads', () => {
  test('has an example here for every class', () => {
    const classes = Object.values(errors).filter((value) => Object.prototype.isPrototypeOf.call(LatencyTtsError, value));
    expect(new Set(EXAMPLES.map((error) => error.constructor))).toEqual(new Set(classes));
  });

  test.each(EXAMPLES)('keeps class, code, fields, message and stack: $name', (error) => {
    const received = sendAcross(error);
    expect(received.constructor).toBe(error.constructor);
    expect(received.message).toBe(error.message);
    expect(received.stack).toBe(error.stack);
    expect(fieldsOf(received)).toEqual(fieldsOf(error));
    expect(isLatencyTtsError(received)).toBe(true);
    expect(String(received)).toBe(String(error));
  });

  test('keeps the code of an error of ours without a class of its own', () => {
    const received = sendAcross(new LatencyTtsError('LTTS_OTHER', 'Something else.'));
    expect(received).toMatchObject({ name: 'LatencyTtsError', code: 'LTTS_OTHER', message: 'Something else.' });
    expect(received).toBeInstanceOf(LatencyTtsError);
  });

  test('keeps name and message where the class is not ours', () => {
    const received = sendAcross(new RangeError('Invalid array length'));
    expect(received).toBeInstanceOf(Error);
    expect(received).toMatchObject({ name: 'RangeError', message: 'Invalid array length' });
    expect(isLatencyTtsError(received)).toBe(false);
  });

  test('does not pass the fields of a foreign error for ours', () => {
    const error = Object.assign(new Error('no file'), { code: 'ENOENT', handle: () => 1 });
    expect(fieldsOf(sendAcross(error))).toEqual({ name: 'Error' });
  });

  test('turns what cannot be cloned into text', () => {
    const error = new NoCandidateError('completed', [new Error('first'), 'second', 3]);
    expect(sendAcross(error)).toMatchObject({ errors: ['Error: first', 'second', 3], stopReason: 'completed' });
  });

  test('keeps its class where a bundler has given it another name', () => {
    const error = Object.assign(new ContextLengthError(603, 512), { name: 'e' });
    expect(sendAcross(error)).toBeInstanceOf(ContextLengthError);
    const impostor = Object.assign(new Error('not ours'), { name: 'ContextLengthError' });
    expect(sendAcross(impostor)).not.toBeInstanceOf(ContextLengthError);
  });

  test('keeps its causes, each with class, fields and stack, out of sight as before', () => {
    const root = new RangeError('Invalid array length');
    const middle = new ModelLoadError('/models/a', 'There is no model.', { cause: root });
    const received = sendAcross(new ModelError('The model failed.', { cause: middle }));
    const cause = received.cause as errors.ModelLoadError;
    expect(cause).toBeInstanceOf(ModelLoadError);
    expect(fieldsOf(cause)).toEqual(fieldsOf(middle));
    expect([cause.message, cause.stack]).toEqual([middle.message, middle.stack]);
    expect(cause.cause).toMatchObject({ name: 'RangeError', message: 'Invalid array length', stack: root.stack });
    expect(Object.keys(received)).not.toContain('cause');
    expect(sendAcross(new Error('outer', { cause: root })).cause).toMatchObject({ message: root.message });
  });

  test.each([
    ['text', 'text'],
    [7, 7],
    [undefined, undefined],
    [null, null],
    [{ toString: (): string => 'an object' }, 'an object'],
    [Symbol('sign'), 'Symbol(sign)'],
  ])('keeps a cause that is no error: %s', (cause, expected) => {
    const received = sendAcross(new ModelError('The model failed.', { cause }));
    expect('cause' in received).toBe(true);
    expect(received.cause).toBe(expected);
  });

  test('has no cause where there was none', () => {
    expect('cause' in sendAcross(new ModelError('The model failed.'))).toBe(false);
  });

  test('ends a chain of causes that has no end', () => {
    const error = new Error('round');
    error.cause = error;
    let depth = 0;
    for (let received: unknown = sendAcross(error); received instanceof Error; received = received.cause) depth++;
    expect(depth).toBeGreaterThan(2);
    expect(depth).toBeLessThan(20);
  });

  test.each([
    ['text', 'text'],
    [undefined, 'undefined'],
    [null, 'null'],
    [{ toString: (): string => 'an object' }, 'an object'],
  ])('is an error on arrival even where something else was thrown: %s', (thrown, message) => {
    expect(sendAcross(thrown)).toBeInstanceOf(Error);
    expect(sendAcross(thrown).message).toBe(message);
  });

  test('does not make its message and stack show up among its fields', () => {
    expect(Object.keys(sendAcross(new ModelError('The model failed.'))).sort()).toEqual(['code', 'name']);
  });
});
