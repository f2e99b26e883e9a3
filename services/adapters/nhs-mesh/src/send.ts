/** Puts files into the mailbox of the sandbox: `node src/send.ts <file…>`. */
import { readFileSync } from 'node:fs';
import { createSender } from './sender.ts';
import { sendingOf } from './simulator.ts';

const sender = createSender(process.env.NHS_MESH_URL || 'http://127.0.0.1:8700');
for (const path of process.argv.slice(2)) {
  const id = await sender.send(sendingOf(path, readFileSync(path)));
  process.stdout.write(`${path}: ${id}\n`);
}
