/** What is wrong with a configuration: every problem at once, each with the place it is at, so that
 *  one run is enough to repair a file. */
import { SpoorError } from '../lib/errors.ts';

export interface ConfigProblem {
  /** Keys from the root: `['receivers', 'otlp', 'protocols']`. Empty for the whole document. */
  readonly path: readonly string[];
  readonly message: string;
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

/** `receivers::otlp::protocols::grpc: unknown key "endpint"` */
export function problemLine({ path, message }: ConfigProblem): string {
  return path.length === 0 ? message : `${path.join('::')}: ${message}`;
}

/** A single problem as an error. */
export function configError(
  code: ConfigErrorCode,
  path: readonly string[],
  message: string,
): ConfigError {
  return new ConfigError(code, [{ path, message }]);
}
