import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * A cursor is a reader's position in its inbox: the next fetch offset of every partition. It is opaque to
 * the reader, needs no state at the gateway, and is worth nothing to another organisation:
 *
 *     version (1 byte) | partitions (1 byte) | one LEB128 offset per partition | MAC (16 bytes)
 *
 * in base64url. The MAC covers the organisation too, which is not written into the cursor itself.
 */
export type Cursors = {
  issue(organisation: string, offsets: readonly number[]): string;
  /** The offsets, or undefined where the cursor was not issued here for this organisation. */
  read(cursor: string, organisation: string): number[] | undefined;
};

const VERSION = 1;
const MAC_BYTES = 16;
/** 255 partitions at eight bytes each: nothing longer was ever issued. */
const MAX_CHARACTERS = 2800;

/** `keys`: the first one signs; the others are still accepted, so that a key can be changed without a break. */
export const createCursors = (keys: readonly string[]): Cursors => {
  const [current] = keys;
  if (current === undefined || current === '') throw new Error('A cursor needs at least one key');
  return {
    issue(organisation, offsets) {
      const body = encodeOffsets(offsets);
      return Buffer.concat([body, authenticate(current, organisation, body)]).toString('base64url');
    },
    read(cursor, organisation) {
      const bytes = decodeText(cursor);
      if (bytes === undefined || bytes.length < MAC_BYTES + 2) return undefined;
      const body = bytes.subarray(0, -MAC_BYTES);
      const mac = bytes.subarray(-MAC_BYTES);
      const issuedHere = keys.some((key) => timingSafeEqual(authenticate(key, organisation, body), mac));
      return issuedHere ? decodeOffsets(body) : undefined;
    },
  };
};

const authenticate = (key: string, organisation: string, body: Buffer): Buffer => {
  const mac = createHmac('sha256', key).update(`causeway cursor\0${organisation}\0`).update(body).digest();
  return mac.subarray(0, MAC_BYTES);
};

/** Node's decoder passes over what is not base64url; a cursor has exactly one spelling. */
const decodeText = (cursor: string): Buffer | undefined => {
  if (cursor.length > MAX_CHARACTERS) return undefined;
  const bytes = Buffer.from(cursor, 'base64url');
  return bytes.toString('base64url') === cursor ? bytes : undefined;
};

const encodeOffsets = (offsets: readonly number[]): Buffer => {
  if (offsets.length > 255) throw new RangeError('A cursor holds at most 255 partitions');
  const bytes = [VERSION, offsets.length];
  for (const offset of offsets) {
    if (!Number.isSafeInteger(offset) || offset < 0)
      throw new RangeError('An offset is a whole number from 0');
    let rest = offset;
    while (rest >= 128) {
      bytes.push((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    bytes.push(rest);
  }
  return Buffer.from(bytes);
};

/** Only ever sees bytes that this gateway signed, so another form means another version of it. */
const decodeOffsets = (body: Buffer): number[] | undefined => {
  if (body[0] !== VERSION) return undefined;
  const offsets: number[] = [];
  let offset = 0;
  let weight = 1;
  for (const byte of body.subarray(2)) {
    offset += (byte % 128) * weight;
    weight *= 128;
    if (byte < 128) {
      offsets.push(offset);
      offset = 0;
      weight = 1;
    }
  }
  const whole = weight === 1 && offsets.length === body[1];
  return whole && offsets.every(Number.isSafeInteger) ? offsets : undefined;
};
