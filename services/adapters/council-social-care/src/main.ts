import { runService } from '@causeway/runtime/service/service';
import { name, settings, start } from './adapter.ts';

await runService(name, settings, start);
