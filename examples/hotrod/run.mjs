/** Starts HotROD: `npm run demo`. Needs Node >= 22.18, which runs the TypeScript as it is. */
import { main } from './launch.ts';

process.exitCode = await main(process.argv.slice(2));
