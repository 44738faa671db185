/** Which clients this machine has. Where one is missing its tests are counted as skipped, with
 *  what to install in their title; in CI, where setup.mjs must have brought everything, nothing is
 *  skipped and a missing one fails. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { interopPlaces, isCurrent } from './setup.mjs';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const here = fileURLToPath(new URL('./', import.meta.url));

const places = interopPlaces(root);
const isCi = process.env['CI'] === 'true';

export const python = {
  isMissing: !isCi && !isCurrent(places.python),
  note: isCurrent(places.python) ? '' : ' (needs Python 3.10+ with venv; then run npm test)',
  bin: (name: string): string => join(places.python.to, 'bin', name),
};

const { to: java } = places.java;

export const jvm = {
  isMissing: !isCi && !isCurrent(places.java),
  note: isCurrent(places.java) ? '' : ' (needs a JDK 17+ and Maven; then run npm test)',
  /** Small and quick to start: these programs live for seconds. */
  flags: ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m'],
  classes: join(java, 'target', 'classes'),
  springClassPath: `${join(java, 'target', 'classes')}:${join(java, 'lib', '*')}`,
  agent: join(java, 'opentelemetry-javaagent.jar'),
};
