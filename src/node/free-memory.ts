import { freemem, totalmem } from 'node:os';
import process from 'node:process';

/** Node has it from 20.13 on. */
interface MemoryReport {
  /** Within the limits of the process, of its container for instance. */
  availableMemory?(): number;
}

/** Bytes that weights may take. */
export function freeMemoryBytes(): number {
  // Elsewhere what files are cached in does not count as free, though it is given up when it is needed.
  if (process.platform !== 'linux') return totalmem();
  return (process as MemoryReport).availableMemory?.() ?? freemem();
}
