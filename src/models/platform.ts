interface Realm {
  readonly process?: { readonly versions?: { readonly node?: unknown } };
}

/** Whether this is Node, where ONNX Runtime is a native library. */
export const isNode = typeof (globalThis as Realm).process?.versions?.node === 'string';
