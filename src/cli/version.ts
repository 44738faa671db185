/** `spoor version`. */
import { readFileSync } from 'node:fs';

/** package.json lies two folders up from both src/cli and dist/cli. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const parsed: unknown = JSON.parse(text);
  const hasVersion = typeof parsed === 'object' && parsed !== null && 'version' in parsed;
  return hasVersion ? String(parsed.version) : 'unknown';
}

export async function run(): Promise<number> {
  const { node } = process.versions;
  process.stdout.write(
    `spoor ${packageVersion()} (Node.js ${node}, ${process.platform}-${process.arch})\n`,
  );
  return 0;
}
