/** What the sides of the adapter share: the database source, the file source and the sink are one process and one outbox. */
import type { AdapterParts } from '@causeway/runtime/adapter/adapter';
import type { Redriven } from '@causeway/runtime/delivery/redrive-worker';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';

/** The adapter's name: the second part of `ce_source`, and of its consumer and table names. */
export const ADAPTER = 'council-social-care';

export type Parts = AdapterParts & {
  /** Tries once more what a source kept as a dead letter. @throws PermanentError, RetryableError */
  redriveSource(letter: FetchedRecord): Promise<Redriven>;
};
