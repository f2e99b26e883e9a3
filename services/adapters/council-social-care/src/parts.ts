/** What the sides of the adapter share: the database source, the file source and the sink are one process and one outbox. */
import type { Agreements } from '@causeway/runtime/agreements';
import type { Codec } from '@causeway/runtime/avro';
import type { Database } from '@causeway/runtime/database';
import type { Kafka } from '@causeway/runtime/kafka';
import type { FetchedRecord } from '@causeway/runtime/kafka-session';
import type { Organisations } from '@causeway/runtime/organisations';
import type { Redriven } from '@causeway/runtime/redriver';
import type { Source } from '@causeway/runtime/source';
import type { Tokeniser } from '@causeway/runtime/tokens';
import type { Contact } from '@causeway/schemas/generated/types';

/** The adapter's name: the second part of `ce_source`, and of its consumer and table names. */
export const ADAPTER = 'council-social-care';

export type Parts = {
  organisation: string;
  kafka: Kafka;
  codec: Codec;
  /** The adapter's own state; the council's reporting database is another one. */
  database: Database;
  agreements: Agreements;
  organisations: Organisations;
  tokeniser: Tokeniser;
  source: Source;
  /** Whom to ring about an event. */
  contact(): Contact;
  /** Tries once more what a source kept as a dead letter. @throws PermanentError, RetryableError */
  redriveSource(letter: FetchedRecord): Promise<Redriven>;
};
