// Run in a process of its own: measures the row of the given index and prints it.
import { MEASURES } from './rows.ts';

console.log(JSON.stringify(MEASURES[Number(process.argv[2])]?.()));
