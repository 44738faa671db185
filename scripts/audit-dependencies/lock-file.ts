/** What package-lock.json promises: the same tree on every platform, from whichever registry the
 *  user has, with nothing run at installation and nothing whose licence we cannot pass on. */

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface LockFile {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

/** Licences of what users receive; what only builds or tests may also be copyleft by file. */
const permissive = /^(MIT|ISC|0BSD|Apache-2\.0|BSD-[23]-Clause|BlueOak-1\.0\.0|Unlicense)$/;
const forTools = /^(MPL-2\.0|CC-BY-4\.0)$/;

/** npm looks for a dependency beside its dependent, then ever further out. */
function locate(lock: LockFile, from: string, name: string): LockedPackage | undefined {
  for (let place = from; ; place = place.slice(0, place.lastIndexOf('/node_modules/'))) {
    const found = lock.packages[`${place}/node_modules/${name}`];
    if (found !== undefined) return found;
    if (!place.includes('/node_modules/')) return lock.packages[`node_modules/${name}`];
  }
}

function licenceProblem(path: string, locked: LockedPackage): string[] {
  const licence = locked.license ?? 'none';
  const isTool = locked.dev === true || locked.devOptional === true;
  if (permissive.test(licence) || (isTool && forTools.test(licence))) return [];
  return [`${path}: licence ${licence}`];
}

/** A binary package that the author's registry lacked is silently left out of the lock file, and
 *  users of that platform get a tree that does not start. */
function missingPlatforms(lock: LockFile, path: string, locked: LockedPackage): string[] {
  return Object.entries(locked.optionalDependencies ?? {}).flatMap(([name, wanted]) => {
    const found = locate(lock, path, name);
    if (found?.version === undefined) return [`${path}: ${name} is not locked`];
    const isExact = /^\d/.test(wanted);
    return isExact && found.version !== wanted
      ? [`${path}: ${name} is locked as ${found.version}, wanted ${wanted}`]
      : [];
  });
}

/** Every broken promise, empty when all are kept. */
export function lockProblems(lock: LockFile): string[] {
  return Object.entries(lock.packages)
    .filter(([path]) => path !== '')
    .flatMap(([path, locked]) => [
      ...licenceProblem(path, locked),
      ...missingPlatforms(lock, path, locked),
      ...(locked.resolved === undefined ? [] : [`${path}: names a registry`]),
    ]);
}
