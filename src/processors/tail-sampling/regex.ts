/** RE2 patterns of policies. */

import { RE2JS } from 're2js';
import { PipelineError } from '../../component/consumer.ts';

/** Whether the pattern is anywhere in a text. */
export function compileRegex(pattern: string): (text: string) => boolean {
  try {
    const compiled = RE2JS.compile(pattern);
    return (text) => compiled.matcher(text).find();
  } catch (cause) {
    throw new PipelineError('bad_settings', `"${pattern}" is not a regular expression`, { cause });
  }
}
