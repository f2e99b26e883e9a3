import { RetryableError } from '@causeway/runtime/errors';

/**
 * The result of `work`, or a refusal when it takes longer.
 *
 * @throws RetryableError `no-answer`
 */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new RetryableError('no-answer', `no answer within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    // What comes after the deadline interests nobody any more, least of all as an unhandled rejection.
    work.catch(() => undefined);
  }
}
