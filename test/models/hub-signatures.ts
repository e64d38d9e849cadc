/** Signatures of the hub fixtures, as `test/fixtures/hub/README.md` has them. */
import type { InferenceSession } from 'onnxruntime-node';

const AXES: Readonly<Record<string, string>> = {
  B: 'batch_size',
  S: 'sequence_length',
  P: 'past_sequence_length',
  T: 'total_sequence_length',
  M: 'attention_mask_sequence_length',
  BxH: 'batch_size x num_heads',
};

export interface Signature {
  readonly in: readonly string[];
  readonly out: readonly string[];
}

/** What the README's block says of each file, with its abbreviations written out. */
export function signaturesOf(readme: string): Map<string, Signature> {
  const lines = /```signatures\n(.*?)\n```/s.exec(readme)![1]!.split('\n');
  const signatures = new Map<string, Signature>();
  for (let start = 0; start < lines.length; start += 3) {
    const [file, ins, outs] = lines.slice(start, start + 3) as [string, string, string];
    signatures.set(file, { in: writtenOut(ins.replace('  in ', '')), out: writtenOut(outs.replace('  out ', '')) });
  }
  return signatures;
}

function writtenOut(values: string): string[] {
  return values
    .split(' ')
    .flatMap(expandedBraces)
    .map((value) =>
      value.replace(/\[(.*)\]/, (_, axes: string) => {
        const names = axes.split(',').map((axis) => axis.split('+').map((part) => AXES[part] ?? part));
        return `[${names.map((parts) => parts.join(' + ')).join(',')}]`;
      }),
    );
}

/** `a.{0,1}.{b,c}` is a.0.b, a.0.c, a.1.b, a.1.c. */
function expandedBraces(pattern: string): string[] {
  const match = /^(.*?)\{(.*?)\}(.*)$/.exec(pattern);
  if (match === null) return [pattern];
  const [, before, choices, after] = match as unknown as [string, string, string, string];
  return choices.split(',').flatMap((choice) => expandedBraces(before + choice + after));
}

export function described(values: readonly InferenceSession.ValueMetadata[]): string[] {
  return values.map((value) => (value.isTensor ? `${value.name}:${value.type}[${value.shape.join(',')}]` : value.name));
}
