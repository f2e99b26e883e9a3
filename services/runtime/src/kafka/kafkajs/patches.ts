import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

const load = createRequire(import.meta.url);
const Encoder = load('kafkajs/src/protocol/encoder');
const Connection = load('kafkajs/src/network/connection');
const RequestQueue = load('kafkajs/src/network/requestQueue');
const patched = new WeakSet<object>();

/** Mends the client where its own behaviour costs time or leaks sockets. To be called before a client is made. */
export const applyPatches = (): void => {
  stopIdleTimers();
  prependInPlace();
  connectOnce();
};

/**
 * The client reschedules a timer for ever, with a negative delay, on every idle connection (its issues 1556,
 * 1704, 1751). Here a check is scheduled only while a request is waiting to be sent.
 */
const stopIdleTimers = () => {
  RequestQueue.prototype.scheduleCheckPendingRequests = function schedule(this: {
    throttleCheckTimeoutId: NodeJS.Timeout | null;
    throttledUntil: number;
    pending: unknown[];
    checkPendingRequests(): void;
  }) {
    if (this.throttleCheckTimeoutId || this.pending.length === 0) return;
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      Math.max(this.throttledUntil - Date.now(), 10),
    );
  };
};

type ClientEncoder = { buf: Buffer; offset: number; buffer: Buffer; roomy?: Buffer };

/** Where a request has room in front, what the client puts before it goes there instead of the request behind that. */
const prependInPlace = () => {
  if (patched.has(Encoder)) return;
  patched.add(Encoder);
  const { writeEncoder } = Encoder.prototype;
  Encoder.prototype.writeEncoder = function writeOrPrepend(this: ClientEncoder, value: ClientEncoder) {
    const { roomy, buffer } = value;
    const start = roomy ? roomy.length - buffer.length - this.offset : -1;
    if (!roomy || start < 0) return writeEncoder.call(this, value);
    this.buf.copy(roomy, start, 0, this.offset);
    this.buf = roomy.subarray(start);
    this.offset = this.buf.length;
    this.roomy = roomy;
    return this;
  };
};

/** How often the client has lost a connection of its own, which it opens again without a word. */
const losses = new WeakMap<object, number>();
export const lossesOf = (connection: object): number => losses.get(connection) ?? 0;

/**
 * Two calls that find a connection closed at the same time open two sockets each, of which the client forgets and
 * never closes one. Here the second caller waits for the first one's.
 */
const connectOnce = () => {
  if (patched.has(Connection)) return;
  patched.add(Connection);
  const connect: () => Promise<boolean> = Connection.prototype.connect;
  const underway = new WeakMap<object, Promise<boolean>>();
  Connection.prototype.connect = function connectShared(this: { socket?: Socket }) {
    const waiting = underway.get(this);
    if (waiting) return waiting;
    const connecting = connect
      .call(this)
      .then((connected) => {
        this.socket?.once('close', () => losses.set(this, lossesOf(this) + 1));
        return connected;
      })
      .finally(() => underway.delete(this));
    underway.set(this, connecting);
    return connecting;
  };
};
