import { connect, type Socket } from 'node:net';
import { stayMessage } from '../../services/adapters/nhs-trust/src/synthetic.ts';
import { perSecond, print, spread } from './report.ts';
import { residentMb, startWorld } from './world.ts';

const CONNECTIONS = [1, 8, 32];
const WARM_MS = 3_000;
const MEASURED_MS = 8_000;
const FS = 0x1c;

/** A sender as engines are: one message at a time, the next after the answer. */
const createSender = (address: { host: string; port: number }) => {
  const socket: Socket = connect({ ...address, noDelay: true });
  let answered: (code: string) => void = () => {};
  let answer = '';
  socket.on('data', (data) => {
    answer += data.toString('latin1');
    if (!data.includes(FS)) return;
    answered(/MSA\|(\w\w)/.exec(answer)?.[1] ?? '');
    answer = '';
  });
  return {
    send: (framed: Buffer) =>
      new Promise<string>((resolve, reject) => {
        answered = resolve;
        socket.once('error', reject);
        socket.write(framed, () => socket.removeListener('error', reject));
      }),
    close: () => socket.destroy(),
  };
};

const framedMessage = (number: number): Buffer => {
  const message = stayMessage({
    trigger: 'A01',
    stay: number,
    controlId: `B${number}`,
    at: new Date(1_770_000_000_000 + number * 1_000),
  });
  return Buffer.concat([Buffer.from([0x0b]), message, Buffer.from([FS, 0x0d])]);
};

export const benchMllp = async (): Promise<void> => {
  const world = await startWorld(['nhs-trust']);
  let number = 0;
  const run = async (connections: number, ms: number) => {
    const url = new URL(world.system.endpoints['nhs-trust']?.url ?? '');
    const samples: number[] = [];
    const until = performance.now() + ms;
    const refused: string[] = [];
    await Promise.all(
      Array.from({ length: connections }, async () => {
        const sender = createSender({ host: url.hostname, port: Number(url.port) });
        while (performance.now() < until) {
          number += 1;
          const message = framedMessage(number);
          const began = performance.now();
          const code = await sender.send(message);
          samples.push(performance.now() - began);
          if (code !== 'AA') refused.push(code);
        }
        sender.close();
      }),
    );
    if (refused.length > 0) throw new Error(`${refused.length} messages were answered ${refused[0]}`);
    return samples;
  };
  try {
    await run(8, WARM_MS);
    for (const connections of CONNECTIONS) {
      const samples = await run(connections, MEASURED_MS);
      print(
        `${connections} connection${connections > 1 ? 's' : ''}: ${perSecond(samples.length, MEASURED_MS)} messages/s to AA, ${spread(samples)}`,
      );
    }
    print(`nhs-trust: ${residentMb(world.system.processes()['nhs-trust'])} MB resident`);
  } finally {
    await world.stop();
  }
};
