import { describe, expect, test } from 'vitest';
import { modelDirectories, parseJson } from '../../src/models/model-files.ts';

describe('JSON as Python writes it', () => {
  test.each<[string, unknown]>([
    ['{"a": Infinity, "b": -Infinity, "c": NaN}', { a: Infinity, b: -Infinity, c: null }],
    ['[Infinity,1e3,NaN]', [Infinity, 1000, null]],
    ['{"Infinity": "NaN, -Infinity", "b": Infinity}', { Infinity: 'NaN, -Infinity', b: Infinity }],
    [String.raw`{"a": "\"NaN\" \\", "b": NaN}`, { a: '"NaN" \\', b: null }],
    ['{"a": 1}', { a: 1 }],
  ])('%s', (text, expected) => {
    expect(parseJson(text)).toEqual(expected);
  });

  test.each(['', '{', '{"a": Infinity', '{"a": infinity}', '{"a": xNaN}'])('%j is none', (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });
});

describe('where a model’s files are looked for', () => {
  const settings = { allowLocalModels: true, localModelPath: '/local/', useFSCache: true, cacheDir: '/cache/' };

  test.each<[string, object, object, readonly string[]]>([
    ['owner/name', {}, {}, ['owner/name', '/local/owner/name', '/cache/owner/name']],
    ['owner/name', { revision: 'v2', cacheDir: '/other' }, {}, ['owner/name', '/local/owner/name', '/other/owner/name/v2']],
    ['owner/name', {}, { allowLocalModels: false, useFSCache: false }, ['owner/name']],
    ['owner/name', {}, { cacheDir: null }, ['owner/name', '/local/owner/name']],
    ['./a/model/', {}, {}, ['./a/model']],
    ['/a/b/c', {}, {}, ['/a/b/c']],
  ])('%s, %j, %j', (location, options, changed, expected) => {
    expect(modelDirectories(location, options, { ...settings, ...changed })).toEqual(expected);
  });
});
