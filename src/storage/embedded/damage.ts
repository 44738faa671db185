/** What has been found damaged: each thing is told once in the log, shown by health as long as the
 *  file is part of the store, and counted. The rest of the store is there and answers. */

import { sep } from 'node:path';
import type { Logger } from '../../lib/logger.ts';
import { tenantDirectory } from './directory.ts';
import type { OpenedEngine } from './recovery.ts';

/** More are counted and not named. */
const NAMED_MAX = 100;
/** Beyond so many, what is met again counts again. */
const KNOWN_MAX = 10_000;

export class Damage {
  readonly #logger: Logger;
  readonly #known = new Set<string>();
  readonly #named = new Set<string>();
  readonly #atStart: readonly string[];
  readonly #missing: readonly string[];
  #count: number;

  /** What was found at start could not become part of the store, and has been told already. */
  constructor(
    { damage: atStart, missing }: Pick<OpenedEngine, 'damage' | 'missing'>,
    logger: Logger,
  ) {
    this.#atStart = atStart;
    this.#missing = missing;
    this.#count = atStart.length;
    this.#logger = logger;
  }

  note(problem: string): void {
    if (this.#known.has(problem)) return;
    this.#count++;
    if (this.#known.size < KNOWN_MAX) this.#known.add(problem);
    if (this.#named.size >= NAMED_MAX) return;
    this.#named.add(problem);
    this.#logger.error({}, problem);
  }

  /** Things found since start. */
  get count(): number {
    return this.#count;
  }

  /** What every answer for the tenant may lack, as was found at start. */
  missingFor(tenant: string): readonly string[] {
    const { root } = tenantDirectory(sep, tenant);
    const others = `${sep}tenants${sep}`;
    return this.#missing.filter((one) => one.includes(`${root}${sep}`) || !one.includes(others));
  }

  /** For people. `paths`: of the files that are part of the store. */
  problems(paths: readonly string[]): string[] {
    const still = [...this.#named].filter((problem) =>
      paths.some((path) => problem.includes(path)),
    );
    return [...this.#atStart, ...still];
  }
}
