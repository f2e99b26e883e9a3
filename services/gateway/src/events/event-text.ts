import type { WriterSchema } from '@causeway/runtime/avro/codec';
import type { Envelope } from '@causeway/runtime/bus/envelope';
import { attributesText, toCloudEvent } from './cloud-event.ts';

/** Writes CloudEvents one behind the other into pieces of memory that a page holds as long as it lives. */
type EventTexts = {
  /** As stored in the inbox, without decoding it. @throws PermanentError `undecodable` */
  whole(event: Envelope, position: string, writer: WriterSchema, value: Buffer): Buffer;
  of(event: Envelope, position: string, data: unknown): Buffer;
};

const PIECE_BYTES = 65_536;
const END = 0x7d;

export const createEventTexts = (): EventTexts => {
  let piece = Buffer.allocUnsafe(0);
  let used = 0;
  return {
    whole(event, position, writer, value) {
      const attributes = attributesText(event, position);
      for (let size = PIECE_BYTES; ; size *= 2) {
        const at = used + piece.write(attributes, used, 'latin1');
        const end = writer.writeJson(value, piece, at);
        if (at - used === attributes.length && end < piece.length) {
          piece[end] = END;
          const text = piece.subarray(used, end + 1);
          used = end + 1;
          return text;
        }
        piece = Buffer.allocUnsafe(Math.max(size, end - used + attributes.length + 1));
        used = 0;
      }
    },
    of: (event, position, data) => Buffer.from(JSON.stringify(toCloudEvent(event, position, data))),
  };
};
