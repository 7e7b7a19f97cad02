// Loaded before a program: prints the most memory that it ever held, KiB, as its last line on standard error.
import { isMainThread } from 'node:worker_threads';

if (isMainThread) process.on('exit', () => console.error(`\n${process.resourceUsage().maxRSS}`));
