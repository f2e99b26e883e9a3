/** Every `event` of a log line of level `info` and above: what it means and what to do. `docs/log-events.md` is made from it. */
export const LOG_EVENTS = {
  'acknowledgement.not_sent':
    'A legacy system answered an event that can no longer be acknowledged, or not now; ring the source if the answer matters.',
  'acknowledgement.skipped':
    'A contact has a state that is not `seen`, `accepted`, `not-ours` or `unable`; correct it in the contact table.',
  'checkpoint.unreadable':
    'The last signed checkpoint cannot be read; check the topic `checkpoints` and the keys in `CHECKPOINT_KEY`.',
  'cleanup.failed':
    'Old rows could not be removed and are removed next time; look at PostgreSQL if it repeats.',
  'connection.refused':
    'An MLLP connection was refused because the most allowed are open; look for a sender that does not close its connections.',
  'database.connection_lost': 'A database connection was lost; normal when PostgreSQL restarts.',
  'database.migrated': 'The tables were brought up to date; nothing to do.',
  'database.migrating': 'The migration tool warns of something; read the message.',
  'dedup.degraded':
    'Recent event ids could not be loaded, so each is looked up in the database; slower, and nothing to do unless it lasts.',
  'dedup.retrying':
    'Published events cannot be recorded in the database and the write is retried; look at PostgreSQL.',
  'delivery.gap':
    'Events expired from an inbox before they were delivered; inform the receiver, and find out why delivery stopped.',
  'delivery.not_recorded':
    'Deliveries were made and could not be recorded for display; look at PostgreSQL if it repeats.',
  'delivery.retrying':
    'A delivery cannot be recorded and the write is retried; look at PostgreSQL and Kafka.',
  'event.overdue': 'An event was not delivered or acknowledged in time; ring the recipient.',
  'file.read': 'A file in the drop folder was read; a count of refused rows is for its sender.',
  'inbox.missing':
    'An organisation has an access token and no readable inbox; check its entry and whether the deployment step has run.',
  'inbox.retrying': 'An inbox cannot be read and the read is retried; look at Kafka and the registry.',
  'kafka.recovered': 'Kafka answers the console again; nothing to do.',
  'kafka.unavailable': 'Kafka does not answer the console; look at the brokers.',
  'lane.assigned': 'The lanes of this instance changed; normal when an instance starts or stops.',
  'lane.restarted':
    'A lane restarts from its ledger position; normal when Kafka restarts or another instance takes over (`fenced`).',
  'ledger.broken':
    'A ledger does not verify; keep an export, verify it, and find out who wrote to the topic.',
  'loop.recovered': 'The work that `loop` names succeeds again; nothing to do.',
  'loop.retrying': 'The work that `loop` names failed and is retried; `code` of the error names the cause.',
  'mailbox.opened': 'The MESH mailbox is open; nothing to do.',
  'outbox.gap':
    'Events were deleted from an outbox before they were read; the source must send those facts again.',
  'page.unavailable': 'A page cannot be shown because a part does not answer; `code` names it.',
  'partition.released':
    'A delivery partition passed to another instance; normal when instances start or stop.',
  'partition.stopped':
    'The outbox and the ledger of an organisation do not match and the partition waits for an operator; see the runbook.',
  'producer.replaced': 'A send was rejected and the producer identity replaced; normal when Kafka restarts.',
  'publishing.not_recorded':
    'Published events could not be confirmed in the database; look at PostgreSQL if it repeats.',
  'read_receipt.not_recorded':
    'A read receipt could not be recorded; look at Kafka and PostgreSQL if it repeats.',
  'receiver.paused': 'A receiver keeps failing and deliveries to it are paused; ring its team.',
  'receiver.resumed': 'A receiver accepts events again; nothing to do.',
  'record.held':
    'A record waits until it can be decided; with `registry-unavailable` look at the registry, with `unknown-schema` it becomes a dead letter after 30 s.',
  'record.skipped': 'A record cannot be read or applied and was skipped; find out who wrote it.',
  'redrive.delayed': 'A redrive was recorded and could not be sent yet; it is retried.',
  'redrive.expired': 'The dead letter to redrive has expired; ask the source to send the fact again.',
  'redrive.finished': 'A dead letter was redriven; `outcome` says with what result.',
  'redrive.not_recorded':
    'A redrive was queued and could not be recorded for display; look at Kafka if it repeats.',
  'redrive.resent': 'Redrives that were requested earlier were sent; nothing to do.',
  'reporting_view.recovered': 'A reporting view can be read again; nothing to do.',
  'reporting_view.retrying':
    'A reporting view cannot be read and the read is retried; ask the analyst about the view that the line names.',
  'request.failed':
    'A request was answered with status 500 or above; `err` says why, and the caller has the same `instance`.',
  'request.handled': 'The audit line of one request; nothing to do.',
  'server.listening': 'The service accepts connections at this address; nothing to do.',
  'service.exited': 'A second signal ended the service at once; nothing to do.',
  'service.failed': 'The service ends because of an unforeseen error; report it with the line.',
  'service.part_not_stopped': 'A part did not stop cleanly; nothing is lost, report it if it repeats.',
  'service.start_failed': 'The service cannot start; the message and `problems` say what to change.',
  'service.started': 'The service has started; nothing to do.',
  'service.stop_timed_out':
    'The service did not stop in time and ends now; `parts` names what was still at work.',
  'service.stopped': 'The service has stopped; nothing to do.',
  'service.stopping': 'The service stops, for the `reason` given; nothing to do.',
  'sign_in.refused': 'A sign-in was refused; `refusal` or `code` says why.',
  'sign_in.unavailable': 'A sign-in cannot start; look at the OpenID provider.',
  'simulator.received': 'A simulated system received a document; development only.',
  'simulator.retrying': 'A simulated system failed and retries; development only.',
  'simulator.sent': 'A simulated system sent a document; development only.',
  'simulator.started': 'A simulated system has started; development only.',
  'sink.disabled':
    'The setting that the line names is missing, so nothing is delivered and what partners send stays in the inbox.',
  'source.dead_lettered':
    'A message was kept as a dead letter; `reason` says why, and the bytes are in `dead-letter.<organisation>`.',
  'source.disabled': 'The setting that the line names is missing, so nothing is read from that source.',
  'source.failed':
    'A message could not be handled because of a fault of Causeway; report it. The message is not lost.',
  'source.refused':
    'Messages could not be kept and the sender was asked to send again; look at Kafka and PostgreSQL.',
  'source.retrying':
    'The source cannot read or publish and retries; with `unknown-schema` run the deployment step of this version, otherwise look at the part that `code` names.',
  'source.standby': 'Another instance reads the source and this one waits to take over; nothing to do.',
  'stream.failed': 'An event stream ended because of an error; the client connects again.',
  'subscription.ended': 'A webhook subscription ended for the `reason` given; inform the subscriber.',
  'subscription.not_ended': 'A subscription could not be ended and the end is retried; look at PostgreSQL.',
  'subscription.retrying': 'Subscriptions cannot be read or started and are retried; `code` names the cause.',
  'transaction.recovered': 'A hanging transaction of a lane was ended; normal after a broker crash.',
  'view.retrying':
    'A view cannot be prepared; look at the registry, and with `cannot-project` at agreements that grant one field in forms that do not combine.',
} as const;

/** An event of the list, or one of an adapter that a partner wrote: those begin with `adapter.`. */
export type LogEvent = keyof typeof LOG_EVENTS | `adapter.${string}`;
