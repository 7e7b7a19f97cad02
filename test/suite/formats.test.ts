/** Every format of the library through the rules of `src/testing`. */
import { FORMATS, MOCK_FORMATS } from '../../src/formats/index.ts';
import { formatRules } from '../../src/testing/check-format.ts';
import { listRules } from '../../src/testing/rules/choices.ts';
import { runAsTests } from '../support/run-rules.ts';

for (const format of [...FORMATS, ...MOCK_FORMATS]) runAsTests(format.id, formatRules(format));

runAsTests('lists', listRules());
