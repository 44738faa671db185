/** `node scripts/docs.ts --check`: are the documents what they should be? README.ko.md is the twin of
 *  README.md: the same outline, the same commands, the same links, so that neither falls behind. */
import { readFileSync } from 'node:fs';
import { differences } from './docs/twins.ts';

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');

const problems = differences(read('README.md'), read('README.ko.md'));
for (const problem of problems) console.error(`README.ko.md: ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;
