/** What is wrong with a configuration: every problem at once, each with the place it is at, so that
 *  one run is enough to repair a file. */
import { SpoorError } from '../lib/errors.ts';

export interface ConfigProblem {
  /** Keys from the root: `['receivers', 'otlp', 'protocols']`. Empty for the whole document. */
  readonly path: readonly string[];
  readonly message: string;
  /** What to look at, where that is below `path`: the unknown key, the one item of a list. */
  readonly below?: readonly string[];
  /** Where it was written: `spoor.yaml:12:5`. */
  readonly at?: string | undefined;
}

export type ConfigErrorCode =
  /** A source could not be read, parsed or expanded. */
  | 'source_failed'
  /** The configuration was read but says something impossible. */
  | 'invalid_config';

export class ConfigError extends SpoorError<ConfigErrorCode> {
  readonly problems: readonly ConfigProblem[];

  constructor(code: ConfigErrorCode, problems: readonly ConfigProblem[], cause?: unknown) {
    super(code, problems.map(problemLine).join('\n'), { cause });
    this.problems = problems;
  }
}

/** `spoor.yaml:4:7: receivers::otlp::protocols::grpc: unknown key "endpont"` */
export function problemLine({ path, message, at }: ConfigProblem): string {
  const line = path.length === 0 ? message : `${path.join('::')}: ${message}`;
  return at === undefined ? line : `${at}: ${line}`;
}
