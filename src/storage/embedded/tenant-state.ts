/** `catalogue.json`: what a tenant's folder must remember besides its data files. */

import { crc32 } from 'node:zlib';
import type { CatalogueState } from './catalogue.ts';

export interface TenantState {
  /** No flush below this number is to come, even when all files are gone. */
  readonly nextFlush: number;
  /** Records of the log up to here are in files, or were and have been removed by retention. */
  readonly walTo: number;
  readonly catalogue: CatalogueState;
}

const FORMAT = 1;

export function encodeTenantState(state: TenantState): Uint8Array {
  const { nextFlush, walTo, catalogue } = state;
  const content = { format: FORMAT, nextFlush, walTo, catalogue };
  const text = JSON.stringify({ crc32: crc32(JSON.stringify(content)), ...content });
  return new TextEncoder().encode(`${text}\n`);
}

/** Undefined when the bytes are none: its content can be done without. */
export function decodeTenantState(bytes: Uint8Array): TenantState | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isTenantState(parsed) && isWhole(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Text that is written back is the text that was read. The first versions wrote no checksum. */
function isWhole(value: TenantState & { readonly crc32?: unknown }): boolean {
  const { crc32: written, ...content } = value;
  return written === undefined || written === crc32(JSON.stringify(content));
}

function isTenantState(value: unknown): value is TenantState {
  if (!isObject(value) || value['format'] !== FORMAT) return false;
  const { nextFlush, walTo, catalogue } = value;
  if (typeof nextFlush !== 'number' || typeof walTo !== 'number' || !isObject(catalogue)) {
    return false;
  }
  return Array.isArray(catalogue['operations']) && Array.isArray(catalogue['keys']);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
