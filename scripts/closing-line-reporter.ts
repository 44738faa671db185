/** Ends every test run with what was skipped and why, then `N passed, N failed, N skipped` alone on
 *  the last line. A file that does not load and an error outside any test count as failures. */
import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** A test whose file or group could not be prepared did not choose to be skipped. */
function reasonFor(test: TestCase, note: string | undefined): string {
  if (note !== undefined) return note;
  return test.parent.state() === 'failed' ? 'its set-up failed' : 'no reason given';
}

export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    const broken = modules.filter((module) => module.errors().length > 0).length;
    for (const test of tests) {
      const result = test.result();
      if (result.state !== 'skipped') continue;
      console.log(`skipped: ${test.fullName}: ${reasonFor(test, result.note)}`);
    }
    const failed = count('failed') + count('pending') + broken + unhandled.length;
    console.log(`${count('passed')} passed, ${failed} failed, ${count('skipped')} skipped`);
  }
}
