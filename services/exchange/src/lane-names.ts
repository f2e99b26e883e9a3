import {
  LANES_GROUP,
  LANES_TOPIC,
  laneTransactionalId,
  REDRIVE_TRANSACTIONAL_ID,
} from '@causeway/runtime/bus/topics';

/** Where the instances of one exchange share out their lanes, and the transactional ids by which one fences another. */
export type LaneNames = {
  topic: string;
  group: string;
  redriveWriter: string;
  writer(lane: number): string;
};

/** @param prefix none on a bus; exchanges of tests on one broker have one each */
export const laneNames = (prefix = ''): LaneNames => ({
  topic: prefix + LANES_TOPIC,
  group: prefix + LANES_GROUP,
  redriveWriter: prefix + REDRIVE_TRANSACTIONAL_ID,
  writer: (lane) => prefix + laneTransactionalId(lane),
});
