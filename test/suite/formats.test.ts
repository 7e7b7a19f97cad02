import { FORMATS, MOCK_FORMATS } from '../../src/formats/index.ts';
import { listRules } from './choices.ts';
import { formatSuite } from './format-suite.ts';

for (const format of [...FORMATS, ...MOCK_FORMATS]) formatSuite(format);

listRules();
