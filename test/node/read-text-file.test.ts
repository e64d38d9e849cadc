import { describe, expect, test } from 'vitest';
import { decodeText } from '../../src/node/read-text-file.ts';

const TEXT = '{"text":"größer 🙂 数"}\n';
const little = Buffer.from(TEXT, 'utf16le');
const big = Buffer.from(little).swap16();
const utf8 = Buffer.from(TEXT);

describe('decodeText', () => {
  test.each([
    ['UTF-8', utf8],
    ['UTF-8 with a mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), utf8])],
    ['UTF-16LE with a mark', Buffer.concat([Buffer.from([0xff, 0xfe]), little])],
    ['UTF-16BE with a mark', Buffer.concat([Buffer.from([0xfe, 0xff]), big])],
    ['UTF-16LE without a mark', little],
    ['UTF-16BE without a mark', big],
  ])('reads %s', (_, bytes) => {
    expect(decodeText(bytes)).toBe(TEXT);
  });

  test('leaves out a character that is cut off, and refuses bytes that are no text', () => {
    expect(decodeText(Buffer.from('{"🙂').subarray(0, 4))).toBe('{"');
    expect(decodeText(Buffer.from('{"🙂', 'utf16le').subarray(0, 5))).toBe('{"');
    expect(decodeText(Buffer.from([]))).toBe('');
    expect(decodeText(Buffer.from('{'))).toBe('{');
    expect(() => decodeText(Buffer.from([0x7b, 0x22, 0xff, 0x22]))).toThrow(TypeError);
  });
});
