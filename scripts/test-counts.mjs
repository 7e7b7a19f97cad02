// Prints the counts of the last test run in one plain line, and the names of skipped tests.
// With --fail-on-skip a skipped test is a failure.
import { readFileSync } from 'node:fs';

const results = JSON.parse(readFileSync(new URL('../build/test-results.json', import.meta.url), 'utf8'));
const skipped = results.testResults.flatMap((file) =>
  file.assertionResults.filter(
    (test) => test.status === 'pending' || test.status === 'skipped' || test.status === 'todo',
  ),
);
for (const test of skipped) console.log(`skipped: ${test.fullName}`);
console.log(`${results.numPassedTests} passed, ${results.numFailedTests} failed, ${skipped.length} skipped`);
const bad = results.numFailedTests > 0 || results.numPassedTests === 0;
process.exitCode = bad || (process.argv.includes('--fail-on-skip') && skipped.length > 0) ? 1 : 0;
