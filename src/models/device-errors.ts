import { DeviceLostError, DeviceMemoryError, ModelError } from '../errors.ts';

/** What runtimes and drivers say; they give no codes. */
const MEMORY =
  /out of memory|outofmemory|bad_alloc|failed to allocate|allocation failed|(exceed|larger|greater)\w*[^.]*\b(max\w*(buffer|binding|storage)\w*|buffer size)|cannot allocate/i;
const LOST = /device\W+(is|was|has been)?\W*lost|devicelost|device_lost|lost device|external instance reference no longer exists/i;

/**
 * What a runtime has thrown, as an error that says whether the device has no room, or is gone.
 *
 * @param what - What failed, as the beginning of a sentence.
 */
export function asDeviceError(error: unknown, what: string): ModelError {
  if (error instanceof ModelError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  if (LOST.test(detail)) return new DeviceLostError(`${what} (${detail})`, { cause: error });
  if (MEMORY.test(detail)) return new DeviceMemoryError(`${what} (${detail})`, { cause: error });
  return new ModelError(`${what}: ${detail}`, { cause: error });
}

/** Frees what may lie on a device. On one that is lost it is gone already. */
export async function releaseFromDevice(...owned: readonly { release(): Promise<void> }[]): Promise<void> {
  try {
    for (const each of owned) await each.release();
  } catch (error) {
    if (!(asDeviceError(error, 'The model could not be freed') instanceof DeviceLostError)) throw error;
  }
}
