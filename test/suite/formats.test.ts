import { FORMATS } from '../../src/formats/index.ts';
import { listRules } from './choices.ts';
import { formatSuite } from './format-suite.ts';

for (const format of FORMATS) formatSuite(format);

listRules();
