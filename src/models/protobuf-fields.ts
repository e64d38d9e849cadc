/**
 * Messages of protocol buffers as lists of fields (https://protobuf.dev/programming-guides/encoding).
 *
 * @module
 */
import { PbfReader, PbfWriter } from 'pbf';

/** A field of a message. Bytes are not copied. */
export type Field = readonly [tag: number, value: Uint8Array | number];

export function readFields(bytes: Uint8Array): Field[] {
  const reader = new PbfReader(bytes);
  return reader.readFields<Field[]>((tag, fields, pbf) => fields.push([tag, readValue(pbf)]), []);
}

/** Whole numbers that were written as one field. */
export function readPacked(bytes: Uint8Array): number[] {
  const reader = new PbfReader(bytes);
  const values: number[] = [];
  while (reader.pos < reader.length) values.push(reader.readVarint(true));
  return values;
}

function readValue(pbf: PbfReader): Uint8Array | number {
  if (pbf.type === 0) return pbf.readVarint(true);
  if (pbf.type === 2) return pbf.readBytes();
  return pbf.type === 5 ? pbf.readFloat() : pbf.readDouble();
}

export function encodeFields(fields: readonly Field[]): Uint8Array[] {
  return fields.flatMap(([tag, value]) => (typeof value === 'number' ? [encodeNumber(tag, value)] : [encodeHead(tag, value.length), value]));
}

function encodeNumber(tag: number, value: number): Uint8Array {
  const writer = new PbfWriter();
  writer.writeVarintField(tag, value);
  return writer.finish();
}

/** What comes before `length` bytes of a field. */
export function encodeHead(tag: number, length: number): Uint8Array {
  const writer = new PbfWriter();
  writer.writeTag(tag, 2);
  writer.writeVarint(length);
  return writer.finish();
}

export function encodeText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function sizeOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

export function joinChunks(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(sizeOf(chunks));
  let next = 0;
  for (const chunk of chunks) {
    joined.set(chunk, next);
    next += chunk.length;
  }
  return joined;
}

export function bytesOf(fields: readonly Field[], tag: number): Uint8Array[] {
  return fields.filter(([field, value]) => field === tag && value instanceof Uint8Array).map(([, value]) => value as Uint8Array);
}

export function textsOf(fields: readonly Field[], tag: number): string[] {
  return bytesOf(fields, tag).map((bytes) => new TextDecoder().decode(bytes));
}

export function textOf(fields: readonly Field[], tag: number): string {
  return textsOf(fields, tag)[0] ?? '';
}
